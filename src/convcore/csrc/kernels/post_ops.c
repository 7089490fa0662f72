/* What follows the sums of a layer: a residual is added, then comes an activation. In place; rows
 * are read as long as they are and no further. */
#include "activation.h"
#include "vec.h"

CC_INLINE void rows_of(cc_activation how, const cc_post_rows *a, const real *residual, real *y)
{
    const vec low = splat((real)a->ops->low), high = splat((real)a->ops->high);
    for (ptrdiff_t r = 0; r < a->rows; r++) {
        const ptrdiff_t end = r * a->row + a->columns;
        for (ptrdiff_t i = r * a->row; i < end; i += LANES) {
            const int left = end - i < LANES ? (int)(end - i) : LANES;
            vec v = left < LANES ? load_partial(y + i, left) : load(y + i);
            if (residual)
                v += left < LANES ? load_partial(residual + i, left) : load(residual + i);
            v = activated(how, v, low, high);
            if (left < LANES)
                store_partial(y + i, v, left);
            else
                store(y + i, v);
        }
    }
}

void CC_FN(post_ops)(const cc_post_rows *args, const void *residual, void *y)
{
    switch (args->ops->activation) {
#define CASE(how) \
    case how: \
        rows_of(how, args, residual, y); \
        break;
        CASE(CC_IDENTITY)
        CASE(CC_CLIP)
        CASE(CC_LEAKY_RELU)
        CASE(CC_HARDSIGMOID)
        CASE(CC_HARDSWISH)
        CASE(CC_SIGMOID)
        CASE(CC_SILU)
        CASE(CC_TANH)
        CASE(CC_ELU)
        CASE(CC_GELU)
#undef CASE
    }
}
