/* Real numbers as integers: clipped, rounded to the nearest, of two to the even one; NaN becomes 0.
 * The loops have nothing that a compiler cannot turn into vectors. */
#include "real.h"

/* Adding 1.5 times this power of two leaves an integer of fewer bits in the mantissa, rounded. */
enum { MANTISSA = CC_REAL_BYTES == 4 ? 23 : 52 };

CC_INLINE real rounded(real x, real least, real most)
{
    const real magic = (real)1.5 * (real)((int64_t)1 << MANTISSA);
    x = x == x ? x : 0;
    x = x < least ? least : x;
    x = x > most ? most : x;
    return (x + magic) - magic;
}

#define ROUND_TO(type, least, most) \
    static void to_##type(const real *src, ptrdiff_t count, type *dst) \
    { \
        for (ptrdiff_t i = 0; i < count; i++) \
            dst[i] = (type)(int32_t)rounded(src[i], (real)(least), (real)(most)); \
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
