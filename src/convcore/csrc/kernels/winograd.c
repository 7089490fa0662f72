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

enum { POINTS = CC_WINOGRAD_POINTS, OUTPUTS = CC_WINOGRAD_OUTPUTS, TAPS = CC_WINOGRAD_TAPS };

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

/* The adjoint of outputs_of(): six points of four outputs' gradients. */
CC_INLINE void grad_points(const vec *y, vec *m)
{
    const vec even_a = y[0] + A2 * y[2], odd_a = A * (y[1] + A2 * y[3]);
    const vec even_b = y[0] + B2 * y[2], odd_b = B * (y[1] + B2 * y[3]);
    m[0] = y[0];
    m[1] = even_a + odd_a;
    m[2] = even_a - odd_a;
    m[3] = even_b + odd_b;
    m[4] = even_b - odd_b;
    m[5] = y[3];
}

/* Squares of the points, and what the interpolation would divide a value at them by. */
static const double a2 = 0.75 * 0.75, b2 = 1.5 * 1.5;
static const double of_a = 1 / (2 * a2 * (a2 - b2)), of_b = 1 / (2 * b2 * (b2 - a2));
static const double of_point[POINTS] = {1 / (a2 * b2), of_a, of_a, of_b, of_b, 1};

/* The adjoint of weight_points(): gradients of three taps from those of their six points. */
CC_INLINE void taps_of(const vec *u, vec *g)
{
    const real by_0 = (real)of_point[0], by_a = (real)of_a, by_b = (real)of_b;
    const vec sum_a = by_a * (u[1] + u[2]), sum_b = by_b * (u[3] + u[4]);
    g[0] = by_0 * u[0] + sum_a + sum_b;
    g[1] = A * by_a * (u[1] - u[2]) + B * by_b * (u[3] - u[4]);
    g[2] = A2 * sum_a + B2 * sum_b + u[5];
}

/* Lines of `count` vectors, `line` elements apart, their elements `step` apart: loaded. */
CC_INLINE void load_line(const real *src, ptrdiff_t step, int count, vec *line)
{
    CC_UNROLL
    for (int i = 0; i < count; i++) line[i] = load(src + i * step);
}

/* A transform of a line of `from` vectors to `into`; `checked`: results, to which a bias is added.
 */
typedef struct {
    void (*apply)(const vec *from, vec *into);
    int from, into;
    bool checked;
} transform;

/* Where a tile's vectors go: `row` and `column` elements apart; what is added to those that are
 * checked; and 0 for each lane whose vectors are numbers, else NaN. */
typedef struct {
    real *dst;
    ptrdiff_t row, column;
    vec bias, lost;
} sink;

CC_INLINE void store_line(sink *to, bool checked, int row, int count, const vec *line)
{
    CC_UNROLL
    for (int j = 0; j < count; j++) {
        const vec sum = checked ? line[j] + to->bias : line[j];
        if (checked)
            to->lost += sum * 0;
        store(to->dst + row * to->row + j * to->column, sum);
    }
}

/* A tile of one vector of channels, transformed along both axes, first along rows; an axis with one
 * tap is left as it is. All of `by` are constants here. */
CC_INLINE void tile_of(const cc_winograd *a, transform by, const real *src, ptrdiff_t row,
                       ptrdiff_t column, sink *to)
{
    vec between[POINTS][POINTS], line[POINTS], value[POINTS];
    const int columns = a->columns == 1 ? 1 : by.from, rows = a->rows == 1 ? 1 : by.into;
    for (int j = 0; j < columns; j++) {
        if (a->rows == 1) {
            between[0][j] = load(src + j * column);
            continue;
        }
        load_line(src + j * column, row, by.from, line);
        by.apply(line, value);
        CC_UNROLL
        for (int i = 0; i < by.into; i++) between[i][j] = value[i];
    }
    for (int i = 0; i < rows; i++) {
        if (a->columns == 1) {
            store_line(to, by.checked, i, 1, between[i]);
            continue;
        }
        by.apply(between[i], value);
        store_line(to, by.checked, i, by.into, value);
    }
}

/* From a row of points and from a point to the next. */
CC_INLINE ptrdiff_t point_row(const cc_winograd *a) { return a->columns * a->point; }

/* At least a vector of channels; the last vector may overlap the one before. */
CC_INLINE void to_points(const cc_winograd *a, transform by, const real *src, real *dst)
{
    for (ptrdiff_t c = 0; c < a->channels; c += LANES) {
        const ptrdiff_t at = c + LANES <= a->channels ? c : a->channels - LANES;
        sink to = {.dst = dst + at, .row = point_row(a), .column = a->point};
        tile_of(a, by, src + at, a->row, a->column, &to);
    }
}

void CC_FN(winograd_input)(const cc_winograd *args, const void *src, void *dst)
{
    to_points(args, (transform){input_points, POINTS, POINTS, false}, src, dst);
}

void CC_FN(winograd_grad)(const cc_winograd *args, const void *src, void *dst)
{
    to_points(args, (transform){grad_points, OUTPUTS, POINTS, false}, src, dst);
}

/* Of whole vectors; whether all results are numbers. bias: NULL: none. */
CC_INLINE bool from_points(const cc_winograd *a, transform by, const real *src, const real *bias,
                           real *dst)
{
    sink to = {.row = a->row, .column = a->column};
    for (ptrdiff_t c = 0; c < a->channels; c += LANES) {
        to.dst = dst + c;
        to.bias = bias ? load(bias + c) : (vec){0};
        tile_of(a, by, src + c, point_row(a), a->point, &to);
    }
    real total = 0;
    for (int i = 0; i < LANES; i++) total += to.lost[i];
    return total == 0;
}

bool CC_FN(winograd_output)(const cc_winograd *args, const void *src, const void *bias, void *dst)
{
    return from_points(args, (transform){outputs_of, POINTS, OUTPUTS, true}, src, bias, dst);
}

bool CC_FN(winograd_weight_grad)(const cc_winograd *args, const void *src, void *dst)
{
    return from_points(args, (transform){taps_of, POINTS, TAPS, true}, src, NULL, dst);
}

/* Weights are transformed in double precision and rounded once: as many at a time as are a vector
 * of doubles. */
#define WIDE_LANES (CC_VECTOR_BYTES / 8)
typedef double wide __attribute__((vector_size(CC_VECTOR_BYTES)));
typedef real narrow
    __attribute__((vector_size(WIDE_LANES * CC_REAL_BYTES), aligned(sizeof(real)), may_alias));

/* Compilers would convert halves, and join them. */
CC_INLINE wide load_wide(const real *p)
{
#if CC_VECTOR_BYTES == 64 && CC_REAL_BYTES == 4
    return (wide)_mm512_cvtps_pd(_mm256_loadu_ps(p));
#else
    return __builtin_convertvector(*(const narrow *)p, wide);
#endif
}
CC_INLINE void store_narrow(real *p, wide v) { *(narrow *)p = __builtin_convertvector(v, narrow); }

/* The values of a polynomial of three coefficients at the points. */
CC_INLINE void values_of(const wide *g, wide *u)
{
    const wide even_a = g[0] + a2 * g[2], even_b = g[0] + b2 * g[2];
    u[0] = g[0];
    u[1] = even_a + 0.75 * g[1];
    u[2] = even_a - 0.75 * g[1];
    u[3] = even_b + 1.5 * g[1];
    u[4] = even_b - 1.5 * g[1];
    u[5] = g[2];
}

/* The same, each divided by what the interpolation would divide by, and times `scale`. */
CC_INLINE void weight_points(const wide *g, double scale, wide *u)
{
    const wide even_a = (g[0] + a2 * g[2]) * (scale * of_a), odd_a = g[1] * (0.75 * scale * of_a);
    const wide even_b = (g[0] + b2 * g[2]) * (scale * of_b), odd_b = g[1] * (1.5 * scale * of_b);
    u[0] = g[0] * (scale * of_point[0]);
    u[1] = even_a + odd_a;
    u[2] = even_a - odd_a;
    u[3] = even_b + odd_b;
    u[4] = even_b - odd_b;
    u[5] = g[2] * scale;
}

/* The points of a vector of output channels: of taps along one axis, `step` elements apart. */
CC_INLINE void weight_line(const real *src, ptrdiff_t step, real *dst, ptrdiff_t point)
{
    wide line[TAPS], value[POINTS];
    CC_UNROLL
    for (int i = 0; i < TAPS; i++) line[i] = load_wide(src + i * step);
    weight_points(line, 1, value);
    CC_UNROLL
    for (int i = 0; i < POINTS; i++) store_narrow(dst + i * point, value[i]);
}

/* Weights lie one input channel after the other: those of so many channels further on are fetched
 * meanwhile, for hardware does not follow nine taps at once. */
enum { AHEAD = 2 };

/* The same of taps along both axes. */
CC_INLINE void weight_square(const cc_winograd *a, const real *src, real *dst)
{
    wide between[POINTS][TAPS], line[TAPS], value[POINTS];
    CC_UNROLL
    for (int j = 0; j < TAPS; j++) {
        CC_UNROLL
        for (int i = 0; i < TAPS; i++) {
            const real *tap = src + i * a->row + j * a->column;
            __builtin_prefetch(tap + AHEAD * TAPS * a->row);
            line[i] = load_wide(tap);
        }
        values_of(line, value);
        CC_UNROLL
        for (int i = 0; i < POINTS; i++) between[i][j] = value[i];
    }
    CC_UNROLL
    for (int i = 0; i < POINTS; i++) {
        weight_points(between[i], of_point[i], value);
        CC_UNROLL
        for (int j = 0; j < POINTS; j++, dst += a->point) store_narrow(dst, value[j]);
    }
}

void CC_FN(winograd_weights)(const cc_winograd *args, const void *src, void *dst)
{
    const cc_winograd a = *args; /* a copy, which stores do not change */
    for (ptrdiff_t c = 0; c < a.channels; c += WIDE_LANES) {
        const real *from = (const real *)src + c;
        real *to = (real *)dst + c;
        if (a.rows > 1 && a.columns > 1)
            weight_square(&a, from, to);
        else
            weight_line(from, a.rows > 1 ? a.row : a.column, to, a.point);
    }
}
