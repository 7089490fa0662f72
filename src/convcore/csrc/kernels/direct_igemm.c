/* Convolution with one output channel a lane.
 *
 *   acc[p][v] = (first block: bias[v], later: acc[p][v]) + sum over t of in[p][t] * weight[t][v]
 *
 * A tile is IGEMM_PIXELS pixels by `vecs` vectors of output channels, keep_in_register in
 * registers. Each tap loads its weights once for all pixels and one input scalar a pixel (lanewise:
 * one vector a pixel and output vector), straight from wherever the input lies. Assumed: weight is
 * packed [tap][vecs] vectors, acc rows hold vecs vectors, nothing overlaps; no alignment.
 */
#include "vec.h"

/* The pixels of a tile, and a block of taps. */
typedef struct {
    const real *pixel[IGEMM_PIXELS];
    const ptrdiff_t *offset;
    ptrdiff_t taps;
    const real *weight, *bias;
    real *acc;
    ptrdiff_t acc_step;
} task;

/* The products of one block for `pixels` pixels; pixels, vecs, lanewise are constants here. */
CC_INLINE void tile(int pixels, int vecs, bool lanewise, const task *job)
{
    const real *const *pixel = job->pixel, *weight = job->weight, *bias = job->bias;
    const ptrdiff_t *offset = job->offset, taps = job->taps;
    vec total[IGEMM_PIXELS][IGEMM_VECS];
    CC_UNROLL
    for (int p = 0; p < pixels; p++) {
        CC_UNROLL
        for (int v = 0; v < vecs; v++) total[p][v] = (vec){0};
    }
    for (ptrdiff_t t = 0; t < taps; t++) {
        const ptrdiff_t o = offset[t];
        vec w[IGEMM_VECS];
        CC_UNROLL
        for (int v = 0; v < vecs; v++) w[v] = load(weight + v * LANES);
        weight += vecs * LANES;
        CC_UNROLL
        for (int p = 0; p < pixels; p++) {
            const vec scalar = splat(pixel[p][o]);
            CC_UNROLL
            for (int v = 0; v < vecs; v++)
                total[p][v] += (lanewise ? load(pixel[p] + o + v * LANES) : scalar) * w[v];
        }
    }
    CC_UNROLL
    for (int p = 0; p < pixels; p++) {
        CC_UNROLL
        for (int v = 0; v < vecs; v++) {
            real *a = job->acc + p * job->acc_step + v * LANES;
            store(a, (bias ? load(bias + v * LANES) : load(a)) + total[p][v]);
        }
    }
}

CC_INLINE void block(int vecs, bool lanewise, const cc_grid *grid, const real *src, task job)
{
    const real *row = src;
    const ptrdiff_t *offsets = grid->offsets;
    ptrdiff_t column = 0, left = grid->rows * grid->columns;
    while (left > 0) {
        const int pixels = left < IGEMM_PIXELS ? (int)left : IGEMM_PIXELS;
        for (int p = 0; p < pixels; p++) {
            if (offsets) {
                job.pixel[p] = src + *offsets++;
                continue;
            }
            job.pixel[p] = row + column * grid->column_step;
            if (++column == grid->columns) {
                column = 0;
                row += grid->row_step;
            }
        }
        switch (pixels) {
#define CASE(n) \
    case n: \
        tile(n, vecs, lanewise, &job); \
        break;
            CASE(1)
            CASE(2)
            CASE(3)
            CASE(4)
            CASE(5)
            CASE(6)
#undef CASE
        }
        job.acc += pixels * grid->acc_step;
        left -= pixels;
    }
}

void CC_FN(direct_igemm)(const cc_taps *taps, const cc_grid *grid, const void *src,
                         const void *weight, const void *bias, void *acc)
{
    const int vecs = grid->vecs;
    task job = {.weight = weight, .bias = bias, .acc = acc, .acc_step = grid->acc_step};
    for (const cc_block *b = taps->block; b < taps->block + taps->blocks; b++) {
        const real *in = (const real *)src + b->start;
        job.taps = b->run->taps;
        job.offset = b->offset;
        switch (vecs * 2 + grid->lanewise) {
#define CASE(n) \
    case n * 2: \
        block(n, false, grid, in, job); \
        break; \
    case n * 2 + 1: \
        block(n, true, grid, in, job); \
        break;
            CASE(1)
            CASE(2)
#if CC_REGISTERS == 32
            CASE(3)
            CASE(4)
#endif
#undef CASE
        }
        job.weight += job.taps * vecs * LANES;
        job.bias = NULL;
    }
}
