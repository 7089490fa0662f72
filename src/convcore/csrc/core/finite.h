/* Whether anything in an array is infinite or NaN. */
#ifndef CC_FINITE_H
#define CC_FINITE_H

#include <stdbool.h>
#include <stdint.h>

/* Of `count` reals of `size` bytes each. */
bool cc_all_finite(int size, const void *elements, int64_t count);

#endif
