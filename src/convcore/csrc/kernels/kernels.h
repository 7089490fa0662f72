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

/* A block of taps: where its channel begins, from the first element that the output sees; where
 * each tap stands from there; and the runs that they come in. */
typedef struct {
    ptrdiff_t start;
    const ptrdiff_t *offset;
    const cc_run *run;
    ptrdiff_t runs;
} cc_block;

/* What one output sums over, in blocks. A block's products are one chain of multiply-adds that
 * starts at zero, and the blocks are added in turn: short chains keep the rounding error low, and
 * the order, being the same in every kernel, keeps results equal. */
typedef struct {
    const cc_block *block;
    ptrdiff_t blocks;
} cc_taps;

enum { CC_VECS_BY_INPUT = 2 };

/* Where the pixels of a tile lie in the input and in the accumulators, and what each of them has: a
 * few vectors of output channels. `lanewise`: the input has as many channels, too. */
typedef struct {
    int vecs;
    bool lanewise;
    ptrdiff_t rows, columns;
    ptrdiff_t row_step, column_step; /* in the input, from an output pixel to its neighbour */
    ptrdiff_t acc_step;
    const ptrdiff_t *offsets; /* unless NULL: where each pixel lies, instead of the steps */
    /* unless NULL: rows, `row_of_input` apart, one for each `of_input` taps. All bits of the output
     * channels that these taps count for; all taps are one block. Lanewise: for each lane, the one
     * of the vector of input that it takes. Then at most CC_VECS_BY_INPUT vectors. */
    const void *of_inputs;
    ptrdiff_t row_of_input, of_input;
} cc_grid;

/* A row of output columns: of `channels` output channels or (0) of a few output rows, `dst_step`
 * apart, of which the first `stores` are stored. `readable_past_end`: memory goes on after the
 * rows of the input. */
typedef struct {
    int channels, stores;
    ptrdiff_t width, dst_step;
    bool readable_past_end;
} cc_columns;

/* A matrix that is moved: from a row and from a column to the next, where it comes from and where
 * it goes. What a kernel says nothing of is 1 for columns. */
typedef struct {
    ptrdiff_t rows, columns;
    ptrdiff_t src_row, src_column;
    ptrdiff_t dst_row, dst_column;
} cc_move;

/* Winograd's F(4, 3): that many outputs of a kernel of that many taps are made of that many
 * products along an axis. */
enum { CC_WINOGRAD_OUTPUTS = 4, CC_WINOGRAD_TAPS = 3, CC_WINOGRAD_POINTS = 6 };

/* A tile: how many points it has along both axes, CC_WINOGRAD_POINTS or, where the kernel has one
 * tap, 1; and the elements from a row and from a column to the next of what is not transformed, and
 * from a point to the next of what is. */
typedef struct {
    int rows, columns;
    ptrdiff_t channels, row, column, point;
} cc_winograd;

/* Rows of outputs, `row` elements apart, and what follows their sums. */
typedef struct {
    const cc_post_ops *ops;
    ptrdiff_t rows, columns, row;
} cc_post_rows;

/* Fourier transforms go through a cache line of columns at a time. */
enum { CC_FFT_LINE = 64 };

/* Transforms along an axis of `length` numbers, `step` elements apart, of whole cache lines of
 * neighbouring columns. `twiddles`: for each pass, cc_fft_twiddles() reals. */
typedef struct {
    ptrdiff_t length, step, columns;
    const void *twiddles;
} cc_fft;

/* Rows of what has been transformed back, `row` elements apart, and the factor of the inverse. */
typedef struct {
    ptrdiff_t rows, columns, row;
    double scale;
} cc_fft_outputs;

/* What a pass over blocks of `size` numbers divides them by. */
static inline ptrdiff_t cc_fft_radix(ptrdiff_t size)
{
    return size % 4 == 0 ? 4 : size % 3 == 0 ? 3 : 2;
}

/* Reals of the twiddle factors of such a pass. */
static inline ptrdiff_t cc_fft_twiddles(ptrdiff_t size)
{
    const ptrdiff_t radix = cc_fft_radix(size);
    return 2 * (radix - 1) * (size / radix);
}

/* Rows, in lines of `taps` reals: `channels` of them are multiplied with `images` others, line by
 * line. Where lines begin, from where their row does; where rows begin; and from a channel's result
 * or initial value to the next. */
typedef struct {
    ptrdiff_t channels, images, taps, lines;
    const ptrdiff_t *line, *patch_line; /* of a channel's row, of an image's */
    const ptrdiff_t *patch;             /* where each image's row begins */
    ptrdiff_t weight_row, bias_step;
    ptrdiff_t y_channel, y_image;
    bool add;    /* to what y holds */
    bool stream; /* channels' rows come from memory, and so do those after them, used next */
} cc_gemm;

/* How rows are reduced: CC_MAX may lose a NaN, and then says that it saw one; CC_LARGER does not
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
} cc_reduction;

/* `count` rows, each at `taps` offsets, become one of `width` elements; so in each of `lines` lines
 * of each of `planes` planes. */
typedef struct {
    cc_reduction how;
    double p;                /* CC_SUM_POWERS: the exponent, at least 1 */
    double divisor, inverse; /* CC_MEAN; the inverse only where it is exact, else 0 */
    const void *divisors;    /* CC_MEAN: one for each result of a line instead, unless NULL */
    const void *const *rows;
    ptrdiff_t count;
    ptrdiff_t start;                /* element of the rows that the first result begins with */
    ptrdiff_t taps, tap;            /* offsets, and elements from one to the next */
    ptrdiff_t step;                 /* elements from what a result begins with to the next one's */
    ptrdiff_t from, to;             /* elements of the rows that there are; others count nothing */
    ptrdiff_t width, lines, planes; /* of the result */
    ptrdiff_t src_line, dst_line;   /* from a line to the next */
    ptrdiff_t src_plane, dst_plane; /* from a plane to the next */
    void *dst;
    bool is_unsigned; /* set by the kernels of unsigned integers alone */
} cc_reduce_args;

/* The same for the offset of a maximum; ranks may be NULL. */
typedef struct {
    const void *const *rows;
    const int32_t *const *ranks;
    ptrdiff_t count, step, width;
    ptrdiff_t from; /* rows that have been reduced into best, rank and offset before */
    void *best;
    int32_t *rank, *offset;
} cc_argmax_args;

/* Where a window lies: `rows` pointers to the first cells of its rows. */
typedef struct {
    const void *const *rows;
    ptrdiff_t count, cells, step;
} cc_cells;

/* Outputs of which the gradients of the norm are taken: y of x, whose elements are x_step apart. */
typedef struct {
    const void *grad, *x, *y;
    ptrdiff_t count, x_step;
    double p;
} cc_lp_grad_args;

/* Where gradients go, `step` of each output: to the elements index[i], of which from <= index[i] <
 * to are wanted. */
typedef struct {
    const int64_t *index;
    ptrdiff_t count, step;
    int64_t from, to;
} cc_scatter_args;

/* How elements become keys, signed integers in their order, and back: of reals, those that are
 * negative have all bits but the sign flipped; of unsigned integers, all have the first flipped. */
typedef enum { CC_SIGNED, CC_UNSIGNED, CC_REAL_ORDER } cc_key_order;

/* Two wires of a sorting network: the smaller key goes to `low`. */
typedef struct {
    uint8_t low, high;
} cc_swap;

/* Networks have at most so many wires. */
enum { CC_RANK_WIRES = 128 };

/* A row of outputs whose tap t is rows[t]: by a network, or (no swaps) by counting. */
typedef struct {
    const void *const *rows;
    ptrdiff_t taps, count, rank;
    const cc_swap *swap;
    ptrdiff_t swaps, wire;
    cc_key_order order;
    void *y;
} cc_rank_args;

/* Boxes of at most so many bytes have sums of 16 bits; elements behind them that are read. */
enum { CC_BOX_CELLS = 255, CC_BOX_SLACK = 128 };
typedef struct {
    ptrdiff_t taps, step;
    int cells; /* 1 <= cells <= CC_BOX_CELLS */
} cc_box;

/* A row of medians of `size` x `size` cells, in `rows` from the first column on. Scratch: so many
 * rows of count + size - 1 keys and two vectors more. */
typedef struct {
    const void *const *rows;
    ptrdiff_t size, count;
    cc_key_order order;
    const void *next; /* elements that are read after this row: to be fetched; NULL: none */
    void *scratch, *y;
} cc_median_args;

/* How many elements of a column there are in each coarse bin, and in each of its fine ones. */
enum { CC_BINS = 16 };
typedef struct {
    uint16_t coarse[CC_BINS], fine[CC_BINS][CC_BINS];
} cc_column_counts;

/* A row of `count` boxes of `width` columns. */
typedef struct {
    const cc_column_counts *columns;
    ptrdiff_t width, count, rank;
    cc_key_order order;
    void *y;
} cc_slide_args;

/* Rows whose terms, of rows[t] and weight[t], are combined in their order (kernels/weigh.c). */
typedef struct {
    cc_weighing how;
    const double *const *rows;
    const double *weight;
    ptrdiff_t taps, count;
    double sign, divisor;
} cc_weigh_args;

typedef struct {
    int size;           /* of a real, in bytes */
    int lanes;          /* reals in a vector */
    const void *lowest; /* the real that is larger than none */
    int igemm_vecs;     /* most vectors of output channels in a call of direct_igemm() */
    int ow_channels;    /* most output channels in a call of direct_ow() */
    int ow_rows;        /* output rows in a call of direct_ow() that has no channels */
#define CC_KERNEL(result, name, parameters) result(*name) parameters;
#include "kernels.def"
#undef CC_KERNEL
} cc_kernels;

/* The table of the chosen instruction set. Tables of integers have no kernels of real numbers. */
const cc_kernels *cc_kernels_of(cc_type type);

#endif
