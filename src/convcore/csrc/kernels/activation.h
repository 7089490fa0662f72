/* Activations of a vector (convcore.h). A part of post_ops.c.
 *
 * Those with an exponential are within a few units of the last place of float32, and of float64.
 * exp(x) = 2^n (1 + q): n is x / ln 2, rounded, and q = exp(r) - 1 of what remains, |r| <= ln(2) /
 * 2, a Taylor polynomial. With n = 0 exp(x) - 1 is q itself, as exact for small x as x is.
 */
#ifndef CC_ACTIVATION_KERNEL_H
#define CC_ACTIVATION_KERNEL_H

#include "vec.h"

#if CC_REAL_BYTES == 4
enum { EXP_DEGREE = 7, MANTISSA = 23 };
#define EXP_LEAST ((real) - 87.0)
#define EXP_MOST ((real)88.8) /* 2^128: infinity */
#define LN2_HIGH ((real)0.693359375)
#define LN2_LOW ((real) - 2.12194440e-4)
#else
enum { EXP_DEGREE = 13, MANTISSA = 52 };
#define EXP_LEAST ((real) - 708.0)
#define EXP_MOST ((real)709.9) /* 2^1024: infinity */
#define LN2_HIGH ((real)0.693147180369123816490)
#define LN2_LOW ((real)1.90821492927058770002e-10)
#endif

typedef struct {
    vec scale, q; /* 2^n and q */
} exponential;

CC_INLINE vec at_most(vec x, vec most) { return select_lanes(x > most, x, most); }
CC_INLINE vec at_least(vec x, vec least) { return select_lanes(x < least, x, least); }

CC_INLINE exponential exp_of(vec x)
{
    x = at_most(at_least(x, splat(EXP_LEAST)), splat(EXP_MOST));
    /* Adding this leaves x / ln 2, rounded, in the last bits of the mantissa. */
    const vec magic = splat((real)1.5 * (real)((uint64_t)1 << MANTISSA));
    const vec shifted = x * splat((real)1.4426950408889634) + magic;
    const vec n = shifted - magic;
    const vec r = (x - n * splat(LN2_HIGH)) - n * splat(LN2_LOW);
    static const double factorial[] = {
        1, 1, 2, 6, 24, 120, 720, 5040, 40320, 362880, 3628800, 39916800, 479001600, 6227020800};
    vec sum = splat((real)(1 / factorial[EXP_DEGREE]));
    CC_UNROLL
    for (int i = EXP_DEGREE - 1; i > 0; i--) sum = sum * r + splat((real)(1 / factorial[i]));
    const lane_bits exponent = ((lane_bits)shifted - (lane_bits)magic) << MANTISSA;
    return (exponential){(vec)(exponent + (lane_bits)splat(1)), sum * r};
}

CC_INLINE vec expm1_of(vec x)
{
    const exponential e = exp_of(x);
    return (e.scale - splat(1)) + e.scale * e.q;
}

CC_INLINE vec sigmoid(vec x)
{
    const exponential e = exp_of(-x);
    return splat(1) / (splat(1) + e.scale * (splat(1) + e.q)); /* 1 + q > 0: infinity stays */
}

/* (exp(2x) - 1) / (exp(2x) + 1) */
CC_INLINE vec tanh_of(vec x)
{
    const vec two = splat(2), y = expm1_of(at_most(two * x, splat(EXP_MOST / 2)));
    return y / (y + two);
}

CC_INLINE vec polynomial(vec x, const double *coefficient, int degree)
{
    vec sum = splat((real)coefficient[0]);
    CC_UNROLL
    for (int i = 1; i <= degree; i++) sum = sum * x + splat((real)coefficient[i]);
    return sum;
}

/* 1 + erf(x): W. J. Cody, Rational Chebyshev approximations for the error function, Mathematics of
 * Computation 23 (1969). His second interval ends at 4, but beyond it serves as well here. */
CC_INLINE vec one_plus_erf(vec x)
{
    static const double near[] = {1.85777706184603153e-1, 3.16112374387056560e0,
                                  1.13864154151050156e2, 3.77485237685302021e2,
                                  3.20937758913846947e3};
    static const double under_near[] = {1.0, 2.36012909523441209e1, 2.44024637934444173e2,
                                        1.28261652607737228e3, 2.84423683343917062e3};
    static const double far[] = {
        2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e0,
        6.61191906371416295e1,  2.98635138197400131e2,  8.81952221241769090e2,
        1.71204761263407058e3,  2.05107837782607147e3,  1.23033935479799725e3};
    static const double under_far[] = {1.0,
                                       1.57449261107098347e1,
                                       1.17693950891312499e2,
                                       5.37181101862009858e2,
                                       1.62138957456669019e3,
                                       3.29079923573345963e3,
                                       4.36261909014324716e3,
                                       3.43936767414372164e3,
                                       1.23033935480374942e3};
    const vec size = at_most(select_lanes(x < splat(0), x, -x), splat(30)), square = size * size;
    const vec small = x * polynomial(square, near, 4) / polynomial(square, under_near, 4);
    /* so small that it would soon be subnormal, it is 0 */
    const vec least = splat(EXP_LEAST + 8);
    const exponential e = exp_of(at_least(-square, least));
    vec tail =
        e.scale * (splat(1) + e.q) * polynomial(size, far, 8) / polynomial(size, under_far, 8);
    tail = select_lanes(-square < least, tail, splat(0));
    const vec outside = select_lanes(x > splat(0), tail, splat(2) - tail);
    return select_lanes(size <= splat((real)0.46875), outside, splat(1) + small);
}

/* `how` is a constant here. */
CC_INLINE vec activated(cc_activation how, vec x, vec low, vec high)
{
    switch (how) {
    case CC_CLIP:
        return at_most(at_least(x, low), high);
    case CC_LEAKY_RELU:
        return select_lanes(x < splat(0), x, x * low);
    case CC_HARDSIGMOID:
    case CC_HARDSWISH: {
        const vec gate = at_most(at_least(x / splat(6) + splat((real)0.5), splat(0)), splat(1));
        return how == CC_HARDSIGMOID ? gate : x * gate;
    }
    case CC_SIGMOID:
        return sigmoid(x);
    case CC_SILU:
        return x * sigmoid(x);
    case CC_TANH:
        return low * tanh_of(high * x);
    case CC_ELU:
        return select_lanes(x < splat(0), x, low * expm1_of(x));
    case CC_GELU:
        return x * splat((real)0.5) * one_plus_erf(x * splat((real)0.70710678118654752440));
    default:
        return x;
    }
}

#endif
