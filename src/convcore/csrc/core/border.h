/* What padding holds: the element of the input that a cell beside it shows. */
#ifndef CC_BORDER_H
#define CC_BORDER_H

#include "../convcore.h"

/* The element of n that padded element p, counted from the first of them, shows; -1: a constant.
 * Those before the first have one side's border, those after the last the other's. */
int64_t cc_border_source(const cc_side sides[2], int64_t p, int64_t n);

/* Writes the constant of a side as an element. */
void cc_border_element(cc_type type, const cc_side *side, void *to);

#endif
