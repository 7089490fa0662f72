/* Ranks of bytes by histograms: a row of boxes, each the one before without its first column and
 * with one more. Counts come in two levels: coarse ones, and the fine ones of the one coarse bin
 * that holds the rank, which are brought up to date where they are looked at. The time of an output
 * does not depend on the box's width.
 *
 *   y[x] = the element whose bin is the first with which more than `rank` elements of the columns
 * x,
 *   ..., x + width - 1 are counted
 *
 * S. Perreault and P. Hebert, "Median filtering in constant time", IEEE Transactions on Image
 * Processing 16 (2007), 2389-2394.
 *
 * Assumed: no count of a box exceeds 65535.
 */
#include "real.h"

#include <string.h>

#if defined(CC_INTEGER) && CC_REAL_BYTES == 1

enum { BINS = CC_BINS };

/* The counts of a box; the fine ones of bin b are those of the box at column `at[b]`. */
typedef struct {
    cc_column_counts counts;
    ptrdiff_t at[BINS];
} box;

/* counts += entering - leaving */
CC_INLINE void slide(uint16_t *restrict counts, const uint16_t *restrict entering,
                     const uint16_t *restrict leaving)
{
    for (int b = 0; b < BINS; b++) counts[b] = (uint16_t)(counts[b] + entering[b] - leaving[b]);
}

CC_INLINE void add(uint16_t *restrict counts, const uint16_t *restrict others)
{
    for (int b = 0; b < BINS; b++) counts[b] = (uint16_t)(counts[b] + others[b]);
}

/* Brings the fine counts of a bin to the box whose first column is x. */
static void bring_up(box *of, const cc_slide_args *f, int bin, ptrdiff_t x)
{
    const cc_column_counts *columns = f->columns;
    uint16_t *fine = of->counts.fine[bin];
    if (x - of->at[bin] > f->width / 2) { /* from nothing is nearer */
        memset(fine, 0, sizeof of->counts.fine[bin]);
        for (ptrdiff_t c = x; c < x + f->width; c++) add(fine, columns[c].fine[bin]);
    } else {
        for (ptrdiff_t c = of->at[bin]; c < x; c++)
            slide(fine, columns[c + f->width].fine[bin], columns[c].fine[bin]);
    }
    of->at[bin] = x;
}

/* The first bin with which more than *rank are counted; *rank becomes that in the bin. */
CC_INLINE int find(const uint16_t *counts, ptrdiff_t *rank)
{
    int bin = 0;
    while (bin < BINS - 1 && *rank >= counts[bin]) *rank -= counts[bin++];
    return bin;
}

void CC_FN(slide_ranks)(const cc_slide_args *f)
{
    uint8_t *y = f->y;
    const uint8_t flip = f->order == CC_UNSIGNED ? 0 : (uint8_t)LOWEST;
    box of;
    memset(of.counts.coarse, 0, sizeof of.counts.coarse);
    for (ptrdiff_t c = 0; c < f->width; c++) add(of.counts.coarse, f->columns[c].coarse);
    for (int b = 0; b < BINS; b++) of.at[b] = -f->width; /* of no box yet */
    for (ptrdiff_t x = 0; x < f->count; x++) {
        ptrdiff_t rank = f->rank;
        const int coarse = find(of.counts.coarse, &rank);
        bring_up(&of, f, coarse, x);
        y[x] = (uint8_t)((coarse * BINS + find(of.counts.fine[coarse], &rank)) ^ flip);
        if (x + 1 < f->count)
            slide(of.counts.coarse, f->columns[x + f->width].coarse, f->columns[x].coarse);
    }
}
#else
typedef int cc_no_histograms;
#endif
