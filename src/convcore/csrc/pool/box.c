/* Means of bytes as bytes, of neighbouring windows (stride 1). The sums of the columns are kept
 * from line to line: a row is added, another dropped. */
#include "../base/arena.h"
#include "../base/parallel.h"
#include "../core/job.h"
#include "plan.h"

#include <string.h>

/* Outputs of a line whose windows hold equally many columns. */
typedef struct {
    int64_t from, to, counted;
} run;

typedef struct {
    const cc_pool *problem;
    const uint8_t *x;
    uint8_t *y;
    int64_t lanes, planes;
    int64_t columns; /* of a row with its padding */
    size_t runs;     /* where they are in a worker's memory, behind the sums */
} call;

static bool is_one_cell(const cc_axis *a) { return a->in == 1 && a->kernel == 1 && a->out == 1; }

bool cc_pool_is_box(const cc_pool *p)
{
    const cc_axis *row = &p->axis[CC_ROW], *column = &p->axis[CC_COLUMN];
    if (p->kind != CC_POOL_MEAN || p->adjoint || !is_one_cell(&p->axis[CC_DEPTH]))
        return false;
    for (int a = 0; a < CC_AXES; a++)
        if (p->adaptive[a] || p->source[a].cells != p->axis[a].in)
            return false;
    return row->stride == 1 && row->dilation == 1 && column->stride == 1 && column->dilation == 1 &&
           row->kernel <= CC_BOX_CELLS && column->kernel <= CC_BOX_CELLS &&
           row->kernel * column->kernel <= CC_BOX_CELLS;
}

static int64_t list_runs(const cc_pool *p, run *runs)
{
    int64_t count = 0;
    for (int64_t o = 0; o < p->axis[CC_COLUMN].out; o++) {
        const int64_t counted = cc_pool_window(p, CC_COLUMN, o).counted;
        if (!count || runs[count - 1].counted != counted)
            runs[count++] = (run){o, o, counted};
        runs[count - 1].to = o + 1;
    }
    return count;
}

/* Adds the rows of a line's windows that those of the line before lack, and drops the others. */
static void move_on(const call *c, const uint8_t *plane, int64_t line, bool is_first,
                    uint16_t *sums)
{
    const cc_pool *p = c->problem;
    const cc_axis *row = &p->axis[CC_ROW], *column = &p->axis[CC_COLUMN];
    const cc_kernels *k = cc_kernels_of(CC_U8);
    const int64_t width = column->in * c->lanes;
    uint16_t *cells = sums + column->before * c->lanes;
    const int64_t begin = max(0, line - row->before);
    const int64_t end = min(row->in, line - row->before + row->kernel);
    if (is_first) {
        memset(sums, 0, (size_t)(c->columns * c->lanes + CC_BOX_SLACK) * sizeof *sums);
        for (int64_t r = begin; r < end; r++) k->box_rows(plane + r * width, NULL, width, cells);
        return;
    }
    const int64_t added = line - row->before + row->kernel - 1, dropped = line - row->before - 1;
    const uint8_t *add = added >= 0 && added < row->in ? plane + added * width : NULL;
    const uint8_t *drop = dropped >= 0 && dropped < row->in ? plane + dropped * width : NULL;
    if (add || drop)
        k->box_rows(add, drop, width, cells);
}

static void work(const cc_worker *worker)
{
    const call *c = worker->context;
    const cc_pool *p = c->problem;
    const cc_axis *row = &p->axis[CC_ROW], *column = &p->axis[CC_COLUMN];
    const cc_kernels *k = cc_kernels_of(CC_U8);
    uint16_t *sums = (uint16_t *)worker->own;
    run *runs = (run *)(worker->own + c->runs);
    const int64_t count = list_runs(p, runs), out_width = column->out * c->lanes;
    const cc_task_range lines = cc_tasks_of(c->planes * row->out, worker->workers, worker->index);
    for (int64_t i = lines.from; i < lines.to && !cc_is_stopped(); i++) {
        const int64_t line = i % row->out;
        const uint8_t *plane = c->x + i / row->out * row->in * column->in * c->lanes;
        move_on(c, plane, line, i == lines.from || line == 0, sums);
        const int64_t counted = cc_pool_window(p, CC_ROW, line).counted;
        for (const run *r = runs; r < runs + count; r++) {
            const cc_box box = {
                .taps = column->kernel, .step = c->lanes, .cells = (int)(counted * r->counted)};
            k->box_means(&box, sums + r->from * c->lanes, (r->to - r->from) * c->lanes,
                         c->y + i * out_width + r->from * c->lanes);
        }
    }
}

cc_status cc_pool_box(const cc_pool *problem, const void *x, void *y, int threads)
{
    if (!cc_pool_is_valid(problem, CC_F32) || threads < 1 || !cc_pool_is_box(problem))
        return CC_BAD_PROBLEM;
    const cc_axis *row = &problem->axis[CC_ROW], *column = &problem->axis[CC_COLUMN];
    const bool last = problem->channels_last;
    call c = {.problem = problem,
              .x = x,
              .y = y,
              .lanes = last ? problem->channels : 1,
              .planes = last ? problem->n : problem->n * problem->channels,
              .columns = max(column->before + column->in, column->out + column->kernel - 1)};
    size_t own = 0;
    cc_arena_reserve(&own, c.columns * c.lanes + CC_BOX_SLACK, sizeof(uint16_t));
    c.runs = cc_arena_reserve(&own, min(column->out, 2 * column->kernel + 1), sizeof(run));
    const double microseconds = (double)(c.planes * row->out * column->out * c.lanes) / 10e3;
    cc_job job = {.workers =
                      (int)min(cc_useful_threads(microseconds, threads), c.planes * row->out),
                  .own = own};
    if (!cc_job_begin(&job))
        return CC_NO_MEMORY;
    const cc_status status = cc_job_run(&job, work, &c);
    cc_job_end(&job);
    return status;
}
