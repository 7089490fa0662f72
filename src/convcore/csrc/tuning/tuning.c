/* The figures of each instruction set; docs/design/kernels.rst shows the measurements. */
#include "tuning.h"

#include <string.h>

static const struct {
    const char *isa; /* NULL: any other */
    cc_tuning figures;
} rows[] = {
    /* measured with x86-64-v4; no other set has been found to want others */
    {NULL,
     {
         .igemm = {.one_vector = 1.5,
                   .two_vectors = 1.1,
                   .store_last = 2.0,
                   .store_first = 10.0,
                   .walk_first = 1.05,
                   .permuted = 1.6},
         .ow = {.one_vector = 1.3,
                .two_vectors = 1.05,
                .few_channels = 1.3,
                .pack_last = 100.0,
                .row_start = 36.0,
                .row_store = 7.0},
         .direct = {.macs_per_us = 40e3, .memory_per_us = 12e3},
         .unshared = {.macs_per_us = 30e3, .memory_per_us = 5e3},
         .weight_gradient = {.macs_per_us = 40e3, .memory_per_us = 5e3},
         .local_gradient = {.macs_per_us = 30e3, .memory_per_us = 5e3},
         .block_channels = 64,
         .tile_bytes = 640 << 10,
         .tile_pixels = 448,
         .tile_pixel_columns = 64,
         .tile_columns = 1024,
         .weight_bytes = 4 << 20,
         .pack_weight = 16,
         .pack_input = 8,
         .unshared_tile_pixels = 1024,
         .unshared_tile_bytes = 512 << 10,
         .unshared_shared_tile_bytes = 4 << 20,
         .patch_bytes = 640 << 10,
     }},
};

const cc_tuning *cc_tuning_of(const char *isa)
{
    int i = 0;
    while (rows[i].isa && (!isa || strcmp(rows[i].isa, isa) != 0)) i++;
    return &rows[i].figures;
}
