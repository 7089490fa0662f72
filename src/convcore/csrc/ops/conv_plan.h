/* How a convolution will be done: which kernel, which tiles, who does what, in how much memory. */
#ifndef CC_CONV_PLAN_H
#define CC_CONV_PLAN_H

#include "taps.h"

typedef struct {
    cc_conv problem; /* as given, its axes merged where nothing distinguishes them */
    cc_mode mode;
    const cc_kernels *kernels;
    cc_strip strip;
    int rows;         /* CC_ROWS: output rows a kernel call computes */
    int64_t channels; /* output channels that blocks are counted in: k, or groups (CC_LANES) */
    int64_t blocks;   /* blocks of output channels, as even as vectors allow */
    ptrdiff_t taps;   /* of one output: c x kernel */

    /* Items: groups x images x depths x row tiles x column tiles of output, the last running
     * fastest. A part takes a range of the items and a range of the blocks. */
    int64_t item_groups, row_tiles, column_tiles, items;
    int item_parts, block_parts;

    /* Reals a part works in: one strip, packed weights of `weight_slots` blocks, sums, biases. */
    int64_t weight_slots, weight_channels; /* most output channels of a block */
    ptrdiff_t weight_elements, sum_elements, init_elements;
    cc_taps_size taps_size;
} cc_conv_plan;

/* Whether the kernel has output columns along its lanes, and not output channels. */
static inline bool cc_by_row(const cc_conv_plan *plan)
{
    return plan->mode == CC_MAPS || plan->mode == CC_ROWS;
}

/* Output channels are dealt out in multiples of this: in whole vectors where they are the lanes. */
static inline int64_t cc_channel_grain(const cc_conv_plan *plan)
{
    return cc_by_row(plan) ? 1 : plan->kernels->lanes;
}

/* The first output channel of a block, which ends where the next begins. */
int64_t cc_block_start(const cc_conv_plan *plan, int64_t block);

void cc_conv_make_plan(cc_conv_plan *plan, const cc_conv *problem, cc_type type, int threads,
                       cc_mode mode);

#endif
