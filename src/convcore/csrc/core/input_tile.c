#include "input_tile.h"

#include "border.h"
#include "problem.h"

#include <string.h>

static ptrdiff_t to_multiple(ptrdiff_t n, ptrdiff_t of) { return ceil_div(n, of) * of; }

static bool is_padded(const cc_conv *problem)
{
    for (int a = 0; a < CC_AXES; a++) {
        const cc_axis *x = &problem->axis[a];
        const int64_t reached = (x->out - 1) * x->stride + (x->kernel - 1) * x->dilation + 1;
        if (x->before > 0 || reached - x->before > x->in)
            return true;
    }
    return false;
}

cc_input_tile cc_input_tile_start(const cc_conv *p, bool by_row, int64_t channels, int lanes)
{
    cc_input_tile s = {.channels = channels, .lanes = lanes};
    memcpy(s.border, p->border, sizeof s.border);
    ptrdiff_t pitch = p->channels_last ? p->groups * p->c : 1;
    for (int a = CC_AXES - 1; a >= 0; a--) {
        s.axis[a].of = p->axis[a];
        s.axis[a].src_pitch = pitch;
        pitch *= p->axis[a].in;
        s.axis[a].neighbours = by_row && a == CC_COLUMN;
    }
    s.src_channel = p->channels_last ? 1 : pitch;
    s.src_image = p->groups * p->c * cc_inputs_of_channel(p);
    s.channels_last = p->channels_last && !by_row;
    s.in_place = !is_padded(p);
    return s;
}

/* Dense or sampled, phases, extent. */
static void lay_axis(cc_input_axis *axis, bool in_place)
{
    const cc_axis *of = &axis->of;
    axis->split = axis->neighbours && !in_place ? of->stride : 1;
    const ptrdiff_t span = (axis->outputs - 1) * of->stride + (of->kernel - 1) * of->dilation + 1;
    const ptrdiff_t dense = to_multiple(span, axis->split), sampled = of->kernel * axis->outputs;
    axis->sampled = !in_place && sampled < dense;
    if (axis->sampled)
        axis->split = 1;
    axis->tap = axis->sampled ? axis->outputs : of->dilation;
    axis->extent = axis->sampled ? sampled : dense;
    axis->src_step = axis->src_pitch * (axis->sampled ? of->stride : axis->split);
}

void cc_input_tile_layout(cc_input_tile *tile)
{
    ptrdiff_t elements = tile->channels_last ? tile->channels : 1, pieces = 0;
    for (int a = CC_AXES - 1; a >= 0; a--) {
        cc_input_axis *axis = &tile->axis[a];
        lay_axis(axis, tile->in_place);
        axis->pitch = tile->in_place ? axis->src_pitch : elements;
        elements *= axis->extent / axis->split;
        if (a == CC_COLUMN && !tile->channels_last) {
            /* Whole vectors, the first element of the input on a boundary. Rows a multiple of 2 KiB
             * apart would compete for the same few lines of L1. */
            elements = to_multiple(elements, tile->lanes);
            if (elements % 256 == 0)
                elements += tile->lanes;
            const ptrdiff_t past =
                axis->of.before % tile->lanes; /* of a boundary; < 0: before it */
            tile->front_pad = past > 0 ? tile->lanes - past : -past;
        }
        pieces += axis->extent;
    }
    if (tile->in_place) {
        tile->channel = tile->src_channel;
        tile->elements = tile->pieces = tile->front_pad = 0;
        return;
    }
    /* Phases lie outside the elements of both axes, so that rows of one phase stay rows. */
    for (int a = CC_AXES - 1; a >= 0; a--) {
        tile->axis[a].phase = elements;
        elements *= tile->axis[a].split;
    }
    tile->channel = tile->channels_last ? 1 : elements;
    tile->elements = tile->front_pad + (tile->channels_last ? elements : elements * tile->channels);
    tile->pieces = pieces;
}

ptrdiff_t cc_input_element(const cc_input_axis *axis, ptrdiff_t i)
{
    return i % axis->split * axis->phase + i / axis->split * axis->pitch;
}

ptrdiff_t cc_input_step(const cc_input_axis *axis)
{
    return (axis->sampled ? 1 : axis->of.stride / axis->split) * axis->pitch;
}

ptrdiff_t cc_input_tile_origin(const cc_input_tile *tile, const int64_t *origin)
{
    ptrdiff_t at = 0;
    for (int a = 0; a < CC_AXES; a++) {
        const cc_input_axis *axis = &tile->axis[a];
        at += (origin[a] * axis->of.stride - axis->of.before) * axis->src_pitch;
    }
    return at;
}

/* Appends elements that show src, src + step, ... of the input (or a constant, src < 0), phase by
 * phase. */
static cc_piece *append(const cc_input_axis *axis, ptrdiff_t element, int64_t src, int64_t step,
                        ptrdiff_t count, cc_piece *piece)
{
    for (int64_t f = 0; f < axis->split; f++) {
        const ptrdiff_t first = (f - element % axis->split + axis->split) % axis->split;
        if (first >= count)
            continue;
        piece->dst = cc_input_element(axis, element + first);
        piece->src = src < 0 ? src : (src + first * step) * axis->src_pitch;
        piece->count = (count - first + axis->split - 1) / axis->split;
        piece++;
    }
    return piece;
}

static cc_piece *cut_axis(const cc_input_tile *tile, int a, int64_t origin, int64_t count,
                          cc_piece *piece)
{
    const cc_input_axis *axis = &tile->axis[a];
    const cc_axis *of = &axis->of;
    const int64_t step = axis->sampled ? of->stride : 1;
    const ptrdiff_t segments = axis->sampled ? of->kernel : 1;
    const ptrdiff_t extent =
        axis->sampled ? count : (count - 1) * of->stride + (of->kernel - 1) * of->dilation + 1;
    for (ptrdiff_t s = 0; s < segments; s++) {
        const int64_t first = origin * of->stride + s * of->dilation - of->before;
        ptrdiff_t run;
        for (ptrdiff_t i = 0; i < extent; i += run) {
            const int64_t p = first + i * step;
            int64_t src = cc_border_source(tile->border[a], p, of->in);
            if (src < 0)
                src = -1 - 2 * a - (p >= 0);
            run = 1;
            if (p >= 0 && p < of->in)
                run = (of->in - p + step - 1) / step;
            else if (src < 0)
                run = p < 0 ? (-p + step - 1) / step : extent - i;
            if (run > extent - i)
                run = extent - i;
            piece = append(axis, s * axis->tap + i, src, step, run, piece);
        }
    }
    return piece;
}

cc_cut cc_input_tile_cut(const cc_input_tile *tile, const int64_t *origin, const int64_t *count,
                         cc_piece *pieces)
{
    cc_cut cut;
    for (int a = 0; a < CC_AXES; a++) {
        cut.start[a] = pieces;
        pieces = cut_axis(tile, a, origin[a], count[a], pieces);
        cut.end[a] = pieces;
    }
    return cut;
}

/* The constant of a rectangle whose pieces have these sources; NULL: it is part of the input. The
 * last axis that is on a side with a constant decides, as if the axes were padded one by one. */
static const cc_side *constant_of(const cc_input_tile *tile, ptrdiff_t depth, ptrdiff_t row,
                                  ptrdiff_t column)
{
    const ptrdiff_t src = column < 0 ? column : row < 0 ? row : depth;
    return src < 0 ? &tile->border[0][0] + (-1 - src) : NULL;
}

/* One rectangle of a channel (channels innermost: of all channels), filled with a constant. */
static void fill(const cc_input_tile *tile, const cc_kernels *kernels, double value, char *to,
                 ptrdiff_t rows, ptrdiff_t columns)
{
    double element = value;
    if (kernels->size == sizeof(float))
        memcpy(&element, &(float){(float)value}, sizeof(float));
    const void *from = value == 0 ? NULL : &element; /* over and over: its steps are 0 */
    const cc_input_axis *row = &tile->axis[CC_ROW], *column = &tile->axis[CC_COLUMN];
    if (!tile->channels_last) {
        kernels->copy(&(cc_move){.rows = rows, .columns = columns, .dst_row = row->pitch}, from,
                      to);
        return;
    }
    const cc_move move = {.rows = columns, .columns = tile->channels, .dst_row = column->pitch};
    for (ptrdiff_t y = 0; y < rows; y++)
        kernels->copy(&move, from, to + y * row->pitch * kernels->size);
}

/* One rectangle of a channel (channels innermost: of all channels). */
static void move(const cc_input_tile *tile, const cc_kernels *kernels, const char *from, char *to,
                 ptrdiff_t rows, ptrdiff_t columns)
{
    const cc_input_axis *row = &tile->axis[CC_ROW], *column = &tile->axis[CC_COLUMN];
    cc_move move = {.rows = rows,
                    .columns = columns,
                    .src_row = row->src_step,
                    .src_column = column->src_step,
                    .dst_row = row->pitch};
    if (tile->channels_last && tile->src_channel != 1) { /* of planes, without steps */
        for (ptrdiff_t y = 0; y < rows; y++)
            kernels->transpose(from + y * row->src_step * kernels->size, tile->src_channel,
                               to + y * row->pitch * kernels->size, column->pitch, tile->channels,
                               columns);
        return;
    }
    if (tile->channels_last && column->src_step != tile->channels) {
        move.rows = columns; /* of each line, a column a row */
        move.columns = tile->channels;
        move.src_row = column->src_step;
        move.src_column = 1;
        move.dst_row = column->pitch;
        for (ptrdiff_t y = 0; y < rows; y++)
            kernels->copy(&move, from + y * row->src_step * kernels->size,
                          to + y * row->pitch * kernels->size);
        return;
    }
    if (tile->channels_last) {
        move.columns *= tile->channels;
        move.src_column = 1;
    }
    kernels->copy(&move, from, to);
}

void cc_input_tile_pack(const cc_input_tile *tile, const cc_kernels *kernels, const cc_cut *cut,
                        const void *x, bool refill, void *dst)
{
    const cc_input_axis *depth = &tile->axis[CC_DEPTH];
    const ptrdiff_t channels = tile->channels_last ? 1 : tile->channels;
    for (ptrdiff_t c = 0; c < channels; c++)
        for (const cc_piece *d = cut->start[CC_DEPTH]; d < cut->end[CC_DEPTH]; d++)
            for (ptrdiff_t plane = 0; plane < d->count; plane++) {
                const ptrdiff_t src = c * tile->src_channel + d->src + plane * depth->src_step;
                const ptrdiff_t to = c * tile->channel + d->dst + plane * depth->pitch;
                for (const cc_piece *h = cut->start[CC_ROW]; h < cut->end[CC_ROW]; h++)
                    for (const cc_piece *w = cut->start[CC_COLUMN]; w < cut->end[CC_COLUMN]; w++) {
                        const cc_side *constant = constant_of(tile, d->src, h->src, w->src);
                        char *at = (char *)dst + (to + h->dst + w->dst) * kernels->size;
                        if (!constant)
                            move(tile, kernels,
                                 (const char *)x + (src + h->src + w->src) * kernels->size, at,
                                 h->count, w->count);
                        else if (!refill)
                            fill(tile, kernels, constant->value, at, h->count, w->count);
                    }
            }
}

void cc_input_tile_scatter_add(const cc_input_tile *tile, const cc_kernels *kernels,
                               const cc_cut *cut, const void *src, void *x)
{
    const cc_input_axis *depth = &tile->axis[CC_DEPTH], *row = &tile->axis[CC_ROW];
    cc_move move = {.src_row = row->pitch,
                    .dst_row = row->src_step,
                    .dst_column = tile->axis[CC_COLUMN].src_step};
    for (ptrdiff_t c = 0; c < tile->channels; c++)
        for (const cc_piece *d = cut->start[CC_DEPTH]; d < cut->end[CC_DEPTH]; d++)
            for (ptrdiff_t plane = 0; plane < d->count; plane++) {
                const ptrdiff_t to = c * tile->src_channel + d->src + plane * depth->src_step;
                const ptrdiff_t from = c * tile->channel + d->dst + plane * depth->pitch;
                for (const cc_piece *h = cut->start[CC_ROW]; h < cut->end[CC_ROW]; h++)
                    for (const cc_piece *w = cut->start[CC_COLUMN]; w < cut->end[CC_COLUMN]; w++)
                        if (d->src >= 0 && h->src >= 0 && w->src >= 0) {
                            move.rows = h->count;
                            move.columns = w->count;
                            kernels->add(
                                &move, (const char *)src + (from + h->dst + w->dst) * kernels->size,
                                (char *)x + (to + h->src + w->src) * kernels->size);
                        }
            }
}

cc_input_view cc_input_tile_view(const cc_input_tile *layout, const cc_kernels *kernels,
                                 const cc_tile *tile, const char *x, cc_input_room *room)
{
    const ptrdiff_t size = kernels->size;
    x += tile->image * layout->src_image * size;
    if (layout->in_place)
        return (cc_input_view){x + cc_input_tile_origin(layout, tile->origin) * size,
                               layout->src_image};
    const bool refill = room->window == tile->window && tile->images == 1;
    if (!refill)
        room->cut = cc_input_tile_cut(layout, tile->origin, tile->count, room->pieces);
    room->window = tile->window;
    char *first = room->memory + layout->front_pad * size;
    for (int64_t n = 0; n < tile->images; n++)
        cc_input_tile_pack(layout, kernels, &room->cut, x + n * layout->src_image * size, refill,
                           first + n * layout->elements * size);
    return (cc_input_view){first, layout->elements};
}
