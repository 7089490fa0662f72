/* Tiled and local layers, forward: convolutions whose weights differ from output to output.
 *
 * The outputs of one phase (o % period) share their weights: they are the pixels of an ordinary
 * convolution, `period` times as far apart, and the kernel is that of a convolution with one output
 * channel a lane. Where hardly any outputs share, weights are read as they lie and once for as many
 * images as fit: rows of weights are multiplied with the patches of input that their outputs see.
 * Patches are gathered for a tile of outputs at a time, and all channels pass over them.
 */
#include "parallel.h"
#include "problem.h"
#include "taps.h"
#include "whole.h"

#include <string.h>

/* Outputs of a tile, in all its images: their sums stay in the second-level cache. */
enum { TILE_PIXELS = 1024 };
/* Cells of a tile in the second-level cache, or the third where many images share weights. */
enum { STRIP_BYTES = 512 << 10, SHARED_STRIP_BYTES = 4 << 20 };
/* Most images of a tile. */
enum { TILE_IMAGES = 16 };
/* Patches of a tile, in the second-level cache. */
enum { PATCH_BYTES = 640 << 10 };
/* Rows of fewer taps do not fill vectors. */
enum { DOT_TAPS = 48 };
/* Streams of weights at a time. */
enum { DOT_CHANNELS = 4 };

typedef struct {
    cc_conv problem;
    int64_t period[CC_AXES], phases;
    const cc_kernels *kernels;
    cc_strip strip;
    ptrdiff_t taps;
    bool dots;           /* rows of weights by patches */
    ptrdiff_t patch_row; /* reals of a patch, with those that fill it up */
    ptrdiff_t patches;   /* of a pixel's patches in all images */
    int64_t images, image_groups;
    int64_t rows, columns, row_tiles, column_tiles; /* outputs of a tile, tiles of a plane */
    int64_t grain, shares; /* channels are dealt out in multiples of grain, in so many shares */
    int64_t items;         /* image groups x depths x tiles */
    int parts;
} tiled_plan;

typedef struct {
    tiled_plan plan;
    const char *x, *weight, *bias;
    char *y;
    cc_taps taps;
    char *parts;
    size_t strip, weights, sums, init, patches, pieces, bytes; /* in a part's scratch; its size */
} job;

/* A tile of outputs, of `images` images, and the part's scratch. */
typedef struct {
    int64_t image, images;
    int64_t origin[CC_AXES], count[CC_AXES];
    char *strip, *weights, *sums, *init, *patches;
    cc_piece *pieces;
    const char *cells;     /* of the tile's first output in the first image */
    ptrdiff_t cells_image; /* from there to the next image's */
    int64_t channel, channels;
    ptrdiff_t width; /* of the sums of a pixel: whole vectors of channels */
} tile;

static void lay_out_strip(tiled_plan *plan)
{
    plan->strip.axis[CC_DEPTH].outputs = 1;
    plan->strip.axis[CC_ROW].outputs = plan->rows;
    plan->strip.axis[CC_COLUMN].outputs = plan->columns;
    cc_strip_layout(&plan->strip);
}

/* The first channel of a share, which ends where the next begins. */
static int64_t share_start(const tiled_plan *plan, int64_t share)
{
    const int64_t grains = ceil_div(plan->problem.k, plan->grain);
    return min(grains * share / plan->shares * plan->grain, plan->problem.k);
}

/* Tiles of as many outputs as the caches allow; images first where the outputs of an image share no
 * weights. */
static void choose_tiles(tiled_plan *plan)
{
    const cc_conv *p = &plan->problem;
    const int64_t out_rows = p->axis[CC_ROW].out, out_columns = p->axis[CC_COLUMN].out;
    const int64_t size = plan->kernels->size;
    const int64_t pixels = plan->dots ? max(1, PATCH_BYTES / size / plan->patch_row) : TILE_PIXELS;
    plan->images = plan->dots ? min(p->n, TILE_IMAGES) : 1;
    plan->columns = min(out_columns, max(1, pixels / plan->images));
    const int64_t lanes = plan->kernels->lanes;
    if (plan->dots && plan->columns < out_columns && plan->columns > lanes)
        plan->columns -= plan->columns % lanes; /* neighbours are turned in whole vectors */
    plan->rows = min(out_rows, max(1, pixels / plan->images / plan->columns));
    const int64_t bytes = plan->images > 1 ? SHARED_STRIP_BYTES : STRIP_BYTES;
    for (lay_out_strip(plan); !plan->strip.in_place; lay_out_strip(plan)) {
        if (plan->images * plan->strip.elements * size <= bytes)
            break;
        if (plan->rows > 1)
            plan->rows = ceil_div(plan->rows, 2);
        else if (plan->columns > 1)
            plan->columns = ceil_div(plan->columns, 2);
        else if (plan->images > 1)
            plan->images = ceil_div(plan->images, 2);
        else
            break;
    }
    if (!plan->dots)
        plan->images = min(p->n, max(1, pixels / plan->rows / plan->columns));
    /* patches of neighbours, written together, must not compete for lines of the first-level cache
     */
    plan->patches = plan->images * plan->patch_row + plan->kernels->lanes;
    plan->image_groups = ceil_div(p->n, plan->images);
    plan->column_tiles = ceil_div(out_columns, plan->columns);
    plan->row_tiles = ceil_div(out_rows, plan->rows);
}

/* Enough tiles and shares of the channels for all threads. */
static void share_out(tiled_plan *plan, int threads)
{
    const cc_conv *p = &plan->problem;
    const int64_t out_rows = p->axis[CC_ROW].out;
    const int64_t grains = ceil_div(p->k, plan->grain);
    plan->shares = plan->dots ? 1 : ceil_div(grains, plan->kernels->pixel_vecs);
    const int64_t rest = plan->image_groups * p->axis[CC_DEPTH].out * plan->column_tiles;
    const int64_t wanted = threads > 1 ? 4 * threads : 1;
    plan->row_tiles = min(out_rows, max(plan->row_tiles, ceil_div(wanted, rest * plan->shares)));
    plan->rows = ceil_div(out_rows, plan->row_tiles);
    plan->row_tiles = ceil_div(out_rows, plan->rows);
    plan->items = rest * plan->row_tiles;
    plan->shares = min(grains, max(plan->shares, ceil_div(wanted, plan->items)));
    plan->parts = (int)min(threads, plan->items * plan->shares);
    lay_out_strip(plan);
}

static void make_plan(tiled_plan *plan, const cc_tiled *problem, cc_type type, int threads)
{
    *plan = (tiled_plan){.problem = problem->conv, .phases = 1, .kernels = cc_kernels_of(type)};
    const cc_conv *p = &plan->problem;
    plan->taps = p->c;
    for (int a = 0; a < CC_AXES; a++) {
        plan->period[a] = problem->period[a];
        plan->phases *= problem->period[a];
        plan->taps *= p->axis[a].kernel;
    }
    const int lanes = plan->kernels->lanes;
    /* from sizes alone, so that the bits of an image depend on nothing else */
    plan->dots = plan->taps >= DOT_TAPS && cc_output_cells(p) <= 2 * plan->phases;
    plan->strip = cc_strip_start(p, plan->dots, p->c, lanes);
    if (plan->dots) /* patches are made of rows */
        plan->strip.in_place =
            plan->strip.in_place && !p->channels_last && p->axis[CC_COLUMN].stride == 1;
    plan->patch_row = ceil_div(plan->taps, lanes) * lanes;
    plan->grain = plan->dots ? DOT_CHANNELS : lanes;
    const double outputs = (double)p->n * (double)p->k * (double)cc_output_cells(p);
    const double weights = (double)p->k * (double)plan->phases * (double)plan->taps;
    const double macs_per_us = 30e3, weights_per_us = 5e3;
    threads = cc_useful_threads(
        outputs * (double)plan->taps / macs_per_us + weights / weights_per_us, threads);
    choose_tiles(plan);
    share_out(plan, threads);
}

static void lay_out_part(job *j)
{
    const tiled_plan *plan = &j->plan;
    const size_t size = (size_t)plan->kernels->size;
    const ptrdiff_t outputs = plan->images * plan->rows * plan->columns;
    const ptrdiff_t width = plan->dots ? 0 : plan->kernels->pixel_vecs * plan->kernels->lanes;
    j->strip = claim(&j->bytes, plan->images * plan->strip.elements, size);
    j->weights = claim(&j->bytes, plan->taps * width, size);
    j->sums = claim(&j->bytes, outputs * width, size);
    j->init = claim(&j->bytes, width, size);
    j->patches =
        claim(&j->bytes, plan->dots ? plan->rows * plan->columns * plan->patches : 0, size);
    j->pieces = claim(&j->bytes, plan->strip.pieces, sizeof(cc_piece));
}

static void find_tile(const tiled_plan *plan, int64_t item, tile *t)
{
    const cc_conv *p = &plan->problem;
    const int64_t column = item % plan->column_tiles;
    const int64_t row = item / plan->column_tiles % plan->row_tiles;
    const int64_t line = item / plan->column_tiles / plan->row_tiles;
    t->image = line / p->axis[CC_DEPTH].out * plan->images;
    t->images = min(plan->images, p->n - t->image);
    t->origin[CC_DEPTH] = line % p->axis[CC_DEPTH].out;
    t->count[CC_DEPTH] = 1;
    t->origin[CC_ROW] = row * plan->rows;
    t->count[CC_ROW] = min(plan->rows, p->axis[CC_ROW].out - t->origin[CC_ROW]);
    t->origin[CC_COLUMN] = column * plan->columns;
    t->count[CC_COLUMN] = min(plan->columns, p->axis[CC_COLUMN].out - t->origin[CC_COLUMN]);
}

/* The cells that the tile's outputs see: in the input, or copied. */
static void find_cells(const job *j, tile *t)
{
    const tiled_plan *plan = &j->plan;
    const cc_strip *strip = &plan->strip;
    const ptrdiff_t size = plan->kernels->size,
                    image = plan->problem.c * cc_input_cells(&plan->problem);
    const char *x = j->x + t->image * image * size;
    if (strip->in_place) {
        t->cells = x + cc_strip_origin(strip, t->origin) * size;
        t->cells_image = image;
        return;
    }
    const cc_cut cut = cc_strip_cut(strip, t->origin, t->count, t->pieces);
    for (int64_t i = 0; i < t->images; i++)
        cc_strip_fill(strip, plan->kernels, &cut, x + i * image * size, false,
                      t->strip + (i * strip->elements + strip->lead) * size);
    t->cells = t->strip + strip->lead * size;
    t->cells_image = strip->elements;
}

/* Which weights output (y, x) of the tile takes. */
static int64_t find_phase(const tiled_plan *plan, const tile *t, int64_t y, int64_t x)
{
    const int64_t *period = plan->period;
    const int64_t depth = t->origin[CC_DEPTH] % period[CC_DEPTH];
    const int64_t row = (t->origin[CC_ROW] + y) % period[CC_ROW];
    const int64_t column = (t->origin[CC_COLUMN] + x) % period[CC_COLUMN];
    return (depth * period[CC_ROW] + row) * period[CC_COLUMN] + column;
}

/* Where channel 0 of output (y, x) of the tile's first image stands. */
static ptrdiff_t find_output(const tiled_plan *plan, const tile *t, int64_t y, int64_t x)
{
    const cc_conv *p = &plan->problem;
    const int64_t row = t->origin[CC_DEPTH] * p->axis[CC_ROW].out + t->origin[CC_ROW] + y;
    const int64_t pixel = row * p->axis[CC_COLUMN].out + t->origin[CC_COLUMN] + x;
    return t->image * p->k * cc_output_cells(p) + pixel * (p->channels_last ? p->k : 1);
}

/* Weights [tap][channel] and biases of the tile's channels in one phase. */
static void pack(const job *j, tile *t, int64_t phase)
{
    const tiled_plan *plan = &j->plan;
    const cc_kernels *k = plan->kernels;
    const ptrdiff_t taps = plan->taps, empty = t->width - t->channels;
    const ptrdiff_t first = t->channel * plan->phases + phase;
    k->transpose(j->weight + first * taps * k->size, plan->phases * taps, t->weights, t->width,
                 t->channels, taps);
    k->copy(NULL, 0, 0, t->weights + t->channels * k->size, t->width, taps, empty);
    if (j->bias)
        k->copy(j->bias + first * k->size, 0, plan->phases, t->init, 0, 1, t->channels);
}

/* The tile's row y comes after those of smaller phases and those of its own above it: then the rows
 * of a phase are neighbours, and the kernel can take them as one grid. */
static int64_t slot(const tiled_plan *plan, const tile *t, int64_t y)
{
    const int64_t period = min(plan->period[CC_ROW], t->count[CC_ROW]), phase = y % period;
    const int64_t whole = t->count[CC_ROW] / period, longer = t->count[CC_ROW] % period;
    return phase * whole + min(phase, longer) + y / period;
}

/* Sums of all outputs of one phase: rows y, y + period, ... and columns x, x + period, ... of the
 * tile. */
static void run_phase(const job *j, tile *t, int64_t y, int64_t x)
{
    const tiled_plan *plan = &j->plan;
    const cc_kernels *k = plan->kernels;
    const int64_t *period = plan->period, columns = t->count[CC_COLUMN];
    const int64_t in_row = ceil_div(columns - x, period[CC_COLUMN]);
    const int64_t in_column = ceil_div(t->count[CC_ROW] - y, period[CC_ROW]);
    const ptrdiff_t row_step = cc_strip_step(&plan->strip.axis[CC_ROW]);
    const ptrdiff_t column_step = cc_strip_step(&plan->strip.axis[CC_COLUMN]);
    const ptrdiff_t line = columns * t->width, image = t->count[CC_ROW] * line;
    const char *cells = t->cells + (y * row_step + x * column_step) * k->size;
    char *sums = t->sums + (slot(plan, t, y) * line + x * t->width) * k->size;
    const int vecs = (int)(t->width / k->lanes);
    if (in_row == 1) { /* the images are the grid */
        const cc_grid grid = {t->images, 1, t->cells_image, 0, image, NULL};
        for (int64_t i = 0; i < in_column; i++)
            k->pixels(&j->taps, &grid, cells + i * period[CC_ROW] * row_step * k->size, t->weights,
                      vecs, false, t->init, sums + i * line * k->size);
        return;
    }
    const bool together = in_row * period[CC_COLUMN] == columns;
    const int64_t calls = together ? 1 : in_column;
    const cc_grid grid = {in_column / calls,
                          in_row,
                          period[CC_ROW] * row_step,
                          period[CC_COLUMN] * column_step,
                          period[CC_COLUMN] * t->width,
                          NULL};
    for (int64_t n = 0; n < t->images; n++)
        for (int64_t i = 0; i < calls; i++)
            k->pixels(&j->taps, &grid, cells + (n * t->cells_image + i * grid.row_step) * k->size,
                      t->weights, vecs, false, t->init, sums + (n * image + i * line) * k->size);
}

static void store_sums(const job *j, const tile *t)
{
    const tiled_plan *plan = &j->plan;
    const cc_conv *p = &plan->problem;
    const cc_kernels *k = plan->kernels;
    const int64_t plane = cc_output_cells(p), columns = t->count[CC_COLUMN],
                  rows = t->count[CC_ROW];
    for (int64_t n = 0; n < t->images; n++)
        for (int64_t y = 0; y < rows; y++) {
            const char *sums =
                t->sums + (n * rows + slot(plan, t, y)) * columns * t->width * k->size;
            char *to = j->y + (find_output(plan, t, y, 0) + n * p->k * plane) * k->size;
            if (p->channels_last)
                k->copy(sums, t->width, 1, to + t->channel * k->size, p->k, columns, t->channels);
            else
                k->transpose(sums, t->width, to + t->channel * plane * k->size, plane, columns,
                             t->channels);
        }
}

static void run_pixels(const job *j, tile *t)
{
    const tiled_plan *plan = &j->plan;
    const int lanes = plan->kernels->lanes;
    t->width = ceil_div(t->channels, lanes) * lanes;
    for (int64_t y = 0; y < min(plan->period[CC_ROW], t->count[CC_ROW]); y++)
        for (int64_t x = 0; x < min(plan->period[CC_COLUMN], t->count[CC_COLUMN]); x++) {
            pack(j, t, find_phase(plan, t, y, x));
            run_phase(j, t, y, x);
        }
    store_sums(j, t);
}

/* The cells that each output of the tile sees, in the order of the weights. */
static void gather_patches(const job *j, tile *t)
{
    const tiled_plan *plan = &j->plan;
    const cc_kernels *k = plan->kernels;
    const cc_taps *taps = &j->taps;
    const ptrdiff_t row_step = cc_strip_step(&plan->strip.axis[CC_ROW]);
    const ptrdiff_t pixel = plan->patches, columns = t->count[CC_COLUMN];
    for (int64_t y = 0; y < t->count[CC_ROW]; y++)
        for (int64_t n = 0; n < t->images; n++)
            for (ptrdiff_t b = 0; b < taps->blocks; b++) {
                const ptrdiff_t from = y * row_step + n * t->cells_image + b * taps->step;
                const ptrdiff_t to =
                    y * columns * pixel + n * plan->patch_row + b * taps->full->taps;
                k->turn(t->cells + from * k->size, taps->offset, t->patches + to * k->size, pixel,
                        (b < taps->blocks - 1 ? taps->full : taps->last)->taps, columns);
            }
}

static void run_dots(const job *j, tile *t)
{
    const tiled_plan *plan = &j->plan;
    const cc_conv *p = &plan->problem;
    const cc_kernels *k = plan->kernels;
    const int64_t plane = cc_output_cells(p), last = t->channel + t->channels;
    const ptrdiff_t start = 0;
    ptrdiff_t patch[TILE_IMAGES];
    for (int i = 0; i < TILE_IMAGES; i++) patch[i] = i * plan->patch_row;
    cc_dots dots = {.images = t->images,
                    .taps = plan->taps,
                    .lines = 1,
                    .line = &start,
                    .patch_line = &start,
                    .patch = patch,
                    .stream = true,
                    .weight_row = plan->phases * plan->taps,
                    .init_step = plan->phases,
                    .y_channel = p->channels_last ? 1 : plane,
                    .y_image = p->k * plane};
    for (int64_t c = t->channel; c < last; c += dots.channels) {
        dots.channels = min(DOT_CHANNELS, last - c);
        const char *patches = t->patches;
        for (int64_t y = 0; y < t->count[CC_ROW]; y++)
            for (int64_t x = 0; x < t->count[CC_COLUMN]; x++) {
                const ptrdiff_t first = c * plan->phases + find_phase(plan, t, y, x);
                const ptrdiff_t to = find_output(plan, t, y, x) + c * dots.y_channel;
                k->dots(&dots, j->weight + first * plan->taps * k->size, patches,
                        j->bias ? j->bias + first * k->size : NULL, j->y + to * k->size);
                patches += plan->patches * k->size;
            }
    }
}

static void run_part(int index, void *context)
{
    const job *j = context;
    const tiled_plan *plan = &j->plan;
    const cc_kernels *k = plan->kernels;
    char *scratch = j->parts + (size_t)index * j->bytes;
    tile t = {.strip = scratch + j->strip,
              .weights = scratch + j->weights,
              .sums = scratch + j->sums,
              .init = scratch + j->init,
              .patches = scratch + j->patches,
              .pieces = (cc_piece *)(scratch + j->pieces)};
    if (!plan->dots)
        memset(t.init, 0, (size_t)(k->pixel_vecs * k->lanes * k->size));
    const int64_t units = plan->items * plan->shares;
    const int64_t first = units * index / plan->parts, end = units * (index + 1) / plan->parts;
    for (int64_t unit = first; unit < end; unit++) {
        const int64_t share = unit % plan->shares;
        if (unit == first || share == 0) {
            find_tile(plan, unit / plan->shares, &t);
            find_cells(j, &t);
            if (plan->dots)
                gather_patches(j, &t);
        }
        t.channel = share_start(plan, share);
        t.channels = share_start(plan, share + 1) - t.channel;
        if (plan->dots)
            run_dots(j, &t);
        else
            run_pixels(j, &t);
    }
}

cc_status cc_tiled_forward(const cc_tiled *problem, cc_type type, const void *x, const void *weight,
                           const void *bias, void *y, int threads)
{
    if (!cc_tiled_is_sound(problem, type) || threads < 1)
        return CC_BAD_PROBLEM;
    job j = {.x = x, .weight = weight, .bias = bias, .y = y};
    make_plan(&j.plan, problem, type, threads);
    lay_out_part(&j);
    const cc_taps_size size = cc_taps_measure(&j.plan.problem, 1);
    size_t lists = 0;
    const size_t offsets = claim(&lists, size.offsets, sizeof(ptrdiff_t));
    const size_t runs = claim(&lists, size.runs, sizeof(cc_run));
    char *scratch = cc_scratch_take(lists + (size_t)j.plan.parts * j.bytes);
    if (!scratch)
        return CC_NO_MEMORY;
    j.parts = scratch + lists;
    j.taps = cc_taps_list(&j.plan.problem, &j.plan.strip, (ptrdiff_t *)(scratch + offsets),
                          (cc_run *)(scratch + runs));
    cc_parallel(j.plan.parts, run_part, &j);
    cc_scratch_give(scratch);
    return CC_OK;
}
