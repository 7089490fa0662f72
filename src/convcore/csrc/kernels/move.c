/* Moving reals: copies, transposes, gathers, scatters, additions. Source and destination never
 * overlap. */
#include "vec.h"

/* The lower (upper) halves of two vectors, their lanes interleaved. */
#if CC_VECTOR_LANES == 2
#define LOWER(a, b) CC_SHUFFLE(a, b, 0, 2)
#define UPPER(a, b) CC_SHUFFLE(a, b, 1, 3)
#elif CC_VECTOR_LANES == 4
#define LOWER(a, b) CC_SHUFFLE(a, b, 0, 4, 1, 5)
#define UPPER(a, b) CC_SHUFFLE(a, b, 2, 6, 3, 7)
#elif CC_VECTOR_LANES == 8
#define LOWER(a, b) CC_SHUFFLE(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define UPPER(a, b) CC_SHUFFLE(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#elif CC_VECTOR_LANES == 16
#define LOWER(a, b) CC_SHUFFLE(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define UPPER(a, b) CC_SHUFFLE(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#endif

/* Interleaving row i with row i + LANES / 2 turns the bits of (row, lane) by one place; after
 * log2(LANES) rounds rows and lanes have changed places. */
CC_INLINE void transpose_square(vec *v)
{
    vec w[LANES];
    CC_UNROLL
    for (int round = 1; round < LANES; round *= 2) {
        CC_UNROLL
        for (int i = 0; i < LANES / 2; i++) {
            w[2 * i] = LOWER(v[i], v[i + LANES / 2]);
            w[2 * i + 1] = UPPER(v[i], v[i + LANES / 2]);
        }
        CC_UNROLL
        for (int i = 0; i < LANES; i++) v[i] = w[i];
    }
}

/* Where row i of a matrix begins: at index[i], or (NULL) a fixed distance after the one before. */
CC_INLINE const real *row_of(const real *src, ptrdiff_t src_row, const ptrdiff_t *index, int i)
{
    return src + (index ? index[i] : i * src_row);
}

/* A square of which only some rows and columns exist. */
static void transpose_corner(const real *src, ptrdiff_t src_row, const ptrdiff_t *index, real *dst,
                             ptrdiff_t dst_row, int rows, int columns)
{
    vec v[LANES];
    CC_UNROLL
    for (int i = 0; i < LANES; i++) {
        v[i] = (vec){0};
        if (i < rows) {
            const real *row = row_of(src, src_row, index, i);
            v[i] = columns == LANES ? load(row) : load_few(row, columns);
        }
    }
    transpose_square(v);
    CC_UNROLL
    for (int i = 0; i < LANES; i++) {
        if (i >= columns)
            break;
        if (rows == LANES)
            store(dst + i * dst_row, v[i]);
        else
            store_few(dst + i * dst_row, v[i], rows);
    }
}

CC_INLINE void transpose(const real *src, ptrdiff_t src_row, const ptrdiff_t *index, real *dst,
                         ptrdiff_t dst_row, ptrdiff_t rows, ptrdiff_t columns)
{
    for (ptrdiff_t r = 0; r < rows; r += LANES)
        for (ptrdiff_t c = 0; c < columns; c += LANES) {
            const real *s = src + (index ? 0 : r * src_row) + c;
            const ptrdiff_t *of = index ? index + r : NULL;
            real *d = dst + c * dst_row + r;
            if (r + LANES <= rows && c + LANES <= columns) {
                vec v[LANES];
                CC_UNROLL
                for (int i = 0; i < LANES; i++) v[i] = load(row_of(s, src_row, of, i));
                transpose_square(v);
                CC_UNROLL
                for (int i = 0; i < LANES; i++) store(d + i * dst_row, v[i]);
            } else {
                transpose_corner(s, src_row, of, d, dst_row,
                                 (int)(rows - r < LANES ? rows - r : LANES),
                                 (int)(columns - c < LANES ? columns - c : LANES));
            }
        }
}

void CC_FN(transpose)(const void *src, ptrdiff_t src_row, void *dst, ptrdiff_t dst_row,
                      ptrdiff_t rows, ptrdiff_t columns)
{
    transpose(src, src_row, NULL, dst, dst_row, rows, columns);
}

/* LANES reals two apart; reads no further than the last of them. */
CC_INLINE vec load_pairs(const real *p) { return CC_EVEN(load(p), load(p + LANES - 1)); }

/* n >= LANES reals; the last vector may overlap the one before. */
CC_INLINE void copy_many(const real *src, int step, real *dst, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i + LANES <= n; i += LANES)
        store(dst + i, step == 1 ? load(src + i) : load_pairs(src + 2 * i));
    if (n % LANES) {
        const real *last = src + (n - LANES) * step;
        store(dst + n - LANES, step == 1 ? load(last) : load_pairs(last));
    }
}

void CC_FN(copy)(const void *src, ptrdiff_t src_row, ptrdiff_t src_column, void *dst,
                 ptrdiff_t dst_row, ptrdiff_t rows, ptrdiff_t columns)
{
    const real *s = src;
    real *d = dst;
    for (ptrdiff_t r = 0; r < rows; r++, d += dst_row) {
        if (!s) {
            for (ptrdiff_t c = 0; c < columns; c++) d[c] = 0;
            continue;
        }
        if (src_column == 1 && columns < LANES)
            store_few(d, load_few(s, (int)columns), (int)columns);
        else if (src_column == 1)
            copy_many(s, 1, d, columns);
        else if (src_column == 2 && columns >= LANES)
            copy_many(s, 2, d, columns);
        else
            for (ptrdiff_t c = 0; c < columns; c++) d[c] = s[c * src_column];
        s += src_row;
    }
}

#ifndef CC_INTEGER
void CC_FN(turn)(const void *src, const ptrdiff_t *index, void *dst, ptrdiff_t dst_row,
                 ptrdiff_t rows, ptrdiff_t columns)
{
    transpose(src, 0, index, dst, dst_row, rows, columns);
}

void CC_FN(add)(const void *src, ptrdiff_t src_row, void *dst, ptrdiff_t dst_row,
                ptrdiff_t dst_column, ptrdiff_t rows, ptrdiff_t columns)
{
    const real *s = src;
    real *d = dst;
    for (ptrdiff_t r = 0; r < rows; r++, s += src_row, d += dst_row) {
        ptrdiff_t c = 0;
        if (dst_column == 1) {
            for (; c + LANES <= columns; c += LANES) store(d + c, load(d + c) + load(s + c));
            if (c < columns) {
                const int left = (int)(columns - c);
                store_few(d + c, load_few(d + c, left) + load_few(s + c, left), left);
            }
            continue;
        }
        for (; c < columns; c++) d[c * dst_column] += s[c];
    }
}

void CC_FN(gather)(const void *src, const ptrdiff_t *index, void *dst, ptrdiff_t count)
{
    const real *s = src;
    real *d = dst;
    for (ptrdiff_t i = 0; i < count; i++) d[i] = s[index[i]];
}

void CC_FN(numbers)(const double *src, ptrdiff_t count, void *dst)
{
    for (ptrdiff_t i = 0; i < count; i++) ((real *)dst)[i] = (real)src[i];
}

void CC_FN(scatter)(const void *grad, const int64_t *index, ptrdiff_t count, ptrdiff_t step,
                    int64_t from, int64_t to, void *dx)
{
    const real *g = grad;
    real *d = dx;
    for (ptrdiff_t i = 0; i < count; i += step)
        for (ptrdiff_t c = 0; c < step; c++)
            if (index[i + c] >= from && index[i + c] < to)
                d[(index[i + c] - from) * step + c] += g[i + c];
}
#endif
