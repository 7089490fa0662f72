/* Fills in the numbers, and calls the library's own operators and their gradients. */
#include "explorer.h"

double input[CELLS], weights[MOST_WEIGHTS], output[OUTPUTS], divisors[OUTPUTS];
double gradient[OUTPUTS], input_gradient[CELLS], weight_gradient[MOST_WEIGHTS];
int64_t places[OUTPUTS];

/* Input cells from 0 to 9, weights from -3 to 3 and gradients from -2 to 2, or what the presets
 * say; the weights of a weighted pooling by Pascal's triangle. A preset changes nothing else: as
 * many numbers are drawn. */
void EXPORT(explorer_fill)(void)
{
    uint32_t state = (uint32_t)settings[SET_seed];
    const int32_t rows = OF(ROWS, kernel), columns = OF(COLUMNS, kernel);
    const int32_t cells = cell_count(), across = OF(COLUMNS, input);
    const int input_preset = settings[SET_input_preset], preset = settings[SET_kernel_preset];
    for (int i = 0; i < facts[GOT_channels_in] * cells; i++) {
        const int32_t r = i % cells / across, c = i % across;
        input[i] = fill_next(&state, 10);
        if (input_preset != INPUT_RANDOM)
            input[i] = fill_input(input_preset, OF(ROWS, input), across, r, c);
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
    cc_tiled t = {.conv = {.n = 1,
                           .groups = facts[GOT_groups],
                           .c = transposes() ? facts[GOT_seeing] : facts[GOT_seen],
                           .k = transposes() ? facts[GOT_seen] : facts[GOT_seeing]},
                  .shared = kind != LOCAL && kind != TILED};
    if (pools()) { /* one window for all channels, which are as images are */
        t.conv.n = facts[GOT_channels_in];
        t.conv.groups = 1;
    }
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
    const int32_t columns = FACT(COLUMNS, outputs), count = place_count();
    for (int o = 0; o < output_count(); o++)
        divisors[o] = (double)(cc_pool_window(&windows, CC_ROW, o % count / columns).counted *
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
int32_t EXPORT(explorer_back)(int32_t channel, int32_t row, int32_t column)
{
    static double spare[OUTPUTS];
    const int32_t last = output_at(channel, row, column);
    for (int i = 0; i < output_count(); i++) spare[i] = i <= last ? gradient[i] : 0;
    return run_back(spare) == CC_OK ? FITS : refuse(FAILED, 0, 0, 0);
}
