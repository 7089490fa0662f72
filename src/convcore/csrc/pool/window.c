/* The windows of a pooling: which input cells an output sees along one axis. Integers only. */
#include "../convcore.h"
#include "../base/integers.h"

/* Steps of b from 0 to a or beyond. */
static int64_t steps_to(int64_t a, int64_t b) { return a > 0 ? ceil_div(a, b) : 0; }

/* The greatest common divisor of a and b, and a number whose product with a leaves it modulo b. */
typedef struct {
    int64_t divisor, inverse;
} euclid;

static euclid common_divisor(int64_t a, int64_t b)
{
    int64_t inverse = 1, next = 0;
    for (int64_t remainder = b; remainder;) {
        const int64_t quotient = a / remainder, step = inverse - quotient * next;
        const int64_t left = a % remainder;
        inverse = next;
        next = step;
        a = remainder;
        remainder = left;
    }
    return (euclid){a, inverse};
}

/* Taps o * stride + t * dilation - before, of which those from 0 to in - 1 are cells. */
static cc_window regular(const cc_axis *axis, int64_t after, bool count_padding, int64_t o)
{
    const int64_t start = o * axis->stride - axis->before, step = axis->dilation;
    if (start >= 0 && start + (axis->kernel - 1) * step < axis->in) /* nearly all */
        return (cc_window){start, axis->kernel, step, axis->kernel};
    const int64_t skipped = steps_to(-start, step);
    const int64_t reached = start < axis->in ? (axis->in - 1 - start) / step + 1 : 0;
    const int64_t padded = start < axis->in + after ? (axis->in + after - 1 - start) / step + 1 : 0;
    cc_window w = {.first = start + skipped * step,
                   .cells = max(0, min(axis->kernel, reached) - skipped),
                   .step = step};
    w.counted = count_padding ? min(axis->kernel, padded) : w.cells;
    return w;
}

/* Window o of `out` windows that tile `in` cells: floor(o in / out) to ceil((o + 1) in / out). Cell
 * j is in windows floor(j out / in) to ceil((j + 1) out / in): the adjoint is of the same kind. */
static cc_window adaptive(int64_t in, int64_t out, int64_t o)
{
    const __int128 cells = in, next = (o + 1) * cells;
    const int64_t first = (int64_t)(o * cells / out);
    const int64_t end = (int64_t)((next + out - 1) / out);
    return (cc_window){first, end - first, 1, end - first};
}

/* The outputs o with o * stride + t * dilation - before = cell for a tap t: those from the first
 * that reaches so far whose o * stride is cell + before modulo the dilation. */
static cc_window adjoint(const cc_axis *axis, int64_t cell)
{
    const cc_window none = {0, 0, 1, 1};
    const int64_t at = cell + axis->before;
    const int64_t least = steps_to(at - (axis->kernel - 1) * axis->dilation, axis->stride);
    const int64_t last = min(axis->out - 1, at / axis->stride);
    const euclid common = common_divisor(axis->stride, axis->dilation);
    const int64_t step = axis->dilation / common.divisor;
    if (at % common.divisor)
        return none;
    const __int128 product = (__int128)(at / common.divisor) * common.inverse;
    const int64_t remainder = (int64_t)(((product - least) % step + step) % step);
    const int64_t first = least + remainder;
    return first <= last ? (cc_window){first, (last - first) / step + 1, step, 1} : none;
}

static inline cc_window window(const cc_pool *problem, int a, int64_t o)
{
    const cc_axis *axis = &problem->axis[a];
    if (problem->adaptive[a])
        return problem->adjoint ? adaptive(axis->out, axis->in, o)
                                : adaptive(axis->in, axis->out, o);
    if (problem->adjoint)
        return adjoint(axis, o);
    return regular(axis, problem->after[a], problem->count_padding, o);
}

cc_window cc_pool_window(const cc_pool *problem, int a, int64_t o) { return window(problem, a, o); }

void cc_pool_windows(const cc_pool *problem, int a, int64_t from, int64_t count, cc_window *w)
{
    for (int64_t o = 0; o < count; o++) w[o] = window(problem, a, from + o);
}
