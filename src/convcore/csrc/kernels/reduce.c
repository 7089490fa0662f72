/* Reduces rows of elements to one row: what pooling is made of.
 *
 *   dst[x] = finalize(combine over t < taps of combine over r < count of
 *                   map(rows[r][start + x * step + t * tap]))
 *
 * for `lines` lines of `planes` planes, each at a fixed distance from the one before. How it is
 * mapped, combined and finalized says cc_reduce_args's `how`. One tap reduces the rows of a window,
 * one row and many taps reduce a row with itself, shifted; both at once do a whole window in
 * registers.
 *
 * Assumed: elements from <= i < to of the rows exist, others are taken as what changes nothing; dst
 * may be one of the rows (a vector is read before it is written, and only vectors further on are
 * read afterwards); many rows have one tap, many taps one row (more than PAIRWISE_BLOCK of either);
 * no alignment. Sums of up to PAIRWISE_BLOCK terms are one chain, longer ones are added pairwise,
 * so that their error grows with the logarithm of the terms.
 */
#include "reduce_results.h"

/* Steps that are written out. */
enum { UNROLLED = 8 };

/* The same with another number of vectors at a time. */
CC_INLINE way with_vecs(way w, int vecs)
{
    w.vecs = vecs;
    return w;
}

/* Elements of the rows that a way's vectors of results need. */
CC_INLINE ptrdiff_t reach(const cc_reduce_args *f, way w)
{
    if (w.how_apart == CLOSE || w.how_apart == CLOSE_PAIRS)
        return ins_of(w) * LANES;
    return step_of(w.how_apart) * w.vecs * LANES + (w.taps - 1) * f->tap;
}

/* How a line is gone through: up to each of these results in another way. */
typedef struct {
    ptrdiff_t prologue; /* results that may need elements before the first */
    ptrdiff_t unrolled; /* several vectors at a time */
    ptrdiff_t body;     /* one */
    bool tail;          /* whether whole vectors can be read for what remains, less than one */
} loop_bounds;

/* Results from `from` on that need nothing beyond the row, in whole groups of vectors. */
CC_INLINE ptrdiff_t whole_groups(const cc_reduce_args *f, way w, ptrdiff_t from)
{
    const ptrdiff_t left = f->to - f->start - reach(f, w), group = w.vecs * LANES;
    const ptrdiff_t last = left < 0 ? 0 : left / step_of(w.how_apart) + group;
    const ptrdiff_t end = last < f->width ? last : f->width;
    return end > from ? (end - from) / group * group : 0;
}

CC_INLINE loop_bounds find_bounds(const cc_reduce_args *f, way w)
{
    const int step = step_of(w.how_apart);
    const way single = with_vecs(w, 1);
    const ptrdiff_t needless = f->start < f->from ? (f->from - f->start + step - 1) / step : 0;
    loop_bounds c = {.prologue = (needless + LANES - 1) / LANES * LANES};
    if (w.how_apart == SCATTERED || c.prologue > f->width)
        c.prologue = f->width;
    c.unrolled = c.prologue + (w.vecs > 1 ? whole_groups(f, w, c.prologue) : 0);
    c.body = c.unrolled + whole_groups(f, single, c.unrolled);
    c.tail = f->width - c.body < LANES && c.body >= c.prologue &&
             step * c.body + reach(f, single) <= f->to - f->start;
    return c;
}

CC_INLINE int least(ptrdiff_t left) { return left < LANES ? (int)left : LANES; }

/* The results of a line, w.vecs vectors at a time; count and taps are constants where usual ones.
 * Those that may need elements beyond the row, at both ends, are computed by one piece of code. */
CC_INLINE void reduce_line(line *l, way w, const loop_bounds *c, real *dst)
{
    const way single = with_vecs(w, 1);
    way anywhere = single;
    anywhere.where = ANYWHERE;
    const ptrdiff_t width = l->f.width, end = c->tail ? width : c->body;
    ptrdiff_t x = 0;
    for (ptrdiff_t edge = c->prologue;; edge = width) {
        for (; x < edge; x += LANES) reduce_vecs(l, anywhere, x, least(width - x), dst);
        if (edge == width || w.how_apart == SCATTERED)
            return;
        for (; w.vecs > 1 && x < c->unrolled; x += w.vecs * LANES) reduce_vecs(l, w, x, LANES, dst);
        /* eight at a time, the first ones less: a line's length then costs no branch that is hard
         * to foresee */
        for (ptrdiff_t vecs; (vecs = (end - x + LANES - 1) / LANES) > 0;)
            switch (w.how_apart == CLOSE_PAIRS && __builtin_constant_p(w.count)
                        ? (vecs - 1) % UNROLLED
                        : 0) {
#define STEP(few) \
    reduce_vecs(l, single, x, few, dst); \
    x += LANES;
#define CASE(n) \
    case n: \
        STEP(LANES) __attribute__((fallthrough));
                CASE(7)
                CASE(6)
                CASE(5)
                CASE(4)
                CASE(3)
                CASE(2)
                CASE(1)
            default:
                STEP(least(end - x))
#undef CASE
#undef STEP
            }
    }
}

CC_INLINE bool has_nan(const line *l)
{
#ifdef CC_INTEGER
    (void)l;
    return false;
#else
    const lane_bits nan = is_nan(l->nan_acc[0] + l->nan_acc[1] + (l->nan_acc[2] + l->nan_acc[3]));
    bool any = false;
    for (int i = 0; i < LANES; i++) any |= nan[i] != 0;
    return any;
#endif
}

CC_INLINE bool reduce_lines(const cc_reduce_args *f, way w)
{
    /* the hardware follows single rows by itself */
    line l = first_line(w.how, f, w.how_apart == CLOSE || w.how_apart == CLOSE_PAIRS);
    const real *near[3];
    if (__builtin_constant_p(w.count) && w.count <= 3) { /* pointers that stay in registers */
        for (ptrdiff_t r = 0; r < w.count; r++) near[r] = l.rows[r];
        l.rows = near;
    }
    const loop_bounds c = find_bounds(&l.f, w);
    for (ptrdiff_t plane = 0; plane < l.f.planes; plane++)
        for (ptrdiff_t i = 0; i < l.f.lines; i++) {
            l.src = plane * l.f.src_plane + i * l.f.src_line;
            reduce_line(&l, w, &c, (real *)l.f.dst + plane * l.f.dst_plane + i * l.f.dst_line);
        }
    return has_nan(&l);
}

#ifndef CC_INTEGER
/* The elements that the first vector of a short line has, and the last. */
typedef struct {
    lane_mask first, last;
} ends;

/* Reduces row r into `in`, `ins` vectors of a short line; row 0 is the first. */
CC_INLINE void add_row(line *l, cc_reduction how, ptrdiff_t r, int ins, const ends *e, vec *in)
{
    const real *p = l->rows[r] + l->src + l->f.start;
    CC_UNROLL
    for (int v = 0; v < ins; v++, p += LANES) {
        const vec of_row = v == 0         ? load_lanes(p, e->first, l->identity)
                           : v == ins - 1 ? load_lanes(p, e->last, l->identity)
                                          : load(p);
        const vec term = take(l, how, of_row, v);
        in[v] = __builtin_constant_p(r) ? term : combine(how, in[v], term);
    }
}

/* Lines whose windows hold no more than `ins` vectors of elements, each line in registers as a
 * whole: what is the same for all lines, masks above all, is found out once. */
CC_INLINE bool reduce_short(cc_reduction how, int step, int ins, const cc_reduce_args *f)
{
    line l = first_line(how, f, false);
    const ends e = {.first = lanes_between(f->from - f->start, f->to - f->start),
                    .last = lanes_between(0, f->to - f->start - (ins - 1) * LANES)};
    const int vecs = (ins + step - 1) / step;
    const way single = {.how = how, .vecs = 1};
    for (ptrdiff_t plane = 0; plane < l.f.planes; plane++)
        for (ptrdiff_t i = 0; i < l.f.lines; i++) {
            real *dst = (real *)l.f.dst + plane * l.f.dst_plane + i * l.f.dst_line;
            l.src = plane * l.f.src_plane + i * l.f.src_line;
            vec in[MOST_INS + 2], acc[VECS];
            CC_UNROLL
            for (int v = ins; v <= step * vecs; v++) in[v] = l.identity;
            add_row(&l, how, 0, ins, &e, in);
            for (ptrdiff_t r = 1; r < l.f.count; r++) add_row(&l, how, r, ins, &e, in);
            shift_taps(how, l.f.taps, step, in, vecs, acc);
            CC_UNROLL
            for (int v = 0; v < vecs; v++) {
                const ptrdiff_t left = l.f.width - v * LANES;
                if (left > 0)
                    finalize(&l, single, v * LANES, least(left), dst, &acc[v]);
            }
        }
    return has_nan(&l);
}

/* Vectors of elements that a whole line's windows hold; 0 unless only its first and last may reach
 * beyond the row. */
CC_INLINE ptrdiff_t vectors_of_line(const cc_reduce_args *f)
{
    const ptrdiff_t ins = ((f->width - 1) * f->step + f->taps + LANES - 1) / LANES;
    const bool two_ends = f->from - f->start <= LANES && f->start + (ins - 1) * LANES <= f->to;
    return two_ends ? ins : 0;
}
#endif

/* Each way to go through lines is a function of its own, for each `how` that has it: compilers give
 * one that holds them all too few registers, and take longer. */
#define CC_HOW CC_MAX
#define CC_NAME(way) reduce_max##way
#include "reduce_ways.h"
#ifndef CC_INTEGER
#define CC_HOW CC_LARGER
#define CC_NAME(way) reduce_larger##way
#include "reduce_ways.h"
#define CC_HOW CC_MAX_NAN
#define CC_NAME(way) reduce_max_nan##way
#include "reduce_ways.h"
#define CC_HOW CC_MEAN
#define CC_NAME(way) reduce_mean##way
#include "reduce_ways.h"
#define CC_HOW CC_SUM_SQUARES
#define CC_NAME(way) reduce_squares##way
#include "reduce_ways.h"
#define CC_HOW CC_SUM_POWERS
#define CC_NAME(way) reduce_powers##way
#include "reduce_ways.h"
#endif

bool CC_FN(reduce)(const cc_reduce_args *f)
{
    for (ptrdiff_t i = 0; f->count == 0 && i < f->lines * f->planes; i++) {
        const ptrdiff_t at = i / f->lines * f->dst_plane + i % f->lines * f->dst_line;
        for (ptrdiff_t x = 0; x < f->width; x++) ((real *)f->dst)[at + x] = 0;
    }
    if (f->count == 0)
        return false;
#ifdef CC_INTEGER
    return reduce_max(f);
#else
    switch (f->how) {
    case CC_MAX:
        return reduce_max(f);
    case CC_LARGER:
        return reduce_larger(f);
    case CC_MAX_NAN:
    case CC_MAX_ABS:
        return reduce_max_nan(f);
    case CC_SUM:
    case CC_MEAN:
        return reduce_mean(f);
    case CC_SUM_SQUARES:
        return reduce_squares(f);
    case CC_SUM_ABS:
    case CC_SUM_POWERS:
        return reduce_powers(f);
    }
    return false;
#endif
}

#ifdef CC_INTEGER
bool CC_FN(reduce_unsigned)(const cc_reduce_args *f)
{
    cc_reduce_args args = *f;
    args.is_unsigned = true;
    return CC_FN(reduce)(&args);
}
#endif
