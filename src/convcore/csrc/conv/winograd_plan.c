/* The plan of Winograd's convolution: for which layers, in which tiles. */
#include "../core/problem.h"
#include "winograd.h"

#include <math.h>
#include <stdlib.h>

/* The transforms are of whole vectors of channels; fewer of them do not pay on any machine. */
enum { LEAST_CHANNELS = 16 };
enum { CACHE_LINE = 64 };
/* Most bytes of transformed weights that are kept: fetching more takes longer than transforming
 * them again. Nor are any kept if all tiles have no more bytes than FEW_BYTES: none would be used
 * twice. */
enum { KEPT_BYTES = 4 << 20, FEW_BYTES = 1 << 20 };
const char *cc_winograd_refuse(const cc_candidate *c)
{
    const cc_conv *p = &c->layer.conv;
    int threes = 0;
    if (!c->layer.shared)
        return "kernels differ from output to output";
    if (p->first_input)
        return "each output channel has taps of its own";
    for (int a = 0; a < CC_AXES; a++) {
        if (p->axis[a].stride != 1 || p->axis[a].dilation != 1)
            return "a stride or a dilation is not 1";
        if (p->axis[a].kernel == 1)
            continue;
        if (a == CC_DEPTH || p->axis[a].kernel != 3)
            return "the kernel is not of 3, 3x3, 3x1 or 1x3 taps";
        threes++;
    }
    if (!threes)
        return "the kernel is not of 3, 3x3, 3x1 or 1x3 taps";
    return p->c < LEAST_CHANNELS || p->k < LEAST_CHANNELS ? "a group has fewer than 16 channels"
                                                          : NULL;
}

/* Of fewer outputs along an axis most see padding: results are small beside what the transforms
 * round, and the error is above what docs/design/accuracy.rst states. So it is for sums over more
 * input channels along two axes, on small maps sooner. Measured. */
enum { LEAST_OUTPUTS = 5, SMALL_MAP = 12 };
enum { MOST_CHANNELS = 1024, MOST_OF_SMALL_MAP = 512 };

static bool has_few_channels(const cc_conv *p)
{
    const cc_axis *row = &p->axis[CC_ROW], *column = &p->axis[CC_COLUMN];
    if (row->kernel == 1 || column->kernel == 1)
        return true;
    const bool small = row->out < SMALL_MAP || column->out < SMALL_MAP;
    return p->c <= (small ? MOST_OF_SMALL_MAP : MOST_CHANNELS);
}

static bool has_outputs(const cc_conv *p)
{
    for (int a = CC_ROW; a <= CC_COLUMN; a++)
        if (p->axis[a].kernel == CC_WINOGRAD_TAPS && p->axis[a].out < LEAST_OUTPUTS)
            return false;
    return true;
}

bool cc_winograd_saves(const cc_winograd_bands *bands, const cc_conv *p, int64_t images,
                       double of_tile, double of_weights)
{
    const double tiles = (double)(images * cc_winograd_image_tiles(bands, p));
    const double taps = (double)(p->axis[CC_ROW].kernel * p->axis[CC_COLUMN].kernel);
    const double direct = (double)(images * cc_outputs_of_channel(p)) * taps;
    return has_outputs(p) && bands->products * (of_weights + tiles * (1 + of_tile)) < direct;
}

/* Whether it is faster than any direct way, by the sizes of one image alone: equal images must give
 * equal bits, in any batch and on every machine. */
static double cost(const cc_candidate *c)
{
    const double of_input = 6, of_output = 4; /* measured */
    const cc_conv *p = &c->layer.conv;
    const cc_winograd_bands bands = cc_winograd_cut(p, c->kernels->size);
    const double of_tile = of_input / (double)p->k + of_output / (double)p->c;
    const bool saves = cc_winograd_saves(&bands, p, 1, of_tile, CC_WINOGRAD_WEIGHT);
    return saves && has_few_channels(p) ? 0.0 : HUGE_VAL;
}

/* Its blocks of output channels are what one call of the kernel computes, and so are Winograd's. */
static const cc_direct_kind direct_kind = {.short_blocks = true,
                                           .most = cc_direct_vectors,
                                           .pack = cc_direct_pack_vectors,
                                           .run = cc_direct_run_pixels};

/* Elements from a point to the next of the transformed weights of `channels` input channels; not a
 * power of 2, they would compete for a few lines of the caches. */
static ptrdiff_t point_of(const cc_direct_plan *direct, int64_t channels)
{
    return direct->block_elements / direct->taps * channels +
           CACHE_LINE / direct->base.kernels->size;
}

static cc_plan *make_plan(const cc_candidate *candidate)
{
    const cc_kernels *kernels = candidate->kernels;
    const cc_conv *p = &candidate->layer.conv;
    cc_winograd_plan *plan = malloc(sizeof *plan);
    cc_plan *direct = plan ? cc_direct_make_plan(candidate, &direct_kind) : NULL;
    if (!direct) {
        free(plan);
        return NULL;
    }
    *plan =
        (cc_winograd_plan){.base = {.kernels = kernels, .helper = direct},
                           .problem = *p,
                           .bands = cc_winograd_cut(p, kernels->size),
                           .width = kernels->igemm_vecs * kernels->lanes,
                           .channels = (ptrdiff_t)round_up((size_t)p->c, (size_t)kernels->lanes)};
    if (plan->channels * kernels->size % 1024 == 0) /* they would compete for a few lines of L1 */
        plan->channels += kernels->lanes;
    plan->tile = cc_winograd_input(&plan->bands, p, p->c, kernels->lanes);

    const cc_direct_plan *own = cc_winograd_direct(plan);
    const int64_t transforms = own->groups * own->blocks * plan->bands.products;
    plan->weight_point = point_of(own, p->c);
    plan->transformed = (size_t)(transforms * plan->weight_point * kernels->size);
    const int64_t tiles =
        plan->bands.count * plan->bands.most * plan->bands.products * plan->channels;
    if (plan->transformed > KEPT_BYTES || tiles * kernels->size <= FEW_BYTES) {
        plan->weight_point = point_of(own, CC_WINOGRAD_SLICE);
        plan->transformed = 0;
    }
    plan->base.pack_bytes = plan->transformed + direct->pack_bytes;
    plan->base.facts = direct->facts;
    plan->base.facts.fact[CC_DIRECT_FACTS] =
        (int64_t)plan->transformed; /* how far they are packed */
    return &plan->base;
}

const struct cc_algorithm_functions cc_algorithm_winograd = {cc_winograd_refuse, cost, make_plan,
                                                             cc_winograd_pack, cc_winograd_run};
