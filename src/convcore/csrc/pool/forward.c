/* Pooling, forward: shares the plan's items out to threads and lays out what each works in. */
#include "border.h"

#include "../base/parallel.h"
#include "../base/arena.h"
#include "../base/integers.h"

#include <string.h>

static cc_pool_layout lay_out_task(const cc_pool_plan *plan, bool offsets)
{
    const size_t size = (size_t)plan->kernels->size;
    const ptrdiff_t lanes = plan->kernels->lanes, past_end = 2 * lanes,
                    row = plan->pitch + past_end;
    const ptrdiff_t rows = plan->block_lines * plan->pitch;
    const ptrdiff_t doubled = plan->doubled_rows * plan->pitch * plan->group_planes;
    const ptrdiff_t outputs = plan->tile_outputs * plan->lanes * plan->block_lines;
    const bool norm = plan->problem.kind == CC_POOL_NORM;
    const ptrdiff_t steps = plan->pieces         ? CC_POOL_PIECE * plan->lanes
                            : plan->row_doubling ? doubled
                                                 : rows * plan->group_planes;
    cc_pool_layout at;
    size_t end = 0;
    at.columns = cc_arena_reserve(&end, plan->tile_outputs, sizeof(cc_window));
    at.alike = cc_arena_reserve(&end, plan->tile_outputs, sizeof(int64_t));
    at.counted = cc_arena_reserve(&end, plan->tile_outputs + lanes, sizeof(double));
    at.divisors = cc_arena_reserve(&end, plan->tile_outputs + lanes, size);
    at.rows = cc_arena_reserve(&end, plan->pointers, sizeof(void *));
    at.sources = cc_arena_reserve(&end, plan->pointers, sizeof(void *));
    at.ranks = cc_arena_reserve(&end, offsets ? plan->pointers : 0, sizeof(void *));
    at.reduced = cc_arena_reserve(
        &end, (plan->row_doubling ? doubled : rows * plan->group_planes) + past_end, size);
    at.transposed = cc_arena_reserve(&end, plan->gathered ? rows * lanes : 0, size);
    at.steps = cc_arena_reserve(
        &end,
        (plan->doubling || plan->joined || plan->pieces || plan->picked) ? steps + past_end : 0,
        size);
    at.sums = cc_arena_reserve(&end, plan->gathered ? outputs * lanes : 0, size);
    at.largest = cc_arena_reserve(&end, norm ? outputs * plan->group_planes : 0, size);
    at.padded = cc_arena_reserve(&end, plan->row_doubling ? doubled + past_end : 0, size);
    const ptrdiff_t shown = plan->axis[CC_COLUMN].cells == plan->axis[CC_COLUMN].in
                                ? 0
                                : plan->pitch; /* more than can be beside the input */
    at.constants = cc_arena_reserve(&end, 2 * CC_AXES * cc_pool_constants(plan), size);
    at.shown = cc_arena_reserve(&end, shown, sizeof(ptrdiff_t));
    at.other = cc_arena_reserve(&end, shown / plan->lanes, sizeof(int64_t));
    at.offset = cc_arena_reserve(&end, offsets ? row : 0, sizeof(int32_t));
    at.rank =
        cc_arena_reserve(&end, offsets ? 2 * plan->tile_outputs * plan->lanes : 0, sizeof(int32_t));
    at.bytes = end;
    return at;
}

static cc_pool_work begin_task(const cc_pool_job *job, int index)
{
    const cc_pool_layout *at = &job->layout;
    char *scratch = job->tasks + (size_t)index * at->bytes;
    cc_pool_work w = {.plan = &job->plan,
                      .x = job->x,
                      .y = job->y,
                      .index = job->index,
                      .columns = (cc_window *)(scratch + at->columns),
                      .alike = (int64_t *)(scratch + at->alike),
                      .counted = (double *)(scratch + at->counted),
                      .divisors = scratch + at->divisors,
                      .rows = (const void **)(scratch + at->rows),
                      .sources = (const void **)(scratch + at->sources),
                      .ranks = (const int32_t **)(scratch + at->ranks),
                      .reduced = scratch + at->reduced,
                      .transposed = scratch + at->transposed,
                      .steps = scratch + at->steps,
                      .sums = scratch + at->sums,
                      .largest = scratch + at->largest,
                      .padded = scratch + at->padded,
                      .constants = scratch + at->constants,
                      .shown = (ptrdiff_t *)(scratch + at->shown),
                      .other = (int64_t *)(scratch + at->other),
                      .offset = (int32_t *)(scratch + at->offset),
                      .rank = (int32_t *)(scratch + at->rank)};
    /* Lanes and cells that nobody needs are computed with those beside them: rows end within a
     * vector, a last group leaves lanes. Where both steps are one, no row is reduced but those of
     * an adjoint's windows without cells, and of those with constants. */
    if (!job->plan.whole || job->plan.gathered || job->plan.problem.adjoint ||
        cc_pool_constants(&job->plan))
        memset(w.reduced, 0, at->constants - at->reduced);
    cc_pool_write_constants(&w);
    return w;
}

static void list_windows(cc_pool_work *w)
{
    const int64_t count = w->tile.columns;
    cc_pool_windows(&w->plan->problem, CC_COLUMN, w->tile.column, count, w->columns);
    for (int64_t o = count - 1; o >= 0; o--)
        w->alike[o] = o + 1 < count && w->columns[o + 1].counted == w->columns[o].counted
                          ? w->alike[o + 1]
                          : o + 1;
}

static void run_task(int index, void *context)
{
    const cc_pool_job *job = context;
    const cc_pool_plan *plan = &job->plan;
    cc_pool_work w = begin_task(job, index);
    const bool lowest = cc_pool_is_maximum(&plan->problem);
    const int64_t kept = plan->row_doubling ? plan->doubled_rows : plan->block_lines;
    const int64_t first = plan->items * index / plan->tasks;
    const int64_t end = plan->items * (index + 1) / plan->tasks;
    for (int64_t item = first; item < end; item++) {
        w.tile = cc_pool_find_tile(plan, item);
        const bool is_new = item == first || plan->tiles > 1;
        if (is_new)
            w.counted_rows = 0;
        if (is_new) {
            list_windows(&w);
            cc_pool_list_columns(&w);
            w.constant_terms = 0;
        }
        if (w.index) {
            cc_pool_find_offsets(&w);
            continue;
        }
        if (cc_pool_padded(plan) && is_new)
            cc_pool_fill_margins(&w, w.reduced, kept * plan->group_planes, lowest);
        if (plan->row_doubling && is_new) {
            cc_pool_fill_margins(&w, w.padded, plan->doubled_rows * plan->group_planes, lowest);
            w.padded_first = INT64_MIN;
        }
        if (!cc_pool_reduce_lines(&w, cc_pool_holds_nan(plan)))
            cc_pool_reduce_lines(&w, true);
    }
}

cc_status cc_pool_forward(const cc_pool *problem, cc_type type, const void *x, void *y,
                          int64_t *index, int threads)
{
    if (type == CC_U8 && problem->kind == CC_POOL_MEAN)
        return cc_pool_box(problem, x, y, threads);
    if (!cc_pool_is_valid(problem, type) || threads < 1 || (index && problem->kind != CC_POOL_MAX))
        return CC_BAD_PROBLEM;
    cc_pool_job job = {.x = x, .y = y, .index = index};
    cc_pool simpler = *problem;
    if (!index)
        cc_pool_drop_copies(&simpler);
    cc_pool_make_plan(&job.plan, &simpler, type, threads);
    job.layout = lay_out_task(&job.plan, index);
    job.tasks = cc_arena_acquire((size_t)job.plan.tasks * job.layout.bytes);
    if (!job.tasks)
        return CC_NO_MEMORY;
    const cc_status status = cc_parallel(job.plan.tasks, run_task, &job);
    cc_arena_release(job.tasks);
    return status;
}
