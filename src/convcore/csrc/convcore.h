/* The whole C interface of convcore: problems, status codes, entry points.
 *
 * Arrays are contiguous (C order) and arrive checked: the Python side decides what a call means and
 * refuses what is wrong; what is checked here only guards memory. Sizes are int64_t everywhere.
 */
#ifndef CONVCORE_H
#define CONVCORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct XLA_FFI_CallFrame;
struct XLA_FFI_Error;

typedef enum { CC_OK = 0, CC_NO_MEMORY, CC_BAD_PROBLEM, CC_BAD_PACKED, CC_STOPPED } cc_status;

/* Types of elements: CC_F32, CC_F64 and other reals, then the integers that only maxima are taken
 * of. */
typedef enum {
#define CC_TYPE(NAME, ...) CC_##NAME,
#include "base/types.def"
#undef CC_TYPE
    CC_TYPES,
    CC_REALS = CC_I8
} cc_type;

/* What the padding on one side of an axis holds; NumPy's words and meaning. */
typedef enum { CC_CONSTANT = 0, CC_EDGE, CC_REFLECT, CC_SYMMETRIC, CC_WRAP, CC_BORDERS } cc_border;
typedef struct {
    cc_border kind;
    double value;    /* of a constant */
    int64_t integer; /* the same, for integers; of unsigned ones, its bits */
} cc_side;

enum { CC_DEPTH = 0, CC_ROW, CC_COLUMN, CC_AXES };

/* One spatial axis: output o sees the padded cells o * stride + tap * dilation, tap < kernel, and
 * padded cell p is input cell p - before (`before` < 0: the first cells are left out). An axis that
 * the operator lacks has all sizes 1. */
typedef struct {
    int64_t in, kernel, stride, dilation, before, out;
} cc_axis;

/* Where the weight of group g, output channel k, input channel c and tap t stands: at g * group +
 * k * output + c * input + taps[t]. Unless taps is NULL: then they are in this order, without gaps.
 */
typedef struct {
    int64_t group, output, input;
    const int64_t *taps;
} cc_weights;

/* Z[k, o] = bias[k] + sum over c, taps of V[c, o * stride + tap * dilation - before] K[k, c, tap]
 * for each of n images and each of `groups` groups with c input and k output channels of its own.
 */
typedef struct {
    int64_t n, groups, c, k;
    cc_axis axis[CC_AXES];
    cc_side border[CC_AXES][2]; /* before and after; the last constant counts where axes meet */
    bool channels_last;
    /* unless NULL, and for one group: output channel k sees, of the input channels, only
     * inputs[first_input[k]] ... inputs[first_input[k + 1] - 1], in rising order */
    const int64_t *first_input, *inputs;
    cc_weights weights;
} cc_conv;

/* A layer. `shared`: one kernel serves all outputs, every period is 1. Otherwise, for one group,
 * kernels differ from output to output and repeat after `period` outputs along
 * each axis: Z[k, o] = bias[k, o % period] + sum over c, taps of V[c, o * stride + ...]
 * K[k, o % period, c, tap]. With as many as there are outputs nothing repeats (a local layer). */
typedef struct {
    cc_conv conv;
    bool shared;
    int64_t period[CC_AXES];
    int64_t transform[CC_AXES]; /* lengths of Fourier transforms, as cc_layer_fft_tile() tells them:
                                   those of a larger layer, of which this is a part; 0: by sizes */
} cc_tiled;

/* A layer with the plans of how it is computed, each made at first use and kept. Any number of
 * threads may use it at once. */
typedef struct cc_layer cc_layer;

/* The algorithms, in the order of conv/algorithms.def; NULL past the last. */
const char *cc_algorithm_name(int i);
bool cc_algorithm_is_fast(int i);
enum { CC_AUTO = -1, CC_DIRECT = -2 };

/* NULL: no memory. The problem is checked where it is used; what it points to must outlive the
 * layer. `algorithm`: CC_AUTO; CC_DIRECT, none that is fast; a fast row, or one for kernels that
 * differ, which is taken unless it refuses the layer; or, for tests, another row, which is taken if
 * it gives the bits of CC_DIRECT. */
cc_layer *cc_layer_make(const cc_tiled *problem, int algorithm);
void cc_layer_free(cc_layer *layer);

/* Weights in the order in which an algorithm reads them, in memory of their own. */
typedef struct cc_packed cc_packed;

cc_status cc_layer_prepare(cc_layer *layer, cc_type type, const void *weight, cc_packed **packed);
cc_status cc_layer_pack_bytes(cc_layer *layer, cc_type type, size_t *bytes);
/* Whether these weights are packed as cc_layer_forward() would read them: it may be another layer's
 * that packed them, of another batch or size of the input. */
bool cc_layer_accepts(cc_layer *layer, cc_type type, const cc_packed *packed);
void cc_packed_free(cc_packed *packed);

/* What follows a sum: a residual is added, then comes an activation, a function of each element x;
 * NaN stays. */
typedef enum {
    CC_IDENTITY,
    CC_CLIP,        /* low where x is less, high where it is more */
    CC_LEAKY_RELU,  /* low x where x is less than 0 */
    CC_HARDSIGMOID, /* x / 6 + 1/2, clipped to 0 and 1 */
    CC_HARDSWISH,   /* x times that */
    CC_SIGMOID,     /* 1 / (1 + exp(-x)) */
    CC_SILU,        /* x times that */
    CC_TANH,        /* low tanh(high x) */
    CC_ELU,         /* low (exp(x) - 1) where x is less than 0 */
    CC_GELU         /* x (1 + erf(x / sqrt(2))) / 2 */
} cc_activation;
typedef struct {
    const void *residual; /* of y's type, shape and order; NULL: none */
    cc_activation activation;
    double low, high;
} cc_post_ops;

/* bias may be NULL; weights are read from `packed` unless that is NULL. CC_BAD_PACKED: they were
 * packed for another algorithm, type, instruction set or other sizes. */
typedef struct {
    const void *x, *weight, *bias;
    const cc_packed *packed;
    const cc_post_ops *post; /* NULL: nothing; else outputs must share their kernels */
    void *y;
} cc_forward_args;

cc_status cc_layer_forward(cc_layer *layer, cc_type type, const cc_forward_args *args, int threads);

/* Why algorithm i is not chosen: it refuses the layer, or costs more. */
typedef struct {
    bool chosen;
    const char *reason; /* NULL: it accepts the layer */
    double cost;        /* of a multiply-add, relative to the best there can be */
} cc_verdict;

cc_status cc_layer_explain(const cc_layer *layer, cc_type type, int i, cc_verdict *verdict);

/* How a layer that is computed by Fourier transforms is cut: the lengths of a tile's transforms,
 * and its outputs, along each axis; false: it is computed otherwise. What its error depends on. */
typedef struct {
    int64_t length[CC_AXES], outputs[CC_AXES];
} cc_fft_tile;

bool cc_layer_fft_tile(cc_layer *layer, cc_type type, cc_fft_tile *tile);

/* Gradient of the weights, of one kernel for all outputs where each period is 1:
 * dK[k, o % period, c, tap] = sum over images and outputs o of G[k, o] V[c, o * stride + ...], with
 * the gradient G of the result. All pairs of channels, whatever the table of connections. */
cc_status cc_layer_weight_gradient(cc_layer *layer, cc_type type, const void *x, const void *grad,
                                   void *dweight, int threads);

/* Gradient of x, without a table, by the products that there are and no others: for local layers,
 * whose weights it reads once for many images, and where few outputs see an element. */
cc_status cc_layer_input_gradient(cc_layer *layer, cc_type type, const void *grad,
                                  const void *weight, void *dx, int threads);

/* A part of the adjoint of a layer: a convolution whose outputs are the elements first,
 * first + step, ... of the adjoint's result along each axis. */
typedef struct {
    cc_layer *layer;
    int64_t first[CC_AXES], step[CC_AXES], count[CC_AXES];
} cc_phase;

/* The adjoint of a layer without a table: its phases, whose outputs lie in one order with the
 * layer's input, of these sizes. Without phases the products are formed one by one, and so they
 * are for weights that are not finite, which phases would multiply with padding. */
typedef struct {
    cc_layer *layer;
    const cc_phase *phases;
    int count;
    int64_t n, channels, cells[CC_AXES], weights;
    bool channels_last;
} cc_adjoint;

/* Gradient of x, by whichever of the two ways is right: the result of the adjoint for grad. */
cc_status cc_input_gradient(const cc_adjoint *adjoint, cc_type type, const void *grad,
                            const void *weight, void *dx, int threads);

/* What a pooling makes of its window. CC_POOL_SUM is the adjoint of a mean, without its divisor. */
typedef enum { CC_POOL_MAX = 0, CC_POOL_MEAN, CC_POOL_NORM, CC_POOL_SUM, CC_POOLS } cc_pool_kind;

/* Where the cells of an axis come from: `cells` of the input after `before` cells of padding, and
 * padding again up to the axis's end; both hold what `side` says. */
typedef struct {
    int64_t before, cells;
    cc_side side[2];
} cc_pool_source;

/* Y[c, o] = max, mean or p-norm of the cells of window o, in each image and channel. An axis's
 * cells are those of the input and of such padding as holds something; the other padding holds
 * nothing. `adaptive`: out windows of nearly equal size tile an axis, whatever its kernel and
 * stride say. `adjoint`: the axes are those of another pooling whose outputs are this one's inputs;
 * window j holds the outputs whose windows hold cell j, and `in` and `out` change places. */
typedef struct {
    cc_pool_kind kind;
    double p;
    int64_t n, channels;
    cc_axis axis[CC_AXES];
    int64_t after[CC_AXES]; /* cells of padding after those that hold something */
    cc_pool_source source[CC_AXES];
    bool adaptive[CC_AXES];
    bool adjoint;
    bool count_padding; /* a mean divides by the cells in the padding too */
    bool channels_last;
} cc_pool;

/* The input cells first, first + step, ... of a window along one axis. */
typedef struct {
    int64_t first, cells, step;
    int64_t counted; /* cells that a mean divides by */
} cc_window;

cc_window cc_pool_window(const cc_pool *problem, int axis, int64_t o);
/* Those of `count` outputs from `from` on. */
void cc_pool_windows(const cc_pool *problem, int axis, int64_t from, int64_t count, cc_window *w);

/* Why a row of pool/strategies.def does not take a pooling of `type`; NULL: it does. */
const char *cc_pool_rejects(const cc_pool *problem, cc_type type, int strategy);

/* Whether it is a mean that bytes have too: of at most 255 cells of a plane, with stride and
 * dilation 1 and no border but zeros. */
bool cc_pool_is_box(const cc_pool *problem);

/* x and y of `type`. `index`, unless NULL: for maxima, where each stands in its plane. Of CC_U8
 * there are maxima and boxes: means rounded to the nearest byte, of two to the even one. */
cc_status cc_pool_forward(const cc_pool *problem, cc_type type, const void *x, void *y,
                          int64_t *index, int threads);

/* dx += what the gradients of maxima at `index` bring; an index outside the plane brings nothing.
 */
cc_status cc_pool_max_backward(const cc_pool *problem, cc_type type, const void *grad,
                               const int64_t *index, void *dx, int threads);

/* dx += the gradient of a norm of x whose results were y. */
typedef struct {
    const void *grad, *x, *y;
} cc_norm_args;
cc_status cc_pool_norm_backward(const cc_pool *problem, cc_type type, const cc_norm_args *args,
                                void *dx, int threads);

/* What an output of a filter makes of its taps: the one of a given rank, or terms of taps and
 * weights (kernels/weigh.c), whose sum of pairs takes taps in pairs after the first. */
typedef enum { CC_RANK = 0, CC_TERMS, CC_PAIRS, CC_GREATEST, CC_WEIGHINGS } cc_weighing;

/* A filter of n arrays of `size` cells, each of `lanes` elements: tap t of an output is the cell
 * offset[3 t], ... [3 t + 2] from its own along each axis, or what the border shows there. */
typedef struct {
    cc_weighing how;
    int64_t n, size[CC_AXES], lanes;
    cc_side border[CC_AXES][2]; /* before and after; the last constant counts where axes meet */
    int64_t taps;
    const int64_t *offset;
    int64_t rank;         /* CC_RANK: so many taps come before it in their order; NaN is the last */
    const double *weight; /* of the others: one for each tap, or for the first and each pair */
    double sign, divisor;
} cc_filter;

/* Ranks have at most so many taps; or so many in a box of elements of their own. */
int64_t cc_rank_taps(cc_type type, bool box);

/* y, of type `to`, from x; ranks have one type. Real numbers become integers as by a cast in C:
 * truncated, and what does not fit is what x86 makes of it. */
cc_status cc_filter_run(const cc_filter *problem, cc_type type, const void *x, cc_type to, void *y,
                        int threads);

/* One call of XLA's foreign function interface: what it computes, and how many elements its
 * operands and then its results have. Operands of layers are (x, weight), (grad, weight) and
 * (grad, x), or (x, grad) with `swapped`; of poolings x alone. CC_XLA_MAXIMUM has a second result,
 * the indices, as integers of 32 or 64 bits. */
typedef enum {
    CC_XLA_FORWARD,
    CC_XLA_INPUT_GRADIENT,
    CC_XLA_WEIGHT_GRADIENT,
    CC_XLA_POOL,
    CC_XLA_MAXIMUM
} cc_xla_product;
enum { CC_XLA_BUFFERS = 3 };
typedef struct {
    cc_xla_product product;
    cc_layer *layer; /* of the forward product and the weight's gradient */
    cc_adjoint adjoint;
    const cc_pool *pool;
    cc_type type;
    bool swapped;
    int threads;
    int64_t elements[CC_XLA_BUFFERS];
} cc_xla_call;

/* The handler, for XLA. Its attributes are the address of a cc_xla_call, which must live as long as
 * what was compiled, and the number of this process: others have nothing at that address. */
typedef struct XLA_FFI_Error *(*cc_xla_function)(struct XLA_FFI_CallFrame *frame);
cc_xla_function cc_xla_handler(int64_t process);

/* dst[i] = src[i] of type `real` as an integer of type `to`, which has 8 or 16 bits: clipped,
 * rounded to the nearest and of two to the even one; NaN becomes 0. */
cc_status cc_round(cc_type real, const void *src, int64_t count, cc_type to, void *dst);
/* dst[i] = src[i], an integer of type `from`, which has 8 or 16 bits, as one of type `real`. */
cc_status cc_read_integers(cc_type from, const void *src, int64_t count, cc_type real, void *dst);

/* Instruction sets, least first. cc_isa_name(i) is NULL past the last one compiled in. */
const char *cc_isa_name(int i);
bool cc_isa_available(int i);
int cc_isa_chosen(void);
void cc_isa_choose(int i);

/* Threads: whether OpenMP is compiled in, whether this process was forked (it then works alone),
 * how many threads OpenMP would use by itself, and how many processors it may use. */
bool cc_has_openmp(void);
bool cc_is_forked(void);
int cc_openmp_threads(void);
int cc_processors(void);

/* A call that takes long asks this every 50 ms or so, in the thread that made it: whether to give
 * up and return CC_STOPPED. Its result is undefined then. */
typedef int (*cc_stop_check)(void);
void cc_set_stop_check(cc_stop_check check);

/* For tests: fills the scratch of every call with this word, 0: no more. With signalling NaNs it
 * shows whether anything is computed from what a call has not written: an operation on one is
 * noted, whatever becomes of its result. cc_scratch_was_used() says so, once. */
void cc_watch_scratch(uint64_t word);
bool cc_scratch_was_used(void);

/* Runs `rounds` rounds of independent multiply-adds on one thread; returns the operations done. */
int64_t cc_fma_probe(cc_type type, int64_t rounds);

#endif
