/* Gradient of the weights of convolutions, tiled and local layers.
 *
 *   dK[k, o % period, c, tap] = sum over images and outputs o of
 *                               G[k, o] V[c, o * stride + tap * dilation - before]
 *
 * With output channels as lanes the sum is a convolution's, the roles changed: a weight takes the
 * place of an output pixel, the outputs that share it that of its taps; so the kernel is that of a
 * convolution, its pixels the taps of many input channels. Where there are few output channels, the
 * outputs of a row are the lanes, and the kernel is that of local layers: rows of gradients by rows
 * of input. The outputs of one phase (o % period) are an ordinary convolution's, `period` times as
 * far apart.
 *
 * Items of work have weights of their own, so no sum depends on who works where; only where there
 * are few weights are the outputs cut too (split-K), into a number of slices that sizes alone
 * decide.
 */
#include "weight_gradient_plan.h"

#include "../base/arena.h"
#include "../base/parallel.h"
#include "../core/job.h"
#include "../core/problem.h"
#include "../core/tap_offsets.h"
#include "gradients.h"

#include <string.h>

/* Slices' sums that are added at a time, and tiles whose sums are collected before they are added
 * to the total: short chains round less. */
enum { TOGETHER = 8, COLLECTED = 16 };

typedef struct {
    const cc_gradient_plan *plan;
    cc_gradient_partition part;
    const char *x, *grad;
    char *dweight; /* where sums go: the result, or a result for each slice */
    char *transposed_x, *transposed_grad;
    /* offsets in a worker's memory, and its size */
    size_t input, grads, acc, totals, zeros, weights, offsets, lines, pieces, own;
} call;

/* A worker's task of the moment, and its memory. */
typedef struct {
    const call *call;
    const cc_gradient_plan *plan;
    cc_gradient_item item;
    cc_tile tile;
    cc_input_view view;
    cc_input_room room;
    char *grads, *acc, *totals, *zeros;
    ptrdiff_t *weights; /* offsets of the weights in an input tile */
    ptrdiff_t *offsets; /* of the outputs' input in it; by row, of each line's */
    ptrdiff_t *lines;   /* by row: of the gradients */
} task;

/* Output channels that a call of the kernel takes, and those with what fills the last vector up. */
static int64_t channels_of_call(const cc_gradient_plan *plan)
{
    return plan->base.kernels->igemm_vecs * plan->base.kernels->lanes;
}

static int64_t padded(const cc_gradient_plan *plan, int64_t channels)
{
    return ceil_div(channels, plan->base.kernels->lanes) * plan->base.kernels->lanes;
}

static void lay_out_own(call *c)
{
    const cc_gradient_plan *plan = c->plan;
    const size_t size = (size_t)plan->base.kernels->size, word = sizeof(ptrdiff_t);
    const int64_t inputs = ceil_div(plan->problem.c, c->part.ranges);
    const int64_t width = padded(plan, ceil_div(plan->problem.k, plan->blocks));
    const ptrdiff_t lines = plan->images * plan->rows, outputs = lines * plan->columns;
    const ptrdiff_t acc = plan->by_row ? 0 : plan->taps * inputs * width;
    const cc_input_tile layout = cc_gradient_layout(plan, inputs);
    c->input = cc_arena_reserve(&c->own, plan->images * layout.elements, size);
    c->grads = cc_arena_reserve(&c->own, outputs * width, size);
    c->acc = cc_arena_reserve(&c->own, acc, size);
    c->totals = cc_arena_reserve(&c->own, acc, size);
    c->zeros = cc_arena_reserve(&c->own, width, size);
    c->weights = cc_arena_reserve(&c->own, plan->taps * inputs, word);
    c->offsets = cc_arena_reserve(&c->own, plan->by_row ? lines : outputs, word);
    c->lines = cc_arena_reserve(&c->own, plan->by_row ? lines : 0, word);
    c->pieces = cc_arena_reserve(&c->own, layout.pieces, sizeof(cc_piece));
}

/* The input that the tile's outputs see, and where in it each output's is. */
static void find_input(task *t)
{
    const cc_gradient_item *item = &t->item;
    const cc_input_tile *layout = &item->layout;
    const cc_kernels *k = t->plan->base.kernels;
    const ptrdiff_t channel = item->group * item->problem.c + item->input;
    t->room.window = -1;
    t->view = cc_input_tile_view(layout, k, &t->tile,
                                 t->call->x + channel * layout->src_channel * k->size, &t->room);
    ptrdiff_t *offset = t->offsets;
    const int64_t columns = t->plan->by_row ? 1 : t->tile.count[CC_COLUMN];
    const ptrdiff_t row_step = cc_input_step(&layout->axis[CC_ROW]);
    const ptrdiff_t column_step = cc_input_step(&layout->axis[CC_COLUMN]);
    for (int64_t n = 0; n < t->tile.images; n++)
        for (int64_t y = 0; y < t->tile.count[CC_ROW]; y++)
            for (int64_t x = 0; x < columns; x++)
                *offset++ = n * t->view.image + y * row_step + x * column_step;
}

/* Where the gradient of channel 0 of the tile's image n at its output (y, 0) stands. */
static ptrdiff_t grad_offset(const task *t, int64_t n, int64_t y)
{
    const cc_conv *p = &t->plan->problem;
    const ptrdiff_t channels = p->groups * p->k;
    int64_t at = 0;
    for (int a = 0; a < CC_AXES; a++) {
        const int64_t o = t->tile.origin[a] + (a == CC_ROW ? y : 0);
        at = at * p->axis[a].out + t->item.from[a] + o * t->plan->period[a];
    }
    return (t->tile.image + n) * channels * cc_outputs_of_channel(p) +
           at * (p->channels_last ? channels : 1);
}

/* Gradients of `count` channels of the tile's outputs, [output][channel], whole vectors. */
static void pack_grads(const task *t, int64_t first, int64_t count)
{
    const cc_gradient_plan *plan = t->plan;
    const cc_conv *p = &plan->problem;
    const cc_kernels *k = plan->base.kernels;
    const int64_t width = padded(plan, count);
    const ptrdiff_t channel_step = p->channels_last ? 1 : cc_outputs_of_channel(p);
    const ptrdiff_t step = plan->period[CC_COLUMN] * (p->channels_last ? p->groups * p->k : 1);
    const ptrdiff_t channel = (t->item.group * p->k + t->item.output + first) * channel_step;
    /* rows that follow each other are one */
    const bool one = plan->period[CC_ROW] == 1 && plan->period[CC_COLUMN] == 1 &&
                     t->tile.count[CC_COLUMN] == p->axis[CC_COLUMN].out;
    const int64_t lines = one ? 1 : t->tile.count[CC_ROW];
    const int64_t columns = t->tile.count[CC_ROW] / lines * t->tile.count[CC_COLUMN];
    const cc_move pixels = {
        .rows = columns, .columns = count, .src_row = step, .src_column = 1, .dst_row = width};
    const cc_move pixel = {.rows = 1, .columns = count, .src_column = channel_step};
    const cc_move padding = {.rows = columns, .columns = width - count, .dst_row = width};
    char *to = t->grads;
    for (int64_t n = 0; n < t->tile.images; n++)
        for (int64_t y = 0; y < lines; y++, to += columns * width * k->size) {
            const char *grad = t->call->grad + (grad_offset(t, n, y) + channel) * k->size;
            if (channel_step == 1)
                k->copy(&pixels, grad, to);
            else if (step == 1)
                k->transpose(grad, channel_step, to, width, count, columns);
            else
                for (int64_t x = 0; x < columns; x++)
                    k->copy(&pixel, grad + x * step * k->size, to + x * width * k->size);
            k->copy(&padding, NULL, to + count * k->size);
        }
}

/* Adds a tile's products to the accumulators, which they begin if `first`. */
static void add_channels(const task *t, bool first)
{
    const cc_gradient_plan *plan = t->plan;
    const cc_kernels *k = plan->base.kernels;
    const cc_run run = {.taps = t->tile.images * t->tile.count[CC_ROW] * t->tile.count[CC_COLUMN]};
    const cc_block block = {.offset = t->offsets, .run = &run, .runs = 1};
    const cc_taps outputs = {&block, 1};
    const ptrdiff_t weights = t->item.inputs * plan->taps;
    char *acc = t->acc;
    for (int64_t done = 0, count; done < t->item.outputs; done += count) {
        count = min(channels_of_call(plan), t->item.outputs - done);
        const int64_t width = padded(plan, count);
        const cc_grid grid = {.vecs = (int)(width / k->lanes),
                              .rows = 1,
                              .columns = weights,
                              .acc_step = width,
                              .offsets = t->weights};
        pack_grads(t, done, count);
        k->direct_igemm(&outputs, &grid, t->view.first, t->grads, first ? t->zeros : NULL, acc);
        acc += weights * width * k->size;
    }
}

/* Where the weights of the item's output channel `done` go, and the distance to the next one's. */
static char *result_at(const task *t, int64_t done)
{
    const cc_gradient_plan *plan = t->plan;
    const cc_gradient_item *item = &t->item;
    const cc_conv *p = &plan->problem;
    const int64_t channel = item->group * p->k + item->output + done;
    const int64_t kernel = channel * plan->phases + item->phase;
    const ptrdiff_t to = item->slice * plan->weights + (kernel * p->c + item->input) * plan->taps;
    return t->call->dweight + to * plan->base.kernels->size;
}

static ptrdiff_t result_step(const cc_gradient_plan *plan)
{
    return plan->phases * plan->problem.c * plan->taps;
}

/* Adds what has been collected to the totals, which it is if `first`. */
static void collect(const task *t, bool first)
{
    const cc_kernels *k = t->plan->base.kernels;
    const ptrdiff_t all = t->item.inputs * t->plan->taps * padded(t->plan, t->item.outputs);
    const cc_move line = {.rows = 1, .columns = all, .src_column = 1, .dst_column = 1};
    if (first)
        k->copy(&line, t->acc, t->totals);
    else
        k->add(&line, t->acc, t->totals);
}

static void store_channels(const task *t, const char *acc)
{
    const cc_gradient_plan *plan = t->plan;
    const cc_kernels *k = plan->base.kernels;
    const ptrdiff_t weights = t->item.inputs * plan->taps;
    for (int64_t done = 0, count; done < t->item.outputs; done += count) {
        count = min(channels_of_call(plan), t->item.outputs - done);
        const int64_t width = padded(plan, count);
        k->transpose(acc, width, result_at(t, done), result_step(plan), weights, count);
        acc += weights * width * k->size;
    }
}

/* The rows of gradients of a channel: in place, or copied, those of a tile after each other. Lists
 * where each line begins; returns the first channel's row and the distance to the next. */
static const char *find_rows(const task *t, ptrdiff_t *row)
{
    const cc_gradient_plan *plan = t->plan;
    const cc_conv *p = &plan->problem;
    const cc_kernels *k = plan->base.kernels;
    const ptrdiff_t outputs = cc_outputs_of_channel(p), columns = t->tile.count[CC_COLUMN];
    const int64_t channel = t->item.group * p->k + t->item.output;
    const bool in_place = plan->period[CC_COLUMN] == 1;
    const char *grad = t->call->grad + channel * outputs * k->size;
    *row = in_place ? outputs : t->tile.images * t->tile.count[CC_ROW] * columns;
    const cc_move move = {.rows = t->item.outputs,
                          .columns = columns,
                          .src_row = outputs,
                          .src_column = plan->period[CC_COLUMN],
                          .dst_row = *row};
    ptrdiff_t line = 0;
    for (int64_t n = 0; n < t->tile.images; n++)
        for (int64_t y = 0; y < t->tile.count[CC_ROW]; y++, line++) {
            const ptrdiff_t from = grad_offset(t, n, y), to = line * columns;
            t->lines[line] = in_place ? from : to;
            if (!in_place)
                k->copy(&move, grad + from * k->size, t->grads + to * k->size);
        }
    return in_place ? grad : t->grads;
}

static void add_rows(const task *t, bool first)
{
    const cc_gradient_plan *plan = t->plan;
    cc_gemm args = {.channels = t->item.outputs,
                    .images = t->item.inputs * plan->taps,
                    .taps = t->tile.count[CC_COLUMN],
                    .lines = t->tile.images * t->tile.count[CC_ROW],
                    .line = t->lines,
                    .patch_line = t->offsets,
                    .patch = t->weights,
                    .y_channel = result_step(plan),
                    .y_image = 1,
                    .add = !first};
    const char *grads = find_rows(t, &args.weight_row);
    plan->base.kernels->gemm_dot(&args, grads, t->view.first, NULL, result_at(t, 0));
}

/* Weights of kernels that no output comes to. */
static void store_zeros(const task *t)
{
    const cc_gradient_plan *plan = t->plan;
    const cc_move zeros = {.rows = t->item.outputs,
                           .columns = t->item.inputs * plan->taps,
                           .dst_row = result_step(plan)};
    plan->base.kernels->copy(&zeros, NULL, result_at(t, 0));
}

static void run_item(task *t)
{
    const cc_gradient_plan *plan = t->plan;
    const int64_t tiles = t->item.end_tile - t->item.first_tile;
    if (!tiles) {
        store_zeros(t);
        return;
    }
    cc_tap_offsets_of_channels(&t->item.layout, t->item.inputs, t->weights);
    for (int64_t i = 0; i < tiles && !cc_is_stopped(); i++) {
        t->tile = cc_tile_at(&t->item.grid, t->item.first_tile + i);
        find_input(t);
        if (plan->by_row) {
            add_rows(t, i == 0);
            continue;
        }
        add_channels(t, i % COLLECTED == 0);
        if (tiles > COLLECTED && ((i + 1) % COLLECTED == 0 || i + 1 == tiles))
            collect(t, i < COLLECTED);
    }
    if (!plan->by_row)
        store_channels(t, tiles > COLLECTED ? t->totals : t->acc);
}

static void work(const cc_worker *worker)
{
    const call *c = worker->context;
    char *own = worker->own;
    task t = {.call = c,
              .plan = c->plan,
              .room = {.memory = own + c->input, .pieces = (cc_piece *)(own + c->pieces)},
              .grads = own + c->grads,
              .acc = own + c->acc,
              .totals = own + c->totals,
              .zeros = own + c->zeros,
              .weights = (ptrdiff_t *)(own + c->weights),
              .offsets = (ptrdiff_t *)(own + c->offsets),
              .lines = (ptrdiff_t *)(own + c->lines)};
    memset(t.zeros, 0, c->weights - c->zeros);
    const cc_task_range items = cc_tasks_of(c->part.items, worker->workers, worker->index);
    for (int64_t i = items.from; i < items.to; i++) {
        t.item = cc_gradient_item_at(c->plan, &c->part, i);
        run_item(&t);
    }
}

/* Adds `count` results into one. */
static void add_results(const cc_kernels *kernels, const char *results, int64_t count,
                        int64_t weights, void *sum)
{
    const void *rows[TOGETHER];
    for (int64_t i = 0; i < count; i++) rows[i] = results + i * weights * kernels->size;
    const cc_reduce_args all = {.how = CC_SUM,
                                .rows = rows,
                                .count = count,
                                .taps = 1,
                                .step = 1,
                                .to = weights,
                                .width = weights,
                                .lines = 1,
                                .planes = 1,
                                .dst = sum};
    kernels->reduce(&all);
}

/* A level of sums stands behind the results. */
int64_t cc_slice_results(int64_t slices)
{
    return slices > 1 ? slices + ceil_div(slices, TOGETHER) : 0;
}

void cc_add_slices(const cc_kernels *kernels, int64_t slices, int64_t weights, char *results,
                   void *sum)
{
    const ptrdiff_t bytes = weights * kernels->size;
    while (slices > TOGETHER) {
        char *sums = results + slices * bytes;
        for (int64_t i = 0; i * TOGETHER < slices; i++)
            add_results(kernels, results + i * TOGETHER * bytes,
                        min(TOGETHER, slices - i * TOGETHER), weights, sums + i * bytes);
        slices = ceil_div(slices, TOGETHER);
        results = sums;
    }
    add_results(kernels, results, slices, weights, sum);
}

/* Brings the channels of x and of the gradient from last to first, image by image. */
static void transpose_images(const cc_worker *worker)
{
    const call *c = worker->context;
    const cc_conv *p = &c->plan->problem;
    const cc_kernels *k = c->plan->base.kernels;
    const int64_t inputs = p->groups * p->c, in = cc_inputs_of_channel(p);
    const int64_t outputs = p->groups * p->k, out = cc_outputs_of_channel(p);
    const cc_task_range images = cc_tasks_of(p->n, worker->workers, worker->index);
    for (int64_t n = images.from; n < images.to; n++) {
        const ptrdiff_t x = n * inputs * in * k->size, grad = n * outputs * out * k->size;
        k->transpose(c->x + x, inputs, c->transposed_x + x, in, in, inputs);
        k->transpose(c->grad + grad, outputs, c->transposed_grad + grad, out, out, outputs);
    }
}

static cc_status run(const cc_plan *of, const cc_gradient_args *args, int threads)
{
    const cc_gradient_plan *plan = (const cc_gradient_plan *)of;
    call c = {.plan = plan,
              .part = cc_gradient_divide(plan, threads),
              .x = args->x,
              .grad = args->grad,
              .dweight = args->result};
    lay_out_own(&c);
    const cc_conv *p = &plan->problem;
    const size_t size = (size_t)of->kernels->size;
    const ptrdiff_t images = plan->transposed ? p->n * p->groups : 0;
    cc_job job = {.workers = c.part.workers, .own = c.own};
    const size_t x = cc_arena_reserve(&job.shared, images * p->c * cc_inputs_of_channel(p), size);
    const size_t grad =
        cc_arena_reserve(&job.shared, images * p->k * cc_outputs_of_channel(p), size);
    const size_t slices =
        cc_arena_reserve(&job.shared, cc_slice_results(plan->slices) * plan->weights, size);
    if (!cc_job_begin(&job))
        return CC_NO_MEMORY;
    if (plan->slices > 1)
        c.dweight = job.memory + slices;
    if (plan->transposed) {
        c.transposed_x = job.memory + x;
        c.transposed_grad = job.memory + grad;
        cc_job_run(&job, transpose_images, &c);
        c.x = c.transposed_x;
        c.grad = c.transposed_grad;
    }
    const cc_status status = cc_job_run(&job, work, &c);
    if (plan->slices > 1 && status == CC_OK)
        cc_add_slices(of->kernels, plan->slices, plan->weights, job.memory + slices, args->result);
    cc_job_end(&job);
    return status;
}

cc_plan *cc_weight_gradient_make_plan(const cc_candidate *candidate)
{
    cc_plan *plan = cc_gradient_make_plan(candidate);
    if (plan)
        plan->run_gradient = run;
    return plan;
}
