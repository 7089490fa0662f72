/* Vectors of real numbers, for the instruction set this file is compiled for: GNU vector types,
 * which GCC and Clang turn into the instructions that the flags allow. Intrinsics are used for what
 * these types cannot say, masked loads and stores and the maximum, alone: in simd/.
 */
#ifndef CC_VEC_H
#define CC_VEC_H

#include "real.h"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

typedef real vec __attribute__((vector_size(CC_VECTOR_BYTES)));
typedef real unaligned_vec
    __attribute__((vector_size(CC_VECTOR_BYTES), aligned(sizeof(real)), may_alias));

/* Integers as wide as a real: the type of comparisons' results and of lane numbers. */
#if CC_REAL_BYTES == 1
typedef int8_t lane_bits __attribute__((vector_size(CC_VECTOR_BYTES)));
#elif CC_REAL_BYTES == 2
typedef int16_t lane_bits __attribute__((vector_size(CC_VECTOR_BYTES)));
#elif CC_REAL_BYTES == 4
typedef int32_t lane_bits __attribute__((vector_size(CC_VECTOR_BYTES)));
#else
typedef int64_t lane_bits __attribute__((vector_size(CC_VECTOR_BYTES)));
#endif

CC_INLINE vec load(const real *p) { return *(const unaligned_vec *)p; }
CC_INLINE void store(real *p, vec v) { *(unaligned_vec *)p = v; }
/* v, in a register: a compiler may load twice what is used twice, and loads across cache lines are
 * expensive. */
CC_INLINE vec keep_in_register(vec v)
{
#if defined(__x86_64__)
    __asm__("" : "+v"(v));
#elif defined(__aarch64__)
    __asm__("" : "+w"(v));
#endif
    return v;
}
CC_INLINE vec splat(real s) { return s - (vec){0}; } /* -0.0 and NaN stay what they are */

/* The lanes of b where `where` is true (all bits set), of a elsewhere. */
CC_INLINE vec select_lanes(lane_bits where, vec a, vec b)
{
    return (vec)(((lane_bits)b & where) | ((lane_bits)a & ~where));
}

/* The first n < LANES lanes of a vector, from and to memory that ends there: load_partial() and
 * store_partial(); and lanes from <= i < to, which a lane_mask stands for, from memory that has
 * only these, others from `fill`: load_lanes(). */
#if CC_VECTOR_BYTES == 64 && CC_REAL_BYTES >= 4 && defined(__AVX512F__)
#include "simd/avx512.h"
#elif CC_VECTOR_BYTES == 32 && CC_REAL_BYTES >= 4 && defined(__AVX2__)
#include "simd/avx2.h"
#else
#include "simd/generic.h"
#endif
#include "simd/maximum.h"

#ifdef __clang__
#define CC_SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define CC_SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (lane_bits){__VA_ARGS__})
#endif

/* CC_EVEN: the even lanes of a, then the odd lanes of b. CC_EVENS, CC_ODDS: the even (odd) lanes of
 * both. CC_NEXT (CC_NEXT2): a without its first lane (two lanes), then the first of b. */
#if CC_VECTOR_LANES == 2
#define CC_EVEN(a, b) CC_SHUFFLE(a, b, 0, 3)
#define CC_EVENS(a, b) CC_SHUFFLE(a, b, 0, 2)
#define CC_ODDS(a, b) CC_SHUFFLE(a, b, 1, 3)
#define CC_NEXT(a, b) CC_SHUFFLE(a, b, 1, 2)
#define CC_NEXT2(a, b) CC_SHUFFLE(a, b, 2, 3)
#elif CC_VECTOR_LANES == 4
#define CC_EVEN(a, b) CC_SHUFFLE(a, b, 0, 2, 5, 7)
#define CC_EVENS(a, b) CC_SHUFFLE(a, b, 0, 2, 4, 6)
#define CC_ODDS(a, b) CC_SHUFFLE(a, b, 1, 3, 5, 7)
#define CC_NEXT(a, b) CC_SHUFFLE(a, b, 1, 2, 3, 4)
#define CC_NEXT2(a, b) CC_SHUFFLE(a, b, 2, 3, 4, 5)
#elif CC_VECTOR_LANES == 8
#define CC_EVEN(a, b) CC_SHUFFLE(a, b, 0, 2, 4, 6, 9, 11, 13, 15)
#define CC_EVENS(a, b) CC_SHUFFLE(a, b, 0, 2, 4, 6, 8, 10, 12, 14)
#define CC_ODDS(a, b) CC_SHUFFLE(a, b, 1, 3, 5, 7, 9, 11, 13, 15)
#define CC_NEXT(a, b) CC_SHUFFLE(a, b, 1, 2, 3, 4, 5, 6, 7, 8)
#define CC_NEXT2(a, b) CC_SHUFFLE(a, b, 2, 3, 4, 5, 6, 7, 8, 9)
#elif CC_VECTOR_LANES == 16
#define CC_EVEN(a, b) CC_SHUFFLE(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 17, 19, 21, 23, 25, 27, 29, 31)
#define CC_EVENS(a, b) CC_SHUFFLE(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30)
#define CC_ODDS(a, b) CC_SHUFFLE(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31)
#define CC_NEXT(a, b) CC_SHUFFLE(a, b, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)
#define CC_NEXT2(a, b) CC_SHUFFLE(a, b, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17)
#endif

#endif
