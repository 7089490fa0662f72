/* What the norm of a window needs beside folds: roots, the norm of one window, its slope. */
#include "vec.h"

#include <float.h>
#include <math.h>

/* A sum of p-th powers in this range has lost nothing: no term has overflowed, and what terms lose
 * below the smallest normal number is less than the last bit of the sum. */
#if CC_REAL_BYTES == 4
static const real LEAST = FLT_MIN * 0x1p26f, MOST = FLT_MAX;
#else
static const real LEAST = DBL_MIN * 0x1p62, MOST = DBL_MAX;
#endif

static real magnitude(real v) { return v < 0 ? -v : v; }

static real power(real v, double p)
{
    if (p == 0)
        return 1;
    if (p == 1)
        return v;
    if (p == 2)
        return v * v;
    return (real)pow((double)v, p);
}

static real root_of(real v, double p)
{
    if (p == 1)
        return v;
    if (p == 2)
        return (real)sqrt((double)v);
    return (real)(p == 3 ? cbrt((double)v) : pow((double)v, 1 / p));
}

bool CC_FN(root)(void *sums, const void *largest, ptrdiff_t count, double p)
{
    real *restrict s = sums;
    const real *restrict m = largest;
    if (p == 1)
        return true;
    bool safe = true;
    if (!m)
        for (ptrdiff_t i = 0; i < count; i++) safe &= (s[i] >= LEAST) & (s[i] <= MOST);
    else /* windows of zeros, of infinity or of NaN are what their sum says */
        for (ptrdiff_t i = 0; i < count; i++)
            safe &= ((s[i] >= LEAST) & (s[i] <= MOST)) | (m[i] == 0) | !(m[i] <= MOST);
    if (!safe)
        return false;
    if (p == 2)
#if CC_REAL_BYTES == 4
        for (ptrdiff_t i = 0; i < count; i++) s[i] = sqrtf(s[i]);
#else
        for (ptrdiff_t i = 0; i < count; i++) s[i] = sqrt(s[i]);
#endif
    else
        for (ptrdiff_t i = 0; i < count; i++) s[i] = root_of(s[i], p);
    return true;
}

void CC_FN(norm)(const cc_cells *cells, double p, void *y)
{
    const real *const *rows = (const real *const *)cells->rows;
    real largest = 0, sum = 0;
    for (ptrdiff_t r = 0; r < cells->count; r++)
        for (ptrdiff_t c = 0; c < cells->cells; c++) {
            const real v = magnitude(rows[r][c * cells->step]);
            if (v > largest || v != v)
                largest = v;
            if (largest != largest)
                break;
        }
    if (largest == 0 || !(largest <= MOST)) {
        *(real *)y = largest;
        return;
    }
    for (ptrdiff_t r = 0; r < cells->count; r++)
        for (ptrdiff_t c = 0; c < cells->cells; c++)
            sum += power(magnitude(rows[r][c * cells->step]) / largest, p);
    *(real *)y = largest * root_of(sum, p);
}

/* The ratio |x| / y is at most 1 and its powers cannot overflow, whatever the sizes of x and y. */
void CC_FN(slope)(const void *grad, const void *x, const void *y, ptrdiff_t count, double p,
                  ptrdiff_t x_step, void *dx)
{
    const real *restrict g = grad, *restrict in = x, *restrict out = y;
    real *restrict d = dx;
    if (p == 2) {
        for (ptrdiff_t i = 0; i < count; i++)
            d[i * x_step] += out[i] == 0 ? 0 : g[i] * (in[i * x_step] / out[i]);
        return;
    }
    for (ptrdiff_t i = 0; i < count; i++) {
        const real v = in[i * x_step];
        const real sign = v > 0 ? 1 : v < 0 ? -1 : v; /* NaN stays NaN */
        if (out[i] != 0)
            d[i * x_step] += g[i] * (sign * power(magnitude(v) / out[i], p - 1));
    }
}
