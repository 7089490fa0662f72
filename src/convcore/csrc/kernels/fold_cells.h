/* The cells of a fold: how they are read, lifted and combined. A part of fold.c. */
#ifndef CC_FOLD_CELLS_H
#define CC_FOLD_CELLS_H

#include "vec.h"

#include <math.h>

/* Terms of a sum that are one chain, and the digits of a binary counter of chains. */
enum { CHAIN = 128, LEVELS = 56 };
/* Most vectors of results at a time. */
enum { VECS = 4 };
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

#endif
