/* Pooling, forward: reduces the lines of a tile, a few at a time, in two steps: the rows of their
 * windows into one row, then that row with itself. Small windows take both at once, long ones are
 * doubled. */
#include "../base/parallel.h"
#include "border.h"
#include "../base/integers.h"

#include <math.h>
#include <string.h>

/* What a window is reduced into: how its rows are, and then the row that comes of them. */
typedef struct {
    cc_reduction rows, columns;
} reductions;

static reductions choose_reductions(const cc_pool *p, bool exact)
{
    switch (p->kind) {
    case CC_POOL_MAX:
        return exact ? (reductions){CC_MAX_NAN, CC_MAX_NAN} : (reductions){CC_MAX, CC_MAX};
    case CC_POOL_MEAN:
        return (reductions){CC_SUM, CC_MEAN};
    case CC_POOL_NORM:
        return p->p == HUGE_VAL ? (reductions){CC_MAX_ABS, CC_MAX_NAN}
               : p->p == 1      ? (reductions){CC_SUM_ABS, CC_SUM}
               : p->p == 2      ? (reductions){CC_SUM_SQUARES, CC_SUM}
                                : (reductions){CC_SUM_POWERS, CC_SUM};
    default:
        return (reductions){CC_SUM, CC_SUM};
    }
}

/* The rows of the block's windows in the input, without a vertical step. */
static void use_input(cc_pool_work *w, cc_pool_block *b)
{
    const cc_pool_plan *plan = w->plan;
    const ptrdiff_t before = cc_pool_margin(w);
    b->rows = cc_pool_rows(w, w->tile.plane, &b->depth, &b->row, cc_pool_first_column(w));
    for (ptrdiff_t r = 0; r < b->rows; r++)
        w->sources[r] = (const char *)w->rows[r] - before * plan->kernels->size;
    b->from = before;
    b->to = (w->tile.to - w->tile.origin) * plan->lanes;
    b->pitch = b->advance * plan->axis[CC_COLUMN].cells * plan->lanes;
    b->plane = plan->plane;
}

/* Turns the reduced rows of as many planes as there are lanes into pixels. */
static void transpose_planes(cc_pool_work *w, cc_pool_block *b)
{
    const cc_kernels *k = w->plan->kernels;
    const ptrdiff_t width = w->tile.to - w->tile.from;
    for (int64_t i = 0; i < b->count; i++) {
        const char *from = (const char *)w->sources[0] + i * b->pitch * k->size;
        k->transpose(from, b->plane, w->transposed + i * w->plan->pitch * k->lanes * k->size,
                     k->lanes, w->tile.planes, width);
    }
    w->sources[0] = w->transposed;
    b->lanes = k->lanes;
    b->planes = 1;
    b->pitch = w->plan->pitch * k->lanes;
    b->to = CC_POOL_EVERYWHERE;
}

/* The vertical step of neighbouring lines as wide as the input, which are one line of it. */
static bool reduce_joined_rows(cc_pool_work *w, cc_reduce_args f)
{
    const cc_kernels *k = w->plan->kernels;
    const ptrdiff_t width = f.width, lines = f.lines, line = f.dst_line, plane = f.dst_plane;
    char *dst = f.dst;
    f.width = f.to = lines * width;
    f.lines = 1;
    f.dst = w->steps;
    f.dst_plane = f.width;
    const cc_move move = {
        .rows = lines, .columns = width, .src_row = width, .src_column = 1, .dst_row = line};
    const bool nan = k->reduce(&f);
    for (ptrdiff_t n = 0; n < f.planes; n++)
        k->copy(&move, w->steps + n * f.width * k->size, dst + n * plane * k->size);
    return nan;
}

/* The vertical step of a block of lines, of `cells` columns of the input from `column` on. */
static bool reduce_range(cc_pool_work *w, cc_reduction how, const cc_pool_block *b, int64_t column,
                         int64_t cells, char *dst)
{
    const cc_pool_plan *plan = w->plan;
    const ptrdiff_t size = plan->kernels->size, width = cells * plan->lanes;
    const ptrdiff_t input_line = plan->axis[CC_COLUMN].cells * plan->lanes;
    /* rows of constants are the same in all planes */
    const int64_t planes = cc_pool_sees_constant(plan, &b->depth, &b->row) ? 1 : b->planes;
    bool nan = false;
    for (int64_t n = 0; n < b->planes; n += planes) {
        const cc_reduce_args f = {
            .how = how,
            .p = plan->problem.p,
            .count = cc_pool_rows(w, w->tile.plane + n, &b->depth, &b->row, column),
            .rows = w->rows,
            .taps = 1,
            .step = 1,
            .width = width,
            .to = width,
            .lines = b->count,
            .planes = planes,
            .src_line = b->advance * input_line,
            .src_plane = plan->plane,
            .dst_line = b->pitch,
            .dst_plane = b->plane,
            .dst = dst + n * b->plane * size};
        nan |= plan->joined_rows && b->advance == 1 && width == input_line && planes == b->planes
                   ? reduce_joined_rows(w, f)
                   : plan->kernels->reduce(&f);
    }
    return nan;
}

/* The vertical step of columns beside the input, which show others or a constant. */
static bool reduce_shown(cc_pool_work *w, cc_reduction how, const cc_pool_block *b)
{
    const cc_kernels *k = w->plan->kernels;
    const ptrdiff_t lanes = w->plan->lanes, size = k->size;
    const int64_t terms = b->depth.cells * b->row.cells;
    const bool kept = w->constant_terms == terms && w->constant_how == how;
    bool nan = false;
    for (int64_t i = 0; i < w->others; i++) {
        const cc_pool_column column = cc_pool_other_column(w, i);
        char *dst = w->reduced + column.at * lanes * size;
        if (column.source >= 0) {
            nan |= reduce_range(w, how, b, column.source, 1, dst);
            continue;
        }
        if (!kept)
            cc_pool_reduce_constant(w, how, column.source, terms, dst);
    }
    w->constant_terms = terms;
    w->constant_how = how;
    for (int64_t n = 0; n < b->planes; n++)
        cc_pool_copy_columns(w, w->reduced + n * b->plane * size, b->count, b->pitch);
    return nan;
}

/* The vertical step of a block of lines; returns whether CC_MAX has seen a NaN. */
static bool reduce_rows(cc_pool_work *w, cc_reduction how, cc_pool_block *b)
{
    const cc_pool_plan *plan = w->plan;
    const ptrdiff_t size = plan->kernels->size;
    const bool is_shown = cc_pool_shown_columns(&w->tile) > 0;
    const int64_t window = b->depth.cells * b->row.cells;
    const bool is_row =
        window == 1 && how == cc_pool_without_map(how) && !plan->doubling && !plan->row_doubling;
    b->lanes = plan->lanes;
    b->planes = w->tile.planes;
    b->reduced = (!is_row && !(plan->whole && window > 0 && !plan->gathered)) || is_shown ||
                 cc_pool_sees_constant(plan, &b->depth, &b->row);
    if (!b->reduced) {
        use_input(w, b);
        if (plan->gathered)
            transpose_planes(w, b);
        return false;
    }
    b->rows = 1;
    b->from = -CC_POOL_EVERYWHERE;
    b->to = CC_POOL_EVERYWHERE;
    b->pitch = plan->pitch;
    b->plane = b->count * plan->pitch;
    w->sources[0] = w->reduced;
    bool nan = false;
    if (plan->row_doubling) {
        if (b->line < w->doubled_from || b->line + b->count > w->doubled_to)
            nan = cc_pool_double_rows(w, how, b->line);
        w->sources[0] = w->reduced + (b->line - w->doubled_from) * plan->pitch * size;
        b->plane = plan->doubled_rows * plan->pitch;
        return nan;
    }
    const int64_t cells = w->tile.shown_to - w->tile.shown_from;
    const ptrdiff_t first = (w->tile.shown_from - w->tile.origin) * plan->lanes;
    if (cells > 0)
        nan = reduce_range(w, how, b, cc_pool_first_column(w), cells, w->reduced + first * size);
    if (is_shown)
        nan |= reduce_shown(w, how, b);
    if (plan->gathered)
        transpose_planes(w, b);
    return nan;
}

static bool reduce_block(cc_pool_work *w, reductions how, cc_pool_block *b,
                         const cc_pool_target *dst)
{
    const bool nan = reduce_rows(w, how.rows, b);
    const cc_reduction last = b->reduced || how.columns == CC_MEAN ? how.columns : how.rows;
    const bool is_known = b->reduced && last == CC_MAX && w->plan->doubling;
    const bool again = cc_pool_reduce_columns(w, is_known ? CC_LARGER : last, b, dst);
    return b->reduced ? nan
                      : again; /* of reduced rows the second step also sees what lies beside */
}

/* The norm of one output: an element of line i of plane n of a block. */
static void exact_norm(const cc_pool_work *w, const cc_pool_block *b, int64_t n, int64_t i,
                       ptrdiff_t element, char *y)
{
    const cc_pool_plan *plan = w->plan;
    const cc_kernels *k = plan->kernels;
    const int64_t lane = element % b->lanes;
    const cc_window *c = &w->columns[element / b->lanes];
    if (plan->gathered && lane >= w->tile.planes)
        return;
    const int64_t out = plan->axis[CC_ROW].out;
    const cc_window row = cc_pool_window(&plan->problem, CC_ROW, (b->line + i) % out);
    const int64_t plane = w->tile.plane + (plan->gathered ? lane : n);
    const ptrdiff_t at = plan->gathered ? 0 : lane;
    cc_cells cells = {.rows = w->rows, .cells = c->cells, .step = c->step * plan->lanes};
    if (cc_pool_shown_columns(&w->tile) == 0) {
        const ptrdiff_t first = (c->first - w->tile.from) * plan->lanes + at;
        cells.count = cc_pool_rows(w, plane, &b->depth, &row, cc_pool_first_column(w));
        for (ptrdiff_t r = 0; r < cells.count; r++)
            w->rows[r] = (const char *)w->rows[r] + first * k->size;
    } else { /* cell by cell, each where it comes from */
        cells.count = cc_pool_cells(w, plane, &b->depth, &row, c);
        cells.cells = 1;
        for (ptrdiff_t r = 0; r < cells.count; r++)
            w->rows[r] = (const char *)w->rows[r] + at * k->size;
    }
    k->norm(&cells, plan->problem.p, y);
}

/* Turns sums of powers into norms. Sums that may have lost something are computed anew, unless the
 * largest cell says that there was nothing to lose: each for itself, so that no window's bits
 * depend on its neighbours. */
static void take_roots(cc_pool_work *w, cc_pool_block *b, const cc_pool_target *sums)
{
    const cc_kernels *k = w->plan->kernels;
    const double p = w->plan->problem.p;
    const ptrdiff_t count = w->tile.columns * b->lanes, size = k->size;
    bool largest_known = false;
    for (int64_t j = 0; j < b->count * b->planes; j++) {
        const int64_t n = j / b->count, i = j % b->count;
        char *line = sums->to + (n * sums->plane + i * sums->line) * size;
        if (k->root(line, NULL, count, p))
            continue;
        if (!largest_known) {
            const cc_pool_target largest = {w->largest, count, b->count * count};
            w->doubled_to = 0; /* what is kept for the next lines is made of sums */
            reduce_block(w, (reductions){CC_MAX_ABS, CC_MAX_NAN}, b, &largest);
            w->doubled_to = 0;
        }
        largest_known = true;
        char *again = w->largest + j * count * size;
        static const char none[sizeof(double)];
        k->root(line, again, count, p);
        for (ptrdiff_t e = 0; e < count; e++)
            if (memcmp(again + e * size, none, (size_t)size) != 0)
                exact_norm(w, b, n, i, e, line + e * size);
    }
}

/* A block of lines; returns whether a NaN was seen that the result may lack. */
static bool run_block(cc_pool_work *w, bool exact, cc_pool_block *b)
{
    const cc_pool_plan *plan = w->plan;
    const cc_kernels *k = plan->kernels;
    const ptrdiff_t size = k->size;
    const cc_pool_target y = {cc_pool_output(w, w->tile.plane, b->line),
                              cc_pool_line_elements(plan), plan->out_plane};
    const cc_pool_target sums =
        plan->gathered ? (cc_pool_target){w->sums, w->tile.columns * k->lanes, 0} : y;
    const reductions how = choose_reductions(&plan->problem, exact);
    if (reduce_block(w, how, b, &sums) && how.rows == CC_MAX)
        return true;
    if (plan->problem.kind == CC_POOL_NORM && plan->problem.p != HUGE_VAL)
        take_roots(w, b, &sums);
    for (int64_t i = 0; i < b->count && plan->gathered; i++)
        k->transpose(sums.to + i * sums.line * size, k->lanes, y.to + i * y.line * size, y.plane,
                     w->tile.columns, w->tile.planes);
    return false;
}

bool cc_pool_reduce_lines(cc_pool_work *w, bool exact)
{
    const cc_pool_plan *plan = w->plan;
    w->doubled_to = 0;
    cc_pool_block b;
    for (int64_t line = w->tile.line; line < w->tile.end && !cc_is_stopped(); line += b.count) {
        b = (cc_pool_block){.line = line};
        const int64_t out = plan->axis[CC_ROW].out;
        b.depth = cc_pool_window(&plan->problem, CC_DEPTH, line / out);
        b.row = cc_pool_window(&plan->problem, CC_ROW, line % out);
        int64_t most = min(plan->block_lines, w->tile.end - line);
        if (line < w->doubled_to)
            most = min(most, w->doubled_to - line);
        if (!plan->row_doubling && cc_pool_sees_constant(plan, &b.depth, &b.row))
            most = 1; /* a row of constants has none after it */
        b.count = cc_pool_alike(plan, line, most, &b.advance);
        if (run_block(w, exact, &b))
            return false;
    }
    return true;
}

bool cc_pool_is_maximum(const cc_pool *p)
{
    return cc_pool_takes_largest(choose_reductions(p, false).rows);
}
