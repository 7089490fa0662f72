/* Products of rows, one tap a lane: of weights that are used once for each image, and so are read
 * as they lie, with patches of input; of outputs' gradients with the elements that a weight meets.
 *
 *   y[c][i] = bias[c] + sum over lines l and t < taps of weight[c][l][t] * patch[i][l][t]
 *
 * A tile of CHANNELS rows by IMAGES patches is keep_in_register in registers: few rows, because
 * each may be a stream from memory; of one row ALONE patches, as many as a depthwise kernel of
 * 3 x 3 taps has where there is room. Tap t of a line is added to partial sum t % WIDE, whatever
 * the vectors' length, and the partial accs are added by halves, so bits depend neither on tiles
 * nor on the instruction set (where it has multiply-adds). Assumed: nothing overlaps; no alignment.
 */
#include "vec.h"

/* Partial accs, and the vectors that hold them. */
enum { WIDE = 64 / CC_REAL_BYTES, PARTS = WIDE / LANES };
#if CC_REGISTERS == 32
enum { CHANNELS = 4, IMAGES = 4, ALONE = 9 };
#else
enum { CHANNELS = 2, IMAGES = 2, ALONE = PARTS > 2 ? 3 : 6 };
#endif
/* Most accs of a tile, and in whole vectors. */
enum { MOST = CHANNELS * IMAGES > ALONE ? CHANNELS * IMAGES : ALONE };
enum { ACCS = (MOST + LANES - 1) / LANES * LANES };

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

/* The accs of partial accs i and i + h, of two vectors of them. */
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
CC_INLINE vec load_tail(const real *p, ptrdiff_t left)
{
    return keep_in_register(load_lanes(p, lanes_between(0, left), (vec){0}));
}

/* A tile: where its rows of weights, its patches and its results are. What follows rows in memory
 * will be used next. Of how many rows it is fetched while others are multiplied: none, one, or as
 * many as these. */
typedef struct {
    const real *weights, *patches;
    const ptrdiff_t *starts; /* of each patch */
    real *accs;
    const real *next;
    int fetched;
} task;

/* A line of each row. */
typedef struct {
    const real *weight[CHANNELS], *patch[ALONE];
    const real *next;
    ptrdiff_t taps, next_row;
} rows;

/* Instead of a number of rows that are fetched: taps are the last, fewer than WIDE. */
enum { LAST = -1 };

/* Adds the products of taps t ... t + WIDE - 1, or of those of them that exist; channels, images
 * and fetched are constants. */
CC_INLINE void add_products(const rows *r, int channels, int images, int fetched, ptrdiff_t t,
                            vec (*acc)[PARTS])
{
    const bool whole = fetched != LAST;
    CC_UNROLL
    for (int v = 0; v < PARTS; v++) {
        const ptrdiff_t at = t + v * LANES, left = r->taps - at;
        vec w[CHANNELS];
        CC_UNROLL
        for (int c = 0; c < fetched; c++) __builtin_prefetch(r->next + c * r->next_row + at);
        CC_UNROLL
        for (int c = 0; c < channels; c++)
            w[c] = whole ? load(r->weight[c] + at) : load_tail(r->weight[c] + at, left);
        CC_UNROLL
        for (int i = 0; i < images; i++) {
            const vec in = whole ? load(r->patch[i] + at) : load_tail(r->patch[i] + at, left);
            CC_UNROLL
            for (int c = 0; c < channels; c++) acc[c * images + i][v] += w[c] * in;
        }
    }
}

/* Adds the products of a line. */
CC_INLINE void add_line(const rows *r, int channels, int images, int fetched, vec (*acc)[PARTS])
{
    const ptrdiff_t whole = r->taps - r->taps % WIDE;
    if (fetched == channels)
        for (ptrdiff_t t = 0; t < whole; t += WIDE)
            add_products(r, channels, images, channels, t, acc);
    else if (fetched)
        for (ptrdiff_t t = 0; t < whole; t += WIDE) add_products(r, channels, images, 1, t, acc);
    else
        for (ptrdiff_t t = 0; t < whole; t += WIDE) add_products(r, channels, images, 0, t, acc);
    if (whole < r->taps)
        add_products(r, channels, images, LAST, whole, acc);
}

/* What `channels` rows and `images` patches give; both constants. */
CC_INLINE void tile(const cc_gemm *d, int channels, int images, const task *job)
{
    vec acc[MOST][PARTS];
    CC_UNROLL
    for (int s = 0; s < channels * images; s++) {
        CC_UNROLL
        for (int v = 0; v < PARTS; v++) acc[s][v] = (vec){0};
    }
    for (ptrdiff_t l = 0; l < d->lines; l++) {
        rows r = {.next = job->next, .taps = d->taps, .next_row = d->weight_row};
        CC_UNROLL
        for (int c = 0; c < channels; c++)
            r.weight[c] = job->weights + c * d->weight_row + d->line[l];
        CC_UNROLL
        for (int i = 0; i < images; i++)
            r.patch[i] = job->patches + job->starts[i] + d->patch_line[l];
        add_line(&r, channels, images, job->fetched, acc);
    }
    vec total[ACCS];
    CC_UNROLL
    for (int s = 0; s < ACCS; s++) {
        total[s] = (vec){0};
        if (s >= channels * images)
            continue;
        CC_UNROLL
        for (int parts = PARTS / 2; parts > 0; parts /= 2) {
            CC_UNROLL
            for (int v = 0; v < parts; v++) acc[s][v] += acc[s][v + parts];
        }
        total[s] = acc[s][0];
    }
    int left = ACCS;
    CC_UNROLL
    for (int h = LANES / 2; h > 0; h /= 2) {
        left /= 2;
        CC_UNROLL
        for (int s = 0; s < left; s++) total[s] = halve(h, total[2 * s], total[2 * s + 1]);
    }
    CC_UNROLL
    for (int s = 0; s < ACCS / LANES; s++) store(job->accs + s * LANES, total[s]);
}

void CC_FN(gemm_dot)(const cc_gemm *d, const void *weights, const void *patches, const void *bias,
                     void *y)
{
    for (ptrdiff_t c = 0; c < d->channels; c += CHANNELS) {
        const int channels = (int)(d->channels - c < CHANNELS ? d->channels - c : CHANNELS);
        const ptrdiff_t most = channels == 1 ? ALONE : IMAGES;
        const ptrdiff_t passes = (d->images + most - 1) / most;
        for (ptrdiff_t pass = 0; pass < passes; pass++) {
            const ptrdiff_t i = pass * most;
            const int images = (int)(d->images - i < most ? d->images - i : most);
            const real *w = (const real *)weights + c * d->weight_row;
            /* The passes over the images share the fetching; hardware does it where there is one
             * image. */
            real accs[ACCS];
            task job = {w, patches, d->patch + i, accs, w + d->taps, 0};
            if (d->stream && passes >= channels && pass < channels) {
                job.next += pass * d->weight_row;
                job.fetched = 1;
            } else if (d->stream && passes < channels && pass == passes - 1 && d->images > 1)
                job.fetched = channels;
            switch (channels * 16 + images) {
#define CASE(channels, images) \
    case channels * 16 + images: \
        tile(d, channels, images, &job); \
        break;
                CASE(1, 1)
                CASE(1, 2)
                CASE(1, 3)
                CASE(2, 1)
                CASE(2, 2)
#if CC_REGISTERS == 32 || CC_VECTOR_BYTES >= 32 /* as ALONE */
                CASE(1, 4)
                CASE(1, 5)
                CASE(1, 6)
#endif
#if CC_REGISTERS == 32
                CASE(1, 7)
                CASE(1, 8)
                CASE(1, 9)
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
                const real first = bias ? ((const real *)bias)[(c + a) * d->bias_step] : 0;
                for (int b = 0; b < images; b++) {
                    real *to = (real *)y + (c + a) * d->y_channel + (i + b) * d->y_image;
                    *to = (d->add ? *to : first) + accs[a * images + b];
                }
            }
        }
    }
}
