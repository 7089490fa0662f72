/* Filters whose outputs depend on a few neighbours each: ranks, sums in a given order, morphology
 * with a structure. Runs them, a row of a tile after the other. */
#include "histogram.h"

#include "../base/arena.h"
#include "../base/integers.h"
#include "../base/parallel.h"
#include "../core/job.h"

#include <string.h>

/* What the lists and each worker lie in: bytes from the start of the memory. */
typedef struct {
    size_t row, row_of, offset_of, swap, shared;                  /* of all */
    size_t ring, pieces, pointers, scratch, result, columns, own; /* of each */
} layout;

typedef struct {
    cc_filter_plan plan;
    layout at;
} filter_job;

int64_t cc_rank_taps(cc_type type, bool box)
{
    const int bytes = cc_kernels_of(type)->size;
    return bytes > 2 ? INT32_MAX : bytes == 2 || box ? UINT16_MAX : UINT8_MAX;
}

static bool is_valid(const cc_filter *f, cc_type type, cc_type to)
{
    if (f->how < 0 || f->how >= CC_WEIGHINGS || type < 0 || type >= CC_TYPES || to < 0 ||
        to >= CC_TYPES || f->n < 0 || f->lanes < 1 || f->taps < 1 || !f->offset)
        return false;
    for (int a = 0; a < CC_AXES; a++)
        if (f->size[a] < 1)
            return false;
    if (f->how == CC_RANK)
        return type == to && f->rank >= 0 && f->rank < f->taps &&
               f->taps <= cc_rank_taps(type, cc_filter_is_box(f));
    return f->weight && (f->how != CC_PAIRS || f->taps % 2 == 1);
}

static layout lay_out(const cc_filter_plan *plan)
{
    const ptrdiff_t taps = plan->problem->taps;
    const bool counts = plan->way == CC_BY_HISTOGRAMS;
    const size_t element = (size_t)plan->bytes;
    layout at = {.shared = 0};
    at.row = cc_arena_reserve(&at.shared, taps, sizeof(cc_filter_row));
    at.row_of = cc_arena_reserve(&at.shared, taps, sizeof(ptrdiff_t));
    at.offset_of = cc_arena_reserve(&at.shared, taps, sizeof(ptrdiff_t));
    at.swap = cc_arena_reserve(&at.shared, CC_RANK_SWAPS, sizeof(cc_swap));
    at.ring = cc_arena_reserve(&at.own, plan->kept * plan->pitch, element);
    at.scratch = cc_arena_reserve(&at.own, plan->scratch * plan->pitch, element);
    at.pieces = cc_arena_reserve(&at.own, plan->kept, sizeof(cc_filter_piece));
    at.pointers = cc_arena_reserve(&at.own, taps, sizeof(void *));
    at.result =
        cc_arena_reserve(&at.own, plan->way == CC_BY_TERMS ? plan->pitch : 0, sizeof(double));
    at.columns = cc_arena_reserve(&at.own, counts ? plan->pitch : 0, sizeof(cc_column_counts));
    return at;
}

/* A worker's part. */
typedef struct {
    const filter_job *job;
    char *ring, *scratch;
    double *result;
    cc_filter_piece *pieces; /* what each slot of the ring holds */
    const void **pointers;
    cc_histograms histograms;
} filter_task;

static bool is_same(const cc_filter_piece *a, const cc_filter_piece *b)
{
    return a->row == b->row && a->depth == b->depth && a->n == b->n && a->from == b->from &&
           a->to == b->to;
}

/* A row of taps for the outputs of a piece. */
static const char *prepared(const filter_task *task, const cc_filter_row *row,
                            cc_filter_piece piece)
{
    const cc_filter_plan *plan = &task->job->plan;
    piece.depth += row->depth;
    piece.row += row->row;
    const ptrdiff_t in_ring = piece.row % plan->ring;
    const ptrdiff_t slot = row->slots + (in_ring < 0 ? in_ring + plan->ring : in_ring);
    char *to = task->ring + slot * plan->pitch * plan->bytes;
    if (!is_same(&task->pieces[slot], &piece)) {
        cc_filter_prepare(plan, &piece, to);
        task->pieces[slot] = piece;
    }
    return to;
}

static void find_medians(const filter_task *task, const cc_filter_piece *piece, ptrdiff_t count,
                         char *y)
{
    const cc_filter_plan *plan = &task->job->plan;
    for (ptrdiff_t r = 0; r < plan->rows; r++)
        task->pointers[r] = prepared(task, &plan->row[r], *piece);
    const cc_filter *f = plan->problem;
    const int64_t next = piece->row + plan->last[CC_ROW] + 1; /* the row that the next line adds */
    const int64_t plane = piece->n * f->size[CC_DEPTH] + piece->depth;
    const int64_t at = (plane * f->size[CC_ROW] + next) * f->size[CC_COLUMN] + max(piece->from, 0);
    const ptrdiff_t element = f->lanes * plan->kernels->size;
    const cc_median_args args = {.rows = task->pointers,
                                 .next = next < f->size[CC_ROW] ? plan->x + at * element : NULL,
                                 .size = plan->rows,
                                 .count = count,
                                 .order = cc_key_order_of(plan->type),
                                 .scratch = task->scratch,
                                 .y = y};
    plan->kernels->median(&args);
}

static void point_to_taps(const filter_task *task, const cc_filter_piece *piece)
{
    const cc_filter_plan *plan = &task->job->plan;
    const char *here = NULL;
    for (int64_t t = 0; t < plan->problem->taps; t++) {
        if (t == 0 || plan->row_of[t] != plan->row_of[t - 1])
            here = prepared(task, &plan->row[plan->row_of[t]], *piece);
        task->pointers[t] = here + plan->offset_of[t] * plan->bytes;
    }
}

static void find_ranks(const filter_task *task, ptrdiff_t count, char *y)
{
    const cc_filter_plan *plan = &task->job->plan;
    const cc_rank_args args = {.rows = task->pointers,
                               .taps = plan->problem->taps,
                               .count = count,
                               .rank = plan->problem->rank,
                               .swap = plan->swap,
                               .swaps = plan->swaps,
                               .wire = plan->wire,
                               .order = cc_key_order_of(plan->type),
                               .y = y};
    plan->kernels->rank(&args);
}

static void weigh_terms(const filter_task *task, ptrdiff_t count, char *y)
{
    const cc_filter_plan *plan = &task->job->plan;
    const cc_filter *f = plan->problem;
    const cc_weigh_args args = {.how = f->how,
                                .rows = (const double *const *)task->pointers,
                                .weight = f->weight,
                                .taps = f->taps,
                                .count = count,
                                .sign = f->sign,
                                .divisor = f->divisor};
    plan->kernels->weigh(&args, task->result);
    cc_write_doubles(plan->to, task->result, count, y);
}

static void run_item(filter_task *task, int64_t item)
{
    const cc_filter_plan *plan = &task->job->plan;
    const cc_filter *f = plan->problem;
    const int64_t row = item % f->size[CC_ROW], tiles = item / f->size[CC_ROW];
    const int64_t tile = tiles % plan->tiles, plane = tiles / plan->tiles;
    const int64_t from = tile * plan->columns;
    const int64_t columns = min(plan->columns, f->size[CC_COLUMN] - from);
    const cc_filter_piece piece = {.n = plane / f->size[CC_DEPTH],
                                   .depth = plane % f->size[CC_DEPTH],
                                   .row = row,
                                   .from = from + plan->first[CC_COLUMN],
                                   .to = from + columns + plan->last[CC_COLUMN]};
    const int64_t output = (plane * f->size[CC_ROW] + row) * f->size[CC_COLUMN] + from;
    char *y = plan->y + output * f->lanes * cc_kernels_of(plan->to)->size;
    const ptrdiff_t count = columns * f->lanes;
    if (plan->way == CC_BY_HISTOGRAMS) {
        cc_rank_by_histograms(&task->histograms, &piece, count, (uint8_t *)y);
    } else if (plan->way == CC_BY_MEDIANS) {
        find_medians(task, &piece, count, y);
    } else {
        point_to_taps(task, &piece);
        if (plan->way == CC_BY_TERMS)
            weigh_terms(task, count, y);
        else
            find_ranks(task, count, y);
    }
}

static void work(const cc_worker *worker)
{
    const filter_job *job = worker->context;
    const layout *at = &job->at;
    char *own = worker->own;
    const cc_filter_piece none = {.n = -2};
    filter_task task = {.job = job,
                        .ring = own + at->ring,
                        .pieces = (cc_filter_piece *)(void *)(own + at->pieces),
                        .pointers = (const void **)(void *)(own + at->pointers),
                        .scratch = own + at->scratch,
                        .result = (double *)(void *)(own + at->result),
                        .histograms = {.plan = &job->plan,
                                       .kept_piece = none,
                                       .columns = (cc_column_counts *)(void *)(own + at->columns),
                                       .row = (int8_t *)(void *)(own + at->ring)}};
    memset(task.ring, 0, at->pieces - at->ring); /* rows, and scratch, are read past their end */
    for (ptrdiff_t slot = 0; slot < job->plan.kept; slot++) task.pieces[slot] = none;
    const cc_task_range range = cc_tasks_of(job->plan.items, worker->workers, worker->index);
    for (int64_t i = range.from; i < range.to && !cc_is_stopped(); i++) run_item(&task, i);
}

cc_status cc_filter_run(const cc_filter *problem, cc_type type, const void *x, cc_type to, void *y,
                        int threads)
{
    if (!is_valid(problem, type, to) || threads < 1)
        return CC_BAD_PROBLEM;
    filter_job job = {.plan = {.problem = problem, .type = type, .to = to, .x = x, .y = y}};
    cc_filter_plan *plan = &job.plan;
    cc_filter_make_plan(plan);
    const layout at = job.at = lay_out(plan);
    cc_job memory = {.workers = cc_useful_threads(plan->microseconds, threads),
                     .shared = at.shared,
                     .own = at.own};
    if (!cc_job_begin(&memory))
        return CC_NO_MEMORY;
    plan->row = (cc_filter_row *)(void *)(memory.memory + at.row);
    plan->row_of = (ptrdiff_t *)(void *)(memory.memory + at.row_of);
    plan->offset_of = (ptrdiff_t *)(void *)(memory.memory + at.offset_of);
    plan->swap = (cc_swap *)(void *)(memory.memory + at.swap);
    cc_filter_make_lists(plan);
    const cc_status status = cc_job_run(&memory, work, &job);
    cc_job_end(&memory);
    return status;
}
