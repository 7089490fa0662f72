/* Lists of taps where each output channel sees input channels of its own. */
#ifndef CC_CONNECTED_H
#define CC_CONNECTED_H

#include "taps.h"

/* What packs and sums the weights of each output channel; taps is NULL where all see all. */
typedef struct {
    cc_taps *taps;                /* of each output channel */
    const ptrdiff_t **index;      /* where its packed weights stand among its weights */
    const int64_t *first_input;   /* the problem's */
    ptrdiff_t weights_of_channel; /* packed weights for each input channel */
} cc_connected;

/* Bytes that the lists need: 0 without a table. */
size_t cc_connected_measure(const cc_conv *problem, int rows);

/* Makes the lists for accumulators that are `rows` neighbouring output rows, in `memory`. */
void cc_connected_list(cc_connected *connected, const cc_conv *problem, const cc_strip *strip,
                       int rows, void *memory);

/* Packs the weights of one output channel as its taps take them. */
void cc_connected_pack(const cc_connected *connected, const cc_kernels *kernels, int64_t channel,
                       const void *weight, void *packed);

#endif
