/* Pooling, forward, with the places of the maxima: the folds of values again, by the kernel that
 * remembers where each came from. */
#include "pool.h"

/* Elements of the tile's folded row where there is nothing: later than any cell. */
static void fill_ranks(const cc_pool_work *w)
{
    const ptrdiff_t lanes = w->plan->lanes, end = w->tile.cells * lanes;
    for (ptrdiff_t i = 0; i < cc_pool_margin(w); i++) w->place[i] = INT32_MAX;
    for (ptrdiff_t i = (w->tile.to - w->tile.origin) * lanes; i < end; i++) w->place[i] = INT32_MAX;
}

/* The vertical step: the first maximum of each column of a line's window, and of which row. */
static void fold_rows(const cc_pool_work *w, int64_t plane, const cc_window *depth,
                      const cc_window *row)
{
    const cc_pool_plan *plan = w->plan;
    const ptrdiff_t margin = cc_pool_margin(w);
    const cc_firsts f = {.rows = w->rows,
                         .count = cc_pool_rows(w, plane, depth, row),
                         .step = 1,
                         .width = (w->tile.to - w->tile.from) * plan->lanes,
                         .best = w->folded + margin * plan->kernels->size,
                         .place = w->place + margin};
    plan->kernels->first(&f);
}

/* The horizontal step for `width` elements from output o on, whose windows' cells begin at `first`
 * of the folded row and are `tap` cells apart. Long windows take several calls, each of which goes
 * on from what the one before has found. */
static void fold_columns(const cc_pool_work *w, int64_t o, ptrdiff_t width, int64_t first,
                         int64_t cells, int64_t tap, ptrdiff_t step, char *y)
{
    const cc_pool_plan *plan = w->plan;
    const ptrdiff_t lanes = plan->lanes, size = plan->kernels->size;
    int32_t *rank = w->rank, *place = w->rank + plan->tile_outputs * lanes;
    cc_firsts f = {.rows = w->rows,
                   .ranks = w->ranks,
                   .step = step,
                   .width = width,
                   .best = y + o * lanes * size,
                   .rank = rank + o * lanes,
                   .place = place + o * lanes};
    for (; f.from < cells; f.from += f.count) {
        f.count = cells - f.from < plan->pointers ? cells - f.from : plan->pointers;
        for (ptrdiff_t i = 0; i < f.count; i++) {
            const ptrdiff_t at = (first + (f.from + i) * tap) * lanes;
            w->rows[i] = w->folded + at * size;
            w->ranks[i] = w->place + at;
        }
        plan->kernels->first(&f);
    }
}

/* Positions in the plane from the row of the window and the cell of the row. */
static void write_index(const cc_pool_work *w, int64_t plane, int64_t line, const cc_window *depth,
                        const cc_window *row)
{
    const cc_pool_plan *plan = w->plan;
    const cc_pool_axis *axis = plan->axis;
    const ptrdiff_t lanes = plan->lanes, count = w->tile.columns * lanes;
    const int32_t *rank = w->rank, *place = w->rank + plan->tile_outputs * lanes;
    int64_t *index =
        w->index + plane * plan->out_plane + (line * axis[CC_COLUMN].out + w->tile.column) * lanes;
    for (int64_t o = 0; o < w->tile.columns; o++) {
        const cc_window *c = &w->columns[o];
        /* flat folds count the taps in the padding too */
        const int64_t first =
            plan->flat ? w->tile.origin + o * axis[CC_COLUMN].of.stride : c->first;
        for (ptrdiff_t e = o * lanes; e < (o + 1) * lanes && e < count; e++) {
            const int64_t d = depth->first + rank[e] / row->cells * depth->step;
            const int64_t r = row->first + rank[e] % row->cells * row->step;
            index[e] = (d * axis[CC_ROW].in + r) * axis[CC_COLUMN].in + first + place[e] * c->step;
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
    fold_rows(w, plane, &depth, &row);
    char *y = cc_pool_output(w, plane, line);
    if (plan->flat)
        fold_columns(w, 0, w->tile.columns * plan->lanes, 0, of->kernel, of->dilation,
                     plan->lanes == 1 ? of->stride : 1, y);
    for (int64_t o = 0; o < w->tile.columns && !plan->flat; o++) {
        const cc_window *c = &w->columns[o];
        fold_columns(w, o, plan->lanes, c->first - w->tile.origin, c->cells, c->step, 1, y);
    }
    write_index(w, plane, line, &depth, &row);
}

void cc_pool_find_places(cc_pool_work *w)
{
    if (cc_pool_padded(w->plan)) {
        cc_pool_fill_margins(w, w->folded, 1, true);
        fill_ranks(w);
    }
    for (int64_t i = 0; i < w->tile.planes; i++)
        for (int64_t line = w->tile.line; line < w->tile.end; line++)
            find_line(w, w->tile.plane + i, line);
}
