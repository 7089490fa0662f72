/* Pooling, forward: folds the lines of a tile, a few at a time, in two steps: the rows of their
 * windows into one row, then that row with itself. Small windows take both at once, long ones climb
 * a ladder. */
#include "pool.h"
#include "whole.h"

#include <math.h>
#include <string.h>

/* What a window is folded into: how its rows are, and then the row that comes of them. */
typedef struct {
    cc_fold rows, columns;
} folds;

/* Where a block's results go. */
typedef struct {
    char *to;
    ptrdiff_t line, plane;
} place;

static folds choose_folds(const cc_pool *p, bool exact)
{
    switch (p->kind) {
    case CC_POOL_MAX:
        return exact ? (folds){CC_MAX_NAN, CC_MAX_NAN} : (folds){CC_MAX, CC_MAX};
    case CC_POOL_MEAN:
        return (folds){CC_SUM, CC_MEAN};
    case CC_POOL_NORM:
        return p->p == HUGE_VAL ? (folds){CC_MAX_ABS, CC_MAX_NAN}
               : p->p == 1      ? (folds){CC_SUM_ABS, CC_SUM}
               : p->p == 2      ? (folds){CC_SUM_SQUARES, CC_SUM}
                                : (folds){CC_SUM_POWERS, CC_SUM};
    default:
        return (folds){CC_SUM, CC_SUM};
    }
}

/* How rows that are lifted already are folded. */
cc_fold cc_pool_without_lift(cc_fold how)
{
    if (how == CC_LARGER)
        return how;
    return how == CC_MAX || how == CC_MAX_NAN ? how : how == CC_MAX_ABS ? CC_MAX_NAN : CC_SUM;
}

/* The same where somebody has looked for NaN. */
cc_fold cc_pool_looked_at(cc_fold how)
{
    return how == CC_MAX ? CC_LARGER : cc_pool_without_lift(how);
}

bool cc_pool_takes_largest(cc_fold how) { return cc_pool_without_lift(how) != CC_SUM; }

const char *cc_pool_input(const cc_pool_work *w, int64_t plane, int64_t depth, int64_t row)
{
    const cc_pool_plan *plan = w->plan;
    const cc_pool_axis *axis = plan->axis;
    const int64_t line = depth * axis[CC_ROW].in + row;
    const ptrdiff_t at =
        plane * plan->plane + (line * axis[CC_COLUMN].in + w->tile.from) * plan->lanes;
    return w->x + at * plan->kernels->size;
}

void cc_pool_fill(const cc_kernels *k, char *to, ptrdiff_t count, bool lowest)
{
    for (ptrdiff_t i = 0; i < count; i++, to += k->size)
        if (lowest)
            memcpy(to, k->lowest, (size_t)k->size);
        else
            memset(to, 0, (size_t)k->size);
}

static ptrdiff_t line_elements(const cc_pool_plan *plan)
{
    return plan->axis[CC_COLUMN].out * plan->lanes;
}

char *cc_pool_output(const cc_pool_work *w, int64_t plane, int64_t line)
{
    const cc_pool_plan *plan = w->plan;
    const ptrdiff_t at =
        plane * plan->out_plane + line * line_elements(plan) + w->tile.column * plan->lanes;
    return w->y + at * plan->kernels->size;
}

ptrdiff_t cc_pool_margin(const cc_pool_work *w)
{
    return (w->tile.from - w->tile.origin) * w->plan->lanes;
}

void cc_pool_fill_margins(const cc_pool_work *w, char *rows, int64_t count, bool lowest)
{
    const cc_kernels *k = w->plan->kernels;
    const ptrdiff_t before = cc_pool_margin(w), end = w->tile.cells * w->plan->lanes;
    const ptrdiff_t after = (w->tile.to - w->tile.origin) * w->plan->lanes;
    for (int64_t i = 0; i < count; i++, rows += w->plan->pitch * k->size) {
        cc_pool_fill(k, rows, before, lowest);
        cc_pool_fill(k, rows + after * k->size, end - after, lowest);
    }
}

ptrdiff_t cc_pool_rows(const cc_pool_work *w, int64_t plane, const cc_window *depth,
                       const cc_window *row)
{
    ptrdiff_t count = 0;
    for (int64_t d = 0; d < depth->cells; d++)
        for (int64_t r = 0; r < row->cells; r++)
            w->rows[count++] =
                cc_pool_input(w, plane, depth->first + d * depth->step, row->first + r * row->step);
    return count;
}

/* The rows of the block's windows in the input, without a vertical step. */
static void use_input(cc_pool_work *w, cc_pool_block *b)
{
    const cc_pool_plan *plan = w->plan;
    const ptrdiff_t before = cc_pool_margin(w);
    b->rows = cc_pool_rows(w, w->tile.plane, &b->depth, &b->row);
    for (ptrdiff_t r = 0; r < b->rows; r++)
        w->sources[r] = (const char *)w->rows[r] - before * plan->kernels->size;
    b->from = before;
    b->to = (w->tile.to - w->tile.origin) * plan->lanes;
    b->pitch = b->advance * plan->axis[CC_COLUMN].in * plan->lanes;
    b->plane = plan->plane;
}

/* Turns the folded rows of as many planes as there are lanes into pixels. */
static void turn(cc_pool_work *w, cc_pool_block *b)
{
    const cc_kernels *k = w->plan->kernels;
    const ptrdiff_t width = w->tile.to - w->tile.from;
    for (int64_t i = 0; i < b->count; i++) {
        const char *from = (const char *)w->sources[0] + i * b->pitch * k->size;
        k->transpose(from, b->plane, w->turned + i * w->plan->pitch * k->lanes * k->size, k->lanes,
                     w->tile.planes, width);
    }
    w->sources[0] = w->turned;
    b->lanes = k->lanes;
    b->planes = 1;
    b->pitch = w->plan->pitch * k->lanes;
    b->to = CC_POOL_EVERYWHERE;
}

/* The vertical step of neighbouring lines as wide as the input, which are one line of it. */
static bool fold_joined_rows(cc_pool_work *w, cc_folding f)
{
    const cc_kernels *k = w->plan->kernels;
    const ptrdiff_t width = f.width, lines = f.lines, line = f.dst_line, plane = f.dst_plane;
    char *dst = f.dst;
    f.width = f.to = lines * width;
    f.lines = 1;
    f.dst = w->steps;
    f.dst_plane = f.width;
    const bool nan = k->fold(&f);
    for (ptrdiff_t n = 0; n < f.planes; n++)
        k->copy(w->steps + n * f.width * k->size, width, 1, dst + n * plane * k->size, line, lines,
                width);
    return nan;
}

/* The vertical step of a block of lines; returns whether CC_MAX has seen a NaN. */
static bool fold_rows(cc_pool_work *w, cc_fold how, cc_pool_block *b)
{
    const cc_pool_plan *plan = w->plan;
    const ptrdiff_t size = plan->kernels->size, input_line = plan->axis[CC_COLUMN].in * plan->lanes;
    const ptrdiff_t width = (w->tile.to - w->tile.from) * plan->lanes;
    const int64_t window = b->depth.cells * b->row.cells;
    const bool is_row =
        window == 1 && how == cc_pool_without_lift(how) && !plan->ladder && !plan->row_ladder;
    b->lanes = plan->lanes;
    b->planes = w->tile.planes;
    b->folded = !is_row && !(plan->whole && window > 0 && !plan->gathered);
    if (!b->folded) {
        use_input(w, b);
        if (plan->gathered)
            turn(w, b);
        return false;
    }
    char *folded = w->folded + cc_pool_margin(w) * size;
    b->rows = 1;
    b->from = -CC_POOL_EVERYWHERE;
    b->to = CC_POOL_EVERYWHERE;
    b->pitch = plan->pitch;
    b->plane = b->count * plan->pitch;
    w->sources[0] = w->folded;
    bool nan = false;
    if (plan->row_ladder) {
        if (b->line < w->climbed_from || b->line + b->count > w->climbed_to)
            nan = cc_pool_climb_rows(w, how, b->line);
        w->sources[0] = w->folded + (b->line - w->climbed_from) * plan->pitch * size;
        b->plane = plan->climbed_rows * plan->pitch;
        return nan;
    }
    const cc_folding f = {.how = how,
                          .p = plan->problem.p,
                          .count = cc_pool_rows(w, w->tile.plane, &b->depth, &b->row),
                          .rows = w->rows,
                          .taps = 1,
                          .step = 1,
                          .width = width,
                          .to = width,
                          .lines = b->count,
                          .planes = b->planes,
                          .src_line = b->advance * input_line,
                          .src_plane = plan->plane,
                          .dst_line = b->pitch,
                          .dst_plane = b->plane,
                          .dst = folded};
    nan = plan->joined_rows && b->advance == 1 && width == input_line ? fold_joined_rows(w, f)
                                                                      : plan->kernels->fold(&f);
    if (plan->gathered)
        turn(w, b);
    return nan;
}

static void divide_by(cc_folding *f, const cc_pool_block *b, const cc_window *column)
{
    f->divisor = (double)b->depth.counted * (double)b->row.counted * (double)column->counted;
    const int64_t whole = f->divisor < 0x1p52 ? (int64_t)f->divisor : 3;
    f->inverse = (whole & (whole - 1)) == 0 ? 1 / f->divisor : 0;
}

/* Divisors of all results of a line of a plane, where they differ. */
static const void *find_divisors(cc_pool_work *w, const cc_pool_block *b)
{
    const double rows = (double)b->depth.counted * (double)b->row.counted;
    const cc_window *c = w->columns;
    const int64_t count = w->tile.columns;
    int64_t alike = 1;
    while (alike < count && c[alike].counted == c[0].counted) alike++;
    if (alike == count)
        return NULL;
    if (w->counted_rows != rows) {
        for (int64_t o = 0; o < count; o++) w->counted[o] = rows * (double)c[o].counted;
        w->plan->kernels->numbers(w->counted, count, w->divisors);
        w->counted_rows = rows;
    }
    return w->divisors;
}

/* Folds the pieces of a long window into one, which is then the window. */
static bool fold_pieces(const cc_pool_work *w, cc_fold how, const cc_pool_block *b, ptrdiff_t start,
                        int64_t cells)
{
    const ptrdiff_t size = w->plan->kernels->size, lanes = b->lanes, piece = CC_POOL_PIECE * lanes;
    cc_folding f = {.how = how,
                    .rows = w->sources,
                    .count = 1,
                    .start = start,
                    .taps = cells / CC_POOL_PIECE,
                    .tap = piece,
                    .step = 1,
                    .to = CC_POOL_EVERYWHERE,
                    .width = piece,
                    .lines = 1,
                    .planes = 1,
                    .dst = w->steps};
    f.to = start + f.taps * piece;
    bool nan = w->plan->kernels->fold(&f);
    w->rows[0] = w->steps;
    w->rows[1] = (const char *)w->sources[0] + f.to * size;
    f.rows = w->rows;
    f.count = 2;
    f.taps = 1;
    f.start = 0;
    f.to = f.width = cells % CC_POOL_PIECE * lanes;
    nan |= w->plan->kernels->fold(&f);
    return nan;
}

/* The horizontal step's fold, for results that are still to be chosen. */
static cc_folding start_fold(const cc_pool_work *w, cc_fold how, const cc_pool_block *b,
                             const place *dst)
{
    return (cc_folding){.how = how,
                        .p = w->plan->problem.p,
                        .rows = w->sources,
                        .count = b->rows,
                        .step = 1,
                        .from = b->from,
                        .to = b->to,
                        .lines = b->count,
                        .planes = b->planes,
                        .src_line = b->pitch,
                        .src_plane = b->plane,
                        .dst_line = dst->line,
                        .dst_plane = dst->plane};
}

/* The horizontal step: one output pixel of every line at a time, its lanes being the vector. */
static bool fold_pixels(cc_pool_work *w, cc_fold how, const cc_pool_block *b, const place *dst)
{
    const cc_pool_plan *plan = w->plan;
    const int64_t stride = plan->axis[CC_COLUMN].of.stride;
    const ptrdiff_t steps = plan->ladder ? cc_pool_climb_columns(w, cc_pool_looked_at(how), b) : 0;
    bool nan = false;
    for (int64_t o = 0; o < w->tile.columns; o++) {
        const cc_window *c = &w->columns[o];
        cc_folding f = start_fold(w, how, b, dst);
        f.start = (c->first - w->tile.origin) * b->lanes;
        f.taps = c->cells;
        f.tap = c->step * b->lanes;
        f.width = b->lanes;
        f.dst = dst->to + o * b->lanes * plan->kernels->size;
        if (steps) {
            f.rows = w->rows;
            f.count = steps;
            f.start = o * stride * b->lanes;
            f.taps = 1;
        } else if (plan->pieces && c->cells > CC_POOL_LONG) {
            nan |= fold_pieces(w, cc_pool_without_lift(how), b, f.start, c->cells);
            w->rows[0] = w->steps;
            f.rows = w->rows;
            f.start = 0;
            f.taps = CC_POOL_PIECE;
            f.to = CC_POOL_EVERYWHERE;
        } else if (c->cells == 0) {
            f.count = 0;
        }
        divide_by(&f, b, c);
        nan |= plan->kernels->fold(&f);
    }
    return nan;
}

/* The horizontal step for all lines of a block as for one: what runs over their ends is not used.
 */
static void fold_joined(cc_pool_work *w, cc_fold how, const cc_pool_block *b, const place *dst)
{
    const cc_pool_plan *plan = w->plan;
    const cc_axis *of = &plan->axis[CC_COLUMN].of;
    const ptrdiff_t size = plan->kernels->size;
    const place joined = {w->steps, 0, 0};
    cc_folding f = start_fold(w, cc_pool_looked_at(how), b, &joined);
    f.taps = of->kernel;
    f.tap = of->dilation;
    f.lines = f.planes = 1;
    f.width = b->planes * b->plane - (of->kernel - 1) * of->dilation;
    f.dst = joined.to;
    plan->kernels->fold(&f);
    for (int64_t n = 0; n < b->planes; n++)
        plan->kernels->copy(w->steps + n * b->plane * size, b->pitch, 1,
                            dst->to + n * dst->plane * size, dst->line, b->count, w->tile.columns);
}

/* The horizontal step where outputs are neighbours. */
static bool fold_flat(cc_pool_work *w, cc_fold how, const cc_pool_block *b, const place *dst)
{
    const cc_pool_plan *plan = w->plan;
    const cc_axis *of = &plan->axis[CC_COLUMN].of;
    if (plan->joined && b->folded) {
        fold_joined(w, how, b, dst);
        return false;
    }
    const ptrdiff_t steps = plan->ladder ? cc_pool_climb_columns(w, cc_pool_looked_at(how), b) : 0;
    const void *divisors = how == CC_MEAN && b->lanes == 1 ? find_divisors(w, b) : NULL;
    bool nan = false;
    int64_t end;
    for (int64_t o = 0; o < w->tile.columns; o = end) { /* a divisor, or an array of them, a time */
        for (end = o + 1;
             end < w->tile.columns &&
             (how != CC_MEAN || divisors || w->columns[end].counted == w->columns[o].counted);)
            end++;
        cc_folding f = start_fold(w, how, b, dst);
        f.start = o * of->stride * b->lanes;
        f.taps = of->kernel;
        f.tap = of->dilation * b->lanes;
        f.step = plan->lanes == 1 ? of->stride : 1;
        f.width = (end - o) * b->lanes;
        f.dst = dst->to + o * b->lanes * plan->kernels->size;
        f.divisors = divisors;
        if (steps) {
            f.rows = w->rows;
            f.count = steps;
            f.taps = 1;
        }
        divide_by(&f, b, &w->columns[o]);
        nan |= plan->kernels->fold(&f);
    }
    return nan;
}

static bool fold_block(cc_pool_work *w, folds how, cc_pool_block *b, const place *dst)
{
    const bool nan = fold_rows(w, how.rows, b);
    const cc_fold last = b->folded || how.columns == CC_MEAN ? how.columns : how.rows;
    const bool is_known = b->folded && last == CC_MAX && w->plan->ladder;
    const bool again = w->plan->flat ? fold_flat(w, is_known ? CC_LARGER : last, b, dst)
                                     : fold_pixels(w, is_known ? CC_LARGER : last, b, dst);
    return b->folded ? nan : again; /* of folded rows the second step also sees what lies beside */
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
    const cc_cells cells = {.rows = w->rows,
                            .count = cc_pool_rows(w, plane, &b->depth, &row),
                            .cells = c->cells,
                            .step = c->step * plan->lanes};
    const ptrdiff_t at = (c->first - w->tile.from) * plan->lanes + (plan->gathered ? 0 : lane);
    for (ptrdiff_t r = 0; r < cells.count; r++)
        w->rows[r] = (const char *)w->rows[r] + at * k->size;
    k->norm(&cells, plan->problem.p, y);
}

/* Turns sums of powers into norms. Sums that may have lost something are computed anew, unless the
 * largest cell says that there was nothing to lose. */
static void take_roots(cc_pool_work *w, cc_pool_block *b, const place *sums)
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
            const place largest = {w->largest, count, b->count * count};
            w->climbed_to = 0; /* what is kept for the next lines is made of sums */
            fold_block(w, (folds){CC_MAX_ABS, CC_MAX_NAN}, b, &largest);
            w->climbed_to = 0;
        }
        largest_known = true;
        if (!k->root(line, w->largest + j * count * size, count, p))
            for (ptrdiff_t e = 0; e < count; e++) exact_norm(w, b, n, i, e, line + e * size);
    }
}

/* A block of lines; returns whether a NaN was seen that the result may lack. */
static bool run_block(cc_pool_work *w, bool exact, cc_pool_block *b)
{
    const cc_pool_plan *plan = w->plan;
    const cc_kernels *k = plan->kernels;
    const ptrdiff_t size = k->size;
    const place y = {cc_pool_output(w, w->tile.plane, b->line), line_elements(plan),
                     plan->out_plane};
    const place sums = plan->gathered ? (place){w->sums, w->tile.columns * k->lanes, 0} : y;
    const folds how = choose_folds(&plan->problem, exact);
    if (fold_block(w, how, b, &sums) && how.rows == CC_MAX)
        return true;
    if (plan->problem.kind == CC_POOL_NORM && plan->problem.p != HUGE_VAL)
        take_roots(w, b, &sums);
    for (int64_t i = 0; i < b->count && plan->gathered; i++)
        k->transpose(sums.to + i * sums.line * size, k->lanes, y.to + i * y.line * size, y.plane,
                     w->tile.columns, w->tile.planes);
    return false;
}

bool cc_pool_fold_lines(cc_pool_work *w, bool exact)
{
    const cc_pool_plan *plan = w->plan;
    w->climbed_to = 0;
    cc_pool_block b;
    for (int64_t line = w->tile.line; line < w->tile.end; line += b.count) {
        b = (cc_pool_block){.line = line};
        const int64_t out = plan->axis[CC_ROW].out;
        b.depth = cc_pool_window(&plan->problem, CC_DEPTH, line / out);
        b.row = cc_pool_window(&plan->problem, CC_ROW, line % out);
        int64_t most = min(plan->block_lines, w->tile.end - line);
        if (line < w->climbed_to)
            most = min(most, w->climbed_to - line);
        b.count = cc_pool_alike(plan, line, most, &b.advance);
        if (run_block(w, exact, &b))
            return false;
    }
    return true;
}

bool cc_pool_is_maximum(const cc_pool *p)
{
    return cc_pool_takes_largest(choose_folds(p, false).rows);
}
