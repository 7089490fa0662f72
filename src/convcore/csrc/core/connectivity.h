/* Lists of taps where each output channel sees input channels of its own. */
#ifndef CC_CONNECTIVITY_H
#define CC_CONNECTIVITY_H

#include "tap_offsets.h"

/* What packs and sums the weights of each output channel; taps is NULL where all see all. */
typedef struct {
    cc_taps *taps;                /* of each output channel */
    const ptrdiff_t **index;      /* where its packed weights stand among its weights */
    const int64_t *first_input;   /* the problem's */
    ptrdiff_t weights_of_channel; /* packed weights for each input channel */
} cc_connectivity;

/* Bytes that the lists need: 0 without a table. */
size_t cc_connectivity_measure(const cc_conv *problem, int rows);

/* Makes the lists for accumulators that are `rows` neighbouring output rows, in `memory`. */
void cc_connectivity_list(cc_connectivity *lists, const cc_conv *problem, const cc_input_tile *tile,
                          int rows, void *memory);

/* Packs the weights of one output channel as its taps take them. */
void cc_connectivity_pack(const cc_connectivity *lists, const cc_kernels *kernels, int64_t channel,
                          const void *weight, void *packed);

#endif
