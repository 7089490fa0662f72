/* Gradient of x where hardly any outputs share a kernel, or an input cell.
 *
 *   dV[c, o * stride + tap * dilation - before] += sum over k of G[k, o] K[k, o % period, c, tap]
 *
 * These products and no others: nothing is multiplied with padding. Weights are read as they lie
 * and once for as many images as fit, as in the forward direction: what all output channels of an
 * output bring to the cells that it sees, a patch, is summed for a few neighbouring outputs, then
 * added to the cells. Threads have input channels of their own, so the order of all sums is fixed
 * by sizes alone.
 */
#include "parallel.h"
#include "problem.h"
#include "taps.h"
#include "whole.h"

#include <string.h>

/* Neighbouring outputs of a tile, and the most images. Sums depend on the first. */
enum { TILE_COLUMNS = 16, TILE_IMAGES = 16 };
/* Weights of a part's input channels in a row; patches of a tile, in the second-level cache; those
 * that weights are read for at a time, in the first-level one; and the planes of all its images. */
enum { ROW_TAPS = 1024, PATCH_BYTES = 640 << 10, NEAR_BYTES = 24 << 10, PLANE_BYTES = 32 << 20 };
/* Streams of weights at a time. */
enum { STREAMS = 4 };

typedef struct {
    cc_conv problem;
    int64_t period[CC_AXES], phases;
    const cc_kernels *kernels;
    ptrdiff_t taps; /* of an input channel */
    int64_t ranges; /* of a group's input channels */
    int64_t images; /* of a tile */
    int parts;
    const char *grad, *weight;
    char *dx, *scratch;
    size_t strip, patches, turned, places, pieces, bytes; /* of a part */
} job;

/* A part's work of the moment. */
typedef struct {
    cc_strip strip;                   /* of the channels' whole planes */
    int64_t group, channel, channels; /* in the group */
    int64_t image, images;
    char *cells, *patches, *turned; /* patches [output][image][tap]; one image's, [tap][output] */
    ptrdiff_t *places, patch_row;
    ptrdiff_t patch[TILE_IMAGES];
} work;

static cc_strip make_strip(const job *j, int64_t channels)
{
    cc_strip strip = cc_strip_start(&j->problem, true, channels, j->kernels->lanes);
    strip.in_place = false;
    for (int a = 0; a < CC_AXES; a++) strip.axis[a].outputs = j->problem.axis[a].out;
    cc_strip_layout(&strip);
    return strip;
}

static ptrdiff_t patch_row_of(const job *j, int64_t channels)
{
    return ceil_div(channels * j->taps, j->kernels->lanes) * j->kernels->lanes;
}

static void make_plan(job *j, int threads)
{
    const cc_conv *p = &j->problem;
    const double weights =
        (double)(p->groups * p->k) * (double)j->phases * (double)p->c * (double)j->taps;
    const double outputs = (double)p->n * (double)cc_output_cells(p);
    const double products = weights / (double)j->phases * outputs;
    const double macs_per_us = 30e3, weights_per_us = 5e3;
    threads = cc_useful_threads(products / macs_per_us + weights / weights_per_us, threads);
    const int64_t fit = max(1, ROW_TAPS / j->taps);
    j->ranges = min(p->c, max(ceil_div(p->c, fit), ceil_div(threads, p->groups)));
    j->parts = (int)min(threads, p->groups * j->ranges);
    const int64_t channels = ceil_div(p->c, j->ranges), size = j->kernels->size;
    const ptrdiff_t patch = patch_row_of(j, channels) * size;
    const cc_strip strip = make_strip(j, channels);
    j->images = min(min(p->n, TILE_IMAGES), max(1, PATCH_BYTES / (TILE_COLUMNS * patch)));
    j->images = min(j->images, max(1, PLANE_BYTES / (strip.elements * size)));
    j->strip = claim(&j->bytes, j->images * strip.elements, (size_t)size);
    j->patches = claim(&j->bytes, j->images * TILE_COLUMNS, (size_t)patch);
    j->turned = claim(&j->bytes, TILE_COLUMNS, (size_t)patch);
    j->places = claim(&j->bytes, channels * j->taps, sizeof(ptrdiff_t));
    j->pieces = claim(&j->bytes, strip.pieces, sizeof(cc_piece));
}

/* Which kernel output o takes, and where its gradient stands in a channel. */
static int64_t find_phase(const job *j, const int64_t *o)
{
    int64_t phase = 0;
    for (int a = 0; a < CC_AXES; a++) phase = phase * j->period[a] + o[a] % j->period[a];
    return phase;
}

static int64_t find_output(const job *j, const int64_t *o)
{
    int64_t at = 0;
    for (int a = 0; a < CC_AXES; a++) at = at * j->problem.axis[a].out + o[a];
    return at;
}

/* The patches of `columns` outputs from o on. */
static void sum_patches(const job *j, const work *w, const int64_t *o, int64_t columns)
{
    const cc_conv *p = &j->problem;
    const cc_kernels *k = j->kernels;
    const int64_t outputs = cc_output_cells(p);
    const ptrdiff_t weights = p->c * j->taps, patch = w->images * w->patch_row;
    const ptrdiff_t pixel = p->channels_last ? p->groups * p->k : 1;
    cc_dots dots = {.images = w->images,
                    .taps = w->channels * j->taps,
                    .patch = w->patch,
                    .weight_row = j->phases * weights,
                    .y_channel = p->channels_last ? 1 : outputs,
                    .y_image = p->groups * p->k * outputs};
    const int64_t near = max(1, NEAR_BYTES / (patch * k->size));
    for (int64_t first = 0; first < columns; first += near)
        for (int64_t c = 0; c < p->k; c += STREAMS) {
            dots.channels = min(STREAMS, p->k - c);
            dots.add = c > 0;
            for (int64_t x = first; x < min(first + near, columns); x++) {
                const int64_t at[CC_AXES] = {o[CC_DEPTH], o[CC_ROW], o[CC_COLUMN] + x};
                const int64_t channel = w->group * p->k + c;
                const ptrdiff_t row = (channel * j->phases + find_phase(j, at)) * weights;
                const ptrdiff_t grad =
                    w->image * dots.y_image + channel * dots.y_channel + find_output(j, at) * pixel;
                k->spread(&dots, j->weight + (row + w->channel * j->taps) * k->size,
                          j->grad + grad * k->size, w->patches + x * patch * k->size);
            }
        }
}

/* Adds the patches to the cells that their outputs see. */
static void add_patches(const job *j, const work *w, const int64_t *o, int64_t columns)
{
    const cc_kernels *k = j->kernels;
    const ptrdiff_t taps = w->channels * j->taps;
    ptrdiff_t at = w->strip.lead;
    for (int a = 0; a < CC_AXES; a++) at += o[a] * cc_strip_step(&w->strip.axis[a]);
    for (int64_t n = 0; n < w->images; n++) {
        k->transpose(w->patches + w->patch[n] * k->size, w->images * w->patch_row, w->turned,
                     TILE_COLUMNS, columns, taps);
        char *cells = w->cells + (n * w->strip.elements + at) * k->size;
        for (ptrdiff_t t = 0; t < taps; t++)
            k->add(w->turned + t * TILE_COLUMNS * k->size, 0, cells + w->places[t] * k->size, 0, 1,
                   1, columns);
    }
}

/* The gradient of a range of channels, of a few images. */
static void run_images(const job *j, work *w, cc_piece *pieces)
{
    const cc_conv *p = &j->problem;
    const cc_kernels *k = j->kernels;
    const int64_t *out =
        (int64_t[]){p->axis[CC_DEPTH].out, p->axis[CC_ROW].out, p->axis[CC_COLUMN].out};
    memset(w->cells, 0, (size_t)(w->images * w->strip.elements * k->size));
    int64_t o[CC_AXES];
    for (o[CC_DEPTH] = 0; o[CC_DEPTH] < out[CC_DEPTH]; o[CC_DEPTH]++)
        for (o[CC_ROW] = 0; o[CC_ROW] < out[CC_ROW]; o[CC_ROW]++)
            for (o[CC_COLUMN] = 0; o[CC_COLUMN] < out[CC_COLUMN]; o[CC_COLUMN] += TILE_COLUMNS) {
                const int64_t columns = min(TILE_COLUMNS, out[CC_COLUMN] - o[CC_COLUMN]);
                sum_patches(j, w, o, columns);
                add_patches(j, w, o, columns);
            }
    const int64_t origin[CC_AXES] = {0};
    const cc_cut cut = cc_strip_cut(&w->strip, origin, out, pieces);
    const int64_t plane = cc_input_cells(p);
    for (int64_t n = 0; n < w->images; n++) {
        const ptrdiff_t image = (w->image + n) * p->groups * p->c * plane;
        const int64_t channel = w->group * p->c + w->channel;
        char *dx = j->dx + (image + channel * w->strip.src_channel) * k->size;
        if (p->channels_last)
            k->copy(NULL, 0, 0, dx, p->groups * p->c, plane, w->channels);
        else
            k->copy(NULL, 0, 0, dx, 0, 1, w->channels * plane);
        cc_strip_drain(&w->strip, k, &cut,
                       w->cells + (n * w->strip.elements + w->strip.lead) * k->size, dx);
    }
}

static void run_part(int index, void *context)
{
    const job *j = context;
    const cc_conv *p = &j->problem;
    char *scratch = j->scratch + (size_t)index * j->bytes;
    work w = {.cells = scratch + j->strip,
              .patches = scratch + j->patches,
              .turned = scratch + j->turned,
              .places = (ptrdiff_t *)(scratch + j->places)};
    const int64_t units = p->groups * j->ranges, end = units * (index + 1) / j->parts;
    for (int64_t unit = units * index / j->parts; unit < end; unit++) {
        const int64_t range = unit % j->ranges;
        w.group = unit / j->ranges;
        w.channel = p->c * range / j->ranges;
        w.channels = p->c * (range + 1) / j->ranges - w.channel;
        w.patch_row = patch_row_of(j, w.channels);
        w.strip = make_strip(j, w.channels);
        cc_taps_places(&w.strip, w.channels, w.places);
        for (int i = 0; i < TILE_IMAGES; i++) w.patch[i] = i * w.patch_row;
        for (w.image = 0; w.image < p->n; w.image += w.images) {
            w.images = min(j->images, p->n - w.image);
            run_images(j, &w, (cc_piece *)(scratch + j->pieces));
        }
    }
}

cc_status cc_local_input_gradient(const cc_tiled *problem, cc_type type, const void *grad,
                                  const void *weight, void *dx, int threads)
{
    if (!cc_layer_is_sound(problem, type) || problem->conv.first_input || threads < 1)
        return CC_BAD_PROBLEM;
    job j = {.problem = problem->conv,
             .phases = 1,
             .kernels = cc_kernels_of(type),
             .taps = 1,
             .grad = grad,
             .weight = weight,
             .dx = dx};
    for (int a = 0; a < CC_AXES; a++) {
        j.period[a] = problem->period[a];
        j.phases *= problem->period[a];
        j.taps *= problem->conv.axis[a].kernel;
    }
    make_plan(&j, threads);
    j.scratch = cc_scratch_take((size_t)j.parts * j.bytes);
    if (!j.scratch)
        return CC_NO_MEMORY;
    cc_parallel(j.parts, run_part, &j);
    cc_scratch_give(j.scratch);
    return CC_OK;
}
