/* The plan of convolution by Fourier transforms: for which layers, in which tiles. */
#include "fft.h"

#include "../core/problem.h"

#include <math.h>
#include <stdlib.h>

/* Lengths of transforms along an axis: powers of 2, and 3 times such. Rows and columns are taken a
 * cache line of reals at a time, so theirs are multiples of 16. */
enum { LEAST_LENGTH = 16, LEAST_DEPTH = 4, MOST_LENGTH = 4096 };
/* Bytes of all spectra of the kernels: beyond them a layer is refused. */
enum { MOST_SPECTRA = 1 << 28 };
/* Tiles of more numbers do not stay in L2. */
enum { CACHED_NUMBERS = 1 << 16 };
/* Kernels of fewer taps are never faster so. */
enum { LEAST_TAPS = 49 };

static int64_t next_length(int64_t length)
{
    if (length == 1 || length == LEAST_LENGTH)
        return 2 * length;
    return length & (length - 1) ? length / 3 * 4 : length / 2 * 3;
}

/* Cells that a kernel spans along an axis. */
static int64_t span_of(const cc_axis *axis) { return (axis->kernel - 1) * axis->dilation + 1; }

/* One row, of one depth, whose kernel is one row: it is reshaped. */
static bool is_signal(const cc_conv *p)
{
    const cc_axis *depth = &p->axis[CC_DEPTH], *row = &p->axis[CC_ROW];
    return depth->kernel == 1 && row->kernel == 1 && depth->out == 1 && row->out == 1;
}

/* Multiply-adds in whose time these transforms are done, measured: numbers a pass, numbers moved,
 * products of spectra. */
static double time_of(const cc_conv *p, const cc_fft_cut *cut)
{
    const double of_pass = 3.5, of_move = 30, of_product = 18, of_memory = 1.5;
    double points = 1, doublings = 0;
    for (int a = 0; a < CC_AXES; a++) {
        points *= (double)cut->length[a];
        doublings += p->axis[a].kernel > 1 || is_signal(p) ? log2((double)cut->length[a]) : 0;
    }
    const double slow = points > CACHED_NUMBERS ? of_memory : 1;
    const double transform = points * (of_pass * doublings + of_move) * slow;
    const double c = (double)p->c, k = (double)p->k, pairs = (double)cut->pairs;
    return pairs * (c + k) * transform + c * k * (transform + pairs * points * of_product);
}

/* Completes a cut whose lengths are set; false: it does not serve the layer. */
static bool complete(const cc_candidate *candidate, cc_fft_cut *cut)
{
    const cc_conv *p = &candidate->layer.conv;
    int64_t tiles = 1, points = 1;
    for (int a = 0; a < CC_AXES; a++) points *= cut->length[a];
    const double spectra = (double)points * 2 * (double)candidate->kernels->size * (double)p->c *
                           (1 + (double)p->k * (double)p->groups);
    if (points > CC_FFT_MOST || spectra > MOST_SPECTRA)
        return false;
    for (int a = 0; a < CC_AXES; a++) {
        const int64_t length = !is_signal(p) ? cut->length[a] : a == CC_COLUMN ? points : 1;
        const int64_t outputs = length - span_of(&p->axis[a]) + 1;
        if (outputs < 1)
            return false;
        cut->outputs[a] = min(outputs, p->axis[a].out);
        cut->tiles[a] = ceil_div(p->axis[a].out, outputs);
        tiles *= cut->tiles[a];
    }
    cut->pairs = ceil_div(tiles, 2);
    cut->cost = time_of(p, cut);
    return true;
}

/* Lengths to be tried along an axis: from the first to the first that takes all outputs. A depth
 * that is not transformed is alone. */
static int64_t first_length(const cc_conv *p, int axis)
{
    return axis != CC_DEPTH ? LEAST_LENGTH : p->axis[CC_DEPTH].kernel > 1 ? LEAST_DEPTH : 1;
}

static int64_t last_length(const cc_conv *p, int axis)
{
    const int64_t all = p->axis[axis].out + span_of(&p->axis[axis]) - 1;
    int64_t length = first_length(p, axis);
    while (length > 1 && length < all && length < MOST_LENGTH) length = next_length(length);
    return length;
}

/* The cut that takes least time, or the first that serves the layer; false: none does. By the sizes
 * of one image alone. */
typedef enum { FASTEST, ANY } wanted_cut;

static bool find_cut(const cc_candidate *candidate, wanted_cut wanted, cc_fft_cut *best)
{
    const cc_conv *p = &candidate->layer.conv;
    const int64_t *given = candidate->layer.transform; /* of a layer of which this is a part */
    bool found = false;
    cc_fft_cut cut;
    if (given[CC_COLUMN] && !is_signal(p)) {
        *best = (cc_fft_cut){.length = {given[CC_DEPTH], given[CC_ROW], given[CC_COLUMN]}};
        return complete(candidate, best);
    }
    if (is_signal(p)) {
        /* no row of more than twice the numbers that there are, but one */
        const int64_t all = p->axis[CC_COLUMN].out + span_of(&p->axis[CC_COLUMN]) - 1;
        cut.length[CC_DEPTH] = 1;
        for (int64_t n = LEAST_LENGTH; n <= MOST_LENGTH; n = next_length(n))
            for (int i = 0; i < 2; i++) {
                cut.length[CC_ROW] = n;
                cut.length[CC_COLUMN] = i ? next_length(n) : n;
                const int64_t points = n * cut.length[CC_COLUMN];
                if (given[CC_COLUMN] && points != given[CC_COLUMN])
                    continue;
                if (found && points > 4 * all)
                    return true;
                if (complete(candidate, &cut) && (!found || cut.cost < best->cost)) {
                    *best = cut;
                    found = true;
                    if (wanted == ANY)
                        return true;
                }
            }
        return found;
    }
    const int64_t depth = last_length(p, CC_DEPTH), row = last_length(p, CC_ROW),
                  column = last_length(p, CC_COLUMN);
    for (int64_t d = first_length(p, CC_DEPTH); d <= depth; d = next_length(d))
        for (int64_t r = LEAST_LENGTH; r <= row; r = next_length(r))
            for (int64_t c = LEAST_LENGTH; c <= column; c = next_length(c)) {
                cut = (cc_fft_cut){.length = {d, r, c}};
                if (complete(candidate, &cut) && (!found || cut.cost < best->cost)) {
                    *best = cut;
                    found = true;
                    if (wanted == ANY)
                        return true;
                }
            }
    return found;
}

static const char *refuse(const cc_candidate *c)
{
    const cc_conv *p = &c->layer.conv;
    cc_fft_cut cut;
    if (!c->layer.shared)
        return "kernels differ from output to output";
    if (p->first_input)
        return "each output channel has taps of its own";
    for (int a = 0; a < CC_AXES; a++)
        if (p->axis[a].stride != 1)
            return "a stride is not 1";
    if (c->taps == p->c)
        return "the kernel has one tap";
    return find_cut(c, ANY, &cut) ? NULL : "the spectra of its kernels would be too large";
}

static double cost(const cc_candidate *c)
{
    const cc_conv *p = &c->layer.conv;
    cc_fft_cut cut;
    if (c->taps / p->c < LEAST_TAPS || !find_cut(c, FASTEST, &cut))
        return HUGE_VAL;
    const double direct = (double)c->taps * (double)p->k * (double)cc_outputs_of_channel(p);
    return cut.cost < direct ? 0.0 : HUGE_VAL;
}

/* Tiles of one channel, their matrices' rows a little apart. */
static void lay_tile(cc_fft_plan *plan)
{
    const cc_conv *p = &plan->problem;
    const int64_t *length = plan->cut.length;
    cc_input_tile *tile = &plan->tile;
    *tile = cc_input_tile_start(p, true, 1, plan->base.kernels->lanes);
    tile->in_place = false;
    const ptrdiff_t pitch[CC_AXES] = {length[CC_ROW] * plan->pitch, plan->pitch, 1};
    for (int a = 0; a < CC_AXES; a++) {
        cc_input_axis *axis = &tile->axis[a];
        axis->outputs = plan->cut.outputs[a];
        axis->split = 1;
        axis->tap = axis->of.dilation;
        axis->extent = axis->outputs + span_of(&axis->of) - 1;
        axis->pitch = plan->is_reshaped ? 1 : pitch[a];
        axis->src_step = axis->src_pitch;
        tile->pieces += axis->extent;
    }
}

/* exp(-2 pi i j q / size) of a pass, in its order. */
static void make_twiddles(const cc_kernels *kernels, int64_t length, char *twiddles)
{
    const double two_pi = 6.283185307179586476925286766559;
    for (ptrdiff_t size = length; size > 1; size /= cc_fft_radix(size)) {
        const ptrdiff_t radix = cc_fft_radix(size);
        for (ptrdiff_t j = 0; j < size / radix; j++)
            for (ptrdiff_t q = 1; q < radix; q++) {
                const double angle = two_pi * (double)(j * q) / (double)size;
                const double root[2] = {cos(angle), -sin(angle)};
                kernels->convert_from_f64(root, 2, twiddles);
                twiddles += 2 * kernels->size;
            }
    }
}

static ptrdiff_t count_twiddles(int64_t length)
{
    ptrdiff_t count = 0;
    for (ptrdiff_t size = length; size > 1; size /= cc_fft_radix(size))
        count += cc_fft_twiddles(size);
    return count;
}

static cc_plan *make_plan(const cc_candidate *candidate)
{
    const cc_kernels *kernels = candidate->kernels;
    const cc_conv *p = &candidate->layer.conv;
    const size_t size = (size_t)kernels->size;
    cc_fft_plan made = {.base = {.kernels = kernels},
                        .problem = *p,
                        .is_reshaped = is_signal(p),
                        .line = CC_FFT_LINE / kernels->size};
    cc_fft_plan *plan = &made;
    if (!find_cut(candidate, FASTEST, &plan->cut))
        return NULL;
    const int64_t *length = plan->cut.length;
    plan->pitch = length[CC_COLUMN] + plan->line; /* not a power of 2: rows would compete for a few
                                                     lines of the caches */
    plan->plane = length[CC_DEPTH] * length[CC_ROW] * plan->pitch;
    plan->row = plan->is_reshaped ? length[CC_ROW] * length[CC_COLUMN] : 0;
    plan->blocks = length[CC_DEPTH] * length[CC_ROW] / plan->line;
    plan->block = plan->line * length[CC_COLUMN];
    plan->scale = 1;
    lay_tile(plan);
    ptrdiff_t twiddles = 0;
    for (int a = 0; a < CC_AXES; a++) {
        plan->is_transformed[a] = plan->is_reshaped ? a != CC_DEPTH : p->axis[a].kernel > 1;
        if (plan->is_transformed[a])
            plan->scale /= (double)length[a];
        plan->twiddles[a] = twiddles;
        twiddles += count_twiddles(length[a]);
    }
    const size_t spectrum = (size_t)cc_fft_spectrum(plan) * size;
    plan->spectra = plan->is_reshaped ? spectrum : 0;
    plan->packed_direct = plan->spectra + (size_t)(p->groups * p->k * p->c) * spectrum;

    cc_candidate lost = *candidate;
    lost.regions = true;
    const cc_algorithm *direct = cc_select(&lost, CC_DIRECT);
    plan->base.helper = direct->functions->make_plan(&lost);
    const size_t tables_at = round_up(sizeof made, 64);
    cc_fft_plan *kept = plan->base.helper ? malloc(tables_at + (size_t)twiddles * size) : NULL;
    if (!kept) {
        free(plan->base.helper);
        return NULL;
    }
    plan->base.helper->algorithm = direct;
    plan->base.facts = plan->base.helper->facts;
    for (int a = 0; a < CC_AXES; a++) plan->base.facts.fact[CC_DIRECT_FACTS + a] = length[a];
    plan->base.facts.fact[CC_DIRECT_FACTS + CC_AXES] = plan->is_reshaped;
    plan->base.facts.fact[CC_DIRECT_FACTS + CC_AXES + 1] = (int64_t)(intptr_t)direct;
    plan->base.pack_bytes = plan->packed_direct + plan->base.helper->pack_bytes;
    char *tables = (char *)kept + tables_at;
    plan->tables = tables;
    *kept = made;
    for (int a = 0; a < CC_AXES; a++)
        make_twiddles(kernels, length[a], tables + kept->twiddles[a] * kernels->size);
    return &kept->base;
}

const struct cc_algorithm_functions cc_algorithm_fft = {refuse, cost, make_plan, cc_fft_pack,
                                                        cc_fft_run};
