/* The list of taps that a kernel walks, built from the strip's pitches once per call. */
#ifndef CC_TAPS_H
#define CC_TAPS_H

#include "strip.h"

/* Taps in a block: short chains round less, long ones cost less; see docs/design/kernels.rst. */
enum { CC_BLOCK_TAPS = 256 };

typedef struct {
    ptrdiff_t channels; /* input channels in a block */
    ptrdiff_t blocks;
    ptrdiff_t offsets, runs, weights; /* room that a block's lists need */
} cc_taps_size;

/* Room for a problem whose accumulators are `rows` output rows, or (rows = 1) anything else. */
cc_taps_size cc_taps_measure(const cc_conv *problem, int rows);

/* Where in a strip each tap of its first `channels` channels stands, from the first cell that an
 * output sees. */
void cc_taps_places(const cc_strip *strip, ptrdiff_t channels, ptrdiff_t *place);

/* Every accumulator takes every tap: a full and a last block of one run each. */
cc_taps cc_taps_list(const cc_conv *problem, const cc_strip *strip, ptrdiff_t *offset,
                     cc_run *runs);

/* The accumulators are `rows` neighbouring output rows. weight_index[i] is where the i-th packed
 * weight of a block stands in the weights of an output channel, counted from the block's first. */
cc_taps cc_taps_rows(const cc_conv *problem, const cc_strip *strip, int rows, ptrdiff_t *offset,
                     cc_run *runs, ptrdiff_t *weight_index);

#endif
