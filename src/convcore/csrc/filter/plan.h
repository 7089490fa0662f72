/* How a filter is computed: which rows of the input a row of outputs needs, and in what tiles.
 *
 * Rows are prepared: a tile's part of each, with what borders show beside it, as keys or doubles.
 * So kernels see a plain row for each tap. A row is prepared once for each plane of the taps, and
 * kept in a ring for the outputs below. */
#ifndef CC_FILTER_PLAN_H
#define CC_FILTER_PLAN_H

#include "elements.h"

/* By terms and weights; of ranks by a median's own kernel, by a network, by counting, or by
 * histograms. */
typedef enum {
    CC_BY_TERMS,
    CC_BY_MEDIANS,
    CC_BY_NETWORK,
    CC_BY_COUNTING,
    CC_BY_HISTOGRAMS
} cc_filter_way;

typedef struct {
    int64_t depth, row; /* from the output's */
    ptrdiff_t slots;    /* the ring of its plane begins with this slot */
} cc_filter_row;

typedef struct {
    const cc_filter *problem;
    cc_type type, to;
    const char *x;
    char *y;
    const cc_kernels *kernels;
    cc_filter_way way;
    ptrdiff_t bytes;                       /* of a prepared element */
    int64_t first[CC_AXES], last[CC_AXES]; /* of the taps, along each axis */
    int64_t columns, tiles;                /* of a tile, at most; and how many make a row */
    int64_t items;                         /* rows of outputs of a tile */
    ptrdiff_t pitch;                       /* elements of a prepared row, and room past its end */
    ptrdiff_t ring;                        /* rows that are kept of a plane */
    ptrdiff_t kept, scratch;               /* rows that are kept, and those of a kernel's scratch */
    double microseconds;
    /* lists, in memory of the call's */
    cc_filter_row *row;            /* those that taps need */
    ptrdiff_t *row_of, *offset_of; /* of each tap: its row, and elements from the output's */
    cc_swap *swap;                 /* of the network */
    ptrdiff_t rows, swaps, wire;
} cc_filter_plan;

/* Ranks of bytes in boxes of more cells are taken by histograms. */
enum { CC_COUNTED_BYTES = 225 };

/* All but the lists, for a problem that is valid. */
void cc_filter_make_plan(cc_filter_plan *plan);
void cc_filter_make_lists(cc_filter_plan *plan);

/* Whether taps are all cells of a box, in their order, each of one element. */
bool cc_filter_is_box(const cc_filter *problem);

/* The tile's part of a row, of plane `depth` and row `row` of array n, which may lie beside it. */
typedef struct {
    int64_t n, depth, row, from, to; /* columns, with those that taps reach */
} cc_filter_piece;

void cc_filter_prepare(const cc_filter_plan *plan, const cc_filter_piece *piece, void *dst);

/* A sorting network that leaves the rank-th smallest of `wires` keys in *wire, at most
 * CC_RANK_SWAPS swaps; how many. */
enum { CC_RANK_SWAPS = 1536 };
ptrdiff_t cc_rank_network(ptrdiff_t wires, ptrdiff_t rank, cc_swap *swap, ptrdiff_t *wire);

#endif
