#include "gradient_plan.h"

#include "parallel.h"
#include "problem.h"
#include "taps.h"
#include "whole.h"

/* Outputs of a tile, whose products are one chain of multiply-adds: where output channels are the
 * lanes as many as in the forward direction, where outputs are, so many for each of WIDE_BYTES'
 * lanes, which is what the kernel counts in whatever the instruction set. */
enum { TILE_OUTPUTS = CC_BLOCK_TAPS, TILE_ROUNDS = 64, WIDE_BYTES = 64 };
/* Output channels of a unit, and most bytes of its sums and of the cells of a tile. */
enum { BLOCK_CHANNELS = 64, SUM_BYTES = 256 << 10, STRIP_BYTES = 192 << 10 };
/* Where there are fewer blocks of output channels by input channels than FEW (FEW times as many where
 * a block has few output channels), the outputs are dealt out in so many chunks at most, which all
 * together have sums of so many bytes. */
enum { FEW = 8, CHUNKS = 64, CHUNK_BYTES = 16 << 20 };

static int64_t share(int64_t n, int64_t parts, int64_t i) { return n * i / parts; }

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

static cc_strip start_strip(const cc_gradient_plan *plan, const cc_conv *problem, int64_t channels)
{
    cc_strip strip = cc_strip_start(problem, plan->by_row, channels, plan->kernels->lanes);
    if (plan->by_row && problem->axis[CC_COLUMN].stride > 1)
        strip.in_place = false;
    strip.axis[CC_DEPTH].outputs = 1;
    strip.axis[CC_ROW].outputs = plan->rows;
    strip.axis[CC_COLUMN].outputs = plan->columns;
    return strip;
}

cc_strip cc_gradient_strip(const cc_gradient_plan *plan, int64_t channels)
{
    cc_conv first; /* which has most outputs */
    int64_t from[CC_AXES];
    find_phase(plan, 0, &first, from);
    cc_strip strip = start_strip(plan, &first, channels);
    strip.in_place = false;
    cc_strip_layout(&strip);
    strip.elements += plan->kernels->lanes; /* others may have a longer lead */
    return strip;
}

/* Estimated cost of a multiply-add, relative to full vectors in a full register tile. From sizes
 * alone, so that sums depend neither on the layout nor on the instruction set. */
static double channels_cost(const cc_gradient_plan *plan, int64_t lanes)
{
    const cc_conv *p = &plan->problem;
    const int64_t vecs = ceil_div(p->k, lanes);
    const double loads = vecs == 1 ? 1.5 : vecs == 2 ? 1.1 : 1.0; /* few vectors share a scalar */
    const double packs = 5.0 / ((double)p->c * (double)plan->taps);
    return (double)(vecs * lanes) / (double)p->k * (loads + packs);
}

static double rows_cost(const cc_gradient_plan *plan, int64_t lanes)
{
    const cc_conv *p = &plan->problem;
    const int64_t columns = ceil_div(p->axis[CC_COLUMN].out, plan->period[CC_COLUMN]);
    const double loads = p->k == 1 ? 2.0 : p->k == 2 ? 1.6 : 1.4; /* few rows share a row */
    return (double)(ceil_div(columns, lanes) * lanes) / (double)columns * loads;
}

/* Tiles of as many outputs as a chain may have. */
static void choose_tiles(cc_gradient_plan *plan)
{
    const cc_conv *p = &plan->problem;
    const int64_t lanes = WIDE_BYTES / plan->kernels->size;
    int64_t out[CC_AXES];
    for (int a = 0; a < CC_AXES; a++) out[a] = ceil_div(p->axis[a].out, plan->period[a]);
    plan->by_row = rows_cost(plan, lanes) < channels_cost(plan, lanes);
    plan->turned = plan->by_row && p->channels_last;
    plan->problem.channels_last = p->channels_last && !plan->by_row;
    const int64_t together = plan->by_row ? lanes : 1; /* columns that add nothing to a chain */
    const int64_t most = plan->by_row ? TILE_ROUNDS : TILE_OUTPUTS;
    plan->columns = ceil_div(out[CC_COLUMN], ceil_div(out[CC_COLUMN], most * together));
    const int64_t line = ceil_div(plan->columns, together);
    plan->rows = min(out[CC_ROW], most / line);
    plan->rows = ceil_div(out[CC_ROW], ceil_div(out[CC_ROW], plan->rows));
    const bool whole = out[CC_DEPTH] * out[CC_ROW] * out[CC_COLUMN] == plan->rows * plan->columns;
    plan->images = whole ? min(p->n, most / (plan->rows * line)) : 1;
}

/* How many tiles the outputs of a phase are. */
static int64_t count_tiles(const cc_gradient_plan *plan, const cc_conv *phase)
{
    const cc_axis *axis = phase->axis;
    return ceil_div(phase->n, plan->images) * axis[CC_DEPTH].out *
           ceil_div(axis[CC_ROW].out, plan->rows) * ceil_div(axis[CC_COLUMN].out, plan->columns);
}

/* Chunks from sizes alone; as many ranges of input channels as caches and threads ask for. */
static void share_out(cc_gradient_plan *plan, int threads)
{
    const cc_conv *p = &plan->problem;
    const int64_t size = plan->kernels->size, channels = min(p->k, BLOCK_CHANNELS);
    cc_conv first;
    int64_t from[CC_AXES];
    find_phase(plan, 0, &first, from);
    plan->blocks = ceil_div(p->k, BLOCK_CHANNELS);
    const int64_t others = plan->phases * p->groups * plan->blocks;
    plan->chunks = 1;
    if (others * p->c < (plan->by_row ? FEW * FEW : FEW))
        plan->chunks = max(
            1, min(min(CHUNKS, count_tiles(plan, &first)), CHUNK_BYTES / (plan->weights * size)));
    const int64_t strip = plan->images * cc_gradient_strip(plan, 1).elements;
    const int64_t by_sums = max(1, SUM_BYTES / (channels * plan->taps * size));
    plan->ranges = ceil_div(p->c, min(by_sums, max(1, STRIP_BYTES / (strip * size))));
    plan->ranges = min(p->c, max(plan->ranges, ceil_div(threads, others * plan->chunks)));
    while (plan->ranges < p->c && others * plan->chunks * plan->ranges % threads) plan->ranges++;
    plan->units = others * plan->ranges * plan->chunks;
    plan->parts = (int)min(threads, plan->units);
}

void cc_gradient_make_plan(cc_gradient_plan *plan, const cc_tiled *problem, cc_type type,
                           int threads)
{
    *plan = (cc_gradient_plan){
        .problem = problem->conv, .phases = 1, .kernels = cc_kernels_of(type), .taps = 1};
    const cc_conv *p = &plan->problem;
    for (int a = 0; a < CC_AXES; a++) {
        plan->period[a] = problem->period[a];
        plan->phases *= problem->period[a];
        plan->taps *= p->axis[a].kernel;
    }
    plan->weights = p->groups * p->k * plan->phases * p->c * plan->taps;
    choose_tiles(plan);
    const double macs_per_us = 40e3, weights_per_us = 5e3;
    const double outputs = (double)p->n * (double)cc_output_cells(p);
    const double products = (double)plan->weights / (double)plan->phases * outputs;
    share_out(plan, cc_useful_threads(
                        products / macs_per_us + (double)plan->weights / weights_per_us, threads));
}

cc_gradient_unit cc_gradient_find_unit(const cc_gradient_plan *plan, int64_t index)
{
    const cc_conv *p = &plan->problem;
    cc_gradient_unit u = {.chunk = index % plan->chunks};
    index /= plan->chunks;
    const int64_t range = index % plan->ranges, block = index / plan->ranges % plan->blocks;
    index /= plan->ranges * plan->blocks;
    u.group = index % p->groups;
    u.phase = index / p->groups;
    u.input = share(p->c, plan->ranges, range);
    u.inputs = share(p->c, plan->ranges, range + 1) - u.input;
    u.output = share(p->k, plan->blocks, block);
    u.outputs = share(p->k, plan->blocks, block + 1) - u.output;
    find_phase(plan, u.phase, &u.problem, u.from);
    u.row_tiles = ceil_div(u.problem.axis[CC_ROW].out, plan->rows);
    u.column_tiles = ceil_div(u.problem.axis[CC_COLUMN].out, plan->columns);
    const int64_t tiles = count_tiles(plan, &u.problem);
    u.first_tile = share(tiles, plan->chunks, u.chunk);
    u.end_tile = share(tiles, plan->chunks, u.chunk + 1);
    u.strip = start_strip(plan, &u.problem, u.inputs);
    cc_strip_layout(&u.strip);
    return u;
}

cc_gradient_tile cc_gradient_find_tile(const cc_gradient_plan *plan, const cc_gradient_unit *u,
                                       int64_t index)
{
    const cc_axis *axis = u->problem.axis;
    const int64_t column = index % u->column_tiles, row = index / u->column_tiles % u->row_tiles;
    const int64_t line = index / u->column_tiles / u->row_tiles;
    cc_gradient_tile t = {.image = line / axis[CC_DEPTH].out * plan->images};
    t.images = min(plan->images, u->problem.n - t.image);
    t.origin[CC_DEPTH] = line % axis[CC_DEPTH].out;
    t.count[CC_DEPTH] = 1;
    t.origin[CC_ROW] = row * plan->rows;
    t.count[CC_ROW] = min(plan->rows, axis[CC_ROW].out - t.origin[CC_ROW]);
    t.origin[CC_COLUMN] = column * plan->columns;
    t.count[CC_COLUMN] = min(plan->columns, axis[CC_COLUMN].out - t.origin[CC_COLUMN]);
    return t;
}
