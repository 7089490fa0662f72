#include "elements.h"

#include <string.h>

cc_type cc_key_type(cc_type type)
{
    switch (cc_kernels_of(type)->size) {
    case 1:
        return CC_I8;
    case 2:
        return CC_I16;
    case 4:
        return CC_I32;
    default:
        return CC_I64;
    }
}

cc_key_order cc_key_order_of(cc_type type)
{
    return type < CC_REALS                                                       ? CC_REAL_ORDER
           : type == CC_U8 || type == CC_U16 || type == CC_U32 || type == CC_U64 ? CC_UNSIGNED
                                                                                 : CC_SIGNED;
}

void cc_read_doubles(cc_type type, const void *src, ptrdiff_t count, double *restrict dst)
{
    switch (type) {
#define CC_TYPE(NAME, suffix, bytes, storage, ...) \
    case CC_##NAME: \
        for (ptrdiff_t i = 0; i < count; i++) dst[i] = (double)((const storage *)src)[i]; \
        break;
#include "../base/types.def"
#undef CC_TYPE
    default:
        break;
    }
}

static int64_t truncated(double v)
{
    return v >= -9223372036854775808.0 && v < 9223372036854775808.0 ? (int64_t)v : INT64_MIN;
}

static uint64_t truncated_unsigned(double v)
{
    const double half = 9223372036854775808.0;
    return v >= half ? (uint64_t)truncated(v - half) ^ (uint64_t)INT64_MIN : (uint64_t)truncated(v);
}

/* Whether all fit into 32 bits, which every instruction set converts several of. */
static bool fit_32_bits(const double *src, ptrdiff_t count)
{
    bool fits = true;
    for (ptrdiff_t i = 0; i < count; i++) fits &= src[i] > -2147483649.0 && src[i] < 2147483648.0;
    return fits;
}

static int32_t truncated_32(double v)
{
    return v > -2147483649.0 && v < 2147483648.0 ? (int32_t)v : INT32_MIN;
}

void cc_write_doubles(cc_type type, const double *src, ptrdiff_t count, void *dst)
{
    const bool fits = type >= CC_REALS && cc_kernels_of(type)->size <= 4 && fit_32_bits(src, count);
    switch (type) {
    case CC_F32:
        for (ptrdiff_t i = 0; i < count; i++) ((float *)dst)[i] = (float)src[i];
        break;
    case CC_F64:
        memcpy(dst, src, (size_t)count * sizeof *src);
        break;
    case CC_U64:
        for (ptrdiff_t i = 0; i < count; i++) ((uint64_t *)dst)[i] = truncated_unsigned(src[i]);
        break;
    case CC_U32:
        for (ptrdiff_t i = 0; i < count; i++) ((uint32_t *)dst)[i] = (uint32_t)truncated(src[i]);
        break;
    case CC_I64:
        for (ptrdiff_t i = 0; i < count; i++) ((int64_t *)dst)[i] = truncated(src[i]);
        break;
#define CC_INTEGER_CASE(NAME, storage) \
    case CC_##NAME: \
        for (ptrdiff_t i = 0; fits && i < count; i++) \
            ((storage *)dst)[i] = (storage)(int32_t)src[i]; \
        for (ptrdiff_t i = 0; !fits && i < count; i++) \
            ((storage *)dst)[i] = (storage)truncated_32(src[i]); \
        break;
        CC_INTEGER_CASE(I8, int8_t)
        CC_INTEGER_CASE(U8, uint8_t)
        CC_INTEGER_CASE(I16, int16_t)
        CC_INTEGER_CASE(U16, uint16_t)
        CC_INTEGER_CASE(I32, int32_t)
#undef CC_INTEGER_CASE
    default:
        break;
    }
}
