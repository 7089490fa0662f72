/* Doubling: reductions of long windows along rows and along columns, in as many steps as the window
 * has bits.
 */
#include "border.h"
#include "../base/integers.h"

/* What is doubled: windows of `kernel` cells, `tap` elements apart, of a row of `count` elements;
 * and where to. */
typedef struct {
    int64_t kernel;
    ptrdiff_t tap, count;
    const char *cells;
    char *steps;
} doubled;

/* Goes from windows of one cell to windows of nearly the whole kernel, in place: a window of 2 w
 * cells is two of w, and one of 2 w + 1 has a cell more. Rows are taken as one, `count` elements
 * long: what runs over their ends is never used. Leaves the last step, of 2 or 3 rows in
 * work->rows, to the caller. */
static ptrdiff_t double_up(const cc_pool_work *w, cc_reduction how, const doubled *of)
{
    const int64_t kernel = of->kernel;
    const ptrdiff_t size = w->plan->kernels->size, tap = of->tap;
    const char *halves = of->cells;
    int bit = 0;
    while (kernel >> (bit + 1)) bit++;
    int64_t length = 1;
    for (;;) {
        const bool odd = kernel >> --bit & 1;
        w->rows[0] = halves;
        w->rows[1] = halves + length * tap * size;
        w->rows[2] = of->cells + 2 * length * tap * size;
        length = 2 * length + odd;
        if (bit == 0)
            return odd ? 3 : 2;
        const cc_reduce_args f = {.how = how,
                                  .rows = w->rows,
                                  .count = odd ? 3 : 2,
                                  .taps = 1,
                                  .step = 1,
                                  .to = CC_POOL_EVERYWHERE,
                                  .width = of->count - (length - 1) * tap,
                                  .lines = 1,
                                  .planes = 1,
                                  .dst = of->steps};
        w->plan->kernels->reduce(&f);
        halves = of->steps;
    }
}

/* Rows from <= row < to of the input, of one plane or of all, are mapped into padded rows. */
typedef struct {
    int64_t plane, planes, depth, from, to;
} row_range;

static bool copy_range(cc_pool_work *w, cc_reduction how, const row_range *of, int64_t column,
                       int64_t cells, char *dst)
{
    const cc_pool_plan *plan = w->plan;
    const cc_reduce_args f = {.how = how,
                              .p = plan->problem.p,
                              .rows = w->rows,
                              .count = 1,
                              .taps = 1,
                              .step = 1,
                              .to = cells * plan->lanes,
                              .width = cells * plan->lanes,
                              .lines = of->to - of->from,
                              .planes = of->planes,
                              .src_line = plan->axis[CC_COLUMN].cells * plan->lanes,
                              .src_plane = plan->plane,
                              .dst = dst,
                              .dst_line = plan->pitch,
                              .dst_plane = plan->doubled_rows * plan->pitch};
    w->rows[0] = cc_pool_input(w, w->tile.plane + of->plane, of->depth, of->from, column);
    return plan->kernels->reduce(&f);
}

/* ... with what columns beside the input show; `padded`: the first row. */
static bool copy_rows(cc_pool_work *w, cc_reduction how, const row_range *of, char *padded)
{
    const cc_pool_plan *plan = w->plan;
    const cc_kernels *k = plan->kernels;
    const ptrdiff_t lanes = plan->lanes, pitch = plan->pitch;
    const int64_t cells = w->tile.shown_to - w->tile.shown_from, lines = of->to - of->from;
    char *dst = padded + (w->tile.shown_from - w->tile.origin) * lanes * k->size;
    bool nan = cells > 0 && copy_range(w, how, of, cc_pool_first_column(w), cells, dst);
    for (int64_t i = 0; i < w->others; i++) {
        const cc_pool_column column = cc_pool_other_column(w, i);
        dst = padded + column.at * lanes * k->size;
        if (column.source >= 0)
            nan |= copy_range(w, how, of, column.source, 1, dst);
    }
    if (cc_pool_shown_columns(&w->tile))
        for (int64_t n = 0; n < of->planes; n++)
            cc_pool_copy_columns(w, padded + n * plan->doubled_rows * pitch * k->size, lines,
                                 pitch);
    return nan;
}

/* Rows of the padding, one by one: they are elsewhere, or constants, the same in all planes. */
static bool copy_shown_rows(cc_pool_work *w, cc_reduction how, int64_t depth, int64_t first,
                            int64_t rows)
{
    const cc_pool_plan *plan = w->plan;
    const cc_pool_axis *axis = &plan->axis[CC_ROW];
    const ptrdiff_t row = plan->pitch * plan->kernels->size, plane = plan->doubled_rows * row;
    const bool is_constant = cc_pool_cell_at(plan, CC_DEPTH, depth) < 0;
    bool nan = false;
    for (int64_t r = 0; r < rows; r++) {
        const int64_t cell = first + r;
        const bool is_input = cell >= axis->before && cell < axis->before + axis->cells;
        if (cell < 0 || cell >= axis->in || (is_input && !is_constant))
            continue;
        for (int64_t n = 0; n < w->tile.planes; n++) {
            const row_range one = {n, 1, depth, cell, cell + 1};
            nan |= copy_rows(w, how, &one, w->padded + n * plane + r * row);
        }
    }
    return nan;
}

/* The vertical step by doubling, for the block's lines and as many more as belong together: the
 * rows that they see, with those in the padding, are copied and then doubled. */
bool cc_pool_double_rows(cc_pool_work *w, cc_reduction how, int64_t line)
{
    const cc_pool_plan *plan = w->plan;
    const cc_kernels *k = plan->kernels;
    const cc_pool_axis *axis = &plan->axis[CC_ROW];
    const cc_axis *of = &axis->of;
    const int64_t depth = cc_pool_window(&plan->problem, CC_DEPTH, line / of->out).first;
    const int64_t left = min(of->out - line % of->out, w->tile.end - line);
    const int64_t lines = min(plan->doubled_lines, left);
    const int64_t first = line % of->out * of->stride - of->before;
    const int64_t rows = (lines - 1) * of->stride + (of->kernel - 1) * of->dilation + 1;
    const int64_t from = min(max(first, axis->before), axis->before + axis->cells);
    const int64_t to = max(from, min(first + rows, axis->before + axis->cells));
    const ptrdiff_t pitch = plan->pitch, plane = plan->doubled_rows * pitch;
    const row_range input = {0, w->tile.planes, depth, from, to};
    bool nan = false;
    if (w->padded_first != first || w->constant_how != how || w->constant_terms == 0)
        for (int64_t i = 0; i < w->others; i++) { /* constants stand in all rows */
            const cc_pool_column column = cc_pool_other_column(w, i);
            if (column.source < 0)
                cc_pool_reduce_constant(w, how, column.source, 1,
                                        w->padded + column.at * plan->lanes * k->size);
        }
    w->constant_how = how;
    w->constant_terms = 1;
    if (to > from && cc_pool_cell_at(plan, CC_DEPTH, depth) >= 0)
        nan = copy_rows(w, how, &input, w->padded + (from - first) * pitch * k->size);
    if (axis->cells != axis->in || plan->axis[CC_DEPTH].cells != plan->axis[CC_DEPTH].in)
        nan |= copy_shown_rows(w, how, depth, first, rows);
    for (int64_t i = 0; i < plan->group_planes && w->padded_first != first; i++)
        for (int64_t r = 0; r < rows; r++)
            if (first + r < 0 || first + r >= of->in)
                cc_pool_fill(k, w->padded + (i * plane + r * pitch) * k->size, pitch,
                             cc_pool_takes_largest(how));
    w->padded_first = first; /* where the rows of other planes leave the padding as it is */

    cc_reduce_args f = {.rows = w->rows, .taps = 1, .step = 1, .planes = w->tile.planes};
    f.how = cc_pool_nan_checked(how);
    const doubled rows_of = {of->kernel, of->dilation * pitch, w->tile.planes * plane, w->padded,
                             w->reduced};
    f.count = double_up(w, f.how, &rows_of);
    f.to = CC_POOL_EVERYWHERE;
    f.width = of->stride == 1 ? lines * pitch : pitch;
    f.lines = of->stride == 1 ? 1 : lines;
    f.src_line = of->stride * pitch;
    f.src_plane = plane;
    f.dst = w->reduced; /* line by line, each where its first row was */
    f.dst_line = pitch;
    f.dst_plane = plane;
    k->reduce(&f);
    w->doubled_from = line;
    w->doubled_to = line + lines;
    w->last_steps = 0;
    return nan;
}

/* The horizontal step by doubling; all lines that the vertical one has doubled are doubled
 * together.
 */
ptrdiff_t cc_pool_double_columns(cc_pool_work *w, cc_reduction how, const cc_pool_block *b)
{
    const cc_pool_plan *plan = w->plan;
    const cc_axis *of = &plan->axis[CC_COLUMN].of;
    const bool together = plan->row_doubling;
    const ptrdiff_t size = plan->kernels->size, tap = of->dilation * b->lanes;
    if (!together || w->last_steps == 0) {
        const doubled row = {of->kernel, tap, b->planes * b->plane,
                             together ? w->reduced : w->sources[0], w->steps};
        w->last_steps = double_up(w, how, &row);
        for (int i = 0; i < w->last_steps; i++) w->last[i] = w->rows[i];
    }
    const ptrdiff_t line = together ? b->line - w->doubled_from : 0;
    for (int i = 0; i < w->last_steps; i++) w->rows[i] = w->last[i] + line * b->pitch * size;
    return w->last_steps;
}
