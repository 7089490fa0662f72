/* The terms of a reduction: how they are read, mapped and combined. A part of reduce.c. */
#ifndef CC_REDUCE_TERMS_H
#define CC_REDUCE_TERMS_H

#include "vec.h"
#ifndef CC_INTEGER
#include "power.h"
#endif

/* Terms of a sum that are one chain, and the digits of a binary counter of chains. */
enum { PAIRWISE_BLOCK = 128, LEVELS = 56 };
/* Most vectors of results at a time. */
enum { VECS = 4 };
/* Most vectors of elements that results of two or three taps are made of. */
enum { MOST_INS = 9 };
/* Rows are read on from a line to the next, which hardware sees too late. */
enum { AHEAD = 2048 / CC_REAL_BYTES };

/* What the lines of a call share. `nan_acc` turns NaN where CC_MAX meets one, or infinities that
 * cancel: a sum that is checked once is cheaper than a maximum that keeps NaN. There are several,
 * for a single one would be a chain of additions that everything waits for. Integers need none. */
typedef struct {
    cc_reduce_args f; /* a copy, which stores of results cannot change */
    const real *const *rows;
    ptrdiff_t src;     /* the line's first element, relative to `rows` */
    bool ahead;        /* whether to fetch what comes next in a row; a constant */
    int factors;       /* CC_SUM_POWERS: the exponent where it is a small integer, else 0 */
    lane_bits changed; /* bits that a term loses (CC_MAX_NAN) or has flipped (integers) */
    vec identity;      /* what changes nothing */
    vec scale;         /* CC_MEAN: what a result is multiplied or, if `divides`, divided by */
    bool divides;
    vec nan_acc[VECS];
} line;

#ifndef CC_INTEGER
/* |v|: without its sign, which a zero has too. */
CC_INLINE vec absolute(vec v) { return (vec)((lane_bits)v & ~(lane_bits)splat((real)-0.0)); }

/* |v|^p, by multiplication where p is a small integer. */
CC_INLINE vec power(const line *l, vec v)
{
    vec result = absolute(v);
    if (l->factors) {
        const vec factor = result;
        for (int i = 1; i < l->factors; i++) result *= factor;
        return result;
    }
    real lanes[LANES];
    double values[LANES];
    store(lanes, result);
    for (int i = 0; i < LANES; i++) values[i] = (double)lanes[i];
    raise(values, LANES, (exponent){l->f.p, 0});
    for (int i = 0; i < LANES; i++) lanes[i] = (real)values[i];
    return load(lanes);
}
#endif

/* A term, from an element: CC_MAX_NAN is also that of magnitudes, and unsigned integers are
 * compared as signed ones whose first bit is flipped. */
CC_INLINE vec map(const line *l, cc_reduction how, vec v)
{
#ifdef CC_INTEGER
    (void)how;
    return (vec)((lane_bits)v ^ l->changed);
#else
    switch (how) {
    case CC_MAX_NAN:
        return (vec)((lane_bits)v & ~l->changed);
    case CC_SUM_SQUARES:
        return v * v;
    case CC_SUM_POWERS:
        return power(l, v);
    default:
        return v;
    }
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

CC_INLINE bool is_maximum(cc_reduction how)
{
    return how == CC_MAX || how == CC_LARGER || how == CC_MAX_NAN;
}

CC_INLINE vec combine(cc_reduction how, vec acc, vec v)
{
    if (how == CC_MAX || how == CC_LARGER)
        return larger(acc, v);
    if (how == CC_MAX_NAN)
        return select_lanes((v > acc) | is_nan(v), acc, v);
    return acc + v;
}

CC_INLINE line first_line(cc_reduction how, const cc_reduce_args *f, bool ahead)
{
    line l = {.f = *f, .rows = (const real *const *)f->rows, .ahead = ahead};
    l.identity = splat(is_maximum(how) ? (real)LOWEST : 0);
#ifdef CC_INTEGER
    if (f->is_unsigned) {
        l.changed = (lane_bits)splat(LOWEST);
        l.identity = splat(0);
    }
#else
    if (how == CC_MAX_NAN && f->how == CC_MAX_ABS) {
        l.changed = (lane_bits)splat((real)-0.0);
        l.identity = splat(0);
    }
    if (how == CC_SUM_POWERS && f->p <= 16 && f->p == (double)(int)f->p)
        l.factors = (int)f->p;
    if (how == CC_MEAN) {
        const bool is_sum =
            f->how == CC_SUM; /* a mean that is divided by 1, which changes nothing */
        l.divides = is_sum || f->divisors ? 0 : f->inverse == 0;
        l.scale = splat((real)(is_sum ? 1 : l.divides ? f->divisor : f->inverse));
        l.f.divisors = is_sum ? NULL : f->divisors;
    }
#endif
    return l;
}

/* Whether vectors may reach beyond their row. */
typedef enum { INSIDE, ANYWHERE } position;

/* How the results of a line are found: see the functions of these names. */
typedef enum { NEIGHBOURS, CLOSE, CLOSE_PAIRS, PAIRS, SCATTERED, BLOCKS } arrangement;

/* A way to compute results, handed on by value: constants, all but the sizes of unusual windows. It
 * stands alone, for compilers see no constants in what has arrays beside them, as a line has. */
typedef struct {
    cc_reduction how;
    arrangement how_apart;
    ptrdiff_t count, taps;
    int vecs; /* vectors at a time */
    position where;
} way;

CC_INLINE void note_nan(line *l, cc_reduction how, vec v, int i)
{
#ifndef CC_INTEGER
    if (how == CC_MAX)
        l->nan_acc[i % VECS] += v;
#endif
    (void)l, (void)how, (void)v, (void)i;
}

/* The term of a vector that was loaded. */
CC_INLINE vec take(line *l, cc_reduction how, vec v, int i)
{
    v = keep_in_register(v);
    note_nan(l, how, v, i);
    return map(l, how, v);
}

/* The vector at p, of which there are the lanes of `mask` alone unless it lies INSIDE. */
CC_INLINE vec fetch(line *l, way w, const real *p, lane_mask mask, int i)
{
    const vec v = w.where == INSIDE ? load(p) : load_lanes(p, mask, l->identity);
    if (l->ahead)
        __builtin_prefetch(p + AHEAD);
    return take(l, w.how, v, i);
}

/* Vectors at..., each the reduction of terms from <= t < to (at least one): of rows, or of offsets
 * in the only row. Rows lack the same lanes, so those of constant `count` ask once. */
CC_INLINE void chain(line *l, way w, ptrdiff_t from, ptrdiff_t to, ptrdiff_t at, vec *acc)
{
    const ptrdiff_t tap = w.count == 1 ? l->f.tap : 0, next = w.count == 1 ? 0 : 1;
    const bool alike = __builtin_constant_p(w.count) && w.count != 1;
    lane_mask mask[MOST_INS];
    const real *p = l->rows[from * next] + (l->src + at + from * tap);
    at += from * tap;
    CC_UNROLL
    for (int v = 0; v < w.vecs; v++) {
        const ptrdiff_t i = at + v * LANES;
        mask[v] = lanes_between(l->f.from - i, l->f.to - i);
        acc[v] = fetch(l, w, p + v * LANES, mask[v], v);
    }
    for (ptrdiff_t t = from + 1; t < to; t++) {
        at += tap;
        p = l->rows[t * next] + (l->src + at);
        CC_UNROLL
        for (int v = 0; v < w.vecs; v++) {
            const ptrdiff_t i = at + v * LANES;
            if (!alike)
                mask[v] = lanes_between(l->f.from - i, l->f.to - i);
            acc[v] = combine(w.how, acc[v], fetch(l, w, p + v * LANES, mask[v], v));
        }
    }
}

/* More than PAIRWISE_BLOCK terms: block sums are added like the digits of a binary counter. */
CC_INLINE void blocks(line *l, way w, ptrdiff_t at, vec *acc)
{
    const ptrdiff_t terms = w.count * w.taps;
    vec level[LEVELS];
    ptrdiff_t done = 0;
    for (ptrdiff_t from = 0; from < terms; from += PAIRWISE_BLOCK, done++) {
        chain(l, w, from, from + PAIRWISE_BLOCK < terms ? from + PAIRWISE_BLOCK : terms, at, acc);
        int i = 0;
        for (; done >> i & 1; i++) *acc = combine(w.how, level[i], *acc);
        level[i] = *acc;
    }
    bool first = true;
    for (int i = 0; done >> i; i++) {
        if (!(done >> i & 1))
            continue;
        *acc = first ? level[i] : combine(w.how, level[i], *acc);
        first = false;
    }
}

#endif
