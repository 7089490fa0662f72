#include "plan.h"

#include "../base/parallel.h"
#include "../base/integers.h"

#include <math.h>

/* A reduced row stays in the L1 cache with what it is made of; lines are reduced so many at
 * a time, for a call costs as much as a short row. */
enum { ROW_BYTES = 16 << 10, BLOCK_BYTES = 16 << 10 };
/* Rows that a doubling climbs together, in the L2 cache: many, for the last windows of one
 * lot see the first rows of the next. */
enum { DOUBLED_ROWS = 192, DOUBLED_BYTES = 192 << 10 };
/* Windows longer than this many steps are worth a doubling. */
enum { LONG_STEPS = 8 };
/* The terms of so long windows are added pairwise, and not all together with a neighbour's. */
enum { MANY_CELLS = 128 };
/* A row of outputs as short as this leaves most lanes empty. */
enum { SHORT_ROW = 4 };
/* Windows of so many cells are reduced in one go. */
enum { WHOLE_CELLS = 9 };
/* Rows of so few vectors are reduced together. */
enum { JOINED_VECS = 4 };
/* All windows are worth computing if so many of them, at most, make one that is kept. */
enum { MOST_PICKED = 4 };
/* Padding beyond this makes a reduced row not worth having. */
enum { WIDE_CELLS = 1024 };

bool cc_pool_is_valid(const cc_pool *p, cc_type type)
{
    if (p->kind < 0 || p->kind >= CC_POOLS || p->n < 1 || p->channels < 1)
        return false;
    if (type < 0 || type >= CC_TYPES || (type >= CC_REALS && p->kind != CC_POOL_MAX))
        return false;
    for (int a = 0; a < CC_AXES; a++) {
        const cc_axis *x = &p->axis[a];
        const cc_pool_source *s = &p->source[a];
        for (int side = 0; side < 2; side++)
            if (s->side[side].kind < 0 || s->side[side].kind >= CC_BORDERS ||
                (s->side[side].kind != CC_CONSTANT && s->cells < 1))
                return false;
        if (s->before < 0 || s->cells < 0 || s->before + s->cells > x->in)
            return false;
        if (x->in < 1 || x->out < 1 || x->kernel < 1 || x->stride < 1 || x->dilation < 1 ||
            x->before < 0 || p->after[a] < 0)
            return false;
    }
    return p->kind != CC_POOL_NORM || p->p >= 1;
}

static const cc_axis one_cell = {.in = 1, .kernel = 1, .stride = 1, .dilation = 1, .out = 1};

/* One window that holds every cell of the input's axis and nothing else. */
static bool is_covered(const cc_pool *p, int a)
{
    if (p->source[a].cells != p->axis[a].in)
        return false;
    const cc_window w = cc_pool_window(p, a, 0);
    return p->axis[a].out == 1 && w.cells == p->axis[a].in && w.counted == w.cells && w.step == 1;
}

/* A window that covers whole rows does not see where they end: they are one long row. */
static void merge_axes(cc_pool *p)
{
    for (int a = CC_ROW; a >= CC_DEPTH && !p->adjoint; a--) {
        cc_axis *column = &p->axis[CC_COLUMN];
        if (!is_covered(p, CC_COLUMN) || !is_covered(p, a))
            return;
        column->in *= p->axis[a].in;
        column->kernel = column->in;
        column->stride = column->dilation = 1;
        column->before = p->after[CC_COLUMN] = p->after[a] = 0;
        p->source[CC_COLUMN].cells = column->in;
        p->source[a].cells = 1;
        p->axis[a] = one_cell;
        p->adaptive[CC_COLUMN] = p->adaptive[a] = false;
    }
}

static int64_t span(const cc_axis *axis) { return (axis->kernel - 1) * axis->dilation + 1; }

static void make_axis(cc_pool_axis *axis, const cc_pool *p, int a)
{
    const cc_axis *of = &p->axis[a];
    *axis = (cc_pool_axis){.in = p->adjoint ? of->out : of->in,
                           .out = p->adjoint ? of->in : of->out,
                           .regular = true,
                           .of = *of,
                           .most = of->kernel};
    axis->before = p->adjoint ? 0 : p->source[a].before;
    axis->cells = p->adjoint ? axis->in : p->source[a].cells;
    axis->of.in = axis->in;
    axis->of.out = axis->out;
    if (p->adaptive[a]) {
        axis->regular = axis->in % axis->out == 0;
        axis->of.kernel = axis->of.stride = axis->in / axis->out;
        axis->of.dilation = 1;
        axis->of.before = 0;
        axis->most = axis->of.kernel + (axis->regular ? 0 : 2);
    } else if (p->adjoint) {
        axis->regular = of->stride == 1;
        axis->of.before = span(of) - 1 - of->before;
        axis->most = min(of->kernel, (span(of) - 1) / of->stride + 1);
    }
    if (axis->out == 1)
        axis->of.stride = 1;
}

/* From sizes alone, and not from the layout or the length of vectors, so that all give equal bits:
 * whether the windows of an axis are long and many enough to share their sums. */
static bool is_shared(const cc_pool_axis *axis)
{
    const int64_t kernel = axis->of.kernel, stride = axis->of.stride;
    return axis->regular && kernel > LONG_STEPS * stride &&
           2 * ((axis->out - 1) * stride + 1) >= kernel;
}

static void choose_steps(cc_pool_plan *plan)
{
    const cc_pool_axis *row = &plan->axis[CC_ROW], *column = &plan->axis[CC_COLUMN];
    const int64_t stride = column->of.stride;
    plan->doubling = is_shared(column);
    const int64_t kernel = column->of.kernel;
    const bool lonely = !column->regular ||
                        (!plan->doubling && (kernel > LONG_STEPS * stride || kernel > MANY_CELLS));
    const bool is_wide = span(&column->of) > WIDE_CELLS + 2 * column->in; /* mostly padding */
    plan->flat = !lonely && !(is_wide && !plan->doubling) && (plan->lanes == 1 || stride == 1);
    plan->row_doubling = plan->axis[CC_DEPTH].most <= 1 && is_shared(row) && !lonely &&
                         !(is_wide && !plan->doubling);
    const bool is_short = column->out <= SHORT_ROW && plan->planes >= plan->kernels->lanes / 2 &&
                          !plan->row_doubling && !plan->doubling;
    const bool is_long = lonely && column->most > CC_POOL_LONG;
    plan->pieces = is_long && column->of.dilation == 1;
    plan->gathered = plan->lanes == 1 && (!plan->flat || is_short) && !is_long;
    plan->flat = plan->flat && !plan->gathered;
    const bool cheap = plan->problem.kind != CC_POOL_NORM || plan->problem.p <= 2 ||
                       plan->problem.p == HUGE_VAL; /* cells are mapped once for each tap */
    plan->whole = column->cells == column->in &&
                  plan->axis[CC_DEPTH].most * row->most * column->most <= WHOLE_CELLS && cheap &&
                  !plan->doubling && !plan->row_doubling &&
                  (!plan->flat || plan->lanes > 1 || stride <= 2);
    plan->joined = plan->flat && plan->lanes == 1 && stride == 1 && !plan->doubling &&
                   !plan->whole && plan->problem.kind != CC_POOL_MEAN &&
                   column->out <= JOINED_VECS * plan->kernels->lanes;
    plan->joined_rows = plan->joined && !plan->row_doubling;
    plan->picked = plan->lanes > 1 && 2 * plan->lanes <= plan->kernels->lanes && !plan->flat &&
                   !plan->gathered && !plan->doubling && !plan->pieces && !plan->problem.adjoint &&
                   column->regular && stride <= MOST_PICKED && cheap;
}

static void choose_tiles(cc_pool_plan *plan)
{
    const cc_pool_axis *column = &plan->axis[CC_COLUMN];
    const cc_axis *of = &column->of;
    const int size = plan->kernels->size;
    int64_t most = max(1, ROW_BYTES / size / plan->lanes); /* cells of a reduced row */
    plan->doubled_rows = plan->doubled_lines = 0;
    if (plan->row_doubling) {
        const cc_axis *row = &plan->axis[CC_ROW].of;
        const int64_t lines = max(DOUBLED_ROWS, 3 * span(row)) / row->stride;
        plan->doubled_lines = min(row->out, max(1, lines));
        plan->doubled_rows = (plan->doubled_lines - 1) * row->stride + span(row);
        most = min(most, max(1, DOUBLED_BYTES / size / plan->doubled_rows / plan->lanes));
    }
    int64_t outputs = column->out;
    if (column->in > most) {
        outputs =
            column->regular ? (most - span(of)) / of->stride + 1 : most * column->out / column->in;
        if (column->regular) /* tiles share as many cells as a window reaches over */
            outputs = max(outputs, ceil_div(3 * span(of), of->stride));
        outputs = min(max(outputs, 1), column->out);
    }
    plan->tiles = ceil_div(column->out, outputs);
    plan->tile_outputs = ceil_div(column->out, plan->tiles);
    plan->tiles = ceil_div(column->out, plan->tile_outputs);
    plan->lines = plan->axis[CC_DEPTH].out * plan->axis[CC_ROW].out;
    plan->group_planes = plan->gathered ? plan->kernels->lanes : 1;
    plan->bands = 1;

    int64_t cells = 1;
    if (column->regular)
        cells = (plan->tile_outputs - 1) * of->stride + span(of);
    if (column->regular && !cc_pool_padded(plan))
        cells = min(cells, column->in);
    for (int64_t tile = 0; tile < plan->tiles && !column->regular; tile++)
        cells = max(cells, cc_pool_find_tile(plan, tile).cells);
    const int64_t lanes = plan->kernels->lanes;
    plan->pitch = ceil_div(cells * plan->lanes, lanes) * lanes;
    const int64_t rows = max(1, BLOCK_BYTES / size / plan->pitch);
    plan->block_lines = min(max(1, rows / plan->group_planes), plan->axis[CC_ROW].out);
    if (plan->pieces)
        plan->block_lines = 1;
    else if (plan->row_doubling) {
        plan->block_lines = plan->doubled_lines;
        plan->group_planes =
            min(max(1, (16 << 10) / size / plan->pitch / plan->doubled_rows), plan->planes);
    } else if (!plan->gathered)
        plan->group_planes = min(max(1, rows / plan->block_lines), plan->planes);
}

static void partition(cc_pool_plan *plan, int threads)
{
    const double bytes = (double)(plan->plane + plan->out_plane) * (double)plan->planes *
                         (double)plan->kernels->size;
    const double bytes_per_us = 10e3;
    threads = cc_useful_threads(bytes / bytes_per_us, threads);
    if (!plan->gathered) /* a few groups for each thread */
        plan->group_planes = min(plan->group_planes, ceil_div(plan->planes, 4 * threads));
    plan->groups = ceil_div(plan->planes, plan->group_planes);
    const int64_t whole = plan->groups * plan->tiles;
    plan->bands = threads == 1 ? 1 : min(plan->lines, ceil_div(8 * threads, whole));
    plan->items = whole * plan->bands;
    plan->tasks = (int)min(threads, plan->items);
}

void cc_pool_make_plan(cc_pool_plan *plan, const cc_pool *problem, cc_type type, int threads)
{
    *plan = (cc_pool_plan){.problem = *problem, .kernels = cc_kernels_of(type), .type = type};
    cc_pool *p = &plan->problem;
    p->channels_last = p->channels_last && p->channels > 1;
    merge_axes(p);
    plan->lanes = p->channels_last ? p->channels : 1;
    plan->planes = p->channels_last ? p->n : p->n * p->channels;
    plan->plane = plan->out_plane = plan->lanes;
    for (int a = 0; a < CC_AXES; a++) {
        make_axis(&plan->axis[a], p, a);
        plan->has_border |= plan->axis[a].cells != plan->axis[a].in;
        plan->plane *= plan->axis[a].cells;
        plan->out_plane *= plan->axis[a].out;
    }
    choose_steps(plan);
    choose_tiles(plan);
    partition(plan, threads);
    const cc_pool_axis *column = &plan->axis[CC_COLUMN];
    plan->pointers = max(plan->axis[CC_DEPTH].most * plan->axis[CC_ROW].most,
                         max(column->most / CC_POOL_PIECE, min(column->most, CC_POOL_LONG)));
    plan->pointers = max(plan->pointers, 3); /* a step of a doubling */
    if (plan->problem.kind == CC_POOL_NORM && column->cells != column->in) /* cell by cell */
        plan->pointers =
            max(plan->pointers, plan->axis[CC_DEPTH].most * plan->axis[CC_ROW].most * column->most);
}

/* The input cells that the windows of outputs from <= o < to hold. */
static void find_cells(const cc_pool *p, int64_t from, int64_t to, cc_pool_tile *t)
{
    t->from = t->to = 0;
    for (int64_t o = from; o < to; o++) {
        const cc_window w = cc_pool_window(p, CC_COLUMN, o);
        const int64_t end = w.first + (w.cells - 1) * w.step + 1;
        if (w.cells && t->from == t->to)
            t->from = w.first, t->to = end;
        else if (w.cells)
            t->from = min(t->from, w.first), t->to = max(t->to, end);
    }
}

cc_pool_tile cc_pool_find_tile(const cc_pool_plan *plan, int64_t item)
{
    const cc_pool_axis *column = &plan->axis[CC_COLUMN];
    const int64_t tile = item % plan->tiles, band = item / plan->tiles % plan->bands;
    const int64_t group = item / plan->tiles / plan->bands;
    cc_pool_tile t = {.plane = group * plan->group_planes,
                      .line = plan->lines * band / plan->bands,
                      .end = plan->lines * (band + 1) / plan->bands,
                      .column = tile * plan->tile_outputs};
    t.planes = min(plan->group_planes, plan->planes - t.plane);
    t.columns = min(plan->tile_outputs, column->out - t.column);
    if (column->regular) {
        const cc_axis *of = &column->of;
        t.origin = t.column * of->stride - of->before;
        t.cells = (t.columns - 1) * of->stride + span(of);
        t.from = min(max(t.origin, 0), column->in);
        t.to = max(min(t.origin + t.cells, column->in), t.from);
    } else {
        find_cells(&plan->problem, t.column, t.column + t.columns, &t);
    }
    t.shown_from = min(max(t.from, column->before), t.to);
    t.shown_to = max(min(t.to, column->before + column->cells), t.shown_from);
    if (!cc_pool_padded(plan)) {
        t.origin = t.from;
        t.cells = t.to - t.from;
    }
    return t;
}

int64_t cc_pool_alike(const cc_pool_plan *plan, int64_t line, int64_t most, int64_t *advance)
{
    const int64_t out = plan->axis[CC_ROW].out, first = line % out;
    const cc_window w = cc_pool_window(&plan->problem, CC_ROW, first);
    cc_window last = w;
    int64_t count = 1;
    *advance = 0;
    /* what a doubling reduces is padded, and only a mean still has to know how many cells are not
     */
    if (plan->row_doubling && plan->problem.kind != CC_POOL_MEAN)
        return min(most, out - first);
    const cc_pool_axis *axis = &plan->axis[CC_ROW];
    const int64_t end = axis->before + axis->cells;
    if (axis->regular && w.first == first * axis->of.stride - axis->of.before &&
        w.first >= axis->before && w.first + span(&axis->of) <= end) {
        *advance = axis->of.stride; /* whole windows, up to the input's end */
        const int64_t whole = (end - span(&axis->of) - w.first) / axis->of.stride + 1;
        return min(min(most, out - first), whole);
    }
    if (axis->cells != axis->in) /* rows of the padding are elsewhere */
        return 1;
    for (; count < most && first + count < out; count++) {
        const cc_window next = cc_pool_window(&plan->problem, CC_ROW, first + count);
        const int64_t step = next.first - last.first;
        if (next.cells != w.cells || next.counted != w.counted || next.step != w.step ||
            (count > 1 && step != *advance))
            break;
        *advance = step;
        last = next;
    }
    return count;
}
