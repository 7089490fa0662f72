#include "plan.h"

#include "../base/integers.h"

/* Bytes of the rows that are kept, and of scratch: what an L2 cache has room for, unless a tile
 * would be narrower than NARROW bytes; and columns of a tile whose histograms it has room for. */
enum { KEPT = 128 * 1024, NARROW = 1024, COUNTED_COLUMNS = 512 };

static int64_t extent(const cc_filter_plan *plan, int axis)
{
    return plan->last[axis] - plan->first[axis] + 1;
}

static void find_extents(const cc_filter *f, int64_t *first, int64_t *last)
{
    for (int a = 0; a < CC_AXES; a++) {
        first[a] = last[a] = f->offset[a];
        for (int64_t t = 1; t < f->taps; t++) {
            first[a] = min(first[a], f->offset[3 * t + a]);
            last[a] = max(last[a], f->offset[3 * t + a]);
        }
    }
}

bool cc_filter_is_box(const cc_filter *f)
{
    int64_t first[CC_AXES], last[CC_AXES];
    find_extents(f, first, last);
    const int64_t rows = last[CC_ROW] - first[CC_ROW] + 1,
                  columns = last[CC_COLUMN] - first[CC_COLUMN] + 1;
    if (f->lanes != 1 || f->taps != (last[CC_DEPTH] - first[CC_DEPTH] + 1) * rows * columns)
        return false;
    for (int64_t t = 0; t < f->taps; t++)
        if (f->offset[3 * t] != first[CC_DEPTH] + t / columns / rows ||
            f->offset[3 * t + 1] != first[CC_ROW] + t / columns % rows ||
            f->offset[3 * t + 2] != first[CC_COLUMN] + t % columns)
            return false;
    return true;
}

static cc_filter_way way_of(const cc_filter_plan *plan)
{
    const cc_filter *f = plan->problem;
    if (f->how != CC_RANK)
        return CC_BY_TERMS;
    const bool box = cc_filter_is_box(f);
    const int64_t rows = extent(plan, CC_ROW), columns = extent(plan, CC_COLUMN);
    if (box && extent(plan, CC_DEPTH) == 1 && rows == columns && (rows == 3 || rows == 5) &&
        f->rank == f->taps / 2)
        return CC_BY_MEDIANS;
    if (box && plan->bytes == 1 && f->taps > CC_COUNTED_BYTES)
        return CC_BY_HISTOGRAMS;
    return f->taps > 1 && f->taps <= CC_RANK_WIRES ? CC_BY_NETWORK : CC_BY_COUNTING;
}

static void choose_tiles(cc_filter_plan *plan)
{
    const cc_filter *f = plan->problem;
    const int64_t cell = plan->bytes * f->lanes, reach = extent(plan, CC_COLUMN) - 1;
    const int64_t least = max(ceil_div(NARROW, cell), 4 * reach); /* of which little is reach */
    int64_t columns = max(KEPT / ((plan->kept + plan->scratch) * cell) - reach, least);
    if (plan->way == CC_BY_HISTOGRAMS)
        columns = max(COUNTED_COLUMNS, 4 * reach);
    columns = min(columns, f->size[CC_COLUMN]);
    plan->tiles = ceil_div(f->size[CC_COLUMN], columns);
    plan->columns = ceil_div(f->size[CC_COLUMN], plan->tiles);
    plan->items = f->n * f->size[CC_DEPTH] * plan->tiles * f->size[CC_ROW];
    const ptrdiff_t line = 64 / plan->bytes, past_end = 2 * line;
    plan->pitch =
        (ptrdiff_t)round_up((size_t)((plan->columns + reach) * f->lanes + past_end), (size_t)line);
}

/* Nanoseconds of a vector of 64 bytes of outputs, roughly. */
static double vector_time(const cc_filter_plan *plan)
{
    const double taps = (double)plan->problem->taps;
    switch (plan->way) {
    case CC_BY_TERMS:
        return taps;
    case CC_BY_MEDIANS:
        return taps;
    case CC_BY_HISTOGRAMS:
        return 1000;
    default:
        return 4 * taps * (double)plan->bytes;
    }
}

void cc_filter_make_plan(cc_filter_plan *plan)
{
    const cc_filter *f = plan->problem;
    const bool ranks = f->how == CC_RANK;
    plan->kernels = cc_kernels_of(ranks ? cc_key_type(plan->type) : CC_F64);
    plan->bytes = ranks ? cc_kernels_of(plan->type)->size : (ptrdiff_t)sizeof(double);
    find_extents(f, plan->first, plan->last);
    plan->way = way_of(plan);
    plan->ring = plan->way == CC_BY_HISTOGRAMS ? 1 : extent(plan, CC_ROW);
    plan->kept = plan->ring * (plan->way == CC_BY_HISTOGRAMS ? 1 : extent(plan, CC_DEPTH));
    plan->scratch = plan->way == CC_BY_MEDIANS ? extent(plan, CC_ROW) : 0;
    choose_tiles(plan);
    const double outputs =
        (double)(plan->items * ceil_div(f->size[CC_COLUMN], plan->tiles) * f->lanes);
    plan->microseconds = outputs * (double)plan->bytes / 64 * vector_time(plan) / 1000;
}

static void list_rows(cc_filter_plan *plan)
{
    const cc_filter *f = plan->problem;
    plan->rows = 0;
    for (int64_t t = 0; t < f->taps; t++) {
        const int64_t *o = f->offset + 3 * t;
        ptrdiff_t r = plan->rows; /* neighbours in the list are mostly of one row */
        while (r > 0 && (plan->row[r - 1].depth != o[0] || plan->row[r - 1].row != o[1])) r--;
        if (r == 0) {
            r = ++plan->rows;
            plan->row[r - 1] = (cc_filter_row){
                .depth = o[0], .row = o[1], .slots = (o[0] - plan->first[CC_DEPTH]) * plan->ring};
        }
        plan->row_of[t] = r - 1;
        plan->offset_of[t] = (o[2] - plan->first[CC_COLUMN]) * f->lanes;
    }
}

void cc_filter_make_lists(cc_filter_plan *plan)
{
    const cc_filter *f = plan->problem;
    plan->swaps = 0;
    if (plan->way != CC_BY_HISTOGRAMS)
        list_rows(plan);
    if (plan->way != CC_BY_NETWORK)
        return;
    plan->swaps = cc_rank_network(f->taps, f->rank, plan->swap, &plan->wire);
    if (2 * plan->swaps > 8 * plan->bytes * f->taps) { /* a swap takes as long as two counts */
        plan->way = CC_BY_COUNTING;
        plan->swaps = 0;
    }
}
