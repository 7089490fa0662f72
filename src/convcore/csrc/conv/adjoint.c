/* The adjoint of a layer: its phases one after the other, each into its part of the result. */
#include "../base/arena.h"
#include "../core/finite.h"
#include "../kernels/kernels.h"

#include <string.h>

/* Scatters a row's elements, each of `size` bytes, to every `step` of them. */
static void scatter_row(char *to, int64_t step, const char *from, int64_t count, size_t size)
{
    if (step == 1)
        memcpy(to, from, (size_t)count * size);
    else if (size == sizeof(float))
        for (int64_t i = 0; i < count; i++)
            memcpy(to + (size_t)(i * step) * sizeof(float), from + (size_t)i * sizeof(float),
                   sizeof(float));
    else
        for (int64_t i = 0; i < count; i++)
            memcpy(to + (size_t)(i * step) * size, from + (size_t)i * size, size);
}

/* Copies a phase's outputs, in order, to their places in dx. */
static void scatter(const cc_adjoint *adjoint, const cc_phase *phase, const char *part, char *dx,
                    size_t bytes)
{
    const int64_t *cells = adjoint->cells;
    const int64_t images = adjoint->channels_last ? adjoint->n : adjoint->n * adjoint->channels;
    const size_t size = adjoint->channels_last ? bytes * (size_t)adjoint->channels : bytes;
    const size_t row = (size_t)phase->count[CC_COLUMN] * size;
    for (int64_t i = 0; i < images; i++)
        for (int64_t d = 0; d < phase->count[CC_DEPTH]; d++)
            for (int64_t r = 0; r < phase->count[CC_ROW]; r++) {
                const int64_t z = phase->first[CC_DEPTH] + d * phase->step[CC_DEPTH];
                const int64_t y = phase->first[CC_ROW] + r * phase->step[CC_ROW];
                const int64_t at =
                    ((i * cells[CC_DEPTH] + z) * cells[CC_ROW] + y) * cells[CC_COLUMN] +
                    phase->first[CC_COLUMN];
                scatter_row(dx + (size_t)at * size, phase->step[CC_COLUMN], part,
                            phase->count[CC_COLUMN], size);
                part += row;
            }
}

static int64_t outputs_of(const cc_phase *phase)
{
    return phase->count[CC_DEPTH] * phase->count[CC_ROW] * phase->count[CC_COLUMN];
}

cc_status cc_input_gradient(const cc_adjoint *adjoint, cc_type type, const void *grad,
                            const void *weight, void *dx, int threads)
{
    if (type != CC_F32 && type != CC_F64)
        return CC_BAD_PROBLEM;
    const size_t bytes = (size_t)cc_kernels_of(type)->size;
    if (!adjoint->count || !cc_all_finite((int)bytes, weight, adjoint->weights))
        return cc_layer_input_gradient(adjoint->layer, type, grad, weight, dx, threads);
    const int64_t cells =
        adjoint->cells[CC_DEPTH] * adjoint->cells[CC_ROW] * adjoint->cells[CC_COLUMN];
    const size_t planes = (size_t)(adjoint->n * adjoint->channels) * bytes;
    int64_t most = 0, all = 0;
    for (int i = 0; i < adjoint->count; i++) {
        const int64_t outputs = outputs_of(&adjoint->phases[i]);
        most = outputs > most ? outputs : most;
        all += outputs;
    }
    cc_forward_args args = {.x = grad, .weight = weight, .y = dx};
    if (adjoint->count == 1 && all == cells)
        return cc_layer_forward(adjoint->phases[0].layer, type, &args, threads);
    if (all < cells) /* some elements are in no phase */
        memset(dx, 0, (size_t)cells * planes);
    char *part = cc_arena_acquire((size_t)most * planes);
    if (!part)
        return CC_NO_MEMORY;
    cc_status status = CC_OK;
    for (int i = 0; i < adjoint->count && status == CC_OK; i++) {
        const cc_phase *phase = &adjoint->phases[i];
        args.y = part;
        status = cc_layer_forward(phase->layer, type, &args, threads);
        if (status == CC_OK)
            scatter(adjoint, phase, part, dx, bytes);
    }
    cc_arena_release(part);
    return status;
}
