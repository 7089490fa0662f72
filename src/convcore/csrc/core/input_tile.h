/* The view of the input that kernels read: either the input itself, or a tile of it, packed with
 * its padding into memory of its own, for a tile of outputs at a time.
 *
 * This makes one kernel serve every padding, border, stride and layout: elements are addressed by
 * pitches, taps by a list of offsets. Along each axis a tile is either dense, the range of padded
 * elements that its outputs span, or sampled: for each tap the elements that the outputs meet,
 * which is less where strides or dilations leave elements out. In a dense tile the elements may be
 * dealt out by phase, element i to phase i % stride, so that neighbouring outputs read neighbouring
 * elements; in a sampled one they do so by themselves.
 */
#ifndef CC_INPUT_TILE_H
#define CC_INPUT_TILE_H

#include "../kernels/kernels.h"
#include "partition.h"

typedef struct {
    cc_axis of;
    int64_t outputs;     /* most outputs along the axis that a tile serves */
    ptrdiff_t src_pitch; /* elements of x between neighbours */
    bool neighbours;     /* neighbouring outputs must read neighbouring elements */
    /* what follows is cc_input_tile_layout()'s */
    bool sampled;
    int64_t split;      /* phases: the stride, or 1 */
    ptrdiff_t tap;      /* padded elements from one tap to the next */
    ptrdiff_t extent;   /* padded elements; a multiple of split */
    ptrdiff_t pitch;    /* from an element to the next of its phase */
    ptrdiff_t phase;    /* from a phase to the next */
    ptrdiff_t src_step; /* in x, between neighbours of a phase */
} cc_input_axis;

typedef struct {
    cc_input_axis axis[CC_AXES];
    cc_side border[CC_AXES][2];
    int64_t channels;
    ptrdiff_t channel, src_channel; /* elements between channels of the tile, of x */
    ptrdiff_t src_image;            /* between images of x */
    bool in_place;                  /* the tile is the input itself */
    bool channels_last;             /* the tile has its channels innermost */
    int lanes;                      /* rows are multiples of it, so that vectors stay aligned */
    ptrdiff_t front_pad;            /* elements before the first one */
    ptrdiff_t elements;             /* memory that a tile needs, with its front pad */
    ptrdiff_t pieces;               /* pieces its axes need at most */
} cc_input_tile;

/* A run of `count` neighbouring elements at these offsets; src < 0: the constant on a side, -1 - 2
 * * axis - (before: 0, after: 1). */
typedef struct {
    ptrdiff_t dst, src, count;
} cc_piece;

/* The elements that a tile of outputs sees, along each axis. */
typedef struct {
    cc_piece *start[CC_AXES], *end[CC_AXES];
} cc_cut;

/* A tile of a convolution's input, in place where no padding is needed; `by_row`: neighbouring
 * output columns read neighbouring elements. Its tiles are still to be chosen, and its layout. */
cc_input_tile cc_input_tile_start(const cc_conv *problem, bool by_row, int64_t channels, int lanes);

/* Completes a tile whose channels, lanes, flags and, of each axis, first four fields are set. */
void cc_input_tile_layout(cc_input_tile *tile);

/* Offset of padded element i of an axis from the first. */
ptrdiff_t cc_input_element(const cc_input_axis *axis, ptrdiff_t i);

/* Elements from what an output sees to what its neighbour sees. */
ptrdiff_t cc_input_step(const cc_input_axis *axis);

/* In place: elements from an image's first one to what output `origin` sees. */
ptrdiff_t cc_input_tile_origin(const cc_input_tile *tile, const int64_t *origin);

/* The elements of outputs origin ... origin + count - 1; `pieces` is the room for them. */
cc_cut cc_input_tile_cut(const cc_input_tile *tile, const int64_t *origin, const int64_t *count,
                         cc_piece *pieces);

/* Copies those elements of image x into dst. `refill`: dst held the same ones of another image or
 * group before, so its constants stand already. */
void cc_input_tile_pack(const cc_input_tile *tile, const cc_kernels *kernels, const cc_cut *cut,
                        const void *x, bool refill, void *dst);

/* The adjoint: adds the tile's elements to those of image x that they show. */
void cc_input_tile_scatter_add(const cc_input_tile *tile, const cc_kernels *kernels,
                               const cc_cut *cut, const void *src, void *x);

/* Memory that input is packed into, and what it holds: `window`, the tile's index in the outputs of
 * an image; -1: nothing yet. */
typedef struct {
    char *memory;
    cc_piece *pieces;
    cc_cut cut;
    int64_t window;
} cc_input_room;

/* Where a tile's input stands: what its first output sees in its first image, and the elements from
 * there to the next image's. */
typedef struct {
    const char *first;
    ptrdiff_t image;
} cc_input_view;

/* The input that a tile of outputs sees, packed into the room unless it can be read in place. x:
 * image 0, the first of the tile's channels. */
cc_input_view cc_input_tile_view(const cc_input_tile *layout, const cc_kernels *kernels,
                                 const cc_tile *tile, const char *x, cc_input_room *room);

#endif
