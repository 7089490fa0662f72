/* Winograd's convolution: the plan, and what running it needs of it. */
#ifndef CC_WINOGRAD_H
#define CC_WINOGRAD_H

#include "direct.h"

/* Input channels of a slice of a sum: short chains round less. */
enum { CC_WINOGRAD_SLICE = 64 };
/* Transforming the weights of a pair of channels, counted in transformed products; measured. */
enum { CC_WINOGRAD_WEIGHT = 16 };

/* Tiles of outputs are cut from output 0 of the image on, whatever the number of threads, so that
 * every output is computed with the same neighbours. A band is a row of tiles, or a part of it:
 * what is brought to a worker's memory at a time. */
typedef struct {
    cc_plan base;
    cc_conv problem;
    cc_input_tile tile;     /* what a band sees, channels innermost */
    cc_tile_grid grid;      /* of bands */
    int points[CC_AXES];    /* of a tile along each axis */
    int products;           /* of a tile: points along all axes */
    int64_t bands;          /* of a group */
    int64_t band_tiles;     /* most tiles of a band */
    ptrdiff_t width;        /* most output channels of a kernel call, in whole vectors */
    ptrdiff_t channels;     /* elements from a tile to the next of what is transformed */
    ptrdiff_t weight_point; /* elements from a point to the next of transformed weights */
    size_t transformed; /* bytes of the transformed weights, which packed ones of `direct` follow;
                         * 0: they are not kept, workers transform a slice at a time */
} cc_winograd_plan;

/* Outputs of a tile along an axis. */
static inline int cc_winograd_outputs(const cc_winograd_plan *plan, int axis)
{
    return plan->points[axis] == 1 ? 1 : CC_WINOGRAD_OUTPUTS;
}

/* Convolution of the same layer without transforms: packs the weights that are transformed, and
 * computes again what the transforms have lost. */
static inline const cc_direct_plan *cc_winograd_direct(const cc_winograd_plan *plan)
{
    return (const cc_direct_plan *)plan->base.helper;
}

/* winograd.c */
bool cc_winograd_pack(const cc_plan *plan, const char *weight, char *packed);
cc_status cc_winograd_run(const cc_plan *plan, const cc_arrays *arrays, int threads);

#endif
