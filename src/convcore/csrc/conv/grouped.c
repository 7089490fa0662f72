/* Convolution in groups of few interleaved channels: the output channels of several groups are the
 * lanes. A vector of input holds the channels of the same groups; for each input channel of a group
 * its lanes are permuted, so that each output channel meets that one of its own group. */
#include "direct.h"

/* Vectors of which lanes are permuted in one instruction. */
enum { LEAST_BYTES = 32 };

static const char *refuse(const cc_candidate *c)
{
    const cc_conv *p = &c->layer.conv;
    const int lanes = c->kernels->lanes;
    if (!c->layer.shared)
        return "kernels differ from output to output";
    if (p->first_input)
        return "each output channel has taps of its own";
    if (p->groups == 1 || p->c == 1 || p->c != p->k || lanes % p->c != 0)
        return "groups do not fill vectors with as many inputs as outputs";
    if (c->regions)
        return "its tiles have several groups";
    if (p->weights.taps)
        return "weights are not in order";
    if (lanes * c->kernels->size < LEAST_BYTES)
        return "lanes are not permuted fast";
    return p->channels_last ? NULL : "channels are not last";
}

/* Each product is permuted first; group by group, few lanes would count. */
static double cost(const cc_candidate *c)
{
    const int64_t outputs = c->layer.conv.groups * c->layer.conv.k;
    return c->tuning->igemm.permuted * cc_lanes_for_each(outputs, c->kernels->lanes);
}

static bool reads_in_place(const cc_direct_plan *plan)
{
    return plan->channels % plan->base.kernels->lanes == 0;
}

static const cc_direct_kind kind = {.by_group = true,
                                    .most = cc_direct_vectors_by_input,
                                    .reads_in_place = reads_in_place,
                                    .pack = cc_direct_pack_vectors,
                                    .run = cc_direct_run_pixels};

static cc_plan *make_plan(const cc_candidate *c) { return cc_direct_make_plan(c, &kind); }

const struct cc_algorithm_functions cc_algorithm_grouped = {refuse, cost, make_plan, cc_direct_pack,
                                                            cc_direct_run};
