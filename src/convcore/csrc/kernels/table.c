/* Fills the table of this instruction set and real type. */
#include "vec.h"

static const real lowest = LOWEST;

extern const cc_kernels CC_FN(kernels);
const cc_kernels CC_FN(kernels) = {
    .size = sizeof(real),
    .lanes = LANES,
    .lowest = &lowest,
    .pixel_vecs = PIXEL_VECS,
    .maps = MAPS,
    .rows_shared = ROWS,
#define CC_KERNEL(result, name, parameters) .name = CC_FN(name),
#ifdef CC_INTEGER
#define CC_REAL_KERNEL(result, name, parameters)
#endif
#include "list.h"
#undef CC_KERNEL
};
