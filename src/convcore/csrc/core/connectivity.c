#include "connectivity.h"
#include "../base/arena.h"

/* The problem of one input channel, whose lists serve every channel, moved. */
static cc_conv single(const cc_conv *problem)
{
    cc_conv one = *problem;
    one.c = 1;
    return one;
}

/* Parts of the memory, in order: taps and index of each output channel, lists of one input channel,
 * then those of every connection. */
typedef struct {
    size_t taps, index, blocks, template_block, template_offset, template_index, runs, offsets,
        indices, bytes;
} layout;

static layout lay_out(const cc_conv *problem, int rows)
{
    const cc_conv one = single(problem);
    const cc_tap_sizes of = cc_tap_offsets_measure(&one, rows),
                       all = cc_tap_offsets_measure(problem, rows);
    const ptrdiff_t pairs = problem->first_input[problem->k];
    const size_t word = sizeof(ptrdiff_t);
    layout at;
    size_t end = 0;
    at.taps = cc_arena_reserve(&end, problem->k, sizeof(cc_taps));
    at.index = cc_arena_reserve(&end, problem->k, sizeof(ptrdiff_t *));
    at.blocks = cc_arena_reserve(&end, (problem->k + pairs) * of.pieces, sizeof(cc_block));
    at.template_block = cc_arena_reserve(&end, of.blocks, sizeof(cc_block));
    at.template_offset = cc_arena_reserve(&end, of.offsets, word);
    at.template_index = cc_arena_reserve(&end, of.weights, word);
    at.runs = cc_arena_reserve(&end, of.runs * all.channels, sizeof(cc_run));
    at.offsets = cc_arena_reserve(&end, pairs * of.offsets, word);
    at.indices = cc_arena_reserve(&end, pairs * of.weights, word);
    at.bytes = end;
    return at;
}

size_t cc_connectivity_measure(const cc_conv *problem, int rows)
{
    return problem->first_input ? lay_out(problem, rows).bytes : 0;
}

/* Where the weight of an input channel and tap stands among those of an output channel. */
static ptrdiff_t index_of(const cc_conv *problem, int64_t c, ptrdiff_t tap)
{
    const cc_weights *at = &problem->weights;
    if (at->taps)
        return c * at->input + at->taps[tap];
    for (int a = 0; a < CC_AXES; a++) c *= problem->axis[a].kernel;
    return c + tap;
}

void cc_connectivity_list(cc_connectivity *lists, const cc_conv *problem, const cc_input_tile *tile,
                          int rows, void *memory)
{
    const layout at = lay_out(problem, rows);
    const cc_conv one = single(problem);
    char *start = memory;
    cc_taps *taps = (cc_taps *)(start + at.taps);
    const ptrdiff_t **indices_of = (const ptrdiff_t **)(start + at.index);
    ptrdiff_t *offset = (ptrdiff_t *)(start + at.template_offset);
    ptrdiff_t *index = (ptrdiff_t *)(start + at.template_index);
    cc_run *runs = (cc_run *)(start + at.runs);
    cc_block *block = (cc_block *)(start + at.blocks);
    ptrdiff_t *offsets = (ptrdiff_t *)(start + at.offsets);
    ptrdiff_t *indices = (ptrdiff_t *)(start + at.indices);

    const cc_tap_room room = {(cc_block *)(start + at.template_block), offset, runs};
    const cc_taps first = cc_tap_offsets_by_row(&one, tile, rows, &room, index);
    const ptrdiff_t channels = cc_tap_offsets_measure(problem, rows).channels; /* in a round */
    const cc_block *last = &first.block[first.blocks - 1];
    const ptrdiff_t of_channel = last->run + last->runs - runs;
    ptrdiff_t count = 0, weights = 0;
    for (ptrdiff_t r = 0; r < of_channel; r++) {
        count += runs[r].taps;
        weights += runs[r].taps * (runs[r].to - runs[r].from);
    }
    for (ptrdiff_t r = of_channel; r < of_channel * channels; r++) runs[r] = runs[r - of_channel];
    for (int64_t k = 0; k < problem->k; k++) {
        const int64_t from = problem->first_input[k], to = problem->first_input[k + 1];
        taps[k].block = block;
        /* rounds of `channels` connections, or of the pieces of one; without any, an empty one */
        for (int64_t i = from; i < to || i == from; i += channels)
            for (ptrdiff_t b = 0; b < first.blocks; b++) {
                const cc_block *of = &first.block[b];
                *block++ =
                    (cc_block){.offset = offsets + (i - from) * count + (of->offset - offset),
                               .run = of->run,
                               .runs = of->runs * max(0, min(channels, to - i))};
            }
        taps[k].blocks = block - taps[k].block;
        indices_of[k] = indices;
        for (int64_t i = from; i < to; i++) {
            const int64_t c = problem->inputs[i];
            for (ptrdiff_t t = 0; t < count; t++) *offsets++ = offset[t] + c * tile->channel;
            for (ptrdiff_t w = 0; w < weights; w++) *indices++ = index_of(problem, c, index[w]);
        }
    }
    *lists = (cc_connectivity){taps, indices_of, problem->first_input, weights};
}

void cc_connectivity_pack(const cc_connectivity *lists, const cc_kernels *kernels, int64_t channel,
                          const void *weight, void *packed)
{
    const int64_t *first = &lists->first_input[channel];
    kernels->gather(weight, lists->index[channel], packed,
                    (first[1] - first[0]) * lists->weights_of_channel);
}
