/* Convolution with one output column a lane.
 *
 *   dst[a][x] = init[a] + sum over taps t of accumulator a of src[x + offset[t]] * weight[t][a]
 *
 * A tile is ACCS accumulators by up to ROW_VECS vectors of columns, held in registers. The
 * accumulators are output channels that all take every tap, or ROWS output rows, which a run
 * of taps (a row of the kernel on one input row) reaches only in part: a loaded input row then
 * serves every output row that sees it.
 *
 * Assumed: from src + offset[t], ceil(width / LANES) vectors can be read where width < LANES, and
 * exactly width reals otherwise; weight is packed run by run as [tap][to - from]; nothing
 * overlaps; no alignment. Columns that do not fill the last vector are computed with columns that
 * were already done: they get the same value again.
 */
#include "vec.h"

CC_INLINE void take(int from, int to, int vecs, vec (*acc)[ROW_VECS], const real *src,
                    const ptrdiff_t *offset, ptrdiff_t taps, const real *weight)
{
    for (ptrdiff_t t = 0; t < taps; t++) {
        vec in[ROW_VECS];
        CC_UNROLL for (int v = 0; v < vecs; v++) in[v] = load(src + offset[t] + v * LANES);
        CC_UNROLL for (int a = from; a < to; a++)
        {
            const vec w = splat(weight[a - from]);
            CC_UNROLL for (int v = 0; v < vecs; v++) acc[a][v] += in[v] * w;
        }
        weight += to - from;
    }
}

/* One tile: all blocks of taps, into `stores` rows of dst of vecs vectors, or of `width` < LANES
 * columns. The sum over blocks is kept in dst. */
CC_INLINE void tile(int vecs, const cc_taps *taps, const real *src, ptrdiff_t width,
                    const real *weight, const real *init, real *dst, ptrdiff_t dst_step, int stores)
{
    for (ptrdiff_t b = 0; b < taps->blocks; b++) {
        const bool is_last = b == taps->blocks - 1;
        const cc_run *run = is_last ? taps->last : taps->full;
        const cc_run *end = run + (is_last ? taps->last_runs : taps->full_runs);
        const ptrdiff_t *offset = taps->offset;
        vec acc[ACCS][ROW_VECS];
        CC_UNROLL for (int a = 0; a < ACCS; a++)
            CC_UNROLL for (int v = 0; v < vecs; v++) acc[a][v] = (vec){0};
        for (; run < end; run++) {
            switch (run->from * 16 + run->to) {
#define CASE(from, to) \
    case from * 16 + to: \
        take(from, to, vecs, acc, src, offset, run->taps, weight); \
        break;
                CASE(0, 1)
                CASE(0, 2)
                CASE(0, 3)
                CASE(0, 4)
                CASE(1, 2)
                CASE(1, 3)
                CASE(1, 4)
                CASE(2, 3)
                CASE(2, 4)
                CASE(3, 4)
#if CC_REGISTERS == 32
                CASE(0, 5)
                CASE(0, 6)
                CASE(0, 7)
                CASE(0, 8)
#endif
#undef CASE
            }
            offset += run->taps;
            weight += run->taps * (run->to - run->from);
        }
        CC_UNROLL for (int a = 0; a < ACCS; a++)
        {
            real *d = dst + a * dst_step;
            if (a >= stores)
                break;
            if (width < LANES) {
                for (int x = 0; x < width; x++) d[x] = (b == 0 ? init[a] : d[x]) + acc[a][0][x];
            } else {
                CC_UNROLL for (int v = 0; v < vecs; v++)
                    store(d + v * LANES,
                          (b == 0 ? splat(init[a]) : load(d + v * LANES)) + acc[a][v]);
            }
        }
        src += taps->step;
    }
}

void CC_FN(rows)(const cc_taps *taps, const void *src, ptrdiff_t width, const void *weight,
                 const void *init, void *dst, ptrdiff_t dst_step, int stores)
{
    /* Spread the vectors of a row evenly over tiles; the last tile ends at the row's end, which
     * takes a tile before it unless the vectors fit exactly. */
    const ptrdiff_t vecs = (width + LANES - 1) / LANES;
    ptrdiff_t tiles = (vecs + ROW_VECS - 1) / ROW_VECS;
    if (tiles == 1 && vecs > 1 && width % LANES)
        tiles = 2;
    for (ptrdiff_t i = 0; i < tiles; i++) {
        const ptrdiff_t first = vecs * i / tiles, n = vecs * (i + 1) / tiles - first;
        ptrdiff_t x = first * LANES;
        if (x + n * LANES > width && width >= LANES)
            x = width - n * LANES;
        const real *in = (const real *)src + x;
        real *out = (real *)dst + x;
        switch (n) {
        case 1:
            tile(1, taps, in, width, weight, init, out, dst_step, stores);
            break;
        case 2:
            tile(2, taps, in, width, weight, init, out, dst_step, stores);
            break;
        case 3:
            tile(3, taps, in, width, weight, init, out, dst_step, stores);
            break;
        }
    }
}
