#include "tap_offsets.h"

#include "../base/integers.h"

/* Most rows that cc_tap_offsets_by_row() is asked for. */
enum { MOST_ROWS = 8 };

static ptrdiff_t kernel_taps(const cc_conv *problem)
{
    ptrdiff_t taps = 1;
    for (int a = 0; a < CC_AXES; a++) taps *= problem->axis[a].kernel;
    return taps;
}

/* The parts that a kernel is cut into along each axis: its innermost axes as a whole if they fit.
 */
static void cut_kernel(const cc_conv *problem, int64_t *cuts)
{
    ptrdiff_t fit = CC_PIECE_TAPS; /* taps of the axis that fit in a piece */
    for (int a = CC_AXES - 1; a >= 0; a--) {
        const int64_t n = problem->axis[a].kernel;
        cuts[a] = fit ? ceil_div(n, fit) : n;
        fit = cuts[a] > 1 ? 0 : fit / n;
    }
}

cc_tap_sizes cc_tap_offsets_measure(const cc_conv *problem, int rows)
{
    const ptrdiff_t taps = kernel_taps(problem);
    cc_tap_sizes size = {.channels = max(1, min(CC_BLOCK_TAPS / taps, problem->c)), .pieces = 1};
    size.rounds = ceil_div(problem->c, size.channels);
    cut_kernel(problem, size.cuts);
    for (int a = 0; a < CC_AXES; a++) size.pieces *= size.cuts[a];
    size.blocks = size.rounds * size.pieces;
    size.weights = size.channels * taps * rows;
    size.offsets = size.weights; /* at worst no row shares a tap */
    /* a run is a row of a kernel, or of a piece of it; lists without rows have one for each piece
     * and one more */
    size.runs = size.weights / problem->axis[CC_COLUMN].kernel * size.cuts[CC_COLUMN] + 1;
    return size;
}

/* Taps from <= i < to of each axis of a kernel. */
typedef struct {
    ptrdiff_t from[CC_AXES], to[CC_AXES];
} box;

static box find_piece(const cc_conv *problem, const cc_tap_sizes *size, ptrdiff_t piece)
{
    box of;
    for (int a = CC_AXES - 1; a >= 0; a--) {
        const ptrdiff_t n = problem->axis[a].kernel, i = piece % size->cuts[a];
        of.from[a] = n * i / size->cuts[a];
        of.to[a] = n * (i + 1) / size->cuts[a];
        piece /= size->cuts[a];
    }
    return of;
}

/* Repeats the blocks of the first round, which are there, for the others. */
static cc_taps repeat(const cc_input_tile *tile, const cc_tap_sizes *size, cc_block *block)
{
    for (ptrdiff_t b = size->pieces; b < size->blocks; b++) {
        block[b] = block[b - size->pieces];
        block[b].start += size->channels * tile->channel;
    }
    return (cc_taps){block, size->blocks};
}

void cc_tap_offsets_of_channels(const cc_input_tile *tile, ptrdiff_t channels, ptrdiff_t *offset)
{
    const cc_input_axis *d = &tile->axis[CC_DEPTH], *h = &tile->axis[CC_ROW],
                        *w = &tile->axis[CC_COLUMN];
    for (ptrdiff_t c = 0; c < channels; c++)
        for (ptrdiff_t q = 0; q < d->of.kernel; q++)
            for (ptrdiff_t r = 0; r < h->of.kernel; r++)
                for (ptrdiff_t s = 0; s < w->of.kernel; s++)
                    *offset++ = c * tile->channel + cc_input_element(d, q * d->tap) +
                                cc_input_element(h, r * h->tap) + cc_input_element(w, s * w->tap);
}

cc_taps cc_tap_offsets_list(const cc_conv *problem, const cc_input_tile *tile,
                            const cc_tap_room *room)
{
    const cc_tap_sizes size = cc_tap_offsets_measure(problem, 1);
    cc_tap_offsets_of_channels(tile, size.channels, room->offset);
    ptrdiff_t done = 0;
    for (ptrdiff_t i = 0; i < size.pieces; i++) {
        const box of = find_piece(problem, &size, i);
        ptrdiff_t taps = size.channels;
        for (int a = 0; a < CC_AXES; a++) taps *= of.to[a] - of.from[a];
        room->run[i] = (cc_run){0, 0, taps};
        room->block[i] = (cc_block){0, room->offset + done, &room->run[i], 1};
        done += taps;
    }
    const cc_taps taps = repeat(tile, &size, room->block);
    /* the last block may have fewer channels; then it is a kernel that is not cut */
    const ptrdiff_t left = problem->c - (size.rounds - 1) * size.channels;
    room->run[size.pieces] = (cc_run){0, 0, room->run[0].taps / size.channels * left};
    if (left < size.channels)
        room->block[size.blocks - 1].run = &room->run[size.pieces];
    return taps;
}

/* The first padded row that any output row still takes, which then is taken; -1: none. */
static ptrdiff_t next_row(const cc_input_axis *h, int rows, ptrdiff_t end, ptrdiff_t *next)
{
    ptrdiff_t least = -1;
    for (int a = 0; a < rows; a++) {
        const ptrdiff_t y = a * h->of.stride + next[a] * h->of.dilation;
        if (next[a] < end && (least < 0 || y < least))
            least = y;
    }
    for (int a = 0; a < rows; a++) next[a] += a * h->of.stride + next[a] * h->of.dilation == least;
    return least;
}

/* What cc_tap_offsets_by_row() has listed so far. */
typedef struct {
    cc_run *run;
    ptrdiff_t *offset, *index;
} listed;

/* A kernel row of the run's output rows: its columns `first` ... `end` - 1. `at`: where in the
 * tile the row begins; `row`: of the rows of a round, which one each output row takes. */
static void list_row(const cc_input_tile *tile, const box *of, cc_run run, ptrdiff_t at,
                     const ptrdiff_t *row, listed *l)
{
    const cc_input_axis *w = &tile->axis[CC_COLUMN];
    const ptrdiff_t first = of->from[CC_COLUMN], end = of->to[CC_COLUMN];
    run.taps = end - first;
    *l->run++ = run;
    for (ptrdiff_t s = first; s < end; s++) {
        *l->offset++ = at + cc_input_element(w, s * w->tap);
        for (int a = run.from; a < run.to; a++) *l->index++ = row[a] * w->of.kernel + s;
    }
}

/* The rows of a piece in depth q of an input channel, counted together as cq. Padded row y, in
 * rising order, is kernel row (y - a * stride) / dilation of output row a: each output row takes
 * its kernel rows in their natural order. */
static void list_rows(const cc_input_tile *tile, const box *of, int rows, ptrdiff_t cq,
                      ptrdiff_t at, listed *l)
{
    const cc_input_axis *h = &tile->axis[CC_ROW];
    const ptrdiff_t first = of->from[CC_ROW], end = of->to[CC_ROW];
    ptrdiff_t next[MOST_ROWS], row[MOST_ROWS];
    for (int a = 0; a < rows; a++) next[a] = first;
    for (ptrdiff_t y; (y = next_row(h, rows, end, next)) >= 0;) {
        bool takes[MOST_ROWS];
        for (int a = 0; a < rows; a++) {
            const ptrdiff_t above = y - a * h->of.stride, r = above / h->of.dilation;
            takes[a] = above >= 0 && above % h->of.dilation == 0 && r >= first && r < end;
            row[a] = cq * h->of.kernel + r;
        }
        for (int from = 0, to; from < rows; from = to) {
            to = from + 1;
            if (!takes[from])
                continue;
            while (to < rows && takes[to]) to++;
            const ptrdiff_t r = row[from] - cq * h->of.kernel;
            list_row(tile, of, (cc_run){.from = from, .to = to},
                     at + cc_input_element(h, r * h->tap) + from * cc_input_step(h), row, l);
        }
    }
}

cc_taps cc_tap_offsets_by_row(const cc_conv *problem, const cc_input_tile *tile, int rows,
                              const cc_tap_room *room, ptrdiff_t *weight_index)
{
    const cc_tap_sizes size = cc_tap_offsets_measure(problem, rows);
    const cc_input_axis *d = &tile->axis[CC_DEPTH];
    listed l = {room->run, room->offset, weight_index};
    for (ptrdiff_t i = 0; i < size.pieces; i++) {
        const box of = find_piece(problem, &size, i);
        const listed start = l;
        for (ptrdiff_t c = 0; c < size.channels; c++)
            for (ptrdiff_t q = of.from[CC_DEPTH]; q < of.to[CC_DEPTH]; q++)
                list_rows(tile, &of, rows, c * d->of.kernel + q,
                          c * tile->channel + cc_input_element(d, q * d->tap), &l);
        room->block[i] = (cc_block){0, start.offset, start.run, l.run - start.run};
    }
    const cc_taps taps = repeat(tile, &size, room->block);
    const ptrdiff_t left = problem->c - (size.rounds - 1) * size.channels;
    cc_block *last = &room->block[size.blocks - 1];
    last->runs = last->runs / size.channels * left;
    return taps;
}
