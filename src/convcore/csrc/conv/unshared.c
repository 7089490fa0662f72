#include "unshared.h"

#include "../base/arena.h"
#include "../base/parallel.h"
#include "../core/problem.h"

#include <stdlib.h>
#include <string.h>

static void lay_out(cc_unshared_plan *plan)
{
    plan->tile.axis[CC_DEPTH].outputs = 1;
    plan->tile.axis[CC_ROW].outputs = plan->rows;
    plan->tile.axis[CC_COLUMN].outputs = plan->columns;
    cc_input_tile_layout(&plan->tile);
}

/* Tiles of as many outputs as the caches allow; images first where the outputs of an image share no
 * weights. */
static void choose_tiles(cc_unshared_plan *plan)
{
    const cc_conv *p = &plan->problem;
    const cc_tuning *t = plan->tuning;
    const cc_kernels *kernels = plan->base.kernels;
    const int64_t out_rows = p->axis[CC_ROW].out, out_columns = p->axis[CC_COLUMN].out;
    const int64_t pixels = plan->by_patch ? max(1, t->patch_bytes / kernels->size / plan->patch_row)
                                          : t->unshared_tile_pixels;
    plan->images = plan->by_patch ? min(p->n, CC_TILE_IMAGES) : 1;
    plan->columns = min(out_columns, max(1, pixels / plan->images));
    if (plan->by_patch && plan->columns < out_columns && plan->columns > kernels->lanes)
        plan->columns -= plan->columns % kernels->lanes; /* transposed in whole vectors */
    plan->rows = min(out_rows, max(1, pixels / plan->images / plan->columns));
    const int64_t most = plan->images > 1 ? t->unshared_shared_tile_bytes : t->unshared_tile_bytes;
    for (lay_out(plan); !plan->tile.in_place; lay_out(plan)) {
        if (plan->images * plan->tile.elements * kernels->size <= most)
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
    if (!plan->by_patch)
        plan->images = min(p->n, max(1, pixels / plan->rows / plan->columns));
    plan->rows = ceil_div(out_rows, ceil_div(out_rows, plan->rows)); /* tiles of nearly one size */
    lay_out(plan);
    /* patches of neighbours, written together, must not compete for lines of L1 */
    plan->patches = plan->images * plan->patch_row + kernels->lanes;
}

cc_plan *cc_unshared_make_plan(const cc_candidate *c, bool by_patch)
{
    cc_unshared_plan *plan = malloc(sizeof *plan);
    if (!plan)
        return NULL;
    const cc_kernels *kernels = c->kernels;
    *plan = (cc_unshared_plan){.base = {.kernels = kernels},
                               .tuning = c->tuning,
                               .problem = c->layer.conv,
                               .phases = c->phases,
                               .taps = c->taps,
                               .by_patch = by_patch,
                               .patch_row = ceil_div(c->taps, kernels->lanes) * kernels->lanes};
    const cc_conv *p = &plan->problem;
    for (int a = 0; a < CC_AXES; a++) plan->period[a] = c->layer.period[a];
    plan->tile = cc_input_tile_start(p, by_patch, p->c, kernels->lanes);
    if (by_patch) /* patches are made of rows */
        plan->tile.in_place =
            plan->tile.in_place && !p->channels_last && p->axis[CC_COLUMN].stride == 1;
    const double outputs = (double)p->n * (double)p->k * (double)cc_outputs_of_channel(p);
    const double weights = (double)p->k * (double)plan->phases * (double)plan->taps;
    const cc_rates *rates = &c->tuning->unshared;
    plan->microseconds =
        outputs * (double)plan->taps / rates->macs_per_us + weights / rates->memory_per_us;
    plan->grain = by_patch ? CC_GEMM_CHANNELS : kernels->lanes;
    const int64_t grains = ceil_div(p->k, plan->grain);
    plan->ranges = by_patch ? 1 : ceil_div(grains, kernels->igemm_vecs);
    choose_tiles(plan);
    plan->base.pack_bytes = (size_t)(p->k * plan->phases * plan->taps * kernels->size);
    plan->base.facts = (cc_pack_facts){{p->k, plan->taps, plan->phases}};
    return &plan->base;
}

/* Both algorithms read the weights as they lie, or pack them for a task. */
bool cc_unshared_pack(const cc_plan *plan, const char *weight, char *packed)
{
    memcpy(packed, weight, plan->pack_bytes);
    return true;
}

/* Enough tiles and ranges of channels for all threads. */
static cc_unshared_partition divide(const cc_unshared_plan *plan, int threads)
{
    const cc_conv *p = &plan->problem;
    const int64_t out_rows = p->axis[CC_ROW].out, out_columns = p->axis[CC_COLUMN].out;
    const int64_t grains = ceil_div(p->k, plan->grain);
    threads = cc_useful_threads(plan->microseconds, threads);
    cc_unshared_partition part = {.grid = {.groups = 1,
                                           .images = p->n,
                                           .together = plan->images,
                                           .depths = p->axis[CC_DEPTH].out,
                                           .row = {.outputs = out_rows},
                                           .column = {.outputs = out_columns,
                                                      .tiles = ceil_div(out_columns, plan->columns),
                                                      .size = plan->columns}}};
    cc_tile_axis *row = &part.grid.row;
    const int64_t others = ceil_div(p->n, plan->images) * part.grid.depths * part.grid.column.tiles;
    const int64_t wanted = threads > 1 ? 4 * threads : 1;
    row->tiles =
        min(out_rows, max(ceil_div(out_rows, plan->rows), ceil_div(wanted, others * plan->ranges)));
    row->size = ceil_div(out_rows, row->tiles);
    row->tiles = ceil_div(out_rows, row->size);
    const int64_t tiles = cc_tile_count(&part.grid);
    part.ranges = min(grains, max(plan->ranges, ceil_div(wanted, tiles)));
    part.tasks = tiles * part.ranges;
    part.workers = (int)min(threads, part.tasks);
    return part;
}

int64_t cc_unshared_phase(const cc_unshared_task *task, int64_t y, int64_t x)
{
    const int64_t *period = task->plan->period, *origin = task->tile.origin;
    const int64_t depth = origin[CC_DEPTH] % period[CC_DEPTH];
    const int64_t row = (origin[CC_ROW] + y) % period[CC_ROW];
    const int64_t column = (origin[CC_COLUMN] + x) % period[CC_COLUMN];
    return (depth * period[CC_ROW] + row) * period[CC_COLUMN] + column;
}

cc_outputs cc_unshared_outputs(const cc_unshared_task *task, int64_t n, int64_t y)
{
    const cc_conv *p = &task->plan->problem;
    const cc_tile *t = &task->tile;
    const int64_t line = t->origin[CC_DEPTH] * p->axis[CC_ROW].out + t->origin[CC_ROW] + y;
    return (cc_outputs){.image = t->image + n,
                        .channel = task->channel,
                        .channels = task->channels,
                        .pixel = line * p->axis[CC_COLUMN].out + t->origin[CC_COLUMN],
                        .pixels = t->count[CC_COLUMN]};
}

typedef struct {
    const cc_unshared_kind *kind;
    const cc_arrays *arrays;
    cc_unshared_partition part;
    cc_unshared_task task;                                 /* what all workers' begin with */
    size_t tile, weights, acc, bias, patches, pieces, own; /* offsets in a worker's memory */
} call;

static void lay_out_own(call *c)
{
    const cc_unshared_plan *plan = c->task.plan;
    const cc_kernels *k = plan->base.kernels;
    const size_t size = (size_t)k->size;
    const ptrdiff_t pixels = c->part.grid.row.size * plan->columns;
    const ptrdiff_t width = plan->by_patch ? 0 : k->igemm_vecs * k->lanes;
    c->tile = cc_arena_reserve(&c->own, plan->images * plan->tile.elements, size);
    c->weights = cc_arena_reserve(&c->own, plan->taps * width, size);
    c->acc = cc_arena_reserve(&c->own, plan->images * pixels * width, size);
    c->bias = cc_arena_reserve(&c->own, width, size);
    c->patches = cc_arena_reserve(&c->own, plan->by_patch ? pixels * plan->patches : 0, size);
    c->pieces = cc_arena_reserve(&c->own, plan->tile.pieces, sizeof(cc_piece));
}

static void work(const cc_worker *worker)
{
    const call *c = worker->context;
    const cc_unshared_plan *plan = c->task.plan;
    cc_unshared_task task = c->task;
    task.room = (cc_input_room){.memory = worker->own + c->tile,
                                .pieces = (cc_piece *)(worker->own + c->pieces)};
    task.weights = worker->own + c->weights;
    task.acc = worker->own + c->acc;
    task.bias = worker->own + c->bias;
    task.patches = worker->own + c->patches;
    memset(task.bias, 0, c->patches - c->bias);
    const cc_task_range t = cc_tasks_of(c->part.tasks, worker->workers, worker->index);
    for (int64_t i = t.from; i < t.to && !cc_is_stopped(); i++) {
        const int64_t range = i % c->part.ranges;
        if (i == t.from || range == 0) {
            task.tile = cc_tile_at(&c->part.grid, i / c->part.ranges);
            task.room.window = -1;
            task.view = cc_input_tile_view(&plan->tile, plan->base.kernels, &task.tile,
                                           c->arrays->x, &task.room);
            c->kind->begin_tile(&task);
        }
        task.channel = cc_partition_start(plan->problem.k, plan->grain, c->part.ranges, range);
        task.channels =
            cc_partition_start(plan->problem.k, plan->grain, c->part.ranges, range + 1) -
            task.channel;
        c->kind->run(&task);
    }
}

cc_status cc_unshared_run(const cc_unshared_plan *plan, const cc_arrays *arrays, int threads,
                          const cc_unshared_kind *kind)
{
    call c = {.kind = kind,
              .arrays = arrays,
              .part = divide(plan, threads),
              .task = {.plan = plan,
                       .weight = arrays->packed ? arrays->packed : arrays->weight,
                       .epilogue = cc_epilogue_of(&plan->problem, plan->base.kernels, arrays->bias,
                                                  NULL, arrays->y)}};
    lay_out_own(&c);
    const cc_tap_sizes size = cc_tap_offsets_measure(&plan->problem, 1);
    cc_job job = {.workers = c.part.workers, .own = c.own};
    const size_t blocks = cc_arena_reserve(&job.shared, size.blocks, sizeof(cc_block));
    const size_t offsets = cc_arena_reserve(&job.shared, size.offsets, sizeof(ptrdiff_t));
    const size_t runs = cc_arena_reserve(&job.shared, size.runs, sizeof(cc_run));
    if (!cc_job_begin(&job))
        return CC_NO_MEMORY;
    const cc_tap_room room = {(cc_block *)(job.memory + blocks),
                              (ptrdiff_t *)(job.memory + offsets), (cc_run *)(job.memory + runs)};
    c.task.taps = cc_tap_offsets_list(&plan->problem, &plan->tile, &room);
    const cc_status status = cc_job_run(&job, work, &c);
    cc_job_end(&job);
    return status;
}
