/* Local layers, forward, where hardly any outputs share a kernel: rows of weights, read as they lie
 * and once for as many images as fit, are multiplied with patches, the elements that their outputs
 * see. Patches are gathered for a tile of outputs at a time, and all channels pass over them. */
#include "unshared.h"

#include "../core/problem.h"

/* Rows of fewer taps do not fill vectors. Sums depend on it. */
enum { LEAST_TAPS = 48 };

/* From sizes alone, so that the bits of an image depend on nothing else. */
static const char *refuse(const cc_candidate *c)
{
    if (c->layer.shared)
        return "all outputs share a kernel";
    if (c->taps < LEAST_TAPS)
        return "a kernel has fewer than 48 weights";
    return cc_outputs_of_channel(&c->layer.conv) > 2 * c->phases
               ? "more than two outputs share a kernel"
               : NULL;
}

static double cost(const cc_candidate *c)
{
    (void)c;
    return 0.0;
}

static cc_plan *make_plan(const cc_candidate *c) { return cc_unshared_make_plan(c, true); }

/* The elements that each output of the tile sees, in the order of the weights. */
static void gather_patches(cc_unshared_task *task)
{
    const cc_unshared_plan *plan = task->plan;
    const cc_kernels *k = plan->base.kernels;
    const cc_block *first = task->taps.block, *end = first + task->taps.blocks;
    const ptrdiff_t row_step = cc_input_step(&plan->tile.axis[CC_ROW]);
    const ptrdiff_t pixel = plan->patches, columns = task->tile.count[CC_COLUMN];
    for (int64_t y = 0; y < task->tile.count[CC_ROW]; y++)
        for (int64_t n = 0; n < task->tile.images; n++) {
            const char *input = task->view.first + (y * row_step + n * task->view.image) * k->size;
            char *to = task->patches + (y * columns * pixel + n * plan->patch_row) * k->size;
            for (const cc_block *b = first; b < end; to += b++->run->taps * k->size)
                k->gather_transpose(input + b->start * k->size, b->offset, to, pixel, b->run->taps,
                                    columns);
        }
}

/* The results are stored where they belong by the kernel, for every layout is a pair of steps. */
static void multiply(cc_unshared_task *task)
{
    const cc_unshared_plan *plan = task->plan;
    const cc_kernels *k = plan->base.kernels;
    const cc_epilogue *e = &task->epilogue;
    const int64_t end = task->channel + task->channels;
    const ptrdiff_t start = 0, pixel_step = cc_epilogue_pixel_step(e) * k->size;
    ptrdiff_t patch[CC_TILE_IMAGES];
    for (int i = 0; i < CC_TILE_IMAGES; i++) patch[i] = i * plan->patch_row;
    cc_gemm args = {.images = task->tile.images,
                    .taps = plan->taps,
                    .lines = 1,
                    .line = &start,
                    .patch_line = &start,
                    .patch = patch,
                    .stream = true,
                    .weight_row = plan->phases * plan->taps,
                    .bias_step = plan->phases,
                    .y_channel = cc_epilogue_channel_step(e),
                    .y_image = e->channels * e->outputs};
    for (int64_t c = task->channel; c < end; c += args.channels) {
        args.channels = min(CC_GEMM_CHANNELS, end - c);
        const char *patches = task->patches;
        for (int64_t y = 0; y < task->tile.count[CC_ROW]; y++) {
            cc_outputs to = cc_unshared_outputs(task, 0, y);
            to.channel = c;
            char *result = cc_epilogue_at(e, &to);
            for (int64_t x = 0; x < task->tile.count[CC_COLUMN]; x++) {
                const ptrdiff_t first = c * plan->phases + cc_unshared_phase(task, y, x);
                k->gemm_dot(&args, task->weight + first * plan->taps * k->size, patches,
                            e->bias ? e->bias + first * k->size : NULL, result + x * pixel_step);
                patches += plan->patches * k->size;
            }
        }
    }
}

static cc_status run(const cc_plan *plan, const cc_arrays *arrays, int threads)
{
    static const cc_unshared_kind kind = {gather_patches, multiply};
    return cc_unshared_run((const cc_unshared_plan *)plan, arrays, threads, &kind);
}

const struct cc_algorithm_functions cc_algorithm_local = {refuse, cost, make_plan, cc_unshared_pack,
                                                          run};
