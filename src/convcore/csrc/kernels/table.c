/* Fills the table of this instruction set and type; of integers, those of both signs. */
#include "real.h"

#define CC_MOVE_KERNEL(result, name, parameters) .name = CC_MOVE_FN(name),
#define CC_SIZES \
    .size = sizeof(real), .lanes = LANES, .igemm_vecs = IGEMM_VECS, .ow_channels = OW_CHANNELS, \
    .ow_rows = OW_ROWS,

static const real lowest = LOWEST;

extern const cc_kernels CC_FN(kernels);
const cc_kernels CC_FN(kernels) = {
    CC_SIZES.lowest = &lowest,
#define CC_KERNEL(result, name, parameters) .name = CC_FN(name),
#ifdef CC_INTEGER
#define CC_REAL_KERNEL(result, name, parameters)
#else
#define CC_KEY_KERNEL(result, name, parameters)
#endif
#if CC_REAL_BYTES > 1
#define CC_BYTE_KERNEL(result, name, parameters)
#endif
#if defined(CC_INTEGER) || CC_REAL_BYTES < 8
#define CC_DOUBLE_KERNEL(result, name, parameters)
#endif
#include "kernels.def"
#undef CC_KERNEL
};

#ifdef CC_INTEGER
static const real zero = 0;

extern const cc_kernels CC_JOIN(kernels, CC_UNSIGNED_TABLE);
const cc_kernels CC_JOIN(kernels, CC_UNSIGNED_TABLE) = {
    CC_SIZES.lowest = &zero,
#define CC_KERNEL(result, name, parameters) .name = CC_FN(name##_unsigned),
#define CC_REAL_KERNEL(result, name, parameters)
#define CC_DOUBLE_KERNEL(result, name, parameters)
#define CC_MOVE_KERNEL(result, name, parameters) .name = CC_MOVE_FN(name),
#define CC_KEY_KERNEL(result, name, parameters) .name = CC_FN(name),
#if CC_REAL_BYTES > 1
#define CC_BYTE_KERNEL(result, name, parameters)
#endif
#include "kernels.def"
#undef CC_KERNEL
};
#endif
