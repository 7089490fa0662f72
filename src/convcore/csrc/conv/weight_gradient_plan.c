#include "weight_gradient_plan.h"

#include "../base/parallel.h"
#include "../core/problem.h"
#include "../core/tap_offsets.h"
#include "gradients.h"

#include <stdlib.h>

/* Sums depend on all figures of this file, so they are the same on every machine. */

/* Outputs of a tile, whose products are one chain of multiply-adds: where output channels are the
 * lanes as many as in the forward direction, where outputs are, that many for each of WIDE_BYTES'
 * lanes, which is what the kernel counts in whatever the instruction set. */
enum { TILE_OUTPUTS = CC_BLOCK_TAPS, TILE_ROUNDS = 64, WIDE_BYTES = 64 };
/* Output channels of an item, and most bytes of its sums and of the input of a tile. */
enum { BLOCK_CHANNELS = 64, ACC_BYTES = 256 << 10, INPUT_BYTES = 192 << 10 };
/* Where there are fewer blocks of output channels by input channels than FEW (FEW times as many
 * where a block has few output channels), the outputs are dealt out in SLICES slices at most, which
 * all together have sums of SLICE_BYTES bytes. */
enum { FEW = 8, SLICES = 64, SLICE_BYTES = 16 << 20 };

/* The convolution of one phase along an axis; it may have no outputs. */
static cc_axis phase_axis(const cc_axis *axis, int64_t period, int64_t phase)
{
    cc_axis of = *axis;
    of.before -= phase * axis->stride;
    of.stride *= period;
    of.out = phase < axis->out ? ceil_div(axis->out - phase, period) : 0;
    return of;
}

static void find_phase(const cc_gradient_plan *plan, int64_t phase, cc_conv *problem, int64_t *from)
{
    *problem = plan->problem;
    for (int a = CC_AXES - 1; a >= 0; a--) {
        from[a] = phase % plan->period[a];
        phase /= plan->period[a];
        problem->axis[a] = phase_axis(&plan->problem.axis[a], plan->period[a], from[a]);
    }
}

static cc_input_tile start_layout(const cc_gradient_plan *plan, const cc_conv *problem,
                                  int64_t channels)
{
    cc_input_tile layout =
        cc_input_tile_start(problem, plan->by_row, channels, plan->base.kernels->lanes);
    if (plan->by_row && problem->axis[CC_COLUMN].stride > 1)
        layout.in_place = false;
    layout.axis[CC_DEPTH].outputs = 1;
    layout.axis[CC_ROW].outputs = plan->rows;
    layout.axis[CC_COLUMN].outputs = plan->columns;
    return layout;
}

cc_input_tile cc_gradient_layout(const cc_gradient_plan *plan, int64_t channels)
{
    cc_conv first; /* which has most outputs */
    int64_t from[CC_AXES];
    find_phase(plan, 0, &first, from);
    cc_input_tile layout = start_layout(plan, &first, channels);
    layout.in_place = false;
    cc_input_tile_layout(&layout);
    layout.elements += plan->base.kernels->lanes; /* others may have a longer front pad */
    return layout;
}

/* Estimated cost of a multiply-add, relative to full vectors in a full register tile. From sizes
 * alone, so that sums depend neither on the layout nor on the instruction set. */
static double channels_cost(const cc_gradient_plan *plan, int64_t lanes)
{
    const cc_conv *p = &plan->problem;
    const int64_t vecs = ceil_div(p->k, lanes);
    const double loads = vecs == 1 ? 1.5 : vecs == 2 ? 1.1 : 1.0; /* few vectors share a scalar */
    const double packs = 5.0 / ((double)p->c * (double)plan->taps);
    return cc_lanes_for_each(p->k, lanes) * (loads + packs);
}

static double rows_cost(const cc_gradient_plan *plan, int64_t lanes)
{
    const cc_conv *p = &plan->problem;
    const int64_t columns = ceil_div(p->axis[CC_COLUMN].out, plan->period[CC_COLUMN]);
    const double loads = p->k == 1 ? 2.0 : p->k == 2 ? 1.6 : 1.4; /* few rows share a row */
    return cc_lanes_for_each(columns, lanes) * loads;
}

/* Tiles of as many outputs as a chain may have. */
static void choose_tiles(cc_gradient_plan *plan)
{
    const cc_conv *p = &plan->problem;
    const int64_t lanes = WIDE_BYTES / plan->base.kernels->size;
    int64_t out[CC_AXES];
    for (int a = 0; a < CC_AXES; a++) out[a] = ceil_div(p->axis[a].out, plan->period[a]);
    plan->by_row = rows_cost(plan, lanes) < channels_cost(plan, lanes);
    plan->transposed = plan->by_row && p->channels_last;
    plan->problem.channels_last = p->channels_last && !plan->by_row;
    const int64_t together = plan->by_row ? lanes : 1; /* columns that add nothing to a chain */
    const int64_t most = plan->by_row ? TILE_ROUNDS : TILE_OUTPUTS;
    plan->columns = ceil_div(out[CC_COLUMN], ceil_div(out[CC_COLUMN], most * together));
    const int64_t line = ceil_div(plan->columns, together);
    plan->rows = min(out[CC_ROW], most / line);
    plan->rows = ceil_div(out[CC_ROW], ceil_div(out[CC_ROW], plan->rows));
    const bool one = out[CC_DEPTH] * out[CC_ROW] * out[CC_COLUMN] == plan->rows * plan->columns;
    plan->images = one ? min(p->n, most / (plan->rows * line)) : 1;
}

/* The tiles of the outputs of a phase. */
static cc_tile_grid grid_of(const cc_gradient_plan *plan, const cc_conv *phase)
{
    const cc_axis *row = &phase->axis[CC_ROW], *column = &phase->axis[CC_COLUMN];
    return (cc_tile_grid){
        .groups = 1,
        .images = phase->n,
        .together = plan->images,
        .depths = phase->axis[CC_DEPTH].out,
        .row = {row->out, ceil_div(row->out, plan->rows), plan->rows, 1},
        .column = {column->out, ceil_div(column->out, plan->columns), plan->columns, 1}};
}

static int64_t items_of_range(const cc_gradient_plan *plan)
{
    return plan->phases * plan->problem.groups * plan->blocks * plan->slices;
}

/* Blocks, slices, and as many ranges of input channels as caches ask for. */
static void cut_weights(cc_gradient_plan *plan)
{
    const cc_conv *p = &plan->problem;
    const int64_t size = plan->base.kernels->size, channels = min(p->k, BLOCK_CHANNELS);
    cc_conv first;
    int64_t from[CC_AXES];
    find_phase(plan, 0, &first, from);
    const cc_tile_grid grid = grid_of(plan, &first);
    plan->blocks = ceil_div(p->k, BLOCK_CHANNELS);
    plan->slices = 1;
    if (items_of_range(plan) * p->c < (plan->by_row ? FEW * FEW : FEW))
        plan->slices =
            max(1, min(min(SLICES, cc_tile_count(&grid)), SLICE_BYTES / (plan->weights * size)));
    const int64_t input = plan->images * cc_gradient_layout(plan, 1).elements;
    const int64_t by_acc = max(1, ACC_BYTES / (channels * plan->taps * size));
    plan->ranges = ceil_div(p->c, min(by_acc, max(1, INPUT_BYTES / (input * size))));
}

cc_plan *cc_gradient_make_plan(const cc_candidate *c)
{
    cc_gradient_plan *plan = malloc(sizeof *plan);
    if (!plan)
        return NULL;
    const cc_conv *p = &c->layer.conv;
    *plan = (cc_gradient_plan){.base = {.kernels = c->kernels},
                               .problem = *p,
                               .phases = c->phases,
                               .taps = c->taps / p->c};
    for (int a = 0; a < CC_AXES; a++) plan->period[a] = c->layer.period[a];
    plan->weights = p->groups * p->k * plan->phases * p->c * plan->taps;
    choose_tiles(plan);
    cut_weights(plan);
    const cc_rates *rates = &c->tuning->weight_gradient;
    const double outputs = (double)p->n * (double)cc_outputs_of_channel(p);
    const double products = (double)plan->weights / (double)plan->phases * outputs;
    plan->microseconds =
        products / rates->macs_per_us + (double)plan->weights / rates->memory_per_us;
    return &plan->base;
}

/* As many ranges of input channels as threads ask for; no sum depends on them. */
cc_gradient_partition cc_gradient_divide(const cc_gradient_plan *plan, int threads)
{
    const int64_t c = plan->problem.c, of_range = items_of_range(plan);
    threads = cc_useful_threads(plan->microseconds, threads);
    cc_gradient_partition part;
    part.ranges = min(c, max(plan->ranges, ceil_div(threads, of_range)));
    while (part.ranges < c && of_range * part.ranges % threads) part.ranges++;
    part.items = of_range * part.ranges;
    part.workers = (int)min(threads, part.items);
    return part;
}

cc_gradient_item cc_gradient_item_at(const cc_gradient_plan *plan,
                                     const cc_gradient_partition *part, int64_t index)
{
    const cc_conv *p = &plan->problem;
    cc_gradient_item item = {.slice = index % plan->slices};
    index /= plan->slices;
    const int64_t range = index % part->ranges, block = index / part->ranges % plan->blocks;
    index /= part->ranges * plan->blocks;
    item.group = index % p->groups;
    item.phase = index / p->groups;
    item.input = cc_partition_start(p->c, 1, part->ranges, range);
    item.inputs = cc_partition_start(p->c, 1, part->ranges, range + 1) - item.input;
    item.output = cc_partition_start(p->k, 1, plan->blocks, block);
    item.outputs = cc_partition_start(p->k, 1, plan->blocks, block + 1) - item.output;
    find_phase(plan, item.phase, &item.problem, item.from);
    item.grid = grid_of(plan, &item.problem);
    const int64_t tiles = cc_tile_count(&item.grid);
    item.first_tile = cc_partition_start(tiles, 1, plan->slices, item.slice);
    item.end_tile = cc_partition_start(tiles, 1, plan->slices, item.slice + 1);
    item.layout = start_layout(plan, &item.problem, item.inputs);
    cc_input_tile_layout(&item.layout);
    return item;
}
