/* Winograd's convolution: the plan, and what running it and its gradient needs of it. */
#ifndef CC_WINOGRAD_H
#define CC_WINOGRAD_H

#include "direct.h"

/* Input channels of a slice of a sum: short chains round less. */
enum { CC_WINOGRAD_SLICE = 64 };
/* Transforming the weights of a pair of channels, counted in transformed products; measured. */
enum { CC_WINOGRAD_WEIGHT = 7 };

/* Tiles of outputs are cut from output 0 of the image on, whatever the number of threads, so that
 * every output is computed with the same neighbours. A band is a row of tiles, or a part of it:
 * what is brought to a worker's memory at a time. */
typedef struct {
    int size;            /* of a real, in bytes */
    cc_tile_grid grid;   /* of bands */
    int points[CC_AXES]; /* of a tile along each axis */
    int products;        /* of a tile: points along all axes */
    int64_t count;       /* of bands of a group */
    int64_t most;        /* tiles of a band */
} cc_winograd_bands;

typedef struct {
    cc_plan base;
    cc_conv problem;
    cc_winograd_bands bands;
    cc_input_tile tile;     /* what a band sees */
    ptrdiff_t width;        /* most output channels of a kernel call, in whole vectors */
    ptrdiff_t channels;     /* elements from a tile to the next of what is transformed */
    ptrdiff_t weight_point; /* elements from a point to the next of transformed weights */
    size_t transformed; /* bytes of the transformed weights, which packed ones of `direct` follow;
                         * 0: they are not kept, workers transform a slice at a time */
} cc_winograd_plan;

/* Outputs of a tile along an axis. */
static inline int cc_winograd_outputs(const cc_winograd_bands *bands, int axis)
{
    return bands->points[axis] == 1 ? 1 : CC_WINOGRAD_OUTPUTS;
}

/* Tiles of a band along its row. */
static inline int64_t cc_winograd_tiles(const cc_winograd_bands *bands, const cc_tile *band)
{
    return ceil_div(band->count[CC_COLUMN], cc_winograd_outputs(bands, CC_COLUMN));
}

/* Convolution of the same layer without transforms: packs the weights that are transformed, and
 * computes again what the transforms have lost. */
static inline const cc_direct_plan *cc_winograd_direct(const cc_winograd_plan *plan)
{
    return (const cc_direct_plan *)plan->base.helper;
}

/* Tiles of an image and a group. */
static inline int64_t cc_winograd_image_tiles(const cc_winograd_bands *bands,
                                              const cc_conv *problem)
{
    int64_t tiles = problem->axis[CC_DEPTH].out;
    for (int a = CC_ROW; a <= CC_COLUMN; a++)
        tiles *= ceil_div(problem->axis[a].out, cc_winograd_outputs(bands, a));
    return tiles;
}

/* winograd_bands.c */
cc_winograd_bands cc_winograd_cut(const cc_conv *problem, int size);

/* What a band sees of `channels` channels, channels innermost: of the input; or of the outputs. */
cc_input_tile cc_winograd_input(const cc_winograd_bands *bands, const cc_conv *problem,
                                int64_t channels, int lanes);
cc_input_tile cc_winograd_grads(const cc_winograd_bands *bands, const cc_conv *problem,
                                int64_t channels, int lanes);

/* Brings that to a worker's memory: whole tiles, zeros beyond the outputs that there are. Returns
 * what the first tile sees. src: the first channel of image 0. */
const char *cc_winograd_bring(const cc_input_tile *layout, const cc_kernels *kernels,
                              const cc_tile *band, const char *src, cc_input_room *room);

/* Transforms `channels` channels of a band's tiles, of which the first sees `from`, by a kernel for
 * a tile, to points that are `point` elements apart, those of the next tile `tile` elements on. */
typedef struct {
    void (*kernel)(const cc_winograd *args, const void *src, void *dst);
    int64_t channels;
    ptrdiff_t point, tile;
} cc_winograd_transform;
void cc_winograd_to_points(const cc_winograd_bands *bands, const cc_input_tile *layout,
                           const cc_tile *band, const cc_winograd_transform *transform,
                           const char *from, char *to);

/* winograd_plan.c: why a layer can't be computed so; NULL: it can. Whether it pays is another
 * question. */
const char *cc_winograd_refuse(const cc_candidate *candidate);
/* Whether, of so many images, it takes fewer multiply-adds for each pair of channels than direct
 * sums, and its error is what is stated. What transforming takes is counted in products: of a
 * tile's inputs and outputs, and of the weights. */
bool cc_winograd_saves(const cc_winograd_bands *bands, const cc_conv *problem, int64_t images,
                       double of_tile, double of_weights);

/* winograd.c */
bool cc_winograd_pack(const cc_plan *plan, const char *weight, char *packed);
cc_status cc_winograd_run(const cc_plan *plan, const cc_arrays *arrays, int threads);

#endif
