/* The gradients of a layer: plans, and the calls that follow them. The problem is valid. */
#ifndef CC_GRADIENTS_H
#define CC_GRADIENTS_H

#include "algorithm.h"

typedef struct {
    const char *x, *weight, *grad;
    char *result;
} cc_gradient_args;

/* weight_gradient.c */
cc_plan *cc_weight_gradient_make_plan(const cc_candidate *candidate);
cc_status cc_weight_gradient_run(const cc_plan *plan, const cc_gradient_args *args, int threads);

/* local_gradient.c: of x */
cc_plan *cc_local_gradient_make_plan(const cc_candidate *candidate);
cc_status cc_local_gradient_run(const cc_plan *plan, const cc_gradient_args *args, int threads);

#endif
