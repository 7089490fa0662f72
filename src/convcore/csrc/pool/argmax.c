/* Pooling, forward, with the offsets of the maxima: the reduces of values again, by the kernel that
 * remembers where each came from. */
#include "../base/parallel.h"
#include "border.h"

/* Elements of the tile's reduced row where there is nothing: later than any cell. */
static void fill_ranks(const cc_pool_work *w)
{
    const ptrdiff_t lanes = w->plan->lanes, end = w->tile.cells * lanes;
    for (ptrdiff_t i = 0; i < cc_pool_margin(w); i++) w->offset[i] = INT32_MAX;
    for (ptrdiff_t i = (w->tile.to - w->tile.origin) * lanes; i < end; i++)
        w->offset[i] = INT32_MAX;
}

/* The vertical step: the first maximum of `count` rows in each of `width` columns, and which row.
 */
static void reduce_range(const cc_pool_work *w, ptrdiff_t count, ptrdiff_t width, ptrdiff_t first)
{
    const cc_argmax_args f = {.rows = w->rows,
                              .count = count,
                              .step = 1,
                              .width = width,
                              .best = w->reduced + first * w->plan->kernels->size,
                              .offset = w->offset + first};
    w->plan->kernels->argmax(&f);
}

/* ... of each column of a line's window, and then of columns beside the input, which show others or
 * a constant. */
static void reduce_rows(const cc_pool_work *w, int64_t plane, const cc_window *depth,
                        const cc_window *row)
{
    const ptrdiff_t lanes = w->plan->lanes;
    const cc_pool_tile *t = &w->tile;
    const ptrdiff_t count = cc_pool_rows(w, plane, depth, row, cc_pool_first_column(w));
    reduce_range(w, count, (t->shown_to - t->shown_from) * lanes,
                 (t->shown_from - t->origin) * lanes);
    for (int64_t i = 0; i < w->others; i++) {
        const cc_pool_column column = cc_pool_other_column(w, i);
        if (column.source >= 0)
            cc_pool_rows(w, plane, depth, row, column.source);
        for (ptrdiff_t r = 0; column.source < 0 && r < count; r++)
            w->rows[r] = cc_pool_constant(w, CC_COLUMN, column.source);
        reduce_range(w, count, lanes, column.at * lanes);
    }
    if (cc_pool_shown_columns(t)) {
        cc_pool_copy_columns(w, w->reduced, 1, 0);
        for (ptrdiff_t i = 0; i < cc_pool_shown_columns(t) * lanes; i++)
            w->offset[cc_pool_shown_element(w, i)] = w->offset[w->shown[i]];
    }
}

/* `width` elements from output `output` on, `step` apart, whose windows' cells begin at `first` of
 * the reduced row and are `tap` cells apart. */
typedef struct {
    int64_t output;
    ptrdiff_t width, step;
    int64_t first, cells, tap;
} alike_windows;

/* The horizontal step. Long windows take several calls, each of which goes on from what the one
 * before has found. */
static void reduce_columns(const cc_pool_work *w, const alike_windows *of, char *y)
{
    const int64_t o = of->output;
    const cc_pool_plan *plan = w->plan;
    const ptrdiff_t lanes = plan->lanes, size = plan->kernels->size;
    int32_t *rank = w->rank, *offset = w->rank + plan->tile_outputs * lanes;
    cc_argmax_args f = {.rows = w->rows,
                        .ranks = w->ranks,
                        .step = of->step,
                        .width = of->width,
                        .best = y + o * lanes * size,
                        .rank = rank + o * lanes,
                        .offset = offset + o * lanes};
    for (; f.from < of->cells; f.from += f.count) {
        const int64_t left = of->cells - f.from;
        f.count = left < plan->pointers ? left : plan->pointers;
        for (ptrdiff_t i = 0; i < f.count; i++) {
            const ptrdiff_t at = (of->first + (f.from + i) * of->tap) * lanes;
            w->rows[i] = w->reduced + at * size;
            w->ranks[i] = w->offset + at;
        }
        plan->kernels->argmax(&f);
    }
}

/* Positions in the plane from the row of the window and the cell of the row. */
static void write_index(const cc_pool_work *w, int64_t plane, int64_t line, const cc_window *depth,
                        const cc_window *row)
{
    const cc_pool_plan *plan = w->plan;
    const cc_pool_axis *axis = plan->axis;
    const ptrdiff_t lanes = plan->lanes, count = w->tile.columns * lanes;
    const int32_t *rank = w->rank, *offset = w->rank + plan->tile_outputs * lanes;
    int64_t *index =
        w->index + plane * plan->out_plane + (line * axis[CC_COLUMN].out + w->tile.column) * lanes;
    for (int64_t o = 0; o < w->tile.columns; o++) {
        const cc_window *c = &w->columns[o];
        /* flat reduces count the taps in the padding too */
        const int64_t first =
            plan->flat ? w->tile.origin + o * axis[CC_COLUMN].of.stride : c->first;
        for (ptrdiff_t e = o * lanes; e < (o + 1) * lanes && e < count; e++) {
            const int64_t d = depth->first + rank[e] / row->cells * depth->step;
            const int64_t r = row->first + rank[e] % row->cells * row->step;
            const int64_t cell = first + offset[e] * c->step;
            index[e] = plan->has_border ? cc_pool_index(plan, d, r, cell)
                                        : (d * axis[CC_ROW].in + r) * axis[CC_COLUMN].in + cell;
        }
    }
}

static void find_line(const cc_pool_work *w, int64_t plane, int64_t line)
{
    const cc_pool_plan *plan = w->plan;
    const cc_axis *of = &plan->axis[CC_COLUMN].of;
    const int64_t out = plan->axis[CC_ROW].out;
    const cc_window depth = cc_pool_window(&plan->problem, CC_DEPTH, line / out);
    const cc_window row = cc_pool_window(&plan->problem, CC_ROW, line % out);
    reduce_rows(w, plane, &depth, &row);
    char *y = cc_pool_output(w, plane, line);
    if (plan->flat) {
        const alike_windows all = {.width = w->tile.columns * plan->lanes,
                                   .step = plan->lanes == 1 ? of->stride : 1,
                                   .cells = of->kernel,
                                   .tap = of->dilation};
        reduce_columns(w, &all, y);
    }
    for (int64_t o = 0; o < w->tile.columns && !plan->flat; o++) {
        const cc_window *c = &w->columns[o];
        const alike_windows one = {o, plan->lanes, 1, c->first - w->tile.origin, c->cells, c->step};
        reduce_columns(w, &one, y);
    }
    write_index(w, plane, line, &depth, &row);
}

void cc_pool_find_offsets(cc_pool_work *w)
{
    if (cc_pool_padded(w->plan)) {
        cc_pool_fill_margins(w, w->reduced, 1, true);
        fill_ranks(w);
    }
    for (int64_t i = 0; i < w->tile.planes; i++)
        for (int64_t line = w->tile.line; line < w->tile.end && !cc_is_stopped(); line++)
            find_line(w, w->tile.plane + i, line);
}
