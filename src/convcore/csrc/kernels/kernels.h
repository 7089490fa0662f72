/* The table of kernels that each (instruction set, real type) fills, and what they are handed. */
#ifndef CC_KERNELS_H
#define CC_KERNELS_H

#include "../convcore.h"

/* The next `taps` taps, and the output rows from <= a < to that take them where a kernel
 * distinguishes output rows. */
typedef struct {
    int from, to;
    ptrdiff_t taps;
} cc_run;

/* What one output sums over, in blocks of whole input channels. A block's products are one chain
 * of multiply-adds that starts at zero, and the blocks are added in turn: short chains keep the
 * rounding error low, and the order, being the same in every kernel, keeps results equal. */
typedef struct {
    const ptrdiff_t *offset; /* of each tap in a block, from the first cell that the output sees */
    const cc_run *full, *last; /* the runs of every block but the last, and of the last */
    ptrdiff_t full_runs, last_runs;
    ptrdiff_t blocks;
    ptrdiff_t step;        /* from a block's input cells to the next block's */
    ptrdiff_t offset_step; /* from a block's offsets to the next block's; 0: they are the same */
} cc_taps;

/* Where the pixels of a tile lie in the input and in the accumulators. */
typedef struct {
    ptrdiff_t rows, columns;
    ptrdiff_t row_step, column_step; /* in the input, from an output pixel to its neighbour */
    ptrdiff_t acc_step;
    const ptrdiff_t *places; /* unless NULL: where each pixel lies, instead of the steps */
} cc_grid;

/* Rows, in lines of `taps` reals: `channels` of them are multiplied with `images` others, line by
 * line. Where lines begin, from where their row does; where rows begin; and from a channel's result
 * or initial value to the next. */
typedef struct {
    ptrdiff_t channels, images, taps, lines;
    const ptrdiff_t *line, *patch_line; /* of a channel's row, of an image's */
    const ptrdiff_t *patch;             /* where each image's row begins */
    ptrdiff_t weight_row, init_step;
    ptrdiff_t y_channel, y_image;
    bool add;    /* to what y holds */
    bool stream; /* channels' rows come from memory, and so do those after them, used next */
} cc_dots;

/* How rows are folded: CC_MAX may lose a NaN, and then says that it saw one; CC_LARGER does not
 * look for any; CC_MAX_NAN keeps it. Integers have the first two alone. */
typedef enum {
    CC_MAX,
    CC_LARGER,
    CC_MAX_NAN,
    CC_MAX_ABS, /* keeps NaN */
    CC_SUM,
    CC_SUM_ABS,
    CC_SUM_SQUARES,
    CC_SUM_POWERS, /* of the absolute values */
    CC_MEAN
} cc_fold;

/* `count` rows, each at `taps` places, become one of `width` elements; so in each of `lines` lines
 * of each of `planes` planes. */
typedef struct {
    cc_fold how;
    double p;                /* CC_SUM_POWERS: the exponent, at least 1 */
    double divisor, inverse; /* CC_MEAN; the inverse only where it is exact, else 0 */
    const void *divisors;    /* CC_MEAN: one for each result of a line instead, unless NULL */
    const void *const *rows;
    ptrdiff_t count;
    ptrdiff_t start;                /* element of the rows that the first result begins with */
    ptrdiff_t taps, tap;            /* places, and elements from one to the next */
    ptrdiff_t step;                 /* elements from what a result begins with to the next one's */
    ptrdiff_t from, to;             /* elements of the rows that there are; others count nothing */
    ptrdiff_t width, lines, planes; /* of the result */
    ptrdiff_t src_line, dst_line;   /* from a line to the next */
    ptrdiff_t src_plane, dst_plane; /* from a plane to the next */
    void *dst;
} cc_folding;

/* The same for the place of a maximum; ranks may be NULL. */
typedef struct {
    const void *const *rows;
    const int32_t *const *ranks;
    ptrdiff_t count, step, width;
    ptrdiff_t from; /* rows that have been folded into best, rank and place before */
    void *best;
    int32_t *rank, *place;
} cc_firsts;

/* Where a window lies: `rows` pointers to the first cells of its rows. */
typedef struct {
    const void *const *rows;
    ptrdiff_t count, cells, step;
} cc_cells;

typedef struct {
    int size;           /* of a real, in bytes */
    int lanes;          /* reals in a vector */
    const void *lowest; /* the real that is larger than none */
    int pixel_vecs;     /* most vectors of output channels in a call of pixels() */
    int maps;           /* most output channels in a call of rows() */
    int rows_shared;    /* output rows in a call of rows() that has none */
#define CC_KERNEL(result, name, parameters) result(*name) parameters;
#include "list.h"
#undef CC_KERNEL
} cc_kernels;

/* The table of the chosen instruction set. Tables of integers have no kernels of real numbers. */
const cc_kernels *cc_kernels_of(cc_type type);

#endif
