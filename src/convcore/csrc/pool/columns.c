/* The horizontal step of a pooling: reduces rows that are as wide as the input, with themselves,
 * into the outputs of a block of lines. */
#include "../base/integers.h"
#include "work.h"

static void divide_by(cc_reduce_args *f, const cc_pool_block *b, const cc_window *column)
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
    if (w->alike[0] == count)
        return NULL;
    if (w->counted_rows != rows) {
        const int64_t end = count + w->plan->kernels->lanes; /* whole vectors are divided */
        for (int64_t o = 0; o < end; o++)
            w->counted[o] = o < count ? rows * (double)c[o].counted : 1;
        w->plan->kernels->convert_from_f64(w->counted, end, w->divisors);
        w->counted_rows = rows;
    }
    return w->divisors;
}

/* Folds the pieces of a long window into one, which is then the window. */
static bool reduce_pieces(const cc_pool_work *w, cc_reduction how, const cc_pool_block *b,
                          ptrdiff_t start, int64_t cells)
{
    const ptrdiff_t size = w->plan->kernels->size, lanes = b->lanes, piece = CC_POOL_PIECE * lanes;
    cc_reduce_args f = {.how = how,
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
    bool nan = w->plan->kernels->reduce(&f);
    w->rows[0] = w->steps;
    w->rows[1] = (const char *)w->sources[0] + f.to * size;
    f.rows = w->rows;
    f.count = 2;
    f.taps = 1;
    f.start = 0;
    f.to = f.width = cells % CC_POOL_PIECE * lanes;
    nan |= w->plan->kernels->reduce(&f);
    return nan;
}

/* The horizontal step's reduction, for results that are still to be chosen. */
static cc_reduce_args start_reduction(const cc_pool_work *w, cc_reduction how,
                                      const cc_pool_block *b, const cc_pool_target *dst)
{
    return (cc_reduce_args){.how = how,
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

/* Outputs of the tile from o on whose windows are alike, at equal distances: `advance` cells. What
 * a doubling reduces is padded, and only a mean still has to know how many cells are not. */
static int64_t alike_columns(const cc_pool_work *w, int64_t o, int64_t *advance)
{
    const cc_window *c = w->columns + o;
    const bool doubling = w->plan->doubling;
    int64_t count = 1;
    *advance = doubling ? w->plan->axis[CC_COLUMN].of.stride : 0;
    for (; o + count < w->tile.columns && c[count].counted == c->counted; count++) {
        const int64_t step = c[count].first - c[count - 1].first;
        if (doubling)
            continue;
        if (c[count].cells != c->cells || c[count].step != c->step ||
            (count > 1 && step != *advance))
            break;
        *advance = step;
    }
    return count;
}

/* `count` outputs of all lines from output o on, whose windows are alike: windows are reduced at
 * all cells between, as if the stride were 1, and every stride-th pixel is kept. */
static bool reduce_picked(cc_pool_work *w, const cc_pool_block *b, const cc_pool_target *dst,
                          cc_reduce_args f, int64_t count)
{
    const cc_kernels *k = w->plan->kernels;
    const ptrdiff_t stride = w->plan->axis[CC_COLUMN].of.stride;
    const cc_move move = {.rows = count,
                          .columns = b->lanes,
                          .src_row = stride * b->lanes,
                          .src_column = 1,
                          .dst_row = b->lanes};
    char *to = f.dst;
    f.width = ((count - 1) * stride + 1) * b->lanes;
    f.dst = w->steps;
    f.dst_line = f.width;
    f.dst_plane = f.width * f.lines;
    const bool nan = k->reduce(&f);
    for (int64_t n = 0; n < b->planes; n++)
        for (int64_t i = 0; i < b->count; i++)
            k->copy(&move, w->steps + (n * f.dst_plane + i * f.dst_line) * k->size,
                    to + (n * dst->plane + i * dst->line) * k->size);
    return nan;
}

/* The horizontal step: one output pixel of every line at a time, its lanes being the vector; of a
 * single line all pixels whose windows are alike. */
static bool reduce_pixels(cc_pool_work *w, cc_reduction how, const cc_pool_block *b,
                          const cc_pool_target *dst)
{
    const cc_pool_plan *plan = w->plan;
    const int64_t stride = plan->axis[CC_COLUMN].of.stride;
    const ptrdiff_t steps =
        plan->doubling ? cc_pool_double_columns(w, cc_pool_nan_checked(how), b) : 0;
    bool nan = false;
    for (int64_t o = 0, count; o < w->tile.columns; o += count) {
        const cc_window *c = &w->columns[o];
        cc_reduce_args f = start_reduction(w, how, b, dst);
        int64_t advance;
        count =
            (b->count == 1 || plan->picked) && !plan->pieces ? alike_columns(w, o, &advance) : 1;
        const bool picked = plan->picked && count >= CC_POOL_PICKED && advance == stride;
        if (b->count > 1 && !picked)
            count = 1;
        if (count > 1 && !picked) {
            f.lines = count;
            f.src_line = advance * b->lanes;
            f.dst_line = b->lanes;
            /* as seen from the last of them, which in an adjoint may lie before the first */
            const ptrdiff_t moved = (count - 1) * f.src_line;
            if (moved > 0)
                f.to -= moved;
            else
                f.from -= moved;
        }
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
            nan |= reduce_pieces(w, cc_pool_without_map(how), b, f.start, c->cells);
            w->rows[0] = w->steps;
            f.rows = w->rows;
            f.start = 0;
            f.taps = CC_POOL_PIECE;
            f.to = CC_POOL_EVERYWHERE;
        } else if (c->cells == 0) {
            f.count = 0;
        }
        divide_by(&f, b, c);
        nan |= picked ? reduce_picked(w, b, dst, f, count) : plan->kernels->reduce(&f);
    }
    return nan;
}

/* The horizontal step for all lines of a block as for one: what runs over their ends is not used.
 */
static void reduce_joined(cc_pool_work *w, cc_reduction how, const cc_pool_block *b,
                          const cc_pool_target *dst)
{
    const cc_pool_plan *plan = w->plan;
    const cc_axis *of = &plan->axis[CC_COLUMN].of;
    const ptrdiff_t size = plan->kernels->size;
    const cc_pool_target joined = {w->steps, 0, 0};
    cc_reduce_args f = start_reduction(w, cc_pool_nan_checked(how), b, &joined);
    f.taps = of->kernel;
    f.tap = of->dilation;
    f.lines = f.planes = 1;
    f.width = b->planes * b->plane - (of->kernel - 1) * of->dilation;
    f.dst = joined.to;
    const cc_move move = {.rows = b->count,
                          .columns = w->tile.columns,
                          .src_row = b->pitch,
                          .src_column = 1,
                          .dst_row = dst->line};
    plan->kernels->reduce(&f);
    for (int64_t n = 0; n < b->planes; n++)
        plan->kernels->copy(&move, w->steps + n * b->plane * size, dst->to + n * dst->plane * size);
}

/* The horizontal step where outputs are neighbours. */
static bool reduce_flat(cc_pool_work *w, cc_reduction how, const cc_pool_block *b,
                        const cc_pool_target *dst)
{
    const cc_pool_plan *plan = w->plan;
    const cc_axis *of = &plan->axis[CC_COLUMN].of;
    if (plan->joined && b->reduced) {
        reduce_joined(w, how, b, dst);
        return false;
    }
    const ptrdiff_t steps =
        plan->doubling ? cc_pool_double_columns(w, cc_pool_nan_checked(how), b) : 0;
    const void *divisors = how == CC_MEAN && b->lanes == 1 ? find_divisors(w, b) : NULL;
    bool nan = false;
    int64_t end;
    for (int64_t o = 0; o < w->tile.columns; o = end) { /* a divisor, or an array of them, a time */
        end = how != CC_MEAN || divisors ? w->tile.columns : w->alike[o];
        cc_reduce_args f = start_reduction(w, how, b, dst);
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
        nan |= plan->kernels->reduce(&f);
    }
    return nan;
}

bool cc_pool_reduce_columns(cc_pool_work *w, cc_reduction how, const cc_pool_block *b,
                            const cc_pool_target *dst)
{
    return w->plan->flat ? reduce_flat(w, how, b, dst) : reduce_pixels(w, how, b, dst);
}
