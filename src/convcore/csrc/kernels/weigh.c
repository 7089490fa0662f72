/* Terms of an output's neighbours, combined in double in the very order that is given; products
 * are rounded before they are added, so that sums are those of a loop in plain C.
 *
 *   CC_TERMS     y[x] = (rows[0][x] weight[0] + rows[1][x] weight[1] + ...) / divisor
 *   CC_PAIRS     y[x] = rows[0][x] weight[0] + (rows[1][x] + sign rows[2][x]) weight[1] +
 * (rows[3][x]
 *                + sign rows[4][x]) weight[2] + ...
 *   CC_GREATEST  y[x] = sign max over t of (sign rows[t][x] + weight[t])
 *
 * Assumed: rows may be read, and y written, a vector past their end.
 */
#include "vec.h"

CC_INLINE vec sum_terms(const cc_weigh_args *f, ptrdiff_t x)
{
    vec sum = load(f->rows[0] + x) * splat(f->weight[0]);
    for (ptrdiff_t t = 1; t < f->taps; t++) sum += load(f->rows[t] + x) * splat(f->weight[t]);
    return f->divisor == 1 ? sum : sum / splat(f->divisor);
}

CC_INLINE vec sum_pairs(const cc_weigh_args *f, ptrdiff_t x)
{
    vec sum = load(f->rows[0] + x) * splat(f->weight[0]);
    for (ptrdiff_t t = 1; t < f->taps; t += 2)
        sum += (load(f->rows[t] + x) + splat(f->sign) * load(f->rows[t + 1] + x)) *
               splat(f->weight[(t + 1) / 2]);
    return sum;
}

CC_INLINE vec find_greatest(const cc_weigh_args *f, ptrdiff_t x)
{
    const vec sign = splat(f->sign);
    vec most = sign * load(f->rows[0] + x) + splat(f->weight[0]);
    for (ptrdiff_t t = 1; t < f->taps; t++) {
        const vec term = sign * load(f->rows[t] + x) + splat(f->weight[t]);
        most = select_lanes((term > most) | (term != term), most, term); /* keeps NaN */
    }
    return sign * most;
}

void CC_FN(weigh)(const cc_weigh_args *f, double *y)
{
    for (ptrdiff_t x = 0; x < f->count; x += LANES)
        store(y + x, f->how == CC_TERMS   ? sum_terms(f, x)
                     : f->how == CC_PAIRS ? sum_pairs(f, x)
                                          : find_greatest(f, x));
}
