/* Problems of convolution: whether their sizes can be followed, and how many cells they have. */
#ifndef CC_PROBLEM_H
#define CC_PROBLEM_H

#include "../convcore.h"

/* Whether sizes, type and table of connections are in range: what keeps memory safe. */
bool cc_conv_is_sound(const cc_conv *problem, cc_type type);
bool cc_tiled_is_sound(const cc_tiled *problem, cc_type type);

/* Cells of a channel of the input, and outputs of a channel. */
static inline int64_t cc_input_cells(const cc_conv *problem)
{
    const cc_axis *axis = problem->axis;
    return axis[CC_DEPTH].in * axis[CC_ROW].in * axis[CC_COLUMN].in;
}

static inline int64_t cc_output_cells(const cc_conv *problem)
{
    const cc_axis *axis = problem->axis;
    return axis[CC_DEPTH].out * axis[CC_ROW].out * axis[CC_COLUMN].out;
}

#endif
