/* Folding rows of cells into one row: what pooling is made of.
 *
 *   dst[x] = finish(combine over r < count of lift(rows[r][x * step]))
 *
 * for `lines` lines, each source and destination line at a fixed distance from the one before. How
 * it is lifted, combined and finished is in cc_folding's `how`. A pooling's vertical step folds
 * the rows of its window; the horizontal one folds the resulting row with itself, shifted, which
 * are rows that overlap.
 *
 * Assumed: with step 2 memory goes on for 2 LANES reals after a row, and no more than CHAIN rows have a
 * step other than 1; dst may be one of the rows (a vector is read before it is written, and only
 * vectors further on are read afterwards); no alignment. Sums of up to CHAIN rows are one chain in the order of the rows, longer
 * ones are added pairwise, so that their error grows with the logarithm of the rows.
 */
#include "vec.h"

#include <math.h>

enum { VECS = 4, CHAIN = 128, LEVELS = 56 };

CC_INLINE vec absolute(vec v) { return choose(v < 0, v, -v); }

#ifndef CC_INTEGER
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
    for (int i = 0; i < LANES; i++) lanes[i] = (real)pow((double)lanes[i], p);
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

CC_INLINE vec combine(cc_fold how, vec sum, vec v)
{
    if (how == CC_MAX)
        return larger(sum, v);
    if (how == CC_MAX_NAN || how == CC_MAX_ABS)
        return choose((v > sum) | is_nan(v), sum, v);
    return sum + v;
}

/* A vector of a row, of which the last of a line has only `few` lanes. */
CC_INLINE vec fetch(const real *p, ptrdiff_t step, int few)
{
    if (step == 1)
        return few == LANES ? load(p) : load_few(p, few);
    if (step == 2)
        return load_pairs(p);
    real lanes[LANES] = {0};
    for (int i = 0; i < few; i++) lanes[i] = p[i * step];
    return load(lanes);
}

/* Folds rows from <= r < to, at least one, at element `at`. `seen` turns NaN where a row has one: an
 * addition more is cheaper than a maximum that keeps NaN, and infinities that cancel only cost a
 * second look. */
CC_INLINE void chain(cc_fold how, const cc_folding *f, ptrdiff_t from, ptrdiff_t to, ptrdiff_t step,
                     ptrdiff_t at, int vecs, int few, vec *sum, vec *seen)
{
    const real *const *rows = (const real *const *)f->rows;
    CC_UNROLL
    for (int v = 0; v < vecs; v++) {
        const vec in = fetch(rows[from] + at + v * LANES * step, step, few);
        sum[v] = lift(how, f->p, in);
        if (how == CC_MAX)
            *seen += in;
    }
    for (ptrdiff_t r = from + 1; r < to; r++) {
        CC_UNROLL
        for (int v = 0; v < vecs; v++) {
            const vec in = fetch(rows[r] + at + v * LANES * step, step, few);
            sum[v] = combine(how, sum[v], lift(how, f->p, in));
            if (how == CC_MAX)
                *seen += in;
        }
    }
}

/* More than CHAIN rows: block sums are added like the digits of a binary counter. */
CC_INLINE void blocks(cc_fold how, const cc_folding *f, ptrdiff_t count, ptrdiff_t step,
                      ptrdiff_t at, int vecs, int few, vec *sum, vec *seen)
{
    vec level[LEVELS][VECS];
    ptrdiff_t done = 0;
    for (ptrdiff_t from = 0; from < count; from += CHAIN, done++) {
        const ptrdiff_t to = from + CHAIN < count ? from + CHAIN : count;
        chain(how, f, from, to, step, at, vecs, few, sum, seen);
        int i = 0;
        for (; done >> i & 1; i++)
            for (int v = 0; v < vecs; v++) sum[v] += level[i][v];
        for (int v = 0; v < vecs; v++) level[i][v] = sum[v];
    }
    int i = 0;
    while (!(done >> i & 1)) i++;
    for (int v = 0; v < vecs; v++) sum[v] = level[i][v];
    for (i++; done >> i; i++)
        for (int v = 0; v < vecs && (done >> i & 1); v++) sum[v] += level[i][v];
}

CC_INLINE void tile(cc_fold how, const cc_folding *f, ptrdiff_t count, ptrdiff_t step, bool many,
                    ptrdiff_t at, real *dst, int vecs, int few, vec *seen)
{
    vec sum[VECS];
    if (many)
        blocks(how, f, count, step, at, vecs, few, sum, seen);
    else
        chain(how, f, 0, count, step, at, vecs, few, sum, seen);
    CC_UNROLL
    for (int v = 0; v < vecs; v++) {
#ifndef CC_INTEGER
        if (how == CC_MEAN) /* the inverse of a power of two is exact, and a product is cheaper */
            sum[v] = f->inverse != 0 ? sum[v] * splat((real)f->inverse)
                                     : sum[v] / splat((real)f->divisor);
#endif
        if (few == LANES)
            store(dst + v * LANES, sum[v]);
        else
            store_few(dst + v * LANES, sum[v], few);
    }
}

CC_INLINE bool fold_lines(cc_fold how, const cc_folding *f, ptrdiff_t count, ptrdiff_t step,
                          bool many)
{
    vec seen = {0};
    for (ptrdiff_t line = 0; line < f->lines; line++) {
        real *dst = (real *)f->dst + line * f->dst_line;
        const ptrdiff_t src = line * f->src_line;
        ptrdiff_t x = 0;
        for (; !many && x + VECS * LANES <= f->width; x += VECS * LANES)
            tile(how, f, count, step, many, src + x * step, dst + x, VECS, LANES, &seen);
        for (; x + LANES <= f->width; x += LANES)
            tile(how, f, count, step, many, src + x * step, dst + x, 1, LANES, &seen);
        if (x < f->width)
            tile(how, f, count, step, many, src + x * step, dst + x, 1, (int)(f->width - x), &seen);
    }
    const lane_bits nan = is_nan(seen);
    bool any = false;
    for (int i = 0; i < LANES; i++) any |= nan[i] != 0;
    return any;
}

/* The usual counts as constants. */
CC_INLINE bool fold_rows(cc_fold how, const cc_folding *f, ptrdiff_t step)
{
    const bool is_sum = how != CC_MAX && how != CC_MAX_NAN && how != CC_MAX_ABS;
    switch (f->count) {
    case 1:
        return fold_lines(how, f, 1, step, false);
    case 2:
        return fold_lines(how, f, 2, step, false);
    case 3:
        return fold_lines(how, f, 3, step, false);
    default:
        return is_sum && f->count > CHAIN ? fold_lines(how, f, f->count, step, true)
                                          : fold_lines(how, f, f->count, step, false);
    }
}

CC_INLINE bool fold_steps(cc_fold how, const cc_folding *f)
{
    switch (f->step) {
    case 1:
        return fold_rows(how, f, 1);
    case 2:
        return fold_rows(how, f, 2);
    default:
        return fold_lines(how, f, f->count, f->step, false);
    }
}

bool CC_FN(fold)(const cc_folding *f)
{
    if (f->count == 0) {
        for (ptrdiff_t line = 0; line < f->lines; line++)
            for (ptrdiff_t x = 0; x < f->width; x++)
                ((real *)f->dst)[line * f->dst_line + x] = 0;
        return false;
    }
    switch (f->how) {
    case CC_MAX:
        return fold_steps(CC_MAX, f);
#ifndef CC_INTEGER
    case CC_MAX_NAN:
        return fold_lines(CC_MAX_NAN, f, f->count, f->step, false);
    case CC_MAX_ABS:
        return fold_lines(CC_MAX_ABS, f, f->count, 1, false);
    case CC_SUM:
        return fold_steps(CC_SUM, f);
    case CC_MEAN:
        return fold_steps(CC_MEAN, f);
    case CC_SUM_ABS:
        return fold_rows(CC_SUM_ABS, f, 1);
    case CC_SUM_SQUARES:
        return fold_rows(CC_SUM_SQUARES, f, 1);
    case CC_SUM_POWERS:
        return fold_lines(CC_SUM_POWERS, f, f->count, 1, f->count > CHAIN);
#endif
    default:
        return false;
    }
}
