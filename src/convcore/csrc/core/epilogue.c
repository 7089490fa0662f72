#include "epilogue.h"

#include "problem.h"

#include <string.h>

cc_epilogue cc_epilogue_of(const cc_conv *p, const cc_kernels *kernels, const void *bias,
                           const cc_post_ops *post, void *y)
{
    return (cc_epilogue){.kernels = kernels,
                         .bias = bias,
                         .post = post,
                         .y = y,
                         .channels = p->groups * p->k,
                         .outputs = cc_outputs_of_channel(p),
                         .channels_last = p->channels_last};
}

const char *cc_epilogue_bias(const cc_epilogue *e, int64_t channel, int64_t channels, int repeat,
                             char *room)
{
    const size_t size = (size_t)e->kernels->size;
    if (!e->bias)
        return room;
    for (int64_t c = 0; c < channels; c++)
        for (int i = 0; i < repeat; i++)
            memcpy(room + (size_t)(c * repeat + i) * size, e->bias + (size_t)(channel + c) * size,
                   size);
    return room;
}

void cc_epilogue_follow(const cc_epilogue *e, const cc_outputs *to)
{
    if (!e->post)
        return;
    const bool last = e->channels_last;
    const cc_post_rows rows = {.ops = e->post,
                               .rows = last ? to->pixels : to->channels,
                               .columns = last ? to->channels : to->pixels,
                               .row = last ? e->channels : e->outputs};
    const char *residual = e->post->residual;
    const ptrdiff_t at = cc_epilogue_offset(e, to);
    e->kernels->post_ops(&rows, residual ? residual + at : NULL, e->y + at);
}

void cc_epilogue_store_pixels(const cc_epilogue *e, const cc_outputs *to, const char *acc,
                              ptrdiff_t row)
{
    char *y = cc_epilogue_at(e, to);
    if (e->channels_last)
        e->kernels->copy(&(cc_move){.rows = to->pixels,
                                    .columns = to->channels,
                                    .src_row = row,
                                    .src_column = 1,
                                    .dst_row = e->channels},
                         acc, y);
    else
        e->kernels->transpose(acc, row, y, e->outputs, to->pixels, to->channels);
    cc_epilogue_follow(e, to);
}

void cc_epilogue_store_channels(const cc_epilogue *e, const cc_outputs *to, const char *acc,
                                ptrdiff_t row)
{
    char *y = cc_epilogue_at(e, to);
    if (e->channels_last)
        e->kernels->transpose(acc, row, y, e->channels, to->channels, to->pixels);
    else
        e->kernels->copy(&(cc_move){.rows = to->channels,
                                    .columns = to->pixels,
                                    .src_row = row,
                                    .src_column = 1,
                                    .dst_row = e->outputs},
                         acc, y);
    cc_epilogue_follow(e, to);
}
