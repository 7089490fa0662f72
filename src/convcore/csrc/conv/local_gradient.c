/* Gradient of x where hardly any outputs share a kernel, or an input element.
 *
 *   dV[c, o * stride + tap * dilation - before] += sum over k of G[k, o] K[k, o % period, c, tap]
 *
 * These products and no others: nothing is multiplied with padding. Weights are read as they lie
 * and once for as many images as fit, as in the forward direction: what all output channels of an
 * output bring to the elements that it sees, a patch, is summed for a few neighbouring outputs,
 * then added to the elements. Threads have input channels of their own, so the order of all sums is
 * fixed by sizes alone.
 */
#include "../base/arena.h"
#include "../base/parallel.h"
#include "../core/job.h"
#include "../core/problem.h"
#include "../core/tap_offsets.h"
#include "gradients.h"

#include <stdlib.h>
#include <string.h>

/* Neighbouring outputs of a tile, and the most images. Sums depend on the first. */
enum { TILE_COLUMNS = 16, TILE_IMAGES = 16 };
/* Weights of a worker's input channels in a row; patches of a tile, in L2; those that weights are
 * read for at a time, in L1; and the planes of all its images. */
enum { ROW_TAPS = 1024, PATCH_BYTES = 640 << 10, NEAR_BYTES = 24 << 10, PLANE_BYTES = 32 << 20 };

typedef struct {
    cc_plan base;
    cc_conv problem;
    int64_t period[CC_AXES], phases;
    ptrdiff_t taps; /* of an input channel */
    double microseconds;
} plan;

typedef struct {
    const plan *plan;
    const cc_gradient_args *args;
    int64_t ranges; /* of a group's input channels */
    int64_t images; /* of a tile */
    int workers;
    size_t planes, patches, transposed, offsets, pieces, own; /* a worker's memory */
} call;

/* A worker's task of the moment, and its memory. */
typedef struct {
    const call *call;
    cc_input_tile layout;             /* of the planes of the channels */
    int64_t group, channel, channels; /* in the group */
    int64_t image, images;
    char *planes, *patches; /* patches [output][image][tap]; */
    char *transposed;       /* one image's, [tap][output] */
    cc_piece *pieces;
    ptrdiff_t *offsets, patch_row;
    ptrdiff_t patch[TILE_IMAGES];
} task;

static cc_input_tile layout_of(const plan *p, int64_t channels)
{
    cc_input_tile layout = cc_input_tile_start(&p->problem, true, channels, p->base.kernels->lanes);
    layout.in_place = false;
    for (int a = 0; a < CC_AXES; a++) layout.axis[a].outputs = p->problem.axis[a].out;
    cc_input_tile_layout(&layout);
    return layout;
}

static ptrdiff_t patch_row_of(const plan *p, int64_t channels)
{
    const int lanes = p->base.kernels->lanes;
    return ceil_div(channels * p->taps, lanes) * lanes;
}

/* Ranges of channels, tiles and memory for a number of threads. */
static void divide(call *c, int threads)
{
    const plan *of = c->plan;
    const cc_conv *p = &of->problem;
    threads = cc_useful_threads(of->microseconds, threads);
    const int64_t fit = max(1, ROW_TAPS / of->taps);
    c->ranges = min(p->c, max(ceil_div(p->c, fit), ceil_div(threads, p->groups)));
    c->workers = (int)min(threads, p->groups * c->ranges);
    const int64_t channels = ceil_div(p->c, c->ranges), size = of->base.kernels->size;
    const ptrdiff_t patch = patch_row_of(of, channels) * size;
    const cc_input_tile layout = layout_of(of, channels);
    c->images = min(min(p->n, TILE_IMAGES), max(1, PATCH_BYTES / (TILE_COLUMNS * patch)));
    c->images = min(c->images, max(1, PLANE_BYTES / (layout.elements * size)));
    c->planes = cc_arena_reserve(&c->own, c->images * layout.elements, (size_t)size);
    c->patches = cc_arena_reserve(&c->own, c->images * TILE_COLUMNS, (size_t)patch);
    c->transposed = cc_arena_reserve(&c->own, TILE_COLUMNS, (size_t)patch);
    c->offsets = cc_arena_reserve(&c->own, channels * of->taps, sizeof(ptrdiff_t));
    c->pieces = cc_arena_reserve(&c->own, layout.pieces, sizeof(cc_piece));
}

/* Which kernel output o takes, and where its gradient stands in a channel. */
static int64_t phase_of(const plan *p, const int64_t *o)
{
    int64_t phase = 0;
    for (int a = 0; a < CC_AXES; a++) phase = phase * p->period[a] + o[a] % p->period[a];
    return phase;
}

static int64_t pixel_of(const plan *p, const int64_t *o)
{
    int64_t at = 0;
    for (int a = 0; a < CC_AXES; a++) at = at * p->problem.axis[a].out + o[a];
    return at;
}

/* The patches of `columns` outputs from o on. */
static void sum_patches(const task *t, const int64_t *o, int64_t columns)
{
    const plan *of = t->call->plan;
    const cc_conv *p = &of->problem;
    const cc_kernels *k = of->base.kernels;
    const int64_t outputs = cc_outputs_of_channel(p);
    const ptrdiff_t weights = p->c * of->taps, patch = t->images * t->patch_row;
    const ptrdiff_t pixel = p->channels_last ? p->groups * p->k : 1;
    cc_gemm args = {.images = t->images,
                    .taps = t->channels * of->taps,
                    .patch = t->patch,
                    .weight_row = of->phases * weights,
                    .y_channel = p->channels_last ? 1 : outputs,
                    .y_image = p->groups * p->k * outputs};
    const int64_t near = max(1, NEAR_BYTES / (patch * k->size));
    for (int64_t first = 0; first < columns; first += near)
        for (int64_t c = 0; c < p->k; c += CC_GEMM_CHANNELS) {
            args.channels = min(CC_GEMM_CHANNELS, p->k - c);
            args.add = c > 0;
            for (int64_t x = first; x < min(first + near, columns); x++) {
                const int64_t at[CC_AXES] = {o[CC_DEPTH], o[CC_ROW], o[CC_COLUMN] + x};
                const int64_t channel = t->group * p->k + c;
                const ptrdiff_t row = (channel * of->phases + phase_of(of, at)) * weights;
                const ptrdiff_t grad =
                    t->image * args.y_image + channel * args.y_channel + pixel_of(of, at) * pixel;
                k->axpy(&args, t->call->args->weight + (row + t->channel * of->taps) * k->size,
                        t->call->args->grad + grad * k->size, t->patches + x * patch * k->size);
            }
        }
}

/* Adds the patches to the elements that their outputs see. */
static void add_patches(const task *t, const int64_t *o, int64_t columns)
{
    const cc_kernels *k = t->call->plan->base.kernels;
    const ptrdiff_t taps = t->channels * t->call->plan->taps;
    const cc_move line = {.rows = 1, .columns = columns, .dst_column = 1};
    ptrdiff_t at = t->layout.front_pad;
    for (int a = 0; a < CC_AXES; a++) at += o[a] * cc_input_step(&t->layout.axis[a]);
    for (int64_t n = 0; n < t->images; n++) {
        k->transpose(t->patches + t->patch[n] * k->size, t->images * t->patch_row, t->transposed,
                     TILE_COLUMNS, columns, taps);
        char *plane = t->planes + (n * t->layout.elements + at) * k->size;
        for (ptrdiff_t i = 0; i < taps; i++)
            k->add(&line, t->transposed + i * TILE_COLUMNS * k->size,
                   plane + t->offsets[i] * k->size);
    }
}

/* From the planes to the gradient of x. */
static void store_planes(const task *t)
{
    const cc_conv *p = &t->call->plan->problem;
    const cc_kernels *k = t->call->plan->base.kernels;
    const int64_t origin[CC_AXES] = {0}, plane = cc_inputs_of_channel(p);
    const int64_t out[CC_AXES] = {p->axis[CC_DEPTH].out, p->axis[CC_ROW].out,
                                  p->axis[CC_COLUMN].out};
    const cc_cut cut = cc_input_tile_cut(&t->layout, origin, out, t->pieces);
    const cc_move zeros =
        p->channels_last
            ? (cc_move){.rows = plane, .columns = t->channels, .dst_row = p->groups * p->c}
            : (cc_move){.rows = 1, .columns = t->channels * plane};
    for (int64_t n = 0; n < t->images; n++) {
        const ptrdiff_t image = (t->image + n) * t->layout.src_image;
        const int64_t channel = t->group * p->c + t->channel;
        char *dx = t->call->args->result + (image + channel * t->layout.src_channel) * k->size;
        k->copy(&zeros, NULL, dx);
        cc_input_tile_scatter_add(
            &t->layout, k, &cut,
            t->planes + (n * t->layout.elements + t->layout.front_pad) * k->size, dx);
    }
}

/* The gradient of a range of channels, of a few images. */
static void run_images(const task *t)
{
    const plan *of = t->call->plan;
    const cc_axis *axis = of->problem.axis;
    memset(t->planes, 0, (size_t)(t->images * t->layout.elements * of->base.kernels->size));
    int64_t o[CC_AXES];
    for (o[CC_DEPTH] = 0; o[CC_DEPTH] < axis[CC_DEPTH].out; o[CC_DEPTH]++)
        for (o[CC_ROW] = 0; o[CC_ROW] < axis[CC_ROW].out; o[CC_ROW]++)
            for (o[CC_COLUMN] = 0; o[CC_COLUMN] < axis[CC_COLUMN].out;
                 o[CC_COLUMN] += TILE_COLUMNS) {
                if (cc_is_stopped())
                    return;
                const int64_t columns = min(TILE_COLUMNS, axis[CC_COLUMN].out - o[CC_COLUMN]);
                sum_patches(t, o, columns);
                add_patches(t, o, columns);
            }
    store_planes(t);
}

static void work(const cc_worker *worker)
{
    const call *c = worker->context;
    const plan *of = c->plan;
    const cc_conv *p = &of->problem;
    task t = {.call = c,
              .planes = worker->own + c->planes,
              .patches = worker->own + c->patches,
              .transposed = worker->own + c->transposed,
              .offsets = (ptrdiff_t *)(worker->own + c->offsets),
              .pieces = (cc_piece *)(worker->own + c->pieces)};
    const cc_task_range ranges = cc_tasks_of(p->groups * c->ranges, worker->workers, worker->index);
    for (int64_t i = ranges.from; i < ranges.to; i++) {
        const int64_t range = i % c->ranges;
        t.group = i / c->ranges;
        t.channel = cc_partition_start(p->c, 1, c->ranges, range);
        t.channels = cc_partition_start(p->c, 1, c->ranges, range + 1) - t.channel;
        t.patch_row = patch_row_of(of, t.channels);
        t.layout = layout_of(of, t.channels);
        cc_tap_offsets_of_channels(&t.layout, t.channels, t.offsets);
        for (int n = 0; n < TILE_IMAGES; n++) t.patch[n] = n * t.patch_row;
        for (t.image = 0; t.image < p->n; t.image += t.images) {
            t.images = min(c->images, p->n - t.image);
            run_images(&t);
        }
    }
}

static cc_status run(const cc_plan *of, const cc_gradient_args *args, int threads)
{
    call c = {.plan = (const plan *)of, .args = args};
    divide(&c, threads);
    cc_job job = {.workers = c.workers, .own = c.own};
    if (!cc_job_begin(&job))
        return CC_NO_MEMORY;
    const cc_status status = cc_job_run(&job, work, &c);
    cc_job_end(&job);
    return status;
}

cc_plan *cc_local_gradient_make_plan(const cc_candidate *c)
{
    plan *made = malloc(sizeof *made);
    if (!made)
        return NULL;
    const cc_conv *p = &c->layer.conv;
    *made = (plan){.base = {.kernels = c->kernels, .run_gradient = run},
                   .problem = *p,
                   .phases = c->phases,
                   .taps = c->taps / p->c};
    for (int a = 0; a < CC_AXES; a++) made->period[a] = c->layer.period[a];
    const double weights =
        (double)(p->groups * p->k) * (double)made->phases * (double)p->c * (double)made->taps;
    const double outputs = (double)p->n * (double)cc_outputs_of_channel(p);
    const double products = weights / (double)made->phases * outputs;
    const cc_rates *rates = &c->tuning->local_gradient;
    made->microseconds = products / rates->macs_per_us + weights / rates->memory_per_us;
    return &made->base;
}
