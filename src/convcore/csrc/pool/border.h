/* Cells of the padding that a pooling sees: what they show, and how reduced rows come to hold it.
 *
 * Rows and depths of the padding are read from the rows that they show, or from a row of constants:
 * a pointer more. Columns beside the input are copied within a reduced row, for cells of a row that
 * show the same column have the same values. So no input is copied for a border.
 */
#ifndef CC_POOL_BORDER_H
#define CC_POOL_BORDER_H

#include "work.h"

/* The cell of the input that a cell of an axis is or shows; -1 or -2: the constant before or after
 * it. */
int64_t cc_pool_cell_at(const cc_pool_plan *plan, int axis, int64_t cell);

/* Whether a side of the axis holds a constant. */
bool cc_pool_has_constant(const cc_pool_plan *plan, int axis);

/* Whether a window of these depths and rows holds one that they bring. */
bool cc_pool_sees_constant(const cc_pool_plan *plan, const cc_window *depth, const cc_window *row);

/* Whether a constant is NaN. */
bool cc_pool_holds_nan(const cc_pool_plan *plan);

/* A maximum does not see copies of cells that its windows hold anyway: axes where there are no
 * others lose them. Only an index tells. */
void cc_pool_drop_copies(cc_pool *problem);

/* Elements of a row of constants; 0: there are none. */
ptrdiff_t cc_pool_constants(const cc_pool_plan *plan);

/* Writes them, each `cc_pool_constants()` elements long, for depth, row and column. */
void cc_pool_write_constants(cc_pool_work *w);
const char *cc_pool_constant(const cc_pool_work *w, int axis, int64_t source);

/* Columns of the tile's reduced rows that lie beside the input and show something. */
static inline int64_t cc_pool_shown_columns(const cc_pool_tile *t)
{
    return t->shown_from - t->from + (t->to - t->shown_to);
}

/* Lists what they show; when the tile is new. */
void cc_pool_list_columns(cc_pool_work *w);

/* Copies into `rows` lines at `first` of reduced rows, `line` elements apart, what the columns show
 * that the tile has. */
void cc_pool_copy_columns(const cc_pool_work *w, char *first, int64_t rows, ptrdiff_t line);

/* The element of a reduced row that shows element work->shown[i]. */
static inline ptrdiff_t cc_pool_shown_element(const cc_pool_work *w, ptrdiff_t i)
{
    const cc_pool_tile *t = &w->tile;
    const ptrdiff_t lanes = w->plan->lanes, before = (t->shown_from - t->from) * lanes;
    return (i < before ? (t->from - t->origin) * lanes
                       : (t->shown_to - t->origin) * lanes - before) +
           i;
}

/* Where in its plane the input's cell stands that a cell shows; -1: it shows a constant. */
int64_t cc_pool_index(const cc_pool_plan *plan, int64_t depth, int64_t row, int64_t column);

/* Column i of those that are not in the tile, i < w->others: where it stands in a reduced row, in
 * cells, and what it shows. */
typedef struct {
    int64_t at, source;
} cc_pool_column;
cc_pool_column cc_pool_other_column(const cc_pool_work *w, int64_t i);

/* Reduces `terms` constants beside a column into that column of all rows of scratch. */
void cc_pool_reduce_constant(const cc_pool_work *w, cc_reduction how, int64_t source, int64_t terms,
                             char *column);

#endif
