/* v^p in double precision, the same bits on every machine: the C libraries' pow() differ in the
 * last bit. Additions, multiplications and divisions alone, each rounded for itself
 * (-ffp-contract=off).
 *
 *   v^p = 2^(p log2 v),  v = 2^e m,  s = (m - 1) / (m + 1),
 *   log2 m = (2 / ln 2) (s + s^3/3 + s^5/5 + ...)
 *
 * The exponent may be as large as 1024, and what it loses the power loses as a factor: so log2 v
 * and its product with p are kept as sums of two doubles, whose error is below 2^-64 of them. The
 * power is within 0.6 of its last place, and exact where it is a double.
 */
#ifndef CC_POWER_H
#define CC_POWER_H

#include "vec.h"

#include <float.h>
#include <string.h>

/* Vectors of doubles, of integers as wide, and of what comparisons give. */
typedef double doubles __attribute__((vector_size(CC_VECTOR_BYTES)));
typedef uint64_t words __attribute__((vector_size(CC_VECTOR_BYTES)));
typedef int64_t choices __attribute__((vector_size(CC_VECTOR_BYTES)));
enum { DOUBLES = CC_VECTOR_BYTES / 8 };

/* Numbers as unevaluated sums of two, the second less than the last place of the first. */
typedef struct {
    doubles high, low;
} wide;

/* The same of one number. */
typedef struct {
    double high, low;
} exponent;

CC_INLINE doubles either(choices where, doubles a, doubles b)
{
    return (doubles)(((choices)a & where) | ((choices)b & ~where));
}

/* a + b exactly; |a| >= |b|, or a is 0. */
CC_INLINE wide sum_of(doubles a, doubles b)
{
    const doubles sum = a + b;
    return (wide){sum, b - (sum - a)};
}

/* a * b exactly, if nothing overflows or vanishes: with what a fused operation finds that the
 * product has lost, or the same from the factors' halves of 26 bits. */
CC_INLINE wide product_of(doubles a, doubles b)
{
    const doubles product = a * b;
#if CC_VECTOR_BYTES == 64 && defined(__AVX512F__)
    return (wide){product, (doubles)_mm512_fmsub_pd((__m512d)a, (__m512d)b, (__m512d)product)};
#elif CC_VECTOR_BYTES == 32 && defined(__FMA__)
    return (wide){product, (doubles)_mm256_fmsub_pd((__m256d)a, (__m256d)b, (__m256d)product)};
#else
    const double cut = 0x1p27 + 1;
    const doubles a_cut = cut * a, a1 = a_cut - (a_cut - a), a2 = a - a1;
    const doubles b_cut = cut * b, b1 = b_cut - (b_cut - b), b2 = b - b1;
    return (wide){product, ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2};
#endif
}

CC_INLINE wide times(wide a, wide b)
{
    const wide p = product_of(a.high, b.high);
    return sum_of(p.high, p.low + (a.high * b.low + a.low * b.high));
}

CC_INLINE wide times_constant(wide a, double high, double low)
{
    const doubles none = {0};
    return times(a, (wide){none + high, none + low});
}

/* Adding it rounds to an integer, which then stands in the lowest bits. */
#define CC_TO_INTEGER 0x1.8p52
#define CC_TO_INTEGER_BITS 0x4338000000000000u

/* log2 v, v > 0 and finite. */
CC_INLINE wide binary_logarithm(doubles v)
{
    const choices tiny = v < DBL_MIN;
    const doubles none = {0}, scaled = either(tiny, v * 0x1p54, v);
    /* m from the root of 1/2 to that of 2; its exponent counts from -1024, to shift no sign */
    const uint64_t root = 0x3fe6a09e667f3bcd, from = (uint64_t)1024 << 52;
    const words bits = (words)scaled, e = (bits - root + from) >> 52;
    const doubles m = (doubles)(bits - (e << 52) + from);
    const doubles of_bits = (doubles)(e + CC_TO_INTEGER_BITS) - (CC_TO_INTEGER + 1024);
    const doubles power = of_bits - either(tiny, none + 54, none);

    const choices small = m < 1;
    const wide below = sum_of(either(small, none + 1, m), either(small, m, none + 1));
    const doubles above = m - 1, ratio = above / below.high;
    const wide back = product_of(ratio, below.high);
    const doubles remainder = (above - back.high) - back.low - ratio * below.low;
    const wide s = sum_of(ratio, remainder / below.high);
    const wide square = times(s, s);
    doubles tail = none + 1.0 / 29;
    CC_UNROLL
    for (int odd = 27; odd >= 5; odd -= 2) tail = 1.0 / odd + square.high * tail;
    wide inner = sum_of(none + 0x1.5555555555555p-2, square.high * tail); /* 1/3 + ... */
    inner.low += 0x1.5555555555555p-56;
    const wide series = times(square, inner);
    wide one = sum_of(none + 1, series.high);
    one.low += series.low;
    const wide l = times_constant(times(s, one), 0x1.71547652b82fep+1, 0x1.777d0ffda0d24p-55);
    const wide total = sum_of(power, l.high);
    return sum_of(total.high, total.low + l.low);
}

/* 2^y */
CC_INLINE doubles binary_power(wide y)
{
    const double most = 1100; /* what lies beyond is 0 or infinite */
    const doubles none = {0}, to_most = either(y.high > most, none + most, y.high);
    const doubles high = either(to_most < -most, none - most, to_most);
    const doubles low = either(high == y.high, y.low, none), rounded = high + CC_TO_INTEGER;
    const wide u = times_constant(sum_of(high - (rounded - CC_TO_INTEGER), low),
                                  0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56); /* ln 2 */
    const doubles x = u.high;
    static const double inverse[] = {
        1.0 / 2,         1.0 / 6,          1.0 / 24,         1.0 / 120,     1.0 / 720,
        1.0 / 5040,      1.0 / 40320,      1.0 / 362880,     1.0 / 3628800, 1.0 / 39916800,
        1.0 / 479001600, 1.0 / 6227020800, 1.0 / 87178291200}; /* of factorials */
    doubles tail = none + inverse[12];
    CC_UNROLL
    for (int i = 11; i >= 0; i--) tail = inverse[i] + x * tail;
    const wide one = sum_of(none + 1, x);
    const doubles power = one.high + (one.low + (u.low + u.low * x + x * x * tail));
    /* in two steps, so that both factors are normal numbers */
    const words k = (words)rounded - CC_TO_INTEGER_BITS + 4096, half = k >> 1;
    const words first = (half - 2048 + 1023) << 52, second = (k - half - 2048 + 1023) << 52;
    return power * (doubles)first * (doubles)second;
}

/* v^p, v >= 0 or NaN, p > 0. */
CC_INLINE doubles power_of(doubles v, exponent p)
{
    if (p.high > 0x1p80) /* gives 0, 1 or infinity, as this does */
        p = (exponent){0x1p80, 0};
    const doubles none = {0};
    const choices plain = (v > 0) & (v <= DBL_MAX);
    const wide l = binary_logarithm(either(plain, v, none + 1));
    return either(plain, binary_power(times_constant(l, p.high, p.low)), v);
}

/* 1 / p and p - 1, p >= 1, with what a double loses of them. */
CC_INLINE exponent inverse_of(double p)
{
    const double high = 1 / p;
    if (p > 0x1p80)
        return (exponent){high, 0};
    const wide back = product_of((doubles){0} + high, (doubles){0} + p);
    return (exponent){high, ((1 - back.high[0]) - back.low[0]) / p};
}

CC_INLINE exponent less_one(double p)
{
    const double high = p - 1;
    return (exponent){high, (p - high) - 1};
}

/* Replaces values >= 0 by their p-th powers. */
static __attribute__((noinline)) void raise(double *values, ptrdiff_t count, exponent p)
{
    for (ptrdiff_t i = 0; i < count; i += DOUBLES) {
        const size_t left = count - i < DOUBLES ? (size_t)(count - i) : DOUBLES;
        doubles v = {0};
        if (left == DOUBLES)
            memcpy(&v, values + i, sizeof v);
        else
            memcpy(&v, values + i, left * sizeof(double));
        v = power_of(v, p);
        if (left == DOUBLES)
            memcpy(values + i, &v, sizeof v);
        else
            memcpy(values + i, &v, left * sizeof(double));
    }
}

#endif
