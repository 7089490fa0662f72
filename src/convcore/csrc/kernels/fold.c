/* Folding rows of cells into one row: what pooling is made of.
 *
 *   dst[x] = finish(combine over t < taps of combine over r < count of
 *                   lift(rows[r][start + x * step + t * tap]))
 *
 * for `lines` lines of `planes` planes, each at a fixed distance from the one before. How it is
 * lifted, combined and finished is in cc_folding's `how`. One tap folds the rows of a window, one
 * row and many taps fold a row with itself, shifted; both at once do a whole window in registers.
 *
 * Assumed: elements from <= i < to of the rows exist, others are taken as what changes nothing; dst
 * may be one of the rows (a vector is read before it is written, and only vectors further on are
 * read afterwards); many rows have one tap, many taps one row (more than CHAIN of either); no
 * alignment. Sums of up to CHAIN terms are one chain, longer ones are added pairwise, so that their
 * error grows with the logarithm of the terms.
 */
#include "fold_results.h"

/* Steps that are written out. */
enum { UNROLLED = 8 };

/* Elements of the rows that `vecs` vectors of results need. */
CC_INLINE ptrdiff_t reach(const cc_folding *f, arrangement how_apart, ptrdiff_t taps, int vecs)
{
    if (how_apart == CLOSE || how_apart == CLOSE_PAIRS)
        return ins_of(how_apart, taps, vecs) * LANES;
    return step_of(how_apart) * vecs * LANES + (taps - 1) * f->tap;
}

/* How a line is gone through: up to each of these results in another way. */
typedef struct {
    ptrdiff_t before; /* results that may need elements before the first */
    ptrdiff_t many;   /* several vectors at a time */
    ptrdiff_t inside; /* one */
    bool spare;       /* whether whole vectors can be read for the rest, which is less than one */
} course;

/* Results from `from` on that need nothing beyond the row, in whole groups of `vecs` vectors. */
CC_INLINE ptrdiff_t whole_groups(const cc_folding *f, arrangement how_apart, ptrdiff_t taps,
                                 int vecs, ptrdiff_t from)
{
    const ptrdiff_t left = f->to - f->start - reach(f, how_apart, taps, vecs);
    const ptrdiff_t last = left < 0 ? 0 : left / step_of(how_apart) + vecs * LANES;
    const ptrdiff_t end = last < f->width ? last : f->width;
    return end > from ? (end - from) / (vecs * LANES) * (vecs * LANES) : 0;
}

CC_INLINE course set_course(const cc_folding *f, arrangement how_apart, ptrdiff_t taps, int most)
{
    const int step = step_of(how_apart);
    const ptrdiff_t needless = f->start < f->from ? (f->from - f->start + step - 1) / step : 0;
    course c = {.before = (needless + LANES - 1) / LANES * LANES};
    if (how_apart == SCATTERED || c.before > f->width)
        c.before = f->width;
    c.many = c.before + (most > 1 ? whole_groups(f, how_apart, taps, most, c.before) : 0);
    c.inside = c.many + whole_groups(f, how_apart, taps, 1, c.many);
    c.spare = f->width - c.inside < LANES && c.inside >= c.before &&
              step * c.inside + reach(f, how_apart, taps, 1) <= f->to - f->start;
    return c;
}

/* The results of a line, `most` vectors at a time; count and taps are constants where usual ones.
 */
CC_INLINE void fold_line(line *l, cc_fold how, arrangement how_apart, const course *c,
                         ptrdiff_t count, ptrdiff_t taps, int most, real *dst)
{
    const ptrdiff_t width = l->f.width;
    ptrdiff_t x = 0;
    for (; x < c->before; x += LANES)
        fold_some(l, how, how_apart, count, taps, x, 1, ANYWHERE,
                  width - x < LANES ? (int)(width - x) : LANES, dst);
    for (; most > 1 && x < c->many; x += most * LANES)
        fold_some(l, how, how_apart, count, taps, x, most, INSIDE, LANES, dst);
    /* eight at a time, the first ones less: a line's length then costs no branch that is hard to
     * foresee */
    for (ptrdiff_t vecs; (vecs = (c->inside - x) / LANES) > 0;)
        switch (how_apart == CLOSE_PAIRS ? (vecs - 1) % UNROLLED : 0) {
#define STEP \
    fold_some(l, how, how_apart, count, taps, x, 1, INSIDE, LANES, dst); \
    x += LANES;
#define CASE(n) \
    case n: \
        STEP __attribute__((fallthrough));
            CASE(7)
            CASE(6)
            CASE(5)
            CASE(4)
            CASE(3)
            CASE(2)
            CASE(1)
        default:
            STEP
#undef CASE
#undef STEP
        }
    if (c->spare && x < width) {
        fold_some(l, how, how_apart, count, taps, x, 1, INSIDE, (int)(width - x), dst);
        return;
    }
    for (; x < width; x += LANES)
        fold_some(l, how, how_apart, count, taps, x, 1, ANYWHERE,
                  width - x < LANES ? (int)(width - x) : LANES, dst);
}

CC_INLINE bool has_nan(const line *l)
{
    const lane_bits nan = is_nan(l->seen[0] + l->seen[1] + (l->seen[2] + l->seen[3]));
    bool any = false;
    for (int i = 0; i < LANES; i++) any |= nan[i] != 0;
    return any;
}

CC_INLINE line first_line(cc_fold how, const cc_folding *f, bool ahead)
{
    line l = {.f = *f, .rows = (const real *const *)f->rows, .ahead = ahead};
    l.rest = splat(is_maximum(how) && how != CC_MAX_ABS ? (real)LOWEST : 0);
    return l;
}

CC_INLINE bool fold_lines(cc_fold how, arrangement how_apart, const cc_folding *f, ptrdiff_t count,
                          ptrdiff_t taps, int most)
{
    /* the hardware follows single rows by itself */
    line l = first_line(how, f, how_apart == CLOSE || how_apart == CLOSE_PAIRS);
    const real *near[3];
    if (__builtin_constant_p(count) && count <= 3) { /* pointers that stay in registers */
        for (ptrdiff_t r = 0; r < count; r++) near[r] = l.rows[r];
        l.rows = near;
    }
    const course c = set_course(&l.f, how_apart, taps, most);
    for (ptrdiff_t plane = 0; plane < l.f.planes; plane++)
        for (ptrdiff_t i = 0; i < l.f.lines; i++) {
            l.src = plane * l.f.src_plane + i * l.f.src_line;
            fold_line(&l, how, how_apart, &c, count, taps, most,
                      (real *)l.f.dst + plane * l.f.dst_plane + i * l.f.dst_line);
        }
    return has_nan(&l);
}

/* Lines whose windows hold no more than `ins` vectors of elements, each line in registers as a
 * whole: what is the same for all lines, masks above all, is found out once. */
CC_INLINE bool fold_short(cc_fold how, arrangement how_apart, const cc_folding *f, ptrdiff_t taps,
                          int ins)
{
    line l = first_line(how, f, false);
    l.whole = true;
    l.first = lanes_between(f->from - f->start, f->to - f->start);
    l.last = lanes_between(0, f->to - f->start - (ins - 1) * LANES);
    const int step = step_of(how_apart), vecs = (ins + step - 1) / step;
    for (ptrdiff_t plane = 0; plane < l.f.planes; plane++)
        for (ptrdiff_t i = 0; i < l.f.lines; i++) {
            real *dst = (real *)l.f.dst + plane * l.f.dst_plane + i * l.f.dst_line;
            l.src = plane * l.f.src_plane + i * l.f.src_line;
            vec sum[VECS];
            close(&l, how, l.f.count, taps, step, 0, ins, vecs, ANYWHERE, sum);
            CC_UNROLL
            for (int v = 0; v < vecs; v++) {
                const ptrdiff_t left = l.f.width - v * LANES;
                if (left >= LANES)
                    finish(&l, how, v * LANES, dst, 1, LANES, &sum[v]);
                else if (left > 0)
                    finish(&l, how, v * LANES, dst, 1, (int)left, &sum[v]);
            }
        }
    return has_nan(&l);
}

/* Windows of 2 or 3 neighbouring taps, one or two elements apart. */
CC_INLINE bool fold_close(cc_fold how, arrangement how_apart, const cc_folding *f, ptrdiff_t taps)
{
    const ptrdiff_t ins = ((f->width - 1) * f->step + taps + LANES - 1) / LANES;
    const bool two_ends = f->from - f->start <= LANES && f->start + (ins - 1) * LANES <= f->to;
    switch (two_ends ? ins : 0) {
    case 1:
        return fold_short(how, how_apart, f, taps, 1);
    case 2:
        return fold_short(how, how_apart, f, taps, 2);
    case 3:
        return fold_short(how, how_apart, f, taps, 3);
    case 4:
        return fold_short(how, how_apart, f, taps, 4);
#if CC_REGISTERS == 32
    case 5:
        if (how_apart == CLOSE_PAIRS)
            return fold_short(how, how_apart, f, taps, 5);
        break;
    case 6:
        if (how_apart == CLOSE_PAIRS)
            return fold_short(how, how_apart, f, taps, 6);
        break;
    case 7:
        if (how_apart == CLOSE_PAIRS)
            return fold_short(how, how_apart, f, taps, 7);
        break;
    case 8:
        if (how_apart == CLOSE_PAIRS)
            return fold_short(how, how_apart, f, taps, 8);
        break;
#endif
    }
    const int most = how_apart == CLOSE ? VECS : 1;
    if (f->count == taps)
        return fold_lines(how, how_apart, f, taps, taps, most);
    return fold_lines(how, how_apart, f, f->count, taps, most);
}

CC_INLINE bool fold_any(cc_fold how, const cc_folding *f)
{
    if (f->step != 1)
        return fold_lines(how, SCATTERED, f, f->count, f->taps, 1);
    if (!is_maximum(how) && f->count * f->taps > CHAIN)
        return fold_lines(how, BLOCKS, f, f->count, f->taps, 1);
    return fold_lines(how, NEIGHBOURS, f, f->count, f->taps, 1);
}

/* Rows, or places of one row. */
CC_INLINE bool fold_rows(cc_fold how, const cc_folding *f)
{
    if (f->step == 2)
        return fold_lines(how, PAIRS, f, f->count, f->taps, 1);
    if (f->step != 1 || (!is_maximum(how) && f->count * f->taps > CHAIN))
        return fold_any(how, f);
#ifndef CC_INTEGER
    if (f->count == 2 && f->taps == 1)
        return fold_lines(how, NEIGHBOURS, f, 2, 1, VECS);
    if (f->count == 3 && f->taps == 1)
        return fold_lines(how, NEIGHBOURS, f, 3, 1, VECS);
#endif
    return fold_lines(how, NEIGHBOURS, f, f->count, f->taps, VECS);
}

/* The usual windows as constants. */
CC_INLINE bool fold_usual(cc_fold how, const cc_folding *f)
{
#ifndef CC_INTEGER
    if (f->step <= 2 && f->tap == 1 && f->taps == 2)
        return f->step == 1 ? fold_close(how, CLOSE, f, 2) : fold_close(how, CLOSE_PAIRS, f, 2);
    if (f->step <= 2 && f->tap == 1 && f->taps == 3)
        return f->step == 1 ? fold_close(how, CLOSE, f, 3) : fold_close(how, CLOSE_PAIRS, f, 3);
#endif
    return fold_rows(how, f);
}

/* Functions of their own: compilers give one that holds them all too few registers. */
#define CC_ALONE static __attribute__((noinline)) bool
CC_ALONE fold_max(const cc_folding *f) { return fold_usual(CC_MAX, f); }
#ifndef CC_INTEGER
CC_ALONE fold_sum(const cc_folding *f) { return fold_usual(CC_SUM, f); }
CC_ALONE fold_mean(const cc_folding *f) { return fold_usual(CC_MEAN, f); }
CC_ALONE fold_squares(const cc_folding *f) { return fold_usual(CC_SUM_SQUARES, f); }
#endif

bool CC_FN(fold)(const cc_folding *f)
{
    for (ptrdiff_t i = 0; f->count == 0 && i < f->lines * f->planes; i++) {
        const ptrdiff_t at = i / f->lines * f->dst_plane + i % f->lines * f->dst_line;
        for (ptrdiff_t x = 0; x < f->width; x++) ((real *)f->dst)[at + x] = 0;
    }
    if (f->count == 0)
        return false;
    switch (f->how) {
    case CC_MAX:
        return fold_max(f);
    case CC_LARGER:
        return fold_rows(CC_LARGER, f);
#ifndef CC_INTEGER
    case CC_MAX_NAN:
        return fold_any(CC_MAX_NAN, f);
    case CC_MAX_ABS:
        return fold_any(CC_MAX_ABS, f);
    case CC_SUM:
        return fold_sum(f);
    case CC_MEAN:
        return fold_mean(f);
    case CC_SUM_ABS:
        return fold_any(CC_SUM_ABS, f);
    case CC_SUM_SQUARES:
        return fold_squares(f);
    case CC_SUM_POWERS:
        return fold_any(CC_SUM_POWERS, f);
#endif
    default:
        return false;
    }
}
