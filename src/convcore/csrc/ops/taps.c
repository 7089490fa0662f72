#include "taps.h"

/* Most rows that cc_taps_rows() is asked for. */
enum { MOST_ROWS = 8 };

static ptrdiff_t kernel_taps(const cc_conv *problem)
{
    ptrdiff_t taps = 1;
    for (int a = 0; a < CC_AXES; a++) taps *= problem->axis[a].kernel;
    return taps;
}

cc_taps_size cc_taps_measure(const cc_conv *problem, int rows)
{
    const ptrdiff_t taps = kernel_taps(problem);
    cc_taps_size size;
    size.channels = taps < CC_BLOCK_TAPS ? CC_BLOCK_TAPS / taps : 1;
    if (size.channels > problem->c)
        size.channels = problem->c;
    size.blocks = (problem->c + size.channels - 1) / size.channels;
    size.weights = size.channels * taps * rows;
    size.offsets = size.weights; /* at worst no row shares a tap */
    size.runs = size.weights / problem->axis[CC_COLUMN].kernel + 1; /* 2 for a list without rows */
    return size;
}

/* Input channels in the last block. */
static ptrdiff_t last_channels(const cc_conv *problem, const cc_taps_size *size)
{
    return problem->c - (size->blocks - 1) * size->channels;
}

void cc_taps_places(const cc_strip *strip, ptrdiff_t channels, ptrdiff_t *place)
{
    const cc_strip_axis *d = &strip->axis[CC_DEPTH], *h = &strip->axis[CC_ROW],
                        *w = &strip->axis[CC_COLUMN];
    for (ptrdiff_t c = 0; c < channels; c++)
        for (ptrdiff_t q = 0; q < d->of.kernel; q++)
            for (ptrdiff_t r = 0; r < h->of.kernel; r++)
                for (ptrdiff_t s = 0; s < w->of.kernel; s++)
                    *place++ = c * strip->channel + cc_strip_cell(d, q * d->tap) +
                               cc_strip_cell(h, r * h->tap) + cc_strip_cell(w, s * w->tap);
}

cc_taps cc_taps_list(const cc_conv *problem, const cc_strip *strip, ptrdiff_t *offset, cc_run *runs)
{
    const cc_taps_size size = cc_taps_measure(problem, 1);
    cc_taps_places(strip, size.channels, offset);
    const ptrdiff_t taps = kernel_taps(problem);
    runs[0] = (cc_run){0, 0, size.channels * taps};
    runs[1] = (cc_run){0, 0, last_channels(problem, &size) * taps};
    return (cc_taps){.offset = offset,
                     .full = runs,
                     .last = runs + 1,
                     .full_runs = 1,
                     .last_runs = 1,
                     .blocks = size.blocks,
                     .step = size.channels * strip->channel};
}

/* The first padded row that any output row still takes, which then is taken; -1: none. */
static ptrdiff_t next_row(const cc_strip_axis *h, int rows, ptrdiff_t *next)
{
    ptrdiff_t least = -1;
    for (int a = 0; a < rows; a++) {
        const ptrdiff_t y = a * h->of.stride + next[a] * h->of.dilation;
        if (next[a] < h->of.kernel && (least < 0 || y < least))
            least = y;
    }
    for (int a = 0; a < rows; a++) next[a] += a * h->of.stride + next[a] * h->of.dilation == least;
    return least;
}

cc_taps cc_taps_rows(const cc_conv *problem, const cc_strip *strip, int rows, ptrdiff_t *offset,
                     cc_run *runs, ptrdiff_t *weight_index)
{
    const cc_taps_size size = cc_taps_measure(problem, rows);
    const cc_strip_axis *d = &strip->axis[CC_DEPTH], *h = &strip->axis[CC_ROW],
                        *w = &strip->axis[CC_COLUMN];
    const ptrdiff_t kernel_rows = h->of.kernel, columns = w->of.kernel;
    cc_run *run = runs;
    ptrdiff_t *o = offset, *index = weight_index;
    for (ptrdiff_t cq = 0; cq < size.channels * d->of.kernel; cq++) {
        const ptrdiff_t c = cq / d->of.kernel, q = cq % d->of.kernel;
        /* Padded row y, in rising order, is kernel row (y - a * stride) / dilation of output row a:
         * each output row takes its kernel rows in their natural order. */
        ptrdiff_t next[MOST_ROWS] = {0}; /* kernel row of each output row */
        for (ptrdiff_t y; (y = next_row(h, rows, next)) >= 0;) {
            int from = 0;
            while (from < rows) {
                int to = from;
                while (to < rows && y >= to * h->of.stride &&
                       (y - to * h->of.stride) % h->of.dilation == 0 &&
                       (y - to * h->of.stride) / h->of.dilation < kernel_rows)
                    to++;
                if (to == from) {
                    from++;
                    continue;
                }
                *run++ = (cc_run){from, to, columns};
                const ptrdiff_t r = (y - from * h->of.stride) / h->of.dilation;
                for (ptrdiff_t s = 0; s < columns; s++) {
                    *o++ = c * strip->channel + cc_strip_cell(d, q * d->tap) +
                           cc_strip_cell(h, r * h->tap) + from * cc_strip_step(h) +
                           cc_strip_cell(w, s * w->tap);
                    for (int a = from; a < to; a++)
                        *index++ =
                            (cq * kernel_rows + (y - a * h->of.stride) / h->of.dilation) * columns +
                            s;
                }
                from = to;
            }
        }
    }
    const ptrdiff_t channel_runs = (run - runs) / size.channels;
    return (cc_taps){.offset = offset,
                     .full = runs,
                     .last = runs,
                     .full_runs = run - runs,
                     .last_runs = channel_runs * last_channels(problem, &size),
                     .blocks = size.blocks,
                     .step = size.channels * strip->channel};
}
