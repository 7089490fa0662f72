/* What x86 processors support, and whether the system saves the registers for it. */
#include "cpu.h"

#include <stdint.h>

#if defined(__x86_64__)
#include <cpuid.h>

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
bool cc_runs_x86_64_v3(void) { return x86_level() >= 3; }
bool cc_runs_x86_64_v4(void) { return x86_level() >= 4; }
#endif
