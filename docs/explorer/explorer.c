/* The explorer's side of the library: where the page and the tests find every setting, fact and
 * number. plan.c reads the settings, run.c computes, look.c tells what belongs together.
 */
#include "explorer.h"
#include "kernel_set.h"

#define NAME(name, ...) #name,
#define LEAST(name, least, most, first) least,
#define MOST(name, least, most, first) most,
#define FIRST(name, least, most, first) first,
static const char *const setting_names[] = {SETTINGS(NAME)}, *const fact_names[] = {FACTS(NAME)};
const int32_t least[] = {SETTINGS(LEAST)}, most[] = {SETTINGS(MOST)};
int32_t settings[] = {SETTINGS(FIRST)}, facts[FACT_COUNT];

int32_t EXPORT(explorer_setting_count)(void) { return SETTING_COUNT; }
int32_t EXPORT(explorer_fact_count)(void) { return FACT_COUNT; }
const char *EXPORT(explorer_setting_name)(int32_t i) { return setting_names[i]; }
const char *EXPORT(explorer_fact_name)(int32_t i) { return fact_names[i]; }
int32_t EXPORT(explorer_least)(int32_t i) { return least[i]; }
int32_t EXPORT(explorer_most)(int32_t i) { return most[i]; }
int32_t *EXPORT(explorer_settings)(void) { return settings; }
int32_t *EXPORT(explorer_facts)(void) { return facts; }
double *EXPORT(explorer_input)(void) { return input; }
double *EXPORT(explorer_weights)(void) { return weights; }
double *EXPORT(explorer_output)(void) { return output; }
double *EXPORT(explorer_gradient)(void) { return gradient; }
double *EXPORT(explorer_input_gradient)(void) { return input_gradient; }
double *EXPORT(explorer_weight_gradient)(void) { return weight_gradient; }
int32_t *EXPORT(explorer_usage)(void) { return usage; }
int32_t *EXPORT(explorer_kernel_of)(void) { return kernel_of; }
