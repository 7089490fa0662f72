/* How the gradient of a weight is summed up: which kernel, which tiles of outputs, and the items of
 * work, ranges of weights, that threads take. */
#ifndef CC_WEIGHT_GRADIENT_PLAN_H
#define CC_WEIGHT_GRADIENT_PLAN_H

#include "../core/input_tile.h"
#include "algorithm.h"

typedef struct {
    cc_plan base;
    cc_conv problem;
    bool transposed; /* channels come last, and x and the gradient are transposed first */
    int64_t period[CC_AXES], phases;
    ptrdiff_t taps;                /* of an input channel */
    bool by_row;                   /* outputs are the lanes; else output channels are */
    int64_t images, rows, columns; /* outputs of a tile */
    int64_t blocks, ranges;        /* of output channels, of input channels at least */
    int64_t weights;               /* all of them */
    int64_t slices;                /* split-K: of the outputs */
    double microseconds;
} cc_gradient_plan;

/* How the work is cut for a number of threads. */
typedef struct {
    int64_t ranges, items;
    int workers;
} cc_gradient_partition;

/* The weights of one phase and group between these output channels and these input channels, summed
 * over one slice of the outputs that share them. */
typedef struct {
    cc_conv problem; /* the convolution that gives the outputs of the phase */
    cc_input_tile layout;
    cc_tile_grid grid;
    int64_t phase, group, slice;
    int64_t output, outputs, input, inputs; /* channels: the first, how many */
    int64_t from[CC_AXES];                  /* the first output of the phase */
    int64_t first_tile, end_tile;
} cc_gradient_item;

/* All of it but how it runs; NULL: no memory. */
cc_plan *cc_gradient_make_plan(const cc_candidate *candidate);

cc_gradient_partition cc_gradient_divide(const cc_gradient_plan *plan, int threads);

/* The layout of an input tile of `channels` channels that no item's is larger than. */
cc_input_tile cc_gradient_layout(const cc_gradient_plan *plan, int64_t channels);

cc_gradient_item cc_gradient_item_at(const cc_gradient_plan *plan,
                                     const cc_gradient_partition *part, int64_t index);

#endif
