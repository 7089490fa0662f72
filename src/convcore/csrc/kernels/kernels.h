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
    ptrdiff_t step; /* from a block's input cells to the next block's */
} cc_taps;

/* Where the pixels of a tile lie in the input and in the accumulators. */
typedef struct {
    ptrdiff_t rows, columns;
    ptrdiff_t row_step, column_step; /* in the input, from an output pixel to its neighbour */
    ptrdiff_t acc_step;
} cc_grid;

typedef struct {
    int size;        /* of a real, in bytes */
    int lanes;       /* reals in a vector */
    int pixel_vecs;  /* most vectors of output channels in a call of pixels() */
    int maps;        /* most output channels in a call of rows() */
    int rows_shared; /* output rows in a call of rows() that has none */
#define CC_KERNEL(result, name, parameters) result(*name) parameters;
#include "list.h"
#undef CC_KERNEL
} cc_kernels;

/* The table of the chosen instruction set. */
const cc_kernels *cc_kernels_of(cc_real type);

#endif
