/* The walk's side of the library: LeNet-5 on the library's own operators, and the pen that draws
 * its input. One image, float64. The weights come from the page, as tools/walk_weights.py rounded
 * them; every number that the page shows is computed here.
 */
#include "../explorer/kernel_set.h"
#include "convcore.h"

#include <math.h>
#include <string.h>

/* --- the layers --------------------------------------------------------------------------------
 */

enum { INPUT, CONVOLUTION, SUBSAMPLING, DENSE };
enum { IMAGE, C1, S2, C3, S4, C5, F6, OUTPUT, LAYERS };

/* The kernel of a dense layer covers its whole input, which is one cell. */
typedef struct {
    int32_t kind, channels, size, kernel, stride;
} shape;
static const shape layers[LAYERS] = {
    {INPUT, 1, 32, 1, 1},        {CONVOLUTION, 6, 28, 5, 1}, {SUBSAMPLING, 6, 14, 2, 2},
    {CONVOLUTION, 16, 10, 5, 1}, {SUBSAMPLING, 16, 5, 2, 2}, {CONVOLUTION, 120, 1, 5, 1},
    {DENSE, 84, 1, 1, 1},        {DENSE, 10, 1, 1, 1},
};

/* The maps of S2 that each map of C3 sees, bit i for map i: table I of the paper of 1998. */
static const uint8_t table[16] = {007, 016, 034, 070, 061, 043, 017, 036,
                                  074, 071, 063, 047, 033, 066, 055, 077};
enum { PAIRS = 60 };

enum { VALUES = 6 * 28 * 28, WEIGHTS = 120 * 16 * 25, CHANNELS = 120, DIGITS = 10 };
static double values[LAYERS][VALUES], weights[LAYERS][WEIGHTS], biases[LAYERS][CHANNELS];
static double means[VALUES], probabilities[DIGITS];

/* f(a) = 1.7159 tanh(2 a / 3), the paper's squashing function. */
static const cc_post_ops squash = {.activation = CC_TANH, .low = 1.7159, .high = 2.0 / 3};

static bool sees(int32_t layer, int32_t channel, int32_t input)
{
    if (layers[layer].kind == SUBSAMPLING)
        return channel == input;
    return layer != C3 || table[channel] >> input & 1;
}

/* Weights from an output channel to the next. */
static int32_t row_of(int32_t layer)
{
    const int32_t taps = layers[layer].kernel * layers[layer].kernel;
    return layers[layer].kind == SUBSAMPLING ? 1 : layers[layer - 1].channels * taps;
}

/* --- the weights -------------------------------------------------------------------------------
 */

/* For each layer: int8 weights, then a scale of each channel; or, of a subsampling, a weight of
 * each channel. Then the biases. Scales, biases and these weights are float32. */
enum { PACKED = 1 << 17 };
static uint8_t packed[PACKED];

static const uint8_t *take_reals(const uint8_t *from, int32_t count, double *to)
{
    for (int32_t i = 0; i < count; i++, from += sizeof(float)) {
        float value;
        memcpy(&value, from, sizeof value); /* may lie anywhere */
        to[i] = value;
    }
    return from;
}

/* Reads the packed weights; returns how many bytes they are. */
int32_t EXPORT(walk_load)(void)
{
    const uint8_t *at = packed;
    for (int32_t l = C1; l < LAYERS; l++) {
        const int32_t channels = layers[l].channels, row = row_of(l);
        if (layers[l].kind == SUBSAMPLING) {
            at = take_reals(at, channels, weights[l]);
        } else {
            double scales[CHANNELS];
            const int8_t *rounded = (const int8_t *)at;
            at = take_reals(at + channels * row, channels, scales);
            for (int32_t i = 0; i < channels * row; i++)
                weights[l][i] = rounded[i] * scales[i / row];
        }
        at = take_reals(at, channels, biases[l]);
    }
    return (int32_t)(at - packed);
}

/* --- the network -------------------------------------------------------------------------------
 */

static cc_axis axis_of(int32_t in, int32_t kernel, int32_t stride, int32_t out)
{
    return (cc_axis){
        .in = in, .kernel = kernel, .stride = stride, .dilation = 1, .before = 0, .out = out};
}

static cc_status convolve(int32_t l)
{
    const int32_t before = layers[l - 1].size, kernel = layers[l].kernel, size = layers[l].size;
    cc_tiled problem = {.conv = {.n = 1, .groups = 1}, .shared = true};
    problem.conv.c = layers[l - 1].channels;
    problem.conv.k = layers[l].channels;
    problem.conv.axis[CC_DEPTH] = axis_of(1, 1, 1, 1);
    for (int a = CC_ROW; a < CC_AXES; a++) problem.conv.axis[a] = axis_of(before, kernel, 1, size);
    for (int a = 0; a < CC_AXES; a++) problem.period[a] = 1;
    int64_t first[CHANNELS + 1] = {0}, inputs[PAIRS];
    if (l == C3) {
        for (int32_t k = 0, count = 0; k < layers[l].channels; first[++k] = count)
            for (int32_t c = 0; c < layers[l - 1].channels; c++)
                if (sees(l, k, c))
                    inputs[count++] = c;
        problem.conv.first_input = first;
        problem.conv.inputs = inputs;
    }
    const cc_forward_args args = {.x = values[l - 1],
                                  .weight = weights[l],
                                  .bias = biases[l],
                                  .post = l == OUTPUT ? NULL : &squash,
                                  .y = values[l]};
    cc_layer *layer = cc_layer_make(&problem, CC_AUTO);
    const cc_status status = layer ? cc_layer_forward(layer, CC_F64, &args, 1) : CC_NO_MEMORY;
    cc_layer_free(layer);
    return status;
}

/* Means of the windows, then a convolution of one cell and one channel a group: the sum of four
 * cells times a weight is four times the weight times their mean. */
static cc_status subsample(int32_t l)
{
    const int32_t size = layers[l].size, channels = layers[l].channels;
    cc_pool pool = {.kind = CC_POOL_MEAN, .p = 2, .n = 1, .channels = channels};
    cc_tiled scale = {.conv = {.n = 1, .groups = channels, .c = 1, .k = 1}, .shared = true};
    pool.axis[CC_DEPTH] = scale.conv.axis[CC_DEPTH] = axis_of(1, 1, 1, 1);
    pool.source[CC_DEPTH].cells = 1;
    for (int a = CC_ROW; a < CC_AXES; a++) {
        pool.axis[a] = axis_of(layers[l - 1].size, layers[l].kernel, layers[l].stride, size);
        pool.source[a].cells = layers[l - 1].size;
        scale.conv.axis[a] = axis_of(size, 1, 1, size);
    }
    for (int a = 0; a < CC_AXES; a++) scale.period[a] = 1;
    cc_status status = cc_pool_forward(&pool, CC_F64, values[l - 1], means, NULL, 1);
    double factors[CHANNELS];
    for (int32_t k = 0; k < channels; k++) factors[k] = 4 * weights[l][k];
    const cc_forward_args args = {
        .x = means, .weight = factors, .bias = biases[l], .post = &squash, .y = values[l]};
    cc_layer *layer = cc_layer_make(&scale, CC_AUTO);
    if (status == CC_OK)
        status = layer ? cc_layer_forward(layer, CC_F64, &args, 1) : CC_NO_MEMORY;
    cc_layer_free(layer);
    return status;
}

/* Softmax of the scores; the largest is subtracted, so that no power overflows. */
static void compare_scores(void)
{
    const double *scores = values[OUTPUT];
    double largest = scores[0], total = 0;
    for (int i = 1; i < DIGITS; i++) largest = scores[i] > largest ? scores[i] : largest;
    for (int i = 0; i < DIGITS; i++) total += probabilities[i] = exp(scores[i] - largest);
    for (int i = 0; i < DIGITS; i++) probabilities[i] /= total;
}

/* Computes every layer from the image; returns whether that worked. */
int32_t EXPORT(walk_run)(void)
{
    for (int32_t l = C1; l < LAYERS; l++)
        if ((layers[l].kind == SUBSAMPLING ? subsample(l) : convolve(l)) != CC_OK)
            return 0;
    compare_scores();
    return 1;
}

/* --- one output --------------------------------------------------------------------------------
 */

typedef struct {
    double channel, row, column, value, weight, product, sum; /* the sum up to this term */
} term;
static term terms[16 * 25];
static double total; /* of the products and the bias */

/* Lists the multiply-adds of one output, in the order of input channels, rows and columns, after
 * its bias; returns how many there are. */
int32_t EXPORT(walk_look)(int32_t l, int32_t k, int32_t row, int32_t column)
{
    const shape *layer = &layers[l], *before = &layers[l - 1];
    const int32_t side = layer->kernel;
    int32_t count = 0;
    total = biases[l][k];
    for (int32_t c = 0; c < before->channels; c++) {
        for (int32_t tap = 0; sees(l, k, c) && tap < side * side; tap++) {
            const int32_t r = row * layer->stride + tap / side;
            const int32_t s = column * layer->stride + tap % side;
            const double value = values[l - 1][(c * before->size + r) * before->size + s];
            const double weight = layer->kind == SUBSAMPLING
                                      ? weights[l][k]
                                      : weights[l][k * row_of(l) + c * side * side + tap];
            total += value * weight;
            terms[count++] = (term){c, r, s, value, weight, value * weight, total};
        }
    }
    return count;
}

/* --- the pen -----------------------------------------------------------------------------------
 */

/* Strokes are kept as lines, so that the pen is equally thick whatever the size of the drawing.
 * They are fitted as the digits of the training set are: the longer side has 20 cells, and the
 * centre of mass is the centre of the image. */
typedef struct {
    double x0, y0, x1, y1;
} line;
enum { MOST_LINES = 4000, SIDE = 32, BOX = 20 };
static line lines[MOST_LINES];
static int32_t line_count;
static const double paper = -0.1, ink = 1.175, radius = 1.1; /* cells */

void EXPORT(walk_clear)(void) { line_count = 0; }

/* Adds a line from one point of the pad to another, or a dot; false if there is no room. */
int32_t EXPORT(walk_line)(double x0, double y0, double x1, double y1)
{
    if (line_count == MOST_LINES)
        return 0;
    lines[line_count++] = (line){x0, y0, x1, y1};
    return 1;
}

static double distance(const line *l, double x, double y)
{
    const double dx = l->x1 - l->x0, dy = l->y1 - l->y0, length = dx * dx + dy * dy;
    double t = length > 0 ? ((x - l->x0) * dx + (y - l->y0) * dy) / length : 0;
    t = t < 0 ? 0 : t > 1 ? 1 : t;
    return hypot(l->x0 + t * dx - x, l->y0 + t * dy - y);
}

/* Draws the lines, moved and scaled; the edge of a stroke is one cell wide. */
static void draw(double scale, double left, double top)
{
    double *image = values[IMAGE];
    for (int i = 0; i < SIDE * SIDE; i++) image[i] = paper;
    for (int32_t n = 0; n < line_count; n++) {
        const line l = {left + scale * lines[n].x0, top + scale * lines[n].y0,
                        left + scale * lines[n].x1, top + scale * lines[n].y1};
        for (int i = 0; i < SIDE * SIDE; i++) {
            const double cover = radius + 0.5 - distance(&l, i % SIDE + 0.5, i / SIDE + 0.5);
            const double level = paper + (cover > 1 ? 1 : cover) * (ink - paper);
            if (cover > 0 && level > image[i])
                image[i] = level;
        }
    }
}

/* Makes the image of the lines; returns whether there is one. */
int32_t EXPORT(walk_draw)(void)
{
    if (!line_count) {
        draw(1, 0, 0);
        return 0;
    }
    double low[2] = {HUGE_VAL, HUGE_VAL}, high[2] = {-HUGE_VAL, -HUGE_VAL};
    for (int32_t n = 0; n < line_count; n++) {
        const double x[2] = {lines[n].x0, lines[n].x1}, y[2] = {lines[n].y0, lines[n].y1};
        for (int end = 0; end < 2; end++) {
            low[0] = fmin(low[0], x[end]);
            high[0] = fmax(high[0], x[end]);
            low[1] = fmin(low[1], y[end]);
            high[1] = fmax(high[1], y[end]);
        }
    }
    /* Half of the pen is outside the lines; a dot stays a dot. */
    const double longest = fmax(high[0] - low[0], high[1] - low[1]);
    const double scale = longest > 0 ? (BOX - 2 * radius) / longest : 1;
    const double left = SIDE / 2.0 - scale * (low[0] + high[0]) / 2;
    const double top = SIDE / 2.0 - scale * (low[1] + high[1]) / 2;
    draw(scale, left, top);
    double mass = 0, across = 0, down = 0;
    for (int i = 0; i < SIDE * SIDE; i++) {
        const double here = values[IMAGE][i] - paper;
        mass += here;
        across += here * (i % SIDE + 0.5);
        down += here * (i / SIDE + 0.5);
    }
    draw(scale, left + SIDE / 2.0 - across / mass, top + SIDE / 2.0 - down / mass);
    return 1;
}

/* Where everything is. */
int32_t EXPORT(walk_layers)(void) { return LAYERS; }
const int32_t *EXPORT(walk_shape)(int32_t l) { return (const int32_t *)&layers[l]; }
uint8_t *EXPORT(walk_packed)(void) { return packed; }
double *EXPORT(walk_values)(int32_t l) { return values[l]; }
double *EXPORT(walk_probabilities)(void) { return probabilities; }
double *EXPORT(walk_terms)(void) { return (double *)terms; }
double EXPORT(walk_bias)(int32_t l, int32_t k) { return biases[l][k]; }
double EXPORT(walk_total)(void) { return total; }
int32_t EXPORT(walk_sees)(int32_t l, int32_t k, int32_t c) { return sees(l, k, c); }
