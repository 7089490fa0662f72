/* Convolution with one output channel a lane.
 *
 *   acc[p][v] = (first block: bias[v], later: acc[p][v]) + sum over t of in[p][t] * weight[t][v]
 *
 * A tile is IGEMM_PIXELS pixels by `vecs` vectors of output channels, keep_in_register in
 * registers. Each tap loads its weights once for all pixels and one input scalar a pixel (lanewise:
 * one vector a pixel and output vector), straight from wherever the input lies. Assumed: weight is
 * packed [tap][vecs] vectors, acc rows hold vecs vectors, nothing overlaps; no alignment.
 *
 * With a table of connections the taps of an input channel are added for all output channels, and
 * taken back where the channels are not connected: what is added there, NaN too, leaves no trace.
 *
 * Where lanes are the output channels of several groups, a vector of input holds the channels of
 * the same groups; each lane takes the one of its group that the taps are of.
 */
#include "vec.h"

/* What a lane of the kernel is: an output channel, one of those that a table connects, a group of
 * one channel, or an output channel of one of several groups. */
typedef enum { CHANNELS, CONNECTED, DEPTHWISE, GROUPED, KINDS } lanes_kind;

/* The pixels of a tile, and a block of taps. */
typedef struct {
    const real *pixel[IGEMM_PIXELS];
    const ptrdiff_t *offset;
    ptrdiff_t taps;
    const real *weight, *bias;
    real *acc;
    ptrdiff_t acc_step;
    const real *of_inputs; /* rows for the taps of each input channel */
    ptrdiff_t row_step, of_input;
} task;

/* The products of one block for `pixels` pixels; pixels, vecs, kind are constants here. */
CC_INLINE void tile(int pixels, int vecs, lanes_kind kind, const task *job)
{
    const real *const *pixel = job->pixel, *weight = job->weight, *bias = job->bias;
    const real *row = job->of_inputs;
    const bool by_input = kind == CONNECTED || kind == GROUPED;
    const ptrdiff_t *offset = job->offset, taps = job->taps;
    vec total[IGEMM_PIXELS][IGEMM_VECS], before[IGEMM_PIXELS][IGEMM_VECS];
    CC_UNROLL
    for (int p = 0; p < pixels; p++) {
        CC_UNROLL
        for (int v = 0; v < vecs; v++) total[p][v] = (vec){0};
    }
    for (ptrdiff_t t = 0; t < taps;) {
        const ptrdiff_t end = by_input ? t + job->of_input : taps;
        const lane_bits taken = kind == GROUPED ? (lane_bits)load(row) : (lane_bits){0};
        CC_UNROLL
        for (int p = 0; kind == CONNECTED && p < pixels; p++) {
            CC_UNROLL
            for (int v = 0; v < vecs; v++) before[p][v] = total[p][v];
        }
        for (; t < end; t++) {
            const ptrdiff_t o = offset[t];
            vec w[IGEMM_VECS];
            CC_UNROLL
            for (int v = 0; v < vecs; v++) w[v] = load(weight + v * LANES);
            weight += vecs * LANES;
            CC_UNROLL
            for (int p = 0; p < pixels; p++) {
                const real *in = pixel[p] + o;
                const vec scalar = splat(*in);
                CC_UNROLL
                for (int v = 0; v < vecs; v++)
                    total[p][v] += (kind == DEPTHWISE ? load(in + v * LANES)
                                    : kind == GROUPED ? permute(load(in + v * LANES), taken)
                                                      : scalar) *
                                   w[v];
            }
        }
        CC_UNROLL
        for (int v = 0; kind == CONNECTED && v < vecs; v++) {
            const lane_bits kept = (lane_bits)load(row + v * LANES);
            CC_UNROLL
            for (int p = 0; p < pixels; p++)
                total[p][v] = select_lanes(kept, before[p][v], total[p][v]);
        }
        row += job->row_step;
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

CC_INLINE void block(int vecs, lanes_kind kind, const cc_grid *grid, const real *src, task job)
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
        tile(n, vecs, kind, &job); \
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
    const lanes_kind kind = grid->of_inputs  ? grid->lanewise ? GROUPED : CONNECTED
                            : grid->lanewise ? DEPTHWISE
                                             : CHANNELS;
    task job = {.weight = weight,
                .bias = bias,
                .acc = acc,
                .acc_step = grid->acc_step,
                .of_inputs = grid->of_inputs,
                .row_step = grid->row_of_input,
                .of_input = grid->of_input};
    for (const cc_block *b = taps->block; b < taps->block + taps->blocks; b++) {
        const real *in = (const real *)src + b->start;
        job.taps = b->run->taps;
        job.offset = b->offset;
        switch (vecs * KINDS + (int)kind) {
#define KIND(n, kind) \
    case (n) * KINDS + (kind): \
        block(n, kind, grid, in, job); \
        break;
#define CASE(n) KIND(n, CHANNELS) KIND(n, DEPTHWISE)
            CASE(1)
            CASE(2)
#if CC_REGISTERS == 32
            CASE(3)
            CASE(4)
#endif
#undef CASE
            KIND(1, CONNECTED)
            KIND(2, CONNECTED)
            KIND(1, GROUPED)
            KIND(2, GROUPED)
#undef KIND
        }
        job.weight += job.taps * vecs * LANES;
        if (kind == GROUPED)
            job.of_inputs += job.taps / job.of_input * job.row_step;
        job.bias = NULL;
    }
}
