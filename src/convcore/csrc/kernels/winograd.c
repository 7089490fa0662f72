/* Winograd's convolution F(4, 3): what 4 neighbouring outputs of a kernel of 3 taps see is 6
 * inputs; 6 products of their transforms give the same sums as 12 multiply-adds. Along two axes: 36
 * for 144. docs/learn/fast.rst derives it: the outputs are the coefficients of a product of
 * polynomials, whose values at 0, +-3/4, +-3/2 and infinity are multiplied instead. These points
 * round least.
 *
 * One channel a lane. An axis of the kernel with one tap is left as it is: one point an output.
 */
#include "vec.h"

#define A2 ((real)(0.75 * 0.75))
#define B2 ((real)(1.5 * 1.5))
#define A ((real)0.75)
#define B ((real)1.5)

enum { POINTS = CC_WINOGRAD_POINTS, OUTPUTS = CC_WINOGRAD_OUTPUTS };

/* Six inputs as the six points of a polynomial's product take them: rows of the transposed
 * interpolation. */
CC_INLINE void input_points(const vec *d, vec *t)
{
    const vec even_a = d[4] - B2 * d[2], odd_a = A * (d[3] - B2 * d[1]);
    const vec even_b = d[4] - A2 * d[2], odd_b = B * (d[3] - A2 * d[1]);
    t[0] = d[4] - (A2 + B2) * d[2] + (A2 * B2) * d[0];
    t[1] = even_a + odd_a;
    t[2] = even_a - odd_a;
    t[3] = even_b + odd_b;
    t[4] = even_b - odd_b;
    t[5] = d[5] - (A2 + B2) * d[3] + (A2 * B2) * d[1];
}

/* Four outputs of the products at six points. */
CC_INLINE void outputs_of(const vec *m, vec *y)
{
    const vec sum_a = m[1] + m[2], sum_b = m[3] + m[4];
    const vec gap_a = A * (m[1] - m[2]), gap_b = B * (m[3] - m[4]);
    y[0] = m[0] + sum_a + sum_b;
    y[1] = gap_a + gap_b;
    y[2] = A2 * sum_a + B2 * sum_b;
    y[3] = m[5] + A2 * gap_a + B2 * gap_b;
}

/* Lines of `count` vectors, `line` elements apart, their elements `step` apart: loaded. */
CC_INLINE void load_line(const real *src, ptrdiff_t step, int count, vec *line)
{
    CC_UNROLL
    for (int i = 0; i < count; i++) line[i] = load(src + i * step);
}

/* The points of one vector of channels. */
CC_INLINE void input_tile(const cc_winograd *a, const real *src, real *dst)
{
    const int rows = a->rows, columns = a->columns;
    vec between[POINTS][POINTS], line[POINTS], point[POINTS];
    for (int j = 0; j < columns; j++) {
        if (rows == 1) {
            between[0][j] = load(src + j * a->column);
            continue;
        }
        load_line(src + j * a->column, a->row, POINTS, line);
        input_points(line, point);
        CC_UNROLL
        for (int i = 0; i < POINTS; i++) between[i][j] = point[i];
    }
    for (int i = 0; i < rows; i++) {
        if (columns == 1) {
            store(dst + i * a->point, between[i][0]);
            continue;
        }
        input_points(between[i], point);
        CC_UNROLL
        for (int j = 0; j < POINTS; j++) store(dst + (i * POINTS + j) * a->point, point[j]);
    }
}

void CC_FN(winograd_input)(const cc_winograd *args, const void *src, void *dst)
{
    /* at least a vector of channels; the last may overlap the one before */
    for (ptrdiff_t c = 0; c < args->channels; c += LANES) {
        const ptrdiff_t from = c + LANES <= args->channels ? c : args->channels - LANES;
        input_tile(args, (const real *)src + from, (real *)dst + from);
    }
}

/* Stores the outputs of one vector of channels; returns 0 for each that is a number, else NaN. */
CC_INLINE vec output_tile(const cc_winograd *a, const real *src, vec bias, real *dst)
{
    const int rows = a->rows, columns = a->columns;
    const int lines = rows == 1 ? 1 : OUTPUTS, width = columns == 1 ? 1 : OUTPUTS;
    vec between[OUTPUTS][POINTS], line[POINTS], y[OUTPUTS], lost = {0};
    for (int j = 0; j < columns; j++) {
        if (rows == 1) {
            between[0][j] = load(src + j * a->point);
            continue;
        }
        load_line(src + j * a->point, columns * a->point, POINTS, line);
        outputs_of(line, y);
        CC_UNROLL
        for (int i = 0; i < OUTPUTS; i++) between[i][j] = y[i];
    }
    for (int i = 0; i < lines; i++) {
        if (columns == 1)
            y[0] = between[i][0];
        else
            outputs_of(between[i], y);
        for (int j = 0; j < width; j++) {
            const vec sum = y[j] + bias;
            lost += sum * 0;
            store(dst + i * a->row + j * a->column, sum);
        }
    }
    return lost;
}

bool CC_FN(winograd_output)(const cc_winograd *args, const void *src, const void *bias, void *dst)
{
    vec lost = {0};
    for (ptrdiff_t c = 0; c < args->channels; c += LANES)
        lost +=
            output_tile(args, (const real *)src + c, load((const real *)bias + c), (real *)dst + c);
    real total = 0;
    for (int i = 0; i < LANES; i++) total += lost[i];
    return total == 0;
}

/* Weights are transformed in double precision and rounded once: as many at a time as are a vector
 * of doubles. */
#define WIDE_LANES (CC_VECTOR_BYTES / 8)
typedef double wide __attribute__((vector_size(CC_VECTOR_BYTES)));
typedef real narrow
    __attribute__((vector_size(WIDE_LANES * CC_REAL_BYTES), aligned(sizeof(real)), may_alias));

CC_INLINE wide load_wide(const real *p)
{
    return __builtin_convertvector(*(const narrow *)p, wide);
}
CC_INLINE void store_narrow(real *p, wide v) { *(narrow *)p = __builtin_convertvector(v, narrow); }

/* The values of a polynomial of three coefficients at the points, each divided by what the
 * interpolation would divide by. */
CC_INLINE void weight_points(const wide *g, wide *u)
{
    const double a = 0.75 * 0.75, b = 1.5 * 1.5, of_a = 1 / (2 * a * (a - b)),
                 of_b = 1 / (2 * b * (b - a));
    const wide even_a = (g[0] + a * g[2]) * of_a, odd_a = 0.75 * of_a * g[1];
    const wide even_b = (g[0] + b * g[2]) * of_b, odd_b = 1.5 * of_b * g[1];
    u[0] = g[0] * (1 / (a * b));
    u[1] = even_a + odd_a;
    u[2] = even_a - odd_a;
    u[3] = even_b + odd_b;
    u[4] = even_b - odd_b;
    u[5] = g[2];
}

enum { TAPS = 3 };

/* The points of a vector of output channels: of taps along one axis, `step` elements apart. */
CC_INLINE void weight_line(const real *src, ptrdiff_t step, real *dst, ptrdiff_t point)
{
    wide line[TAPS], value[POINTS];
    CC_UNROLL
    for (int i = 0; i < TAPS; i++) line[i] = load_wide(src + i * step);
    weight_points(line, value);
    CC_UNROLL
    for (int i = 0; i < POINTS; i++) store_narrow(dst + i * point, value[i]);
}

/* The same of taps along both axes. */
CC_INLINE void weight_square(const cc_winograd *a, const real *src, real *dst)
{
    wide between[POINTS][TAPS], line[TAPS], value[POINTS];
    CC_UNROLL
    for (int j = 0; j < TAPS; j++) {
        CC_UNROLL
        for (int i = 0; i < TAPS; i++) line[i] = load_wide(src + i * a->row + j * a->column);
        weight_points(line, value);
        CC_UNROLL
        for (int i = 0; i < POINTS; i++) between[i][j] = value[i];
    }
    CC_UNROLL
    for (int i = 0; i < POINTS; i++) {
        weight_points(between[i], value);
        CC_UNROLL
        for (int j = 0; j < POINTS; j++) store_narrow(dst + (i * POINTS + j) * a->point, value[j]);
    }
}

void CC_FN(winograd_weights)(const cc_winograd *args, const void *src, void *dst)
{
    for (ptrdiff_t c = 0; c < args->channels; c += WIDE_LANES) {
        const real *from = (const real *)src + c;
        real *to = (real *)dst + c;
        if (args->rows > 1 && args->columns > 1)
            weight_square(args, from, to);
        else
            weight_line(from, args->rows > 1 ? args->row : args->column, to, args->point);
    }
}
