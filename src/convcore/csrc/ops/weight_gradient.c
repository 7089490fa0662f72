/* Gradient of the weights of convolutions, tiled and local layers.
 *
 *   dK[k, o % period, c, tap] = sum over images and outputs o of
 *                               G[k, o] V[c, o * stride + tap * dilation - before]
 *
 * With output channels as lanes the sum is a convolution's, the roles changed: a weight takes the
 * place of an output pixel, the outputs that share it that of its taps; so the kernel is that of a
 * convolution, its pixels the taps of many input channels. Where there are few output channels, the
 * outputs of a row are the lanes, and the kernel is that of local layers: rows of gradients by rows
 * of cells. The outputs of one phase (o % period) are an ordinary convolution's, `period` times as
 * far apart.
 *
 * Units of work have weights of their own, so no sum depends on who works where; only where there
 * are few weights are the outputs shared out too, in a number of chunks that sizes alone decide.
 */
#include "gradient_plan.h"
#include "parallel.h"
#include "problem.h"
#include "taps.h"
#include "whole.h"

#include <string.h>

/* Chunks' sums that are added at a time, and tiles whose sums are collected before they are added
 * to the total: short chains round less. */
enum { TOGETHER = 8, COLLECTED = 16 };

typedef struct {
    cc_gradient_plan plan;
    const char *x, *grad;
    char *dweight; /* where sums go: the result, or a result for each chunk */
    char *turned_x, *turned_grad;
    char *parts;
    size_t strip, grads, sums, totals, zeros, places, offsets, lines, pieces, bytes; /* of a part */
} job;

/* A part's scratch. */
typedef struct {
    char *strip, *grads, *sums, *totals, *zeros;
    ptrdiff_t *places;  /* of the weights in a strip */
    ptrdiff_t *offsets; /* of the outputs' cells in it; by row, of each line's */
    ptrdiff_t *lines;   /* by row: of the gradients */
    cc_piece *pieces;
} scratch;

/* Output channels that a call of the kernel takes, and those with what fills the last vector up. */
static int64_t share_channels(const cc_gradient_plan *plan)
{
    return plan->kernels->pixel_vecs * plan->kernels->lanes;
}

static int64_t padded(const cc_gradient_plan *plan, int64_t channels)
{
    return ceil_div(channels, plan->kernels->lanes) * plan->kernels->lanes;
}

static void lay_out_part(job *j)
{
    const cc_gradient_plan *plan = &j->plan;
    const size_t size = (size_t)plan->kernels->size, word = sizeof(ptrdiff_t);
    const int64_t inputs = ceil_div(plan->problem.c, plan->ranges);
    const int64_t width = padded(plan, ceil_div(plan->problem.k, plan->blocks));
    const ptrdiff_t lines = plan->images * plan->rows, outputs = lines * plan->columns;
    const cc_strip strip = cc_gradient_strip(plan, inputs);
    j->strip = claim(&j->bytes, plan->images * strip.elements, size);
    j->grads = claim(&j->bytes, outputs * width, size);
    const ptrdiff_t sums = plan->by_row ? 0 : plan->taps * inputs * width;
    j->sums = claim(&j->bytes, sums, size);
    j->totals = claim(&j->bytes, sums, size);
    j->zeros = claim(&j->bytes, width, size);
    j->places = claim(&j->bytes, plan->taps * inputs, word);
    j->offsets = claim(&j->bytes, plan->by_row ? lines : outputs, word);
    j->lines = claim(&j->bytes, plan->by_row ? lines : 0, word);
    j->pieces = claim(&j->bytes, strip.pieces, sizeof(cc_piece));
}

/* The cells that the tile's outputs see, in the input or copied; and where each output's are. */
static const char *find_cells(const job *j, const cc_gradient_unit *u, const cc_gradient_tile *t,
                              const scratch *s)
{
    const cc_kernels *k = j->plan.kernels;
    const cc_strip *strip = &u->strip;
    const cc_conv *p = &u->problem;
    const ptrdiff_t image = p->groups * p->c * cc_input_cells(p);
    const ptrdiff_t channel = u->group * p->c + u->input;
    const char *x = j->x + (t->image * image + channel * strip->src_channel) * k->size, *cells;
    ptrdiff_t image_step = image;
    if (strip->in_place) {
        cells = x + cc_strip_origin(strip, t->origin) * k->size;
    } else {
        const cc_cut cut = cc_strip_cut(strip, t->origin, t->count, s->pieces);
        image_step = strip->elements;
        cells = s->strip + strip->lead * k->size;
        for (int64_t n = 0; n < t->images; n++)
            cc_strip_fill(strip, k, &cut, x + n * image * k->size, false,
                          s->strip + (n * image_step + strip->lead) * k->size);
    }
    ptrdiff_t *offset = s->offsets;
    const int64_t columns = j->plan.by_row ? 1 : t->count[CC_COLUMN];
    for (int64_t n = 0; n < t->images; n++)
        for (int64_t y = 0; y < t->count[CC_ROW]; y++)
            for (int64_t x = 0; x < columns; x++)
                *offset++ = n * image_step + y * cc_strip_step(&strip->axis[CC_ROW]) +
                            x * cc_strip_step(&strip->axis[CC_COLUMN]);
    return cells;
}

/* Where the gradient of an image's channel 0 at the tile's output (y, 0) stands. */
static ptrdiff_t find_grad(const job *j, const cc_gradient_unit *u, const cc_gradient_tile *t,
                           int64_t n, int64_t y)
{
    const cc_conv *p = &j->plan.problem;
    const ptrdiff_t channels = p->groups * p->k;
    int64_t at = 0;
    for (int a = 0; a < CC_AXES; a++) {
        const int64_t o = t->origin[a] + (a == CC_ROW ? y : 0);
        at = at * p->axis[a].out + u->from[a] + o * j->plan.period[a];
    }
    return (t->image + n) * channels * cc_output_cells(p) + at * (p->channels_last ? channels : 1);
}

/* Gradients of `count` channels of the tile's outputs, [output][channel], whole vectors. */
static void pack_grads(const job *j, const cc_gradient_unit *u, const cc_gradient_tile *t,
                       int64_t first, int64_t count, char *to)
{
    const cc_gradient_plan *plan = &j->plan;
    const cc_conv *p = &plan->problem;
    const cc_kernels *k = plan->kernels;
    const int64_t width = padded(plan, count);
    const ptrdiff_t channel_step = p->channels_last ? 1 : cc_output_cells(p);
    const ptrdiff_t step = plan->period[CC_COLUMN] * (p->channels_last ? p->groups * p->k : 1);
    const ptrdiff_t channel = (u->group * p->k + first) * channel_step;
    /* whole rows that follow each other are one */
    const bool whole = plan->period[CC_ROW] == 1 && plan->period[CC_COLUMN] == 1 &&
                       t->count[CC_COLUMN] == p->axis[CC_COLUMN].out;
    const int64_t lines = whole ? 1 : t->count[CC_ROW];
    const int64_t columns = t->count[CC_ROW] / lines * t->count[CC_COLUMN];
    for (int64_t n = 0; n < t->images; n++)
        for (int64_t y = 0; y < lines; y++, to += columns * width * k->size) {
            const char *grad = j->grad + (find_grad(j, u, t, n, y) + channel) * k->size;
            if (channel_step == 1)
                k->copy(grad, step, 1, to, width, columns, count);
            else if (step == 1)
                k->transpose(grad, channel_step, to, width, count, columns);
            else
                for (int64_t x = 0; x < columns; x++)
                    k->copy(grad + x * step * k->size, 0, channel_step, to + x * width * k->size, 0,
                            1, count);
            k->copy(NULL, 0, 0, to + count * k->size, width, columns, width - count);
        }
}

/* Adds a tile's products to the sums, which are the first ones if `first`. */
static void add_channels(const job *j, const cc_gradient_unit *u, const cc_gradient_tile *t,
                         const scratch *s, const char *cells, bool first)
{
    const cc_gradient_plan *plan = &j->plan;
    const cc_kernels *k = plan->kernels;
    const cc_run run = {.taps = t->images * t->count[CC_ROW] * t->count[CC_COLUMN]};
    const cc_taps outputs = {.offset = s->offsets,
                             .full = &run,
                             .last = &run,
                             .full_runs = 1,
                             .last_runs = 1,
                             .blocks = 1};
    const ptrdiff_t weights = u->inputs * plan->taps;
    char *sums = s->sums;
    for (int64_t done = 0, count; done < u->outputs; done += count) {
        count = min(share_channels(plan), u->outputs - done);
        const int64_t width = padded(plan, count);
        const cc_grid grid = {
            .rows = 1, .columns = weights, .acc_step = width, .places = s->places};
        pack_grads(j, u, t, u->output + done, count, s->grads);
        k->pixels(&outputs, &grid, cells, s->grads, (int)(width / k->lanes), false,
                  first ? s->zeros : NULL, sums);
        sums += weights * width * k->size;
    }
}

/* Where the weights of a unit's output channel `done` go, and the distance to the next one's. */
static char *find_weights(const job *j, const cc_gradient_unit *u, int64_t done)
{
    const cc_gradient_plan *plan = &j->plan;
    const cc_conv *p = &plan->problem;
    const int64_t kernel = (u->group * p->k + u->output + done) * plan->phases + u->phase;
    const ptrdiff_t to = u->chunk * plan->weights + (kernel * p->c + u->input) * plan->taps;
    return j->dweight + to * plan->kernels->size;
}

static ptrdiff_t weights_step(const cc_gradient_plan *plan)
{
    return plan->phases * plan->problem.c * plan->taps;
}

/* Adds what has been collected to the totals, which it is if `first`. */
static void collect(const cc_gradient_plan *plan, const cc_gradient_unit *u, const scratch *s,
                    bool first)
{
    const cc_kernels *k = plan->kernels;
    const ptrdiff_t all = u->inputs * plan->taps * padded(plan, u->outputs);
    if (first)
        k->copy(s->sums, 0, 1, s->totals, 0, 1, all);
    else
        k->add(s->sums, 0, s->totals, 0, 1, 1, all);
}

static void store_channels(const job *j, const cc_gradient_unit *u, const char *sums)
{
    const cc_gradient_plan *plan = &j->plan;
    const ptrdiff_t weights = u->inputs * plan->taps;
    for (int64_t done = 0, count; done < u->outputs; done += count) {
        count = min(share_channels(plan), u->outputs - done);
        const int64_t width = padded(plan, count);
        plan->kernels->transpose(sums, width, find_weights(j, u, done), weights_step(plan), weights,
                                 count);
        sums += weights * width * plan->kernels->size;
    }
}

/* The rows of gradients of a channel: in place, or copied, those of a tile after each other. Lists
 * where each line begins; returns the first channel's row and the distance to the next. */
static const char *find_rows(const job *j, const cc_gradient_unit *u, const cc_gradient_tile *t,
                             const scratch *s, ptrdiff_t *row)
{
    const cc_gradient_plan *plan = &j->plan;
    const cc_conv *p = &plan->problem;
    const cc_kernels *k = plan->kernels;
    const ptrdiff_t outputs = cc_output_cells(p), columns = t->count[CC_COLUMN];
    const int64_t channel = u->group * p->k + u->output;
    const bool in_place = plan->period[CC_COLUMN] == 1;
    const char *grad = j->grad + channel * outputs * k->size;
    *row = in_place ? outputs : t->images * t->count[CC_ROW] * columns;
    ptrdiff_t line = 0;
    for (int64_t n = 0; n < t->images; n++)
        for (int64_t y = 0; y < t->count[CC_ROW]; y++, line++) {
            const ptrdiff_t from = find_grad(j, u, t, n, y), to = line * columns;
            s->lines[line] = in_place ? from : to;
            if (!in_place)
                k->copy(grad + from * k->size, outputs, plan->period[CC_COLUMN],
                        s->grads + to * k->size, *row, u->outputs, columns);
        }
    return in_place ? grad : s->grads;
}

static void add_rows(const job *j, const cc_gradient_unit *u, const cc_gradient_tile *t,
                     const scratch *s, const char *cells, bool first)
{
    const cc_gradient_plan *plan = &j->plan;
    cc_dots dots = {.channels = u->outputs,
                    .images = u->inputs * plan->taps,
                    .taps = t->count[CC_COLUMN],
                    .lines = t->images * t->count[CC_ROW],
                    .line = s->lines,
                    .patch_line = s->offsets,
                    .patch = s->places,
                    .y_channel = weights_step(plan),
                    .y_image = 1,
                    .add = !first};
    const char *grads = find_rows(j, u, t, s, &dots.weight_row);
    plan->kernels->dots(&dots, grads, cells, NULL, find_weights(j, u, 0));
}

/* Weights of kernels that no output comes to. */
static void store_zeros(const job *j, const cc_gradient_unit *u)
{
    const cc_gradient_plan *plan = &j->plan;
    plan->kernels->copy(NULL, 0, 0, find_weights(j, u, 0), weights_step(plan), u->outputs,
                        u->inputs * plan->taps);
}

static void run_unit(const job *j, const cc_gradient_unit *u, const scratch *s)
{
    const cc_gradient_plan *plan = &j->plan;
    const int64_t tiles = u->end_tile - u->first_tile;
    if (!tiles) {
        store_zeros(j, u);
        return;
    }
    cc_taps_places(&u->strip, u->inputs, s->places);
    for (int64_t i = 0; i < tiles; i++) {
        const cc_gradient_tile t = cc_gradient_find_tile(plan, u, u->first_tile + i);
        const char *cells = find_cells(j, u, &t, s);
        if (plan->by_row) {
            add_rows(j, u, &t, s, cells, i == 0);
            continue;
        }
        add_channels(j, u, &t, s, cells, i % COLLECTED == 0);
        if (tiles > COLLECTED && ((i + 1) % COLLECTED == 0 || i + 1 == tiles))
            collect(plan, u, s, i < COLLECTED);
    }
    if (!plan->by_row)
        store_channels(j, u, tiles > COLLECTED ? s->totals : s->sums);
}

static void run_part(int index, void *context)
{
    const job *j = context;
    const cc_gradient_plan *plan = &j->plan;
    char *memory = j->parts + (size_t)index * j->bytes;
    const scratch s = {.strip = memory + j->strip,
                       .grads = memory + j->grads,
                       .sums = memory + j->sums,
                       .totals = memory + j->totals,
                       .zeros = memory + j->zeros,
                       .places = (ptrdiff_t *)(memory + j->places),
                       .offsets = (ptrdiff_t *)(memory + j->offsets),
                       .lines = (ptrdiff_t *)(memory + j->lines),
                       .pieces = (cc_piece *)(memory + j->pieces)};
    memset(s.zeros, 0, j->places - j->zeros);
    const int64_t end = plan->units * (index + 1) / plan->parts;
    for (int64_t i = plan->units * index / plan->parts; i < end; i++) {
        const cc_gradient_unit u = cc_gradient_find_unit(plan, i);
        run_unit(j, &u, &s);
    }
}

/* Adds `count` results into one. */
static void add_results(const cc_gradient_plan *plan, const char *results, int64_t count, void *sum)
{
    const void *rows[TOGETHER];
    for (int64_t i = 0; i < count; i++) rows[i] = results + i * plan->weights * plan->kernels->size;
    const cc_folding all = {.how = CC_SUM,
                            .rows = rows,
                            .count = count,
                            .taps = 1,
                            .step = 1,
                            .to = plan->weights,
                            .width = plan->weights,
                            .lines = 1,
                            .planes = 1,
                            .dst = sum};
    plan->kernels->fold(&all);
}

/* The result from those of the chunks; there is room for a level of sums behind them. */
static void add_chunks(const cc_gradient_plan *plan, char *results, void *dweight)
{
    const ptrdiff_t bytes = plan->weights * plan->kernels->size;
    int64_t count = plan->chunks;
    while (count > TOGETHER) {
        char *sums = results + count * bytes;
        for (int64_t i = 0; i * TOGETHER < count; i++)
            add_results(plan, results + i * TOGETHER * bytes, min(TOGETHER, count - i * TOGETHER),
                        sums + i * bytes);
        count = ceil_div(count, TOGETHER);
        results = sums;
    }
    add_results(plan, results, count, dweight);
}

/* Brings the channels of one image, of x or of the gradient, from last to first. */
static void turn_image(const job *j, const char *from, char *to, int64_t image, int64_t channels,
                       int64_t cells)
{
    const cc_kernels *k = j->plan.kernels;
    const ptrdiff_t at = image * channels * cells * k->size;
    k->transpose(from + at, channels, to + at, cells, cells, channels);
}

static void turn_part(int index, void *context)
{
    const job *j = context;
    const cc_conv *p = &j->plan.problem;
    const int64_t end = p->n * (index + 1) / j->plan.parts;
    for (int64_t n = p->n * index / j->plan.parts; n < end; n++) {
        turn_image(j, j->x, j->turned_x, n, p->groups * p->c, cc_input_cells(p));
        turn_image(j, j->grad, j->turned_grad, n, p->groups * p->k, cc_output_cells(p));
    }
}

/* Unless every period is 1, a problem must be a tiled layer's. */
static bool is_sound(const cc_tiled *problem, cc_type type)
{
    const int64_t *period = problem->period;
    const bool shared = period[CC_DEPTH] == 1 && period[CC_ROW] == 1 && period[CC_COLUMN] == 1;
    return shared ? cc_conv_is_sound(&problem->conv, type) : cc_tiled_is_sound(problem, type);
}

cc_status cc_weight_gradient(const cc_tiled *problem, cc_type type, const void *x, const void *grad,
                             void *dweight, int threads)
{
    if (!is_sound(problem, type) || threads < 1)
        return CC_BAD_PROBLEM;
    job j = {.x = x, .grad = grad, .dweight = dweight};
    const cc_gradient_plan *plan = &j.plan;
    cc_gradient_make_plan(&j.plan, problem, type, threads);
    lay_out_part(&j);
    const cc_conv *p = &plan->problem;
    const size_t size = (size_t)plan->kernels->size;
    const ptrdiff_t images = plan->turned ? p->n * p->groups : 0;
    const int64_t results = plan->chunks > 1 ? plan->chunks + ceil_div(plan->chunks, TOGETHER) : 0;
    size_t end = 0;
    const size_t turned_x = claim(&end, images * p->c * cc_input_cells(p), size);
    const size_t turned_grad = claim(&end, images * p->k * cc_output_cells(p), size);
    const size_t chunks = claim(&end, results * plan->weights, size);
    char *memory = cc_scratch_take(end + (size_t)plan->parts * j.bytes);
    if (!memory)
        return CC_NO_MEMORY;
    j.parts = memory + end;
    if (plan->chunks > 1)
        j.dweight = memory + chunks;
    if (plan->turned) {
        j.turned_x = memory + turned_x;
        j.turned_grad = memory + turned_grad;
        cc_parallel(plan->parts, turn_part, &j);
        j.x = j.turned_x;
        j.grad = j.turned_grad;
    }
    cc_parallel(plan->parts, run_part, &j);
    if (plan->chunks > 1)
        add_chunks(plan, memory + chunks, dweight);
    cc_scratch_give(memory);
    return CC_OK;
}
