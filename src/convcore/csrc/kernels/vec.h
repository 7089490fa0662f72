/* Real numbers and vectors of them, for the instruction set this file is compiled for.
 *
 * CMake gives CC_REAL (float, double), CC_REAL_BYTES, CC_TABLE (the suffix of exported names),
 * CC_VECTOR_BYTES and CC_REGISTERS (how many vector registers the instruction set has). Only GNU vector types are used: GCC and
 * Clang turn them into the instructions that the flags allow.
 */
#ifndef CC_VEC_H
#define CC_VEC_H

#include "kernels.h"

#include <string.h>

#define CC_JOIN2(a, b) cc_##a##_##b
#define CC_JOIN(a, b) CC_JOIN2(a, b)
#define CC_FN(name) CC_JOIN(name, CC_TABLE)

#define CC_INLINE static inline __attribute__((always_inline))
/* For loops whose bounds are constants once the enclosing function is inlined. */
#define CC_UNROLL _Pragma("GCC unroll 32")

typedef CC_REAL real;
typedef real vec __attribute__((vector_size(CC_VECTOR_BYTES)));
typedef real unaligned_vec
    __attribute__((vector_size(CC_VECTOR_BYTES), aligned(sizeof(real)), may_alias));

#define CC_LANES (CC_VECTOR_BYTES / CC_REAL_BYTES)
enum { LANES = CC_LANES };

/* Register tiles: accumulators, the vectors they share and one broadcast must fit the registers. */
#if CC_REGISTERS == 32
enum { PIXELS = 6, PIXEL_VECS = 4, MAPS = 8, MAP_VECS = 3, ROWS = 4, ROW_VECS = 4 };
#else
enum { PIXELS = 6, PIXEL_VECS = 2, MAPS = 4, MAP_VECS = 3, ROWS = 4, ROW_VECS = 3 };
#endif
enum { MAX_ACCS = 8, MAX_VECS = 4 };

CC_INLINE vec load(const real *p) { return *(const unaligned_vec *)p; }
CC_INLINE void store(real *p, vec v) { *(unaligned_vec *)p = v; }
CC_INLINE vec splat(real s) { return s - (vec){0}; } /* -0.0 and NaN stay what they are */

/* Copies n < LANES reals as two pieces that may overlap, of the largest power of two that fits. */
CC_INLINE void copy_few(real *dst, const real *src, ptrdiff_t n)
{
    CC_UNROLL for (int piece = LANES / 2; piece >= 1; piece /= 2)
    {
        if (n >= piece) {
            memcpy(dst, src, (size_t)piece * sizeof(real));
            memcpy(dst + n - piece, src + n - piece, (size_t)piece * sizeof(real));
            return;
        }
    }
}

#define CC_KERNEL(result, name, parameters) result CC_FN(name) parameters;
#include "list.h"
#undef CC_KERNEL

#endif
