/* Pooling, forward: shares the plan's items out to threads and folds them, line by line: the rows
 * of a window into one row, then that row with itself. */
#include "pool.h"

#include "parallel.h"

#include <math.h>
#include <string.h>

static int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }

/* What a window is folded into: how its rows are, and then the row that comes of them. */
typedef struct {
    cc_fold rows, columns;
} folds;

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
static cc_fold without_lift(cc_fold how)
{
    return how == CC_MAX || how == CC_MAX_NAN ? how : how == CC_MAX_ABS ? CC_MAX_NAN : CC_SUM;
}

static bool is_maximum(cc_fold how) { return without_lift(how) != CC_SUM; }

/* Lines that are done together, and where their folded rows are. */
typedef struct {
    int64_t line, count, advance;
    cc_window depth, row;
    const char *cells; /* the first folded row: cell `origin` of its first lane */
    ptrdiff_t pitch;   /* from a folded row to the next, in elements */
    ptrdiff_t lanes;   /* of a cell there */
    bool bare;         /* they are rows of the input, which nobody has looked at yet */
} block;

static const char *input_row(const cc_pool_work *w, int64_t plane, int64_t depth, int64_t row)
{
    const cc_pool_plan *plan = w->plan;
    const cc_pool_axis *axis = plan->axis;
    const int64_t line = depth * axis[CC_ROW].in + row;
    const ptrdiff_t at =
        plane * plan->plane + (line * axis[CC_COLUMN].in + w->tile.from) * plan->lanes;
    return w->x + at * plan->kernels->size;
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

static void fill(const cc_kernels *k, char *to, ptrdiff_t count, bool lowest)
{
    for (ptrdiff_t i = 0; i < count; i++, to += k->size)
        if (lowest)
            memcpy(to, k->lowest, (size_t)k->size);
        else
            memset(to, 0, (size_t)k->size);
}

void cc_pool_fill_margins(const cc_pool_work *w, int64_t count, bool lowest)
{
    const cc_kernels *k = w->plan->kernels;
    char *rows = w->folded;
    const ptrdiff_t before = cc_pool_margin(w), end = w->tile.cells * w->plan->lanes;
    const ptrdiff_t after = (w->tile.to - w->tile.origin) * w->plan->lanes;
    for (int64_t i = 0; i < count; i++, rows += w->plan->pitch * k->size) {
        fill(k, rows, before, lowest);
        fill(k, rows + after * k->size, end - after, lowest);
    }
}

ptrdiff_t cc_pool_rows(const cc_pool_work *w, int64_t plane, const cc_window *depth,
                       const cc_window *row)
{
    ptrdiff_t count = 0;
    for (int64_t d = 0; d < depth->cells; d++)
        for (int64_t r = 0; r < row->cells; r++)
            w->rows[count++] = input_row(w, plane, depth->first + d * depth->step,
                                         row->first + r * row->step);
    return count;
}

static bool fold_two(const cc_pool_work *w, cc_fold how, const void *a, const void *b, void *dst)
{
    w->rows[0] = a;
    w->rows[1] = b;
    const cc_folding f = {.how = how,
                          .rows = w->rows,
                          .count = b ? 2 : 1,
                          .step = 1,
                          .width = (w->tile.to - w->tile.from) * w->plan->lanes,
                          .lines = 1,
                          .p = w->plan->problem.p,
                          .dst = dst};
    return w->plan->kernels->fold(&f);
}

/* A row of the input in padded coordinates, lifted and combined with `sum` (NULL: alone). */
static bool take_row(const cc_pool_work *w, cc_fold how, int64_t depth, int64_t padded,
                     const void *sum, void *dst)
{
    const cc_pool_axis *axis = &w->plan->axis[CC_ROW];
    const int64_t row = padded - axis->of.before;
    const cc_fold plain = without_lift(how);
    if (row < 0 || row >= axis->in) {
        fold_two(w, plain, sum ? sum : w->nothing, NULL, dst);
        return false;
    }
    const char *in = input_row(w, w->tile.plane, depth, row);
    if (how == plain)
        return fold_two(w, how, in, sum, dst);
    bool nan = fold_two(w, how, in, NULL, dst == sum ? w->lifted : dst);
    if (sum)
        nan |= fold_two(w, plain, dst == sum ? w->lifted : dst, sum, dst);
    return nan;
}

/* Van Herk's vertical step. Padded rows are cut into blocks of the kernel's size; a window reaches
 * from inside one block into the next, so it is the fold of the first block's rows from there on,
 * kept for every row of the block, and of the next one's rows so far. */
static bool fold_blocked(cc_pool_work *w, cc_fold how, int64_t line, char *dst)
{
    const cc_pool_axis *axis = &w->plan->axis[CC_ROW];
    const int64_t kernel = axis->of.kernel, size = w->plan->kernels->size;
    const int64_t depth = cc_pool_window(&w->plan->problem, CC_DEPTH, line / axis->out).first;
    const int64_t start = line % axis->out * axis->of.stride, end = start + kernel;
    const int64_t first = start / kernel;
    const ptrdiff_t row = w->plan->pitch * size;
    bool nan = false;
    if (w->block != first || w->block_depth != depth) {
        for (int64_t r = kernel - 1; r >= 0; r--)
            nan |= take_row(w, how, depth, first * kernel + r,
                            r == kernel - 1 ? NULL : w->suffixes + (r + 1) * row,
                            w->suffixes + r * row);
        w->block = first;
        w->block_depth = depth;
        w->reached = (first + 1) * kernel;
    }
    for (; w->reached < end; w->reached++)
        nan |= take_row(w, how, depth, w->reached,
                        w->reached == (first + 1) * kernel ? NULL : w->prefix, w->prefix);
    const char *suffix = w->suffixes + (start - first * kernel) * row;
    fold_two(w, without_lift(how), suffix, start == first * kernel ? NULL : w->prefix, dst);
    return nan;
}

/* The vertical step of a block of lines; returns whether CC_MAX has seen a NaN. */
static bool fold_rows(cc_pool_work *w, cc_fold how, block *b)
{
    const cc_pool_plan *plan = w->plan;
    const cc_kernels *k = plan->kernels;
    const ptrdiff_t size = k->size, input_line = plan->axis[CC_COLUMN].in * plan->lanes;
    const ptrdiff_t width = (w->tile.to - w->tile.from) * plan->lanes;
    char *folded = w->folded + cc_pool_margin(w) * size;
    b->cells = w->folded;
    b->pitch = plan->pitch;
    b->lanes = plan->lanes;
    bool nan = false;
    if (plan->blocked) {
        for (int64_t i = 0; i < b->count; i++)
            nan |= fold_blocked(w, how, b->line + i, folded + i * plan->pitch * size);
        return nan;
    }
    const bool unpadded = !cc_pool_padded(plan) || width == w->tile.cells * plan->lanes;
    b->bare = plan->single_rows && how == without_lift(how) && unpadded && !plan->ladder &&
              b->depth.cells == 1 && b->row.cells == 1 &&
              (!plan->flat || plan->axis[CC_COLUMN].of.stride == 1);
    if (b->bare && !plan->gathered) {
        b->cells = input_row(w, w->tile.plane, b->depth.first, b->row.first);
        b->pitch = b->advance * input_line;
        return false;
    }
    for (int64_t i = 0; i < w->tile.planes && !b->bare; i++) {
        const cc_folding f = {
            .how = how,
            .p = plan->problem.p,
            .count = cc_pool_rows(w, w->tile.plane + i, &b->depth, &b->row),
            .rows = w->rows,
            .step = 1,
            .width = width,
            .lines = b->count,
            .src_line = b->advance * input_line,
            .dst_line = plan->pitch,
            .dst = folded + i * b->count * plan->pitch * size};
        nan |= k->fold(&f);
    }
    if (!plan->gathered)
        return nan;
    b->lanes = k->lanes;
    b->pitch = plan->pitch * k->lanes;
    b->cells = w->turned;
    for (int64_t i = 0; i < b->count; i++) {
        const char *from = b->bare ? input_row(w, w->tile.plane, b->depth.first,
                                               b->row.first + i * b->advance)
                                   : w->folded + i * plan->pitch * size;
        k->transpose(from, b->bare ? plan->plane : b->count * plan->pitch,
                     w->turned + i * b->pitch * size, k->lanes, w->tile.planes, width);
    }
    return nan;
}

/* Climbs from windows of one cell to windows of nearly the whole kernel, in place: a window of 2 w
 * cells is two of w, and one of 2 w + 1 has a cell more. Leaves the last step, of `count` rows, to
 * the caller. */
static ptrdiff_t climb(const cc_pool_work *w, cc_fold how, const block *b)
{
    const cc_axis *of = &w->plan->axis[CC_COLUMN].of;
    const ptrdiff_t size = w->plan->kernels->size, tap = of->dilation * b->lanes;
    const ptrdiff_t outputs = ((w->tile.columns - 1) * of->stride + 1) * b->lanes;
    const char *sums = b->cells;
    int bit = 0;
    while (of->kernel >> (bit + 1)) bit++;
    int64_t length = 1;
    for (;;) {
        const bool odd = of->kernel >> --bit & 1;
        w->rows[0] = sums;
        w->rows[1] = sums + length * tap * size;
        w->rows[2] = b->cells + 2 * length * tap * size;
        length = 2 * length + odd;
        if (bit == 0)
            return odd ? 3 : 2;
        const cc_folding f = {.how = how,
                              .rows = w->rows,
                              .count = odd ? 3 : 2,
                              .step = 1,
                              .width = outputs + (of->kernel - length) * tap,
                              .lines = b->count,
                              .src_line = b->pitch,
                              .dst_line = b->pitch,
                              .dst = w->steps};
        w->plan->kernels->fold(&f);
        sums = w->steps;
    }
}

static void divide_by(cc_folding *f, const block *b, const cc_window *column)
{
    f->divisor = (double)b->depth.counted * (double)b->row.counted * (double)column->counted;
    const int64_t whole = f->divisor < 0x1p52 ? (int64_t)f->divisor : 3;
    f->inverse = (whole & (whole - 1)) == 0 ? 1 / f->divisor : 0;
}

/* Folds the pieces of a long window into one, which is then the window. */
static bool fold_pieces(const cc_pool_work *w, cc_fold how, const block *b, const char **first,
                        int64_t *cells)
{
    const ptrdiff_t size = w->plan->kernels->size, lanes = b->lanes;
    const ptrdiff_t piece = CC_POOL_PIECE * lanes, rest = *cells % CC_POOL_PIECE * lanes;
    cc_folding f = {.how = how,
                    .rows = w->rows,
                    .count = *cells / CC_POOL_PIECE,
                    .step = 1,
                    .width = piece,
                    .lines = 1,
                    .dst = w->steps};
    for (ptrdiff_t i = 0; i < f.count; i++) w->rows[i] = *first + i * piece * size;
    const char *tail = *first + f.count * piece * size;
    bool nan = w->plan->kernels->fold(&f);
    w->rows[0] = w->steps;
    w->rows[1] = tail;
    f.count = 2;
    f.width = rest;
    nan |= w->plan->kernels->fold(&f);
    *first = w->steps;
    *cells = CC_POOL_PIECE;
    return nan;
}

/* The horizontal step: one output pixel of every line at a time, its lanes being the vector. */
static bool fold_pixels(const cc_pool_work *w, cc_fold how, const block *b, char *dst,
                        ptrdiff_t dst_line)
{
    const cc_pool_plan *plan = w->plan;
    const ptrdiff_t size = plan->kernels->size;
    const int64_t stride = plan->axis[CC_COLUMN].of.stride;
    const ptrdiff_t steps = plan->ladder ? climb(w, without_lift(how), b) : 0;
    bool nan = false;
    for (int64_t o = 0; o < w->tile.columns; o++) {
        const cc_window *c = &w->columns[o];
        const char *first = b->cells + (c->first - w->tile.origin) * b->lanes * size;
        int64_t cells = c->cells;
        if (plan->pieces && cells > CC_POOL_LONG)
            nan |= fold_pieces(w, without_lift(how), b, &first, &cells);
        cc_folding f = {.how = how,
                        .rows = w->rows,
                        .count = steps ? steps : cells,
                        .step = 1,
                        .width = b->lanes,
                        .lines = b->count,
                        .src_line = b->pitch,
                        .dst_line = dst_line,
                        .dst = dst + o * b->lanes * size};
        for (ptrdiff_t i = 0; i < cells && !steps; i++)
            w->rows[i] = first + i * c->step * b->lanes * size;
        divide_by(&f, b, c);
        nan |= plan->kernels->fold(&f);
        for (ptrdiff_t i = 0; i < steps; i++)
            w->rows[i] = (const char *)w->rows[i] + stride * b->lanes * size;
    }
    return nan;
}

/* The horizontal step where outputs are neighbours: runs of outputs with the same divisor. */
static bool fold_flat(const cc_pool_work *w, cc_fold how, const block *b, char *dst,
                      ptrdiff_t dst_line)
{
    const cc_pool_plan *plan = w->plan;
    const cc_axis *of = &plan->axis[CC_COLUMN].of;
    const ptrdiff_t size = plan->kernels->size;
    const int64_t step = plan->lanes == 1 ? of->stride : 1;
    ptrdiff_t count = of->kernel;
    if (plan->ladder)
        count = climb(w, without_lift(how), b);
    else
        for (ptrdiff_t i = 0; i < count; i++)
            w->rows[i] = b->cells + i * of->dilation * b->lanes * size;
    bool nan = false;
    int64_t end;
    for (int64_t o = 0; o < w->tile.columns; o = end) {
        for (end = o + 1; end < w->tile.columns &&
                          (how != CC_MEAN || w->columns[end].counted == w->columns[o].counted);)
            end++;
        cc_folding f = {.how = how,
                        .rows = w->rows,
                        .count = count,
                        .step = step,
                        .width = (end - o) * b->lanes,
                        .lines = b->count,
                        .src_line = b->pitch,
                        .dst_line = dst_line,
                        .dst = dst + o * b->lanes * size};
        divide_by(&f, b, &w->columns[o]);
        nan |= plan->kernels->fold(&f);
        for (ptrdiff_t i = 0; i < count; i++)
            w->rows[i] = (const char *)w->rows[i] + (end - o) * of->stride * b->lanes * size;
    }
    return nan;
}

static bool fold_block(cc_pool_work *w, folds how, block *b, char *dst, ptrdiff_t dst_line)
{
    const bool nan = fold_rows(w, how.rows, b);
    const bool again = w->plan->flat ? fold_flat(w, how.columns, b, dst, dst_line)
                                     : fold_pixels(w, how.columns, b, dst, dst_line);
    return b->bare ? again : nan; /* of folded rows the second step also sees what lies beside */
}

/* The norm of one output: `element` of line i of a block. */
static void exact_norm(const cc_pool_work *w, const block *b, int64_t i, ptrdiff_t element, char *y)
{
    const cc_pool_plan *plan = w->plan;
    const cc_kernels *k = plan->kernels;
    const int64_t lane = element % b->lanes;
    const cc_window *c = &w->columns[element / b->lanes];
    if (plan->gathered && lane >= w->tile.planes)
        return;
    cc_window row = b->row;
    row.first += i * b->advance;
    const int64_t plane = w->tile.plane + (plan->gathered ? lane : 0);
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
static void take_roots(cc_pool_work *w, block *b, char *sums, ptrdiff_t sums_line)
{
    const cc_kernels *k = w->plan->kernels;
    const double p = w->plan->problem.p;
    const ptrdiff_t count = w->tile.columns * b->lanes, size = k->size;
    bool largest_known = false;
    for (int64_t i = 0; i < b->count; i++) {
        char *line = sums + i * sums_line * size;
        const char *largest = w->largest + i * count * size;
        if (k->root(line, NULL, count, p))
            continue;
        if (!largest_known) {
            w->block = -1; /* what is kept for the next lines is made of sums */
            fold_block(w, (folds){CC_MAX_ABS, CC_MAX_NAN}, b, w->largest, count);
            w->block = -1;
        }
        largest_known = true;
        if (!k->root(line, largest, count, p))
            for (ptrdiff_t e = 0; e < count; e++) exact_norm(w, b, i, e, line + e * size);
    }
}

/* A block of lines; returns whether a NaN was seen that the result may lack. */
static bool run_block(cc_pool_work *w, bool exact, block *b)
{
    const cc_pool_plan *plan = w->plan;
    const cc_kernels *k = plan->kernels;
    const ptrdiff_t size = k->size, line = line_elements(plan);
    const ptrdiff_t sums_line = plan->gathered ? w->tile.columns * k->lanes : line;
    char *y = cc_pool_output(w, w->tile.plane, b->line), *sums = plan->gathered ? w->sums : y;
    const folds how = choose_folds(&plan->problem, exact);
    if (fold_block(w, how, b, sums, sums_line) && how.rows == CC_MAX)
        return true;
    if (plan->problem.kind == CC_POOL_NORM && plan->problem.p != HUGE_VAL)
        take_roots(w, b, sums, sums_line);
    for (int64_t i = 0; i < b->count && plan->gathered; i++)
        k->transpose(sums + i * sums_line * size, k->lanes, y + i * line * size, plan->out_plane,
                     w->tile.columns, w->tile.planes);
    return false;
}

static bool run_tile(cc_pool_work *w, bool exact)
{
    const cc_pool_plan *plan = w->plan;
    w->block = -1;
    block b;
    for (int64_t line = w->tile.line; line < w->tile.end; line += b.count) {
        b = (block){.line = line};
        const int64_t out = plan->axis[CC_ROW].out;
        b.depth = cc_pool_window(&plan->problem, CC_DEPTH, line / out);
        b.row = cc_pool_window(&plan->problem, CC_ROW, line % out);
        b.count = cc_pool_alike(plan, line, min(plan->block_lines, w->tile.end - line), &b.advance);
        if (run_block(w, exact, &b))
            return false;
    }
    return true;
}

/* The next `bytes` of a part's scratch, if they are needed. */
static size_t claim(size_t *end, bool needed, ptrdiff_t count, size_t size)
{
    const size_t at = *end;
    if (needed)
        *end += ((size_t)count * size + 63) / 64 * 64;
    return at;
}

static cc_pool_layout lay_out_part(const cc_pool_plan *plan, bool places)
{
    const size_t size = (size_t)plan->kernels->size;
    const ptrdiff_t lanes = plan->kernels->lanes, slack = 2 * lanes, row = plan->pitch + slack;
    const ptrdiff_t rows = plan->block_lines * plan->pitch;
    const ptrdiff_t outputs = plan->tile_outputs * plan->lanes * plan->block_lines;
    const bool norm = plan->problem.kind == CC_POOL_NORM;
    const ptrdiff_t kernel = plan->axis[CC_ROW].of.kernel;
    const ptrdiff_t steps = plan->pieces ? CC_POOL_PIECE * plan->lanes : rows;
    cc_pool_layout at;
    size_t end = 0;
    at.columns = claim(&end, true, plan->tile_outputs, sizeof(cc_window));
    at.rows = claim(&end, true, plan->pointers, sizeof(void *));
    at.ranks = claim(&end, places, plan->pointers, sizeof(void *));
    at.folded = claim(&end, true, rows * plan->group_planes + slack, size);
    at.turned = claim(&end, plan->gathered, rows * lanes, size);
    at.steps = claim(&end, plan->ladder || plan->pieces, steps + slack, size);
    at.sums = claim(&end, plan->gathered, outputs * lanes, size);
    at.largest = claim(&end, norm, outputs * plan->group_planes, size);
    at.suffixes = claim(&end, plan->blocked, kernel * plan->pitch, size);
    at.prefix = claim(&end, plan->blocked, row, size);
    at.lifted = claim(&end, plan->blocked, row, size);
    at.nothing = claim(&end, plan->blocked, row, size);
    at.place = claim(&end, places, row, sizeof(int32_t));
    at.rank = claim(&end, places, 2 * plan->tile_outputs * plan->lanes, sizeof(int32_t));
    at.bytes = end;
    return at;
}

static cc_pool_work begin_part(const cc_pool_job *job, int index)
{
    const cc_pool_layout *at = &job->layout;
    char *scratch = job->parts + (size_t)index * at->bytes;
    cc_pool_work w = {.plan = &job->plan,
                      .x = job->x,
                      .y = job->y,
                      .index = job->index,
                      .columns = (cc_window *)(scratch + at->columns),
                      .rows = (const void **)(scratch + at->rows),
                      .ranks = (const int32_t **)(scratch + at->ranks),
                      .folded = scratch + at->folded,
                      .turned = scratch + at->turned,
                      .steps = scratch + at->steps,
                      .sums = scratch + at->sums,
                      .largest = scratch + at->largest,
                      .suffixes = scratch + at->suffixes,
                      .prefix = scratch + at->prefix,
                      .lifted = scratch + at->lifted,
                      .nothing = scratch + at->nothing,
                      .place = (int32_t *)(scratch + at->place),
                      .rank = (int32_t *)(scratch + at->rank)};
    if (job->plan.gathered) /* a last group may leave lanes unused, and they are computed too */
        memset(w.turned, 0, at->steps - at->turned);
    return w;
}

static void run_part(int index, void *context)
{
    const cc_pool_job *job = context;
    const cc_pool_plan *plan = &job->plan;
    cc_pool_work w = begin_part(job, index);
    const bool lowest = is_maximum(choose_folds(&plan->problem, false).rows);
    const int64_t first = plan->items * index / plan->parts;
    const int64_t end = plan->items * (index + 1) / plan->parts;
    if (plan->blocked)
        fill(plan->kernels, w.nothing, plan->pitch, lowest);
    for (int64_t item = first; item < end; item++) {
        w.tile = cc_pool_find_tile(plan, item);
        for (int64_t o = 0; o < w.tile.columns; o++)
            w.columns[o] = cc_pool_window(&plan->problem, CC_COLUMN, w.tile.column + o);
        if (w.index) {
            cc_pool_find_places(&w);
            continue;
        }
        if (cc_pool_padded(plan))
            cc_pool_fill_margins(&w, plan->block_lines, lowest);
        if (!run_tile(&w, false))
            run_tile(&w, true);
    }
}

cc_status cc_pool_forward(const cc_pool *problem, cc_type type, const void *x, void *y,
                          int64_t *index, int threads)
{
    if (!cc_pool_is_sound(problem, type) || threads < 1 || (index && problem->kind != CC_POOL_MAX))
        return CC_BAD_PROBLEM;
    cc_pool_job job = {.x = x, .y = y, .index = index};
    cc_pool_make_plan(&job.plan, problem, type, threads);
    job.layout = lay_out_part(&job.plan, index);
    job.parts = cc_scratch_take((size_t)job.plan.parts * job.layout.bytes);
    if (!job.parts)
        return CC_NO_MEMORY;
    cc_parallel(job.plan.parts, run_part, &job);
    cc_scratch_give(job.parts);
    return CC_OK;
}
