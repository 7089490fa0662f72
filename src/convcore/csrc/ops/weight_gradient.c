/* Gradient of the weights of convolutions, tiled and local layers.
 *
 *   dK[k, o % period, c, tap] = sum over images and outputs o of
 *                               G[k, o] V[c, o * stride + tap * dilation - before]
 *
 * The sum is a convolution's, the roles changed: a weight takes the place of an output pixel, the
 * outputs that share it that of its taps. So the kernel is that of a convolution with one output
 * channel a lane, its pixels the taps of many input channels. The outputs of one phase (o % period)
 * are an ordinary convolution's, `period` times as far apart.
 *
 * Units of work have weights of their own, so no sum depends on who works where; only where there
 * are few weights are the outputs shared out too, in a number of chunks that sizes alone decide.
 */
#include "parallel.h"
#include "taps.h"
#include "whole.h"

#include <string.h>

/* Outputs of a tile: the longest chain of multiply-adds, as in the forward direction. */
enum { TILE_OUTPUTS = CC_BLOCK_TAPS };
/* Output channels of a unit, and most bytes of its sums and of the cells of a tile. */
enum { BLOCK_CHANNELS = 64, SUM_BYTES = 256 << 10, STRIP_BYTES = 192 << 10 };
/* Fewer weights than this many blocks of output channels by input channels: chunks of outputs. */
enum { CHUNKS = 8 };

typedef struct {
    cc_conv problem;
    int64_t period[CC_AXES], phases;
    const cc_kernels *kernels;
    ptrdiff_t taps;                /* of an input channel */
    int64_t images, rows, columns; /* outputs of a tile */
    int64_t blocks, ranges;        /* of output channels, of input channels */
    int64_t chunks, units;
    int parts;
} gradient_plan;

typedef struct {
    gradient_plan plan;
    const char *x, *grad;
    char *dweight; /* where sums go: the result, or one for each chunk */
    ptrdiff_t weights;
    char *parts;
    size_t strip, grads, sums, zeros, places, offsets, pieces, bytes; /* in a part's scratch */
} job;

/* The weights of a unit: of one phase and group, channels first ... first + count - 1. */
typedef struct {
    cc_conv problem; /* of the phase: the convolution that gives its outputs */
    cc_strip strip;
    int64_t phase, group, chunk;
    int64_t output, outputs, input, inputs;
    int64_t from[CC_AXES]; /* the first output */
    int64_t image_groups, row_tiles, column_tiles, tiles;
} unit;

/* A tile of outputs, counted in those of the phase, and the part's scratch. */
typedef struct {
    int64_t image, images;
    int64_t origin[CC_AXES], count[CC_AXES];
    char *strip, *grads, *sums, *zeros;
    ptrdiff_t *places, *offsets;
    cc_piece *pieces;
} tile;

static int64_t plane(const cc_conv *p, bool of_output)
{
    int64_t cells = 1;
    for (int a = 0; a < CC_AXES; a++) cells *= of_output ? p->axis[a].out : p->axis[a].in;
    return cells;
}

static int64_t share(int64_t n, int64_t parts, int64_t i) { return n * i / parts; }

/* The convolution of one phase along an axis; none of its outputs may exist. */
static cc_axis phase_axis(const cc_axis *axis, int64_t period, int64_t phase)
{
    cc_axis of = *axis;
    of.before -= phase * axis->stride;
    of.stride *= period;
    of.out = phase < axis->out ? ceil_div(axis->out - phase, period) : 0;
    return of;
}

static void lay_out_strip(const gradient_plan *plan, cc_strip *strip)
{
    strip->axis[CC_DEPTH].outputs = 1;
    strip->axis[CC_ROW].outputs = plan->rows;
    strip->axis[CC_COLUMN].outputs = plan->columns;
    cc_strip_layout(strip);
}

/* The strip of the first phase, which has most outputs, if it must be copied. */
static cc_strip largest_strip(const gradient_plan *plan, int64_t channels)
{
    cc_conv first = plan->problem;
    for (int a = 0; a < CC_AXES; a++)
        first.axis[a] = phase_axis(&plan->problem.axis[a], plan->period[a], 0);
    cc_strip strip = cc_strip_start(&first, false, channels, plan->kernels->lanes);
    strip.in_place = false;
    lay_out_strip(plan, &strip);
    strip.elements += plan->kernels->lanes; /* others may have a longer lead */
    return strip;
}

/* Tiles of as many outputs as a chain may have, from sizes alone: sums do not depend on the
 * instruction set. */
static void choose_tiles(gradient_plan *plan)
{
    const cc_conv *p = &plan->problem;
    int64_t out[CC_AXES];
    for (int a = 0; a < CC_AXES; a++) out[a] = ceil_div(p->axis[a].out, plan->period[a]);
    plan->columns = ceil_div(out[CC_COLUMN], ceil_div(out[CC_COLUMN], TILE_OUTPUTS));
    plan->rows = min(out[CC_ROW], TILE_OUTPUTS / plan->columns);
    plan->rows = ceil_div(out[CC_ROW], ceil_div(out[CC_ROW], plan->rows));
    const bool whole = out[CC_DEPTH] * out[CC_ROW] * out[CC_COLUMN] == plan->rows * plan->columns;
    plan->images = whole ? min(p->n, TILE_OUTPUTS / (plan->rows * plan->columns)) : 1;
}

/* As many ranges of input channels as caches and threads ask for. */
static void share_out(gradient_plan *plan, int threads)
{
    const cc_conv *p = &plan->problem;
    const int64_t size = plan->kernels->size, channels = min(p->k, BLOCK_CHANNELS);
    plan->blocks = ceil_div(p->k, BLOCK_CHANNELS);
    const int64_t others = plan->phases * p->groups * plan->blocks;
    plan->chunks = others * p->c < CHUNKS ? CHUNKS : 1;
    const cc_strip one = largest_strip(plan, 1);
    const int64_t by_sums = max(1, SUM_BYTES / (channels * plan->taps * size));
    const int64_t by_strip = max(1, STRIP_BYTES / (plan->images * one.elements * size));
    plan->ranges = ceil_div(p->c, min(by_sums, by_strip));
    plan->ranges = min(p->c, max(plan->ranges, ceil_div(threads, others * plan->chunks)));
    while (plan->ranges < p->c && others * plan->chunks * plan->ranges % threads) plan->ranges++;
    plan->units = others * plan->ranges * plan->chunks;
    plan->parts = (int)min(threads, plan->units);
}

static void make_plan(gradient_plan *plan, const cc_tiled *problem, cc_type type, int threads)
{
    *plan = (gradient_plan){
        .problem = problem->conv, .phases = 1, .kernels = cc_kernels_of(type), .taps = 1};
    const cc_conv *p = &plan->problem;
    for (int a = 0; a < CC_AXES; a++) {
        plan->period[a] = problem->period[a];
        plan->phases *= problem->period[a];
        plan->taps *= p->axis[a].kernel;
    }
    choose_tiles(plan);
    const double macs_per_us = 40e3, weights_per_us = 5e3;
    const double products = (double)p->n * (double)plane(p, true) * (double)p->groups;
    const double weights = (double)p->k * (double)p->c * (double)plan->taps;
    share_out(plan, cc_useful_threads(products * weights / macs_per_us +
                                          weights * (double)plan->phases / weights_per_us,
                                      threads));
}

/* Vectors of channels are computed a few at a time; the last share may be narrower. */
static int64_t share_channels(const gradient_plan *plan)
{
    return plan->kernels->pixel_vecs * plan->kernels->lanes;
}

static int64_t padded(const gradient_plan *plan, int64_t channels)
{
    return ceil_div(channels, plan->kernels->lanes) * plan->kernels->lanes;
}

static void lay_out_part(job *j)
{
    const gradient_plan *plan = &j->plan;
    const size_t size = (size_t)plan->kernels->size, word = sizeof(ptrdiff_t);
    const int64_t inputs = ceil_div(plan->problem.c, plan->ranges);
    const int64_t width = padded(plan, min(plan->problem.k, BLOCK_CHANNELS));
    const ptrdiff_t outputs = plan->images * plan->rows * plan->columns;
    const cc_strip strip = largest_strip(plan, inputs);
    j->strip = claim(&j->bytes, plan->images * strip.elements, size);
    j->grads = claim(&j->bytes, outputs * width, size);
    j->sums = claim(&j->bytes, plan->taps * inputs * width, size);
    j->zeros = claim(&j->bytes, width, size);
    j->places = claim(&j->bytes, plan->taps * inputs, word);
    j->offsets = claim(&j->bytes, outputs, word);
    j->pieces = claim(&j->bytes, strip.pieces, sizeof(cc_piece));
}

static unit find_unit(const gradient_plan *plan, int64_t index)
{
    const cc_conv *p = &plan->problem;
    unit u = {.problem = *p, .chunk = index % plan->chunks};
    index /= plan->chunks;
    const int64_t range = index % plan->ranges, block = index / plan->ranges % plan->blocks;
    index /= plan->ranges * plan->blocks;
    u.group = index % p->groups;
    u.phase = index / p->groups;
    u.input = share(p->c, plan->ranges, range);
    u.inputs = share(p->c, plan->ranges, range + 1) - u.input;
    u.output = share(p->k, plan->blocks, block);
    u.outputs = share(p->k, plan->blocks, block + 1) - u.output;
    int64_t rest = u.phase;
    for (int a = CC_AXES - 1; a >= 0; a--) {
        u.from[a] = rest % plan->period[a];
        rest /= plan->period[a];
        u.problem.axis[a] = phase_axis(&p->axis[a], plan->period[a], u.from[a]);
    }
    const cc_axis *axis = u.problem.axis;
    u.image_groups = ceil_div(p->n, plan->images);
    u.row_tiles = ceil_div(axis[CC_ROW].out, plan->rows);
    u.column_tiles = ceil_div(axis[CC_COLUMN].out, plan->columns);
    u.tiles = u.image_groups * axis[CC_DEPTH].out * u.row_tiles * u.column_tiles;
    u.strip = cc_strip_start(&u.problem, false, u.inputs, plan->kernels->lanes);
    lay_out_strip(plan, &u.strip);
    return u;
}

static void find_tile(const gradient_plan *plan, const unit *u, int64_t index, tile *t)
{
    const cc_axis *axis = u->problem.axis;
    const int64_t column = index % u->column_tiles, row = index / u->column_tiles % u->row_tiles;
    const int64_t line = index / u->column_tiles / u->row_tiles;
    t->image = line / axis[CC_DEPTH].out * plan->images;
    t->images = min(plan->images, u->problem.n - t->image);
    t->origin[CC_DEPTH] = line % axis[CC_DEPTH].out;
    t->count[CC_DEPTH] = 1;
    t->origin[CC_ROW] = row * plan->rows;
    t->count[CC_ROW] = min(plan->rows, axis[CC_ROW].out - t->origin[CC_ROW]);
    t->origin[CC_COLUMN] = column * plan->columns;
    t->count[CC_COLUMN] = min(plan->columns, axis[CC_COLUMN].out - t->origin[CC_COLUMN]);
}

/* The cells that the tile's outputs see, in the input or copied; and where each output's are. */
static const char *find_cells(const job *j, const unit *u, tile *t)
{
    const cc_kernels *k = j->plan.kernels;
    const cc_strip *strip = &u->strip;
    const cc_conv *p = &u->problem;
    const ptrdiff_t image = p->groups * p->c * plane(p, false);
    const ptrdiff_t channel = u->group * p->c + u->input;
    const char *x = j->x + (t->image * image + channel * strip->src_channel) * k->size, *cells;
    ptrdiff_t image_step = image;
    if (strip->in_place) {
        cells = x + cc_strip_origin(strip, t->origin) * k->size;
    } else {
        const cc_cut cut = cc_strip_cut(strip, t->origin, t->count, t->pieces);
        image_step = strip->elements;
        cells = t->strip + strip->lead * k->size;
        for (int64_t n = 0; n < t->images; n++)
            cc_strip_fill(strip, k, &cut, x + n * image * k->size, false,
                          t->strip + (n * image_step + strip->lead) * k->size);
    }
    ptrdiff_t *offset = t->offsets;
    for (int64_t n = 0; n < t->images; n++)
        for (int64_t y = 0; y < t->count[CC_ROW]; y++)
            for (int64_t c = 0; c < t->count[CC_COLUMN]; c++)
                *offset++ = n * image_step + y * cc_strip_step(&strip->axis[CC_ROW]) +
                            c * cc_strip_step(&strip->axis[CC_COLUMN]);
    return cells;
}

/* Gradients of `count` channels of the tile's outputs, [output][channel], whole vectors. */
static void pack_grads(const job *j, const unit *u, const tile *t, int64_t first, int64_t count)
{
    const gradient_plan *plan = &j->plan;
    const cc_conv *p = &plan->problem;
    const cc_kernels *k = plan->kernels;
    const int64_t *period = plan->period, channels = p->groups * p->k, width = padded(plan, count);
    const int64_t outputs = plane(p, true), channel = u->group * p->k + first;
    const ptrdiff_t channel_step = p->channels_last ? 1 : outputs;
    const ptrdiff_t pixel_step = p->channels_last ? channels : 1;
    const int64_t columns = t->count[CC_COLUMN];
    char *to = t->grads;
    for (int64_t n = 0; n < t->images; n++)
        for (int64_t y = 0; y < t->count[CC_ROW]; y++, to += columns * width * k->size) {
            int64_t at = 0; /* the first output of the line */
            for (int a = 0; a < CC_AXES; a++) {
                const int64_t o = t->origin[a] + (a == CC_ROW ? y : 0);
                at = at * p->axis[a].out + u->from[a] + o * period[a];
            }
            const ptrdiff_t image = (t->image + n) * channels * outputs;
            const char *grad =
                j->grad + (image + channel * channel_step + at * pixel_step) * k->size;
            if (period[CC_COLUMN] == 1 && !p->channels_last)
                k->transpose(grad, outputs, to, width, count, columns);
            else
                for (int64_t x = 0; x < columns; x++)
                    k->copy(grad + x * period[CC_COLUMN] * pixel_step * k->size, 0, channel_step,
                            to + x * width * k->size, 0, 1, count);
            k->copy(NULL, 0, 0, to + count * k->size, width, columns, width - count);
        }
}

/* Adds a tile's products to the sums, which are the first ones if `first`. */
static void add_tile(const job *j, const unit *u, const tile *t, const char *cells, bool first)
{
    const gradient_plan *plan = &j->plan;
    const cc_kernels *k = plan->kernels;
    const cc_run run = {.taps = t->images * t->count[CC_ROW] * t->count[CC_COLUMN]};
    const cc_taps outputs = {.offset = t->offsets,
                             .full = &run,
                             .last = &run,
                             .full_runs = 1,
                             .last_runs = 1,
                             .blocks = 1};
    char *sums = t->sums;
    for (int64_t done = 0; done < u->outputs;) {
        const int64_t count = min(share_channels(plan), u->outputs - done);
        const int64_t width = padded(plan, count), weights = u->inputs * plan->taps;
        const cc_grid grid = {
            .rows = 1, .columns = weights, .acc_step = width, .places = t->places};
        pack_grads(j, u, t, u->output + done, count);
        k->pixels(&outputs, &grid, cells, t->grads, (int)(width / k->lanes), false,
                  first ? t->zeros : NULL, sums);
        sums += weights * width * k->size;
        done += count;
    }
}

static void store_sums(const job *j, const unit *u, const tile *t)
{
    const gradient_plan *plan = &j->plan;
    const cc_conv *p = &plan->problem;
    const cc_kernels *k = plan->kernels;
    const ptrdiff_t weights = u->inputs * plan->taps;
    const char *sums = t->sums;
    for (int64_t done = 0; done < u->outputs;) {
        const int64_t count = min(share_channels(plan), u->outputs - done);
        const int64_t width = padded(plan, count);
        const int64_t kernel = (u->group * p->k + u->output + done) * plan->phases + u->phase;
        const ptrdiff_t to = u->chunk * j->weights + (kernel * p->c + u->input) * plan->taps;
        k->transpose(sums, width, j->dweight + to * k->size, plan->phases * p->c * plan->taps,
                     weights, count);
        sums += weights * width * k->size;
        done += count;
    }
}

static void run_unit(const job *j, const unit *u, tile *t)
{
    const gradient_plan *plan = &j->plan;
    const int64_t from = share(u->tiles, plan->chunks, u->chunk);
    const int64_t to = share(u->tiles, plan->chunks, u->chunk + 1);
    if (from == to)
        memset(t->sums, 0,
               (size_t)(u->inputs * plan->taps * padded(plan, u->outputs) * plan->kernels->size));
    else
        cc_taps_places(&u->strip, u->inputs, t->places);
    for (int64_t i = from; i < to; i++) {
        find_tile(plan, u, i, t);
        const char *cells = find_cells(j, u, t);
        add_tile(j, u, t, cells, i == from);
    }
    store_sums(j, u, t);
}

static void run_part(int index, void *context)
{
    const job *j = context;
    const gradient_plan *plan = &j->plan;
    char *scratch = j->parts + (size_t)index * j->bytes;
    tile t = {.strip = scratch + j->strip,
              .grads = scratch + j->grads,
              .sums = scratch + j->sums,
              .zeros = scratch + j->zeros,
              .places = (ptrdiff_t *)(scratch + j->places),
              .offsets = (ptrdiff_t *)(scratch + j->offsets),
              .pieces = (cc_piece *)(scratch + j->pieces)};
    memset(t.zeros, 0, (size_t)(share_channels(plan) * plan->kernels->size));
    const int64_t end = share(plan->units, plan->parts, index + 1);
    for (int64_t i = share(plan->units, plan->parts, index); i < end; i++) {
        const unit u = find_unit(plan, i);
        run_unit(j, &u, &t);
    }
}

/* The result from those of the chunks, one after the other. */
static void add_chunks(const job *j, void *dweight)
{
    const cc_kernels *k = j->plan.kernels;
    const void *rows[CHUNKS];
    for (int i = 0; i < CHUNKS; i++) rows[i] = j->dweight + i * j->weights * k->size;
    const cc_folding all = {.how = CC_SUM,
                            .rows = rows,
                            .count = CHUNKS,
                            .taps = 1,
                            .step = 1,
                            .to = j->weights,
                            .width = j->weights,
                            .lines = 1,
                            .planes = 1,
                            .dst = dweight};
    k->fold(&all);
}

static bool is_sound(const cc_tiled *problem, cc_type type)
{
    const cc_conv *p = &problem->conv;
    if (p->n < 1 || p->groups < 1 || p->c < 1 || p->k < 1 || p->border < 0 ||
        p->border >= CC_BORDERS || type < 0 || type >= CC_REALS)
        return false;
    for (int a = 0; a < CC_AXES; a++) {
        const cc_axis *x = &p->axis[a];
        if (x->in < (p->border == CC_ZEROS ? 0 : 1) || x->out < 1 || x->kernel < 1 ||
            x->stride < 1 || x->dilation < 1 || problem->period[a] < 1 ||
            (problem->period[a] > 1 && p->groups > 1))
            return false;
    }
    return true;
}

cc_status cc_weight_gradient(const cc_tiled *problem, cc_type type, const void *x, const void *grad,
                             void *dweight, int threads)
{
    if (!is_sound(problem, type) || threads < 1)
        return CC_BAD_PROBLEM;
    job j = {.x = x, .grad = grad, .dweight = dweight};
    gradient_plan *plan = &j.plan;
    make_plan(plan, problem, type, threads);
    const cc_conv *p = &plan->problem;
    j.weights = p->groups * p->k * plan->phases * p->c * plan->taps;
    lay_out_part(&j);
    size_t partial = 0;
    if (plan->chunks > 1)
        claim(&partial, plan->chunks * j.weights, (size_t)plan->kernels->size);
    char *scratch = cc_scratch_take(partial + (size_t)plan->parts * j.bytes);
    if (!scratch)
        return CC_NO_MEMORY;
    if (plan->chunks > 1)
        j.dweight = scratch;
    j.parts = scratch + partial;
    cc_parallel(plan->parts, run_part, &j);
    if (plan->chunks > 1)
        add_chunks(&j, dweight);
    cc_scratch_give(scratch);
    return CC_OK;
}
