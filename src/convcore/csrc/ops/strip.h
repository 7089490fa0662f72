/* The view of the input that kernels read: either the input itself, or a strip of it, copied into
 * scratch with its padding, one strip of output positions at a time.
 *
 * A strip is what makes one kernel serve every padding, border, stride and layout: cells are
 * addressed by pitches, taps by a list of offsets. Along each axis a strip is either dense, the
 * range of padded cells that its outputs span, or sampled: for each tap the cells that the outputs
 * meet, which is less where strides or dilations leave cells out. In a dense strip the cells may be
 * dealt out by phase, cell i to phase i % stride, so that neighbouring outputs read neighbouring
 * cells; in a sampled one they do so by themselves.
 */
#ifndef CC_STRIP_H
#define CC_STRIP_H

#include "../kernels/kernels.h"

typedef struct {
    cc_axis of;
    int64_t outputs;     /* most outputs along the axis that a strip serves */
    ptrdiff_t src_pitch; /* elements between input cells */
    bool neighbours;     /* neighbouring outputs must read neighbouring elements */
    /* the rest is cc_strip_layout()'s */
    bool sampled;
    int64_t split;      /* phases: the stride, or 1 */
    ptrdiff_t tap;      /* cells from one tap to the next */
    ptrdiff_t cells;    /* a multiple of split */
    ptrdiff_t pitch;    /* elements from a cell to the next of its phase */
    ptrdiff_t phase;    /* elements from a phase to the next */
    ptrdiff_t src_step; /* elements between the input cells of neighbouring cells of a phase */
} cc_strip_axis;

typedef struct {
    cc_strip_axis axis[CC_AXES];
    cc_border border;
    int64_t channels;
    ptrdiff_t channel, src_channel; /* elements between channels in the strip, in the input */
    bool in_place;                  /* the strip is the input itself */
    bool channels_last;             /* the strip has its channels innermost */
    int lanes;                      /* rows are multiples of it, so that vectors stay aligned */
    ptrdiff_t lead;                 /* elements before the first cell */
    ptrdiff_t elements;             /* memory a strip needs, with its lead */
    ptrdiff_t pieces;               /* pieces its axes need at most */
} cc_strip;

/* A run of neighbouring cells: `count` of them, at these offsets; src < 0: padding of zeros. */
typedef struct {
    ptrdiff_t dst, src, count;
} cc_piece;

/* The cells that a tile of outputs sees, along each axis. */
typedef struct {
    cc_piece *start[CC_AXES], *end[CC_AXES];
} cc_cut;

/* A strip of a convolution's input, in place where no padding is needed; `by_row`: neighbouring
 * output columns read neighbouring elements. Its tiles are still to be chosen, and its layout. */
cc_strip cc_strip_start(const cc_conv *problem, bool by_row, int64_t channels, int lanes);

/* Completes a strip whose channels, lanes, flags and, of each axis, first four fields are set. */
void cc_strip_layout(cc_strip *strip);

/* Elements from the first cell to cell i of an axis. */
ptrdiff_t cc_strip_cell(const cc_strip_axis *axis, ptrdiff_t i);

/* Elements from an output's cells to its neighbour's. */
ptrdiff_t cc_strip_step(const cc_strip_axis *axis);

/* Elements of a strip in place from an image's first cell to those that output `origin` sees. */
ptrdiff_t cc_strip_origin(const cc_strip *strip, const int64_t *origin);

/* The cells of outputs origin ... origin + count - 1; `pieces` is the room for them. */
cc_cut cc_strip_cut(const cc_strip *strip, const int64_t *origin, const int64_t *count,
                    cc_piece *pieces);

/* Copies those cells of image x into dst. `refill`: dst held the same cells of another image or
 * group before, so its zeros stand already. */
void cc_strip_fill(const cc_strip *strip, const cc_kernels *kernels, const cc_cut *cut,
                   const void *x, bool refill, void *dst);

/* The adjoint: adds the cells to those of image x that they show. */
void cc_strip_drain(const cc_strip *strip, const cc_kernels *kernels, const cc_cut *cut,
                    const void *cells, void *x);

#endif
