/* The gradients of a layer: plans, and the calls that follow them. The problem is valid. */
#ifndef CC_GRADIENTS_H
#define CC_GRADIENTS_H

#include "algorithm.h"

/* weight_gradient.c */
cc_plan *cc_weight_gradient_make_plan(const cc_candidate *candidate);

/* winograd_gradient.c: of weights; NULL: it can't compute the layer, or does not pay, unless asked
 * for by name; or there is no memory. */
cc_plan *cc_winograd_gradient_make_plan(const cc_candidate *candidate, bool named);

/* local_gradient.c: of x */
cc_plan *cc_local_gradient_make_plan(const cc_candidate *candidate);

/* Results of `weights` weights each, of slices that are summed up at the end:
 * how many there must be room for, and their sum. */
int64_t cc_slice_results(int64_t slices);
void cc_add_slices(const cc_kernels *kernels, int64_t slices, int64_t weights, char *results,
                   void *sum);

#endif
