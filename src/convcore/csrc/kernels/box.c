/* Means of boxes of bytes, rounded to the nearest byte, of two to the even one. Sums of whole
 * numbers are exact in 16 bits up to CC_BOX_CELLS bytes, twice as many a vector as in float32.
 *
 * Assumed: nothing overlaps; CC_BOX_SLACK elements of sums behind the last may be read.
 */
#include "real.h"

#include <string.h>

typedef uint16_t words __attribute__((vector_size(CC_REGISTER_BYTES)));
typedef uint16_t unaligned_words
    __attribute__((vector_size(CC_REGISTER_BYTES), aligned(sizeof(uint16_t)), may_alias));
enum { WORDS = CC_REGISTER_BYTES / 2, VECS = 4, BLOCK = VECS * WORDS };
_Static_assert((int)BLOCK <= (int)CC_BOX_SLACK, "a block reads what is there");

void CC_FN(box_rows)(const uint8_t *add, const uint8_t *drop, ptrdiff_t count, uint16_t *sums)
{
    if (add && drop)
        for (ptrdiff_t i = 0; i < count; i++) sums[i] = (uint16_t)(sums[i] + add[i] - drop[i]);
    else if (add)
        for (ptrdiff_t i = 0; i < count; i++) sums[i] = (uint16_t)(sums[i] + add[i]);
    else
        for (ptrdiff_t i = 0; i < count; i++) sums[i] = (uint16_t)(sums[i] - drop[i]);
}

/* A divisor as a product: v / n is the upper half of v * inverse, shifted, or one less: then the
 * remainder is above the limit. For 1, whose inverse has too many bits, v is one more. */
typedef struct {
    uint16_t half, cells, inverse, limit, even;
    int shift;
} divisor;

static divisor divisor_of(int n)
{
    if (n == 1)
        return (divisor){.half = 1, .cells = 1, .inverse = UINT16_MAX, .limit = UINT16_MAX};
    int shift = 0;
    while (2 << shift < n) shift++;
    return (divisor){.half = (uint16_t)(n / 2),
                     .cells = (uint16_t)n,
                     .inverse = (uint16_t)(((1 << (16 + shift)) + n - 1) / n),
                     .limit = (uint16_t)n,
                     .even = n % 2 == 0,
                     .shift = shift};
}

/* The sums of BLOCK windows. */
CC_INLINE void add_taps(const cc_box *box, const uint16_t *sums, uint16_t *total)
{
    words acc[VECS] = {0};
    for (ptrdiff_t t = 0; t < box->taps; t++, sums += box->step) {
        CC_UNROLL
        for (int v = 0; v < VECS; v++) acc[v] += *(const unaligned_words *)(sums + v * WORDS);
    }
    memcpy(total, acc, sizeof acc);
}

/* Rounded quotients: of v = sum + n / 2 the quotient by n, less 1 if v is half of an odd number of
 * n too many. */
CC_INLINE void divide(const uint16_t *sums, divisor by, uint8_t *dst)
{
    for (int i = 0; i < BLOCK; i++) {
        const uint16_t v = (uint16_t)(sums[i] + by.half);
        const uint16_t upper = (uint16_t)((uint32_t)v * by.inverse >> 16);
        const uint16_t quotient = (uint16_t)(upper >> by.shift);
        const uint16_t remainder = (uint16_t)(v - quotient * by.cells);
        const uint16_t less = (uint16_t)(remainder >= by.limit),
                       tie = (uint16_t)(remainder == 0) & by.even;
        dst[i] = (uint8_t)(quotient - less - (tie & quotient));
    }
}

void CC_FN(box_means)(const cc_box *box, const uint16_t *sums, ptrdiff_t count, uint8_t *dst)
{
    const divisor by = divisor_of(box->cells);
    uint16_t total[BLOCK];
    uint8_t last[BLOCK];
    for (ptrdiff_t x = 0; x < count; x += BLOCK) {
        add_taps(box, sums + x, total);
        divide(total, by, count - x < BLOCK ? last : dst + x);
        if (count - x < BLOCK)
            memcpy(dst + x, last, (size_t)(count - x));
    }
}
