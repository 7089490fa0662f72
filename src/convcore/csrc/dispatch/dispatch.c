/* Which table of kernels runs: found once from what the processor and the system support. */
#include "../kernels/kernels.h"
#include "cpu.h"

#if !defined(__aarch64__)
bool cc_runs_baseline(void) { return true; } /* no more is asked than what the compiler assumes */
#endif

#define CC_ISA(symbol, name, processors, ...) \
    CC_IF_##processors(extern const cc_kernels *const cc_tables_##symbol[CC_TYPES];)
#include "isa.def"
#undef CC_ISA

static const struct {
    const char *name;
    bool (*runs)(void);
    const cc_kernels *const *tables;
} levels[] = {
#define CC_ISA(symbol, name, processors, ...) \
    CC_IF_##processors({name, cc_runs_##symbol, cc_tables_##symbol}, )
#include "isa.def"
#undef CC_ISA
};
enum { LEVELS = sizeof levels / sizeof levels[0] };

static int chosen; /* written by cc_isa_choose() when the package is imported, before any use */

const char *cc_isa_name(int i) { return i >= 0 && i < LEVELS ? levels[i].name : NULL; }
bool cc_isa_available(int i) { return i >= 0 && i < LEVELS && levels[i].runs(); }
int cc_isa_chosen(void) { return chosen; }
void cc_isa_choose(int i) { chosen = i; }

const cc_kernels *cc_kernels_of(cc_type type) { return levels[chosen].tables[type]; }

int64_t cc_fma_probe(cc_type type, int64_t rounds)
{
    return cc_kernels_of(type)->fma_probe(rounds);
}
