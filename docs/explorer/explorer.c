/* The explorer's side of the library: reads the page's settings, says why some make no sense, and
 * calls the library's own operators. One channel, float64, zero border. The page and the tests find
 * every number by its name, so that no second list of them exists.
 */
#include "convcore.h"
#include "kernels/kernels.h"

#define EXPORT(name) __attribute__((export_name(#name))) name

/* The only table there is; csrc/dispatch, which chooses between processors', is left out. */
extern const cc_kernels cc_kernels_baseline_f64;
const cc_kernels *cc_kernels_of(cc_type type)
{
    (void)type;
    return &cc_kernels_baseline_f64;
}
int cc_isa_chosen(void) { return 0; }
const char *cc_isa_name(int i) { return i ? NULL : "baseline"; }

enum { ROWS, COLUMNS, AXES };
enum { CONVOLUTION, LOCAL, TILED, MAXIMUM, AVERAGE, NORM, WEIGHTED, OPERATORS };
enum { VALID, SAME, SAME_LOWER, FULL, EXPLICIT, PADDINGS };
enum { FITS, OUT_OF_RANGE, TOO_LARGE, EMPTY_WINDOW, FAILED };

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
    X(seed, 0, 9999, 1)

/* What follows from them. `padded_before` and `padded_after`: the padding that the word or the
 * numbers stand for; `room`: the steps of one cell that the kernel can make; `rounded`: room /
 * stride, down or up; `dropped`: 1 if the last window would begin in the padding after; `end`:
 * where the last window or the padding ends, counted from the first input cell. */
/* clang-format off */
#define AXIS_FACTS(X, axis) \
    X(padded_before_##axis) X(padded_after_##axis) X(span_##axis) X(room_##axis) \
    X(rounded_##axis) X(dropped_##axis) X(outputs_##axis) X(end_##axis) X(kernels_##axis)
#define FACTS(X) \
    X(status) X(field) X(axis) X(place) X(weights) X(traced) \
    AXIS_FACTS(X, rows) AXIS_FACTS(X, columns)
/* clang-format on */

/* A kernel of 7 with dilation 4 spans 25 cells, so "full" gives 16 + 24 outputs. */
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
static int64_t places[OUTPUTS]; /* of maxima, in the input */
static int32_t usage[CELLS], kernel_of[OUTPUTS];
static int32_t traced_cells[CELLS], traced_outputs[OUTPUTS];

/* A tap of the output that is looked at. `kind`: 0 on an input cell, 1 in the padding, 2 beyond. */
typedef struct {
    double row, column, kind, value, weight, product, winner;
} term;
static term terms[TAPS];
static double sums[2]; /* of the products, and what that is divided by */

static cc_pool windows; /* where the windows lie, whatever the operator */

/* A setting or a fact that each axis has, by the name of the one for rows. */
#define OF(axis, name) settings[SET_##name##_rows + (axis)]
#define FACT(axis, name) facts[(axis) == ROWS ? GOT_##name##_rows : GOT_##name##_columns]

static int pools(void) { return settings[SET_operator] >= MAXIMUM; }
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
    const int32_t n = OF(a, input), s = OF(a, stride), span = FACT(a, span);
    const int32_t outputs = (n + s - 1) / s, total = (outputs - 1) * s + span - n;
    const int32_t both = total > 0 ? total : 0, word = settings[SET_padding];
    int32_t before = 0, after = 0;
    if (word == SAME || word == SAME_LOWER) {
        before = word == SAME ? both / 2 : both - both / 2;
        after = both - before;
    } else if (word == FULL) {
        before = after = span - 1;
    } else if (word == EXPLICIT) {
        before = OF(a, before);
        after = OF(a, after);
    }
    FACT(a, padded_before) = before;
    FACT(a, padded_after) = after;
}

/* Returns whether the kernel fits. */
static bool count_outputs(int a)
{
    const int32_t s = OF(a, stride), before = FACT(a, padded_before);
    const int32_t padded = OF(a, input) + before + FACT(a, padded_after);
    const int32_t room = padded - FACT(a, span);
    FACT(a, room) = room;
    if (room < 0)
        return false;
    const bool up = pools() && settings[SET_ceil];
    const int32_t rounded = up ? (room + s - 1) / s : room / s;
    FACT(a, rounded) = rounded;
    FACT(a, dropped) = up && rounded * s >= OF(a, input) + before;
    FACT(a, outputs) = rounded + 1 - FACT(a, dropped);
    const int32_t reached = (FACT(a, outputs) - 1) * s + FACT(a, span) - before;
    const int32_t padded_end = padded - before;
    FACT(a, end) = reached > padded_end ? reached : padded_end;
    return true;
}

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
        windows.axis[CC_ROW + a] =
            (cc_axis){OF(a, input),    OF(a, kernel),          OF(a, stride),
                      OF(a, dilation), FACT(a, padded_before), FACT(a, outputs)};
        windows.after[CC_ROW + a] = FACT(a, padded_after);
        windows.source[CC_ROW + a].cells = OF(a, input);
    }
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
    facts[GOT_weights] = weighs ? down * across * OF(ROWS, kernel) * OF(COLUMNS, kernel) : 0;
    cc_pool seen = windows;
    seen.adjoint = true;
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
        if (!count_outputs(a))
            return refuse(TOO_LARGE, 0, a, 0);
    }
    place_windows();
    for (int a = 0; pools() && a < AXES; a++)
        for (int o = 0; o < FACT(a, outputs); o++)
            if (cc_pool_window(&windows, CC_ROW + a, o).cells == 0)
                return refuse(EMPTY_WINDOW, 0, a, o);
    tell_sharing();
    return FITS;
}

/* Integers, the same for the same seed: input cells from 0 to 9, weights from -3 to 3, those
 * of a weighted pooling by Pascal's triangle. */
static int32_t next(uint32_t *state, int32_t choices)
{
    *state = *state * 1664525u + 1013904223u;
    return (int32_t)((*state >> 16) % (uint32_t)choices);
}

static int32_t binomial(int32_t n, int32_t i)
{
    int32_t ways = 1;
    for (int32_t k = 1; k <= i; k++) ways = ways * (n - k + 1) / k;
    return ways;
}

void EXPORT(explorer_fill)(void)
{
    uint32_t state = (uint32_t)settings[SET_seed];
    const int32_t rows = OF(ROWS, kernel), columns = OF(COLUMNS, kernel);
    for (int i = 0; i < OF(ROWS, input) * OF(COLUMNS, input); i++) input[i] = next(&state, 10);
    for (int i = 0; i < facts[GOT_weights]; i++)
        weights[i] = settings[SET_operator] == WEIGHTED
                         ? binomial(rows - 1, i / columns) * binomial(columns - 1, i % columns)
                         : next(&state, 7) - 3;
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

static cc_status run_layer(const double *x, double *y)
{
    const cc_tiled problem = problem_of_layer();
    const cc_forward_args args = {.x = x, .weight = weights, .y = y};
    cc_layer *layer = cc_layer_make(&problem, CC_AUTO);
    const cc_status status = layer ? cc_layer_forward(layer, CC_F64, &args, 1) : CC_NO_MEMORY;
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
    cc_status status = run_layer(input, output);
    if (status == CC_OK)
        status = run_layer(ones, spare);
    for (int i = 0; i < FACT(ROWS, outputs) * FACT(COLUMNS, outputs); i++) output[i] /= spare[i];
    return status;
}

static cc_status run(void)
{
    switch (settings[SET_operator]) {
    case CONVOLUTION:
    case LOCAL:
    case TILED:
        return run_layer(input, output);
    case MAXIMUM:
        return pool(CC_POOL_MAX, places);
    case AVERAGE:
        return pool(CC_POOL_MEAN, NULL);
    case NORM:
        return pool(CC_POOL_NORM, NULL);
    default:
        return pool_weighted();
    }
}

/* Computes the output of settings that explorer_plan() has accepted. */
int32_t EXPORT(explorer_run)(void)
{
    return facts[GOT_status] ? facts[GOT_status] : run() == CC_OK ? FITS : refuse(FAILED, 0, 0, 0);
}

/* Where tap t of output o lies: cell, and whether that is one of the input (0), of the padding (1)
 * or beyond (2). The input's cells are those that cc_pool_window() names. */
static int64_t find_tap(int a, int32_t o, int32_t t, int *kind)
{
    const cc_axis *axis = axis_of(a);
    const cc_window w = cc_pool_window(&windows, CC_ROW + a, o);
    const int64_t cell = o * axis->stride + t * axis->dilation - axis->before;
    const int64_t from_first = cell - w.first;
    if (from_first >= 0 && from_first < w.cells * w.step && from_first % w.step == 0)
        *kind = 0;
    else
        *kind = cell < axis->in + windows.after[CC_ROW + a] ? 1 : 2;
    return cell;
}

/* Lists the taps of one output, row by row. */
void EXPORT(explorer_look)(int32_t row, int32_t column)
{
    const int op = settings[SET_operator];
    const int32_t columns = OF(COLUMNS, kernel), taps = OF(ROWS, kernel) * columns;
    const int32_t o = row * FACT(COLUMNS, outputs) + column;
    const bool weighs = facts[GOT_weights] > 0;
    sums[0] = sums[1] = 0;
    for (int i = 0; i < taps; i++) {
        int kinds[AXES];
        const int64_t r = find_tap(ROWS, row, i / columns, &kinds[ROWS]);
        const int64_t c = find_tap(COLUMNS, column, i % columns, &kinds[COLUMNS]);
        const int kind = kinds[ROWS] > kinds[COLUMNS] ? kinds[ROWS] : kinds[COLUMNS];
        const int64_t place = r * OF(COLUMNS, input) + c;
        const double value = kind == 0 ? input[place] : 0;
        const double weight = weighs ? weights[kernel_of[o] * taps + i] : 1;
        const double product = op == NORM ? value * value : value * weight;
        const bool winner = op == MAXIMUM && kind == 0 && places[o] == place;
        terms[i] = (term){(double)r, (double)c, kind, value, weight, product, winner};
        sums[0] += product;
        if (op == WEIGHTED && kind == 0)
            sums[1] += weight;
    }
    if (op == AVERAGE)
        sums[1] = (double)(cc_pool_window(&windows, CC_ROW, row).counted *
                           cc_pool_window(&windows, CC_COLUMN, column).counted);
}

static void clear_trace(void)
{
    facts[GOT_traced] = 0;
    for (int i = 0; i < CELLS; i++) traced_cells[i] = 0;
    for (int i = 0; i < OUTPUTS; i++) traced_outputs[i] = 0;
}

/* Marks the outputs that take a weight, and counts on which input cells they take it (-1: on none,
 * in the padding). `facts.traced`: how many outputs. */
void EXPORT(explorer_trace_weight)(int32_t kernel, int32_t row, int32_t column)
{
    const int32_t columns = FACT(COLUMNS, outputs);
    clear_trace();
    for (int o = 0; o < FACT(ROWS, outputs) * columns; o++) {
        if (kernel_of[o] != kernel)
            continue;
        int kinds[AXES];
        const int64_t r = find_tap(ROWS, o / columns, row, &kinds[ROWS]);
        const int64_t c = find_tap(COLUMNS, o % columns, column, &kinds[COLUMNS]);
        const bool padding = kinds[ROWS] || kinds[COLUMNS];
        traced_outputs[o] = padding ? -1 : 1;
        facts[GOT_traced]++;
        if (!padding)
            traced_cells[r * OF(COLUMNS, input) + c]++;
    }
}

/* Marks the outputs that see an input cell. */
void EXPORT(explorer_trace_cell)(int32_t row, int32_t column)
{
    clear_trace();
    cc_pool seen = windows;
    seen.adjoint = true;
    const cc_window r = cc_pool_window(&seen, CC_ROW, row);
    const cc_window c = cc_pool_window(&seen, CC_COLUMN, column);
    for (int64_t i = 0; i < r.cells; i++)
        for (int64_t j = 0; j < c.cells; j++)
            traced_outputs[(r.first + i * r.step) * FACT(COLUMNS, outputs) + c.first + j * c.step] =
                1;
    traced_cells[row * OF(COLUMNS, input) + column] = 1;
    facts[GOT_traced] = (int32_t)(r.cells * c.cells);
}

/* Marks the outputs that take the same weights as this one, itself among them. */
void EXPORT(explorer_trace_output)(int32_t row, int32_t column)
{
    const int32_t columns = FACT(COLUMNS, outputs);
    clear_trace();
    for (int o = 0; o < FACT(ROWS, outputs) * columns; o++) {
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
double *EXPORT(explorer_terms)(void) { return (double *)terms; }
double *EXPORT(explorer_sums)(void) { return sums; }
int32_t *EXPORT(explorer_usage)(void) { return usage; }
int32_t *EXPORT(explorer_kernel_of)(void) { return kernel_of; }
int32_t *EXPORT(explorer_traced_cells)(void) { return traced_cells; }
int32_t *EXPORT(explorer_traced_outputs)(void) { return traced_outputs; }
