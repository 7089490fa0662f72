/* How the gradient of a weight is summed up: which kernel, which tiles of outputs, and the units of
 * weights that threads take. */
#ifndef CC_GRADIENT_PLAN_H
#define CC_GRADIENT_PLAN_H

#include "strip.h"

typedef struct {
    cc_conv problem;
    bool turned; /* channels came last, and x and the gradient must be turned first */
    int64_t period[CC_AXES], phases;
    const cc_kernels *kernels;
    ptrdiff_t taps;                /* of an input channel */
    bool by_row;                   /* outputs are the lanes; else output channels are */
    int64_t images, rows, columns; /* outputs of a tile */
    int64_t blocks, ranges;        /* of output channels, of input channels */
    int64_t weights;               /* all of them */
    int64_t chunks, units;
    int parts;
} cc_gradient_plan;

/* The weights of one phase and group between these output channels and these input channels, summed
 * over one chunk of the outputs that share them. */
typedef struct {
    cc_conv problem; /* the convolution that gives the outputs of the phase */
    cc_strip strip;
    int64_t phase, group, chunk;
    int64_t output, outputs, input, inputs; /* channels: the first, how many */
    int64_t from[CC_AXES];                  /* the first output of the phase */
    int64_t row_tiles, column_tiles;
    int64_t first_tile, end_tile;
} cc_gradient_unit;

/* Outputs of a few images, counted in those of the phase. */
typedef struct {
    int64_t image, images;
    int64_t origin[CC_AXES], count[CC_AXES];
} cc_gradient_tile;

void cc_gradient_make_plan(cc_gradient_plan *plan, const cc_tiled *problem, cc_type type,
                           int threads);

/* A strip that none of `channels` input channels of a tile is larger than. */
cc_strip cc_gradient_strip(const cc_gradient_plan *plan, int64_t channels);

cc_gradient_unit cc_gradient_find_unit(const cc_gradient_plan *plan, int64_t index);
cc_gradient_tile cc_gradient_find_tile(const cc_gradient_plan *plan, const cc_gradient_unit *unit,
                                       int64_t index);

#endif
