#include "problem.h"

/* Whether the lists of connected channels can be followed. */
static bool is_table(const cc_conv *p)
{
    if (!p->inputs || !p->first_input || p->groups != 1 || p->first_input[0] != 0)
        return false;
    for (int64_t k = 0; k < p->k; k++) {
        if (p->first_input[k + 1] < p->first_input[k])
            return false;
        for (int64_t i = p->first_input[k]; i < p->first_input[k + 1]; i++)
            if (p->inputs[i] < 0 || p->inputs[i] >= p->c ||
                (i > p->first_input[k] && p->inputs[i] <= p->inputs[i - 1]))
                return false;
    }
    return true;
}

bool cc_conv_is_valid(const cc_conv *p, cc_type type)
{
    if (p->n < 1 || p->groups < 1 || p->c < 1 || p->k < 1 || type < 0 || type >= CC_REALS)
        return false;
    for (int a = 0; a < CC_AXES; a++) {
        const cc_axis *x = &p->axis[a];
        for (int side = 0; side < 2; side++) {
            const cc_border kind = p->border[a][side].kind;
            if (kind < 0 || kind >= CC_BORDERS || (kind != CC_CONSTANT && x->in < 1))
                return false;
        }
        if (x->in < 0 || x->out < 1 || x->kernel < 1 || x->stride < 1 || x->dilation < 1 ||
            x->before < -x->in)
            return false;
    }
    return !p->first_input || is_table(p);
}

bool cc_tiled_is_valid(const cc_tiled *problem, cc_type type)
{
    const cc_conv *p = &problem->conv;
    if (!cc_conv_is_valid(p, type) || p->groups != 1)
        return false;
    for (int a = 0; a < CC_AXES; a++)
        if (problem->period[a] < 1)
            return false;
    return true;
}

bool cc_forward_is_valid(const cc_tiled *problem, cc_type type)
{
    return problem->shared ? cc_conv_is_valid(&problem->conv, type)
                           : cc_tiled_is_valid(problem, type);
}

bool cc_layer_is_valid(const cc_tiled *problem, cc_type type)
{
    const int64_t *period = problem->period;
    const bool shared = period[CC_DEPTH] == 1 && period[CC_ROW] == 1 && period[CC_COLUMN] == 1;
    return shared ? cc_conv_is_valid(&problem->conv, type) : cc_tiled_is_valid(problem, type);
}
