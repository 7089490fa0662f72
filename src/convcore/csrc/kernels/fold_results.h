/* The results of a fold, a vector of them or a few at a time, by where the cells lie that they are
 * made of. A part of fold.c. */
#ifndef CC_FOLD_RESULTS_H
#define CC_FOLD_RESULTS_H

#include "fold_cells.h"

/* Most vectors of cells that results of two or three taps are made of. */
enum { MOST_INS = 9 };

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

#endif
