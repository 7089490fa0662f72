/* The results of a reduction, a vector of them or a few at a time, by where the elements lie that
 * they are made of. A part of reduce.c. */
#ifndef CC_REDUCE_RESULTS_H
#define CC_REDUCE_RESULTS_H

#include "reduce_terms.h"

CC_INLINE int step_of(arrangement how_apart)
{
    return how_apart == CLOSE_PAIRS || how_apart == PAIRS ? 2 : 1;
}

/* Vectors that a way's vectors of results need. */
CC_INLINE int ins_of(way w)
{
    return step_of(w.how_apart) * w.vecs + (w.how_apart == CLOSE || w.taps == 3);
}

/* Results that are neighbours, from x on. */
CC_INLINE void neighbours(line *l, way w, ptrdiff_t x, vec *acc)
{
    const cc_reduce_args *f = &l->f;
    if (w.count == 1) {
        w.count = 1; /* a constant here */
        chain(l, w, 0, w.taps, f->start + x, acc);
        return;
    }
    chain(l, w, 0, w.count, f->start + x, acc);
    for (ptrdiff_t t = 1; t < w.taps; t++) {
        vec next[VECS];
        chain(l, w, 0, w.count, f->start + x + t * f->tap, next);
        CC_UNROLL
        for (int v = 0; v < w.vecs; v++) acc[v] = combine(w.how, acc[v], next[v]);
    }
}

CC_INLINE vec third_tap(cc_reduction how, int step, const vec *in, vec first, vec acc)
{
    return combine(how, acc, step == 1 ? CC_NEXT2(in[0], in[1]) : CC_NEXT(first, in[2]));
}

/* Results of two or three neighbouring taps, `step` (1 or 2) elements apart, from `in`: vectors of
 * which each is reduced over the rows. The taps are found by shifting and sorting these. */
CC_INLINE void shift_taps(cc_reduction how, ptrdiff_t taps, int step, const vec *in, int vecs,
                          vec *acc)
{
    vec first[VECS];
    const bool is_known = __builtin_constant_p(taps); /* else one branch has to do for all */
    CC_UNROLL
    for (int v = 0; v < vecs; v++) {
        const vec *i = &in[step * v];
        first[v] = step == 1 ? i[0] : CC_EVENS(i[0], i[1]);
        acc[v] = combine(how, first[v], step == 1 ? CC_NEXT(i[0], i[1]) : CC_ODDS(i[0], i[1]));
        if (is_known && taps == 3)
            acc[v] = third_tap(how, step, i, first[v], acc[v]);
    }
    if (is_known || taps != 3)
        return;
    CC_UNROLL
    for (int v = 0; v < vecs; v++) acc[v] = third_tap(how, step, &in[step * v], first[v], acc[v]);
}

/* The same from the rows, of which ins_of(w) vectors are reduced once. */
CC_INLINE void close(line *l, way w, ptrdiff_t x, vec *acc)
{
    const int step = step_of(w.how_apart), vecs = w.vecs;
    vec in[MOST_INS + 2];
    CC_UNROLL
    for (int v = 0; v <= step * vecs; v++) in[v] = l->identity; /* beyond the last result's */
    w.vecs = ins_of(w);
    chain(l, w, 0, w.count, l->f.start + step * x, in);
    shift_taps(w.how, w.taps, step, in, vecs, acc);
}

/* Results that begin two elements apart, of any taps: of each, every second element. */
CC_INLINE void pairs(line *l, way w, ptrdiff_t x, vec *acc)
{
    w.vecs = 2;
    for (ptrdiff_t t = 0; t < w.taps; t++) {
        vec in[2];
        chain(l, w, 0, w.count, l->f.start + 2 * x + t * l->f.tap, in);
        const vec evens = CC_EVENS(in[0], in[1]);
        *acc = t ? combine(w.how, *acc, evens) : evens;
    }
}

/* `few` elements, `step` apart, of which those from <= at < to exist. Not inlined, for it is never
 * fast. */
static __attribute__((noinline)) void pick(const real *first, ptrdiff_t step, ptrdiff_t from,
                                           ptrdiff_t to, int few, real *lanes)
{
    ptrdiff_t at = 0;
    for (int i = 0; i < few; i++, at += step)
        if (at >= from && at < to)
            lanes[i] = first[at];
}

/* Results that begin any distance apart. */
CC_INLINE void scattered(line *l, cc_reduction how, ptrdiff_t x, int few, vec *acc)
{
    const cc_reduce_args *f = &l->f;
    real lanes[LANES];
    for (ptrdiff_t t = 0; t < f->taps; t++) {
        const ptrdiff_t at = f->start + x * f->step + t * f->tap;
        vec of_tap = l->identity;
        for (ptrdiff_t r = 0; r < f->count; r++) {
            store(lanes, l->identity);
            pick(l->rows[r] + (l->src + at), f->step, f->from - at, f->to - at, few, lanes);
            const vec term = take(l, how, load(lanes), 0);
            of_tap = r ? combine(how, of_tap, term) : term;
        }
        *acc = t ? combine(how, *acc, of_tap) : of_tap;
    }
}

/* Stores the results from x on, `few` elements of the last vector. */
CC_INLINE void finalize(const line *l, way w, ptrdiff_t x, int few, real *dst, vec *acc)
{
    const int vecs = w.vecs;
#ifdef CC_INTEGER
    CC_UNROLL
    for (int v = 0; v < vecs; v++) acc[v] = map(l, w.how, acc[v]); /* flips back */
#else
    if (w.how == CC_MEAN) {
        CC_UNROLL
        for (int v = 0; v < vecs; v++)
            acc[v] += splat(0); /* a sum starts at 0: -0.0 alone gives 0 */
        if (l->f.divisors) {
            CC_UNROLL
            for (int v = 0; v < vecs; v++)
                acc[v] /= load((const real *)l->f.divisors + x + v * LANES);
        } else if (l->divides) {
            CC_UNROLL
            for (int v = 0; v < vecs; v++) acc[v] /= l->scale;
        } else {
            CC_UNROLL
            for (int v = 0; v < vecs; v++) acc[v] *= l->scale;
        }
    }
#endif
    CC_UNROLL
    for (int v = 0; v < vecs; v++) {
        if (few == LANES || v < vecs - 1)
            store(dst + x + v * LANES, acc[v]);
        else
            store_partial(dst + x + v * LANES, acc[v], few);
    }
    (void)l;
}

CC_INLINE void reduce_vecs(line *l, way w, ptrdiff_t x, int few, real *dst)
{
    vec acc[VECS];
    CC_UNROLL
    for (int v = 0; v < w.vecs; v++) acc[v] = l->identity;
    switch (w.how_apart) {
    case NEIGHBOURS:
        neighbours(l, w, x, acc);
        break;
    case CLOSE:
    case CLOSE_PAIRS:
        close(l, w, x, acc);
        break;
    case PAIRS:
        pairs(l, w, x, acc);
        break;
    case SCATTERED:
        scattered(l, w.how, x, few, acc);
        break;
    case BLOCKS:
        blocks(l, w, l->f.start + x, acc);
        break;
    }
    finalize(l, w, x, few, dst, acc);
}

#endif
