#include "border.h"

#include "../base/integers.h"
#include "../core/border.h"

#include <math.h>

int64_t cc_pool_cell_at(const cc_pool_plan *plan, int axis, int64_t cell)
{
    const cc_pool_axis *a = &plan->axis[axis];
    const int64_t p = cell - a->before;
    const int64_t source = cc_border_source(plan->problem.source[axis].side, p, a->cells);
    return source < 0 ? -1 - (p >= 0) : source;
}

bool cc_pool_has_constant(const cc_pool_plan *plan, int axis)
{
    const cc_pool_axis *a = &plan->axis[axis];
    const cc_side *side = plan->problem.source[axis].side;
    return (a->before > 0 && side[0].kind == CC_CONSTANT) ||
           (a->before + a->cells < a->in && side[1].kind == CC_CONSTANT);
}

bool cc_pool_holds_nan(const cc_pool_plan *plan)
{
    bool found = false;
    for (int a = 0; a < CC_AXES; a++)
        for (int side = 0; side < 2; side++) {
            const double value = plan->problem.source[a].side[side].value;
            found |= value != value;
        }
    return found;
}

/* Whether a window that begins `beside` cells before the first of an axis, the copies of others,
 * and holds `cells` of the input has all that they show. */
static bool has_copied(cc_border border, int64_t beside, int64_t cells)
{
    switch (border) {
    case CC_EDGE:
        return cells >= 1;
    case CC_SYMMETRIC:
        return cells >= beside;
    case CC_REFLECT:
        return cells > beside;
    default:
        return false;
    }
}

void cc_pool_drop_copies(cc_pool *p)
{
    if (p->kind != CC_POOL_MAX && !(p->kind == CC_POOL_NORM && p->p == HUGE_VAL))
        return;
    for (int a = 0; a < CC_AXES; a++) {
        cc_axis *axis = &p->axis[a];
        cc_pool_source *s = &p->source[a];
        const int64_t n = s->cells, before = s->before, after = axis->in - before - n;
        if (axis->dilation > 1)
            continue;
        /* the first window reaches furthest out on one side, the last on the other */
        const int64_t end = (axis->out - 1) * axis->stride + axis->kernel - before - axis->before;
        if (before && has_copied(s->side[0].kind, before, min(axis->kernel - before, n))) {
            axis->in -= before;
            axis->before = before;
            s->before = 0;
        }
        if (after && has_copied(s->side[1].kind, end - n, min(axis->kernel - (end - n), n))) {
            axis->in -= after;
            p->after[a] += after;
        }
    }
}

static bool is_constant(const cc_pool_plan *plan, int axis, const cc_window *w)
{
    if (!cc_pool_has_constant(plan, axis))
        return false;
    for (int64_t i = 0; i < w->cells; i++)
        if (cc_pool_cell_at(plan, axis, w->first + i * w->step) < 0)
            return true;
    return false;
}

bool cc_pool_sees_constant(const cc_pool_plan *plan, const cc_window *depth, const cc_window *row)
{
    return plan->has_border &&
           (is_constant(plan, CC_DEPTH, depth) || is_constant(plan, CC_ROW, row));
}

ptrdiff_t cc_pool_constants(const cc_pool_plan *plan)
{
    for (int a = 0; a < CC_AXES; a++)
        if (cc_pool_has_constant(plan, a))
            return plan->pitch + 2 * plan->kernels->lanes;
    return 0;
}

int64_t cc_pool_index(const cc_pool_plan *plan, int64_t depth, int64_t row, int64_t column)
{
    depth = cc_pool_cell_at(plan, CC_DEPTH, depth);
    row = cc_pool_cell_at(plan, CC_ROW, row);
    column = cc_pool_cell_at(plan, CC_COLUMN, column);
    if (depth < 0 || row < 0 || column < 0)
        return -1;
    return (depth * plan->axis[CC_ROW].cells + row) * plan->axis[CC_COLUMN].cells + column;
}

const char *cc_pool_constant(const cc_pool_work *w, int axis, int64_t source)
{
    const ptrdiff_t row = 2 * axis + (-1 - source);
    return w->constants + row * cc_pool_constants(w->plan) * w->plan->kernels->size;
}

void cc_pool_write_constants(cc_pool_work *w)
{
    const cc_pool_plan *plan = w->plan;
    const ptrdiff_t count = cc_pool_constants(plan);
    for (int i = 0; count && i < 2 * CC_AXES; i++) {
        char *to = w->constants + i * count * plan->kernels->size;
        for (ptrdiff_t e = 0; e < count; e++)
            cc_border_element(plan->type, &plan->problem.source[i / 2].side[i % 2],
                              to + e * plan->kernels->size);
    }
}

/* The i-th column of the tile that shows another. */
static int64_t shown_column(const cc_pool_tile *t, int64_t i)
{
    const int64_t before = t->shown_from - t->from;
    return i < before ? t->from + i : t->shown_to + i - before;
}

void cc_pool_list_columns(cc_pool_work *w)
{
    const cc_pool_tile *t = &w->tile;
    const ptrdiff_t lanes = w->plan->lanes;
    const int64_t before = w->plan->axis[CC_COLUMN].before;
    w->others = 0;
    for (int64_t i = 0; i < cc_pool_shown_columns(t); i++) {
        const int64_t column = shown_column(t, i);
        const int64_t source = cc_pool_cell_at(w->plan, CC_COLUMN, column);
        const int64_t cell = source + before;
        const bool is_here = source >= 0 && cell >= t->shown_from && cell < t->shown_to;
        if (!is_here)
            w->other[w->others++] = column;
        for (ptrdiff_t e = 0; e < lanes; e++)
            w->shown[i * lanes + e] = ((is_here ? cell : column) - t->origin) * lanes + e;
    }
}

cc_pool_column cc_pool_other_column(const cc_pool_work *w, int64_t i)
{
    const int64_t column = w->other[i];
    return (cc_pool_column){column - w->tile.origin, cc_pool_cell_at(w->plan, CC_COLUMN, column)};
}

void cc_pool_reduce_constant(const cc_pool_work *w, cc_reduction how, int64_t source, int64_t terms,
                             char *column)
{
    const cc_pool_plan *plan = w->plan;
    const int64_t lines = plan->row_doubling ? plan->doubled_rows : plan->block_lines;
    const cc_reduce_args f = {.how = how,
                              .p = plan->problem.p,
                              .rows = w->rows,
                              .count = terms,
                              .taps = 1,
                              .step = 1,
                              .width = plan->lanes,
                              .to = plan->lanes,
                              .lines = lines * plan->group_planes,
                              .planes = 1,
                              .dst_line = plan->pitch,
                              .dst = column};
    for (ptrdiff_t r = 0; r < terms; r++) w->rows[r] = cc_pool_constant(w, CC_COLUMN, source);
    plan->kernels->reduce(&f);
}

/* ... column by column, where there are more rows than columns. */
static void copy_each_column(const cc_pool_work *w, char *first, int64_t rows, ptrdiff_t line)
{
    const cc_kernels *k = w->plan->kernels;
    const ptrdiff_t lanes = w->plan->lanes;
    const cc_move move = {.rows = rows,
                          .columns = lanes,
                          .src_row = line,
                          .src_column = lanes > 1, /* of one element no vector is made */
                          .dst_row = line};
    for (int64_t i = 0; i < cc_pool_shown_columns(&w->tile); i++) {
        const ptrdiff_t from = w->shown[i * lanes], to = cc_pool_shown_element(w, i * lanes);
        if (from != to)
            k->copy(&move, first + from * k->size, first + to * k->size);
    }
}

void cc_pool_copy_columns(const cc_pool_work *w, char *first, int64_t rows, ptrdiff_t line)
{
    const cc_pool_tile *t = &w->tile;
    const cc_kernels *k = w->plan->kernels;
    const ptrdiff_t lanes = w->plan->lanes, size = k->size;
    const ptrdiff_t before = (t->shown_from - t->from) * lanes;
    const ptrdiff_t after = (t->to - t->shown_to) * lanes;
    if (rows > cc_pool_shown_columns(t)) {
        copy_each_column(w, first, rows, line);
        return;
    }
    for (int64_t i = 0; i < rows; i++, first += line * size) {
        if (before)
            k->gather(first, w->shown, first + (t->from - t->origin) * lanes * size, before);
        if (after)
            k->gather(first, w->shown + before, first + (t->shown_to - t->origin) * lanes * size,
                      after);
    }
}
