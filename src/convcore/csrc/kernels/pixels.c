/* Convolution with one output channel a lane.
 *
 *   acc[p][v] = (first block: init[v], later: acc[p][v]) + sum over t of in[p][t] * weight[t][v]
 *
 * A tile is PIXELS pixels by `vecs` vectors of output channels, held in registers. Each tap loads
 * its weights once for all pixels and one input scalar a pixel (lanewise: one vector a pixel and
 * output vector), straight from wherever the input lies. Assumed: weight is packed [tap][vecs]
 * vectors, acc rows hold vecs vectors, nothing overlaps; no alignment.
 */
#include "vec.h"

/* The products of one block for `pixels` pixels; pixels, vecs, lanewise are constants here. */
CC_INLINE void tile(int pixels, int vecs, bool lanewise, const real *const *pixel,
                    const ptrdiff_t *offset, ptrdiff_t taps, const real *weight, const real *init,
                    real *acc, ptrdiff_t acc_step)
{
    vec sum[PIXELS][PIXEL_VECS];
    CC_UNROLL
    for (int p = 0; p < pixels; p++) {
        CC_UNROLL
        for (int v = 0; v < vecs; v++) sum[p][v] = (vec){0};
    }
    for (ptrdiff_t t = 0; t < taps; t++) {
        const ptrdiff_t o = offset[t];
        vec w[PIXEL_VECS];
        CC_UNROLL
        for (int v = 0; v < vecs; v++) w[v] = load(weight + v * LANES);
        weight += vecs * LANES;
        CC_UNROLL
        for (int p = 0; p < pixels; p++) {
            const vec scalar = splat(pixel[p][o]);
            CC_UNROLL
            for (int v = 0; v < vecs; v++)
                sum[p][v] += (lanewise ? load(pixel[p] + o + v * LANES) : scalar) * w[v];
        }
    }
    CC_UNROLL
    for (int p = 0; p < pixels; p++) {
        CC_UNROLL
        for (int v = 0; v < vecs; v++) {
            real *a = acc + p * acc_step + v * LANES;
            store(a, (init ? load(init + v * LANES) : load(a)) + sum[p][v]);
        }
    }
}

CC_INLINE void block(int vecs, bool lanewise, const cc_grid *grid, const real *src,
                     const ptrdiff_t *offset, ptrdiff_t taps, const real *weight, const real *init,
                     real *acc)
{
    const real *pixel[PIXELS], *row = src;
    const ptrdiff_t *place = grid->places;
    ptrdiff_t column = 0, left = grid->rows * grid->columns;
    while (left > 0) {
        const int pixels = left < PIXELS ? (int)left : PIXELS;
        for (int p = 0; p < pixels; p++) {
            if (place) {
                pixel[p] = src + *place++;
                continue;
            }
            pixel[p] = row + column * grid->column_step;
            if (++column == grid->columns) {
                column = 0;
                row += grid->row_step;
            }
        }
        switch (pixels) {
#define CASE(n) \
    case n: \
        tile(n, vecs, lanewise, pixel, offset, taps, weight, init, acc, grid->acc_step); \
        break;
            CASE(1)
            CASE(2)
            CASE(3)
            CASE(4)
            CASE(5)
            CASE(6)
#undef CASE
        }
        acc += pixels * grid->acc_step;
        left -= pixels;
    }
}

void CC_FN(pixels)(const cc_taps *taps, const cc_grid *grid, const void *src, const void *weight,
                   int vecs, bool lanewise, const void *init, void *acc)
{
    const real *in = src, *w = weight;
    for (ptrdiff_t b = 0; b < taps->blocks; b++) {
        const ptrdiff_t count = (b < taps->blocks - 1 ? taps->full : taps->last)->taps;
        const ptrdiff_t *offset = taps->offset + b * taps->offset_step;
        switch (vecs * 2 + lanewise) {
#define CASE(n) \
    case n * 2: \
        block(n, false, grid, in, offset, count, w, init, acc); \
        break; \
    case n * 2 + 1: \
        block(n, true, grid, in, offset, count, w, init, acc); \
        break;
            CASE(1)
            CASE(2)
#if CC_REGISTERS == 32
            CASE(3)
            CASE(4)
#endif
#undef CASE
        }
        in += taps->step;
        w += count * vecs * LANES;
        init = NULL;
    }
}
