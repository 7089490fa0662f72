/* The gradient of the weights of a convolution that Winograd's algorithm can compute: its adjoint
 * with respect to the transformed weights. For each point and pair of channels the sum, over all
 * tiles, of the transformed input times the transformed gradients of the outputs; these sums are
 * transformed to the gradients of the taps.
 *
 *   dK[k, c] = G' (sum over tiles t of (A dZ[k, t] A') . (B' V[c, t] B)) G
 *
 * For each point it is a matrix product, tiles taken for taps and input channels for pixels, by the
 * kernel of direct convolution. Items of work have weights of their own; where these are few the
 * bands are cut too, as weight_gradient.c does. Sums depend on sizes alone.
 */
#include "../base/arena.h"
#include "../base/parallel.h"
#include "../core/finite.h"
#include "../core/job.h"
#include "gradients.h"
#include "weight_gradient_plan.h"
#include "winograd.h"

#include <stdlib.h>
#include <string.h>

/* Channels of an item, and tiles whose products are summed up at a time: what stays in L2, and the
 * length of a chain of sums. */
enum { ITEM_OUTPUTS = 64, ITEM_INPUTS = 64, BLOCK_TILES = 64 };
/* Where there are fewer items than FEW the bands are cut, into slices of so many tiles at least. */
enum { FEW = 8, SLICE_TILES = 96 };

typedef struct {
    cc_plan base; /* its helper: the sum without transforms */
    cc_conv problem;
    cc_winograd_bands bands;
    int64_t weights;
    int64_t blocks, ranges, slices; /* of output channels, of input channels, of bands */
    int64_t block_bands;            /* bands whose tiles are summed up at a time */
    int64_t block_tiles;            /* most of these tiles */
    double microseconds;
} gradient_plan;

typedef struct {
    const gradient_plan *plan;
    const cc_gradient_args *args;
    char *dweight; /* where sums go: the result, or a result for each slice */
    char *lost;    /* whether a sum is not finite: then all are to be formed directly */
    int64_t items;
    /* offsets in a worker's memory, and its size */
    size_t input, grads, points, grad_points, acc, taps, zeros, offsets, pieces, own;
} call;

/* The weights between these channels, summed over these bands, and a worker's memory. */
typedef struct {
    const call *call;
    const gradient_plan *plan;
    int64_t group, slice, first_band, end_band;
    int64_t input, inputs, output, outputs; /* channels: the first, how many */
    cc_input_tile layout, grads_layout;
    cc_input_room room, grads_room;
    ptrdiff_t pitch; /* elements from a tile to the next of the transformed input */
    char *points, *grad_points, *acc, *taps, *zeros;
    ptrdiff_t *offsets;
} task;

/* A kernel call's output channels: an item's, in nearly equal parts. */
typedef struct {
    int64_t first, count;
    ptrdiff_t width; /* in whole vectors */
    ptrdiff_t at;    /* the widths before */
} part;

static int64_t parts_of(const task *t)
{
    const cc_kernels *k = t->plan->base.kernels;
    return ceil_div(t->outputs, k->igemm_vecs * k->lanes);
}

static part part_at(const task *t, int64_t index)
{
    const ptrdiff_t lanes = t->plan->base.kernels->lanes;
    part of = {.first = 0};
    for (int64_t i = 0; i <= index; i++) {
        of.at += of.width;
        of.first = cc_partition_start(t->outputs, 1, parts_of(t), i);
        of.count = cc_partition_start(t->outputs, 1, parts_of(t), i + 1) - of.first;
        of.width = ceil_div(of.count, lanes) * lanes;
    }
    return of;
}

/* All parts together have no more. */
static int64_t most_width(const cc_kernels *k)
{
    return ITEM_OUTPUTS + ceil_div(ITEM_OUTPUTS, k->igemm_vecs * k->lanes) * k->lanes;
}

static ptrdiff_t pitch_of(const cc_kernels *k, int64_t inputs)
{
    return ceil_div(inputs, k->lanes) * k->lanes;
}

static void lay_out_own(call *c)
{
    const gradient_plan *plan = c->plan;
    const cc_kernels *k = plan->base.kernels;
    const size_t size = (size_t)k->size;
    const int64_t inputs = ceil_div(plan->problem.c, plan->ranges);
    const int64_t outputs = ceil_div(plan->problem.k, plan->blocks), width = most_width(k);
    const int64_t products = plan->bands.products;
    const int64_t tiles = plan->block_tiles;
    const cc_input_tile x = cc_winograd_input(&plan->bands, &plan->problem, inputs, k->lanes);
    const cc_input_tile grad = cc_winograd_grads(&plan->bands, &plan->problem, outputs, k->lanes);
    const ptrdiff_t taps = CC_WINOGRAD_TAPS * CC_WINOGRAD_TAPS * inputs;
    c->input = cc_arena_reserve(&c->own, x.elements, size);
    c->grads = cc_arena_reserve(&c->own, grad.elements, size);
    c->points = cc_arena_reserve(&c->own, products * tiles * pitch_of(k, inputs), size);
    c->grad_points = cc_arena_reserve(&c->own, products * tiles * width, size);
    c->acc = cc_arena_reserve(&c->own, products * inputs * width, size);
    c->taps = cc_arena_reserve(&c->own, taps * k->igemm_vecs * k->lanes, size);
    c->zeros = cc_arena_reserve(&c->own, k->igemm_vecs * k->lanes, size);
    c->offsets = cc_arena_reserve(&c->own, tiles, sizeof(ptrdiff_t));
    c->pieces = cc_arena_reserve(&c->own, x.pieces + grad.pieces, sizeof(cc_piece));
}

/* Transforms what a band sees of the input, to the block's tiles from `first` on. */
static void transform_input(task *t, const cc_tile *band, int64_t first)
{
    const gradient_plan *plan = t->plan;
    const cc_kernels *k = plan->base.kernels;
    const ptrdiff_t channel = (t->group * plan->problem.c + t->input) * t->layout.src_channel;
    const char *from =
        cc_winograd_bring(&t->layout, k, band, t->call->args->x + channel * k->size, &t->room);
    const cc_winograd_transform transform = {.kernel = k->winograd_input,
                                             .channels = t->inputs,
                                             .point = plan->block_tiles * t->pitch,
                                             .tile = t->pitch};
    cc_winograd_to_points(&plan->bands, &t->layout, band, &transform, from,
                          t->points + first * t->pitch * k->size);
}

/* The same of the outputs' gradients, part by part of their channels. */
static void transform_grads(task *t, const cc_tile *band, int64_t first)
{
    const gradient_plan *plan = t->plan;
    const cc_kernels *k = plan->base.kernels;
    const ptrdiff_t channel =
        (t->group * plan->problem.k + t->output) * t->grads_layout.src_channel;
    const char *from = cc_winograd_bring(&t->grads_layout, k, band,
                                         t->call->args->grad + channel * k->size, &t->grads_room);
    for (int64_t p = 0; p < parts_of(t); p++) {
        const part of = part_at(t, p);
        const cc_winograd_transform transform = {.kernel = k->winograd_grad,
                                                 .channels = of.count,
                                                 .point = plan->block_tiles * of.width,
                                                 .tile = of.width};
        char *to = t->grad_points +
                   (plan->bands.products * plan->block_tiles * of.at + first * of.width) * k->size;
        cc_winograd_to_points(&plan->bands, &t->grads_layout, band, &transform,
                              from + of.first * k->size, to);
    }
}

/* Adds the products of a block of bands to the sums of all points. */
static void add_block(task *t, int64_t from, int64_t to)
{
    const gradient_plan *plan = t->plan;
    const cc_kernels *k = plan->base.kernels;
    const int products = plan->bands.products;
    const int64_t most = plan->block_tiles;
    int64_t tiles = 0;
    for (int64_t b = from; b < to; b++) {
        const cc_tile band = cc_tile_at(&plan->bands.grid, t->group * plan->bands.count + b);
        transform_input(t, &band, tiles);
        transform_grads(t, &band, tiles);
        tiles += cc_winograd_tiles(&plan->bands, &band);
    }
    const cc_run run = {.taps = tiles};
    const cc_block block = {.offset = t->offsets, .run = &run, .runs = 1};
    const cc_taps taps = {&block, 1};
    for (int64_t p = 0; p < parts_of(t); p++) {
        const part of = part_at(t, p);
        const cc_grid grid = {.vecs = (int)(of.width / k->lanes),
                              .rows = 1,
                              .columns = t->inputs,
                              .column_step = 1,
                              .acc_step = of.width};
        const char *grads = t->grad_points + products * most * of.at * k->size;
        char *acc = t->acc + products * t->inputs * of.at * k->size;
        for (int i = 0; i < products; i++)
            k->direct_igemm(&taps, &grid, t->points + i * most * t->pitch * k->size,
                            grads + i * most * of.width * k->size,
                            from == t->first_band ? t->zeros : NULL,
                            acc + i * t->inputs * of.width * k->size);
    }
}

/* The item's gradients from its sums; false: not all of them are finite. */
static bool store_weights(const task *t)
{
    const gradient_plan *plan = t->plan;
    const cc_kernels *k = plan->base.kernels;
    const cc_conv *p = &plan->problem;
    const int64_t rows = p->axis[CC_ROW].kernel, columns = p->axis[CC_COLUMN].kernel;
    const ptrdiff_t taps = rows * columns;
    bool finite = true;
    for (int64_t i = 0; i < parts_of(t); i++) {
        const part of = part_at(t, i);
        const cc_winograd args = {.rows = plan->bands.points[CC_ROW],
                                  .columns = plan->bands.points[CC_COLUMN],
                                  .channels = of.width,
                                  .row = columns * of.width,
                                  .column = of.width,
                                  .point = t->inputs * of.width};
        const char *acc = t->acc + plan->bands.products * t->inputs * of.at * k->size;
        for (int64_t c = 0; c < t->inputs; c++)
            finite &= k->winograd_weight_grad(&args, acc + c * of.width * k->size,
                                              t->taps + c * taps * of.width * k->size);
        const int64_t output = t->group * p->k + t->output + of.first;
        const ptrdiff_t at = t->slice * plan->weights + (output * p->c + t->input) * taps;
        k->transpose(t->taps, of.width, t->call->dweight + at * k->size, p->c * taps,
                     t->inputs * taps, of.count);
    }
    return finite;
}

static void take_item(task *t, int64_t index)
{
    const gradient_plan *plan = t->plan;
    const cc_conv *p = &plan->problem;
    const cc_kernels *k = plan->base.kernels;
    t->slice = index % plan->slices;
    index /= plan->slices;
    const int64_t range = index % plan->ranges, block = index / plan->ranges % plan->blocks;
    t->group = index / (plan->ranges * plan->blocks);
    t->input = cc_partition_start(p->c, 1, plan->ranges, range);
    t->inputs = cc_partition_start(p->c, 1, plan->ranges, range + 1) - t->input;
    t->output = cc_partition_start(p->k, 1, plan->blocks, block);
    t->outputs = cc_partition_start(p->k, 1, plan->blocks, block + 1) - t->output;
    t->first_band = cc_partition_start(plan->bands.count, 1, plan->slices, t->slice);
    t->end_band = cc_partition_start(plan->bands.count, 1, plan->slices, t->slice + 1);
    t->pitch = pitch_of(k, t->inputs);
    t->layout = cc_winograd_input(&plan->bands, p, t->inputs, k->lanes);
    t->grads_layout = cc_winograd_grads(&plan->bands, p, t->outputs, k->lanes);
    t->room.window = t->grads_room.window = -1;
    for (int64_t i = 0; i < plan->block_tiles; i++) t->offsets[i] = i * t->pitch;
}

static void work(const cc_worker *worker)
{
    const call *c = worker->context;
    char *own = worker->own;
    cc_piece *pieces = (cc_piece *)(own + c->pieces);
    const cc_input_tile x = cc_winograd_input(&c->plan->bands, &c->plan->problem, 1, 1);
    task t = {.call = c,
              .plan = c->plan,
              .room = {.memory = own + c->input, .pieces = pieces},
              .grads_room = {.memory = own + c->grads, .pieces = pieces + x.pieces},
              .points = own + c->points,
              .grad_points = own + c->grad_points,
              .acc = own + c->acc,
              .taps = own + c->taps,
              .zeros = own + c->zeros,
              .offsets = (ptrdiff_t *)(own + c->offsets)};
    memset(t.zeros, 0, c->offsets - c->zeros);
    /* lanes beyond the channels are multiplied too */
    memset(t.grad_points, 0, c->acc - c->grad_points);
    const cc_task_range items = cc_tasks_of(c->items, worker->workers, worker->index);
    for (int64_t i = items.from; i < items.to && !cc_is_stopped(); i++) {
        take_item(&t, i);
        for (int64_t b = t.first_band; b < t.end_band; b += c->plan->block_bands)
            add_block(&t, b, min(t.end_band, b + c->plan->block_bands));
        if (!store_weights(&t))
            __atomic_store_n(c->lost, 1, __ATOMIC_RELAXED); /* others may write the same */
    }
}

static cc_status run(const cc_plan *of, const cc_gradient_args *args, int threads)
{
    const gradient_plan *plan = (const gradient_plan *)of;
    const cc_kernels *k = of->kernels;
    call c = {.plan = plan,
              .args = args,
              .dweight = args->result,
              .items = plan->problem.groups * plan->blocks * plan->ranges * plan->slices};
    lay_out_own(&c);
    cc_job job = {.workers = (int)min(cc_useful_threads(plan->microseconds, threads), c.items),
                  .own = c.own};
    const size_t lost = cc_arena_reserve(&job.shared, 1, 1);
    const size_t slices = cc_arena_reserve(
        &job.shared, cc_slice_results(plan->slices) * plan->weights, (size_t)k->size);
    if (!cc_job_begin(&job))
        return CC_NO_MEMORY;
    c.lost = job.memory + lost;
    *c.lost = 0;
    if (plan->slices > 1)
        c.dweight = job.memory + slices;
    cc_status status = cc_job_run(&job, work, &c);
    bool finite = !*c.lost;
    if (plan->slices > 1 && status == CC_OK) {
        cc_add_slices(k, plan->slices, plan->weights, c.dweight, args->result);
        finite &= cc_all_finite(k->size, args->result, plan->weights);
    }
    cc_job_end(&job);
    if (status == CC_OK && !finite) /* a transform spreads what is not finite to all taps */
        status = of->helper->run_gradient(of->helper, args, threads);
    return status;
}

/* Whether it is faster than the direct sum. Transforming an input, an output and a weight is
 * counted in products, as in winograd_plan.c; of an item's weights the transform is made once a
 * slice. */
static bool pays(const gradient_plan *plan)
{
    const double of_input = 6, of_output = 6, of_weight = 8; /* estimated */
    const cc_conv *p = &plan->problem;
    const double of_tile = of_input / (double)ceil_div(p->k, plan->blocks) +
                           of_output / (double)ceil_div(p->c, plan->ranges);
    return cc_winograd_saves(&plan->bands, p, p->n, of_tile, (double)plan->slices * of_weight);
}

cc_plan *cc_winograd_gradient_make_plan(const cc_candidate *candidate, bool named)
{
    if (cc_winograd_refuse(candidate))
        return NULL;
    const cc_conv *p = &candidate->layer.conv;
    gradient_plan plan = {.base = {.kernels = candidate->kernels, .run_gradient = run},
                          .problem = *p,
                          .bands = cc_winograd_cut(p, candidate->kernels->size),
                          .weights = p->groups * p->k * candidate->taps,
                          .blocks = ceil_div(p->k, ITEM_OUTPUTS),
                          .ranges = ceil_div(p->c, ITEM_INPUTS),
                          .slices = 1};
    const int64_t items = p->groups * plan.blocks * plan.ranges;
    const int64_t slices =
        min(p->n * cc_winograd_image_tiles(&plan.bands, p) / SLICE_TILES, plan.bands.count);
    if (items < FEW)
        plan.slices = max(1, min(ceil_div(FEW, items), slices));
    plan.block_bands = max(1, BLOCK_TILES / plan.bands.most);
    plan.block_tiles = plan.block_bands * plan.bands.most;
    if (!named && !pays(&plan))
        return NULL;
    plan.base.helper = cc_weight_gradient_make_plan(candidate);
    gradient_plan *made = plan.base.helper ? malloc(sizeof *made) : NULL;
    if (!made) {
        free(plan.base.helper);
        return NULL;
    }
    plan.microseconds = ((const cc_gradient_plan *)plan.base.helper)->microseconds / 2;
    *made = plan;
    return &made->base;
}
