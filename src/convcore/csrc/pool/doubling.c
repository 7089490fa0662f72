/* Doubling: reductions of long windows along rows and along columns, in as many steps as the window
 * has bits.
 */
#include "work.h"
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

/* The vertical step by doubling, for the block's lines and as many more as belong together: the
 * rows that they see, with those in the padding, are copied and then doubled. */
bool cc_pool_double_rows(cc_pool_work *w, cc_reduction how, int64_t line)
{
    const cc_pool_plan *plan = w->plan;
    const cc_kernels *k = plan->kernels;
    const cc_axis *of = &plan->axis[CC_ROW].of;
    const int64_t depth = cc_pool_window(&plan->problem, CC_DEPTH, line / of->out).first;
    const int64_t left = min(of->out - line % of->out, w->tile.end - line);
    const int64_t lines = min(plan->doubled_lines, left);
    const int64_t first = line % of->out * of->stride - of->before;
    const int64_t rows = (lines - 1) * of->stride + (of->kernel - 1) * of->dilation + 1;
    const int64_t from = min(first > 0 ? first : 0, of->in), to = min(first + rows, of->in);
    const ptrdiff_t pitch = plan->pitch, plane = plan->doubled_rows * pitch;
    cc_reduce_args f = {.how = how,
                        .p = plan->problem.p,
                        .rows = w->rows,
                        .count = 1,
                        .taps = 1,
                        .step = 1,
                        .to = (w->tile.to - w->tile.from) * plan->lanes,
                        .width = (w->tile.to - w->tile.from) * plan->lanes,
                        .lines = to > from ? to - from : 0,
                        .planes = w->tile.planes,
                        .src_line = plan->axis[CC_COLUMN].in * plan->lanes,
                        .src_plane = plan->plane,
                        .dst = w->padded + ((from - first) * pitch + cc_pool_margin(w)) * k->size,
                        .dst_line = pitch,
                        .dst_plane = plane};
    w->rows[0] = cc_pool_input(w, w->tile.plane, depth, from);
    const bool nan = f.lines > 0 && k->reduce(&f);
    for (int64_t i = 0; i < plan->group_planes && w->padded_first != first; i++)
        for (int64_t r = 0; r < rows; r++)
            if (first + r < from || first + r >= to)
                cc_pool_fill(k, w->padded + (i * plane + r * pitch) * k->size, pitch,
                             cc_pool_takes_largest(how));
    w->padded_first = first; /* where the rows of other planes leave the padding as it is */

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
