/* Convolution with one output column a lane.
 *
 *   dst[a][x] = init[a] + sum over taps t of accumulator a of src[x + offset[t]] * weight[t][a]
 *
 * A tile is a few accumulators by up to MAP_VECS or ROW_VECS vectors of columns, held in
 * registers. The accumulators are `maps` output channels that all take every tap, or (maps = 0)
 * ROWS output rows, which a run of taps (a row of the kernel on one input row) reaches only in
 * part: a loaded input row then serves every output row that sees it.
 *
 * Assumed: whole vectors can be read from src + offset[t], or, if not `slack`, exactly width >=
 * LANES reals; weight is packed run by run as [tap][to - from], or [tap][maps]; nothing overlaps;
 * no alignment. Columns that do not fill the last vector are stored alone; without slack they are
 * computed with columns that were already done, which get the same value again.
 */
#include "vec.h"

typedef struct {
    const cc_taps *taps;
    const real *src, *weight, *init;
    real *dst;
    ptrdiff_t dst_step;
    int stores; /* accumulators that have a row in dst */
} task;

/* Adds the products of `taps` taps to accumulators from <= a < to; all but taps constants. */
CC_INLINE void take(int from, int to, int vecs, vec (*acc)[MAX_VECS], const real *src,
                    const ptrdiff_t *offset, ptrdiff_t taps, const real *weight)
{
    for (ptrdiff_t t = 0; t < taps; t++) {
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

/* dst = (first block: init, later: dst) + acc; of the last vector, `last` columns. */
CC_INLINE void put(int accs, int vecs, vec (*acc)[MAX_VECS], const task *job, real *dst, bool first,
                   int last)
{
    CC_UNROLL
    for (int a = 0; a < accs; a++) {
        if (a >= job->stores)
            return;
        real *d = dst + a * job->dst_step;
        const vec init = splat(job->init[a]);
        const int whole = last == LANES ? vecs : vecs - 1;
        CC_UNROLL
        for (int v = 0; v < vecs; v++) {
            real *to = d + v * LANES;
            if (v < whole)
                store(to, (first ? init : load(to)) + acc[a][v]);
            else
                store_few(to, (first ? init : load_few(to, last)) + acc[a][v], last);
        }
    }
}

/* All blocks of taps for the columns from x on. The sum over blocks is kept in dst. */
CC_INLINE void tile(int maps, int vecs, const task *job, ptrdiff_t x, int last)
{
    const int accs = maps ? maps : ROWS;
    const cc_taps *taps = job->taps;
    const real *src = job->src + x, *weight = job->weight;
    for (ptrdiff_t b = 0; b < taps->blocks; b++) {
        const bool is_last = b == taps->blocks - 1;
        const cc_run *run = is_last ? taps->last : taps->full;
        const cc_run *end = run + (is_last ? taps->last_runs : taps->full_runs);
        const ptrdiff_t *offset = taps->offset + b * taps->offset_step;
        vec acc[MAX_ACCS][MAX_VECS];
        CC_UNROLL
        for (int a = 0; a < accs; a++) {
            CC_UNROLL
            for (int v = 0; v < vecs; v++) acc[a][v] = (vec){0};
        }
        if (maps) {
            take(0, maps, vecs, acc, src, offset, run->taps, weight);
            weight += run->taps * maps;
        } else {
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
#undef CASE
                }
                offset += run->taps;
                weight += run->taps * (run->to - run->from);
            }
        }
        put(accs, vecs, acc, job, job->dst + x, b == 0, last);
        src += taps->step;
    }
}

CC_INLINE void row(int maps, const task *job, ptrdiff_t width, bool slack)
{
    /* Spread the vectors of a row evenly over tiles. Without slack the last tile ends at the row's
     * end, which takes a tile before it unless the vectors fit exactly. */
    const ptrdiff_t most = maps ? MAP_VECS : ROW_VECS, vecs = (width + LANES - 1) / LANES;
    const int rest = (int)(width % LANES);
    ptrdiff_t tiles = (vecs + most - 1) / most;
    if (tiles == 1 && rest && !slack)
        tiles = 2;
    for (ptrdiff_t i = 0; i < tiles; i++) {
        const ptrdiff_t first = vecs * i / tiles, n = vecs * (i + 1) / tiles - first;
        const bool ends = i == tiles - 1 && rest;
        const ptrdiff_t x = ends && !slack ? width - n * LANES : first * LANES;
        const int last = ends && slack ? rest : LANES;
        switch (n) {
        case 1:
            tile(maps, 1, job, x, last);
            break;
        case 2:
            tile(maps, 2, job, x, last);
            break;
        case 3:
            tile(maps, 3, job, x, last);
            break;
#if CC_REGISTERS == 32
        case 4:
            if (!maps)
                tile(0, 4, job, x, last);
            break;
#endif
        }
    }
}

void CC_FN(rows)(const cc_taps *taps, int maps, const void *src, ptrdiff_t width, bool slack,
                 const void *weight, const void *init, void *dst, ptrdiff_t dst_step, int stores)
{
    const task job = {taps, src, weight, init, dst, dst_step, stores};
    switch (maps) {
#define CASE(n) \
    case n: \
        row(n, &job, width, slack); \
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
