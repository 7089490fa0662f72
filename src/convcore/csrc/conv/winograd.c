/* Winograd's convolution, forward: workers take blocks of bands. The tiles of a block are
 * transformed, for every point a matrix product over the input channels is made by the kernel of
 * direct convolution, and the products are transformed to outputs. Weights are transformed before,
 * or, where they are many, by the worker that multiplies, a slice of input channels at a time. */
#include "winograd.h"

#include "../base/arena.h"
#include "../base/parallel.h"

#include <string.h>

/* A block has so many tiles at least, for each block reads all weights, */
enum { LEAST_TILES = 24 };
/* and else as many as stay in L2 transformed; or, where weights do not, as many as stay in L3. */
enum { BLOCK_BYTES = 384 << 10, LARGE_BLOCK_BYTES = 4 << 20 };

/* Offsets in the memory that is shared, and in a worker's own. */
typedef struct {
    size_t weights, lists, taps, offsets, runs, lost, shared;
    size_t tile, points, products, outputs, bias, packed, slice, pieces, tiles, own;
} memory_layout;

typedef struct {
    const cc_winograd_plan *plan;
    const cc_arrays *arrays;
    const char *weights; /* NULL, or transformed ones, if they are kept, then packed ones */
    char *made;          /* the same, where they are kept and not given */
    cc_direct_lists lists;
    cc_taps taps;
    cc_epilogue epilogue;
    int64_t block_bands, blocks; /* bands of a block, blocks of a group */
    int block_workers, channel_workers;
    char *lost; /* of each tile of each band: whether its outputs are to be computed again */
    memory_layout at;
} call;

/* What a worker has in its memory at the moment: a block of bands, its tiles transformed in
 * `points`. */
typedef struct {
    cc_input_room room;
    char *points, *products, *outputs, *bias;
    char *packed, *slice; /* room for weights that are not kept: of a block, of a slice of it */
    const char *zeros;
    cc_tile *band;
    int64_t first_band, bands, tiles;
} state;

/* Where the transformed weights of a block of output channels begin, counted through all groups. */
static ptrdiff_t transformed_at(const cc_winograd_plan *plan, int64_t block)
{
    return block * plan->bands.products * plan->weight_point * plan->base.kernels->size;
}

/* Output channels of a block, in whole vectors. */
static ptrdiff_t width_of(const cc_direct_task *task)
{
    const size_t lanes = (size_t)task->plan->base.kernels->lanes;
    return (ptrdiff_t)round_up((size_t)task->channels, lanes);
}

/* Transforms the packed weights of input channels `of` of the task's block; `point` elements from a
 * point to the next. */
static void transform_slice(const cc_winograd_plan *plan, const cc_direct_task *task,
                            cc_task_range of, ptrdiff_t point, char *to)
{
    const cc_kernels *k = plan->base.kernels;
    const ptrdiff_t width = width_of(task), taps = task->plan->taps / plan->problem.c;
    const cc_winograd args = {.rows = plan->bands.points[CC_ROW],
                              .columns = plan->bands.points[CC_COLUMN],
                              .channels = width,
                              .row = plan->problem.axis[CC_COLUMN].kernel * width,
                              .column = width,
                              .point = point};
    for (int64_t i = of.from; i < of.to; i++, to += width * k->size)
        k->winograd_weights(&args, task->weights + i * taps * width * k->size, to);
}

/* The same of packed ones. */
static ptrdiff_t packed_at(const cc_winograd_plan *plan, int64_t block)
{
    return (ptrdiff_t)plan->transformed +
           block * cc_winograd_direct(plan)->block_elements * plan->base.kernels->size;
}

/* Transforms the packed weights of blocks of output channels, counted through all groups. */
static void transform_weights(const cc_winograd_plan *plan, cc_task_range blocks, char *weights)
{
    const cc_direct_plan *direct = cc_winograd_direct(plan);
    cc_direct_task task = {.plan = direct};
    for (int64_t i = blocks.from; i < blocks.to; i++) {
        cc_direct_take_block(&task, i % direct->blocks);
        task.weights = weights + packed_at(plan, i);
        transform_slice(plan, &task, (cc_task_range){0, plan->problem.c}, plan->weight_point,
                        weights + transformed_at(plan, i));
    }
}

bool cc_winograd_pack(const cc_plan *of, const char *weight, char *packed)
{
    const cc_winograd_plan *plan = (const cc_winograd_plan *)of;
    const cc_direct_plan *direct = cc_winograd_direct(plan);
    if (!cc_direct_pack(&direct->base, weight, packed + plan->transformed))
        return false;
    if (plan->transformed)
        transform_weights(plan, (cc_task_range){0, direct->groups * direct->blocks}, packed);
    return true;
}

static void make_weights(const cc_worker *worker)
{
    const call *c = worker->context;
    const cc_direct_plan *direct = cc_winograd_direct(c->plan);
    const cc_task_range range =
        cc_tasks_of(direct->groups * direct->blocks, worker->workers, worker->index);
    cc_direct_pack_blocks(direct, &c->lists, c->arrays->weight, range,
                          c->made + packed_at(c->plan, range.from));
    transform_weights(c->plan, range, c->made);
}

/* Brings a band to the worker's memory and transforms its tiles to `to`. */
static void transform_band(const call *c, state *s, const cc_tile *band, char *to)
{
    const cc_winograd_plan *plan = c->plan;
    const cc_kernels *k = plan->base.kernels;
    const ptrdiff_t channel = band->group * plan->problem.c * plan->tile.src_channel;
    const char *from =
        cc_winograd_bring(&plan->tile, k, band, c->arrays->x + channel * k->size, &s->room);
    const cc_winograd_transform transform = {.kernel = k->winograd_input,
                                             .channels = plan->problem.c,
                                             .point = s->tiles * plan->channels,
                                             .tile = plan->channels};
    cc_winograd_to_points(&plan->bands, &plan->tile, band, &transform, from, to);
}

/* Makes a block of bands the worker's. */
static void take_bands(const call *c, state *s, int64_t block)
{
    const cc_winograd_plan *plan = c->plan;
    const int64_t group = block / c->blocks, from = block % c->blocks * c->block_bands;
    s->first_band = group * plan->bands.count + from;
    s->bands = min(c->block_bands, plan->bands.count - from);
    s->tiles = 0;
    for (int64_t u = 0; u < s->bands; u++) {
        s->band[u] = cc_tile_at(&plan->bands.grid, s->first_band + u);
        s->tiles += cc_winograd_tiles(&plan->bands, &s->band[u]);
    }
    char *to = s->points;
    for (int64_t u = 0; u < s->bands; u++) {
        transform_band(c, s, &s->band[u], to);
        to += cc_winograd_tiles(&plan->bands, &s->band[u]) * plan->channels *
              plan->base.kernels->size;
    }
}

/* The outputs of a band for the task's channels, from its products. */
static void store_band(const call *c, const state *s, const cc_direct_task *task, int64_t band,
                       const char *products)
{
    const cc_winograd_plan *plan = c->plan;
    const cc_kernels *k = plan->base.kernels;
    const cc_tile *t = &s->band[band];
    const ptrdiff_t width = width_of(task);
    const int64_t across = cc_winograd_outputs(&plan->bands, CC_COLUMN);
    const cc_winograd args = {.rows = plan->bands.points[CC_ROW],
                              .columns = plan->bands.points[CC_COLUMN],
                              .channels = width,
                              .row = plan->bands.most * across * width,
                              .column = width,
                              .point = s->tiles * width};
    const cc_conv *p = &plan->problem;
    cc_outputs to = {.image = t->image,
                     .channel = t->group * p->k + task->first,
                     .channels = task->channels,
                     .pixels = t->count[CC_COLUMN]};
    const char *bias = cc_epilogue_bias(&c->epilogue, to.channel, to.channels, 1, s->bias);
    for (int64_t i = 0; i < cc_winograd_tiles(&plan->bands, t); i++)
        if (!k->winograd_output(&args, products + i * width * k->size, bias,
                                s->outputs + i * across * width * k->size))
            __atomic_store_n(&c->lost[(s->first_band + band) * plan->bands.most + i], 1,
                             __ATOMIC_RELAXED); /* others may write the same of other channels */
    const int64_t line = t->origin[CC_DEPTH] * p->axis[CC_ROW].out + t->origin[CC_ROW];
    for (int64_t r = 0; r < t->count[CC_ROW]; r++) {
        to.pixel = (line + r) * p->axis[CC_COLUMN].out + t->origin[CC_COLUMN];
        cc_epilogue_store_pixels(&c->epilogue, &to, s->outputs + r * args.row * k->size, width);
    }
}

/* Packed weights of a block of output channels, counted through all groups. */
static const char *find_packed(const call *c, const state *s, int64_t block)
{
    if (c->weights)
        return c->weights + packed_at(c->plan, block);
    cc_direct_pack_blocks(cc_winograd_direct(c->plan), &c->lists, c->arrays->weight,
                          (cc_task_range){block, block + 1}, s->packed);
    return s->packed;
}

/* A block of output channels of the worker's block of bands. */
static void multiply(const call *c, const state *s, int64_t channels)
{
    const cc_winograd_plan *plan = c->plan;
    const cc_direct_plan *direct = cc_winograd_direct(plan);
    const cc_kernels *k = plan->base.kernels;
    const int64_t block = s->band[0].group * direct->blocks + channels;
    cc_direct_task task = {.plan = direct};
    cc_direct_take_block(&task, channels);
    const bool kept = plan->transformed > 0;
    if (!kept)
        task.weights = find_packed(c, s, block);
    const ptrdiff_t width = width_of(&task);
    const cc_grid grid = {.vecs = (int)(width / k->lanes),
                          .rows = 1,
                          .columns = s->tiles,
                          .column_step = plan->channels,
                          .acc_step = width};
    for (ptrdiff_t b = 0; b < c->taps.blocks; b++) {
        const cc_taps sum = {.block = &c->taps.block[b], .blocks = 1};
        const int64_t from = b * CC_WINOGRAD_SLICE;
        const char *weights = s->slice;
        if (kept)
            weights = c->weights + transformed_at(plan, block) + from * width * k->size;
        else
            transform_slice(plan, &task,
                            (cc_task_range){from, min(from + CC_WINOGRAD_SLICE, plan->problem.c)},
                            plan->weight_point, s->slice);
        for (int i = 0; i < plan->bands.products; i++)
            k->direct_igemm(&sum, &grid, s->points + i * s->tiles * plan->channels * k->size,
                            weights + i * plan->weight_point * k->size, b ? NULL : s->zeros,
                            s->products + i * s->tiles * width * k->size);
    }
    int64_t tile = 0;
    for (int64_t u = 0; u < s->bands; u++) {
        store_band(c, s, &task, u, s->products + tile * width * k->size);
        tile += cc_winograd_tiles(&plan->bands, &s->band[u]);
    }
}

static void work(const cc_worker *worker)
{
    const call *c = worker->context;
    const cc_winograd_plan *plan = c->plan;
    const memory_layout *at = &c->at;
    char *own = worker->own;
    const size_t bias = (size_t)(plan->width * plan->base.kernels->size);
    state s = {
        .room = {.memory = own + at->tile, .pieces = (cc_piece *)(own + at->pieces), .window = -1},
        .points = own + at->points,
        .products = own + at->products,
        .outputs = own + at->outputs,
        .bias = own + at->bias,
        .packed = own + at->packed,
        .slice = own + at->slice,
        .zeros = own + at->bias + bias,
        .band = (cc_tile *)(own + at->tiles)};
    memset(s.bias, 0, 2 * bias);
    const cc_task_range blocks = cc_tasks_of(c->blocks * plan->problem.groups, c->block_workers,
                                             worker->index / c->channel_workers);
    const cc_task_range channels = cc_tasks_of(cc_winograd_direct(plan)->blocks, c->channel_workers,
                                               worker->index % c->channel_workers);
    for (int64_t b = blocks.from; b < blocks.to; b++) {
        take_bands(c, &s, b);
        for (int64_t i = channels.from; i < channels.to && !cc_is_stopped(); i++)
            multiply(c, &s, i);
    }
}

/* Cuts the work for at most `threads` workers. */
static void divide(call *c, int threads)
{
    const cc_winograd_plan *plan = c->plan;
    const cc_direct_plan *direct = cc_winograd_direct(plan);
    threads = cc_useful_threads(direct->microseconds / 2, threads);
    const bool kept = plan->transformed > 0;
    const int64_t bytes = plan->bands.products * plan->channels * plan->base.kernels->size;
    const int64_t most = max(LEAST_TILES, (kept ? BLOCK_BYTES : LARGE_BLOCK_BYTES) / bytes);
    c->blocks = ceil_div(plan->bands.count, max(1, most / plan->bands.most));
    if (c->blocks >= threads) /* of each worker as many */
        c->blocks = min(plan->bands.count, ceil_div(c->blocks, threads) * threads);
    c->block_bands = ceil_div(plan->bands.count, c->blocks);
    c->blocks = ceil_div(plan->bands.count, c->block_bands);

    /* Workers of the same bands all transform them, workers of the same channels all their weights,
     * unless these are kept. */
    const double transform = 12 / (double)plan->problem.k;
    const double weights =
        kept ? 0 : CC_WINOGRAD_WEIGHT / (double)(c->block_bands * plan->bands.most);
    const int64_t tasks = c->blocks * plan->problem.groups;
    double best = 0;
    for (int by = 1; by <= threads && by <= direct->blocks; by++) {
        const int64_t workers = min(threads / by, tasks);
        const double channels = (double)ceil_div(direct->blocks, by) / (double)direct->blocks;
        const double time =
            (double)ceil_div(tasks, workers) * (channels * (1 + weights) + transform);
        if (by == 1 || time < best) {
            best = time;
            c->block_workers = (int)workers;
            c->channel_workers = by;
        }
    }
}

static memory_layout lay_out(const call *c)
{
    const cc_winograd_plan *plan = c->plan;
    const cc_direct_plan *direct = cc_winograd_direct(plan);
    const size_t size = (size_t)plan->base.kernels->size;
    const bool kept = plan->transformed > 0, make = kept && !c->arrays->packed;
    const bool lists = !c->arrays->packed && !direct->has_lists;
    const int64_t tiles = c->block_bands * plan->bands.most;
    const int64_t outputs = plan->bands.most * cc_winograd_outputs(&plan->bands, CC_COLUMN) *
                            cc_winograd_outputs(&plan->bands, CC_ROW);
    memory_layout at = {0};
    at.weights = cc_arena_reserve(&at.shared, make ? (ptrdiff_t)plan->base.pack_bytes : 0, 1);
    at.lists =
        cc_arena_reserve(&at.shared, lists ? (ptrdiff_t)cc_direct_lists_bytes(direct) : 0, 1);
    at.taps = cc_arena_reserve(&at.shared, ceil_div(plan->problem.c, CC_WINOGRAD_SLICE),
                               sizeof(cc_block));
    at.offsets = cc_arena_reserve(&at.shared, CC_WINOGRAD_SLICE, sizeof(ptrdiff_t));
    at.runs = cc_arena_reserve(&at.shared, 2, sizeof(cc_run));
    at.lost = cc_arena_reserve(&at.shared,
                               plan->problem.groups * plan->bands.count * plan->bands.most, 1);
    at.tile = cc_arena_reserve(&at.own, plan->tile.elements, size);
    at.points = cc_arena_reserve(&at.own, plan->bands.products * tiles * plan->channels, size);
    at.products = cc_arena_reserve(&at.own, plan->bands.products * tiles * plan->width, size);
    at.outputs = cc_arena_reserve(&at.own, outputs * plan->width, size);
    at.bias = cc_arena_reserve(&at.own, 2 * plan->width, size);
    at.packed =
        cc_arena_reserve(&at.own, kept || c->arrays->packed ? 0 : direct->block_elements, size);
    at.slice =
        cc_arena_reserve(&at.own, kept ? 0 : plan->bands.products * plan->weight_point, size);
    at.pieces = cc_arena_reserve(&at.own, plan->tile.pieces, sizeof(cc_piece));
    at.tiles = cc_arena_reserve(&at.own, c->block_bands, sizeof(cc_tile));
    return at;
}

/* The sum over the input channels, in blocks. */
static cc_taps sum_of_channels(const cc_winograd_plan *plan, const memory_layout *at, char *memory)
{
    const int64_t channels = plan->problem.c;
    cc_taps taps = {.block = (cc_block *)(memory + at->taps),
                    .blocks = ceil_div(channels, CC_WINOGRAD_SLICE)};
    cc_block *block = (cc_block *)(memory + at->taps);
    ptrdiff_t *offset = (ptrdiff_t *)(memory + at->offsets);
    cc_run *run = (cc_run *)(memory + at->runs);
    for (int i = 0; i < CC_WINOGRAD_SLICE; i++) offset[i] = i;
    run[0] = (cc_run){.taps = CC_WINOGRAD_SLICE};
    run[1] = (cc_run){.taps = channels - (taps.blocks - 1) * CC_WINOGRAD_SLICE};
    for (ptrdiff_t b = 0; b < taps.blocks; b++)
        block[b] = (cc_block){.start = b * CC_WINOGRAD_SLICE,
                              .offset = offset,
                              .run = &run[b == taps.blocks - 1],
                              .runs = 1};
    return taps;
}

/* Tile `tile` of a band. */
static cc_tile tile_of(const cc_winograd_plan *plan, int64_t band, int64_t tile)
{
    cc_tile t = cc_tile_at(&plan->bands.grid, band);
    const int64_t across = cc_winograd_outputs(&plan->bands, CC_COLUMN), from = tile * across;
    t.origin[CC_COLUMN] += from;
    t.count[CC_COLUMN] = min(across, t.count[CC_COLUMN] - from);
    return t;
}

/* Computes directly what the transforms have lost: all of a tile in which anything is not finite,
 * for a transform spreads that to all outputs of the tile. */
static cc_status compute_lost(const call *c, int threads)
{
    const cc_winograd_plan *plan = c->plan;
    const int64_t tiles = plan->problem.groups * plan->bands.count * plan->bands.most;
    int64_t count = 0, listed = 0;
    for (int64_t i = 0; i < tiles; i++) count += c->lost[i];
    if (!count)
        return CC_OK;
    cc_tile *list = cc_arena_acquire((size_t)count * sizeof *list);
    if (!list)
        return CC_NO_MEMORY;
    for (int64_t i = 0; i < tiles; i++)
        if (c->lost[i])
            list[listed++] = tile_of(plan, i / plan->bands.most, i % plan->bands.most);
    cc_arrays arrays = *c->arrays;
    arrays.packed = c->weights ? c->weights + packed_at(plan, 0) : NULL;
    const cc_status status =
        cc_direct_run_regions(cc_winograd_direct(plan), &arrays, list, count, threads);
    cc_arena_release(list);
    return status;
}

cc_status cc_winograd_run(const cc_plan *of, const cc_arrays *arrays, int threads)
{
    const cc_winograd_plan *plan = (const cc_winograd_plan *)of;
    const cc_direct_plan *direct = cc_winograd_direct(plan);
    call c = {.plan = plan,
              .arrays = arrays,
              .lists = direct->lists,
              .epilogue = cc_epilogue_of(&plan->problem, of->kernels, arrays->bias, arrays->post,
                                         arrays->y)};
    divide(&c, threads);
    c.at = lay_out(&c);
    cc_job job = {
        .workers = c.block_workers * c.channel_workers, .shared = c.at.shared, .own = c.at.own};
    if (!cc_job_begin(&job))
        return CC_NO_MEMORY;
    c.taps = sum_of_channels(plan, &c.at, job.memory);
    c.lost = job.memory + c.at.lost;
    memset(c.lost, 0, (size_t)(plan->problem.groups * plan->bands.count * plan->bands.most));
    c.weights = arrays->packed;
    cc_status status = CC_OK;
    if (!arrays->packed && !direct->has_lists)
        cc_direct_make_lists(direct, &c.lists, job.memory + c.at.lists);
    if (!arrays->packed && plan->transformed) {
        c.weights = c.made = job.memory + c.at.weights;
        status = cc_job_run(&job, make_weights, &c);
    }
    if (status == CC_OK)
        status = cc_job_run(&job, work, &c);
    if (status == CC_OK)
        status = compute_lost(&c, threads);
    cc_job_end(&job);
    return status;
}
