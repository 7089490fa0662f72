/* How a pooling will be done: which cells each output sees, tiles, who does what, in how much
 * memory.
 *
 * A line of outputs is computed in two steps. The vertical one reduces the input rows of its
 * windows into one row; the horizontal one reduces that row with itself. A pixel has `lanes`
 * interleaved channels: 1 in planes, all of them in an array with the channels last.
 */
#ifndef CC_POOL_PLAN_H
#define CC_POOL_PLAN_H

#include "../kernels/kernels.h"

/* Longer windows along a row are reduced in pieces of so many cells before they are reduced cell by
 * cell: a list of all their cells would be as long as the input. */
enum { CC_POOL_LONG = 4096, CC_POOL_PIECE = 1024 };

typedef struct {
    int64_t in, out;       /* as this pooling sees them, whether it is an adjoint or not */
    int64_t before, cells; /* of `in`, those before the input, and those of it */
    bool regular;          /* the windows are those of `of` */
    cc_axis of;
    int64_t most; /* cells of the largest window, or more */
} cc_pool_axis;

typedef struct {
    cc_pool problem; /* as given, its axes merged where a window covers them */
    const cc_kernels *kernels;
    cc_type type;
    cc_pool_axis axis[CC_AXES];
    int64_t planes, lanes;      /* arrays of in cells x lanes; lanes of a pixel */
    ptrdiff_t plane, out_plane; /* elements of each, in and out */

    /* How the horizontal step is done.
     * flat:     outputs are neighbours in memory, and so are the cells of a tap (or `stride`
     * apart); cellwise: one output pixel after the other, its lanes being the vector; gathered:
     * cellwise too, the lanes being as many planes, transposed for the purpose. */
    bool flat, gathered;
    /* Long windows of an axis by a doubling: windows of 2 w and 2 w + 1 cells from windows of w. */
    bool doubling, row_doubling;
    bool has_border; /* an axis has cells beside the input */
    bool whole;      /* windows are so small that both steps are one, in registers */
    /* Lines are so short that those of a block are reduced as one, by rows and by columns. */
    bool joined_rows, joined;
    bool pieces; /* windows are so long that they are reduced in pieces first */
    /* Few channels, interleaved: windows are reduced at all cells, and every stride-th is kept. */
    bool picked;

    /* Items: groups of planes x bands of lines x tiles of columns, the last running fastest. */
    int64_t group_planes, groups, bands, tiles, items, lines;
    int tasks;
    int64_t tile_outputs, block_lines;   /* at most */
    int64_t doubled_lines, doubled_rows; /* of a row doubling, and the padded rows it stands on */
    ptrdiff_t pitch;                     /* elements of a reduced row */
    ptrdiff_t pointers;                  /* rows in a reduction, at most */
} cc_pool_plan;

/* The outputs of an item, and the cells of its reduced rows. */
typedef struct {
    int64_t plane, planes;        /* first, and how many */
    int64_t line, end;            /* output lines (depth x row) */
    int64_t column, columns;      /* outputs */
    int64_t from, to;             /* cells */
    int64_t shown_from, shown_to; /* those of them that are the input's, the others show some */
    int64_t origin, cells; /* of the reduced row: its first cell (negative: padding), how many */
} cc_pool_tile;

/* What memory safety depends on. */
bool cc_pool_is_valid(const cc_pool *problem, cc_type type);

void cc_pool_make_plan(cc_pool_plan *plan, const cc_pool *problem, cc_type type, int threads);

cc_pool_tile cc_pool_find_tile(const cc_pool_plan *plan, int64_t item);

/* Whether cells beside the input are task of reduced rows. */
static inline bool cc_pool_padded(const cc_pool_plan *plan) { return plan->flat || plan->doubling; }

/* How many lines from `line` on have windows of the same size at equal distances, up to `most`;
 * `advance`: rows from a line's window to the next line's. */
int64_t cc_pool_alike(const cc_pool_plan *plan, int64_t line, int64_t most, int64_t *advance);

/* box.c: means of bytes as bytes; CC_BAD_PROBLEM unless cc_pool_is_box(). */
cc_status cc_pool_box(const cc_pool *problem, const void *x, void *y, int threads);

#endif
