/* Sums of rows of weights, one tap a lane: the adjoint of gemm_dot(), for weights that are used
 * once for each image and read as they lie.
 *
 *   patch[i][t] = (add: patch[i][t]) + sum over c of weight[c][t] * y[c][i]
 *
 * A few channels' rows are read at a time, each a stream from memory, for a few images; patches
 * stay in the L1 cache. Each sum is one chain of multiply-adds, in the order of the
 * channels. Assumed: nothing overlaps; no alignment.
 */
#include "vec.h"

#if CC_REGISTERS == 32
enum { CHANNELS = 4, IMAGES = 4 };
#else
enum { CHANNELS = 2, IMAGES = 2 };
#endif

/* A few channels' rows, and the patches and outputs of a few images. */
typedef struct {
    const cc_gemm *d;
    const real *weights, *y;
    real *patch[IMAGES];
} task;

/* All taps of `channels` rows and `images` patches, both constants. */
CC_INLINE void tile(const task *job, int channels, int images, bool add)
{
    const cc_gemm *d = job->d;
    const real *weights = job->weights, *y = job->y;
    real *const *patch = job->patch;
    vec factor[CHANNELS][IMAGES];
    CC_UNROLL
    for (int c = 0; c < channels; c++) {
        CC_UNROLL
        for (int i = 0; i < images; i++) factor[c][i] = splat(y[c * d->y_channel + i * d->y_image]);
    }
    for (ptrdiff_t t = 0; t < d->taps; t += LANES) {
        const bool whole = t + LANES <= d->taps;
        const int left = whole ? LANES : (int)(d->taps - t);
        vec w[CHANNELS];
        CC_UNROLL
        for (int c = 0; c < channels; c++) {
            const real *row = weights + c * d->weight_row + t;
            w[c] = keep_in_register(whole ? load(row) : load_partial(row, left));
        }
        CC_UNROLL
        for (int i = 0; i < images; i++) {
            vec acc = {0};
            if (add)
                acc =
                    keep_in_register(whole ? load(patch[i] + t) : load_partial(patch[i] + t, left));
            CC_UNROLL
            for (int c = 0; c < channels; c++) acc += w[c] * factor[c][i];
            if (whole)
                store(patch[i] + t, acc);
            else
                store_partial(patch[i] + t, acc, left);
        }
    }
}

CC_INLINE void rows(const task *job, int channels, int images, bool add)
{
    switch (channels * 8 + images) {
#define CASE(channels, images) \
    case channels * 8 + images: \
        tile(job, channels, images, add); \
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
}

void CC_FN(axpy)(const cc_gemm *d, const void *weights, const void *y, void *patches)
{
    for (ptrdiff_t c = 0; c < d->channels; c += CHANNELS)
        for (ptrdiff_t i = 0; i < d->images; i += IMAGES) {
            const int channels = (int)(d->channels - c < CHANNELS ? d->channels - c : CHANNELS);
            const int images = (int)(d->images - i < IMAGES ? d->images - i : IMAGES);
            task job = {d,
                        (const real *)weights + c * d->weight_row,
                        (const real *)y + c * d->y_channel + i * d->y_image,
                        {NULL}};
            for (int a = 0; a < images; a++) job.patch[a] = (real *)patches + d->patch[i + a];
            if (c > 0 || d->add)
                rows(&job, channels, images, true);
            else
                rows(&job, channels, images, false);
        }
}
