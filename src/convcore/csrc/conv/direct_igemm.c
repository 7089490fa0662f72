/* Direct convolution as an implicit matrix product: output channels are the lanes, pixels by
 * vectors of channels a register tile. */
#include "direct.h"

static const char *refuse(const cc_candidate *c)
{
    if (!c->layer.shared)
        return "kernels differ from output to output";
    const cc_conv *p = &c->layer.conv;
    return p->first_input && cc_tap_offsets_measure(p, 1).blocks > 1
               ? "each output channel adds blocks of its own"
               : NULL;
}

static double cost(const cc_candidate *c)
{
    const cc_conv *p = &c->layer.conv;
    const cc_tuning *t = c->tuning;
    const int64_t vecs = ceil_div(p->k, c->kernels->lanes);
    const double lanes = cc_lanes_for_each(p->k, c->kernels->lanes);
    const double loads = vecs == 1 ? t->igemm.one_vector : vecs == 2 ? t->igemm.two_vectors : 1.0;
    const double stores = p->channels_last ? t->igemm.store_last : t->igemm.store_first;
    const double walk = p->channels_last ? 1.0 : t->igemm.walk_first;
    const double pairs = (double)p->k * (double)p->c; /* all are computed */
    const double used = p->first_input ? (double)max(1, p->first_input[p->k]) / pairs : 1.0;
    return lanes * loads * (walk + stores / (double)c->taps) / used;
}

int cc_direct_vectors(const cc_kernels *kernels) { return kernels->igemm_vecs; }

int cc_direct_vectors_by_input(const cc_kernels *kernels)
{
    (void)kernels;
    return CC_VECS_BY_INPUT;
}

ptrdiff_t cc_direct_pack_vectors(const cc_direct_task *task, const char *weight, int64_t from,
                                 int64_t to, char *packed)
{
    const cc_kernels *k = task->plan->base.kernels;
    const ptrdiff_t count = to - from, taps = task->plan->taps;
    const ptrdiff_t width = ceil_div(count, k->lanes) * k->lanes;
    cc_direct_transpose(task, weight, count, packed, width);
    k->copy(&(cc_move){.rows = taps, .columns = width - count, .dst_row = width}, NULL,
            packed + count * k->size);
    return width * taps;
}

/* The pixels of the tile for the channels of one call of the kernel. */
static void run_call(const cc_direct_task *task, cc_channel_range c, const char *weights)
{
    const cc_direct_plan *plan = task->plan;
    const cc_kernels *k = plan->base.kernels;
    const cc_epilogue *e = task->epilogue;
    const bool lanewise = plan->kind->by_group;
    const ptrdiff_t row_step = cc_input_step(&plan->tile.axis[CC_ROW]);
    const int64_t rows = task->tile.count[CC_ROW], columns = task->tile.count[CC_COLUMN];
    const bool whole_rows = columns == plan->problem.axis[CC_COLUMN].out; /* they are one */
    const ptrdiff_t count = c.to - c.from, vecs = ceil_div(count, k->lanes);
    const ptrdiff_t width = vecs * k->lanes;
    const char *of_inputs = task->lists->of_inputs;
    if (of_inputs && !lanewise)
        of_inputs += c.from * k->size;
    const bool direct = width == count && cc_epilogue_is_direct(e, true);
    const int64_t lines = whole_rows ? 1 : rows, calls = direct ? lines : 1;
    const cc_grid grid = {.vecs = (int)vecs,
                          .lanewise = lanewise,
                          .rows = rows / calls,
                          .columns = columns,
                          .row_step = row_step,
                          .column_step = cc_input_step(&plan->tile.axis[CC_COLUMN]),
                          .acc_step = direct ? e->channels : width,
                          .of_inputs = of_inputs,
                          .row_of_input = plan->row_of_input,
                          .of_input = plan->taps / plan->problem.c};
    const char *input = task->input + (lanewise ? c.from : 0) * k->size;
    cc_outputs to = cc_direct_outputs(task, c.from, 0);
    to.channels = count;
    to.pixels = rows / lines * columns;
    const char *bias = cc_epilogue_bias(e, to.channel, count, 1, task->bias);
    const int64_t first = to.pixel, line = plan->problem.axis[CC_COLUMN].out;
    for (int64_t r = 0; r < calls; r++) {
        to.pixel = first + r * line;
        k->direct_igemm(&task->lists->taps, &grid, input + r * row_step * k->size, weights, bias,
                        direct ? cc_epilogue_at(e, &to) : task->acc);
        if (direct)
            cc_epilogue_follow(e, &to);
    }
    for (int64_t r = 0; !direct && r < lines; r++) {
        to.pixel = first + r * line;
        cc_epilogue_store_pixels(e, &to, task->acc + r * to.pixels * width * k->size, width);
    }
}

void cc_direct_run_pixels(const cc_direct_task *task)
{
    const cc_direct_plan *plan = task->plan;
    const cc_kernels *k = plan->base.kernels;
    const char *weights = task->weights;
    for (int64_t i = 0; i < task->calls; i++) {
        const cc_channel_range c = cc_direct_call(task, i);
        run_call(task, c, weights);
        weights += ceil_div(c.to - c.from, k->lanes) * k->lanes * plan->taps * k->size;
    }
}

static const cc_direct_kind kind = {
    .most = cc_direct_vectors, .pack = cc_direct_pack_vectors, .run = cc_direct_run_pixels};

static const cc_direct_kind connected_kind = {.most = cc_direct_vectors_by_input,
                                              .pack = cc_direct_pack_vectors,
                                              .run = cc_direct_run_pixels};

static cc_plan *make_plan(const cc_candidate *c)
{
    return cc_direct_make_plan(c, c->layer.conv.first_input ? &connected_kind : &kind);
}

const struct cc_algorithm_functions cc_algorithm_direct_igemm = {refuse, cost, make_plan,
                                                                 cc_direct_pack, cc_direct_run};
