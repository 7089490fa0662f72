/* The fast Fourier transform along an axis, of many columns at once, one a lane: a cache line of
 * columns goes through all passes while it stays in L1. docs/learn/fast.rst derives it.
 *
 * fft_forward() halves or quarters what it transforms from pass to pass (decimation in frequency)
 * and leaves the spectrum in the order of reversed digits. Spectra are only multiplied point by
 * point, so nobody minds, and fft_backward() goes through the same passes backward (decimation in
 * time) and takes them in this order. Both compute in place, with the same sign of the exponent and
 * without a factor: an inverse transform is fft_backward() with real and imaginary parts exchanged.
 */
#include "vec.h"

/* Vectors of a cache line. */
enum { VECS = CC_FFT_LINE / CC_VECTOR_BYTES };

typedef struct {
    vec re, im;
} complex_vec;

CC_INLINE complex_vec plus(complex_vec a, complex_vec b)
{
    return (complex_vec){a.re + b.re, a.im + b.im};
}
CC_INLINE complex_vec minus(complex_vec a, complex_vec b)
{
    return (complex_vec){a.re - b.re, a.im - b.im};
}
/* a times -i */
CC_INLINE complex_vec rotated(complex_vec a) { return (complex_vec){a.im, -a.re}; }
CC_INLINE complex_vec times(complex_vec a, const real *w)
{
    const vec re = splat(w[0]), im = splat(w[1]);
    return (complex_vec){a.re * re - a.im * im, a.re * im + a.im * re};
}

/* The transform of `radix` numbers, in place. */
CC_INLINE void butterfly(int radix, complex_vec *t)
{
    if (radix == 4) {
        const complex_vec a = plus(t[0], t[2]), b = minus(t[0], t[2]);
        const complex_vec c = plus(t[1], t[3]), d = rotated(minus(t[1], t[3]));
        t[0] = plus(a, c);
        t[1] = plus(b, d);
        t[2] = minus(a, c);
        t[3] = minus(b, d);
    } else if (radix == 3) {
        const vec half = splat((real)0.5), root = splat((real)0.86602540378443864676);
        const complex_vec sum = plus(t[1], t[2]), gap = rotated(minus(t[1], t[2]));
        const complex_vec a = {t[0].re - half * sum.re, t[0].im - half * sum.im};
        const complex_vec b = {root * gap.re, root * gap.im};
        t[0] = plus(t[0], sum);
        t[1] = plus(a, b);
        t[2] = minus(a, b);
    } else {
        const complex_vec a = t[0];
        t[0] = plus(a, t[1]);
        t[1] = minus(a, t[1]);
    }
}

/* One pass over blocks of `size` numbers: in each, numbers j, j + part, ... are transformed, and
 * number q of the results is multiplied by w[j][q - 1]. Backward: multiplied, then transformed. */
typedef struct {
    ptrdiff_t size;
    const real *w;
} step;

CC_INLINE void pass(const cc_fft *a, int radix, bool backward, step s, real *re, real *im)
{
    const ptrdiff_t part = s.size / radix, apart = part * a->step, block = s.size * a->step;
    for (ptrdiff_t j = 0; j < part; j++, s.w += 2 * (radix - 1))
        for (ptrdiff_t at = j * a->step; at < a->length * a->step; at += block) {
            CC_UNROLL
            for (int v = 0; v < VECS; v++) {
                real *r = re + at + v * LANES, *i = im + at + v * LANES;
                complex_vec t[4];
                CC_UNROLL
                for (int q = 0; q < radix; q++) {
                    t[q] = (complex_vec){load(r + q * apart), load(i + q * apart)};
                    if (backward && q)
                        t[q] = times(t[q], s.w + 2 * (q - 1));
                }
                butterfly(radix, t);
                CC_UNROLL
                for (int q = 0; q < radix; q++) {
                    if (!backward && q)
                        t[q] = times(t[q], s.w + 2 * (q - 1));
                    store(r + q * apart, t[q].re);
                    store(i + q * apart, t[q].im);
                }
            }
        }
}

CC_INLINE void any_pass(const cc_fft *a, bool backward, step s, real *re, real *im)
{
    switch (cc_fft_radix(s.size)) {
    case 4:
        pass(a, 4, backward, s, re, im);
        break;
    case 3:
        pass(a, 3, backward, s, re, im);
        break;
    default:
        pass(a, 2, backward, s, re, im);
    }
}

/* The passes of a transform; returns how many. */
enum { MOST_PASSES = 32 };
CC_INLINE int list_passes(const cc_fft *a, step *passes)
{
    int count = 0;
    const real *w = a->twiddles;
    for (ptrdiff_t size = a->length; size > 1; size /= cc_fft_radix(size)) {
        passes[count++] = (step){size, w};
        w += cc_fft_twiddles(size);
    }
    return count;
}

void CC_FN(fft_forward)(const cc_fft *a, void *re, void *im)
{
    step passes[MOST_PASSES];
    const int count = list_passes(a, passes);
    for (ptrdiff_t c = 0; c < a->columns; c += VECS * LANES)
        for (int i = 0; i < count; i++)
            any_pass(a, false, passes[i], (real *)re + c, (real *)im + c);
}

void CC_FN(fft_backward)(const cc_fft *a, void *re, void *im)
{
    step passes[MOST_PASSES];
    const int count = list_passes(a, passes);
    for (ptrdiff_t c = 0; c < a->columns; c += VECS * LANES)
        for (int i = count - 1; i >= 0; i--)
            any_pass(a, true, passes[i], (real *)re + c, (real *)im + c);
}

/* dst = (add: dst) + a times the conjugate of b, or b. */
CC_INLINE void multiply(ptrdiff_t count, bool add, bool conjugate, const real *a, const real *b,
                        real *dst)
{
    for (ptrdiff_t i = 0; i < count; i += LANES) {
        const vec ar = load(a + i), ai = load(a + count + i);
        const vec br = load(b + i), bi = load(b + count + i);
        vec re = add ? load(dst + i) : (vec){0}, im = add ? load(dst + count + i) : (vec){0};
        re += ar * br;
        im += ai * br;
        store(dst + i, conjugate ? re + ai * bi : re - ai * bi);
        store(dst + count + i, conjugate ? im - ar * bi : im + ar * bi);
    }
}

void CC_FN(fft_twiddle)(ptrdiff_t count, bool conjugate, const void *twiddles, void *spectrum)
{
    if (conjugate)
        multiply(count, false, true, spectrum, twiddles, spectrum);
    else
        multiply(count, false, false, spectrum, twiddles, spectrum);
}

void CC_FN(fft_correlate)(ptrdiff_t count, const void *x, const void *weight, void *y)
{
    multiply(count, true, true, x, weight, y);
}

/* Below it products of spectra may have lost digits to subnormal numbers. */
#define LEAST_TRUSTED ((real)(CC_REAL_BYTES == 4 ? 0x1p-90 : 0x1p-900))

bool CC_FN(fft_output)(const cc_fft_outputs *args, const void *bias, void *y)
{
    const vec scale = splat((real)args->scale), offset = splat(*(const real *)bias);
    vec lost = {0}, most = {0};
    real *row = y;
    for (ptrdiff_t r = 0; r < args->rows; r++, row += args->row)
        for (ptrdiff_t c = 0; c < args->columns; c += LANES) { /* rows are whole vectors */
            const vec v = load(row + c) * scale, sum = v + offset;
            lost += sum * 0;
            most = larger(most, larger(v, -v));
            store(row + c, sum);
        }
    real total = 0, largest = 0;
    for (int i = 0; i < LANES; i++) {
        total += lost[i];
        largest = most[i] > largest ? most[i] : largest;
    }
    return total == 0 && (largest == 0 || largest >= LEAST_TRUSTED);
}
