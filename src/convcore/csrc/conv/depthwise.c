/* Depthwise convolution: the groups, of one channel each, are the lanes, of the input too. */
#include "direct.h"

static const char *refuse(const cc_candidate *c)
{
    const cc_conv *p = &c->layer.conv;
    if (!c->layer.shared)
        return "kernels differ from output to output";
    if (p->first_input)
        return "each output channel has taps of its own";
    if (p->c != 1 || p->k != 1)
        return "a group has more than one channel";
    if (c->regions)
        return "its tiles have several groups";
    return p->channels_last ? NULL : "channels are not last";
}

/* Channel by channel the layer would cost a few times as much. */
static double cost(const cc_candidate *c)
{
    return CC_DEPTHWISE_COST * cc_lanes_for_each(c->layer.conv.groups, c->kernels->lanes);
}

static bool reads_in_place(const cc_direct_plan *plan)
{
    return plan->problem.groups % plan->base.kernels->lanes == 0;
}

static const cc_direct_kind kind = {.by_group = true,
                                    .most = cc_direct_vectors,
                                    .reads_in_place = reads_in_place,
                                    .pack = cc_direct_pack_vectors,
                                    .run = cc_direct_run_pixels};

static cc_plan *make_plan(const cc_candidate *c) { return cc_direct_make_plan(c, &kind); }

const struct cc_algorithm_functions cc_algorithm_depthwise = {refuse, cost, make_plan,
                                                              cc_direct_pack, cc_direct_run};
