/* Real numbers, as the kernels of one table see them: their type, their names, what registers hold.
 *
 * CMake gives, from types.def and isa.def, CC_REAL (float, double), CC_REAL_BYTES, CC_VECTOR_BYTES
 * and CC_REGISTERS (how many vector registers there are). The kernels of maxima are compiled for
 * signed integers too: then CC_REAL is an integer type and CC_INTEGER is defined; the table of the
 * unsigned type shares them. CC_TABLE is the suffix of exported names, CC_MOVES that of kernels
 * that move elements of this size, whatever they are.
 */
#ifndef CC_REAL_H
#define CC_REAL_H

#include "kernels.h"

#define CC_JOIN2(a, b) cc_##a##_##b
#define CC_JOIN(a, b) CC_JOIN2(a, b)
#define CC_FN(name) CC_JOIN(name, CC_TABLE)
#define CC_MOVE_FN(name) CC_JOIN(name, CC_MOVES)

#ifndef CC_INLINE /* a build for size leaves inlining to the compiler */
#define CC_INLINE static inline __attribute__((always_inline))
#endif
#ifdef __clang__
#define CC_APART __attribute__((noinline))
#else
#define CC_APART __attribute__((noinline, noclone))
#endif
#ifndef CC_UNROLL /* and unrolling */
/* For loops whose bounds are constants once the enclosing function is inlined. */
#define CC_UNROLL _Pragma("GCC unroll 32")
#endif

typedef CC_REAL real;
#ifdef CC_INTEGER
#define LOWEST ((real)((uint64_t)1 << (8 * CC_REAL_BYTES - 1))) /* only the first bit is set */
#else
#define LOWEST (-__builtin_inf())
#endif

#define CC_VECTOR_LANES (CC_VECTOR_BYTES / CC_REAL_BYTES)
enum { LANES = CC_VECTOR_LANES };

/* Register tiles: accumulators, the vectors they share and one broadcast must fit the registers. */
#if CC_REGISTERS == 32
enum {
    IGEMM_PIXELS = 6,
    IGEMM_VECS = 4,
    OW_CHANNELS = 8,
    OW_CHANNEL_VECS = 3,
    OW_ROWS = 4,
    OW_ROW_VECS = 4
};
#else
enum {
    IGEMM_PIXELS = 6,
    IGEMM_VECS = 2,
    OW_CHANNELS = 4,
    OW_CHANNEL_VECS = 3,
    OW_ROWS = 4,
    OW_ROW_VECS = 3
};
#endif
enum { MAX_ACCS = 8, MAX_VECS = 4 };

#define CC_KERNEL(result, name, parameters) result CC_FN(name) parameters;
#define CC_MOVE_KERNEL(result, name, parameters) result CC_MOVE_FN(name) parameters;
#include "kernels.def"
#undef CC_KERNEL
#ifdef CC_INTEGER
bool CC_FN(reduce_unsigned)(const cc_reduce_args *args);
void CC_FN(argmax_unsigned)(const cc_argmax_args *args);
#endif

#endif
