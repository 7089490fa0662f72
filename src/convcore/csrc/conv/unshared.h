/* Layers whose kernels differ from output to output: what the two ways to compute them share. */
#ifndef CC_UNSHARED_H
#define CC_UNSHARED_H

#include "../core/epilogue.h"
#include "../core/job.h"
#include "../core/partition.h"
#include "../core/tap_offsets.h"
#include "algorithm.h"

/* Most images of a tile. */
enum { CC_TILE_IMAGES = 16 };

typedef struct {
    cc_plan base;
    const cc_tuning *tuning;
    cc_conv problem;
    int64_t period[CC_AXES], phases;
    ptrdiff_t taps;
    bool by_patch;       /* local: rows of weights are multiplied with patches */
    ptrdiff_t patch_row; /* reals of a patch, with those that fill it up */
    ptrdiff_t patches;   /* of a pixel's patches in all images */
    cc_input_tile tile;
    int64_t images, rows, columns; /* outputs of a tile */
    int64_t grain;                 /* channels are dealt out in multiples of it, */
    int64_t ranges;                /* in so many ranges at least */
    double microseconds;
} cc_unshared_plan;

/* How the work is cut for a number of threads. Tasks: tiles x ranges of channels. */
typedef struct {
    cc_tile_grid grid;
    int64_t ranges, tasks;
    int workers;
} cc_unshared_partition;

/* A worker's task of the moment, and its memory. */
typedef struct {
    const cc_unshared_plan *plan;
    const char *weight; /* of all channels and phases */
    cc_epilogue epilogue;
    cc_taps taps;
    cc_tile tile;
    cc_input_room room;
    cc_input_view view;
    int64_t channel, channels; /* the first, how many */
    char *weights, *acc, *bias, *patches;
} cc_unshared_task;

/* What is an algorithm's own: what it does once for a tile, then for each range of its channels. */
typedef struct {
    void (*begin_tile)(cc_unshared_task *task);
    void (*run)(cc_unshared_task *task);
} cc_unshared_kind;

cc_plan *cc_unshared_make_plan(const cc_candidate *candidate, bool by_patch);
bool cc_unshared_pack(const cc_plan *plan, const char *weight, char *packed);
cc_status cc_unshared_run(const cc_unshared_plan *plan, const cc_arrays *arrays, int threads,
                          const cc_unshared_kind *kind);

/* Which of the kernels output (y, x) of the task's tile takes. */
int64_t cc_unshared_phase(const cc_unshared_task *task, int64_t y, int64_t x);

/* The outputs from (y, 0) of the tile on, in its image n, of the task's channels. */
cc_outputs cc_unshared_outputs(const cc_unshared_task *task, int64_t n, int64_t y);

#endif
