/* Pooling, backward, where the gradient depends on the values: of maxima and of norms. (That of a
 * mean is a pooling itself, an adjoint.) The input is cut into bands of lines; each collects what
 * the outputs that see it send there, in the order of the outputs, so that the bits depend neither
 * on the bands nor on the threads. */
#include "../base/parallel.h"
#include "plan.h"
#include "../core/border.h"
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
    if (p->source[a].cells != axis->in) { /* cells may be shown anywhere */
        *first = 0;
        *end = axis->out;
        return;
    }
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
    const int64_t columns = j->problem.source[CC_COLUMN].cells,
                  count = j->problem.axis[CC_COLUMN].out;
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

/* A line of outputs and one of the input: the first element of each. */
typedef struct {
    ptrdiff_t out, in;
} line_pair;

/* What outputs from <= o < to send to cells of a line, the first of them to `cell`. */
static void collect_run(const job *j, const line_pair *line, int64_t from, int64_t to, int64_t cell)
{
    const ptrdiff_t size = j->kernels->size, lanes = j->lanes;
    const int64_t stride = j->problem.axis[CC_COLUMN].stride;
    /* one run of outputs in a plane or where neighbours see neighbours, else a pixel a run */
    const bool whole = lanes == 1 || stride == 1;
    const int64_t pixels = whole ? to - from : 1;
    for (int64_t o = from; o < to; o += pixels) {
        const ptrdiff_t at_y = (line->out + o * lanes) * size;
        const ptrdiff_t at_x = (line->in + (cell + (o - from) * stride) * lanes) * size;
        const cc_lp_grad_args args = {.grad = j->grad + at_y,
                                      .x = j->x + at_x,
                                      .y = j->y + at_y,
                                      .count = pixels * lanes,
                                      .x_step = lanes == 1 ? stride : 1,
                                      .p = j->problem.p};
        j->kernels->lp_grad(&args, j->dx + at_x);
    }
}

/* The first output at or after which a tap is on `cell` or a later one; output 0 has it on `at`. */
static int64_t reaching(const cc_axis *axis, int64_t at, int64_t cell)
{
    return at < cell ? min(axis->out, (cell - at - 1) / axis->stride + 1) : 0;
}

/* The same where these outputs are on cells beside the input, the first output on `at`. */
static void collect_shown(const job *j, const line_pair *line, int64_t from, int64_t to, int64_t at)
{
    const cc_pool_source *source = &j->problem.source[CC_COLUMN];
    for (int64_t o = from; o < to; o++) {
        const int64_t cell = at + o * j->problem.axis[CC_COLUMN].stride - source->before;
        const int64_t shown = cc_border_source(source->side, cell, source->cells);
        if (shown >= 0)
            collect_run(j, line, o, o + 1, shown);
    }
}

/* What the outputs of a line send to one line of their windows, tap by tap. */
static void collect_norms(const job *j, int64_t plane, int64_t out_line, int64_t in_line)
{
    const cc_axis *c = &j->problem.axis[CC_COLUMN];
    const cc_pool_source *source = &j->problem.source[CC_COLUMN];
    const line_pair line = {plane * j->out_plane + out_line * c->out * j->lanes,
                            plane * j->plane + in_line * source->cells * j->lanes};
    /* the taps that reach the input from any output; there may be far more in the padding */
    const int64_t before = c->before - (c->out - 1) * c->stride;
    const int64_t first_tap = before > 0 ? ceil_div(before, c->dilation) : 0;
    const int64_t end_tap = min(c->kernel, (c->in - 1 + c->before) / c->dilation + 1);
    for (int64_t t = first_tap; t < end_tap; t++) {
        const int64_t at = t * c->dilation - c->before; /* the cell that output 0 sees */
        const int64_t first = reaching(c, at, source->before);
        const int64_t end = reaching(c, at, source->before + source->cells);
        if (first < end)
            collect_run(j, &line, first, end, at + first * c->stride - source->before);
        if (source->cells == c->in)
            continue;
        const int64_t before = reaching(c, at, 0), after = reaching(c, at, c->in);
        collect_shown(j, &line, before, min(first, after), at);
        collect_shown(j, &line, max(end, first), after, at);
    }
}

/* The cell of the input that a cell of an axis shows; -1: a constant. */
static int64_t shown_by(const cc_pool *p, int a, int64_t cell)
{
    const cc_pool_source *source = &p->source[a];
    return cc_border_source(source->side, cell - source->before, source->cells);
}

/* Each window has one row of cells for each of its depths and rows. */
static void collect_windows(const job *j, const band *b, int64_t d, int64_t h)
{
    const cc_pool *p = &j->problem;
    const cc_window depth = cc_pool_window(p, CC_DEPTH, d), row = cc_pool_window(p, CC_ROW, h);
    const int64_t out_line = d * p->axis[CC_ROW].out + h;
    for (int64_t q = 0; q < depth.cells; q++)
        for (int64_t r = 0; r < row.cells; r++) {
            const int64_t plane = shown_by(p, CC_DEPTH, depth.first + q * depth.step);
            const int64_t of_plane = shown_by(p, CC_ROW, row.first + r * row.step);
            if (plane < 0 || of_plane < 0)
                continue;
            const int64_t line = plane * p->source[CC_ROW].cells + of_plane;
            if (line >= b->from && line < b->to)
                collect_norms(j, b->plane, out_line, line);
        }
}

static void run_band(const job *j, const band *b)
{
    const cc_pool *p = &j->problem;
    const int64_t rows = p->source[CC_ROW].cells;
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
        j->plane *= p->source[a].cells;
        j->out_plane *= p->axis[a].out;
    }
    j->lines = p->source[CC_DEPTH].cells * p->source[CC_ROW].cells;
    if (j->plane == 0) /* all cells are constants */
        return CC_OK;
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
