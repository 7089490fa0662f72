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
#include "vec.h"

#include <math.h>

enum { CHAIN = 128, LEVELS = 56 };
/* Vectors of results at a time: of one row's neighbours, and of every second (which are made of
 * twice as many, and one). */
enum { VECS = 4, PAIR_VECS = 1, MOST_INS = 9, UNROLLED = 8 };
/* Rows are read on from a line to the next, which hardware sees too late. */
enum { AHEAD = 2048 / CC_REAL_BYTES };

CC_INLINE vec absolute(vec v) { return choose(v < 0, v, -v); }

#ifndef CC_INTEGER
static __attribute__((noinline)) void raise(real *lanes, double p)
{
    for (int i = 0; i < LANES; i++) lanes[i] = (real)pow((double)lanes[i], p);
}

/* |v|^p, by multiplication where p is a small whole number. */
CC_INLINE vec power(vec v, double p)
{
    vec result = absolute(v);
    if (p <= 16 && p == (double)(int)p) {
        const vec factor = result;
        for (int i = 1; i < (int)p; i++) result *= factor;
        return result;
    }
    real lanes[LANES];
    store(lanes, result);
    raise(lanes, p);
    return load(lanes);
}
#endif

CC_INLINE vec lift(cc_fold how, double p, vec v)
{
#ifndef CC_INTEGER
    switch (how) {
    case CC_MAX_ABS:
    case CC_SUM_ABS:
        return absolute(v);
    case CC_SUM_SQUARES:
        return v * v;
    case CC_SUM_POWERS:
        return power(v, p);
    default:
        return v;
    }
#else
    (void)how, (void)p;
    return v;
#endif
}

CC_INLINE lane_bits is_nan(vec v)
{
#ifdef CC_INTEGER
    (void)v;
    return (lane_bits){0};
#else
    return v != v;
#endif
}

CC_INLINE bool is_maximum(cc_fold how)
{
    return how == CC_MAX || how == CC_LARGER || how == CC_MAX_NAN || how == CC_MAX_ABS;
}

CC_INLINE vec combine(cc_fold how, vec sum, vec v)
{
    if (how == CC_MAX || how == CC_LARGER)
        return larger(sum, v);
    if (how == CC_MAX_NAN || how == CC_MAX_ABS)
        return choose((v > sum) | is_nan(v), sum, v);
    return sum + v;
}

/* What the folds of a call share. `seen` turns NaN where CC_MAX meets one, or infinities that
 * cancel: a sum that is looked at once is cheaper than a maximum that keeps NaN. There are several,
 * for a single one would be a chain of additions that everything waits for. */
typedef struct {
    cc_folding f; /* a copy, which stores of results cannot change */
    const real *const *rows;
    ptrdiff_t src; /* the line's first element, relative to `rows` */
    bool ahead;    /* whether to fetch what comes next in a row; a constant, as is the next */
    bool whole;    /* whether lines are short and folded as a whole; then what exists of ... */
    lane_mask first, last; /* ... their first and last vector */
    vec rest;              /* what changes nothing */
    vec seen[VECS];
} line;

/* Whether vectors may reach beyond their row, and what is known of that. */
typedef enum { INSIDE, ANYWHERE, FIRST, LAST } position;

/* The vector at p, which is element `at` of its row. */
CC_INLINE vec fetch(line *l, cc_fold how, const real *p, ptrdiff_t at, int i, position where)
{
    const lane_mask mask = where == FIRST  ? l->first
                           : where == LAST ? l->last
                                           : lanes_between(l->f.from - at, l->f.to - at);
    const vec v = held(where == INSIDE ? load(p) : load_lanes(p, mask, l->rest));
    if (l->ahead)
        __builtin_prefetch(p + AHEAD);
    if (how == CC_MAX)
        l->seen[i % VECS] += v;
    return lift(how, l->f.p, v);
}

/* Vectors at..., each the fold of terms from <= t < to (at least one): of rows, or of places in the
 * only row. */
CC_INLINE void chain(line *l, cc_fold how, ptrdiff_t count, ptrdiff_t from, ptrdiff_t to,
                     ptrdiff_t at, int vecs, position where, vec *sum)
{
    const ptrdiff_t tap = count == 1 ? l->f.tap : 0, next = count == 1 ? 0 : 1;
    const real *p = l->rows[from * next] + (l->src + at + from * tap);
    CC_UNROLL
    for (int v = 0; v < vecs; v++)
        sum[v] = fetch(l, how, p + v * LANES, at + from * tap + v * LANES, v, where);
    for (ptrdiff_t t = from + 1; t < to; t++) {
        p = l->rows[t * next] + (l->src + at + t * tap);
        CC_UNROLL
        for (int v = 0; v < vecs; v++) {
            const vec in = fetch(l, how, p + v * LANES, at + t * tap + v * LANES, v, where);
            sum[v] = combine(how, sum[v], in);
        }
    }
}

/* More than CHAIN terms: block sums are added like the digits of a binary counter. */
CC_INLINE void blocks(line *l, cc_fold how, ptrdiff_t count, ptrdiff_t terms, ptrdiff_t at,
                      position where, vec *sum)
{
    vec level[LEVELS];
    ptrdiff_t done = 0;
    for (ptrdiff_t from = 0; from < terms; from += CHAIN, done++) {
        chain(l, how, count, from, from + CHAIN < terms ? from + CHAIN : terms, at, 1, where, sum);
        int i = 0;
        for (; done >> i & 1; i++) *sum = combine(how, level[i], *sum);
        level[i] = *sum;
    }
    bool first = true;
    for (int i = 0; done >> i; i++) {
        if (!(done >> i & 1))
            continue;
        *sum = first ? level[i] : combine(how, level[i], *sum);
        first = false;
    }
}

/* Results that are neighbours, from x on. */
CC_INLINE void neighbours(line *l, cc_fold how, ptrdiff_t count, ptrdiff_t taps, ptrdiff_t x,
                          int vecs, position where, vec *sum)
{
    const cc_folding *f = &l->f;
    if (count == 1) {
        chain(l, how, 1, 0, taps, f->start + x, vecs, where, sum);
        return;
    }
    chain(l, how, count, 0, count, f->start + x, vecs, where, sum);
    for (ptrdiff_t t = 1; t < taps; t++) {
        vec next[VECS];
        chain(l, how, count, 0, count, f->start + x + t * f->tap, vecs, where, next);
        CC_UNROLL
        for (int v = 0; v < vecs; v++) sum[v] = combine(how, sum[v], next[v]);
    }
}

/* Results of two or three neighbouring taps, `step` (1 or 2) elements apart: the rows are folded
 * once, into `ins` vectors, and the taps are found by shifting and sorting these. */
CC_INLINE void close(line *l, cc_fold how, ptrdiff_t count, ptrdiff_t taps, int step, ptrdiff_t x,
                     int ins, int vecs, position where, vec *sum)
{
    const ptrdiff_t at = l->f.start + step * x;
    vec in[MOST_INS + 2];
    if (where == INSIDE) {
        chain(l, how, count, 0, count, at, ins, INSIDE, in);
    } else { /* where this is a whole line, it may reach beyond the row with its first and last */
        const position middle = l->whole ? INSIDE : ANYWHERE;
        chain(l, how, count, 0, count, at, 1, l->whole ? FIRST : ANYWHERE, in);
        if (ins > 2)
            chain(l, how, count, 0, count, at + LANES, ins - 2, middle, in + 1);
        if (ins > 1)
            chain(l, how, count, 0, count, at + (ins - 1) * LANES, 1, l->whole ? LAST : ANYWHERE,
                  in + ins - 1);
    }
    CC_UNROLL
    for (int v = ins; v <= step * vecs; v++) in[v] = l->rest; /* results beyond the last one's */
    CC_UNROLL
    for (int v = 0; v < vecs; v++) {
        const vec *i = &in[step * v];
        const vec first = step == 1 ? i[0] : CC_EVENS(i[0], i[1]);
        sum[v] = combine(how, first, step == 1 ? CC_NEXT(i[0], i[1]) : CC_ODDS(i[0], i[1]));
        if (taps == 3)
            sum[v] = combine(how, sum[v], step == 1 ? CC_NEXT2(i[0], i[1]) : CC_NEXT(first, i[2]));
    }
}

/* Results that begin two elements apart, of any taps: of each, every second element. */
CC_INLINE void pairs(line *l, cc_fold how, ptrdiff_t count, ptrdiff_t taps, ptrdiff_t x,
                     position where, vec *sum)
{
    for (ptrdiff_t t = 0; t < taps; t++) {
        vec in[2];
        chain(l, how, count, 0, count, l->f.start + 2 * x + t * l->f.tap, 2, where, in);
        const vec evens = CC_EVENS(in[0], in[1]);
        *sum = t ? combine(how, *sum, evens) : evens;
    }
}

/* `few` elements of a row, `step` apart, where there are such. Not inlined, for it is never fast.
 */
static __attribute__((noinline)) void pick(const real *row, ptrdiff_t at, ptrdiff_t step,
                                           ptrdiff_t from, ptrdiff_t to, int few, real *lanes)
{
    for (int i = 0; i < few; i++, at += step)
        if (at >= from && at < to)
            lanes[i] = row[at];
}

/* Results that begin any distance apart. */
CC_INLINE void scattered(line *l, cc_fold how, ptrdiff_t x, int few, vec *sum)
{
    const cc_folding *f = &l->f;
    real lanes[LANES];
    for (ptrdiff_t t = 0; t < f->taps; t++) {
        vec of_tap = l->rest;
        for (ptrdiff_t r = 0; r < f->count; r++) {
            store(lanes, l->rest);
            pick(l->rows[r] + l->src, f->start + x * f->step + t * f->tap, f->step, f->from, f->to,
                 few, lanes);
            const vec in = load(lanes);
            if (how == CC_MAX)
                l->seen[0] += in;
            of_tap = r ? combine(how, of_tap, lift(how, f->p, in)) : lift(how, f->p, in);
        }
        *sum = t ? combine(how, *sum, of_tap) : of_tap;
    }
}

/* Stores the results from x on. */
CC_INLINE void finish(const line *l, cc_fold how, ptrdiff_t x, real *dst, int vecs, int few,
                      vec *sum)
{
    CC_UNROLL
    for (int v = 0; v < vecs; v++) {
#ifndef CC_INTEGER
        const real *divisors = l->f.divisors;
        if (how == CC_MEAN && divisors)
            sum[v] /= load(divisors + x + v * LANES);
        else if (how == CC_MEAN) /* the inverse of a power of two is exact, a product cheaper */
            sum[v] = l->f.inverse != 0 ? sum[v] * splat((real)l->f.inverse)
                                       : sum[v] / splat((real)l->f.divisor);
#endif
        if (few == LANES)
            store(dst + x + v * LANES, sum[v]);
        else
            store_few(dst + x + v * LANES, sum[v], few);
    }
    (void)l, (void)how;
}

/* How the results of a line are found: see the functions of these names. */
typedef enum { NEIGHBOURS, CLOSE, CLOSE_PAIRS, PAIRS, SCATTERED, BLOCKS } arrangement;

CC_INLINE int step_of(arrangement how_apart)
{
    return how_apart == CLOSE_PAIRS || how_apart == PAIRS ? 2 : 1;
}

/* Vectors that `vecs` vectors of results need. */
CC_INLINE int ins_of(arrangement how_apart, ptrdiff_t taps, int vecs)
{
    return step_of(how_apart) * vecs + (how_apart == CLOSE || taps == 3);
}

CC_INLINE void fold_some(line *l, cc_fold how, arrangement how_apart, ptrdiff_t count,
                         ptrdiff_t taps, ptrdiff_t x, int vecs, position where, int few, real *dst)
{
    vec sum[VECS];
    CC_UNROLL
    for (int v = 0; v < vecs; v++) sum[v] = l->rest;
    switch (how_apart) {
    case NEIGHBOURS:
        neighbours(l, how, count, taps, x, vecs, where, sum);
        break;
    case CLOSE:
    case CLOSE_PAIRS:
        close(l, how, count, taps, step_of(how_apart), x, ins_of(how_apart, taps, vecs), vecs,
              where, sum);
        break;
    case PAIRS:
        pairs(l, how, count, taps, x, where, sum);
        break;
    case SCATTERED:
        scattered(l, how, x, few, sum);
        break;
    case BLOCKS:
        blocks(l, how, count, count * taps, l->f.start + x, where, sum);
        break;
    }
    finish(l, how, x, dst, vecs, few, sum);
}

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
    const int most = how_apart == CLOSE ? VECS : PAIR_VECS;
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
