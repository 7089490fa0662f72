/* Direct convolution, forward: workers take tiles and blocks; for each pair the input tile and the
 * packed weights are brought to the worker's memory, then the algorithm runs its kernel. */
#include "direct.h"

#include "../base/arena.h"
#include "../base/parallel.h"

#include <string.h>

/* Offsets in a worker's memory, in bytes. */
typedef struct {
    size_t tile, weights, acc, bias, pieces, owner, bytes;
} own_layout;

typedef struct {
    const cc_direct_plan *plan;
    const cc_arrays *arrays;
    cc_direct_lists lists;
    cc_direct_partition part;
    const cc_tile *tiles; /* unless NULL: these, instead of the partition's */
    cc_epilogue epilogue;
    own_layout layout;
} call;

/* What a worker has in its memory at the moment. */
typedef struct {
    cc_input_room room;
    char *weights;
    int64_t *owner; /* of each slot of packed weights: group * blocks + block; -1: none */
    int64_t tile;   /* that was last brought to the room; -1: none */
    cc_input_view view;
} state;

void cc_direct_take_block(cc_direct_task *task, int64_t block)
{
    const cc_direct_plan *plan = task->plan;
    const int64_t grain = cc_direct_grain(plan);
    task->block = block;
    task->first = cc_partition_start(plan->channels, grain, plan->blocks, block);
    task->channels =
        cc_partition_start(plan->channels, grain, plan->blocks, block + 1) - task->first;
    task->calls = ceil_div(ceil_div(task->channels, grain), plan->kind->most(plan->base.kernels));
}

cc_channel_range cc_direct_call(const cc_direct_task *task, int64_t i)
{
    const int64_t grain = cc_direct_grain(task->plan), n = task->channels;
    if (task->calls == 1)
        return (cc_channel_range){task->first, task->first + n};
    return (cc_channel_range){task->first + cc_partition_start(n, grain, task->calls, i),
                              task->first + cc_partition_start(n, grain, task->calls, i + 1)};
}

void cc_direct_transpose(const cc_direct_task *task, const char *first, ptrdiff_t count,
                         char *packed, ptrdiff_t width)
{
    const cc_direct_plan *plan = task->plan;
    const cc_weights *at = &plan->problem.weights;
    const cc_kernels *k = plan->base.kernels;
    const ptrdiff_t taps = plan->taps / plan->problem.c;
    if (!at->taps) {
        k->transpose(first, plan->taps, packed, width, count, plan->taps);
        return;
    }
    for (ptrdiff_t c = 0; c < plan->problem.c; c++, packed += taps * width * k->size) {
        const char *of_input = first + c * at->input * k->size;
        if (task->lists->taps_backward) { /* the last row first */
            k->transpose(of_input + at->taps[taps - 1] * k->size, cc_direct_channel_step(plan),
                         packed + (taps - 1) * width * k->size, -width, count, taps);
            continue;
        }
        for (ptrdiff_t t = 0; t < taps; t++)
            k->gather(of_input + at->taps[t] * k->size, task->lists->channel_offset,
                      packed + t * width * k->size, count);
    }
}

/* Packs the weights of a block of a group. */
static void pack_block(const cc_direct_task *task, const char *weight, int64_t group, char *packed)
{
    const cc_direct_plan *plan = task->plan;
    const ptrdiff_t size = plan->base.kernels->size;
    const cc_weights *at = &plan->problem.weights;
    const int64_t of_group = at->taps ? at->group : plan->problem.k * plan->taps;
    weight += group * of_group * size;
    for (int64_t i = 0; i < task->calls; i++) {
        const cc_channel_range c = cc_direct_call(task, i);
        const char *first = weight + c.from * cc_direct_channel_step(plan) * size;
        packed += plan->kind->pack(task, first, c.from, c.to, packed) * size;
    }
}

void cc_direct_pack_blocks(const cc_direct_plan *plan, const cc_direct_lists *lists,
                           const char *weight, cc_task_range blocks, char *packed)
{
    cc_direct_task task = {.plan = plan, .lists = lists};
    for (int64_t i = blocks.from; i < blocks.to; i++) {
        cc_direct_take_block(&task, i % plan->blocks);
        pack_block(&task, weight, i / plan->blocks, packed);
        packed += plan->block_elements * plan->base.kernels->size;
    }
}

bool cc_direct_pack(const cc_plan *of, const char *weight, char *packed)
{
    const cc_direct_plan *plan = (const cc_direct_plan *)of;
    cc_direct_lists lists = plan->lists;
    char *memory = NULL;
    if (!plan->has_lists) {
        memory = cc_arena_acquire(cc_direct_lists_bytes(plan));
        if (!memory)
            return false;
        cc_direct_make_lists(plan, &lists, memory);
    }
    cc_direct_pack_blocks(plan, &lists, weight, (cc_task_range){0, plan->groups * plan->blocks},
                          packed);
    cc_arena_release(memory);
    return true;
}

/* The elements that a tile's outputs see, kept while blocks change. */
static void find_input(const call *c, state *s, cc_direct_task *task, int64_t tile)
{
    const cc_direct_plan *plan = c->plan;
    const ptrdiff_t channel = task->tile.group * plan->problem.c * plan->tile.src_channel;
    if (s->tile != tile) {
        s->view = cc_input_tile_view(&plan->tile, plan->base.kernels, &task->tile,
                                     c->arrays->x + channel * plan->base.kernels->size, &s->room);
        s->tile = tile;
    }
    task->input = s->view.first;
}

static void find_weights(const call *c, state *s, cc_direct_task *task, int64_t slot)
{
    const cc_direct_plan *plan = c->plan;
    const ptrdiff_t bytes = plan->block_elements * plan->base.kernels->size;
    const int64_t owner = task->tile.group * plan->blocks + task->block;
    if (c->arrays->packed) {
        task->weights = c->arrays->packed + owner * bytes;
        return;
    }
    char *packed = s->weights + slot * bytes;
    if (s->owner[slot] != owner) {
        s->owner[slot] = owner;
        pack_block(task, c->arrays->weight, task->tile.group, packed);
    }
    task->weights = packed;
}

cc_outputs cc_direct_outputs(const cc_direct_task *task, int64_t channel, int64_t row)
{
    const cc_conv *p = &task->plan->problem;
    const cc_tile *t = &task->tile;
    const int64_t line = t->origin[CC_DEPTH] * p->axis[CC_ROW].out + t->origin[CC_ROW] + row;
    return (cc_outputs){.image = t->image,
                        .channel = t->group * p->k + channel,
                        .pixel = line * p->axis[CC_COLUMN].out + t->origin[CC_COLUMN]};
}

/* Whether vectors of input, or rows that are computed together, reach beyond the elements that
 * outputs see, into lanes that are thrown away. */
static bool reaches_beyond(const cc_direct_plan *plan)
{
    const cc_axis *axis = plan->problem.axis;
    const int64_t lanes = plan->base.kernels->lanes;
    if (plan->kind->by_period)
        return true;
    if (!plan->kind->by_row)
        return plan->kind->by_group && plan->channels % lanes != 0;
    if (plan->regions)
        return true;
    return axis[CC_COLUMN].out % (plan->column_tiles * lanes) != 0 ||
           axis[CC_ROW].out % plan->rows != 0;
}

static own_layout lay_out_own(const call *c)
{
    const cc_direct_plan *plan = c->plan;
    const size_t size = (size_t)plan->base.kernels->size;
    const int64_t slots = c->arrays->packed ? 0 : c->part.slots;
    own_layout at;
    size_t end = 0;
    at.tile = cc_arena_reserve(&end, plan->tile.elements, size);
    at.weights = cc_arena_reserve(&end, slots * plan->block_elements, size);
    at.acc = cc_arena_reserve(&end, plan->acc_elements, size);
    at.bias = cc_arena_reserve(&end, plan->bias_elements, size);
    at.pieces = cc_arena_reserve(&end, plan->tile.pieces, sizeof(cc_piece));
    at.owner = cc_arena_reserve(&end, slots, sizeof(int64_t));
    at.bytes = end;
    return at;
}

static state begin(const call *c, const cc_worker *worker, cc_direct_task *task)
{
    const cc_direct_plan *plan = c->plan;
    const size_t size = (size_t)plan->base.kernels->size;
    const own_layout *at = &c->layout;
    *task = (cc_direct_task){.plan = plan,
                             .lists = &c->lists,
                             .epilogue = &c->epilogue,
                             .acc = worker->own + at->acc,
                             .bias = worker->own + at->bias};
    state s = {.room = {.memory = worker->own + at->tile,
                        .pieces = (cc_piece *)(worker->own + at->pieces),
                        .window = -1},
               .weights = worker->own + at->weights,
               .owner = (int64_t *)(worker->own + at->owner),
               .tile = -1};
    memset(task->bias, 0, (size_t)plan->bias_elements * size);
    if (reaches_beyond(plan))
        memset(s.room.memory, 0, (size_t)plan->tile.elements * size);
    for (int64_t i = 0; !c->arrays->packed && i < c->part.slots; i++) s.owner[i] = -1;
    return s;
}

static void work(const cc_worker *worker)
{
    const call *c = worker->context;
    const cc_direct_partition *part = &c->part;
    cc_direct_task task;
    state s = begin(c, worker, &task);
    const cc_task_range t =
        cc_tasks_of(part->tiles, part->tile_workers, worker->index / part->block_workers);
    const cc_task_range b =
        cc_tasks_of(c->plan->blocks, part->block_workers, worker->index % part->block_workers);
    const int64_t tiles = t.to - t.from, blocks = b.to - b.from;
    /* Where the packed weights of all blocks fit, a tile serves them all before the next tile is
     * fetched; otherwise a block's weights serve all tiles before the next block's. */
    const bool tiles_outside = part->slots >= blocks;
    int64_t found = -1;
    for (int64_t step = 0; step < tiles * blocks && !cc_is_stopped(); step++) {
        const int64_t tile = t.from + (tiles_outside ? step / blocks : step % tiles);
        const int64_t block = tiles_outside ? step % blocks : step / tiles;
        if (tile != found)
            task.tile = c->tiles ? c->tiles[tile] : cc_tile_at(&part->grid, tile);
        found = tile;
        if (step == 0 || blocks > 1)
            cc_direct_take_block(&task, b.from + block);
        find_input(c, &s, &task, tile);
        find_weights(c, &s, &task, tiles_outside ? block : 0);
        c->plan->kind->run(&task);
    }
}

static cc_status run(call *c)
{
    const cc_direct_plan *plan = c->plan;
    c->epilogue = cc_epilogue_of(&plan->problem, plan->base.kernels, c->arrays->bias,
                                 c->arrays->post, c->arrays->y);
    c->layout = lay_out_own(c);
    cc_job job = {.workers = c->part.tile_workers * c->part.block_workers,
                  .shared = plan->has_lists ? 0 : cc_direct_lists_bytes(plan),
                  .own = c->layout.bytes};
    if (!cc_job_begin(&job))
        return CC_NO_MEMORY;
    c->lists = plan->lists;
    if (!plan->has_lists)
        cc_direct_make_lists(plan, &c->lists, job.memory);
    const cc_status status = cc_job_run(&job, work, c);
    cc_job_end(&job);
    return status;
}

cc_status cc_direct_run(const cc_plan *of, const cc_arrays *arrays, int threads)
{
    const cc_direct_plan *plan = (const cc_direct_plan *)of;
    return run(&(call){.plan = plan, .arrays = arrays, .part = cc_direct_divide(plan, threads)});
}

/* The parts of a region of outputs that the plan can compute at a time; to NULL: their number. */
static int64_t cut_region(const cc_direct_plan *plan, const cc_tile *region, cc_tile *to)
{
    const int64_t rows = plan->tile.axis[CC_ROW].outputs;
    const int64_t columns = plan->tile.axis[CC_COLUMN].outputs;
    const int64_t *whole = region->count;
    int64_t count = 0;
    for (int64_t d = 0; d < whole[CC_DEPTH]; d++)
        for (int64_t r = 0; r < whole[CC_ROW]; r += rows)
            for (int64_t i = 0; i < whole[CC_COLUMN]; i += columns, count++) {
                if (!to)
                    continue;
                cc_tile *part = &to[count];
                *part = *region;
                part->origin[CC_DEPTH] += d;
                part->count[CC_DEPTH] = 1;
                part->origin[CC_ROW] += r;
                part->count[CC_ROW] = min(rows, whole[CC_ROW] - r);
                part->origin[CC_COLUMN] += i;
                part->count[CC_COLUMN] = min(columns, whole[CC_COLUMN] - i);
            }
    return count;
}

cc_status cc_direct_run_regions(const cc_direct_plan *plan, const cc_arrays *arrays,
                                const cc_tile *regions, int64_t count, int threads)
{
    int64_t tiles = 0, listed = 0;
    for (int64_t i = 0; i < count; i++) tiles += cut_region(plan, &regions[i], NULL);
    cc_tile *list = cc_arena_acquire((size_t)tiles * sizeof *list);
    if (!list)
        return CC_NO_MEMORY;
    for (int64_t i = 0; i < count; i++) listed += cut_region(plan, &regions[i], list + listed);
    for (int64_t i = 0; i < tiles; i++) list[i].window = i; /* no two show the same */
    const cc_direct_partition part = {
        .tiles = tiles, .tile_workers = (int)min(threads, tiles), .block_workers = 1, .slots = 1};
    const cc_status status =
        run(&(call){.plan = plan, .arrays = arrays, .part = part, .tiles = list});
    cc_arena_release(list);
    return status;
}
