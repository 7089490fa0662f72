/* The one way from accumulators to the result: acc -> + bias -> y -> + residual -> activation -> y.
 *
 * The bias comes first in time: kernels begin their sums with it, so it is handed to them. What
 * follows a whole sum is done to the outputs just stored, while they are in the cache: by the two
 * functions that store, and by cc_epilogue_follow() where a kernel has written to y by itself.
 */
#ifndef CC_EPILOGUE_H
#define CC_EPILOGUE_H

#include "../kernels/kernels.h"

typedef struct {
    const cc_kernels *kernels;
    const char *bias;        /* NULL: none */
    const cc_post_ops *post; /* NULL: nothing follows */
    char *y;
    ptrdiff_t channels; /* of an image, in all groups */
    ptrdiff_t outputs;  /* of a channel */
    bool channels_last;
} cc_epilogue;

cc_epilogue cc_epilogue_of(const cc_conv *problem, const cc_kernels *kernels, const void *bias,
                           const cc_post_ops *post, void *y);

/* Elements of y from an output to its neighbour, and from a channel to the next. */
static inline ptrdiff_t cc_epilogue_pixel_step(const cc_epilogue *e)
{
    return e->channels_last ? e->channels : 1;
}

static inline ptrdiff_t cc_epilogue_channel_step(const cc_epilogue *e)
{
    return e->channels_last ? 1 : e->outputs;
}

/* Neighbouring outputs and channels of an image: the first of each, and how many. */
typedef struct {
    int64_t image, channel, channels, pixel, pixels;
} cc_outputs;

/* Where the first of them stands in y, in bytes from its beginning. */
static inline ptrdiff_t cc_epilogue_offset(const cc_epilogue *e, const cc_outputs *to)
{
    const ptrdiff_t image = to->image * e->channels * e->outputs;
    return (image + to->channel * cc_epilogue_channel_step(e) +
            to->pixel * cc_epilogue_pixel_step(e)) *
           e->kernels->size;
}

static inline char *cc_epilogue_at(const cc_epilogue *e, const cc_outputs *to)
{
    return e->y + cc_epilogue_offset(e, to);
}

/* Whether a kernel may write its sums where they belong, if it writes the channels of a pixel
 * (`by_channel`) or the pixels of a channel as neighbours. */
static inline bool cc_epilogue_is_direct(const cc_epilogue *e, bool by_channel)
{
    return by_channel ? e->channels_last : !e->channels_last || e->channels == 1;
}

/* The biases of `channels` channels from `channel` on, each `repeat` times, in `room`, which holds
 * zeros where there is no bias. */
const char *cc_epilogue_bias(const cc_epilogue *e, int64_t channel, int64_t channels, int repeat,
                             char *room);

/* Does what follows to outputs that stand in y. */
void cc_epilogue_follow(const cc_epilogue *e, const cc_outputs *to);

/* Stores acc[pixel][channel], rows `row` elements apart. */
void cc_epilogue_store_pixels(const cc_epilogue *e, const cc_outputs *to, const char *acc,
                              ptrdiff_t row);

/* Stores acc[channel][pixel], rows `row` elements apart. */
void cc_epilogue_store_channels(const cc_epilogue *e, const cc_outputs *to, const char *acc,
                                ptrdiff_t row);

#endif
