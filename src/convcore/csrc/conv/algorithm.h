/* What an algorithm is, and what it is told and given. */
#ifndef CC_ALGORITHM_H
#define CC_ALGORITHM_H

#include "../base/integers.h"
#include "../kernels/kernels.h"
#include "../tuning/tuning.h"

/* CC_FAST: other arithmetic, inside a stated error. */
enum { CC_EXACT = 1, CC_REASSOCIATES = 2, CC_FAST = 4 };

/* Rows of weights that gemm_dot() and axpy() are handed at a time: streams that memory can serve.
 */
enum { CC_GEMM_CHANNELS = 4 };

/* A layer as algorithms see it: its axes merged where nothing distinguishes them. */
typedef struct {
    cc_tiled layer;
    ptrdiff_t taps; /* of an output: c x kernel */
    int64_t phases; /* kernels for each output channel */
    bool regions;   /* the plan is to compute any regions of one group's outputs */
    cc_type type;
    const cc_kernels *kernels;
    const cc_tuning *tuning;
} cc_candidate;

typedef struct cc_algorithm cc_algorithm;

/* Lanes that are computed for each that counts, where `used` of them fill vectors in turn. */
static inline double cc_lanes_for_each(int64_t used, int64_t lanes)
{
    return (double)(ceil_div(used, lanes) * lanes) / (double)used;
}

/* What packed weights depend on, compared as a whole; direct convolution needs the first ones. */
enum { CC_DIRECT_FACTS = 12, CC_FACTS = 20 };
typedef struct {
    int64_t fact[CC_FACTS];
} cc_pack_facts;

typedef enum { CC_FORWARD, CC_WEIGHT_GRADIENT, CC_LOCAL_GRADIENT } cc_purpose;

/* The arrays of a gradient's call. */
typedef struct {
    const char *x, *weight, *grad;
    char *result;
} cc_gradient_args;

/* How a layer will be computed, for any number of threads; each algorithm's own begins with this.
 * Nothing in it changes once it is made. */
typedef struct cc_plan {
    const cc_algorithm *algorithm;
    const cc_kernels *kernels;
    size_t pack_bytes; /* of packed weights */
    cc_pack_facts facts;
    cc_purpose purpose;
    /* of the plan of a gradient, which has no algorithm */
    cc_status (*run_gradient)(const struct cc_plan *plan, const cc_gradient_args *args,
                              int threads);
    struct cc_plan *helper; /* NULL, or another plan that it uses, given back with it */
    struct cc_plan *next;
} cc_plan;

/* The arrays of a call; weights may come packed instead. */
typedef struct {
    const char *x, *weight, *packed, *bias;
    const cc_post_ops *post;
    char *y;
} cc_arrays;

/* A row of algorithms.def. */
struct cc_algorithm {
    const char *name;
    unsigned flags;
    const struct cc_algorithm_functions {
        /* NULL: the layer is accepted; else why not */
        const char *(*refuse)(const cc_candidate *candidate);
        /* estimated time of a multiply-add, relative to a full tile of the best kernel; 0: nothing
         * else comes near */
        double (*cost)(const cc_candidate *candidate);
        /* NULL: no memory; given back by free() */
        cc_plan *(*make_plan)(const cc_candidate *candidate);
        /* false: no memory */
        bool (*pack)(const cc_plan *plan, const char *weight, char *packed);
        cc_status (*run)(const cc_plan *plan, const cc_arrays *arrays, int threads);
    } *functions;
};

#define CC_ALGORITHM(name, flags) extern const struct cc_algorithm_functions cc_algorithm_##name;
#include "algorithms.def"
#undef CC_ALGORITHM

/* Row i of the list; NULL past the last. */
const cc_algorithm *cc_algorithm_at(int i);

/* The row that computes a layer: `requested`, if it accepts the layer and is fast, or for kernels
 * that differ, or may stand for the one that would be chosen; CC_DIRECT: none that is fast. */
const cc_algorithm *cc_select(const cc_candidate *candidate, int requested);

#endif
