/* Which table of kernels runs: found once from what the processor and the system support. */
#include "../kernels/kernels.h"

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

/* The tables of a level, in the order of cc_type. */
#define CC_TABLES(symbol, each) \
    each(symbol##_f32) each(symbol##_f64) each(symbol##_i8) each(symbol##_u8) each(symbol##_i16) \
        each(symbol##_u16) each(symbol##_i32) each(symbol##_u32) each(symbol##_i64) \
            each(symbol##_u64)

#define CC_DECLARE(table) extern const cc_kernels cc_kernels_##table;
#define CC_LEVEL(symbol, name) CC_TABLES(symbol, CC_DECLARE)
#include "levels.h"
#undef CC_LEVEL

#if defined(__x86_64__) || defined(__i386__)
/* Registers that the operating system saves: the XCR0 word. The caller has seen OSXSAVE. */
static uint64_t saved_state(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

static bool has(uint32_t word, uint32_t bits) { return (word & bits) == bits; }

/* The level of the x86-64 psABI that this machine reaches: 1 (baseline), 3 or 4. */
static int x86_level(void)
{
    enum { YMM = 0x06, ZMM = 0xe6 };
    unsigned a, b, c, d, extended_c, leaf7_b;
    if (!__get_cpuid(1, &a, &b, &c, &d))
        return 1;
    if (!has(c, bit_FMA | bit_MOVBE | bit_OSXSAVE | bit_AVX | bit_F16C))
        return 1;
    const uint64_t state = saved_state();
    if (!__get_cpuid(0x80000001u, &a, &b, &extended_c, &d) ||
        !__get_cpuid_count(7, 0, &a, &leaf7_b, &c, &d))
        return 1;
    if ((state & YMM) != YMM || !has(leaf7_b, bit_AVX2 | bit_BMI | bit_BMI2) ||
        !has(extended_c, 1u << 5 /* LZCNT */))
        return 1;
    if ((state & ZMM) != ZMM ||
        !has(leaf7_b, bit_AVX512F | bit_AVX512BW | bit_AVX512CD | bit_AVX512DQ | bit_AVX512VL))
        return 3;
    return 4;
}
static bool supports_x86_64_v3(void) { return x86_level() >= 3; }
static bool supports_x86_64_v4(void) { return x86_level() >= 4; }
#endif
#ifdef CC_HAS_BASELINE
static bool supports_baseline(void) { return true; }
#endif
#ifdef CC_HAS_NEON
static bool supports_neon(void) { return true; } /* AArch64 always has it */
#endif

static const struct {
    const char *name;
    bool (*supported)(void);
    const cc_kernels *kernels[CC_TYPES];
} levels[] = {
#define CC_ADDRESS(table) &cc_kernels_##table,
#define CC_LEVEL(symbol, name) {name, supports_##symbol, {CC_TABLES(symbol, CC_ADDRESS)}},
#include "levels.h"
#undef CC_LEVEL
};
enum { LEVELS = sizeof levels / sizeof levels[0] };

static int chosen; /* written by cc_isa_choose() when the package is imported, before any use */

const char *cc_isa_name(int i) { return i >= 0 && i < LEVELS ? levels[i].name : NULL; }
bool cc_isa_available(int i) { return i >= 0 && i < LEVELS && levels[i].supported(); }
int cc_isa_chosen(void) { return chosen; }
void cc_isa_choose(int i) { chosen = i; }

const cc_kernels *cc_kernels_of(cc_type type) { return levels[chosen].kernels[type]; }

int64_t cc_fma_probe(cc_type type, int64_t rounds)
{
    return cc_kernels_of(type)->fma_probe(rounds);
}
