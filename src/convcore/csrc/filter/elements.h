/* Elements as a filter computes with them: as doubles, or as keys, signed integers of their size
 * whose order is that of the elements. */
#ifndef CC_FILTER_ELEMENTS_H
#define CC_FILTER_ELEMENTS_H

#include "../kernels/kernels.h"

/* The type of the keys: signed integers as large as the elements. */
cc_type cc_key_type(cc_type type);

cc_key_order cc_key_order_of(cc_type type);

void cc_read_doubles(cc_type type, const void *src, ptrdiff_t count, double *dst);
/* As a cast of C on x86: truncated. What does not fit into 32 bits (64 bits, of types that need
 * them) becomes the least number of these, and all are then cut to their type. */
void cc_write_doubles(cc_type type, const double *src, ptrdiff_t count, void *dst);

#endif
