/* Tiled and local layers, forward: the outputs of one phase (o % period) share their weights. They
 * are the pixels of an ordinary convolution, `period` times as far apart, and the kernel is that of
 * a convolution with one output channel a lane. */
#include "unshared.h"

static const char *refuse(const cc_candidate *c)
{
    return c->layer.shared ? "all outputs share a kernel" : NULL;
}

static double cost(const cc_candidate *c)
{
    (void)c;
    return 1.0;
}

static cc_plan *make_plan(const cc_candidate *c) { return cc_unshared_make_plan(c, false); }

static void begin_tile(cc_unshared_task *task) { (void)task; }

/* Elements of a pixel's accumulators: whole vectors of channels. */
static ptrdiff_t width_of(const cc_unshared_task *task)
{
    const int lanes = task->plan->base.kernels->lanes;
    return ceil_div(task->channels, lanes) * lanes;
}

/* Weights [tap][channel] and biases of the task's channels in one phase. */
static void pack(const cc_unshared_task *task, int64_t phase)
{
    const cc_unshared_plan *plan = task->plan;
    const cc_kernels *k = plan->base.kernels;
    const ptrdiff_t taps = plan->taps, width = width_of(task), empty = width - task->channels;
    const ptrdiff_t first = task->channel * plan->phases + phase;
    k->transpose(task->weight + first * taps * k->size, plan->phases * taps, task->weights, width,
                 task->channels, taps);
    const cc_move padding = {.rows = taps, .columns = empty, .dst_row = width};
    k->copy(&padding, NULL, task->weights + task->channels * k->size);
    if (task->epilogue.bias)
        k->copy(&(cc_move){.rows = 1, .columns = task->channels, .src_column = plan->phases},
                task->epilogue.bias + first * k->size, task->bias);
}

/* The tile's row y comes after those of smaller phases and those of its own above it: then the rows
 * of a phase are neighbours, and the kernel can take them as one grid. */
static int64_t acc_row(const cc_unshared_task *task, int64_t y)
{
    const int64_t rows = task->tile.count[CC_ROW];
    const int64_t period = min(task->plan->period[CC_ROW], rows), phase = y % period;
    return phase * (rows / period) + min(phase, rows % period) + y / period;
}

/* Sums of all outputs of one phase: rows y, y + period, ... and columns x, x + period, ... of the
 * tile. */
static void run_phase(const cc_unshared_task *task, int64_t y, int64_t x)
{
    const cc_unshared_plan *plan = task->plan;
    const cc_kernels *k = plan->base.kernels;
    const cc_tile *t = &task->tile;
    const int64_t *period = plan->period, columns = t->count[CC_COLUMN];
    const int64_t in_row = ceil_div(columns - x, period[CC_COLUMN]);
    const int64_t in_column = ceil_div(t->count[CC_ROW] - y, period[CC_ROW]);
    const ptrdiff_t row_step = cc_input_step(&plan->tile.axis[CC_ROW]);
    const ptrdiff_t column_step = cc_input_step(&plan->tile.axis[CC_COLUMN]);
    const ptrdiff_t width = width_of(task), line = columns * width;
    const ptrdiff_t image = t->count[CC_ROW] * line;
    const char *input = task->view.first + (y * row_step + x * column_step) * k->size;
    char *acc = task->acc + (acc_row(task, y) * line + x * width) * k->size;
    const int vecs = (int)(width / k->lanes);
    if (in_row == 1) { /* the images are the grid */
        const cc_grid grid = {.vecs = vecs,
                              .rows = t->images,
                              .columns = 1,
                              .row_step = task->view.image,
                              .acc_step = image};
        for (int64_t i = 0; i < in_column; i++)
            k->direct_igemm(&task->taps, &grid, input + i * period[CC_ROW] * row_step * k->size,
                            task->weights, task->bias, acc + i * line * k->size);
        return;
    }
    const bool together = in_row * period[CC_COLUMN] == columns;
    const int64_t calls = together ? 1 : in_column;
    const cc_grid grid = {.vecs = vecs,
                          .rows = in_column / calls,
                          .columns = in_row,
                          .row_step = period[CC_ROW] * row_step,
                          .column_step = period[CC_COLUMN] * column_step,
                          .acc_step = period[CC_COLUMN] * width};
    for (int64_t n = 0; n < t->images; n++)
        for (int64_t i = 0; i < calls; i++)
            k->direct_igemm(&task->taps, &grid,
                            input + (n * task->view.image + i * grid.row_step) * k->size,
                            task->weights, task->bias, acc + (n * image + i * line) * k->size);
}

static void multiply(cc_unshared_task *task)
{
    const cc_unshared_plan *plan = task->plan;
    const int64_t rows = task->tile.count[CC_ROW], columns = task->tile.count[CC_COLUMN];
    for (int64_t y = 0; y < min(plan->period[CC_ROW], rows); y++)
        for (int64_t x = 0; x < min(plan->period[CC_COLUMN], columns); x++) {
            pack(task, cc_unshared_phase(task, y, x));
            run_phase(task, y, x);
        }
    const ptrdiff_t width = width_of(task);
    for (int64_t n = 0; n < task->tile.images; n++)
        for (int64_t y = 0; y < rows; y++) {
            const cc_outputs to = cc_unshared_outputs(task, n, y);
            const ptrdiff_t row = n * rows + acc_row(task, y);
            cc_epilogue_store_pixels(&task->epilogue, &to,
                                     task->acc + row * columns * width * plan->base.kernels->size,
                                     width);
        }
}

static cc_status run(const cc_plan *plan, const cc_arrays *arrays, int threads)
{
    static const cc_unshared_kind kind = {begin_tile, multiply};
    return cc_unshared_run((const cc_unshared_plan *)plan, arrays, threads, &kind);
}

const struct cc_algorithm_functions cc_algorithm_tiled = {refuse, cost, make_plan, cc_unshared_pack,
                                                          run};
