/* Reduces rows to the first largest value of each column, and where it came from.
 *
 *   best[x] = the first maximum over r < count of rows[r][x * step]
 *
 * A NaN is larger than any number, and the first NaN is the maximum. offset[x] becomes from + r; if
 * `from` is not 0, best, rank and offset hold what `from` rows before gave. With `ranks`, the
 * offsets that an earlier call gave the values, the smaller rank comes first among equals and then
 * the smaller r, and rank[x] becomes that of the maximum: so a reduction of rows followed by one of
 * columns finds the first maximum in reading order.
 *
 * Assumed: nothing overlaps but the rows themselves; ranks where `rows` has no element are the
 * largest.
 */
#include "real.h"

/* What is compared: unsigned integers as signed ones, whose first bit is flipped. */
#ifdef CC_INTEGER
#define KEY(v) ((real)((v) ^ flip))
#else
#define KEY(v) (v)
#endif

static void find_first(const cc_argmax_args *f, real flip)
{
    (void)flip;
    const real *const *rows = (const real *const *)f->rows;
    real *restrict best = f->best;
    int32_t *restrict rank = f->rank, *restrict offset = f->offset;
    for (ptrdiff_t r = 0; r < f->count; r++) {
        const real *restrict row = rows[r];
        const int32_t *restrict ranks = f->ranks ? f->ranks[r] : NULL;
        const int32_t here = (int32_t)(f->from + r);
        if (here == 0) {
            for (ptrdiff_t x = 0; x < f->width; x++) {
                best[x] = row[x * f->step];
                offset[x] = 0;
            }
            for (ptrdiff_t x = 0; ranks && x < f->width; x++) rank[x] = ranks[x * f->step];
        } else if (!ranks) {
            for (ptrdiff_t x = 0; x < f->width; x++) {
                const real v = KEY(row[x * f->step]), b = KEY(best[x]);
                const bool better = (v > b) | ((v != v) & (b == b));
                best[x] = KEY(better ? v : b);
                offset[x] = better ? here : offset[x];
            }
        } else {
            for (ptrdiff_t x = 0; x < f->width; x++) {
                const real v = KEY(row[x * f->step]), b = KEY(best[x]);
                const int32_t k = ranks[x * f->step];
                const bool tie = (v == b) | ((v != v) & (b != b));
                const bool better = (v > b) | ((v != v) & (b == b)) | (tie & (k < rank[x]));
                best[x] = KEY(better ? v : b);
                rank[x] = better ? k : rank[x];
                offset[x] = better ? here : offset[x];
            }
        }
    }
}

void CC_FN(argmax)(const cc_argmax_args *f) { find_first(f, 0); }

#ifdef CC_INTEGER
void CC_FN(argmax_unsigned)(const cc_argmax_args *f) { find_first(f, LOWEST); }
#endif
