#include "connected.h"

static size_t round_up(size_t bytes) { return (bytes + 63) / 64 * 64; }

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
    size_t taps, index, template_offset, template_index, runs, offsets, indices;
} sizes;

static sizes measure(const cc_conv *problem, int rows)
{
    const cc_conv one = single(problem);
    const cc_taps_size of = cc_taps_measure(&one, rows), all = cc_taps_measure(problem, rows);
    const size_t k = (size_t)problem->k, pairs = (size_t)problem->first_input[problem->k];
    const size_t word = sizeof(ptrdiff_t);
    return (sizes){.taps = round_up(k * sizeof(cc_taps)),
                   .index = round_up(k * sizeof(ptrdiff_t *)),
                   .template_offset = round_up((size_t)of.offsets * word),
                   .template_index = round_up((size_t)of.weights * word),
                   .runs = round_up((size_t)(of.runs * all.channels) * sizeof(cc_run)),
                   .offsets = round_up(pairs * (size_t)of.offsets * word),
                   .indices = round_up(pairs * (size_t)of.weights * word)};
}

size_t cc_connected_measure(const cc_conv *problem, int rows)
{
    if (!problem->first_input)
        return 0;
    const sizes s = measure(problem, rows);
    return s.taps + s.index + s.template_offset + s.template_index + s.runs + s.offsets + s.indices;
}

void cc_connected_list(cc_connected *connected, const cc_conv *problem, const cc_strip *strip,
                       int rows, void *memory)
{
    const sizes s = measure(problem, rows);
    const cc_conv one = single(problem);
    char *at = memory;
    cc_taps *taps = (cc_taps *)at;
    const ptrdiff_t **indices_of = (const ptrdiff_t **)(at += s.taps);
    ptrdiff_t *offset = (ptrdiff_t *)(at += s.index);
    ptrdiff_t *index = (ptrdiff_t *)(at += s.template_offset);
    cc_run *runs = (cc_run *)(at += s.template_index);
    ptrdiff_t *offsets = (ptrdiff_t *)(at += s.runs);
    ptrdiff_t *indices = (ptrdiff_t *)(at + s.offsets);

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
            const ptrdiff_t kernel = weights / rows;
            for (ptrdiff_t w = 0; w < weights; w++) *indices++ = index[w] + c * kernel;
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
