/* What machines cost and how large their caches are: figures that change how fast a result comes,
 * and never its bits. Figures that the order of a sum depends on stand with the sum. */
#ifndef CC_TUNING_H
#define CC_TUNING_H

#include <stdint.h>

/* Time of a call, for choosing the number of threads. */
typedef struct {
    double macs_per_us, memory_per_us; /* multiply-adds; elements read, packed or written */
} cc_rates;

typedef struct {
    /* Estimated time of a multiply-add, relative to a full register tile of lanes that all count.
     */
    struct {
        double one_vector, two_vectors; /* few vectors share a loaded scalar */
        double store_last, store_first; /* storing an accumulator, by layout, in taps */
        double walk_first;              /* walking rows that are not made of whole tiles */
        double permuted;                /* lanes of the input are permuted for each product */
    } igemm;
    struct {
        double one_vector, two_vectors; /* few vectors share a loaded weight */
        double few_channels;            /* fewer than 4 share a row of input */
        double pack_last;               /* an element of interleaved channels, in products */
        double row_start; /* a row of outputs whose channel has taps of its own, in outputs */
        double row_store; /* storing it, in taps */
    } ow;
    cc_rates direct, unshared, weight_gradient, local_gradient;
    /* Direct convolution. Output channels that one pass over an input tile computes. */
    int64_t block_channels;
    /* An input tile stays in L2 beside the weights of a block and the accumulators. */
    int64_t tile_bytes;
    /* Outputs of a tile if channels are the lanes, in rows of at most so many: square tiles copy
     * fewest elements twice. */
    int64_t tile_pixels, tile_pixel_columns;
    /* Longer rows are cut, so that a row of kernel input stays in L1. */
    int64_t tile_columns;
    /* All packed weights of a worker are kept up to this size; beyond it, a block's at a time. */
    int64_t weight_bytes;
    /* Cost of packing an element of the weights and of the input, in multiply-adds. */
    double pack_weight, pack_input;
    /* Tiled and local layers: outputs of a tile, whose accumulators stay in L2; its input, in L2 or
     * in L3 where many images share weights; and its patches, in L2. */
    int64_t unshared_tile_pixels, unshared_tile_bytes, unshared_shared_tile_bytes, patch_bytes;
} cc_tuning;

/* The figures for an instruction set. */
const cc_tuning *cc_tuning_of(const char *isa);

#endif
