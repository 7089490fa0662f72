/* The plan of a direct convolution: which tiles, which blocks, in how much memory. */
#include "direct.h"

#include "../base/arena.h"
#include "../base/parallel.h"
#include "../core/problem.h"

#include <stdlib.h>
#include <string.h>

/* Lists up to this size are kept with the plan. */
enum { KEPT_LIST_BYTES = 8 << 10 };

/* The input tile before its size is chosen: pitches of the input, phases, whether to copy at all.
 */
static void start_tile(cc_direct_plan *plan)
{
    const cc_conv *p = &plan->problem;
    const int64_t channels = plan->kind->by_group ? p->groups * p->c : p->c;
    plan->tile = cc_input_tile_start(p, plan->kind->by_row, channels, plan->base.kernels->lanes);
    if (plan->kind->by_period)
        plan->tile.axis[CC_COLUMN].neighbours = true;
    if (plan->kind->reads_in_place)
        plan->tile.in_place =
            plan->tile.in_place && !plan->regions && plan->kind->reads_in_place(plan);
}

/* Where an image has one output a channel, images are rows of outputs: they share loaded weights,
 * as the pixels of an image do. The result is rows of channels then. */
static void stack_images(cc_direct_plan *plan)
{
    cc_conv *p = &plan->problem;
    cc_input_axis *row = &plan->tile.axis[CC_ROW];
    if (plan->kind->by_row || plan->kind->by_group || plan->regions || !plan->tile.in_place ||
        cc_outputs_of_channel(p) != 1)
        return;
    cc_axis *axis = &p->axis[CC_ROW];
    axis->stride = plan->tile.src_image / row->src_pitch;
    axis->in += (p->n - 1) * axis->stride;
    axis->out = p->n;
    p->n = 1;
    p->channels_last = true;
    row->of = *axis;
}

static void lay_out(cc_direct_plan *plan, int64_t rows, int64_t columns)
{
    cc_input_tile *tile = &plan->tile;
    tile->axis[CC_DEPTH].outputs = 1;
    tile->axis[CC_ROW].outputs = ceil_div(rows, plan->rows) * plan->rows;
    tile->axis[CC_COLUMN].outputs = columns;
    cc_input_tile_layout(tile);
    if (!tile->in_place) /* the last vectors may reach beyond the last element */
        tile->elements +=
            max(plan->base.kernels->lanes * plan->base.kernels->igemm_vecs, plan->period);
}

/* The largest tiles that fit; the same where nothing is copied, for the cache's sake. */
static void choose_tiles(cc_direct_plan *plan)
{
    const cc_tuning *t = plan->tuning;
    const cc_kernels *kernels = plan->base.kernels;
    const int64_t out_rows = plan->problem.axis[CC_ROW].out;
    const int64_t out_columns = plan->problem.axis[CC_COLUMN].out;
    const bool by_row = plan->kind->by_row || plan->kind->by_period;
    const int64_t most = by_row ? t->tile_columns : t->tile_pixel_columns;
    int64_t columns = ceil_div(out_columns, ceil_div(out_columns, most));
    int64_t rows = by_row ? out_rows : min(out_rows, max(1, t->tile_pixels / columns));
    const bool in_place = plan->tile.in_place;
    plan->tile.in_place = false;
    for (;;) {
        lay_out(plan, rows, columns);
        if (plan->tile.elements * kernels->size <= t->tile_bytes)
            break;
        if (rows > plan->rows)
            rows = ceil_div(rows / 2, plan->rows) * plan->rows;
        else if (columns > 2 * kernels->lanes)
            columns = ceil_div(columns, 2);
        else
            break;
    }
    plan->tile.in_place = in_place;
    lay_out(plan, rows, columns);
    plan->row_tiles = ceil_div(out_rows, rows);
    plan->column_tiles = ceil_div(out_columns, columns);
}

static double estimate_microseconds(const cc_direct_plan *plan)
{
    const cc_conv *p = &plan->problem;
    const cc_rates *rates = &plan->tuning->direct;
    double outputs = (double)p->n * (double)p->groups * (double)p->k;
    double inputs = (double)p->n * (double)p->groups * (double)p->c;
    for (int a = 0; a < CC_AXES; a++) {
        outputs *= (double)p->axis[a].out;
        inputs *= (double)p->axis[a].in;
    }
    if (p->first_input)
        outputs *= (double)p->first_input[p->k] / ((double)p->k * (double)p->c);
    return outputs * (double)plan->taps / rates->macs_per_us +
           (outputs + inputs) / rates->memory_per_us;
}

/* Time of the busiest worker if tiles and blocks are cut so, in multiply-adds. */
static double busiest(const cc_direct_plan *plan, int64_t tiles, int tile_workers,
                      int block_workers)
{
    const cc_conv *p = &plan->problem;
    const double pixels = (double)(p->axis[CC_DEPTH].out * p->axis[CC_ROW].out) *
                          (double)(p->axis[CC_COLUMN].out * p->n * plan->groups);
    const double of_tiles = (double)ceil_div(tiles, tile_workers) / (double)tiles;
    const double of_blocks = (double)ceil_div(plan->blocks, block_workers) / (double)plan->blocks;
    const double weights = (double)plan->taps * (double)plan->channels;
    return of_tiles * of_blocks * pixels * weights +
           plan->tuning->pack_weight * of_blocks * weights +
           plan->tuning->pack_input * of_tiles * pixels * (double)p->c;
}

/* Tiles of an axis of which none is wider than the layout. */
static cc_tile_axis even_tiles(int64_t outputs, int64_t tiles, int64_t grain)
{
    return (cc_tile_axis){.outputs = outputs, .tiles = tiles, .grain = grain};
}

/* Cuts the work for at most `threads` workers as evenly as it goes. */
cc_direct_partition cc_direct_divide(const cc_direct_plan *plan, int threads)
{
    const cc_conv *p = &plan->problem;
    threads = cc_useful_threads(plan->microseconds, threads);
    const int64_t others = plan->groups * p->n * p->axis[CC_DEPTH].out * plan->column_tiles;
    const int64_t most_tiles = max(1, p->axis[CC_ROW].out / plan->rows);
    int64_t row_tiles = plan->row_tiles;
    if (threads > 1 && others * row_tiles < 16 * (int64_t)threads) {
        int64_t tiles = row_tiles;
        while (tiles < most_tiles && others * tiles % threads) tiles++;
        if (others * tiles % threads == 0)
            row_tiles = tiles;
    }
    cc_direct_partition part = {
        .grid = {.groups = plan->groups,
                 .images = p->n,
                 .together = 1,
                 .depths = p->axis[CC_DEPTH].out,
                 .row = even_tiles(p->axis[CC_ROW].out, row_tiles, plan->rows),
                 .column = even_tiles(p->axis[CC_COLUMN].out, plan->column_tiles, 1)},
        .tiles = others * row_tiles,
        .tile_workers = 1,
        .block_workers = 1};
    double best = threads > 1 ? busiest(plan, part.tiles, 1, 1) : 0;
    for (int by = 1; threads > 1 && by <= threads && by <= plan->blocks; by++) {
        const int tile_workers = (int)min(threads / by, part.tiles);
        const double time = busiest(plan, part.tiles, tile_workers, by);
        if (time < best) {
            best = time;
            part.tile_workers = tile_workers;
            part.block_workers = by;
        }
    }
    const int64_t of_worker = ceil_div(plan->blocks, part.block_workers);
    const int64_t fit = plan->tuning->weight_bytes / plan->base.kernels->size;
    part.slots = max(1, min(of_worker, fit / plan->block_elements));
    if (part.slots < of_worker)
        part.slots = 1;
    return part;
}

/* Offsets of the lists in their memory. */
typedef struct {
    size_t block, offset, index, run, channel, connectivity, of_inputs, bytes;
} list_layout;

static list_layout lay_out_lists(const cc_direct_plan *plan)
{
    const cc_tap_sizes *size = &plan->sizes;
    list_layout at;
    size_t end = 0;
    at.block = cc_arena_reserve(&end, size->blocks, sizeof(cc_block));
    at.offset = cc_arena_reserve(&end, size->offsets, sizeof(ptrdiff_t));
    at.index =
        cc_arena_reserve(&end, plan->kind->several_rows ? size->weights : 0, sizeof(ptrdiff_t));
    at.run = cc_arena_reserve(&end, size->runs, sizeof(cc_run));
    at.channel = cc_arena_reserve(&end, plan->problem.weights.taps ? plan->block_channels : 0,
                                  sizeof(ptrdiff_t));
    const bool lists = !plan->row_of_input;
    at.connectivity =
        cc_arena_reserve(&end, 1, lists ? cc_connectivity_measure(&plan->problem, plan->rows) : 0);
    at.of_inputs = cc_arena_reserve(&end, plan->problem.c * plan->row_of_input,
                                    (size_t)plan->base.kernels->size);
    at.bytes = end;
    return at;
}

ptrdiff_t cc_direct_channel_step(const cc_direct_plan *plan)
{
    const cc_weights *at = &plan->problem.weights;
    if (!at->taps)
        return plan->taps;
    return plan->kind->by_group ? at->group : at->output;
}

size_t cc_direct_lists_bytes(const cc_direct_plan *plan) { return lay_out_lists(plan).bytes; }

/* Makes lists of weights in order lists of where the weights are. */
static void scatter_weights(const cc_direct_plan *plan, cc_direct_lists *lists)
{
    const cc_weights *at = &plan->problem.weights;
    if (!at->taps)
        return;
    const ptrdiff_t taps = plan->taps / plan->problem.c, count = plan->sizes.weights;
    ptrdiff_t *index = lists->weight_index;
    for (ptrdiff_t i = 0; plan->kind->several_rows && i < count; i++)
        index[i] = index[i] / taps * at->input + at->taps[index[i] % taps];
    for (ptrdiff_t k = 0; k < plan->block_channels; k++)
        lists->channel_offset[k] = k * cc_direct_channel_step(plan);
    lists->taps_backward = true;
    for (ptrdiff_t t = 1; t < taps; t++)
        lists->taps_backward = lists->taps_backward && at->taps[t] == at->taps[0] - t;
}

/* The table as bits for lanes: rows of input channels. */
static void connect(const cc_direct_plan *plan, char *rows)
{
    const cc_conv *p = &plan->problem;
    const size_t size = (size_t)plan->base.kernels->size;
    memset(rows, 0, (size_t)(p->c * plan->row_of_input) * size);
    for (int64_t k = 0; k < p->k; k++)
        for (int64_t i = p->first_input[k]; i < p->first_input[k + 1]; i++)
            memset(rows + (size_t)(p->inputs[i] * plan->row_of_input + k) * size, 0xff, size);
}

/* For each input channel of a group, the lane that it has beside each output channel. */
static void take_lanes(const cc_direct_plan *plan, char *rows)
{
    const int64_t c = plan->problem.c, lanes = plan->row_of_input;
    for (int64_t i = 0; i < c * lanes; i++) {
        const int64_t lane = i % lanes / c * c + i / lanes;
        const int32_t narrow = (int32_t)lane;
        if (plan->base.kernels->size == sizeof narrow)
            memcpy(rows + (size_t)i * sizeof narrow, &narrow, sizeof narrow);
        else
            memcpy(rows + (size_t)i * sizeof lane, &lane, sizeof lane);
    }
}

void cc_direct_make_lists(const cc_direct_plan *plan, cc_direct_lists *lists, char *memory)
{
    const list_layout at = lay_out_lists(plan);
    cc_input_tile tile = plan->tile;
    if (plan->kind->by_group)
        tile.channel = 0; /* lanes take the channel that they need */
    const cc_tap_room room = {(cc_block *)(memory + at.block), (ptrdiff_t *)(memory + at.offset),
                              (cc_run *)(memory + at.run)};
    *lists = (cc_direct_lists){.weight_index = (ptrdiff_t *)(memory + at.index),
                               .channel_offset = (ptrdiff_t *)(memory + at.channel)};
    if (plan->kind->several_rows)
        lists->taps =
            cc_tap_offsets_by_row(&plan->problem, &tile, plan->rows, &room, lists->weight_index);
    else
        lists->taps = cc_tap_offsets_list(&plan->problem, &tile, &room);
    scatter_weights(plan, lists);
    if (plan->row_of_input) {
        lists->of_inputs = memory + at.of_inputs;
        (plan->kind->by_group ? take_lanes : connect)(plan, lists->of_inputs);
    } else if (plan->problem.first_input)
        cc_connectivity_list(&lists->connectivity, &plan->problem, &plan->tile, plan->rows,
                             memory + at.connectivity);
}

/* A number that two tables of connections hardly share. */
static int64_t hash_table(const cc_conv *p)
{
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a, a word at a time */
    for (int64_t k = 0; p->first_input && k <= p->k; k++)
        hash = (hash ^ (uint64_t)p->first_input[k]) * 0x100000001b3u;
    for (int64_t i = 0; p->first_input && i < p->first_input[p->k]; i++)
        hash = (hash ^ (uint64_t)p->inputs[i]) * 0x100000001b3u;
    return (int64_t)hash;
}

/* Packed weights depend on the numbers of channels and taps, on how they are cut in blocks, and on
 * the order in which output rows that are computed together take the rows of the kernel. */
static cc_pack_facts facts_of(const cc_direct_plan *plan)
{
    const cc_conv *p = &plan->problem;
    const cc_axis *row = &p->axis[CC_ROW];
    const bool rows = plan->rows > 1;
    return (cc_pack_facts){{p->groups, p->c, p->k, p->axis[CC_DEPTH].kernel, row->kernel,
                            p->axis[CC_COLUMN].kernel, plan->rows, rows ? row->stride : 1,
                            rows ? row->dilation : 1, plan->blocks, plan->block_elements,
                            hash_table(p)}};
}

static int64_t common_multiple(int64_t a, int64_t b)
{
    int64_t divisor = a;
    for (int64_t other = b; other;) {
        const int64_t remainder = divisor % other;
        divisor = other;
        other = remainder;
    }
    return a / divisor * b;
}

cc_plan *cc_direct_make_plan(const cc_candidate *candidate, const cc_direct_kind *kind)
{
    const cc_kernels *kernels = candidate->kernels;
    const cc_tuning *tuning = candidate->tuning;
    cc_direct_plan made = {.base = {.kernels = kernels},
                           .kind = kind,
                           .tuning = tuning,
                           .problem = candidate->layer.conv,
                           .taps = candidate->taps,
                           .rows = 1,
                           .regions = candidate->regions};
    cc_direct_plan *plan = &made;
    const cc_conv *p = &plan->problem;
    plan->channels = kind->by_group ? p->groups * p->k : p->k;
    plan->groups = kind->by_group ? 1 : p->groups;
    if (p->first_input && !kind->by_row)
        plan->row_of_input = round_up(p->k, kernels->lanes);
    if (kind->by_group && p->c > 1)
        plan->row_of_input = kernels->lanes;
    if (kind->several_rows)
        plan->rows = (int)min(kernels->ow_rows, p->axis[CC_ROW].out);
    int64_t block =
        kind->short_blocks ? kind->most(kernels) * kernels->lanes : tuning->block_channels;
    while (block > kernels->lanes &&
           block * plan->taps * plan->rows * kernels->size > tuning->weight_bytes)
        block /= 2;
    if (kind->by_period) {
        plan->period = common_multiple(p->groups, kernels->lanes);
        block = plan->channels;
    }
    plan->blocks = ceil_div(plan->channels, block);
    plan->sizes = cc_tap_offsets_measure(p, plan->rows);
    plan->microseconds = estimate_microseconds(plan);
    start_tile(plan);
    stack_images(plan);
    choose_tiles(plan);

    /* A block is at most one vector over its even share, and is packed in whole vectors. */
    const ptrdiff_t width = block + kernels->lanes;
    plan->block_elements =
        (ptrdiff_t)min(width, ceil_div(plan->channels, kernels->lanes) * kernels->lanes) *
        plan->taps * plan->rows;
    plan->bias_elements = plan->block_channels = width;
    const cc_input_axis *row = &plan->tile.axis[CC_ROW], *column = &plan->tile.axis[CC_COLUMN];
    plan->acc_elements =
        kind->by_row ? column->outputs * max(kernels->ow_channels, kernels->ow_rows)
                     : row->outputs * column->outputs * kernels->igemm_vecs * kernels->lanes;
    if (kind->by_period) {
        plan->block_elements = plan->period * plan->taps;
        plan->bias_elements = plan->period;
        plan->acc_elements = ceil_div(column->outputs * p->groups, plan->period) * plan->period;
    }
    plan->base.pack_bytes =
        (size_t)(plan->groups * plan->blocks * plan->block_elements) * (size_t)kernels->size;
    plan->base.facts = facts_of(plan);

    const size_t list_bytes = cc_direct_lists_bytes(plan);
    const size_t lists_at = round_up(sizeof made, sizeof(ptrdiff_t));
    made.has_lists = list_bytes <= KEPT_LIST_BYTES;
    cc_direct_plan *kept = malloc(lists_at + (made.has_lists ? list_bytes : 0));
    if (!kept)
        return NULL;
    *kept = made;
    if (kept->has_lists)
        cc_direct_make_lists(kept, &kept->lists, (char *)kept + lists_at);
    return &kept->base;
}
