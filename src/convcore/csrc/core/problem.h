/* Problems of convolution: whether their sizes can be followed, and how many elements their arrays
 * have. */
#ifndef CC_PROBLEM_H
#define CC_PROBLEM_H

#include "../convcore.h"

/* Whether sizes, type and table of connections are in range: what keeps memory safe. */
bool cc_conv_is_valid(const cc_conv *problem, cc_type type);
bool cc_tiled_is_valid(const cc_tiled *problem, cc_type type);
/* As the layer is computed forward: by one kernel for all outputs, or by several. */
bool cc_forward_is_valid(const cc_tiled *problem, cc_type type);
/* As gradients see it: a convolution where every period is 1. */
bool cc_layer_is_valid(const cc_tiled *problem, cc_type type);

/* Elements of a channel of the input, and outputs of a channel. */
static inline int64_t cc_inputs_of_channel(const cc_conv *problem)
{
    const cc_axis *axis = problem->axis;
    return axis[CC_DEPTH].in * axis[CC_ROW].in * axis[CC_COLUMN].in;
}

static inline int64_t cc_outputs_of_channel(const cc_conv *problem)
{
    const cc_axis *axis = problem->axis;
    return axis[CC_DEPTH].out * axis[CC_ROW].out * axis[CC_COLUMN].out;
}

#endif
