/* Pooling, backward, where the gradient depends on the values: of maxima and of norms. (That of a
 * mean is a pooling itself, an adjoint.) The input is cut into bands of lines; each collects what
 * the outputs that see it send there, in the order of the outputs, so that the bits depend neither
 * on the bands nor on the threads. */
#include "../base/parallel.h"
#include "plan.h"
#include "../base/integers.h"

typedef struct {
    cc_pool problem;
    const cc_kernels *kernels;
    const char *grad, *x, *y;
    const int64_t *index;
    char *dx;
    int64_t planes, lanes, plane, out_plane, lines;
    int64_t bands;
    int tasks;
} job;

/* The outputs along an axis that may see cells from <= cell < to. */
static void seen_by(const cc_pool *p, int a, int64_t from, int64_t to, int64_t *first, int64_t *end)
{
    const cc_axis *axis = &p->axis[a];
    if (p->adaptive[a]) {
        cc_pool adjoint = *p;
        adjoint.adjoint = true;
        const cc_window last = cc_pool_window(&adjoint, a, to - 1);
        *first = cc_pool_window(&adjoint, a, from).first;
        *end = last.first + last.cells;
        return;
    }
    const int64_t reach = (axis->kernel - 1) * axis->dilation;
    *first = max(0, from + axis->before - reach) / axis->stride;
    *end = min(axis->out, (to - 1 + axis->before) / axis->stride + 1);
}

/* One image's or channel's band of input lines. */
typedef struct {
    int64_t plane, from, to;
} band;

static void collect_maxima(const job *j, const band *b, int64_t line)
{
    const int64_t columns = j->problem.axis[CC_COLUMN].in, count = j->problem.axis[CC_COLUMN].out;
    const int64_t at = b->plane * j->out_plane + line * count * j->lanes;
    const int64_t from = b->from * columns;
    const cc_scatter_args args = {.index = j->index + at,
                                  .count = count * j->lanes,
                                  .step = j->lanes,
                                  .from = from,
                                  .to = b->to * columns};
    j->kernels->scatter(&args, j->grad + at * j->kernels->size,
                        j->dx + (b->plane * j->plane + from * j->lanes) * j->kernels->size);
}

/* What the outputs of a line send to one line of their windows, tap by tap. */
static void collect_norms(const job *j, int64_t plane, int64_t out_line, int64_t in_line)
{
    const cc_axis *c = &j->problem.axis[CC_COLUMN];
    const ptrdiff_t size = j->kernels->size, lanes = j->lanes;
    const ptrdiff_t out = plane * j->out_plane + out_line * c->out * lanes;
    const ptrdiff_t in = plane * j->plane + in_line * c->in * lanes;
    /* the taps that reach the input from any output; there may be far more in the padding */
    const int64_t before = c->before - (c->out - 1) * c->stride;
    const int64_t first_tap = before > 0 ? ceil_div(before, c->dilation) : 0;
    const int64_t end_tap = min(c->kernel, (c->in - 1 + c->before) / c->dilation + 1);
    for (int64_t t = first_tap; t < end_tap; t++) {
        const int64_t at = t * c->dilation - c->before; /* the cell that output 0 sees */
        const int64_t first = at < 0 ? (-at - 1) / c->stride + 1 : 0;
        const int64_t end = at < c->in ? min(c->out, (c->in - 1 - at) / c->stride + 1) : 0;
        if (first >= end)
            continue;
        /* one run of outputs in a plane or where neighbours see neighbours, else a pixel a run */
        const bool whole = lanes == 1 || c->stride == 1;
        const int64_t pixels = whole ? end - first : 1;
        for (int64_t o = first; o < end; o += pixels) {
            const ptrdiff_t from = (out + o * lanes) * size;
            const ptrdiff_t to = (in + (at + o * c->stride) * lanes) * size;
            const cc_lp_grad_args args = {.grad = j->grad + from,
                                          .x = j->x + to,
                                          .y = j->y + from,
                                          .count = pixels * lanes,
                                          .x_step = lanes == 1 ? c->stride : 1,
                                          .p = j->problem.p};
            j->kernels->lp_grad(&args, j->dx + to);
        }
    }
}

/* Each window has one row of cells for each of its depths and rows. */
static void collect_windows(const job *j, const band *b, int64_t d, int64_t h)
{
    const cc_pool *p = &j->problem;
    const cc_window depth = cc_pool_window(p, CC_DEPTH, d), row = cc_pool_window(p, CC_ROW, h);
    const int64_t out_line = d * p->axis[CC_ROW].out + h;
    for (int64_t q = 0; q < depth.cells; q++)
        for (int64_t r = 0; r < row.cells; r++) {
            const int64_t line =
                (depth.first + q * depth.step) * p->axis[CC_ROW].in + row.first + r * row.step;
            if (line >= b->from && line < b->to)
                collect_norms(j, b->plane, out_line, line);
        }
}

static void run_band(const job *j, const band *b)
{
    const cc_pool *p = &j->problem;
    const int64_t rows = p->axis[CC_ROW].in;
    int64_t depth, depth_end, row = 0, row_end = p->axis[CC_ROW].out;
    seen_by(p, CC_DEPTH, b->from / rows, (b->to - 1) / rows + 1, &depth, &depth_end);
    if (b->from / rows == (b->to - 1) / rows) /* the band lies in one depth */
        seen_by(p, CC_ROW, b->from % rows, (b->to - 1) % rows + 1, &row, &row_end);
    for (int64_t d = depth; d < depth_end; d++)
        for (int64_t h = row; h < row_end && !cc_is_stopped(); h++)
            if (j->index)
                collect_maxima(j, b, d * p->axis[CC_ROW].out + h);
            else
                collect_windows(j, b, d, h);
}

static void run_task(int task, void *context)
{
    const job *j = context;
    const int64_t items = j->planes * j->bands;
    for (int64_t i = items * task / j->tasks; i < items * (task + 1) / j->tasks; i++) {
        const int64_t of_plane = i % j->bands;
        const band b = {.plane = i / j->bands,
                        .from = j->lines * of_plane / j->bands,
                        .to = j->lines * (of_plane + 1) / j->bands};
        run_band(j, &b);
    }
}

static cc_status run(job *j, cc_type type, int threads)
{
    cc_pool *p = &j->problem;
    if (!cc_pool_is_valid(p, type) || type >= CC_REALS || p->adjoint || threads < 1)
        return CC_BAD_PROBLEM;
    const bool interleaved = p->channels_last && p->channels > 1;
    j->kernels = cc_kernels_of(type);
    j->lanes = interleaved ? p->channels : 1;
    j->planes = interleaved ? p->n : p->n * p->channels;
    j->plane = j->out_plane = j->lanes;
    for (int a = 0; a < CC_AXES; a++) {
        j->plane *= p->axis[a].in;
        j->out_plane *= p->axis[a].out;
    }
    j->lines = p->axis[CC_DEPTH].in * p->axis[CC_ROW].in;
    const double us = (double)(j->plane * j->planes) / 300; /* about 3 ns a cell */
    threads = cc_useful_threads(us, threads);
    j->bands = threads == 1 ? 1 : min(j->lines, (4 * threads + j->planes - 1) / j->planes);
    j->tasks = (int)min(threads, j->planes * j->bands);
    return cc_parallel(j->tasks, run_task, j);
}

cc_status cc_pool_max_backward(const cc_pool *problem, cc_type type, const void *grad,
                               const int64_t *index, void *dx, int threads)
{
    job j = {.problem = *problem, .grad = grad, .index = index, .dx = dx};
    return run(&j, type, threads);
}

cc_status cc_pool_norm_backward(const cc_pool *problem, cc_type type, const cc_norm_args *args,
                                void *dx, int threads)
{
    job j = {.problem = *problem, .grad = args->grad, .x = args->x, .y = args->y, .dx = dx};
    return run(&j, type, threads);
}
