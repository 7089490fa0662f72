/* Integers of 8 or 16 bits: as operands, and as results. */
#include "../kernels/kernels.h"

cc_status cc_round(cc_type real, const void *src, int64_t count, cc_type to, void *dst)
{
    if (real < 0 || real >= CC_REALS || count < 0)
        return CC_BAD_PROBLEM;
    return cc_kernels_of(real)->round_to(src, count, to, dst) ? CC_OK : CC_BAD_PROBLEM;
}

cc_status cc_read_integers(cc_type from, const void *src, int64_t count, cc_type real, void *dst)
{
    if (real < 0 || real >= CC_REALS || count < 0)
        return CC_BAD_PROBLEM;
    return cc_kernels_of(real)->read_integers(src, from, count, dst) ? CC_OK : CC_BAD_PROBLEM;
}
