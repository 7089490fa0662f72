/* The explorer's side of the library: reads the page's settings, says why some make no sense, and
 * calls the library's own operators and their gradients. One channel, float64, zero border. The
 * page and the tests find every number by its name, so that no second list of them exists.
 */
#include "convcore.h"
#include "fill.h"
#include "kernel_set.h"

enum { ROWS, COLUMNS, AXES };
enum { CONVOLUTION, LOCAL, TILED, TRANSPOSED, MAXIMUM, AVERAGE, NORM, WEIGHTED, OPERATORS };
enum { VALID, SAME, SAME_LOWER, FULL, CAUSAL, EXPLICIT, PADDINGS };
enum { FITS, OUT_OF_RANGE, TOO_LARGE, EMPTY_WINDOW, NO_OUTPUT, TOO_MANY, FAILED };

/* X(name, least, most, value at first) */
#define BOTH(X, name, least, most, rows, columns) \
    X(name##_rows, least, most, rows) X(name##_columns, least, most, columns)
#define SETTINGS(X) \
    X(operator, 0, OPERATORS - 1, CONVOLUTION) \
    X(padding, 0, PADDINGS - 1, VALID) \
    BOTH(X, input, 1, 16, 6, 7) \
    BOTH(X, kernel, 1, 7, 3, 3) \
    BOTH(X, stride, 1, 5, 1, 1) \
    BOTH(X, dilation, 1, 4, 1, 1) \
    BOTH(X, before, 0, 8, 0, 0) \
    BOTH(X, after, 0, 8, 0, 0) \
    BOTH(X, period, 1, 4, 2, 2) \
    X(ceil, 0, 1, 0) \
    X(count_padding, 0, 1, 0) \
    X(seed, 0, 9999, 1) \
    X(input_preset, 0, INPUT_PRESETS - 1, INPUT_RANDOM) \
    X(kernel_preset, 0, KERNEL_PRESETS - 1, KERNEL_RANDOM) \
    X(gradient, 0, 1, 0)

/* What follows from them. `padded_before` and `padded_after`: the padding that the word or the
 * numbers stand for; `room`: the steps of one cell that the kernel can make; `rounded`: room /
 * stride, down or up; `dropped`: 1 if the last window would begin in the padding after; `start` and
 * `end`: the cells to show, from the first of the padding to where the last window or the padding
 * ends, counted from the first input cell. A transposed convolution takes the padding off its
 * output, so that its input has none. */
/* clang-format off */
#define AXIS_FACTS(X, axis) \
    X(padded_before_##axis) X(padded_after_##axis) X(span_##axis) X(room_##axis) \
    X(rounded_##axis) X(dropped_##axis) X(outputs_##axis) X(start_##axis) X(end_##axis) \
    X(kernels_##axis)
#define FACTS(X) \
    X(status) X(field) X(axis) X(place) X(weights) X(traced) \
    AXIS_FACTS(X, rows) AXIS_FACTS(X, columns)
/* clang-format on */

/* A kernel of 7 with dilation 4 spans 25 cells, so "full" gives 16 + 24 outputs. A transposed
 * convolution could have more, and is refused. */
enum { MOST_IN = 16, MOST_TAPS = 7, MOST_OUT = 40 };
enum { CELLS = MOST_IN * MOST_IN, OUTPUTS = MOST_OUT * MOST_OUT, TAPS = MOST_TAPS * MOST_TAPS };

#define SET(name, ...) SET_##name,
#define GOT(name) GOT_##name,
enum { SETTINGS(SET) SETTING_COUNT };
enum { FACTS(GOT) FACT_COUNT };
#define NAME(name, ...) #name,
#define LEAST(name, least, most, first) least,
#define MOST(name, least, most, first) most,
#define FIRST(name, least, most, first) first,
static const char *const setting_names[] = {SETTINGS(NAME)}, *const fact_names[] = {FACTS(NAME)};
static const int32_t least[] = {SETTINGS(LEAST)}, most[] = {SETTINGS(MOST)};
static int32_t settings[] = {SETTINGS(FIRST)}, facts[FACT_COUNT];

static double input[CELLS], weights[OUTPUTS * TAPS], output[OUTPUTS], spare[OUTPUTS];
static double divisors[OUTPUTS]; /* of a mean and of a weighted pooling */
static int64_t places[OUTPUTS];  /* of maxima, in the input */

/* Derivatives of some number with respect to the output, which are given, the input and the
 * weights. */
static double gradient[OUTPUTS], input_gradient[CELLS], weight_gradient[OUTPUTS * TAPS];
static int32_t usage[CELLS], kernel_of[OUTPUTS];
static int32_t traced_cells[CELLS], traced_outputs[OUTPUTS];

/* A tap of the output that is looked at. `kind`: on an input cell, in the padding, beyond it, or,
 * of a transposed convolution, on no cell. `slope`: the derivative of the output with respect to
 * the cell; `to_cell` and `to_weight`: what the output's gradient brings them. */
enum { ON_INPUT, ON_PADDING, BEYOND, NOWHERE };
typedef struct {
    double row, column, kind, value, weight, product, winner, slope, to_cell, to_weight;
} term;
static term terms[TAPS];

/* What one output's gradient brings to the cell or the weight that was picked. */
typedef struct {
    double row, column, gradient, factor, product;
} share;
static share shares[OUTPUTS];
static double share_sum;
static double sums[2]; /* of the products, and what that is divided by */

static cc_pool windows; /* where the windows lie, whatever the operator */

/* A setting or a fact that each axis has, by the name of the one for rows. */
#define OF(axis, name) settings[SET_##name##_rows + (axis)]
#define FACT(axis, name) facts[(axis) == ROWS ? GOT_##name##_rows : GOT_##name##_columns]

static bool pools(void) { return settings[SET_operator] >= MAXIMUM; }
static bool transposes(void) { return settings[SET_operator] == TRANSPOSED; }
static int32_t output_count(void) { return FACT(ROWS, outputs) * FACT(COLUMNS, outputs); }
static int32_t tap_count(void) { return OF(ROWS, kernel) * OF(COLUMNS, kernel); }
static const cc_axis *axis_of(int axis) { return &windows.axis[CC_ROW + axis]; }
static int32_t refuse(int status, int field, int axis, int place)
{
    facts[GOT_field] = field;
    facts[GOT_axis] = axis;
    facts[GOT_place] = place;
    return facts[GOT_status] = status;
}

/* As convcore.geometry does. */
static void pad(int a)
{
    const int32_t s = OF(a, stride), span = FACT(a, span);
    /* "same" of a transposed convolution: the cells that the convolution before it had */
    const int32_t n = transposes() ? (OF(a, input) - 1) * s + 1 : OF(a, input);
    const int32_t outputs = (n + s - 1) / s, total = (outputs - 1) * s + span - n;
    const int32_t both = total > 0 ? total : 0, word = settings[SET_padding];
    int32_t before = 0, after = 0;
    if (word == SAME || word == SAME_LOWER) {
        before = word == SAME ? both / 2 : both - both / 2;
        after = both - before;
    } else if (word == FULL) {
        before = after = span - 1;
    } else if (word == CAUSAL) {
        before = span - 1;
    } else if (word == EXPLICIT) {
        before = OF(a, before);
        after = OF(a, after);
    }
    FACT(a, padded_before) = before;
    FACT(a, padded_after) = after;
}

static int count_transposed(int a)
{
    FACT(a, room) = (OF(a, input) - 1) * OF(a, stride) + FACT(a, span);
    FACT(a, outputs) = FACT(a, room) - FACT(a, padded_before) - FACT(a, padded_after);
    FACT(a, end) = OF(a, input);
    return FACT(a, outputs) < 1 ? NO_OUTPUT : FACT(a, outputs) > MOST_OUT ? TOO_MANY : FITS;
}

static int count_outputs(int a)
{
    const int32_t s = OF(a, stride), before = FACT(a, padded_before);
    const int32_t padded = OF(a, input) + before + FACT(a, padded_after);
    const int32_t room = padded - FACT(a, span);
    FACT(a, room) = room;
    if (room < 0)
        return TOO_LARGE;
    const bool up = pools() && settings[SET_ceil];
    const int32_t rounded = up ? (room + s - 1) / s : room / s;
    FACT(a, rounded) = rounded;
    FACT(a, dropped) = up && rounded * s >= OF(a, input) + before;
    FACT(a, outputs) = rounded + 1 - FACT(a, dropped);
    const int32_t reached = (FACT(a, outputs) - 1) * s + FACT(a, span) - before;
    const int32_t padded_end = padded - before;
    FACT(a, start) = -before;
    FACT(a, end) = reached > padded_end ? reached : padded_end;
    return FITS;
}

/* Those of a transposed convolution are the windows of the convolution whose adjoint it is. */
static void place_windows(void)
{
    windows = (cc_pool){.n = 1,
                        .channels = 1,
                        .p = 2,
                        .count_padding =
                            settings[SET_operator] == AVERAGE && settings[SET_count_padding]};
    windows.axis[CC_DEPTH] = (cc_axis){1, 1, 1, 1, 0, 1};
    windows.source[CC_DEPTH].cells = 1;
    for (int a = 0; a < AXES; a++) {
        const int32_t in = transposes() ? FACT(a, outputs) : OF(a, input);
        const int32_t out = transposes() ? OF(a, input) : FACT(a, outputs);
        windows.axis[CC_ROW + a] = (cc_axis){
            in, OF(a, kernel), OF(a, stride), OF(a, dilation), FACT(a, padded_before), out};
        windows.after[CC_ROW + a] = FACT(a, padded_after);
        windows.source[CC_ROW + a].cells = in;
    }
}

/* Window i holds the outputs that see input cell i. */
static cc_pool outputs_of_cells(void)
{
    cc_pool seen = windows;
    seen.adjoint = !transposes();
    return seen;
}

/* Which kernel each output takes, how many there are, and how many outputs see each input cell. */
static void tell_sharing(void)
{
    const int32_t rows = FACT(ROWS, outputs), columns = FACT(COLUMNS, outputs);
    for (int a = 0; a < AXES; a++) {
        const int op = settings[SET_operator];
        FACT(a, kernels) = op == LOCAL ? FACT(a, outputs) : op == TILED ? OF(a, period) : 1;
    }
    const int32_t across = FACT(COLUMNS, kernels), down = FACT(ROWS, kernels);
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < columns; c++)
            kernel_of[r * columns + c] = r % down * across + c % across;
    const bool weighs = !pools() || settings[SET_operator] == WEIGHTED;
    facts[GOT_weights] = weighs ? down * across * tap_count() : 0;
    const cc_pool seen = outputs_of_cells();
    for (int r = 0; r < OF(ROWS, input); r++)
        for (int c = 0; c < OF(COLUMNS, input); c++)
            usage[r * OF(COLUMNS, input) + c] =
                (int32_t)(cc_pool_window(&seen, CC_ROW, r).cells *
                          cc_pool_window(&seen, CC_COLUMN, c).cells);
}

/* Reads the settings. Nothing may be asked of settings that are refused. */
int32_t EXPORT(explorer_plan)(void)
{
    for (int i = 0; i < FACT_COUNT; i++) facts[i] = 0;
    for (int i = 0; i < SETTING_COUNT; i++)
        if (settings[i] < least[i] || settings[i] > most[i])
            return refuse(OUT_OF_RANGE, i, 0, 0);
    for (int a = 0; a < AXES; a++) {
        FACT(a, span) = OF(a, dilation) * (OF(a, kernel) - 1) + 1;
        pad(a);
        const int status = transposes() ? count_transposed(a) : count_outputs(a);
        if (status != FITS)
            return refuse(status, 0, a, 0);
    }
    place_windows();
    for (int a = 0; pools() && a < AXES; a++)
        for (int o = 0; o < FACT(a, outputs); o++)
            if (cc_pool_window(&windows, CC_ROW + a, o).cells == 0)
                return refuse(EMPTY_WINDOW, 0, a, o);
    tell_sharing();
    return FITS;
}

/* Input cells from 0 to 9, weights from -3 to 3 and gradients from -2 to 2, or what the presets
 * say; the weights of a weighted pooling by Pascal's triangle. A preset changes nothing else: as
 * many numbers are drawn. */
void EXPORT(explorer_fill)(void)
{
    uint32_t state = (uint32_t)settings[SET_seed];
    const int32_t rows = OF(ROWS, kernel), columns = OF(COLUMNS, kernel);
    const int32_t across = OF(COLUMNS, input);
    const int input_preset = settings[SET_input_preset], preset = settings[SET_kernel_preset];
    for (int i = 0; i < OF(ROWS, input) * across; i++) {
        input[i] = fill_next(&state, 10);
        if (input_preset != INPUT_RANDOM)
            input[i] = fill_input(input_preset, OF(ROWS, input), across, i / across, i % across);
    }
    for (int i = 0; i < facts[GOT_weights]; i++) {
        const int32_t r = i / columns % rows, c = i % columns;
        weights[i] = fill_next(&state, 7) - 3;
        if (settings[SET_operator] == WEIGHTED)
            weights[i] = fill_binomial(rows - 1, r) * fill_binomial(columns - 1, c);
        else if (preset != KERNEL_RANDOM)
            weights[i] = fill_kernel(preset, rows, columns, r, c);
    }
    for (int i = 0; i < output_count(); i++) gradient[i] = fill_next(&state, 5) - 2;
}

static cc_tiled problem_of_layer(void)
{
    const int kind = settings[SET_operator];
    cc_tiled t = {.conv = {.n = 1, .groups = 1, .c = 1, .k = 1},
                  .shared = kind != LOCAL && kind != TILED};
    for (int a = 0; a < CC_AXES; a++) {
        t.conv.axis[a] = windows.axis[a];
        t.period[a] = t.shared || a == CC_DEPTH ? 1 : FACT(a - CC_ROW, kernels);
    }
    return t;
}

/* The three products of a layer. A transposed convolution has those of its convolution, of which
 * its output is the input. */
enum { FORWARD, TO_INPUT, TO_WEIGHTS };
static cc_status run_layer(int product, const double *x, const double *grad, double *y)
{
    const cc_tiled problem = problem_of_layer();
    const cc_forward_args args = {.x = x, .weight = weights, .y = y};
    cc_layer *layer = cc_layer_make(&problem, CC_AUTO);
    if (!layer)
        return CC_NO_MEMORY;
    const cc_status status = product == FORWARD ? cc_layer_forward(layer, CC_F64, &args, 1)
                             : product == TO_INPUT
                                 ? cc_layer_input_gradient(layer, CC_F64, grad, weights, y, 1)
                                 : cc_layer_weight_gradient(layer, CC_F64, x, grad, y, 1);
    cc_layer_free(layer);
    return status;
}

static cc_status pool(cc_pool_kind kind, int64_t *index)
{
    cc_pool problem = windows;
    problem.kind = kind;
    return cc_pool_forward(&problem, CC_F64, input, output, index, 1);
}

/* The convolution with the window, divided by that of ones: by the weights on input cells. */
static cc_status pool_weighted(void)
{
    static double ones[CELLS];
    for (int i = 0; i < CELLS; i++) ones[i] = 1;
    cc_status status = run_layer(FORWARD, input, NULL, output);
    if (status == CC_OK)
        status = run_layer(FORWARD, ones, NULL, divisors);
    for (int i = 0; i < output_count(); i++) output[i] /= divisors[i];
    return status;
}

static cc_status pool_average(void)
{
    const int32_t columns = FACT(COLUMNS, outputs);
    for (int o = 0; o < output_count(); o++)
        divisors[o] = (double)(cc_pool_window(&windows, CC_ROW, o / columns).counted *
                               cc_pool_window(&windows, CC_COLUMN, o % columns).counted);
    return pool(CC_POOL_MEAN, NULL);
}

static cc_status run(void)
{
    switch (settings[SET_operator]) {
    case CONVOLUTION:
    case LOCAL:
    case TILED:
        return run_layer(FORWARD, input, NULL, output);
    case TRANSPOSED:
        return run_layer(TO_INPUT, NULL, input, output);
    case MAXIMUM:
        return pool(CC_POOL_MAX, places);
    case AVERAGE:
        return pool_average();
    case NORM:
        return pool(CC_POOL_NORM, NULL);
    default:
        return pool_weighted();
    }
}

/* The gradients that `grad` brings the input and the weights. */
static cc_status run_back(double *grad)
{
    const cc_norm_args norm = {.grad = grad, .x = input, .y = output};
    cc_pool problem = windows;
    cc_status status = CC_OK;
    for (int i = 0; i < CELLS; i++) input_gradient[i] = 0;
    if (settings[SET_operator] == AVERAGE || settings[SET_operator] == WEIGHTED)
        for (int i = 0; i < output_count(); i++) grad[i] /= divisors[i];
    switch (settings[SET_operator]) {
    case TRANSPOSED:
        status = run_layer(TO_WEIGHTS, grad, input, weight_gradient);
        return status == CC_OK ? run_layer(FORWARD, grad, NULL, input_gradient) : status;
    case MAXIMUM:
        problem.kind = CC_POOL_MAX;
        return cc_pool_max_backward(&problem, CC_F64, grad, places, input_gradient, 1);
    case AVERAGE:
        problem.kind = CC_POOL_SUM;
        problem.adjoint = true;
        return cc_pool_forward(&problem, CC_F64, grad, input_gradient, NULL, 1);
    case NORM:
        problem.kind = CC_POOL_NORM;
        return cc_pool_norm_backward(&problem, CC_F64, &norm, input_gradient, 1);
    case WEIGHTED:
        return run_layer(TO_INPUT, NULL, grad, input_gradient);
    default:
        status = run_layer(TO_WEIGHTS, input, grad, weight_gradient);
        return status == CC_OK ? run_layer(TO_INPUT, NULL, grad, input_gradient) : status;
    }
}

/* Computes the output of settings that explorer_plan() has accepted. */
int32_t EXPORT(explorer_run)(void)
{
    return facts[GOT_status] ? facts[GOT_status] : run() == CC_OK ? FITS : refuse(FAILED, 0, 0, 0);
}

/* Walks the gradients of the outputs up to this one, in their order, back to the input and the
 * weights. */
int32_t EXPORT(explorer_back)(int32_t row, int32_t column)
{
    const int32_t last = row * FACT(COLUMNS, outputs) + column;
    for (int i = 0; i < output_count(); i++) spare[i] = i <= last ? gradient[i] : 0;
    return run_back(spare) == CC_OK ? FITS : refuse(FAILED, 0, 0, 0);
}

/* Where tap t of output o lies: the cell, and on what. The input's cells are those that
 * cc_pool_window() names. */
static int64_t find_tap(int a, int32_t o, int32_t t, int *kind)
{
    const cc_axis *axis = axis_of(a);
    if (transposes()) { /* the input cell whose stamp has its tap t at this output */
        const int64_t from = o + axis->before - t * axis->dilation;
        const bool lies = from >= 0 && from % axis->stride == 0 && from / axis->stride < axis->out;
        *kind = lies ? ON_INPUT : NOWHERE;
        return lies ? from / axis->stride : -1;
    }
    const cc_window w = cc_pool_window(&windows, CC_ROW + a, o);
    const int64_t cell = o * axis->stride + t * axis->dilation - axis->before;
    const int64_t from_first = cell - w.first;
    if (from_first >= 0 && from_first < w.cells * w.step && from_first % w.step == 0)
        *kind = ON_INPUT;
    else
        *kind = cell < axis->in + windows.after[CC_ROW + a] ? ON_PADDING : BEYOND;
    return cell;
}

static double slope_of(int32_t o, const term *t)
{
    switch (settings[SET_operator]) {
    case MAXIMUM:
        return t->winner;
    case AVERAGE:
        return 1 / divisors[o];
    case NORM:
        return output[o] > 0 ? t->value / output[o] : 0;
    case WEIGHTED:
        return t->weight / divisors[o];
    default:
        return t->weight;
    }
}

static term term_of(int32_t o, int32_t tap)
{
    const int op = settings[SET_operator];
    const int32_t columns = OF(COLUMNS, kernel), across = FACT(COLUMNS, outputs);
    int kinds[AXES];
    const int64_t r = find_tap(ROWS, o / across, tap / columns, &kinds[ROWS]);
    const int64_t c = find_tap(COLUMNS, o % across, tap % columns, &kinds[COLUMNS]);
    const int kind = kinds[ROWS] > kinds[COLUMNS] ? kinds[ROWS] : kinds[COLUMNS];
    const int64_t place = r * OF(COLUMNS, input) + c;
    term t = {.row = (double)r, .column = (double)c, .kind = kind};
    t.value = kind == ON_INPUT ? input[place] : 0;
    t.weight = facts[GOT_weights] ? weights[kernel_of[o] * tap_count() + tap] : 1;
    t.product = op == NORM ? t.value * t.value : t.value * t.weight;
    t.winner = op == MAXIMUM && kind == ON_INPUT && places[o] == place;
    t.slope = kind == ON_INPUT ? slope_of(o, &t) : 0;
    t.to_cell = gradient[o] * t.slope;
    t.to_weight = facts[GOT_weights] ? gradient[o] * t.value : 0;
    return t;
}

/* Lists the taps of one output, row by row. */
void EXPORT(explorer_look)(int32_t row, int32_t column)
{
    const int op = settings[SET_operator];
    const int32_t o = row * FACT(COLUMNS, outputs) + column;
    sums[0] = 0;
    sums[1] = op == AVERAGE || op == WEIGHTED ? divisors[o] : 0;
    for (int i = 0; i < tap_count(); i++) {
        terms[i] = term_of(o, i);
        sums[0] += terms[i].product;
    }
}

static void clear_trace(void)
{
    facts[GOT_traced] = 0;
    share_sum = 0;
    for (int i = 0; i < CELLS; i++) traced_cells[i] = 0;
    for (int i = 0; i < OUTPUTS; i++) traced_outputs[i] = 0;
}

static void add_share(int32_t o, double factor)
{
    const int32_t columns = FACT(COLUMNS, outputs);
    const double product = gradient[o] * factor;
    shares[facts[GOT_traced]++] = (share){o / columns, o % columns, gradient[o], factor, product};
    share_sum += product;
}

/* Marks the outputs that take a weight (-1: in the padding), and counts on which input cells they
 * take it; lists what their gradients bring it. `facts.traced`: how many outputs. */
void EXPORT(explorer_trace_weight)(int32_t kernel, int32_t row, int32_t column)
{
    clear_trace();
    for (int o = 0; o < output_count(); o++) {
        const term t = term_of(o, row * OF(COLUMNS, kernel) + column);
        if (kernel_of[o] != kernel || (int)t.kind == NOWHERE)
            continue;
        const bool padding = (int)t.kind != ON_INPUT;
        traced_outputs[o] = padding ? -1 : 1;
        add_share(o, t.value);
        if (!padding)
            traced_cells[(int)t.row * OF(COLUMNS, input) + (int)t.column]++;
    }
}

/* Marks the outputs that see an input cell, and lists what their gradients bring it. */
void EXPORT(explorer_trace_cell)(int32_t row, int32_t column)
{
    clear_trace();
    const cc_pool seen = outputs_of_cells();
    const cc_window r = cc_pool_window(&seen, CC_ROW, row);
    const cc_window c = cc_pool_window(&seen, CC_COLUMN, column);
    traced_cells[row * OF(COLUMNS, input) + column] = 1;
    for (int64_t i = 0; i < r.cells * c.cells; i++) {
        const int64_t down = r.first + i / c.cells * r.step,
                      across = c.first + i % c.cells * c.step;
        const int32_t o = (int32_t)(down * FACT(COLUMNS, outputs) + across);
        traced_outputs[o] = 1;
        for (int tap = 0; tap < tap_count(); tap++) {
            const term t = term_of(o, tap);
            if ((int)t.kind == ON_INPUT && (int)t.row == row && (int)t.column == column)
                add_share(o, t.slope);
        }
    }
}

/* Marks the outputs that take the same weights as this one, itself among them. */
void EXPORT(explorer_trace_output)(int32_t row, int32_t column)
{
    const int32_t columns = FACT(COLUMNS, outputs);
    clear_trace();
    for (int o = 0; o < output_count(); o++) {
        traced_outputs[o] = kernel_of[o] == kernel_of[row * columns + column];
        facts[GOT_traced] += traced_outputs[o];
    }
}

/* Where everything is. */
int32_t EXPORT(explorer_setting_count)(void) { return SETTING_COUNT; }
int32_t EXPORT(explorer_fact_count)(void) { return FACT_COUNT; }
const char *EXPORT(explorer_setting_name)(int32_t i) { return setting_names[i]; }
const char *EXPORT(explorer_fact_name)(int32_t i) { return fact_names[i]; }
int32_t EXPORT(explorer_least)(int32_t i) { return least[i]; }
int32_t EXPORT(explorer_most)(int32_t i) { return most[i]; }
int32_t *EXPORT(explorer_settings)(void) { return settings; }
int32_t *EXPORT(explorer_facts)(void) { return facts; }
double *EXPORT(explorer_input)(void) { return input; }
double *EXPORT(explorer_weights)(void) { return weights; }
double *EXPORT(explorer_output)(void) { return output; }
double *EXPORT(explorer_gradient)(void) { return gradient; }
double *EXPORT(explorer_input_gradient)(void) { return input_gradient; }
double *EXPORT(explorer_weight_gradient)(void) { return weight_gradient; }
double *EXPORT(explorer_shares)(void) { return (double *)shares; }
double *EXPORT(explorer_share_sum)(void) { return &share_sum; }
double *EXPORT(explorer_terms)(void) { return (double *)terms; }
double *EXPORT(explorer_sums)(void) { return sums; }
int32_t *EXPORT(explorer_usage)(void) { return usage; }
int32_t *EXPORT(explorer_kernel_of)(void) { return kernel_of; }
int32_t *EXPORT(explorer_traced_cells)(void) { return traced_cells; }
int32_t *EXPORT(explorer_traced_outputs)(void) { return traced_outputs; }
