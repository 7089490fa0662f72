/* Convolution by Fourier transforms, forward: the kernels' spectra are made, then workers take
 * pairs of tiles. The tiles are transformed, their spectra multiplied with the kernels' and added
 * over the input channels, and the sums transformed back, for one output channel after the other.
 */
#include "fft.h"

#include "../base/arena.h"
#include "../base/parallel.h"
#include "../core/problem.h"

#include <math.h>
#include <string.h>

/* Offsets in the memory that is shared, and in a worker's own. */
typedef struct {
    size_t weights, lost, shared;
    size_t matrices, row, spectra, sum, bias, pieces, own;
} memory_layout;

typedef struct {
    const cc_fft_plan *plan;
    const cc_arrays *arrays;
    const char *weights; /* what packed ones are made of */
    char *made;          /* the same, where they are not given */
    char *lost;          /* of each pair: whether its outputs are to be computed again */
    cc_epilogue epilogue;
    memory_layout at;
} call;

/* What a worker has in its memory at the moment. */
typedef struct {
    char *re, *im; /* the matrices of two tiles */
    char *row;     /* of a signal, before it is reshaped */
    char *spectra; /* of all input channels */
    char *sum;     /* a block of an output channel's */
    char *bias;    /* 0, or an output channel's */
    char *zero;
    cc_piece *pieces;
} state;

static state begin(const call *c, const cc_worker *worker)
{
    const cc_fft_plan *plan = c->plan;
    char *own = worker->own;
    state s = {.re = own + c->at.matrices,
               .row = own + c->at.row,
               .spectra = own + c->at.spectra,
               .sum = own + c->at.sum,
               .bias = own + c->at.bias,
               .zero = own + c->at.bias + c->plan->base.kernels->size,
               .pieces = (cc_piece *)(own + c->at.pieces)};
    s.im = s.re + plan->plane * plan->base.kernels->size;
    memset(s.bias, 0, (size_t)(2 * plan->base.kernels->size));
    return s;
}

/* Transforms the matrices along depths and rows; `backward`: rows and depths, and only columns that
 * outputs come of. */
static void transform_columns(const cc_fft_plan *plan, bool backward, char *re, char *im)
{
    const cc_kernels *k = plan->base.kernels;
    const int64_t *length = plan->cut.length;
    const int64_t depths = length[CC_DEPTH], rows = length[CC_ROW];
    const int64_t wanted = plan->is_reshaped ? length[CC_COLUMN] : plan->cut.outputs[CC_COLUMN];
    const ptrdiff_t step[2] = {rows * plan->pitch, plan->pitch};
    for (int i = 0; i < 2; i++) {
        const int axis = (i == 0) == backward ? CC_ROW : CC_DEPTH;
        if (!plan->is_transformed[axis])
            continue;
        const cc_fft args = {.length = length[axis],
                             .step = step[axis],
                             .columns =
                                 backward ? (ptrdiff_t)round_up((size_t)wanted, (size_t)plan->line)
                                          : length[CC_COLUMN],
                             .twiddles = plan->tables + plan->twiddles[axis] * k->size};
        const int64_t times = axis == CC_ROW ? depths : rows;
        for (int64_t t = 0; t < times; t++) {
            const ptrdiff_t at = t * step[1 - axis] * k->size;
            if (backward)
                k->fft_backward(&args, im + at, re + at);
            else
                k->fft_forward(&args, re + at, im + at);
        }
    }
}

/* Transforms of one block of a spectrum, along columns. */
static cc_fft along_columns(const cc_fft_plan *plan)
{
    return (cc_fft){.length = plan->cut.length[CC_COLUMN],
                    .step = plan->line,
                    .columns = plan->line,
                    .twiddles =
                        plan->tables + plan->twiddles[CC_COLUMN] * plan->base.kernels->size};
}

/* The matrices become a spectrum; c->weights holds the twiddle factors of reshaped ones. */
static void transform(const call *c, const state *s, char *spectrum)
{
    const cc_fft_plan *plan = c->plan;
    const cc_kernels *k = plan->base.kernels;
    const cc_fft args = along_columns(plan);
    const ptrdiff_t columns = args.length, bytes = plan->block * k->size;
    transform_columns(plan, false, s->re, s->im);
    for (ptrdiff_t b = 0; b < plan->blocks; b++, spectrum += 2 * bytes) {
        const ptrdiff_t at = b * plan->line * plan->pitch * k->size;
        k->transpose(s->re + at, plan->pitch, spectrum, plan->line, plan->line, columns);
        k->transpose(s->im + at, plan->pitch, spectrum + bytes, plan->line, plan->line, columns);
        if (plan->is_reshaped)
            k->fft_twiddle(plan->block, false, c->weights + 2 * b * bytes, spectrum);
        if (plan->is_transformed[CC_COLUMN])
            k->fft_forward(&args, spectrum, spectrum + bytes);
    }
}

/* Block b of a spectrum is transformed along columns and becomes rows of the matrices. */
static void transform_back(const call *c, const state *s, ptrdiff_t b, char *spectrum)
{
    const cc_fft_plan *plan = c->plan;
    const cc_kernels *k = plan->base.kernels;
    const cc_fft args = along_columns(plan);
    const ptrdiff_t columns = args.length, bytes = plan->block * k->size;
    const ptrdiff_t at = b * plan->line * plan->pitch * k->size;
    if (plan->is_transformed[CC_COLUMN])
        k->fft_backward(&args, spectrum + bytes, spectrum);
    if (plan->is_reshaped)
        k->fft_twiddle(plan->block, true, c->weights + 2 * b * bytes, spectrum);
    k->transpose(spectrum, plan->line, s->re + at, plan->pitch, columns, plan->line);
    k->transpose(spectrum + bytes, plan->line, s->im + at, plan->pitch, columns, plan->line);
}

/* Cuts a row into the rows of a matrix. */
static void reshape_row(const cc_fft_plan *plan, const char *row, char *matrix)
{
    const int64_t *length = plan->cut.length;
    plan->base.kernels->copy(&(cc_move){.rows = length[CC_ROW],
                                        .columns = length[CC_COLUMN],
                                        .src_row = length[CC_COLUMN],
                                        .src_column = 1,
                                        .dst_row = plan->pitch},
                             row, matrix);
}

/* Which frequency of `length` stands at index `at` of a spectrum. */
static int64_t frequency_at(int64_t length, int64_t at)
{
    int64_t frequency = 0, times = 1;
    for (int64_t size = length; size > 1;) {
        const int64_t radix = cc_fft_radix(size);
        size /= radix;
        frequency += at / size * times;
        at %= size;
        times *= radix;
    }
    return frequency;
}

/* The twiddle factors of a reshaped row of N numbers, as a spectrum: exp(-2 pi i f c / N) for
 * frequency f along rows and column c. Products of a coarse and a fine one, in double. */
static void make_reshaping_twiddles(const cc_fft_plan *plan, char *twiddles)
{
    enum { FINE = 2048, COARSE = CC_FFT_MOST / FINE, MOST_LINE = CC_FFT_LINE / 4 };
    const cc_kernels *k = plan->base.kernels;
    const double step = 6.283185307179586476925286766559 / (double)plan->row;
    double fine[FINE][2], coarse[COARSE][2], re[MOST_LINE], im[MOST_LINE];
    for (int i = 0; i < FINE; i++) {
        fine[i][0] = cos(step * i);
        fine[i][1] = -sin(step * i);
    }
    for (int i = 0; i < ceil_div(plan->row, FINE); i++) {
        coarse[i][0] = cos(step * FINE * i);
        coarse[i][1] = -sin(step * FINE * i);
    }
    const int64_t columns = plan->cut.length[CC_COLUMN];
    for (ptrdiff_t b = 0; b < plan->blocks; b++) {
        int64_t frequency[MOST_LINE], angle[MOST_LINE] = {0}; /* in N-th parts of a turn */
        for (int i = 0; i < plan->line; i++)
            frequency[i] = frequency_at(plan->cut.length[CC_ROW], b * plan->line + i);
        char *to = twiddles + 2 * b * plan->block * k->size;
        for (int64_t column = 0; column < columns; column++, to += plan->line * k->size) {
            for (int i = 0; i < plan->line; i++) {
                const double *f = fine[angle[i] % FINE], *t = coarse[angle[i] / FINE];
                re[i] = f[0] * t[0] - f[1] * t[1];
                im[i] = f[0] * t[1] + f[1] * t[0];
                angle[i] += frequency[i];
                angle[i] -= angle[i] < plan->row ? 0 : plan->row;
            }
            k->convert_from_f64(re, plan->line, to);
            k->convert_from_f64(im, plan->line, to + plan->block * k->size);
        }
    }
}

/* Copies what stands at the first index of an axis to all others; axes behind it are filled. */
static void repeat_along(const cc_fft_plan *plan, int axis, char *matrix)
{
    const int64_t *length = plan->cut.length;
    const ptrdiff_t size = plan->base.kernels->size;
    const ptrdiff_t pitch[CC_AXES] = {length[CC_ROW] * plan->pitch, plan->pitch, 1};
    const int64_t before =
        axis == CC_DEPTH ? 1 : length[CC_DEPTH] * (axis == CC_ROW ? 1 : length[CC_ROW]);
    const ptrdiff_t apart = axis == CC_COLUMN ? plan->pitch : length[CC_ROW] * plan->pitch;
    for (int64_t b = 0; b < before; b++)
        for (int64_t i = 1; i < length[axis]; i++)
            memcpy(matrix + (b * apart + i * pitch[axis]) * size, matrix + b * apart * size,
                   (size_t)(pitch[axis] * size));
}

/* The matrix of a kernel: taps where they stand, zeros elsewhere; along an axis of one tap, which
 * is not transformed, every row and column is the same. */
static void lay_kernel(const call *c, const state *s, int64_t group, int64_t output, int64_t input)
{
    const cc_fft_plan *plan = c->plan;
    const cc_conv *p = &plan->problem;
    const cc_weights *at = &p->weights;
    const ptrdiff_t size = plan->base.kernels->size;
    const cc_axis *axis = p->axis;
    const ptrdiff_t taps = axis[0].kernel * axis[1].kernel * axis[2].kernel;
    const int64_t first = at->taps ? group * at->group + output * at->output + input * at->input
                                   : ((group * p->k + output) * p->c + input) * taps;
    const ptrdiff_t pitch[CC_AXES] = {plan->tile.axis[0].pitch, plan->tile.axis[1].pitch, 1};
    char *to = plan->is_reshaped ? s->row : s->re;
    memset(to, 0, (size_t)((plan->is_reshaped ? plan->row : plan->plane) * size));
    for (int64_t line = 0; line < axis[0].kernel * axis[1].kernel; line++) {
        const ptrdiff_t offset = line / axis[1].kernel * axis[0].dilation * pitch[0] +
                                 line % axis[1].kernel * axis[1].dilation * pitch[1];
        for (int64_t i = 0; i < axis[2].kernel; i++) {
            const int64_t t = line * axis[2].kernel + i;
            memcpy(to + (offset + i * axis[2].dilation) * size,
                   c->arrays->weight + (first + (at->taps ? at->taps[t] : t)) * size, (size_t)size);
        }
    }
    for (int a = CC_AXES - 1; a >= 0 && !plan->is_reshaped; a--)
        if (!plan->is_transformed[a])
            repeat_along(plan, a, to);
    if (plan->is_reshaped)
        reshape_row(plan, s->row, s->re);
    memset(s->im, 0, (size_t)(plan->plane * size));
}

/* Whether all numbers of a matrix are finite, and not so small that transforms lose their digits.
 */
static bool is_trusted(const call *c, const state *s, char *matrix)
{
    const cc_fft_plan *plan = c->plan;
    const int64_t *length = plan->cut.length;
    const cc_fft_outputs all = {.rows = length[CC_DEPTH] * length[CC_ROW],
                                .columns = length[CC_COLUMN],
                                .row = plan->pitch,
                                .scale = 1};
    return plan->base.kernels->fft_output(&all, s->zero, matrix);
}

static void make_twiddles(const cc_worker *worker)
{
    const call *c = worker->context;
    if (worker->index == 0 && c->plan->is_reshaped)
        make_reshaping_twiddles(c->plan, c->made);
}

static void make_spectra(const cc_worker *worker)
{
    const call *c = worker->context;
    const cc_fft_plan *plan = c->plan;
    const cc_conv *p = &plan->problem;
    const state s = begin(c, worker);
    const cc_task_range kernels =
        cc_tasks_of(p->groups * p->k * p->c, worker->workers, worker->index);
    for (int64_t i = kernels.from; i < kernels.to && !cc_is_stopped(); i++) {
        const double nan = NAN;
        char *spectrum =
            c->made + plan->spectra + i * cc_fft_spectrum(plan) * plan->base.kernels->size;
        lay_kernel(c, &s, i / p->c / p->k, i / p->c % p->k, i % p->c);
        const bool trusted = is_trusted(c, &s, s.re);
        transform(c, &s, spectrum);
        if (!trusted) /* then all that it gives is lost */
            plan->base.kernels->convert_from_f64(&nan, 1, spectrum);
    }
}

/* Tile i of an image: its outputs. */
static cc_tile tile_at(const cc_fft_plan *plan, int64_t group, int64_t image, int64_t i)
{
    const cc_fft_cut *cut = &plan->cut;
    cc_tile tile = {.group = group, .image = image, .images = 1, .window = i};
    for (int a = CC_AXES - 1; a >= 0; a--) {
        tile.origin[a] = i % cut->tiles[a] * cut->outputs[a];
        tile.count[a] = min(cut->outputs[a], plan->problem.axis[a].out - tile.origin[a]);
        i /= cut->tiles[a];
    }
    return tile;
}

/* How many tiles a pair has: 2, or 1 at the end of an image. */
static int tiles_of(const cc_fft_plan *plan, int64_t pair)
{
    const int64_t *tiles = plan->cut.tiles;
    return (int)min(2, tiles[0] * tiles[1] * tiles[2] - 2 * pair);
}

/* The matrices of two tiles of an input channel; false: they are not to be trusted. */
static bool load_tiles(const call *c, const state *s, const cc_tile *tile, int tiles, int64_t input)
{
    const cc_fft_plan *plan = c->plan;
    const cc_kernels *k = plan->base.kernels;
    const ptrdiff_t channel = (tile->group * plan->problem.c + input) * plan->tile.src_channel;
    const char *x = c->arrays->x + (tile->image * plan->tile.src_image + channel) * k->size;
    bool trusted = true;
    for (int i = 0; i < 2; i++) {
        char *matrix = i ? s->im : s->re, *to = plan->is_reshaped ? s->row : matrix;
        memset(to, 0, (size_t)((plan->is_reshaped ? plan->row : plan->plane) * k->size));
        if (i < tiles) {
            const cc_cut cut =
                cc_input_tile_cut(&plan->tile, tile[i].origin, tile[i].count, s->pieces);
            cc_input_tile_pack(&plan->tile, k, &cut, x, false, to);
        }
        if (plan->is_reshaped)
            reshape_row(plan, s->row, matrix);
        trusted &= is_trusted(c, s, matrix);
    }
    return trusted;
}

/* Stores the outputs of a tile; false: not all are numbers that can be trusted. */
static bool store_tile(const call *c, const state *s, char *matrix, const cc_tile *tile,
                       int64_t channel)
{
    const cc_fft_plan *plan = c->plan;
    const cc_kernels *k = plan->base.kernels;
    const cc_axis *axis = plan->problem.axis;
    /* A reshaped row is stored row by row of its matrix. */
    const int64_t width = plan->is_reshaped ? plan->cut.length[CC_COLUMN] : tile->count[CC_COLUMN];
    const int64_t rows = ceil_div(tile->count[CC_COLUMN], width) * tile->count[CC_ROW];
    const char *bias = cc_epilogue_bias(&c->epilogue, channel, 1, 1, s->bias);
    const cc_fft_outputs outputs = {
        .rows = rows, .columns = width, .row = plan->pitch, .scale = plan->scale};
    cc_outputs to = {.image = tile->image, .channel = channel, .channels = 1};
    bool trusted = true;
    for (int64_t d = 0; d < tile->count[CC_DEPTH]; d++) {
        char *plane = matrix + d * plan->tile.axis[CC_DEPTH].pitch * k->size;
        const int64_t line = (tile->origin[CC_DEPTH] + d) * axis[CC_ROW].out + tile->origin[CC_ROW];
        trusted &= k->fft_output(&outputs, bias, plane);
        for (int64_t r = 0; r < rows; r++) {
            const int64_t column = plan->is_reshaped ? r * width : 0;
            to.pixel = tile->origin[CC_COLUMN] + column +
                       (plan->is_reshaped ? line : line + r) * axis[CC_COLUMN].out;
            to.pixels = min(width, tile->count[CC_COLUMN] - column);
            cc_epilogue_store_channels(&c->epilogue, &to, plane + r * plan->pitch * k->size, 0);
        }
    }
    return trusted;
}

/* An output channel of a pair, from the spectra of its input: the matrices of its outputs. */
static void sum_channels(const call *c, const state *s, int64_t channel)
{
    const cc_fft_plan *plan = c->plan;
    const cc_kernels *k = plan->base.kernels;
    const int64_t inputs = plan->problem.c;
    const ptrdiff_t spectrum = cc_fft_spectrum(plan) * k->size, bytes = plan->block * k->size;
    const char *kernels = c->weights + plan->spectra + channel * inputs * spectrum;
    for (ptrdiff_t b = 0; b < plan->blocks; b++) {
        memset(s->sum, 0, (size_t)(2 * bytes));
        for (int64_t i = 0; i < inputs; i++)
            k->fft_correlate(plan->block, s->spectra + i * spectrum + 2 * b * bytes,
                             kernels + i * spectrum + 2 * b * bytes, s->sum);
        transform_back(c, s, b, s->sum);
    }
    transform_columns(plan, true, s->re, s->im);
}

static void work(const cc_worker *worker)
{
    const call *c = worker->context;
    const cc_fft_plan *plan = c->plan;
    const cc_conv *p = &plan->problem;
    const state s = begin(c, worker);
    const int64_t pairs = plan->cut.pairs;
    const cc_task_range tasks =
        cc_tasks_of(pairs * p->n * p->groups, worker->workers, worker->index);
    for (int64_t i = tasks.from; i < tasks.to; i++) {
        const int64_t pair = i % pairs, group = i / pairs % p->groups;
        const int tiles = tiles_of(plan, pair);
        cc_tile tile[2];
        for (int t = 0; t < tiles; t++)
            tile[t] = tile_at(plan, group, i / pairs / p->groups, 2 * pair + t);
        for (int64_t input = 0; input < p->c && !c->lost[i] && !cc_is_stopped(); input++) {
            c->lost[i] = !load_tiles(c, &s, tile, tiles, input);
            transform(c, &s, s.spectra + input * cc_fft_spectrum(plan) * plan->base.kernels->size);
        }
        for (int64_t output = 0; output < p->k && !c->lost[i] && !cc_is_stopped(); output++) {
            const int64_t channel = group * p->k + output;
            sum_channels(c, &s, channel);
            for (int t = 0; t < tiles; t++)
                if (!store_tile(c, &s, t ? s.im : s.re, &tile[t], channel))
                    c->lost[i] = 1;
        }
    }
}

static memory_layout lay_out(const cc_fft_plan *plan, bool given)
{
    const size_t size = (size_t)plan->base.kernels->size;
    const cc_conv *p = &plan->problem;
    memory_layout at = {0};
    at.weights = cc_arena_reserve(&at.shared, given ? 0 : (ptrdiff_t)plan->packed_direct, 1);
    at.lost = cc_arena_reserve(&at.shared, plan->cut.pairs * p->n * p->groups, 1);
    at.matrices = cc_arena_reserve(&at.own, 2 * plan->plane, size);
    at.row = cc_arena_reserve(&at.own, plan->row, size);
    at.spectra = cc_arena_reserve(&at.own, p->c * cc_fft_spectrum(plan), size);
    at.sum = cc_arena_reserve(&at.own, 2 * plan->block, size);
    at.bias = cc_arena_reserve(&at.own, 2, size);
    at.pieces = cc_arena_reserve(&at.own, plan->tile.pieces, sizeof(cc_piece));
    return at;
}

/* Computes directly what the transforms have lost: both tiles of a pair in which anything is not
 * finite, for a transform spreads that to all outputs of both. */
static cc_status compute_lost(const call *c, int threads)
{
    const cc_fft_plan *plan = c->plan;
    const cc_conv *p = &plan->problem;
    const int64_t pairs = plan->cut.pairs, all = pairs * p->n * p->groups;
    int64_t count = 0, listed = 0;
    for (int64_t i = 0; i < all; i++) count += c->lost[i] ? tiles_of(plan, i % pairs) : 0;
    if (!count)
        return CC_OK;
    cc_tile *list = cc_arena_acquire((size_t)count * sizeof *list);
    if (!list)
        return CC_NO_MEMORY;
    for (int64_t i = 0; i < all; i++)
        for (int t = 0; c->lost[i] && t < tiles_of(plan, i % pairs); t++)
            list[listed++] =
                tile_at(plan, i / pairs % p->groups, i / pairs / p->groups, 2 * (i % pairs) + t);
    cc_arrays arrays = *c->arrays;
    if (arrays.packed)
        arrays.packed += plan->packed_direct;
    const cc_status status =
        cc_direct_run_regions(cc_fft_direct(plan), &arrays, list, count, threads);
    cc_arena_release(list);
    return status;
}

/* Makes what packed weights hold, at c->made: the twiddle factors, which the spectra need. */
static cc_status make_weights(call *c, const cc_job *job)
{
    c->weights = c->made;
    cc_status status = cc_job_run(job, make_twiddles, c);
    if (status == CC_OK)
        status = cc_job_run(job, make_spectra, c);
    return status;
}

bool cc_fft_pack(const cc_plan *of, const char *weight, char *packed)
{
    const cc_fft_plan *plan = (const cc_fft_plan *)of;
    const cc_arrays arrays = {.weight = weight};
    call c = {.plan = plan, .arrays = &arrays, .made = packed, .at = lay_out(plan, true)};
    cc_job job = {.workers = 1, .shared = c.at.shared, .own = c.at.own};
    if (!cc_job_begin(&job))
        return false;
    const cc_status status = make_weights(&c, &job);
    cc_job_end(&job);
    return status == CC_OK &&
           of->helper->algorithm->functions->pack(of->helper, weight, packed + plan->packed_direct);
}

cc_status cc_fft_run(const cc_plan *of, const cc_arrays *arrays, int threads)
{
    const cc_fft_plan *plan = (const cc_fft_plan *)of;
    const cc_conv *p = &plan->problem;
    const int64_t tasks = plan->cut.pairs * p->n * p->groups;
    call c = {.plan = plan,
              .arrays = arrays,
              .weights = arrays->packed,
              .epilogue = cc_epilogue_of(p, of->kernels, arrays->bias, arrays->post, arrays->y),
              .at = lay_out(plan, arrays->packed)};
    cc_job job = {.workers = (int)min(threads, tasks), .shared = c.at.shared, .own = c.at.own};
    if (!cc_job_begin(&job))
        return CC_NO_MEMORY;
    c.lost = job.memory + c.at.lost;
    memset(c.lost, 0, (size_t)tasks);
    cc_status status = CC_OK;
    if (!arrays->packed) {
        c.made = job.memory + c.at.weights;
        status = make_weights(&c, &job);
    }
    if (status == CC_OK)
        status = cc_job_run(&job, work, &c);
    if (status == CC_OK)
        status = compute_lost(&c, threads);
    cc_job_end(&job);
    return status;
}
