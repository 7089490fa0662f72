/* Products of rows, one tap a lane: of weights that are used once for each image, and so are read
 * as they lie, with patches of input; of outputs' gradients with the cells that a weight meets.
 *
 *   y[c][i] = init[c] + sum over lines l and t < taps of weight[c][l][t] * patch[i][l][t]
 *
 * A tile of CHANNELS rows by IMAGES patches is held in registers: few rows, because each may be a
 * stream from memory. Tap t of a line is added to partial sum t % WIDE, whatever the vectors'
 * length, and the partial sums are added by halves, so bits depend neither on tiles nor on the
 * instruction set (where it has multiply-adds). Assumed: nothing overlaps; no alignment.
 */
#include "vec.h"

/* Partial sums, and the vectors that hold them. */
enum { WIDE = 64 / CC_REAL_BYTES, PARTS = WIDE / LANES };
#if CC_REGISTERS == 32
enum { CHANNELS = 4, IMAGES = 4 };
#else
enum { CHANNELS = 2, IMAGES = 2 };
#endif
/* Tile sums, in whole vectors. */
enum { SUMS = CHANNELS * IMAGES < LANES ? LANES : CHANNELS * IMAGES };

/* Of the lanes of a and b those whose number has bit h clear (set). */
#if CC_VECTOR_LANES == 16
#define CC_CLEAR8(a, b) CC_SHUFFLE(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23)
#define CC_SET8(a, b) CC_SHUFFLE(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31)
#define CC_CLEAR4(a, b) CC_SHUFFLE(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27)
#define CC_SET4(a, b) CC_SHUFFLE(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31)
#define CC_CLEAR2(a, b) CC_SHUFFLE(a, b, 0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24, 25, 28, 29)
#define CC_SET2(a, b) CC_SHUFFLE(a, b, 2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23, 26, 27, 30, 31)
#elif CC_VECTOR_LANES == 8
#define CC_CLEAR4(a, b) CC_SHUFFLE(a, b, 0, 1, 2, 3, 8, 9, 10, 11)
#define CC_SET4(a, b) CC_SHUFFLE(a, b, 4, 5, 6, 7, 12, 13, 14, 15)
#define CC_CLEAR2(a, b) CC_SHUFFLE(a, b, 0, 1, 4, 5, 8, 9, 12, 13)
#define CC_SET2(a, b) CC_SHUFFLE(a, b, 2, 3, 6, 7, 10, 11, 14, 15)
#elif CC_VECTOR_LANES == 4
#define CC_CLEAR2(a, b) CC_SHUFFLE(a, b, 0, 1, 4, 5)
#define CC_SET2(a, b) CC_SHUFFLE(a, b, 2, 3, 6, 7)
#endif

/* The sums of partial sums i and i + h, of two vectors of them. */
CC_INLINE vec halve(int h, vec a, vec b)
{
#if CC_VECTOR_LANES >= 16
    if (h == 8)
        return CC_CLEAR8(a, b) + CC_SET8(a, b);
#endif
#if CC_VECTOR_LANES >= 8
    if (h == 4)
        return CC_CLEAR4(a, b) + CC_SET4(a, b);
#endif
#if CC_VECTOR_LANES >= 4
    if (h == 2)
        return CC_CLEAR2(a, b) + CC_SET2(a, b);
#endif
    (void)h;
    return CC_EVENS(a, b) + CC_ODDS(a, b);
}

/* A vector of the next taps, of which `left` exist; without a branch, behind which a compiler might
 * multiply and add in two steps. */
CC_INLINE vec some(const real *p, ptrdiff_t left)
{
    return held(load_lanes(p, lanes_between(0, left), (vec){0}));
}

/* What follows rows in memory will be used next. Of how many rows it is fetched while others are
 * multiplied: none, one, or as many as these. */
typedef struct {
    const real *next;
    int rows;
} fetching;

/* Adds the products of taps t ... t + WIDE - 1, or of those of them that exist. */
CC_INLINE void add_products(const cc_dots *d, int channels, int images, bool whole,
                            const real *next, int fetched, const real *const *weight,
                            const real *const *patch, ptrdiff_t t, vec (*acc)[PARTS])
{
    CC_UNROLL
    for (int v = 0; v < PARTS; v++) {
        const ptrdiff_t at = t + v * LANES, left = d->taps - at;
        vec w[CHANNELS];
        CC_UNROLL
        for (int c = 0; c < fetched; c++) __builtin_prefetch(next + c * d->weight_row + at);
        CC_UNROLL
        for (int c = 0; c < channels; c++)
            w[c] = whole ? load(weight[c] + at) : some(weight[c] + at, left);
        CC_UNROLL
        for (int i = 0; i < images; i++) {
            const vec in = whole ? load(patch[i] + at) : some(patch[i] + at, left);
            CC_UNROLL
            for (int c = 0; c < channels; c++) acc[c * images + i][v] += w[c] * in;
        }
    }
}

/* Adds the products of a line. */
CC_INLINE void add_line(const cc_dots *d, int channels, int images, const fetching *ahead,
                        const real *const *weight, const real *const *patch, vec (*acc)[PARTS])
{
    const ptrdiff_t whole = d->taps - d->taps % WIDE;
    const real *next = ahead->next;
    if (ahead->rows == channels)
        for (ptrdiff_t t = 0; t < whole; t += WIDE)
            add_products(d, channels, images, true, next, channels, weight, patch, t, acc);
    else if (ahead->rows)
        for (ptrdiff_t t = 0; t < whole; t += WIDE)
            add_products(d, channels, images, true, next, 1, weight, patch, t, acc);
    else
        for (ptrdiff_t t = 0; t < whole; t += WIDE)
            add_products(d, channels, images, true, next, 0, weight, patch, t, acc);
    if (whole < d->taps)
        add_products(d, channels, images, false, next, 0, weight, patch, whole, acc);
}

/* What `channels` rows and `images` patches give; both constants. */
CC_INLINE void tile(const cc_dots *d, int channels, int images, const fetching *ahead,
                    const real *weights, const real *patches, const ptrdiff_t *starts, real *sums)
{
    vec acc[CHANNELS * IMAGES][PARTS];
    CC_UNROLL
    for (int s = 0; s < channels * images; s++) {
        CC_UNROLL
        for (int v = 0; v < PARTS; v++) acc[s][v] = (vec){0};
    }
    for (ptrdiff_t l = 0; l < d->lines; l++) {
        const real *weight[CHANNELS], *patch[IMAGES];
        CC_UNROLL
        for (int c = 0; c < channels; c++) weight[c] = weights + c * d->weight_row + d->line[l];
        CC_UNROLL
        for (int i = 0; i < images; i++) patch[i] = patches + starts[i] + d->patch_line[l];
        add_line(d, channels, images, ahead, weight, patch, acc);
    }
    vec sum[SUMS];
    CC_UNROLL
    for (int s = 0; s < SUMS; s++) {
        sum[s] = (vec){0};
        if (s >= channels * images)
            continue;
        CC_UNROLL
        for (int parts = PARTS / 2; parts > 0; parts /= 2) {
            CC_UNROLL
            for (int v = 0; v < parts; v++) acc[s][v] += acc[s][v + parts];
        }
        sum[s] = acc[s][0];
    }
    int left = SUMS;
    CC_UNROLL
    for (int h = LANES / 2; h > 0; h /= 2) {
        left /= 2;
        CC_UNROLL
        for (int s = 0; s < left; s++) sum[s] = halve(h, sum[2 * s], sum[2 * s + 1]);
    }
    CC_UNROLL
    for (int s = 0; s < SUMS / LANES; s++) store(sums + s * LANES, sum[s]);
}

void CC_FN(dots)(const cc_dots *d, const void *weights, const void *patches, const void *init,
                 void *y)
{
    const ptrdiff_t passes = (d->images + IMAGES - 1) / IMAGES;
    for (ptrdiff_t c = 0; c < d->channels; c += CHANNELS)
        for (ptrdiff_t pass = 0; pass < passes; pass++) {
            const ptrdiff_t i = pass * IMAGES;
            const int channels = (int)(d->channels - c < CHANNELS ? d->channels - c : CHANNELS);
            const int images = (int)(d->images - i < IMAGES ? d->images - i : IMAGES);
            const real *w = (const real *)weights + c * d->weight_row;
            /* The passes over the images share the fetching; hardware does it where there is one
             * image. */
            fetching ahead = {w + d->taps, 0};
            if (!d->stream)
                ahead.rows = 0;
            else if (passes >= channels && pass < channels)
                ahead = (fetching){w + d->taps + pass * d->weight_row, 1};
            else if (passes < channels && pass == passes - 1 && d->images > 1)
                ahead.rows = channels;
            real sums[SUMS];
            switch (channels * 8 + images) {
#define CASE(channels, images) \
    case channels * 8 + images: \
        tile(d, channels, images, &ahead, w, patches, d->patch + i, sums); \
        break;
                CASE(1, 1)
                CASE(1, 2)
                CASE(2, 1)
                CASE(2, 2)
#if CC_REGISTERS == 32
                CASE(1, 3)
                CASE(1, 4)
                CASE(2, 3)
                CASE(2, 4)
                CASE(3, 1)
                CASE(3, 2)
                CASE(3, 3)
                CASE(3, 4)
                CASE(4, 1)
                CASE(4, 2)
                CASE(4, 3)
                CASE(4, 4)
#endif
#undef CASE
            }
            for (int a = 0; a < channels; a++) {
                const real first = init ? ((const real *)init)[(c + a) * d->init_step] : 0;
                for (int b = 0; b < images; b++) {
                    real *to = (real *)y + (c + a) * d->y_channel + (i + b) * d->y_image;
                    *to = (d->add ? *to : first) + sums[a * images + b];
                }
            }
        }
}
