/* Convolution by Fourier transforms of tiles: the plan, and what running it needs of it. */
#ifndef CC_FFT_H
#define CC_FFT_H

#include "direct.h"

/* Tiles of the input are cut so that each gives the same outputs, from output 0 of the image on,
 * whatever the number of threads (overlap-save). Two tiles of an image, one after the other, are
 * the real and the imaginary part of what is transformed: the kernel is real, so they stay apart.
 *
 * A tile is a matrix of rows and columns, or several, one for each depth. Where the kernel has one
 * tap along an axis nothing is transformed along it. A signal of one axis is reshaped: one long row
 * is cut into the rows of a matrix, whose transform by columns, twiddle factors and transform by
 * rows are that of the row. */
enum { CC_FFT_MOST = 1 << 22 }; /* numbers of a tile */

typedef struct {
    int64_t length[CC_AXES];  /* of the matrices */
    int64_t outputs[CC_AXES]; /* of a tile, along each axis of the layer */
    int64_t tiles[CC_AXES];   /* of an image */
    int64_t pairs;            /* of an image */
    double cost;              /* in multiply-adds of an image and group, about */
} cc_fft_cut;

typedef struct {
    cc_plan base;
    cc_conv problem;
    cc_input_tile tile;
    cc_fft_cut cut;
    bool is_reshaped, is_transformed[CC_AXES]; /* along each axis of the matrices */
    int line;                                  /* reals of a cache line: rows of a block */
    ptrdiff_t pitch;                           /* from a row of a matrix to the next */
    ptrdiff_t plane;                           /* reals of a tile's matrices, with their gaps */
    ptrdiff_t row;                             /* reals of a reshaped row */
    double scale;                              /* of the inverse */
    /* A spectrum is made of blocks of `line` rows, transposed: real parts, then imaginary ones. */
    ptrdiff_t blocks, block;     /* reals of one kind */
    ptrdiff_t twiddles[CC_AXES]; /* offsets in `tables`: twiddle factors of each axis */
    size_t spectra;              /* offsets in packed weights, in bytes: of all kernels' */
    size_t packed_direct;        /* and of what the direct plan packs */
    const char *tables;          /* kept with the plan */
} cc_fft_plan;

/* Reals of a spectrum. */
static inline ptrdiff_t cc_fft_spectrum(const cc_fft_plan *plan)
{
    return 2 * plan->blocks * plan->block;
}

/* How lost tiles are computed again. */
static inline const cc_direct_plan *cc_fft_direct(const cc_fft_plan *plan)
{
    return (const cc_direct_plan *)plan->base.helper;
}

/* The cut as the layer's own axes have it: of a signal, one row. */
static inline cc_fft_tile cc_fft_tile_of(const cc_fft_plan *plan)
{
    cc_fft_tile tile;
    for (int a = 0; a < CC_AXES; a++) {
        tile.length[a] = !plan->is_reshaped ? plan->cut.length[a] : a == CC_COLUMN ? plan->row : 1;
        tile.outputs[a] = plan->cut.outputs[a];
    }
    return tile;
}

/* fft.c */
bool cc_fft_pack(const cc_plan *plan, const char *weight, char *packed);
cc_status cc_fft_run(const cc_plan *plan, const cc_arrays *arrays, int threads);

#endif
