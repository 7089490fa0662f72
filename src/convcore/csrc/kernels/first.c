/* Folding rows into the first largest value of each column, and where it came from.
 *
 *   best[x] = the first maximum over r < count of rows[r][x * step]
 *
 * A NaN is larger than any number, and the first NaN is the maximum. place[x] becomes from + r; if
 * `from` is not 0, best, rank and place hold what `from` rows before gave. With `ranks`, the places
 * that an earlier fold gave the values, the smaller rank comes first among equals and then the
 * smaller r, and rank[x] becomes that of the maximum: so a fold of rows followed by one of columns
 * finds the first maximum in reading order.
 *
 * Assumed: nothing overlaps but the rows themselves; ranks where `rows` has no cell are the
 * largest.
 */
#include "vec.h"

void CC_FN(first)(const cc_firsts *f)
{
    const real *const *rows = (const real *const *)f->rows;
    real *restrict best = f->best;
    int32_t *restrict rank = f->rank, *restrict place = f->place;
    for (ptrdiff_t r = 0; r < f->count; r++) {
        const real *restrict row = rows[r];
        const int32_t *restrict ranks = f->ranks ? f->ranks[r] : NULL;
        const int32_t here = (int32_t)(f->from + r);
        if (here == 0) {
            for (ptrdiff_t x = 0; x < f->width; x++) {
                best[x] = row[x * f->step];
                place[x] = 0;
            }
            for (ptrdiff_t x = 0; ranks && x < f->width; x++) rank[x] = ranks[x * f->step];
        } else if (!ranks) {
            for (ptrdiff_t x = 0; x < f->width; x++) {
                const real v = row[x * f->step], b = best[x];
                const bool better = (v > b) | ((v != v) & (b == b));
                best[x] = better ? v : b;
                place[x] = better ? here : place[x];
            }
        } else {
            for (ptrdiff_t x = 0; x < f->width; x++) {
                const real v = row[x * f->step], b = best[x];
                const int32_t k = ranks[x * f->step];
                const bool tie = (v == b) | ((v != v) & (b != b));
                const bool better = (v > b) | ((v != v) & (b == b)) | (tie & (k < rank[x]));
                best[x] = better ? v : b;
                rank[x] = better ? k : rank[x];
                place[x] = better ? here : place[x];
            }
        }
    }
}
