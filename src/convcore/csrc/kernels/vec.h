/* Real numbers and vectors of them, for the instruction set this file is compiled for.
 *
 * CMake gives CC_REAL (float, double), CC_REAL_BYTES, CC_TABLE (the suffix of exported names),
 * CC_VECTOR_BYTES and CC_REGISTERS (how many vector registers there are). The kernels of maxima are
 * compiled for integers too: then CC_REAL is an integer type and CC_INTEGER is defined. Vectors are
 * GNU vector types, which GCC and Clang turn into the instructions that the flags allow; intrinsics
 * are used for what these types cannot say, masked loads and stores and the maximum, alone.
 */
#ifndef CC_VEC_H
#define CC_VEC_H

#include "kernels.h"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#define CC_JOIN2(a, b) cc_##a##_##b
#define CC_JOIN(a, b) CC_JOIN2(a, b)
#define CC_FN(name) CC_JOIN(name, CC_TABLE)

#ifndef CC_INLINE /* a build for size leaves inlining to the compiler */
#define CC_INLINE static inline __attribute__((always_inline))
#endif
/* For loops whose bounds are constants once the enclosing function is inlined. */
#define CC_UNROLL _Pragma("GCC unroll 32")

typedef CC_REAL real;
#ifdef CC_INTEGER
#define LOWEST CC_LOWEST
#else
#define LOWEST (-__builtin_inf())
#endif
typedef real vec __attribute__((vector_size(CC_VECTOR_BYTES)));
typedef real unaligned_vec
    __attribute__((vector_size(CC_VECTOR_BYTES), aligned(sizeof(real)), may_alias));

#define CC_VECTOR_LANES (CC_VECTOR_BYTES / CC_REAL_BYTES)
enum { LANES = CC_VECTOR_LANES };

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

/* Register tiles: accumulators, the vectors they share and one broadcast must fit the registers. */
#if CC_REGISTERS == 32
enum { PIXELS = 6, PIXEL_VECS = 4, MAPS = 8, MAP_VECS = 3, ROWS = 4, ROW_VECS = 4 };
#else
enum { PIXELS = 6, PIXEL_VECS = 2, MAPS = 4, MAP_VECS = 3, ROWS = 4, ROW_VECS = 3 };
#endif
enum { MAX_ACCS = 8, MAX_VECS = 4 };

CC_INLINE vec load(const real *p) { return *(const unaligned_vec *)p; }
CC_INLINE void store(real *p, vec v) { *(unaligned_vec *)p = v; }
/* v, in a register: a compiler may load twice what is used twice, and loads across cache lines are
 * dear. */
CC_INLINE vec held(vec v)
{
#if defined(__x86_64__)
    __asm__("" : "+v"(v));
#elif defined(__aarch64__)
    __asm__("" : "+w"(v));
#endif
    return v;
}
CC_INLINE vec splat(real s) { return s - (vec){0}; } /* -0.0 and NaN stay what they are */

/* The first n < LANES lanes of a vector, from and to memory that ends there; and lanes from <= i <
 * to, which a lane_mask stands for, from memory that has only these, others from `rest`. */
#if CC_VECTOR_BYTES == 64 && CC_REAL_BYTES >= 4 && defined(__AVX512F__)
CC_INLINE unsigned first_lanes(ptrdiff_t n)
{
    return n < LANES ? n > 0 ? (1u << n) - 1 : 0 : 0xffff;
}
typedef unsigned lane_mask;
CC_INLINE lane_mask lanes_between(ptrdiff_t from, ptrdiff_t to)
{
    return first_lanes(to) & ~first_lanes(from);
}
#if CC_REAL_BYTES == 4
CC_INLINE vec load_few(const real *p, int n)
{
    return (vec)_mm512_maskz_loadu_ps((1u << n) - 1, p);
}
CC_INLINE vec load_lanes(const real *p, lane_mask mask, vec rest)
{
    return (vec)_mm512_mask_loadu_ps((__m512)rest, (__mmask16)mask, p);
}
CC_INLINE void store_few(real *p, vec v, int n)
{
    _mm512_mask_storeu_ps(p, (1u << n) - 1, (__m512)v);
}
#else
CC_INLINE vec load_few(const real *p, int n)
{
    return (vec)_mm512_maskz_loadu_pd((1u << n) - 1, p);
}
CC_INLINE vec load_lanes(const real *p, lane_mask mask, vec rest)
{
    return (vec)_mm512_mask_loadu_pd((__m512d)rest, (__mmask8)mask, p);
}
CC_INLINE void store_few(real *p, vec v, int n)
{
    _mm512_mask_storeu_pd(p, (1u << n) - 1, (__m512d)v);
}
#endif
#elif CC_VECTOR_BYTES == 32 && CC_REAL_BYTES >= 4 && defined(__AVX2__)
#if CC_REAL_BYTES == 4
CC_INLINE __m256i first(ptrdiff_t n)
{
    const int least = n < 0 ? 0 : n > LANES ? LANES : (int)n;
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(least), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
CC_INLINE vec masked(const real *p, __m256i mask)
{
    return (vec)_mm256_maskload_ps((const float *)p, mask);
}
CC_INLINE void store_few(real *p, vec v, int n)
{
    _mm256_maskstore_ps((float *)p, first(n), (__m256)v);
}
#else
CC_INLINE __m256i first(ptrdiff_t n)
{
    return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3));
}
CC_INLINE vec masked(const real *p, __m256i mask)
{
    return (vec)_mm256_maskload_pd((const double *)p, mask);
}
CC_INLINE void store_few(real *p, vec v, int n)
{
    _mm256_maskstore_pd((double *)p, first(n), (__m256d)v);
}
#endif
CC_INLINE vec load_few(const real *p, int n) { return masked(p, first(n)); }
typedef __m256i lane_mask;
CC_INLINE lane_mask lanes_between(ptrdiff_t from, ptrdiff_t to)
{
    return _mm256_andnot_si256(first(from), first(to));
}
CC_INLINE vec load_lanes(const real *p, lane_mask mask, vec rest)
{
    const __m256i others = _mm256_andnot_si256(mask, (__m256i)rest);
    return (vec)_mm256_or_si256((__m256i)masked(p, mask), others);
}
#else
CC_INLINE vec load_few(const real *p, int n)
{
    vec v = {0};
    for (int i = 0; i < n; i++) v[i] = p[i];
    return v;
}
typedef struct {
    int from, to;
} lane_mask;
CC_INLINE lane_mask lanes_between(ptrdiff_t from, ptrdiff_t to)
{
    return (lane_mask){from < 0       ? 0
                       : from < LANES ? (int)from
                                      : LANES,
                       to < LANES ? (int)to : LANES};
}
CC_INLINE vec load_lanes(const real *p, lane_mask mask, vec rest)
{
    real lanes[LANES];
    *(unaligned_vec *)lanes = rest;
    for (int i = mask.from; i < mask.to; i++) lanes[i] = p[i];
    return *(unaligned_vec *)lanes;
}
CC_INLINE void store_few(real *p, vec v, int n)
{
    for (int i = 0; i < n; i++) p[i] = v[i];
}
#endif

/* The lanes of b where `where` is true (all bits set), of a elsewhere. */
CC_INLINE vec choose(lane_bits where, vec a, vec b)
{
    return (vec)(((lane_bits)b & where) | ((lane_bits)a & ~where));
}

/* The larger of each lane, a of equals; where b is NaN it may be lost. */
#if defined(CC_INTEGER) || !defined(__SSE2__)
CC_INLINE vec larger(vec a, vec b) { return choose(b > a, a, b); }
#elif CC_VECTOR_BYTES == 64 && CC_REAL_BYTES == 4
CC_INLINE vec larger(vec a, vec b) { return (vec)_mm512_max_ps((__m512)b, (__m512)a); }
#elif CC_VECTOR_BYTES == 64
CC_INLINE vec larger(vec a, vec b) { return (vec)_mm512_max_pd((__m512d)b, (__m512d)a); }
#elif CC_VECTOR_BYTES == 32 && CC_REAL_BYTES == 4
CC_INLINE vec larger(vec a, vec b) { return (vec)_mm256_max_ps((__m256)b, (__m256)a); }
#elif CC_VECTOR_BYTES == 32
CC_INLINE vec larger(vec a, vec b) { return (vec)_mm256_max_pd((__m256d)b, (__m256d)a); }
#elif CC_REAL_BYTES == 4
CC_INLINE vec larger(vec a, vec b) { return (vec)_mm_max_ps((__m128)b, (__m128)a); }
#else
CC_INLINE vec larger(vec a, vec b) { return (vec)_mm_max_pd((__m128d)b, (__m128d)a); }
#endif

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

#define CC_KERNEL(result, name, parameters) result CC_FN(name) parameters;
#include "list.h"
#undef CC_KERNEL

#endif
