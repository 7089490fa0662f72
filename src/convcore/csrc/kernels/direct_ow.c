/* Convolution with one output column a lane.
 *
 *   dst[a][x] = bias[a] + sum over taps t of accumulator a of src[x + offset[t]] * weight[t][a]
 *
 * A tile is a few accumulators by up to OW_CHANNEL_VECS or OW_ROW_VECS vectors of columns,
 * keep_in_register in registers. The accumulators are `channels` output channels that all take
 * every tap, or (channels = 0) OW_ROWS output rows, which a run of taps (a row of the kernel on one
 * input row) reaches only in part: a loaded input row then serves every output row that sees it.
 *
 * Assumed: whole vectors can be read from src + offset[t], or, if not `readable_past_end`, exactly
 * width >= LANES reals; weight is packed run by run as [tap][to - from], or [tap][channels];
 * nothing overlaps; no alignment. Columns that do not fill the last vector are stored alone;
 * without readable_past_end they are computed with columns that were already done, which get the
 * same value again.
 */
#include "vec.h"

typedef struct {
    const cc_taps *taps;
    const cc_columns *row;
    const real *src, *weight, *bias;
    real *dst;
} task;

/* Taps that the same accumulators take. */
typedef struct {
    const real *src;
    const ptrdiff_t *offset;
    ptrdiff_t taps;
    const real *weight;
} products;

/* The columns of a tile: of the last vector, `last`. */
typedef struct {
    ptrdiff_t x;
    int vecs, last;
} columns;

/* Adds the products of taps to accumulators from <= a < to; from, to, vecs are constants. */
CC_INLINE void take(int from, int to, int vecs, const products *of, vec (*acc)[MAX_VECS])
{
    const real *src = of->src, *weight = of->weight;
    const ptrdiff_t *offset = of->offset;
    for (ptrdiff_t t = 0; t < of->taps; t++) {
        vec in[MAX_VECS];
        CC_UNROLL
        for (int v = 0; v < vecs; v++) in[v] = load(src + offset[t] + v * LANES);
        CC_UNROLL
        for (int a = from; a < to; a++) {
            const vec w = splat(weight[a - from]);
            CC_UNROLL
            for (int v = 0; v < vecs; v++) acc[a][v] += in[v] * w;
        }
        weight += to - from;
    }
}

/* dst = (first block: bias, later: dst) + acc. */
CC_INLINE void put(const task *job, int accs, columns c, bool first, vec (*acc)[MAX_VECS])
{
    const int last = c.last;
    CC_UNROLL
    for (int a = 0; a < accs; a++) {
        if (a >= job->row->stores)
            return;
        real *d = job->dst + c.x + a * job->row->dst_step;
        const vec bias = splat(job->bias[a]);
        const int whole = last == LANES ? c.vecs : c.vecs - 1;
        CC_UNROLL
        for (int v = 0; v < c.vecs; v++) {
            real *to = d + v * LANES;
            if (v < whole)
                store(to, (first ? bias : load(to)) + acc[a][v]);
            else
                store_partial(to, (first ? bias : load_partial(to, last)) + acc[a][v], last);
        }
    }
}

/* All blocks of taps for the columns from x on. The sum over blocks is kept in dst. */
CC_INLINE void tile(int channels, int vecs, const task *job, ptrdiff_t x, int last)
{
    const int accs = channels ? channels : OW_ROWS;
    const cc_block *first = job->taps->block;
    const real *weight = job->weight;
    for (const cc_block *b = first; b < first + job->taps->blocks; b++) {
        const real *src = job->src + x + b->start;
        const cc_run *run = b->run, *end = run + b->runs;
        const ptrdiff_t *offset = b->offset;
        vec acc[MAX_ACCS][MAX_VECS];
        CC_UNROLL
        for (int a = 0; a < accs; a++) {
            CC_UNROLL
            for (int v = 0; v < vecs; v++) acc[a][v] = (vec){0};
        }
        if (channels) {
            const products all = {src, offset, run->taps, weight};
            take(0, channels, vecs, &all, acc);
            weight += run->taps * channels;
        } else {
            for (; run < end; run++) {
                const products some = {src, offset, run->taps, weight};
                switch (run->from * 16 + run->to) {
#define CASE(from, to) \
    case from * 16 + to: \
        take(from, to, vecs, &some, acc); \
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
#undef CASE
                }
                offset += run->taps;
                weight += run->taps * (run->to - run->from);
            }
        }
        put(job, accs, (columns){x, vecs, last}, b == first, acc);
    }
}

CC_INLINE void row(int channels, const task *job)
{
    const ptrdiff_t width = job->row->width;
    const bool readable_past_end = job->row->readable_past_end;
    /* Spread the vectors of a row evenly over tiles. Without readable_past_end the last tile ends
     * at the row's end, which takes a tile before it unless the vectors fit exactly. */
    const ptrdiff_t most = channels ? OW_CHANNEL_VECS : OW_ROW_VECS,
                    vecs = (width + LANES - 1) / LANES;
    const int remainder = (int)(width % LANES);
    ptrdiff_t tiles = (vecs + most - 1) / most;
    if (tiles == 1 && remainder && !readable_past_end)
        tiles = 2;
    for (ptrdiff_t i = 0; i < tiles; i++) {
        const ptrdiff_t first = vecs * i / tiles, n = vecs * (i + 1) / tiles - first;
        const bool ends = i == tiles - 1 && remainder;
        const ptrdiff_t x = ends && !readable_past_end ? width - n * LANES : first * LANES;
        const int last = ends && readable_past_end ? remainder : LANES;
        switch (n) {
        case 1:
            tile(channels, 1, job, x, last);
            break;
        case 2:
            tile(channels, 2, job, x, last);
            break;
        case 3:
            tile(channels, 3, job, x, last);
            break;
#if CC_REGISTERS == 32
        case 4:
            if (!channels)
                tile(0, 4, job, x, last);
            break;
#endif
        }
    }
}

void CC_FN(direct_ow)(const cc_taps *taps, const cc_columns *of, const void *src,
                      const void *weight, const void *bias, void *dst)
{
    const task job = {taps, of, src, weight, bias, dst};
    switch (of->channels) {
#define CASE(n) \
    case n: \
        row(n, &job); \
        break;
        CASE(0)
        CASE(1)
        CASE(2)
        CASE(3)
        CASE(4)
#if CC_REGISTERS == 32
        CASE(5)
        CASE(6)
        CASE(7)
        CASE(8)
#endif
#undef CASE
    }
}
