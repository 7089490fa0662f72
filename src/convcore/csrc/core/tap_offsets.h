/* The list of taps that a kernel walks, built from the pitches of the input tile. */
#ifndef CC_TAP_OFFSETS_H
#define CC_TAP_OFFSETS_H

#include "input_tile.h"

/* Taps in a block: short chains round less, long ones cost less; see docs/design/kernels.rst. */
enum { CC_BLOCK_TAPS = 256 };
/* Most taps of a piece of a kernel. Twice as many: a row of input serves several rows of outputs,
 * but only within a piece. */
enum { CC_PIECE_TAPS = 2 * CC_BLOCK_TAPS };

/* Blocks hold whole input channels where a channel's kernel has no more taps than a piece. A larger
 * kernel is cut, along each axis into so many nearly equal parts, into pieces that are ranges of
 * its taps. The lists of taps are those of one round: of the input channels in a block, or the
 * pieces of one. */
typedef struct {
    ptrdiff_t channels; /* input channels in a round */
    ptrdiff_t rounds;
    int64_t cuts[CC_AXES];
    ptrdiff_t pieces;
    ptrdiff_t blocks, offsets, runs, weights; /* room for the blocks of all rounds, and for lists */
} cc_tap_sizes;

/* Room for a problem whose accumulators are `rows` output rows, or (rows = 1) anything else. */
cc_tap_sizes cc_tap_offsets_measure(const cc_conv *problem, int rows);

/* Where in an input tile each tap of its first `channels` channels stands, from the first element
 * that an output sees. */
void cc_tap_offsets_of_channels(const cc_input_tile *tile, ptrdiff_t channels, ptrdiff_t *offset);

/* The memory that the lists of a problem stand in. */
typedef struct {
    cc_block *block;
    ptrdiff_t *offset;
    cc_run *run;
} cc_tap_room;

/* Every accumulator takes every tap: blocks of one run each. */
cc_taps cc_tap_offsets_list(const cc_conv *problem, const cc_input_tile *tile,
                            const cc_tap_room *room);

/* The accumulators are `rows` neighbouring output rows. weight_index[i] is where the i-th packed
 * weight of a round stands in the weights of an output channel, counted from the round's first. */
cc_taps cc_tap_offsets_by_row(const cc_conv *problem, const cc_input_tile *tile, int rows,
                              const cc_tap_room *room, ptrdiff_t *weight_index);

#endif
