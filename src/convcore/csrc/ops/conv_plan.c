#include "conv_plan.h"

#include "parallel.h"
#include "whole.h"

/* Output channels that one pass over a strip computes. */
enum { BLOCK_CHANNELS = 64 };
/* A strip stays in the second-level cache beside the weights of a block and the sums. */
enum { STRIP_BYTES = 640 << 10 };
/* Sums of a tile: BLOCK_CHANNELS or fewer for each of these pixels, in rows of at most so many:
 * square tiles copy fewest cells twice. */
enum { TILE_PIXELS = 448, TILE_PIXEL_COLUMNS = 64 };
/* Rows longer than this are cut, so that a row of kernel input stays in the first-level cache. */
enum { TILE_COLUMNS = 1024 };
/* All packed weights of a part are kept up to this size; beyond it, a block's at a time. */
enum { WEIGHT_BYTES = 4 << 20 };

/* One channel is in the same place first or last. */
static void forget_layout(cc_conv *problem)
{
    if (problem->groups == 1 && problem->c == 1 && problem->k == 1)
        problem->channels_last = false;
}

/* A 1x1 convolution does not see where a row ends: its axes are one long row. */
static void merge_axes(cc_conv *problem)
{
    cc_axis *axis = problem->axis;
    int64_t cells = 1;
    for (int a = 0; a < CC_AXES; a++) {
        if (axis[a].kernel != 1 || axis[a].stride != 1 || axis[a].before ||
            axis[a].in != axis[a].out)
            return;
        cells *= axis[a].in;
        axis[a].dilation = 1;
    }
    axis[CC_DEPTH].in = axis[CC_DEPTH].out = axis[CC_ROW].in = axis[CC_ROW].out = 1;
    axis[CC_COLUMN].in = axis[CC_COLUMN].out = cells;
}

/* Estimated cost of a multiply-add, relative to a full register tile of lanes that all count. The
 * figures are fitted to measurements on x86-64-v4; docs/design/kernels.rst shows them. */
static double pixels_cost(const cc_conv_plan *plan)
{
    const cc_conv *p = &plan->problem;
    const int64_t vecs = ceil_div(p->k, plan->kernels->lanes);
    const double fill = (double)(vecs * plan->kernels->lanes) / (double)p->k;
    const double loads = vecs == 1 ? 1.5 : vecs == 2 ? 1.1 : 1.0; /* few vectors share a scalar */
    /* storing the sums, in taps, and walking rows that are not made of whole tiles */
    const double stores = p->channels_last ? 2.0 : 10.0, walk = p->channels_last ? 1.0 : 1.05;
    return fill * loads * (walk + stores / (double)plan->taps);
}

static double maps_cost(const cc_conv_plan *plan)
{
    const cc_conv *p = &plan->problem;
    const int64_t out = p->axis[CC_COLUMN].out, vecs = ceil_div(out, plan->kernels->lanes);
    const double fill = (double)(vecs * plan->kernels->lanes) / (double)out;
    const double loads = vecs == 1 ? 1.3 : vecs == 2 ? 1.05 : 1.0;
    const double shares = p->k < 4 ? 1.3 : 1.0;
    const double moves = p->channels_last ? 20.0 : 0.0; /* planar strips of interleaved channels */
    return fill * loads * shares * (1.0 + moves / (double)plan->taps);
}

static cc_mode choose_mode(const cc_conv_plan *plan)
{
    const cc_conv *p = &plan->problem;
    if (p->first_input) /* each output channel has taps of its own */
        return CC_ROWS;
    if (p->channels_last && p->c == 1 && p->k == 1 && p->groups > 1)
        return CC_LANES;
    if (p->k == 1)
        return CC_ROWS;
    return pixels_cost(plan) < maps_cost(plan) ? CC_PIXELS : CC_MAPS;
}

/* The strip before its tiles are chosen: pitches of the input, phases, whether to copy at all. */
static void start_strip(cc_conv_plan *plan)
{
    const cc_conv *p = &plan->problem;
    cc_strip *s = &plan->strip;
    const bool by_row = cc_by_row(plan);
    const int64_t channels = plan->mode == CC_LANES ? p->groups : p->c;
    *s = cc_strip_start(p, by_row, channels, plan->kernels->lanes);
    /* Kernels may read the input itself where no padding is needed, neighbouring columns are
     * neighbours in memory, and no vector reaches beyond what the outputs see. */
    const cc_axis *row = &p->axis[CC_ROW], *column = &p->axis[CC_COLUMN];
    const int lanes = plan->kernels->lanes;
    if (by_row)
        s->in_place =
            s->in_place && !p->channels_last && column->stride == 1 && column->out >= lanes;
    if (plan->mode == CC_ROWS)
        s->in_place = s->in_place && row->out % plan->rows == 0;
    if (plan->mode == CC_LANES)
        s->in_place = s->in_place && p->groups % lanes == 0;
}

static void lay_out(cc_conv_plan *plan, int64_t rows, int64_t columns)
{
    plan->strip.axis[CC_DEPTH].outputs = 1;
    plan->strip.axis[CC_ROW].outputs = ceil_div(rows, plan->rows) * plan->rows;
    plan->strip.axis[CC_COLUMN].outputs = columns;
    cc_strip_layout(&plan->strip);
    if (!plan->strip.in_place) /* the last vectors may reach beyond the last cell */
        plan->strip.elements += plan->kernels->lanes * plan->kernels->pixel_vecs;
}

/* The largest tiles whose strip fits; the same where nothing is copied, for the cache's sake. */
static void choose_tiles(cc_conv_plan *plan)
{
    const int64_t out_rows = plan->problem.axis[CC_ROW].out;
    const int64_t out_columns = plan->problem.axis[CC_COLUMN].out;
    const bool by_row = cc_by_row(plan);
    const int64_t most = by_row ? TILE_COLUMNS : TILE_PIXEL_COLUMNS;
    int64_t columns = ceil_div(out_columns, ceil_div(out_columns, most));
    int64_t rows = by_row ? out_rows : min(out_rows, max(1, TILE_PIXELS / columns));
    const bool in_place = plan->strip.in_place;
    plan->strip.in_place = false;
    for (;;) {
        lay_out(plan, rows, columns);
        if (plan->strip.elements * plan->kernels->size <= STRIP_BYTES)
            break;
        if (rows > plan->rows)
            rows = ceil_div(rows / 2, plan->rows) * plan->rows;
        else if (columns > 2 * plan->kernels->lanes)
            columns = ceil_div(columns, 2);
        else
            break;
    }
    plan->strip.in_place = in_place;
    lay_out(plan, rows, columns);
    plan->row_tiles = ceil_div(out_rows, rows);
    plan->column_tiles = ceil_div(out_columns, columns);
}

static double microseconds(const cc_conv_plan *plan)
{
    const cc_conv *p = &plan->problem;
    const double macs_per_us = 40e3, reals_per_us = 12e3;
    double outputs = (double)p->n * (double)p->groups * (double)p->k;
    double inputs = (double)p->n * (double)p->groups * (double)p->c;
    for (int a = 0; a < CC_AXES; a++) {
        outputs *= (double)p->axis[a].out;
        inputs *= (double)p->axis[a].in;
    }
    if (p->first_input)
        outputs *= (double)p->first_input[p->k] / ((double)p->k * (double)p->c);
    return outputs * (double)plan->taps / macs_per_us + (outputs + inputs) / reals_per_us;
}

/* Time of the busiest part if items and blocks are split so, in multiply-adds. */
static double busiest(const cc_conv_plan *plan, int item_parts, int block_parts)
{
    const cc_conv *p = &plan->problem;
    const double pixels = (double)(p->axis[CC_DEPTH].out * p->axis[CC_ROW].out) *
                          (double)(p->axis[CC_COLUMN].out * p->n * plan->item_groups);
    const double item_share = (double)ceil_div(plan->items, item_parts) / (double)plan->items;
    const double block_share = (double)ceil_div(plan->blocks, block_parts) / (double)plan->blocks;
    const double weights = (double)plan->taps * (double)plan->channels;
    const double pack_weights = 16 * block_share * weights, fill_strips = 8 * item_share;
    return item_share * block_share * pixels * weights + pack_weights +
           fill_strips * pixels * (double)p->c;
}

/* Splits the work in at most `threads` parts as evenly as it goes. */
static void share_out(cc_conv_plan *plan, int threads)
{
    plan->item_groups = plan->mode == CC_LANES ? 1 : plan->problem.groups;
    const int64_t rest =
        plan->item_groups * plan->problem.n * plan->problem.axis[CC_DEPTH].out * plan->column_tiles;
    const int64_t most_tiles = max(1, plan->problem.axis[CC_ROW].out / plan->rows);
    if (threads > 1 && rest * plan->row_tiles < 16 * (int64_t)threads) {
        int64_t tiles = plan->row_tiles;
        while (tiles < most_tiles && rest * tiles % threads) tiles++;
        if (rest * tiles % threads == 0)
            plan->row_tiles = tiles;
    }
    plan->items = rest * plan->row_tiles;
    plan->item_parts = plan->block_parts = 1;
    double best = busiest(plan, 1, 1);
    for (int block_parts = 1; block_parts <= threads && block_parts <= plan->blocks;
         block_parts++) {
        const int item_parts = (int)min(threads / block_parts, plan->items);
        const double time = busiest(plan, item_parts, block_parts);
        if (time < best) {
            best = time;
            plan->item_parts = item_parts;
            plan->block_parts = block_parts;
        }
    }
}

int64_t cc_block_start(const cc_conv_plan *plan, int64_t block)
{
    const int64_t grain = cc_channel_grain(plan);
    return min(ceil_div(plan->channels, grain) * block / plan->blocks * grain, plan->channels);
}

void cc_conv_make_plan(cc_conv_plan *plan, const cc_conv *problem, cc_type type, int threads,
                       cc_mode mode)
{
    *plan = (cc_conv_plan){.problem = *problem, .kernels = cc_kernels_of(type), .rows = 1};
    cc_conv *p = &plan->problem;
    const cc_kernels *kernels = plan->kernels;
    forget_layout(p);
    merge_axes(p);
    plan->taps = p->c;
    for (int a = 0; a < CC_AXES; a++) plan->taps *= p->axis[a].kernel;
    const bool lanes_fit = p->channels_last && p->c == 1 && p->k == 1;
    const bool free = mode == CC_AUTO || (mode == CC_LANES && !lanes_fit) || p->first_input;
    plan->mode = free ? choose_mode(plan) : mode;
    plan->channels = plan->mode == CC_LANES ? p->groups : p->k;
    if (plan->mode == CC_ROWS)
        plan->rows = (int)min(kernels->rows_shared, p->axis[CC_ROW].out);
    int64_t block = BLOCK_CHANNELS;
    while (block > kernels->lanes && block * plan->taps * plan->rows * kernels->size > WEIGHT_BYTES)
        block /= 2;
    plan->blocks = ceil_div(plan->channels, block);
    plan->taps_size = cc_taps_measure(p, plan->rows);

    start_strip(plan);
    choose_tiles(plan);
    share_out(plan, cc_useful_threads(microseconds(plan), threads));

    /* A block is at most one vector over its even share, and is packed in whole vectors. */
    const ptrdiff_t width = block + kernels->lanes;
    const int64_t part_blocks = ceil_div(plan->blocks, plan->block_parts);
    plan->weight_elements =
        (ptrdiff_t)min(width, ceil_div(plan->channels, kernels->lanes) * kernels->lanes) *
        plan->taps * plan->rows;
    plan->weight_slots =
        max(1, min(part_blocks, WEIGHT_BYTES / kernels->size / plan->weight_elements));
    if (plan->weight_slots < part_blocks)
        plan->weight_slots = 1;
    plan->init_elements = plan->weight_channels = width;
    const cc_strip_axis *row = &plan->strip.axis[CC_ROW], *column = &plan->strip.axis[CC_COLUMN];
    plan->sum_elements =
        cc_by_row(plan) ? column->outputs * max(kernels->maps, kernels->rows_shared)
                        : row->outputs * column->outputs * kernels->pixel_vecs * kernels->lanes;
}
