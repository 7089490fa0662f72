/* Depthwise convolution of few interleaved channels: a row of pixels with all their channels is one
 * row of lanes. After a period, the least common multiple of channels and lanes, lanes are of the
 * same channels again: for the kernel a period is a pixel with so many channels. */
#include "direct.h"

#include <limits.h>
#include <string.h>

/* With more channels their vectors are nearly full anyway. */
enum { MOST_CHANNELS = 64 };

static const char *refuse(const cc_candidate *c)
{
    const char *reason = cc_algorithm_depthwise.refuse(c);
    return reason || c->layer.conv.groups <= MOST_CHANNELS ? reason : "channels fill vectors";
}

/* Beside depthwise, of which every row is full. */
static double cost(const cc_candidate *c)
{
    (void)c;
    return 1.1 * CC_DEPTHWISE_COST;
}

static bool never(const cc_direct_plan *plan) /* vectors reach beyond a row */
{
    (void)plan;
    return false;
}

static int all(const cc_kernels *kernels)
{
    (void)kernels;
    return INT_MAX;
}

/* Vectors of a period from <= v < to, those of call i of the kernel. */
static cc_channel_range vectors_of(const cc_direct_plan *plan, int64_t i)
{
    const int64_t vecs = plan->period / plan->base.kernels->lanes;
    const int64_t calls = ceil_div(vecs, plan->base.kernels->igemm_vecs);
    return (cc_channel_range){cc_partition_start(vecs, 1, calls, i),
                              cc_partition_start(vecs, 1, calls, i + 1)};
}

/* For each call [tap][vectors]. */
static ptrdiff_t pack(const cc_direct_task *task, const char *weight, int64_t from, int64_t to,
                      char *packed)
{
    const cc_direct_plan *plan = task->plan;
    const int64_t *taps = plan->problem.weights.taps;
    const ptrdiff_t step = cc_direct_channel_step(plan), lanes = plan->base.kernels->lanes;
    const size_t size = (size_t)plan->base.kernels->size;
    cc_channel_range v = {0, 0};
    for (int64_t i = 0; v.to * lanes < plan->period; i++) {
        v = vectors_of(plan, i);
        for (ptrdiff_t t = 0; t < plan->taps; t++)
            for (ptrdiff_t lane = v.from * lanes; lane < v.to * lanes; lane++, packed += size) {
                const ptrdiff_t at = lane % (to - from) * step + (taps ? (ptrdiff_t)taps[t] : t);
                memcpy(packed, weight + at * (ptrdiff_t)size, size);
            }
    }
    return plan->block_elements;
}

/* The biases of a period, in the task's room. */
static const char *biases(const cc_direct_task *task)
{
    const cc_direct_plan *plan = task->plan;
    const size_t size = (size_t)plan->base.kernels->size;
    for (int64_t lane = 0; task->epilogue->bias && lane < plan->period; lane++)
        memcpy(task->bias + (size_t)lane * size,
               task->epilogue->bias + (size_t)(lane % plan->channels) * size, size);
    return task->bias;
}

/* One row of the tile. */
static void run_row(const cc_direct_task *task, int64_t r, const char *bias)
{
    const cc_direct_plan *plan = task->plan;
    const cc_kernels *k = plan->base.kernels;
    const ptrdiff_t size = k->size, vector = k->lanes * size;
    const char *input = task->input + r * cc_input_step(&plan->tile.axis[CC_ROW]) * size;
    const char *weights = task->weights;
    cc_outputs to = cc_direct_outputs(task, 0, r);
    to.pixels = 1;
    to.channels = task->tile.count[CC_COLUMN] * plan->channels; /* neighbours in y */
    const bool direct = to.channels % plan->period == 0;
    char *acc = direct ? cc_epilogue_at(task->epilogue, &to) : task->acc;
    cc_channel_range v = {0, 0};
    for (int64_t i = 0; v.to * k->lanes < plan->period; i++) {
        v = vectors_of(plan, i);
        const cc_grid grid = {.vecs = (int)(v.to - v.from),
                              .lanewise = true,
                              .rows = 1,
                              .columns = ceil_div(to.channels, plan->period),
                              .column_step = plan->period,
                              .acc_step = plan->period};
        k->direct_igemm(&task->lists->taps, &grid, input + v.from * vector, weights,
                        bias + v.from * vector, acc + v.from * vector);
        weights += plan->taps * (v.to - v.from) * vector;
    }
    if (direct)
        cc_epilogue_follow(task->epilogue, &to);
    else
        cc_epilogue_store_pixels(task->epilogue, &to, acc, to.channels);
}

static void run(const cc_direct_task *task)
{
    const char *bias = biases(task);
    for (int64_t r = 0; r < task->tile.count[CC_ROW]; r++) run_row(task, r, bias);
}

static const cc_direct_kind kind = {.by_group = true,
                                    .by_period = true,
                                    .most = all,
                                    .reads_in_place = never,
                                    .pack = pack,
                                    .run = run};

static cc_plan *make_plan(const cc_candidate *c) { return cc_direct_make_plan(c, &kind); }

const struct cc_algorithm_functions cc_algorithm_depthwise_row = {refuse, cost, make_plan,
                                                                  cc_direct_pack, cc_direct_run};
