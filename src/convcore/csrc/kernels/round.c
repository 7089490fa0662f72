/* Real numbers as integers: clipped, rounded to the nearest, of two to the even one; NaN becomes 0.
 * And small integers as real numbers.
 *
 * Assumed: nothing overlaps; no alignment.
 */
#include "vec.h"

#include <string.h>

/* Adding 1.5 times this power of two leaves an integer of fewer bits, rounded, as the last bits of
 * the sum. */
enum { MANTISSA = CC_REAL_BYTES == 4 ? 23 : 52 };

#if CC_REAL_BYTES == 4
typedef uint32_t lane;
#else
typedef uint64_t lane;
#endif

CC_INLINE void store_bits(lane *p, lane_bits v) { memcpy(p, &v, sizeof v); }

CC_INLINE lane_bits rounded(vec x, real least, real most)
{
    x = (vec)((lane_bits)x & (x == x));
    x = smaller(splat(most), larger(splat(least), x));
    return (lane_bits)(x + splat((real)1.5 * (real)((int64_t)1 << MANTISSA)));
}

/* Compilers narrow an array better than a vector: so many at a time. */
enum { FEW = 4 * LANES };

#define ROUND_TO(type, least, most) \
    static void to_##type(const real *src, ptrdiff_t count, type *dst) \
    { \
        lane bits[FEW]; \
        for (; count >= FEW; count -= FEW, src += FEW, dst += FEW) { \
            CC_UNROLL \
            for (int i = 0; i < FEW; i += LANES) \
                store_bits(bits + i, rounded(load(src + i), least, most)); \
            for (int i = 0; i < FEW; i++) dst[i] = (type)bits[i]; \
        } \
        for (ptrdiff_t x = 0; x < count; x += LANES) { \
            const int left = count - x < LANES ? (int)(count - x) : LANES; \
            const vec v = left == LANES ? load(src + x) : load_partial(src + x, left); \
            store_bits(bits, rounded(v, least, most)); \
            for (int i = 0; i < left; i++) dst[x + i] = (type)bits[i]; \
        } \
    }
ROUND_TO(int8_t, INT8_MIN, INT8_MAX)
ROUND_TO(uint8_t, 0, UINT8_MAX)
ROUND_TO(int16_t, INT16_MIN, INT16_MAX)
ROUND_TO(uint16_t, 0, UINT16_MAX)

bool CC_FN(round_to)(const void *src, ptrdiff_t count, cc_type type, void *dst)
{
    switch (type) {
    case CC_I8:
        to_int8_t(src, count, dst);
        return true;
    case CC_U8:
        to_uint8_t(src, count, dst);
        return true;
    case CC_I16:
        to_int16_t(src, count, dst);
        return true;
    case CC_U16:
        to_uint16_t(src, count, dst);
        return true;
    default:
        return false;
    }
}

#define READ(type) \
    for (ptrdiff_t i = 0; i < count; i++) to[i] = (real)((const type *)src)[i]; \
    return true;

bool CC_FN(read_integers)(const void *src, cc_type type, ptrdiff_t count, void *dst)
{
    real *to = dst;
    switch (type) {
    case CC_I8:
        READ(int8_t)
    case CC_U8:
        READ(uint8_t)
    case CC_I16:
        READ(int16_t)
    case CC_U16:
        READ(uint16_t)
    default:
        return false;
    }
}
