/* Says which of the ways of strategies.def a pooling takes, and why not the others. */
#include "border.h"

const char *cc_pool_rejects(const cc_pool *problem, cc_type type, int strategy)
{
    cc_pool simpler = *problem;
    cc_pool_drop_copies(&simpler);
    cc_pool_plan made;
    cc_pool_make_plan(&made, &simpler, type, 1);
    const cc_pool_plan *plan = &made;
    const struct {
        bool takes;
        const char *why_not;
    } rows[] = {
#define CC_STRATEGY(name, takes, why_not) {takes, why_not},
#include "strategies.def"
#undef CC_STRATEGY
    };
    return rows[strategy].takes ? NULL : rows[strategy].why_not;
}
