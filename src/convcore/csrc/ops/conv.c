/* Convolution, forward: shares the plan's items and blocks out to threads; for each of them brings
 * the strip and the packed weights into scratch, calls the kernel, and stores the sums. */
#include "connected.h"
#include "conv_plan.h"
#include "parallel.h"
#include "problem.h"
#include "whole.h"

#include <string.h>

/* Where in its scratch a part keeps what it works with, in bytes. */
typedef struct {
    size_t strip, weights, sums, init, pieces, slot_owner, bytes;
} part_layout;

typedef struct {
    cc_conv_plan plan;
    const char *x, *weight, *bias;
    char *y;
    ptrdiff_t *offset, *weight_index; /* lists, shared and read only */
    ptrdiff_t *channel_at;            /* weights of the output channels of a block, if scattered */
    bool taps_backward; /* scattered weights whose taps are all in order, but backward */
    cc_run *runs;
    cc_taps taps;
    cc_connected connected; /* instead, where channels are connected by a table */
    part_layout layout;
    char *parts; /* scratch of part 0, 1, ... */
} job;

/* What a part has in its scratch at the moment. */
typedef struct {
    char *strip, *weights, *sums, *init;
    cc_piece *pieces;
    cc_cut cut;          /* of the tile that the strip was last filled for, */
    int64_t tile, item;  /* this tile of this item; -1: none */
    int64_t *slot_owner; /* of each slot of packed weights: group * blocks + block */
} part_state;

/* An item: outputs origin ... origin + count - 1 of one image and group. */
typedef struct {
    int64_t group, image, tile;
    int64_t origin[CC_AXES], count[CC_AXES];
} item;

static part_layout lay_out_part(const cc_conv_plan *plan)
{
    const size_t size = (size_t)plan->kernels->size;
    part_layout at;
    size_t end = 0;
    at.strip = claim(&end, plan->strip.elements, size);
    at.weights = claim(&end, plan->weight_slots * plan->weight_elements, size);
    at.sums = claim(&end, plan->sum_elements, size);
    at.init = claim(&end, plan->init_elements, size);
    at.pieces = claim(&end, plan->strip.pieces, sizeof(cc_piece));
    at.slot_owner = claim(&end, plan->weight_slots, sizeof(int64_t));
    at.bytes = end;
    return at;
}

static item find_item(const cc_conv_plan *plan, int64_t index)
{
    const cc_axis *axis = plan->problem.axis;
    const int64_t tiles = plan->row_tiles * plan->column_tiles * axis[CC_DEPTH].out;
    const int64_t groups = (axis[CC_ROW].out + plan->rows - 1) / plan->rows;
    item it = {.tile = index % tiles,
               .image = index / tiles % plan->problem.n,
               .group = index / tiles / plan->problem.n};
    const int64_t column = it.tile % plan->column_tiles;
    const int64_t row = it.tile / plan->column_tiles % plan->row_tiles;
    it.origin[CC_DEPTH] = it.tile / plan->column_tiles / plan->row_tiles;
    it.count[CC_DEPTH] = 1;
    it.origin[CC_ROW] = groups * row / plan->row_tiles * plan->rows;
    it.count[CC_ROW] = groups * (row + 1) / plan->row_tiles * plan->rows;
    if (it.count[CC_ROW] > axis[CC_ROW].out)
        it.count[CC_ROW] = axis[CC_ROW].out;
    it.count[CC_ROW] -= it.origin[CC_ROW];
    it.origin[CC_COLUMN] = axis[CC_COLUMN].out * column / plan->column_tiles;
    it.count[CC_COLUMN] =
        axis[CC_COLUMN].out * (column + 1) / plan->column_tiles - it.origin[CC_COLUMN];
    return it;
}

/* The cells of an item: in the input, or copied into the part's strip. */
static const char *find_cells(const job *j, part_state *part, const item *it, int64_t index)
{
    const cc_conv_plan *plan = &j->plan;
    const cc_strip *strip = &plan->strip;
    const cc_conv *p = &plan->problem;
    const ptrdiff_t image = p->groups * p->c * cc_input_cells(p);
    const ptrdiff_t at = it->image * image + it->group * p->c * strip->src_channel;
    if (strip->in_place)
        return j->x + (at + cc_strip_origin(strip, it->origin)) * plan->kernels->size;
    if (part->item != index) {
        const bool refill = part->tile == it->tile;
        if (!refill)
            part->cut = cc_strip_cut(strip, it->origin, it->count, part->pieces);
        cc_strip_fill(strip, plan->kernels, &part->cut, j->x + at * plan->kernels->size, refill,
                      part->strip);
        part->item = index;
        part->tile = it->tile;
    }
    return part->strip;
}

/* Output channels [from, to) of a block in nearly equal shares of at most `most`. */
typedef struct {
    int64_t from, to, shares, grain;
} shares;

static shares share_block(const cc_conv_plan *plan, int64_t block)
{
    const int64_t grain = cc_channel_grain(plan);
    const int64_t most = plan->mode == CC_ROWS ? 1
                         : cc_by_row(plan)     ? plan->kernels->maps
                                               : plan->kernels->pixel_vecs;
    shares s = {cc_block_start(plan, block), cc_block_start(plan, block + 1), 0, grain};
    const int64_t grains = (s.to - s.from + grain - 1) / grain;
    s.shares = (grains + most - 1) / most;
    return s;
}

static int64_t share_start(const shares *s, int64_t i)
{
    const int64_t grains = (s->to - s->from + s->grain - 1) / s->grain;
    const int64_t start = s->from + grains * i / s->shares * s->grain;
    return start < s->to ? start : s->to;
}

/* Reals from the weights of an output channel to the next one's. */
static ptrdiff_t channel_step(const cc_conv_plan *plan)
{
    const cc_weights *at = &plan->problem.weights;
    if (!at->taps)
        return plan->taps;
    return plan->mode == CC_LANES ? at->group : at->output; /* lanes are groups of one channel */
}

/* Transposes the weights of `count` output channels to [tap][channel]. */
static void transpose_weights(const job *j, const char *first, ptrdiff_t count, char *packed,
                              ptrdiff_t width)
{
    const cc_conv_plan *plan = &j->plan;
    const cc_weights *at = &plan->problem.weights;
    const cc_kernels *k = plan->kernels;
    const ptrdiff_t taps = plan->taps / plan->problem.c;
    if (!at->taps) {
        k->transpose(first, plan->taps, packed, width, count, plan->taps);
        return;
    }
    for (ptrdiff_t c = 0; c < plan->problem.c; c++, packed += taps * width * k->size) {
        const char *of_input = first + c * at->input * k->size;
        if (j->taps_backward) { /* the last row first */
            k->transpose(of_input + at->taps[taps - 1] * k->size, channel_step(plan),
                         packed + (taps - 1) * width * k->size, -width, count, taps);
            continue;
        }
        for (ptrdiff_t t = 0; t < taps; t++)
            k->gather(of_input + at->taps[t] * k->size, j->channel_at, packed + t * width * k->size,
                      count);
    }
}

/* Packs the weights of output channels [from, to) as the kernel reads them; returns the reals. */
static ptrdiff_t pack(const job *j, const char *weight, int64_t from, int64_t to, char *packed)
{
    const cc_conv_plan *plan = &j->plan;
    const cc_weights *at = &plan->problem.weights;
    const cc_kernels *k = plan->kernels;
    const ptrdiff_t count = to - from, taps = plan->taps;
    const char *first = weight + from * channel_step(plan) * k->size;
    if (j->connected.taps) {
        for (int64_t c = from; c < to; c++, packed += taps * plan->rows * k->size)
            cc_connected_pack(&j->connected, k, c, weight + c * channel_step(plan) * k->size,
                              packed);
        return count * taps * plan->rows;
    }
    if (plan->mode == CC_ROWS) {
        const ptrdiff_t block = plan->taps_size.channels * taps / plan->problem.c;
        const ptrdiff_t step = at->taps ? plan->taps_size.channels * at->input : block;
        ptrdiff_t done = 0;
        for (ptrdiff_t b = 0; b < plan->taps_size.blocks; b++) {
            const ptrdiff_t left = taps - b * block, n = (left < block ? left : block) * plan->rows;
            k->gather(first + b * step * k->size, j->weight_index, packed + done * k->size, n);
            done += n;
        }
        return done;
    }
    if (plan->mode == CC_MAPS) {
        transpose_weights(j, first, count, packed, count);
        return count * taps;
    }
    const ptrdiff_t width = (count + k->lanes - 1) / k->lanes * k->lanes;
    transpose_weights(j, first, count, packed, width);
    k->copy(NULL, 0, 0, packed + count * k->size, width, taps, width - count);
    return width * taps;
}

static const char *find_weights(const job *j, part_state *part, int64_t group, int64_t block,
                                int64_t slot)
{
    const cc_conv_plan *plan = &j->plan;
    const size_t size = (size_t)plan->kernels->size;
    char *packed = part->weights + (size_t)(slot * plan->weight_elements) * size;
    if (part->slot_owner[slot] != group * plan->blocks + block) {
        part->slot_owner[slot] = group * plan->blocks + block;
        const cc_weights *at = &plan->problem.weights;
        const int64_t of_group = at->taps ? at->group : plan->problem.k * plan->taps;
        const char *weight = j->weight + (size_t)(group * of_group) * size;
        const shares s = share_block(plan, block);
        char *to = packed;
        for (int64_t i = 0; i < s.shares; i++)
            to += (size_t)pack(j, weight, share_start(&s, i), share_start(&s, i + 1), to) * size;
    }
    return packed;
}

/* The biases of output channels [from, to): as they are, each `repeat` times, or zeros. */
static const char *find_init(const job *j, part_state *part, int64_t from, int64_t to, int repeat)
{
    const size_t size = (size_t)j->plan.kernels->size;
    if (!j->bias)
        return part->init; /* zeros, since the part began */
    for (int64_t c = from; c < to; c++)
        for (int i = 0; i < repeat; i++)
            memcpy(part->init + (size_t)((c - from) * repeat + i) * size,
                   j->bias + (size_t)c * size, size);
    return part->init;
}

/* Where output channel `channel` (of all groups) of an item's output (row, 0) stands, in reals. */
static ptrdiff_t find_output(const cc_conv_plan *plan, const item *it, int64_t channel, int64_t row)
{
    const cc_conv *p = &plan->problem;
    const cc_axis *axis = p->axis;
    const int64_t channels = p->groups * p->k;
    const int64_t line = it->origin[CC_DEPTH] * axis[CC_ROW].out + it->origin[CC_ROW] + row;
    const int64_t pixel = line * axis[CC_COLUMN].out + it->origin[CC_COLUMN];
    const int64_t pixels = cc_output_cells(&plan->problem);
    return p->channels_last ? (it->image * pixels + pixel) * channels + channel
                            : (it->image * channels + channel) * pixels + pixel;
}

/* CC_PIXELS, CC_LANES: sums of all pixels of the item for a few vectors of output channels. */
static void run_pixels(const job *j, part_state *part, const item *it, const char *cells,
                       const char *weights, const shares *s)
{
    const cc_conv_plan *plan = &j->plan;
    const cc_conv *p = &plan->problem;
    const cc_kernels *k = plan->kernels;
    const bool lanewise = plan->mode == CC_LANES;
    const ptrdiff_t row_step = cc_strip_step(&plan->strip.axis[CC_ROW]);
    const ptrdiff_t column_step = cc_strip_step(&plan->strip.axis[CC_COLUMN]);
    const int64_t rows = it->count[CC_ROW], columns = it->count[CC_COLUMN];
    const bool whole_rows = columns == p->axis[CC_COLUMN].out; /* then rows follow each other */
    const ptrdiff_t all = p->groups * p->k;
    for (int64_t i = 0; i < s->shares; i++) {
        const int64_t from = share_start(s, i), to = share_start(s, i + 1), count = to - from;
        const ptrdiff_t vecs = (count + k->lanes - 1) / k->lanes, width = vecs * k->lanes;
        const int64_t channel = it->group * p->k + from;
        const char *init = find_init(j, part, channel, channel + count, 1);
        /* whole vectors of interleaved channels are summed where they belong */
        const bool direct = p->channels_last && width == count;
        const int64_t lines = direct && !whole_rows ? rows : 1;
        const cc_grid grid = {rows / lines,         columns, row_step, column_step,
                              direct ? all : width, NULL};
        for (int64_t r = 0; r < lines; r++)
            k->pixels(&j->taps, &grid, cells + (r * row_step + (lanewise ? from : 0)) * k->size,
                      weights, (int)vecs, lanewise, init,
                      direct ? j->y + find_output(plan, it, channel, r) * k->size : part->sums);
        weights += width * plan->taps * k->size;
        if (direct)
            continue;
        const ptrdiff_t runs = whole_rows ? 1 : rows, pixels = rows / runs * columns;
        for (int64_t r = 0; r < runs; r++) {
            const char *sums = part->sums + r * pixels * width * k->size;
            char *y = j->y + find_output(plan, it, channel, r) * k->size;
            if (p->channels_last)
                k->copy(sums, width, 1, y, all, pixels, count);
            else
                k->transpose(sums, width, y, cc_output_cells(&plan->problem), pixels, count);
        }
    }
}

/* CC_MAPS: one output row of a few channels a call. CC_ROWS: a few output rows of one channel. */
static void run_rows(const job *j, part_state *part, const item *it, const char *cells,
                     const char *weights, const shares *s)
{
    const cc_conv_plan *plan = &j->plan;
    const cc_conv *p = &plan->problem;
    const cc_kernels *k = plan->kernels;
    const ptrdiff_t columns = it->count[CC_COLUMN], all = p->groups * p->k;
    const ptrdiff_t row_step = cc_strip_step(&plan->strip.axis[CC_ROW]) * k->size;
    const ptrdiff_t line = p->axis[CC_COLUMN].out, plane = cc_output_cells(&plan->problem);
    const bool slack = !plan->strip.in_place;
    const bool maps = plan->mode == CC_MAPS, planar = !p->channels_last || all == 1;
    for (int64_t i = 0; i < s->shares; i++) {
        const int64_t from = share_start(s, i), to = share_start(s, i + 1);
        const int64_t channel = it->group * p->k + from;
        const char *init = find_init(j, part, channel, channel + to - from, plan->rows);
        const int channels = maps ? (int)(to - from) : 0;
        const cc_taps *taps = j->connected.taps ? &j->connected.taps[from] : &j->taps;
        for (int64_t r = 0; r < it->count[CC_ROW]; r += plan->rows) {
            const int64_t left = it->count[CC_ROW] - r;
            const int stores = maps ? channels : (int)(left < plan->rows ? left : plan->rows);
            char *y = j->y + find_output(plan, it, channel, r) * k->size;
            if (planar) {
                k->rows(taps, channels, cells + r * row_step, columns, slack, weights, init, y,
                        maps ? plane : line, stores);
                continue;
            }
            k->rows(taps, channels, cells + r * row_step, columns, slack, weights, init, part->sums,
                    columns, stores);
            if (maps)
                k->transpose(part->sums, columns, y, all, stores, columns);
            else
                for (int a = 0; a < stores; a++)
                    k->transpose(part->sums + a * columns * k->size, columns,
                                 y + a * line * all * k->size, all, 1, columns);
        }
        weights += (to - from) * plan->taps * plan->rows * k->size;
    }
}

static part_state begin_part(const job *j, int index)
{
    const cc_conv_plan *plan = &j->plan;
    const size_t size = (size_t)plan->kernels->size;
    char *scratch = j->parts + (size_t)index * j->layout.bytes;
    part_state part = {.strip = scratch + j->layout.strip + (size_t)plan->strip.lead * size,
                       .weights = scratch + j->layout.weights,
                       .sums = scratch + j->layout.sums,
                       .init = scratch + j->layout.init,
                       .pieces = (cc_piece *)(scratch + j->layout.pieces),
                       .slot_owner = (int64_t *)(scratch + j->layout.slot_owner),
                       .tile = -1,
                       .item = -1};
    memset(part.init, 0, (size_t)plan->init_elements * size);
    for (int64_t i = 0; i < plan->weight_slots; i++) part.slot_owner[i] = -1;
    return part;
}

static void run_part(int index, void *context)
{
    const job *j = context;
    const cc_conv_plan *plan = &j->plan;
    part_state part = begin_part(j, index);
    const int items_of = index / plan->block_parts, blocks_of = index % plan->block_parts;
    const int64_t first_item = plan->items * items_of / plan->item_parts;
    const int64_t items = plan->items * (items_of + 1) / plan->item_parts - first_item;
    const int64_t first_block = plan->blocks * blocks_of / plan->block_parts;
    const int64_t blocks = plan->blocks * (blocks_of + 1) / plan->block_parts - first_block;
    /* Where the packed weights of all blocks fit, a strip serves them all before the next strip
     * is fetched; otherwise a block's weights serve all strips before the next block's. */
    const bool items_outside = plan->weight_slots >= blocks;
    for (int64_t step = 0; step < items * blocks; step++) {
        const int64_t index_in = items_outside ? step / blocks : step % items;
        const int64_t block_in = items_outside ? step % blocks : step / items;
        const item it = find_item(plan, first_item + index_in);
        const int64_t block = first_block + block_in;
        const char *cells = find_cells(j, &part, &it, first_item + index_in);
        const char *weights = find_weights(j, &part, it.group, block, items_outside ? block_in : 0);
        const shares s = share_block(plan, block);
        if (cc_by_row(plan))
            run_rows(j, &part, &it, cells, weights, &s);
        else
            run_pixels(j, &part, &it, cells, weights, &s);
    }
}

/* Turns lists of weights that are in order into lists of where they are. */
static void scatter_weights(job *j)
{
    const cc_conv_plan *plan = &j->plan;
    const cc_weights *at = &plan->problem.weights;
    if (!at->taps)
        return;
    const ptrdiff_t taps = plan->taps / plan->problem.c, count = plan->taps_size.weights;
    for (ptrdiff_t i = 0; plan->mode == CC_ROWS && i < count; i++)
        j->weight_index[i] =
            j->weight_index[i] / taps * at->input + at->taps[j->weight_index[i] % taps];
    for (ptrdiff_t k = 0; k < plan->weight_channels; k++) j->channel_at[k] = k * channel_step(plan);
    j->taps_backward = true;
    for (ptrdiff_t t = 1; t < taps; t++)
        j->taps_backward = j->taps_backward && at->taps[t] == at->taps[0] - t;
}

cc_status cc_conv_forward(const cc_conv *problem, cc_type type, const void *x, const void *weight,
                          const void *bias, void *y, int threads, cc_mode mode)
{
    if (!cc_conv_is_sound(problem, type) || mode < 0 || mode >= CC_MODES || threads < 1)
        return CC_BAD_PROBLEM;
    job j = {.x = x, .weight = weight, .bias = bias, .y = y};
    cc_conv_plan *plan = &j.plan;
    cc_conv_make_plan(plan, problem, type, threads, mode);
    const int parts = plan->item_parts * plan->block_parts;
    size_t lists = 0;
    const size_t offsets = claim(&lists, plan->taps_size.offsets, sizeof(ptrdiff_t));
    const size_t indices = claim(&lists, plan->taps_size.weights, sizeof(ptrdiff_t));
    const size_t runs = claim(&lists, plan->taps_size.runs, sizeof(cc_run));
    const size_t channels = claim(&lists, plan->weight_channels, sizeof(ptrdiff_t));
    const size_t connected = claim(&lists, 1, cc_connected_measure(&plan->problem, plan->rows));
    j.layout = lay_out_part(plan);
    char *scratch = cc_scratch_take(lists + (size_t)parts * j.layout.bytes);
    if (!scratch)
        return CC_NO_MEMORY;
    j.offset = (ptrdiff_t *)(scratch + offsets);
    j.weight_index = (ptrdiff_t *)(scratch + indices);
    j.runs = (cc_run *)(scratch + runs);
    j.channel_at = (ptrdiff_t *)(scratch + channels);
    j.parts = scratch + lists;
    if (plan->mode == CC_ROWS)
        j.taps = cc_taps_rows(&plan->problem, &plan->strip, plan->rows, j.offset, j.runs,
                              j.weight_index);
    else
        j.taps = cc_taps_list(&plan->problem, &plan->strip, j.offset, j.runs);
    scatter_weights(&j);
    if (problem->first_input)
        cc_connected_list(&j.connected, &plan->problem, &plan->strip, plan->rows,
                          scratch + connected);
    cc_parallel(parts, run_part, &j);
    cc_scratch_give(scratch);
    return CC_OK;
}
