/* A layer and its plans: made at first use for each type and instruction set, then kept. */
#include "../core/problem.h"
#include "algorithm.h"
#include "fft.h"
#include "gradients.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Plans are only ever added, at the front, so that threads may look while others add. */
struct cc_layer {
    cc_tiled problem;
    int algorithm;
    _Atomic(cc_plan *) plans;
};

struct cc_packed {
    const cc_algorithm *algorithm;
    const cc_kernels *kernels;
    cc_pack_facts facts;
    char *elements; /* on a boundary of 64 bytes, behind this */
};

cc_layer *cc_layer_make(const cc_tiled *problem, int algorithm)
{
    cc_layer *layer = malloc(sizeof *layer);
    if (layer) {
        layer->problem = *problem;
        layer->algorithm = algorithm;
        atomic_init(&layer->plans, NULL);
    }
    return layer;
}

void cc_layer_free(cc_layer *layer)
{
    if (!layer)
        return;
    for (cc_plan *plan = atomic_load(&layer->plans), *next; plan; plan = next) {
        next = plan->next;
        free(plan->helper);
        free(plan);
    }
    free(layer);
}

/* One channel is in the same place first or last. */
static void forget_layout(cc_conv *problem)
{
    if (problem->groups == 1 && problem->c == 1 && problem->k == 1)
        problem->channels_last = false;
}

/* A 1x1 convolution does not see where a row ends: its axes are one long row. */
static void merge_axes(cc_conv *problem)
{
    cc_axis *axis = problem->axis;
    int64_t elements = 1;
    for (int a = 0; a < CC_AXES; a++) {
        if (axis[a].kernel != 1 || axis[a].stride != 1 || axis[a].before ||
            axis[a].in != axis[a].out)
            return;
        elements *= axis[a].in;
        axis[a].dilation = 1;
    }
    axis[CC_DEPTH].in = axis[CC_DEPTH].out = axis[CC_ROW].in = axis[CC_ROW].out = 1;
    axis[CC_COLUMN].in = axis[CC_COLUMN].out = elements;
}

/* `forward`: axes may be merged; sums of gradients depend on them. */
static cc_candidate candidate_of(const cc_tiled *problem, cc_type type, bool forward)
{
    cc_candidate c = {.layer = *problem,
                      .phases = 1,
                      .type = type,
                      .kernels = cc_kernels_of(type),
                      .tuning = cc_tuning_of(cc_isa_name(cc_isa_chosen()))};
    cc_conv *p = &c.layer.conv;
    if (forward && problem->shared) {
        forget_layout(p);
        merge_axes(p);
    }
    c.taps = p->c;
    for (int a = 0; a < CC_AXES; a++) {
        c.taps *= p->axis[a].kernel;
        c.phases *= problem->period[a];
    }
    return c;
}

static cc_plan *make_weight_gradient(const cc_layer *layer, const cc_candidate *candidate)
{
    const cc_algorithm *asked = cc_algorithm_at(layer->algorithm);
    const bool named = asked && asked->functions == &cc_algorithm_winograd;
    cc_plan *fast = named || layer->algorithm == CC_AUTO
                        ? cc_winograd_gradient_make_plan(candidate, named)
                        : NULL;
    return fast ? fast : cc_weight_gradient_make_plan(candidate);
}

static cc_plan *make_plan(const cc_layer *layer, cc_type type, cc_purpose purpose)
{
    const cc_candidate candidate = candidate_of(&layer->problem, type, purpose == CC_FORWARD);
    if (purpose == CC_WEIGHT_GRADIENT)
        return make_weight_gradient(layer, &candidate);
    if (purpose == CC_LOCAL_GRADIENT)
        return cc_local_gradient_make_plan(&candidate);
    const cc_algorithm *algorithm = cc_select(&candidate, layer->algorithm);
    cc_plan *plan = algorithm->functions->make_plan(&candidate);
    if (plan)
        plan->algorithm = algorithm;
    return plan;
}

/* The plan for a type, made if there is none. */
static cc_status find_plan(cc_layer *layer, cc_type type, cc_purpose purpose, const cc_plan **found)
{
    if (type < 0 || type >= CC_REALS)
        return CC_BAD_PROBLEM;
    const cc_kernels *kernels = cc_kernels_of(type);
    for (const cc_plan *p = atomic_load(&layer->plans); p; p = p->next)
        if (p->kernels == kernels && p->purpose == purpose) {
            *found = p;
            return CC_OK;
        }
    const cc_tiled *problem = &layer->problem;
    if (!(purpose == CC_FORWARD ? cc_forward_is_valid(problem, type)
                                : cc_layer_is_valid(problem, type)))
        return CC_BAD_PROBLEM;
    cc_plan *plan = make_plan(layer, type, purpose);
    if (!plan)
        return CC_NO_MEMORY;
    plan->purpose = purpose;
    plan->next = atomic_load(&layer->plans);
    /* another thread may have added the same plan meanwhile: then there are two, alike */
    while (!atomic_compare_exchange_weak(&layer->plans, &plan->next, plan)) {
    }
    *found = plan;
    return CC_OK;
}

static bool accepts(const cc_plan *plan, const cc_packed *packed)
{
    return packed->algorithm == plan->algorithm && packed->kernels == plan->kernels &&
           memcmp(&packed->facts, &plan->facts, sizeof plan->facts) == 0;
}

bool cc_layer_accepts(cc_layer *layer, cc_type type, const cc_packed *packed)
{
    const cc_plan *plan;
    return find_plan(layer, type, CC_FORWARD, &plan) == CC_OK && accepts(plan, packed);
}

cc_status cc_layer_forward(cc_layer *layer, cc_type type, const cc_forward_args *args, int threads)
{
    const cc_plan *plan;
    const cc_status status = find_plan(layer, type, CC_FORWARD, &plan);
    if (status != CC_OK || threads < 1)
        return status != CC_OK ? status : CC_BAD_PROBLEM;
    const cc_packed *packed = args->packed;
    if (packed && !accepts(plan, packed))
        return CC_BAD_PACKED;
    if (args->post && !layer->problem.shared)
        return CC_BAD_PROBLEM;
    const cc_arrays arrays = {.x = args->x,
                              .weight = args->weight,
                              .packed = packed ? packed->elements : NULL,
                              .bias = args->bias,
                              .post = args->post,
                              .y = args->y};
    return plan->algorithm->functions->run(plan, &arrays, threads);
}

cc_status cc_layer_prepare(cc_layer *layer, cc_type type, const void *weight, cc_packed **result)
{
    enum { ALIGNMENT = 64 };
    const cc_plan *plan;
    const cc_status status = find_plan(layer, type, CC_FORWARD, &plan);
    if (status != CC_OK)
        return status;
    if (plan->pack_bytes > SIZE_MAX / 2)
        return CC_NO_MEMORY;
    cc_packed *packed = malloc(sizeof *packed + ALIGNMENT + plan->pack_bytes);
    if (!packed)
        return CC_NO_MEMORY;
    char *end = (char *)(packed + 1);
    *packed = (cc_packed){.algorithm = plan->algorithm,
                          .kernels = plan->kernels,
                          .facts = plan->facts,
                          .elements = end + (ALIGNMENT - (uintptr_t)end % ALIGNMENT) % ALIGNMENT};
    if (!plan->algorithm->functions->pack(plan, weight, packed->elements)) {
        free(packed);
        return CC_NO_MEMORY;
    }
    *result = packed;
    return CC_OK;
}

cc_status cc_layer_pack_bytes(cc_layer *layer, cc_type type, size_t *bytes)
{
    const cc_plan *plan;
    const cc_status status = find_plan(layer, type, CC_FORWARD, &plan);
    if (status == CC_OK)
        *bytes = plan->pack_bytes;
    return status;
}

void cc_packed_free(cc_packed *packed) { free(packed); }

cc_status cc_layer_explain(const cc_layer *layer, cc_type type, int i, cc_verdict *verdict)
{
    const cc_algorithm *algorithm = cc_algorithm_at(i);
    if (type < 0 || type >= CC_REALS || !algorithm || !cc_forward_is_valid(&layer->problem, type))
        return CC_BAD_PROBLEM;
    const cc_candidate candidate = candidate_of(&layer->problem, type, true);
    *verdict = (cc_verdict){.reason = algorithm->functions->refuse(&candidate),
                            .chosen = algorithm == cc_select(&candidate, layer->algorithm)};
    if (!verdict->reason && layer->algorithm == CC_DIRECT && algorithm->flags & CC_FAST)
        verdict->reason = "direct sums were asked for";
    if (!verdict->reason)
        verdict->cost = algorithm->functions->cost(&candidate);
    return CC_OK;
}

bool cc_layer_fft_tile(cc_layer *layer, cc_type type, cc_fft_tile *tile)
{
    const cc_plan *plan;
    if (find_plan(layer, type, CC_FORWARD, &plan) != CC_OK ||
        plan->algorithm->functions != &cc_algorithm_fft)
        return false;
    *tile = cc_fft_tile_of((const cc_fft_plan *)plan);
    return true;
}

static cc_status run_gradient(cc_layer *layer, cc_type type, cc_purpose purpose,
                              const cc_gradient_args *args, int threads)
{
    const cc_plan *plan;
    const cc_status status = find_plan(layer, type, purpose, &plan);
    if (status != CC_OK || threads < 1)
        return status != CC_OK ? status : CC_BAD_PROBLEM;
    return plan->run_gradient(plan, args, threads);
}

cc_status cc_layer_weight_gradient(cc_layer *layer, cc_type type, const void *x, const void *grad,
                                   void *dweight, int threads)
{
    const cc_gradient_args args = {.x = x, .grad = grad, .result = dweight};
    return run_gradient(layer, type, CC_WEIGHT_GRADIENT, &args, threads);
}

cc_status cc_layer_input_gradient(cc_layer *layer, cc_type type, const void *grad,
                                  const void *weight, void *dx, int threads)
{
    const cc_gradient_args args = {.grad = grad, .weight = weight, .result = dx};
    if (layer->problem.conv.first_input)
        return CC_BAD_PROBLEM;
    return run_gradient(layer, type, CC_LOCAL_GRADIENT, &args, threads);
}
