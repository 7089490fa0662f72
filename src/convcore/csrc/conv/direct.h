/* Direct convolution: what the algorithms with one kernel for all outputs have in common. Tiles of
 * the input and blocks of packed weights are brought to the caches; a kernel multiplies them.
 * The algorithms differ in what the lanes of a vector are.
 */
#ifndef CC_DIRECT_H
#define CC_DIRECT_H

#include "../core/connectivity.h"
#include "../core/epilogue.h"
#include "../core/job.h"
#include "../core/partition.h"
#include "algorithm.h"

typedef struct cc_direct_plan cc_direct_plan;
typedef struct cc_direct_task cc_direct_task;

/* What is an algorithm's own. */
typedef struct {
    bool by_row;       /* lanes are output columns; else output channels */
    bool by_group;     /* lanes are of several groups, of the input too; blocks count in them */
    bool by_period;    /* lanes run through the pixels of a row and their channels */
    bool several_rows; /* a kernel call computes several output rows */
    bool short_blocks; /* a block is what one kernel call computes */
    /* most output channels of a kernel call, in multiples of what they are dealt out in */
    int (*most)(const cc_kernels *kernels);
    /* whether the kernel can read the input itself, where no padding is needed; NULL: it can */
    bool (*reads_in_place)(const cc_direct_plan *plan);
    /* packs the weights of output channels from <= c < to, which begin at `weight`, as the kernel
     * reads them; returns the elements */
    ptrdiff_t (*pack)(const cc_direct_task *task, const char *weight, int64_t from, int64_t to,
                      char *packed);
    void (*run)(const cc_direct_task *task);
} cc_direct_kind;

/* Lists that kernels and packing walk. */
typedef struct {
    cc_taps taps;
    ptrdiff_t *weight_index;      /* several_rows: where packed weights stand among a channel's */
    ptrdiff_t *channel_offset;    /* weights of the output channels of a block, if scattered */
    bool taps_backward;           /* scattered weights whose taps are all in order, but backward */
    cc_connectivity connectivity; /* instead of taps, where a table connects channels by rows */
    /* For each input channel, all bits of the output channels that see it; by group, the lane of
     * the input that each lane takes. */
    char *of_inputs;
} cc_direct_lists;

struct cc_direct_plan {
    cc_plan base;
    const cc_direct_kind *kind;
    const cc_tuning *tuning;
    /* as given, its axes merged where nothing distinguishes them, and its images */
    cc_conv problem;
    cc_input_tile tile;
    ptrdiff_t taps;         /* of one output: c x kernel */
    ptrdiff_t row_of_input; /* elements of a row of lists.of_inputs; 0: there is none */
    ptrdiff_t period; /* by_period: elements after which lanes are of the same channels again */
    int rows;         /* output rows that a kernel call computes */
    bool regions;     /* tiles may be narrower than vectors, and end anywhere */
    int64_t channels; /* output channels that blocks are counted in: k, or those of all groups */
    int64_t groups;   /* those that are computed one after the other */
    int64_t blocks;   /* of output channels, as even as vectors allow */
    int64_t row_tiles, column_tiles; /* at least */
    double microseconds;             /* on one thread, about */
    /* Elements: packed weights of a block, its accumulators, its biases. */
    ptrdiff_t block_elements, acc_elements, bias_elements;
    int64_t block_channels; /* most output channels of a block */
    cc_tap_sizes sizes;
    /* Kept with the plan, unless they are long: then every call makes its own. */
    bool has_lists;
    cc_direct_lists lists;
};

/* How the work is cut for a number of threads. Tasks: tiles x blocks; a worker takes a range of the
 * tiles and a range of the blocks. */
typedef struct {
    cc_tile_grid grid;
    int64_t tiles;
    int tile_workers, block_workers;
    int64_t slots; /* blocks whose packed weights a worker keeps */
} cc_direct_partition;

/* What kernels and packing need to know: the task of the moment. */
struct cc_direct_task {
    const cc_direct_plan *plan;
    const cc_direct_lists *lists;
    const cc_epilogue *epilogue;
    cc_tile tile;
    int64_t block;
    int64_t first, channels, calls; /* the block's output channels, and kernel calls */
    const char *input;              /* the first element that the tile's first output sees */
    const char *weights;            /* the block's, packed */
    char *acc, *bias;               /* room */
};

/* Output channels are dealt out in multiples of this: whole vectors where they are the lanes. */
static inline int64_t cc_direct_grain(const cc_direct_plan *plan)
{
    return plan->kind->by_row ? 1 : plan->base.kernels->lanes;
}

/* Output channels from <= c < to of call i of the kernel for the task's block. */
typedef struct {
    int64_t from, to;
} cc_channel_range;

/* Makes a block the task's. */
void cc_direct_take_block(cc_direct_task *task, int64_t block);

cc_channel_range cc_direct_call(const cc_direct_task *task, int64_t i);

/* Transposes the weights of `count` output channels to [tap][channel], rows `width` apart. */
void cc_direct_transpose(const cc_direct_task *task, const char *first, ptrdiff_t count,
                         char *packed, ptrdiff_t width);

/* Channel `channel` of the task's group, output (row, 0) of its tile. */
cc_outputs cc_direct_outputs(const cc_direct_task *task, int64_t channel, int64_t row);

/* direct_plan.c */

/* Elements from the weights of an output channel to the next one's. */
ptrdiff_t cc_direct_channel_step(const cc_direct_plan *plan);
cc_plan *cc_direct_make_plan(const cc_candidate *candidate, const cc_direct_kind *kind);
cc_direct_partition cc_direct_divide(const cc_direct_plan *plan, int threads);
size_t cc_direct_lists_bytes(const cc_direct_plan *plan);
void cc_direct_make_lists(const cc_direct_plan *plan, cc_direct_lists *lists, char *memory);

/* Packs the weights of blocks, counted through all groups, one after the other. */
void cc_direct_pack_blocks(const cc_direct_plan *plan, const cc_direct_lists *lists,
                           const char *weight, cc_task_range blocks, char *packed);

/* Computes these regions of outputs alone, of any size; their `window` does not matter. */
cc_status cc_direct_run_regions(const cc_direct_plan *plan, const cc_arrays *arrays,
                                const cc_tile *regions, int64_t count, int threads);

/* direct.c: the functions of a row of algorithms.def */
bool cc_direct_pack(const cc_plan *plan, const char *weight, char *packed);
cc_status cc_direct_run(const cc_plan *plan, const cc_arrays *arrays, int threads);

/* What depthwise convolution costs if every lane counts: nothing else comes near. */
#define CC_DEPTHWISE_COST 1e-3

/* direct_igemm.c, for depthwise.c too */
int cc_direct_vectors(const cc_kernels *kernels);
int cc_direct_vectors_by_input(const cc_kernels *kernels); /* with lists.of_inputs */
ptrdiff_t cc_direct_pack_vectors(const cc_direct_task *task, const char *weight, int64_t from,
                                 int64_t to, char *packed);
void cc_direct_run_pixels(const cc_direct_task *task);

#endif
