/* What the norm of a window needs beside reductions: roots, the norm of one window, its gradient.
 */
#include "power.h"

#include <math.h>

/* A sum of p-th powers in this range has lost nothing: no term has overflowed, and what terms lose
 * below the smallest normal number is less than the last bit of the sum. */
#if CC_REAL_BYTES == 4
static const real LEAST = FLT_MIN * 0x1p26f, MOST = FLT_MAX;
#else
static const real LEAST = DBL_MIN * 0x1p62, MOST = DBL_MAX;
#endif

/* Cells, or norms, that are raised to a power at a time. */
enum { MANY = 64 };

static double magnitude(real v) { return __builtin_fabs((double)v); }

/* Takes the roots of `count` sums. */
static void take_roots(real *sums, ptrdiff_t count, double p)
{
    if (p == 2) {
#if CC_REAL_BYTES == 4
        for (ptrdiff_t i = 0; i < count; i++) sums[i] = sqrtf(sums[i]);
#else
        for (ptrdiff_t i = 0; i < count; i++) sums[i] = sqrt(sums[i]);
#endif
        return;
    }
    double values[MANY];
    const exponent inverse = inverse_of(p);
    for (ptrdiff_t from = 0; from < count; from += MANY) {
        const ptrdiff_t some = count - from < MANY ? count - from : MANY;
        for (ptrdiff_t i = 0; i < some; i++) values[i] = (double)sums[from + i];
        raise(values, some, inverse);
        for (ptrdiff_t i = 0; i < some; i++) sums[from + i] = (real)values[i];
    }
}

bool CC_FN(root)(void *sums, void *again, ptrdiff_t count, double p)
{
    real *restrict s = sums, *restrict m = again;
    bool safe = true;
    if (p == 1)
        return true;
    if (!m) {
        for (ptrdiff_t i = 0; i < count; i++) safe &= (s[i] >= LEAST) & (s[i] <= MOST);
        if (safe)
            take_roots(s, count, p);
        return safe;
    }
    for (ptrdiff_t i = 0; i < count; i++) {
        /* windows of zeros, of infinity or of NaN are what their sum says */
        const bool valid = ((s[i] >= LEAST) & (s[i] <= MOST)) | (m[i] == 0) | !(m[i] <= MOST);
        m[i] = valid ? 0 : 1;
        if (valid)
            take_roots(&s[i], 1, p);
    }
    return false;
}

/* The sum of the p-th powers of a row's cells, as fractions of `largest`. */
static double add_row(const cc_cells *cells, const real *row, double largest, double p, double sum)
{
    double values[MANY];
    for (ptrdiff_t from = 0; from < cells->cells; from += MANY) {
        const ptrdiff_t some = cells->cells - from < MANY ? cells->cells - from : MANY;
        for (ptrdiff_t i = 0; i < some; i++)
            values[i] = magnitude(row[(from + i) * cells->step]) / largest;
        if (p == 2)
            for (ptrdiff_t i = 0; i < some; i++) values[i] *= values[i];
        else
            raise(values, some, (exponent){p, 0});
        for (ptrdiff_t i = 0; i < some; i++) sum += values[i];
    }
    return sum;
}

void CC_FN(norm)(const cc_cells *cells, double p, void *y)
{
    const real *const *rows = (const real *const *)cells->rows;
    double largest = 0, sum = 0;
    for (ptrdiff_t r = 0; r < cells->count; r++)
        for (ptrdiff_t c = 0; c < cells->cells; c++) {
            const double v = magnitude(rows[r][c * cells->step]);
            if (v > largest || v != v)
                largest = v;
            if (largest != largest)
                break;
        }
    if (largest == 0 || !(largest <= MOST)) {
        *(real *)y = (real)largest;
        return;
    }
    for (ptrdiff_t r = 0; r < cells->count; r++) sum = add_row(cells, rows[r], largest, p, sum);
    if (p == 2)
        sum = sqrt(sum);
    else
        raise(&sum, 1, inverse_of(p));
    *(real *)y = (real)(largest * sum);
}

/* The ratio |x| / y is at most 1 and its powers cannot overflow, whatever the sizes of x and y. */
void CC_FN(lp_grad)(const cc_lp_grad_args *args, void *dx)
{
    const real *restrict g = args->grad, *restrict in = args->x, *restrict out = args->y;
    const ptrdiff_t count = args->count, x_step = args->x_step;
    const double p = args->p;
    real *restrict d = dx;
    if (p == 2) {
        for (ptrdiff_t i = 0; i < count; i++)
            d[i * x_step] += out[i] == 0 ? 0 : g[i] * (in[i * x_step] / out[i]);
        return;
    }
    double powers[MANY];
    for (ptrdiff_t from = 0; from < count; from += MANY) {
        const ptrdiff_t some = count - from < MANY ? count - from : MANY;
        for (ptrdiff_t i = 0; i < some; i++)
            powers[i] = magnitude(in[(from + i) * x_step]) / (double)out[from + i];
        if (p > 1)
            raise(powers, some, less_one(p));
        for (ptrdiff_t i = 0; i < some; i++) {
            const real v = in[(from + i) * x_step];
            const double sign = v > 0 ? 1 : v < 0 ? -1 : (double)v; /* NaN stays NaN */
            const double part = p > 1 ? sign * powers[i] : sign;
            if (out[from + i] != 0)
                d[(from + i) * x_step] += (real)((double)g[from + i] * part);
        }
    }
}
