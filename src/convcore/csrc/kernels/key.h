/* Keys as kernels write them: back as elements. */
#ifndef CC_KEY_H
#define CC_KEY_H

#include "vec.h"

#ifdef CC_INTEGER

/* Outputs x, x + 1, ... of `count`: a whole vector, or of a row's last those that there are. */
CC_INLINE void store_key(cc_key_order order, real *y, ptrdiff_t x, ptrdiff_t count, vec key)
{
    const vec negative = (vec)(key < (vec){0}) & splat((real)~LOWEST);
    const vec element = order == CC_REAL_ORDER ? key ^ negative
                        : order == CC_UNSIGNED ? key ^ splat(LOWEST)
                                               : key;
    if (x + LANES <= count) {
        store(y + x, element);
        return;
    }
    real last[LANES];
    store(last, element);
    for (ptrdiff_t i = 0; x + i < count; i++) y[x + i] = last[i];
}

#endif
#endif
