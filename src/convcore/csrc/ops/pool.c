/* Pooling, forward: shares the plan's items out to threads and lays out what each works in. */
#include "pool.h"

#include "parallel.h"
#include "whole.h"

#include <string.h>

static cc_pool_layout lay_out_part(const cc_pool_plan *plan, bool places)
{
    const size_t size = (size_t)plan->kernels->size;
    const ptrdiff_t lanes = plan->kernels->lanes, slack = 2 * lanes, row = plan->pitch + slack;
    const ptrdiff_t rows = plan->block_lines * plan->pitch;
    const ptrdiff_t climbed = plan->climbed_rows * plan->pitch * plan->group_planes;
    const ptrdiff_t outputs = plan->tile_outputs * plan->lanes * plan->block_lines;
    const bool norm = plan->problem.kind == CC_POOL_NORM;
    const ptrdiff_t steps = plan->pieces       ? CC_POOL_PIECE * plan->lanes
                            : plan->row_ladder ? climbed
                                               : rows * plan->group_planes;
    cc_pool_layout at;
    size_t end = 0;
    at.columns = claim(&end, plan->tile_outputs, sizeof(cc_window));
    at.counted = claim(&end, plan->tile_outputs, sizeof(double));
    at.divisors = claim(&end, plan->tile_outputs + lanes, size);
    at.rows = claim(&end, plan->pointers, sizeof(void *));
    at.sources = claim(&end, plan->pointers, sizeof(void *));
    at.ranks = claim(&end, places ? plan->pointers : 0, sizeof(void *));
    at.folded = claim(&end, (plan->row_ladder ? climbed : rows * plan->group_planes) + slack, size);
    at.turned = claim(&end, plan->gathered ? rows * lanes : 0, size);
    at.steps =
        claim(&end, (plan->ladder || plan->joined || plan->pieces) ? steps + slack : 0, size);
    at.sums = claim(&end, plan->gathered ? outputs * lanes : 0, size);
    at.largest = claim(&end, norm ? outputs * plan->group_planes : 0, size);
    at.padded = claim(&end, plan->row_ladder ? climbed + slack : 0, size);
    at.place = claim(&end, places ? row : 0, sizeof(int32_t));
    at.rank = claim(&end, places ? 2 * plan->tile_outputs * plan->lanes : 0, sizeof(int32_t));
    at.bytes = end;
    return at;
}

static cc_pool_work begin_part(const cc_pool_job *job, int index)
{
    const cc_pool_layout *at = &job->layout;
    char *scratch = job->parts + (size_t)index * at->bytes;
    cc_pool_work w = {.plan = &job->plan,
                      .x = job->x,
                      .y = job->y,
                      .index = job->index,
                      .columns = (cc_window *)(scratch + at->columns),
                      .counted = (double *)(scratch + at->counted),
                      .divisors = scratch + at->divisors,
                      .rows = (const void **)(scratch + at->rows),
                      .sources = (const void **)(scratch + at->sources),
                      .ranks = (const int32_t **)(scratch + at->ranks),
                      .folded = scratch + at->folded,
                      .turned = scratch + at->turned,
                      .steps = scratch + at->steps,
                      .sums = scratch + at->sums,
                      .largest = scratch + at->largest,
                      .padded = scratch + at->padded,
                      .place = (int32_t *)(scratch + at->place),
                      .rank = (int32_t *)(scratch + at->rank)};
    /* Lanes and cells that nobody needs are computed with those beside them: a last group leaves
     * lanes, a ladder row ends. What they hold must not be subnormal numbers, which are slow. */
    if (job->plan.gathered)
        memset(w.turned, 0, at->steps - at->turned);
    if (job->plan.ladder || job->plan.row_ladder || job->plan.joined)
        memset(w.folded, 0, at->place - at->folded);
    return w;
}

static void run_part(int index, void *context)
{
    const cc_pool_job *job = context;
    const cc_pool_plan *plan = &job->plan;
    cc_pool_work w = begin_part(job, index);
    const bool lowest = cc_pool_is_maximum(&plan->problem);
    const int64_t kept = plan->row_ladder ? plan->climbed_rows : plan->block_lines;
    const int64_t first = plan->items * index / plan->parts;
    const int64_t end = plan->items * (index + 1) / plan->parts;
    for (int64_t item = first; item < end; item++) {
        w.tile = cc_pool_find_tile(plan, item);
        const bool is_new = item == first || plan->tiles > 1;
        if (is_new)
            w.counted_rows = 0;
        for (int64_t o = 0; o < w.tile.columns && is_new; o++)
            w.columns[o] = cc_pool_window(&plan->problem, CC_COLUMN, w.tile.column + o);
        if (w.index) {
            cc_pool_find_places(&w);
            continue;
        }
        if (cc_pool_padded(plan) && is_new)
            cc_pool_fill_margins(&w, w.folded, kept * plan->group_planes, lowest);
        if (plan->row_ladder && is_new) {
            cc_pool_fill_margins(&w, w.padded, plan->climbed_rows * plan->group_planes, lowest);
            w.padded_first = INT64_MIN;
        }
        if (!cc_pool_fold_lines(&w, false))
            cc_pool_fold_lines(&w, true);
    }
}

cc_status cc_pool_forward(const cc_pool *problem, cc_type type, const void *x, void *y,
                          int64_t *index, int threads)
{
    if (!cc_pool_is_sound(problem, type) || threads < 1 || (index && problem->kind != CC_POOL_MAX))
        return CC_BAD_PROBLEM;
    cc_pool_job job = {.x = x, .y = y, .index = index};
    cc_pool_make_plan(&job.plan, problem, type, threads);
    job.layout = lay_out_part(&job.plan, index);
    job.parts = cc_scratch_take((size_t)job.plan.parts * job.layout.bytes);
    if (!job.parts)
        return CC_NO_MEMORY;
    cc_parallel(job.plan.parts, run_part, &job);
    cc_scratch_give(job.parts);
    return CC_OK;
}
