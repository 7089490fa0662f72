#include "connected.h"
#include "whole.h"

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
    size_t taps, index, template_offset, template_index, runs, offsets, indices, bytes;
} layout;

static layout lay_out(const cc_conv *problem, int rows)
{
    const cc_conv one = single(problem);
    const cc_taps_size of = cc_taps_measure(&one, rows), all = cc_taps_measure(problem, rows);
    const ptrdiff_t pairs = problem->first_input[problem->k];
    const size_t word = sizeof(ptrdiff_t);
    layout at;
    size_t end = 0;
    at.taps = claim(&end, problem->k, sizeof(cc_taps));
    at.index = claim(&end, problem->k, sizeof(ptrdiff_t *));
    at.template_offset = claim(&end, of.offsets, word);
    at.template_index = claim(&end, of.weights, word);
    at.runs = claim(&end, of.runs * all.channels, sizeof(cc_run));
    at.offsets = claim(&end, pairs * of.offsets, word);
    at.indices = claim(&end, pairs * of.weights, word);
    at.bytes = end;
    return at;
}

size_t cc_connected_measure(const cc_conv *problem, int rows)
{
    return problem->first_input ? lay_out(problem, rows).bytes : 0;
}

/* Where the weight of an input channel and tap stands among those of an output channel. */
static ptrdiff_t place_of(const cc_conv *problem, int64_t c, ptrdiff_t tap)
{
    const cc_weights *at = &problem->weights;
    if (at->taps)
        return c * at->input + at->taps[tap];
    for (int a = 0; a < CC_AXES; a++) c *= problem->axis[a].kernel;
    return c + tap;
}

void cc_connected_list(cc_connected *connected, const cc_conv *problem, const cc_strip *strip,
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
    ptrdiff_t *offsets = (ptrdiff_t *)(start + at.offsets);
    ptrdiff_t *indices = (ptrdiff_t *)(start + at.indices);

    const cc_taps first = cc_taps_rows(&one, strip, rows, offset, runs, index);
    const ptrdiff_t channels = cc_taps_measure(problem, rows).channels; /* in a block */
    const ptrdiff_t of_channel = first.full_runs;
    ptrdiff_t count = 0, weights = 0;
    for (ptrdiff_t r = 0; r < of_channel; r++) {
        count += runs[r].taps;
        weights += runs[r].taps * (runs[r].to - runs[r].from);
    }
    for (ptrdiff_t r = of_channel; r < of_channel * channels; r++) runs[r] = runs[r - of_channel];
    for (int64_t k = 0; k < problem->k; k++) {
        const int64_t from = problem->first_input[k], to = problem->first_input[k + 1];
        const ptrdiff_t blocks = to > from ? (to - from + channels - 1) / channels : 1;
        taps[k] = (cc_taps){.offset = offsets,
                            .full = runs,
                            .last = runs,
                            .full_runs = of_channel * channels,
                            .last_runs = of_channel * (to - from - (blocks - 1) * channels),
                            .blocks = blocks,
                            .offset_step = count * channels};
        indices_of[k] = indices;
        for (int64_t i = from; i < to; i++) {
            const int64_t c = problem->inputs[i];
            for (ptrdiff_t t = 0; t < count; t++) *offsets++ = offset[t] + c * strip->channel;
            for (ptrdiff_t w = 0; w < weights; w++) *indices++ = place_of(problem, c, index[w]);
        }
    }
    *connected = (cc_connected){taps, indices_of, problem->first_input, weights};
}

void cc_connected_pack(const cc_connected *connected, const cc_kernels *kernels, int64_t channel,
                       const void *weight, void *packed)
{
    const int64_t *first = &connected->first_input[channel];
    kernels->gather(weight, connected->index[channel], packed,
                    (first[1] - first[0]) * connected->weights_of_channel);
}
