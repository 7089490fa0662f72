#include "strip.h"

static ptrdiff_t round_up(ptrdiff_t n, ptrdiff_t to) { return (n + to - 1) / to * to; }

static bool is_padded(const cc_conv *problem)
{
    for (int a = 0; a < CC_AXES; a++) {
        const cc_axis *x = &problem->axis[a];
        const int64_t seen = (x->out - 1) * x->stride + (x->kernel - 1) * x->dilation + 1;
        if (x->before > 0 || seen - x->before > x->in)
            return true;
    }
    return false;
}

cc_strip cc_strip_start(const cc_conv *p, bool by_row, int64_t channels, int lanes)
{
    cc_strip s = {.border = p->border, .channels = channels, .lanes = lanes};
    ptrdiff_t pitch = p->channels_last ? p->groups * p->c : 1;
    for (int a = CC_AXES - 1; a >= 0; a--) {
        s.axis[a].of = p->axis[a];
        s.axis[a].src_pitch = pitch;
        pitch *= p->axis[a].in;
        s.axis[a].neighbours = by_row && a == CC_COLUMN;
    }
    s.src_channel = p->channels_last ? 1 : pitch;
    s.channels_last = p->channels_last && !by_row;
    s.in_place = !is_padded(p);
    return s;
}

/* Dense or sampled, phases, cells. */
static void lay_axis(cc_strip_axis *axis, bool in_place)
{
    const cc_axis *of = &axis->of;
    axis->split = axis->neighbours && !in_place ? of->stride : 1;
    const ptrdiff_t span = (axis->outputs - 1) * of->stride + (of->kernel - 1) * of->dilation + 1;
    const ptrdiff_t dense = round_up(span, axis->split), sampled = of->kernel * axis->outputs;
    axis->sampled = !in_place && sampled < dense;
    if (axis->sampled)
        axis->split = 1;
    axis->tap = axis->sampled ? axis->outputs : of->dilation;
    axis->cells = axis->sampled ? sampled : dense;
    axis->src_step = axis->src_pitch * (axis->sampled ? of->stride : axis->split);
}

void cc_strip_layout(cc_strip *strip)
{
    ptrdiff_t elements = strip->channels_last ? strip->channels : 1, pieces = 0;
    for (int a = CC_AXES - 1; a >= 0; a--) {
        cc_strip_axis *axis = &strip->axis[a];
        lay_axis(axis, strip->in_place);
        axis->pitch = strip->in_place ? axis->src_pitch : elements;
        elements *= axis->cells / axis->split;
        if (a == CC_COLUMN && !strip->channels_last) {
            /* Whole vectors, the first input cell on a boundary. Rows a multiple of 2 KiB apart
             * would compete for the same few lines of the first-level cache. */
            elements = round_up(elements, strip->lanes);
            if (elements % 256 == 0)
                elements += strip->lanes;
            const ptrdiff_t past =
                axis->of.before % strip->lanes; /* of a boundary; < 0: before it */
            strip->lead = past > 0 ? strip->lanes - past : -past;
        }
        pieces += axis->cells;
    }
    if (strip->in_place) {
        strip->channel = strip->src_channel;
        strip->elements = strip->pieces = strip->lead = 0;
        return;
    }
    /* Phases lie outside the cells of both axes, so that rows of one phase stay rows. */
    for (int a = CC_AXES - 1; a >= 0; a--) {
        strip->axis[a].phase = elements;
        elements *= strip->axis[a].split;
    }
    strip->channel = strip->channels_last ? 1 : elements;
    strip->elements = strip->lead + (strip->channels_last ? elements : elements * strip->channels);
    strip->pieces = pieces;
}

ptrdiff_t cc_strip_cell(const cc_strip_axis *axis, ptrdiff_t i)
{
    return i % axis->split * axis->phase + i / axis->split * axis->pitch;
}

ptrdiff_t cc_strip_step(const cc_strip_axis *axis)
{
    return (axis->sampled ? 1 : axis->of.stride / axis->split) * axis->pitch;
}

ptrdiff_t cc_strip_origin(const cc_strip *strip, const int64_t *origin)
{
    ptrdiff_t at = 0;
    for (int a = 0; a < CC_AXES; a++) {
        const cc_strip_axis *axis = &strip->axis[a];
        at += (origin[a] * axis->of.stride - axis->of.before) * axis->src_pitch;
    }
    return at;
}

/* The input cell that padded cell p (counted from the first input cell) shows; -1: a zero. */
static int64_t shown(int64_t p, int64_t n, cc_border border)
{
    if (p >= 0 && p < n)
        return p;
    int64_t period = n;
    switch (border) {
    case CC_EDGE:
        return p < 0 ? 0 : n - 1;
    case CC_REFLECT:
        period = n > 1 ? 2 * (n - 1) : 1;
        break;
    case CC_SYMMETRIC:
        period = 2 * n;
        break;
    case CC_WRAP:
        break;
    default:
        return -1;
    }
    p = (p % period + period) % period;
    if (p < n)
        return p;
    return border == CC_REFLECT ? period - p : period - 1 - p;
}

/* Appends cells that show input cells src, src + unit, ... (or zeros, src < 0), phase by phase. */
static cc_piece *append(const cc_strip_axis *axis, ptrdiff_t cell, int64_t src, int64_t unit,
                        ptrdiff_t count, cc_piece *piece)
{
    for (int64_t f = 0; f < axis->split; f++) {
        const ptrdiff_t first = (f - cell % axis->split + axis->split) % axis->split;
        if (first >= count)
            continue;
        piece->dst = cc_strip_cell(axis, cell + first);
        piece->src = src < 0 ? -1 : (src + first * unit) * axis->src_pitch;
        piece->count = (count - first + axis->split - 1) / axis->split;
        piece++;
    }
    return piece;
}

static cc_piece *cut_axis(const cc_strip_axis *axis, cc_border border, int64_t origin,
                          int64_t count, cc_piece *piece)
{
    const cc_axis *of = &axis->of;
    const int64_t unit = axis->sampled ? of->stride : 1;
    const ptrdiff_t segments = axis->sampled ? of->kernel : 1;
    const ptrdiff_t cells =
        axis->sampled ? count : (count - 1) * of->stride + (of->kernel - 1) * of->dilation + 1;
    for (ptrdiff_t s = 0; s < segments; s++) {
        const int64_t first = origin * of->stride + s * of->dilation - of->before;
        ptrdiff_t run;
        for (ptrdiff_t i = 0; i < cells; i += run) {
            const int64_t p = first + i * unit, src = shown(p, of->in, border);
            run = 1;
            if (p >= 0 && p < of->in)
                run = (of->in - p + unit - 1) / unit;
            else if (src < 0)
                run = p < 0 ? (-p + unit - 1) / unit : cells - i;
            if (run > cells - i)
                run = cells - i;
            piece = append(axis, s * axis->tap + i, src, unit, run, piece);
        }
    }
    return piece;
}

cc_cut cc_strip_cut(const cc_strip *strip, const int64_t *origin, const int64_t *count,
                    cc_piece *pieces)
{
    cc_cut cut;
    for (int a = 0; a < CC_AXES; a++) {
        cut.start[a] = pieces;
        pieces = cut_axis(&strip->axis[a], strip->border, origin[a], count[a], pieces);
        cut.end[a] = pieces;
    }
    return cut;
}

/* One rectangle of cells of a channel (channels innermost: of all channels); from NULL: zeros. */
static void move(const cc_strip *strip, const cc_kernels *kernels, const char *from, char *to,
                 ptrdiff_t rows, ptrdiff_t columns)
{
    const cc_strip_axis *row = &strip->axis[CC_ROW], *column = &strip->axis[CC_COLUMN];
    const ptrdiff_t src_row = row->src_step, src_column = column->src_step;
    if (!strip->channels_last) {
        kernels->copy(from, src_row, src_column, to, row->pitch, rows, columns);
    } else if (src_column == strip->channels) {
        kernels->copy(from, src_row, 1, to, row->pitch, rows, columns * strip->channels);
    } else {
        for (ptrdiff_t y = 0; y < rows; y++)
            kernels->copy(from ? from + y * src_row * kernels->size : NULL, src_column, 1,
                          to + y * row->pitch * kernels->size, column->pitch, columns,
                          strip->channels);
    }
}

void cc_strip_fill(const cc_strip *strip, const cc_kernels *kernels, const cc_cut *cut,
                   const void *x, bool refill, void *dst)
{
    const cc_strip_axis *depth = &strip->axis[CC_DEPTH];
    const ptrdiff_t channels = strip->channels_last ? 1 : strip->channels;
    for (ptrdiff_t c = 0; c < channels; c++)
        for (const cc_piece *d = cut->start[CC_DEPTH]; d < cut->end[CC_DEPTH]; d++)
            for (ptrdiff_t plane = 0; plane < d->count; plane++) {
                const ptrdiff_t src = c * strip->src_channel + d->src + plane * depth->src_step;
                const ptrdiff_t to = c * strip->channel + d->dst + plane * depth->pitch;
                for (const cc_piece *h = cut->start[CC_ROW]; h < cut->end[CC_ROW]; h++)
                    for (const cc_piece *w = cut->start[CC_COLUMN]; w < cut->end[CC_COLUMN]; w++) {
                        const bool zero = d->src < 0 || h->src < 0 || w->src < 0;
                        if (zero && refill)
                            continue;
                        move(strip, kernels,
                             zero ? NULL
                                  : (const char *)x + (src + h->src + w->src) * kernels->size,
                             (char *)dst + (to + h->dst + w->dst) * kernels->size, h->count,
                             w->count);
                    }
            }
}

void cc_strip_drain(const cc_strip *strip, const cc_kernels *kernels, const cc_cut *cut,
                    const void *cells, void *x)
{
    const cc_strip_axis *depth = &strip->axis[CC_DEPTH], *row = &strip->axis[CC_ROW];
    for (ptrdiff_t c = 0; c < strip->channels; c++)
        for (const cc_piece *d = cut->start[CC_DEPTH]; d < cut->end[CC_DEPTH]; d++)
            for (ptrdiff_t plane = 0; plane < d->count; plane++) {
                const ptrdiff_t to = c * strip->src_channel + d->src + plane * depth->src_step;
                const ptrdiff_t from = c * strip->channel + d->dst + plane * depth->pitch;
                for (const cc_piece *h = cut->start[CC_ROW]; h < cut->end[CC_ROW]; h++)
                    for (const cc_piece *w = cut->start[CC_COLUMN]; w < cut->end[CC_COLUMN]; w++)
                        if (d->src >= 0 && h->src >= 0 && w->src >= 0)
                            kernels->add(
                                (const char *)cells + (from + h->dst + w->dst) * kernels->size,
                                row->pitch, (char *)x + (to + h->src + w->src) * kernels->size,
                                row->src_step, strip->axis[CC_COLUMN].src_step, h->count, w->count);
            }
}
