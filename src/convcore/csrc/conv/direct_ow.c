/* Direct convolution with output columns as the lanes, in two ways: one output row of a few output
 * channels, or a few output rows of one channel, which need not see all input channels. */
#include "direct.h"

#include <math.h>

/* Output channels from which on the cells of a kernel of one tap are packed. */
enum { PACKS_CELLS = 64 };

static const char *refuse_tables(const cc_candidate *c)
{
    if (!c->layer.shared)
        return "kernels differ from output to output";
    return c->layer.conv.first_input ? "each output channel has taps of its own" : NULL;
}

static const char *refuse_local(const cc_candidate *c)
{
    return c->layer.shared ? NULL : "kernels differ from output to output";
}

/* Packing planes of interleaved channels: what is packed serves all outputs that see it. */
static double packing(const cc_candidate *c)
{
    const cc_conv *p = &c->layer.conv;
    double cost = p->channels_last ? c->tuning->ow.pack_last / (double)p->k : 0.0;
    for (int a = 0; a < CC_AXES; a++) cost *= (double)p->axis[a].stride / (double)p->axis[a].kernel;
    return cost;
}

static double cost_channels(const cc_candidate *c)
{
    const cc_conv *p = &c->layer.conv;
    const cc_tuning *t = c->tuning;
    const int64_t out = p->axis[CC_COLUMN].out, vecs = ceil_div(out, c->kernels->lanes);
    const double lanes = cc_lanes_for_each(out, c->kernels->lanes);
    const double loads = vecs == 1 ? t->ow.one_vector : vecs == 2 ? t->ow.two_vectors : 1.0;
    const double uses = p->k < 4 ? t->ow.few_channels : 1.0;
    return lanes * loads * (uses + packing(c));
}

/* What the taps that a table leaves to each output channel cost. */
static double cost_connected(const cc_candidate *c)
{
    const cc_conv *p = &c->layer.conv;
    const cc_tuning *t = c->tuning;
    const int64_t out = p->axis[CC_COLUMN].out;
    const double lanes = cc_lanes_for_each(out, c->kernels->lanes);
    const double pairs = (double)max(1, p->first_input[p->k]) / (double)p->k;
    const double taps = pairs * (double)c->taps / (double)p->c;
    return lanes * (1.0 + t->ow.row_start / (double)out + t->ow.row_store / taps) + packing(c);
}

/* Where a group has one output channel, its rows are all that an input row can serve. */
static double cost_rows(const cc_candidate *c)
{
    const cc_conv *p = &c->layer.conv;
    if (p->first_input && p->k > 1)
        return cost_connected(c);
    return p->k == 1 ? packing(c) : INFINITY;
}

static int most_channels(const cc_kernels *kernels) { return kernels->ow_channels; }

static int one_channel(const cc_kernels *kernels)
{
    (void)kernels;
    return 1;
}

/* Neighbouring columns must be neighbours in memory, and no vector may reach beyond what the
 * outputs see. Where one cell of each channel serves many outputs, reading far apart and across
 * cache lines, as arrays of NumPy begin, costs more than packing: 10 to 20 %. */
static bool reads_in_place(const cc_direct_plan *plan)
{
    const cc_conv *p = &plan->problem;
    const cc_axis *column = &p->axis[CC_COLUMN];
    if (plan->taps == p->c && p->k >= PACKS_CELLS)
        return false;
    return !p->channels_last && column->stride == 1 && column->out >= plan->base.kernels->lanes &&
           p->axis[CC_ROW].out % plan->rows == 0;
}

static ptrdiff_t pack_channels(const cc_direct_task *task, const char *weight, int64_t from,
                               int64_t to, char *packed)
{
    cc_direct_transpose(task, weight, to - from, packed, to - from);
    return (to - from) * task->plan->taps;
}

static ptrdiff_t pack_rows(const cc_direct_task *task, const char *weight, int64_t from, int64_t to,
                           char *packed)
{
    const cc_direct_plan *plan = task->plan;
    const cc_direct_lists *lists = task->lists;
    const cc_weights *at = &plan->problem.weights;
    const cc_kernels *k = plan->base.kernels;
    const ptrdiff_t taps = plan->taps;
    if (lists->connectivity.taps) {
        for (int64_t c = from; c < to; c++)
            cc_connectivity_pack(&lists->connectivity, k, c,
                                 weight + (c - from) * cc_direct_channel_step(plan) * k->size,
                                 packed + (c - from) * taps * plan->rows * k->size);
        return (to - from) * taps * plan->rows;
    }
    const ptrdiff_t round = plan->sizes.channels * taps / plan->problem.c;
    const ptrdiff_t step = at->taps ? plan->sizes.channels * at->input : round;
    ptrdiff_t done = 0;
    for (ptrdiff_t i = 0; i < plan->sizes.rounds; i++) {
        const ptrdiff_t n = min(taps - i * round, round) * plan->rows;
        k->gather(weight + i * step * k->size, lists->weight_index, packed + done * k->size, n);
        done += n;
    }
    return done;
}

/* The rows of the tile for the channels of one call of the kernel. */
static void run_call(const cc_direct_task *task, cc_channel_range c, const char *weights)
{
    const cc_direct_plan *plan = task->plan;
    const cc_kernels *k = plan->base.kernels;
    const cc_epilogue *e = task->epilogue;
    const bool several_rows = plan->kind->several_rows, direct = cc_epilogue_is_direct(e, false);
    const ptrdiff_t columns = task->tile.count[CC_COLUMN];
    const ptrdiff_t row_step = cc_input_step(&plan->tile.axis[CC_ROW]) * k->size;
    const int64_t line = plan->problem.axis[CC_COLUMN].out, rows = task->tile.count[CC_ROW];
    const cc_taps *taps = task->lists->connectivity.taps ? &task->lists->connectivity.taps[c.from]
                                                         : &task->lists->taps;
    const int channels = several_rows ? 0 : (int)(c.to - c.from);
    cc_columns row = {.channels = channels,
                      .width = columns,
                      .dst_step = !direct        ? columns
                                  : several_rows ? line
                                                 : e->outputs,
                      .readable_past_end = !plan->tile.in_place};
    cc_outputs to = cc_direct_outputs(task, c.from, 0);
    to.channels = c.to - c.from;
    to.pixels = columns;
    const char *bias = cc_epilogue_bias(e, to.channel, to.channels, plan->rows, task->bias);
    const int64_t first = to.pixel;
    for (int64_t r = 0; r < rows; r += plan->rows) {
        row.stores = several_rows ? (int)min(rows - r, plan->rows) : channels;
        const char *input = task->input + r * row_step;
        to.pixel = first + r * line;
        if (direct) {
            k->direct_ow(taps, &row, input, weights, bias, cc_epilogue_at(e, &to));
            if (!several_rows)
                cc_epilogue_follow(e, &to);
            for (int a = 0; several_rows && a < row.stores; a++, to.pixel += line)
                cc_epilogue_follow(e, &to);
            continue;
        }
        k->direct_ow(taps, &row, input, weights, bias, task->acc);
        if (!several_rows)
            cc_epilogue_store_channels(e, &to, task->acc, columns);
        for (int a = 0; several_rows && a < row.stores; a++, to.pixel += line)
            cc_epilogue_store_channels(e, &to, task->acc + a * columns * k->size, columns);
    }
}

static void run(const cc_direct_task *task)
{
    const cc_direct_plan *plan = task->plan;
    const char *weights = task->weights;
    for (int64_t i = 0; i < task->calls; i++) {
        const cc_channel_range c = cc_direct_call(task, i);
        run_call(task, c, weights);
        weights += (c.to - c.from) * plan->taps * plan->rows * plan->base.kernels->size;
    }
}

static const cc_direct_kind channels_kind = {.by_row = true,
                                             .most = most_channels,
                                             .reads_in_place = reads_in_place,
                                             .pack = pack_channels,
                                             .run = run};

static const cc_direct_kind rows_kind = {.by_row = true,
                                         .several_rows = true,
                                         .most = one_channel,
                                         .reads_in_place = reads_in_place,
                                         .pack = pack_rows,
                                         .run = run};

static cc_plan *plan_channels(const cc_candidate *c)
{
    return cc_direct_make_plan(c, &channels_kind);
}

static cc_plan *plan_rows(const cc_candidate *c) { return cc_direct_make_plan(c, &rows_kind); }

const struct cc_algorithm_functions cc_algorithm_direct_ow_channels = {
    refuse_tables, cost_channels, plan_channels, cc_direct_pack, cc_direct_run};

const struct cc_algorithm_functions cc_algorithm_direct_ow_rows = {
    refuse_local, cost_rows, plan_rows, cc_direct_pack, cc_direct_run};
