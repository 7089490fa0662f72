/* What the steps of a pooling read and write: rows of the input, lines of the output, what stands
 * for the padding beside them; and how rows are reduced that were reduced before. */
#include "border.h"

#include <string.h>

/* How rows that are mapped already are reduced. */
cc_reduction cc_pool_without_map(cc_reduction how)
{
    if (how == CC_LARGER)
        return how;
    return how == CC_MAX || how == CC_MAX_NAN ? how : how == CC_MAX_ABS ? CC_MAX_NAN : CC_SUM;
}

/* The same where somebody has looked for NaN. */
cc_reduction cc_pool_nan_checked(cc_reduction how)
{
    return how == CC_MAX ? CC_LARGER : cc_pool_without_map(how);
}

bool cc_pool_takes_largest(cc_reduction how) { return cc_pool_without_map(how) != CC_SUM; }

const char *cc_pool_input(const cc_pool_work *w, int64_t plane, int64_t depth, int64_t row,
                          int64_t column)
{
    const cc_pool_plan *plan = w->plan;
    const cc_pool_axis *axis = plan->axis;
    if (plan->has_border) {
        depth = cc_pool_cell_at(plan, CC_DEPTH, depth);
        row = cc_pool_cell_at(plan, CC_ROW, row);
        if (row < 0) /* of two constants the one of the later axis counts */
            return cc_pool_constant(w, CC_ROW, row);
        if (depth < 0)
            return cc_pool_constant(w, CC_DEPTH, depth);
    }
    const int64_t line = depth * axis[CC_ROW].cells + row;
    const ptrdiff_t at =
        plane * plan->plane + (line * axis[CC_COLUMN].cells + column) * plan->lanes;
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

ptrdiff_t cc_pool_line_elements(const cc_pool_plan *plan)
{
    return plan->axis[CC_COLUMN].out * plan->lanes;
}

char *cc_pool_output(const cc_pool_work *w, int64_t plane, int64_t line)
{
    const cc_pool_plan *plan = w->plan;
    const ptrdiff_t at =
        plane * plan->out_plane + line * cc_pool_line_elements(plan) + w->tile.column * plan->lanes;
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
                       const cc_window *row, int64_t column)
{
    ptrdiff_t count = 0;
    for (int64_t d = 0; d < depth->cells; d++)
        for (int64_t r = 0; r < row->cells; r++)
            w->rows[count++] = cc_pool_input(w, plane, depth->first + d * depth->step,
                                             row->first + r * row->step, column);
    return count;
}

ptrdiff_t cc_pool_cells(const cc_pool_work *w, int64_t plane, const cc_window *depth,
                        const cc_window *row, const cc_window *column)
{
    ptrdiff_t count = 0;
    for (int64_t d = 0; d < depth->cells; d++)
        for (int64_t r = 0; r < row->cells; r++)
            for (int64_t c = 0; c < column->cells; c++) {
                const int64_t cell = column->first + c * column->step;
                const int64_t source = cc_pool_cell_at(w->plan, CC_COLUMN, cell);
                w->rows[count++] = source < 0
                                       ? cc_pool_constant(w, CC_COLUMN, source)
                                       : cc_pool_input(w, plane, depth->first + d * depth->step,
                                                       row->first + r * row->step, source);
            }
    return count;
}
