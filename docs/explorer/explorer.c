/* One layer of one channel, set by a page: what the site's explorer asks the library.
 *
 * Everything the page shows is computed by the library's entry points. Which cell an output sees
 * along an axis, and by which tap, is found by asking them too: lines with a single 1, and a kernel
 * whose taps are numbered 1, 2, 3 ..., give the tap's number where the cell is seen and 0
 * elsewhere. How many outputs see a cell is the gradient of their sum, for a kernel of ones. Two
 * rules of the package are in Python and so are written here again: how many cells "same" and
 * "full" pad, and how many outputs there are. The tests compare them, as all the rest, with the
 * package's.
 */
#include "convcore.h"
#include "kernels/kernels.h"

enum { ROWS = 0, COLUMNS, SIDES };
enum { MOST_IN = 16, MOST_KERNEL = 7, MOST_STRIDE = 5, MOST_DILATION = 4, MOST_PADDING = 8 };
enum { MOST_OUT = MOST_IN + 2 * (MOST_KERNEL - 1) * MOST_DILATION };
enum { CELLS = MOST_IN * MOST_IN, TAPS = MOST_KERNEL * MOST_KERNEL, OUTPUTS = MOST_OUT * MOST_OUT };

typedef enum { CONV = 0, LOCAL, TILED, MAXIMUM, AVERAGE, L2, WEIGHTED, OPERATORS } operator;
typedef enum { VALID = 0, SAME, SAME_LOWER, FULL, EXPLICIT, MODES } mode;
typedef enum {
    FINE = 0,
    BAD_OPERATOR,
    BAD_INPUT,
    BAD_KERNEL,
    BAD_STRIDE,
    BAD_DILATION,
    BAD_PADDING,
    BAD_PERIOD,
    NO_OUTPUT,    /* the kernel is larger than the padded input */
    EMPTY_WINDOW, /* a pooling window that lies in the padding alone */
    NO_WEIGHT,    /* a weighted average whose weights on the input sum to 0 */
    FAILED
} problem;

/* What the page writes before it calls explorer_run(). */
static struct {
    int32_t operator, mode, ceil_mode, count_padding;
    int32_t in[SIDES], kernel[SIDES], stride[SIDES], dilation[SIDES], period[SIDES];
    int32_t padding[SIDES][2]; /* before and after, of the mode EXPLICIT */
} settings;

/* What explorer_run() finds. */
static struct {
    int32_t out[SIDES], padding[SIDES][2], period[SIDES];
    int32_t beyond[SIDES]; /* cells that a partial last window holds after the padding */
} sizes;

/* A tap of the output that explorer_look() was called for. `place`: on an input cell, in the
 * padding, beyond it; `chosen`: it is the maximum. */
typedef struct {
    double row, column, place, value, weight, product, chosen;
} term;

/* The longest padded line: "full" with the widest kernel, or the largest padding given. */
enum { MOST_LINE = MOST_IN + 2 * (MOST_KERNEL - 1) * MOST_DILATION + MOST_STRIDE };

static double input[CELLS];
static double weights[OUTPUTS * TAPS]; /* one kernel after the other, row by row */
static double output[OUTPUTS];
static int64_t places[OUTPUTS];                   /* of maxima, in the input */
static int32_t taps[SIDES][MOST_LINE * MOST_OUT]; /* [padded cell][output]: number from 1, or 0 */
static int32_t sets[OUTPUTS];                     /* which of the kernels an output uses */
static int32_t usage[CELLS];                      /* how many outputs see a cell */
static term terms[TAPS];

static double units[MOST_LINE * MOST_LINE], numbers[MOST_KERNEL], seen[MOST_LINE * MOST_OUT];
static double zeros[OUTPUTS * TAPS], ones[OUTPUTS * TAPS], plane[OUTPUTS];

extern const cc_kernels cc_kernels_baseline_f64;
const cc_kernels *cc_kernels_of(cc_type type)
{
    return type == CC_F64 ? &cc_kernels_baseline_f64 : 0;
}

static bool within(const int32_t values[SIDES], int32_t least, int32_t most)
{
    for (int i = 0; i < SIDES; i++)
        if (values[i] < least || values[i] > most)
            return false;
    return true;
}

static int32_t span(int i) { return (settings.kernel[i] - 1) * settings.dilation[i] + 1; }

/* Cells of padding before and after along one axis. */
static void pad(int i, int32_t padding[2])
{
    const int32_t n = settings.in[i], stride = settings.stride[i];
    const int32_t wanted = (n + stride - 1) / stride; /* outputs of "same" */
    int32_t sum = (wanted - 1) * stride + span(i) - n;
    sum = sum > 0 ? sum : 0;
    switch ((mode)settings.mode) {
    case SAME:
        padding[0] = sum / 2;
        break;
    case SAME_LOWER:
        padding[0] = (sum + 1) / 2;
        break;
    case FULL:
        padding[0] = span(i) - 1, sum = 2 * padding[0];
        break;
    case EXPLICIT:
        padding[0] = settings.padding[i][0], sum = padding[0] + settings.padding[i][1];
        break;
    default:
        padding[0] = sum = 0;
    }
    padding[1] = sum - padding[0];
}

/* Outputs along one axis, 0 if there are none. */
static int32_t count(int i, bool ceil_mode)
{
    const int32_t room = settings.in[i] + sizes.padding[i][0] + sizes.padding[i][1] - span(i);
    const int32_t stride = settings.stride[i];
    if (room < 0)
        return 0;
    if (!ceil_mode)
        return room / stride + 1;
    /* a partial window more, unless the last one begins in the padding after the input */
    const int32_t last = (room + stride - 1) / stride;
    return last * stride >= settings.in[i] + sizes.padding[i][0] ? last : last + 1;
}

static problem check(void)
{
    if (settings.operator < 0 || settings.operator >= OPERATORS || settings.mode < 0 ||
        settings.mode >= MODES)
        return BAD_OPERATOR;
    if (!within(settings.in, 1, MOST_IN))
        return BAD_INPUT;
    if (!within(settings.kernel, 1, MOST_KERNEL))
        return BAD_KERNEL;
    if (!within(settings.stride, 1, MOST_STRIDE))
        return BAD_STRIDE;
    if (!within(settings.dilation, 1, MOST_DILATION))
        return BAD_DILATION;
    for (int i = 0; i < SIDES; i++)
        if (!within(settings.padding[i], 0, MOST_PADDING))
            return BAD_PADDING;
    if (settings.operator == TILED && !within(settings.period, 1, MOST_IN))
        return BAD_PERIOD;
    return FINE;
}

/* The axes of a problem; sides after the first axis, which has one cell. */
static void set_axes(cc_axis axis[CC_AXES])
{
    axis[CC_DEPTH] = (cc_axis){1, 1, 1, 1, 0, 1};
    for (int i = 0; i < SIDES; i++)
        axis[CC_ROW + i] = (cc_axis){settings.in[i],       settings.kernel[i],  settings.stride[i],
                                     settings.dilation[i], sizes.padding[i][0], sizes.out[i]};
}

static cc_tiled layer(void)
{
    cc_tiled problem = {{.n = 1, .groups = 1, .c = 1, .k = 1},
                        {1, sizes.period[0], sizes.period[1]}};
    set_axes(problem.conv.axis);
    return problem;
}

static bool tiled(const double *kernels, const double *bias, double *y)
{
    const cc_tiled problem = layer();
    return cc_tiled_forward(&problem, CC_F64, input, kernels, bias, y, 1) == CC_OK;
}

static bool conv(const double *x, const double *kernel, double *y)
{
    const cc_tiled problem = layer();
    return cc_conv_forward(&problem.conv, CC_F64, x, kernel, 0, y, 1, CC_AUTO) == CC_OK;
}

static bool pool(void)
{
    static const cc_pool_kind kind[OPERATORS] = {
        [MAXIMUM] = CC_POOL_MAX, [AVERAGE] = CC_POOL_MEAN, [L2] = CC_POOL_NORM};
    cc_pool problem = {.kind = kind[settings.operator],
                       .p = 2,
                       .n = 1,
                       .channels = 1,
                       .count_padding = settings.count_padding != 0};
    set_axes(problem.axis);
    for (int i = 0; i < SIDES; i++) problem.after[CC_ROW + i] = sizes.padding[i][1];
    int64_t *index = settings.operator == MAXIMUM ? places : 0;
    return cc_pool_forward(&problem, CC_F64, input, output, index, 1) == CC_OK;
}

static int32_t line(int i) /* cells along an axis, with padding and what is beyond */
{
    return settings.in[i] + sizes.padding[i][0] + sizes.padding[i][1] + sizes.beyond[i];
}

/* Which padded cells each output sees along one axis. */
static bool trace(int i)
{
    const int32_t cells = line(i), outputs = sizes.out[i];
    cc_conv problem = {.n = cells, .groups = 1, .c = 1, .k = 1};
    for (int axis = 0; axis < CC_AXES; axis++) problem.axis[axis] = (cc_axis){1, 1, 1, 1, 0, 1};
    problem.axis[CC_COLUMN] =
        (cc_axis){cells, settings.kernel[i], settings.stride[i], settings.dilation[i], 0, outputs};
    for (int c = 0; c < cells * cells; c++) units[c] = c % (cells + 1) == 0;
    for (int t = 0; t < settings.kernel[i]; t++) numbers[t] = t + 1;
    if (cc_conv_forward(&problem, CC_F64, units, numbers, 0, seen, 1, CC_AUTO) != CC_OK)
        return false;
    for (int c = 0; c < cells * outputs; c++) taps[i][c] = (int32_t)seen[c];
    return true;
}

/* Which kernel each output uses, and how many outputs see each cell. */
static bool share(int cells, int outputs)
{
    const int32_t count = sizes.period[ROWS] * sizes.period[COLUMNS];
    for (int32_t i = 0; i < count; i++) plane[i] = i;
    if (!tiled(zeros, plane, seen)) /* the biases alone: each kernel's number */
        return false;
    for (int o = 0; o < outputs; o++) sets[o] = (int32_t)seen[o];
    for (int i = 0; i < OUTPUTS * TAPS; i++) ones[i] = 1;
    const cc_tiled problem = layer();
    if (cc_local_input_gradient(&problem, CC_F64, ones, ones, plane, 1) != CC_OK)
        return false;
    for (int c = 0; c < cells; c++) usage[c] = (int32_t)plane[c];
    return true;
}

/* Whether each output sees a cell of the input along an axis. */
static bool all_see_a_cell(int i)
{
    for (int o = 0; o < sizes.out[i]; o++) {
        int32_t any = 0;
        for (int c = 0; c < settings.in[i]; c++)
            any |= taps[i][(c + sizes.padding[i][0]) * sizes.out[i] + o];
        if (!any)
            return false;
    }
    return true;
}

static problem weighted_average(int outputs)
{
    if (!conv(input, weights, output))
        return FAILED;
    if (settings.count_padding) /* a plain weighted sum */
        return FINE;
    if (!conv(ones, weights, plane))
        return FAILED;
    for (int o = 0; o < outputs; o++) {
        if (plane[o] == 0)
            return NO_WEIGHT;
        output[o] /= plane[o];
    }
    return FINE;
}

int32_t *explorer_settings(void) { return (int32_t *)&settings; }
int32_t *explorer_sizes(void) { return (int32_t *)&sizes; }
double *explorer_input(void) { return input; }
double *explorer_weights(void) { return weights; }
double *explorer_output(void) { return output; }
int32_t *explorer_taps(int axis) { return taps[axis]; }
int32_t *explorer_sets(void) { return sets; }
int32_t *explorer_usage(void) { return usage; }
term *explorer_terms(void) { return terms; }

/* Computes everything for the settings, the input and the weights; returns a `problem`. Twice: the
 * page reads the sizes after the first call, to know how many weights there are to be written. */
int32_t explorer_run(void)
{
    const problem found = check();
    if (found)
        return found;
    const operator op = (operator)settings.operator;
    const bool pooling = op >= MAXIMUM;
    for (int i = 0; i < SIDES; i++) {
        pad(i, sizes.padding[i]);
        sizes.out[i] = count(i, pooling && settings.ceil_mode);
        sizes.period[i] = op == LOCAL ? sizes.out[i] : op == TILED ? settings.period[i] : 1;
        const int32_t end = (sizes.out[i] - 1) * settings.stride[i] + span(i);
        const int32_t padded = settings.in[i] + sizes.padding[i][0] + sizes.padding[i][1];
        sizes.beyond[i] = end > padded ? end - padded : 0;
    }
    if (sizes.out[ROWS] == 0 || sizes.out[COLUMNS] == 0)
        return NO_OUTPUT;
    const int cells = settings.in[ROWS] * settings.in[COLUMNS];
    const int outputs = sizes.out[ROWS] * sizes.out[COLUMNS];
    if (!trace(ROWS) || !trace(COLUMNS) || !share(cells, outputs))
        return FAILED;
    if (pooling && !(all_see_a_cell(ROWS) && all_see_a_cell(COLUMNS)))
        return EMPTY_WINDOW;
    if (op == WEIGHTED)
        return weighted_average(outputs);
    return (pooling ? pool() : tiled(weights, 0, output)) ? FINE : FAILED;
}

/* Where a padded cell lies. */
static int place(int i, int32_t cell)
{
    const int32_t at = cell - sizes.padding[i][0];
    return at >= settings.in[i] + sizes.padding[i][1] ? 2 : at < 0 || at >= settings.in[i];
}

/* Writes the terms of one output, tap by tap, and returns how many there are. */
int32_t explorer_look(int32_t row, int32_t column)
{
    const int32_t at = row * sizes.out[COLUMNS] + column;
    const bool weighs = settings.operator < MAXIMUM || settings.operator == WEIGHTED;
    const int32_t size = settings.kernel[ROWS] * settings.kernel[COLUMNS];
    const double *kernel = weights + (settings.operator < MAXIMUM ? sets[at] * size : 0);
    for (int32_t r = 0; r < line(ROWS); r++) {
        const int32_t tap_row = taps[ROWS][r * sizes.out[ROWS] + row];
        for (int32_t c = 0; tap_row && c < line(COLUMNS); c++) {
            const int32_t tap_column = taps[COLUMNS][c * sizes.out[COLUMNS] + column];
            if (!tap_column)
                continue;
            const int32_t tap = (tap_row - 1) * settings.kernel[COLUMNS] + tap_column - 1;
            const int rows = place(ROWS, r), columns = place(COLUMNS, c);
            const int32_t cell =
                (r - sizes.padding[ROWS][0]) * settings.in[COLUMNS] + c - sizes.padding[COLUMNS][0];
            const int where = rows > columns ? rows : columns;
            const double value = where ? 0 : input[cell], weight = weighs ? kernel[tap] : 1;
            terms[tap] = (term){r,
                                c,
                                where,
                                value,
                                weight,
                                value * weight,
                                !where && settings.operator == MAXIMUM && places[at] == cell};
        }
    }
    return size;
}
