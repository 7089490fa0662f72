/* Moves elements: copies, transposes, gathers, which depend on their size alone and so are shared
 * by all types of a size; scatters and additions of reals. Source and destination never overlap. */
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

/* Interleaving row i with row i + LANES / 2 turns the bits of (row, lane) by one; after
 * log2(LANES) rounds rows and lanes are exchanged. */
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

/* The rows of a matrix: row i begins at index[i], or (NULL) a fixed distance after the one before.
 */
typedef struct {
    const real *first;
    ptrdiff_t step;
    const ptrdiff_t *index;
} rows_of;

CC_INLINE const real *row_at(rows_of src, int i)
{
    return src.first + (src.index ? src.index[i] : i * src.step);
}

/* A square of which only some rows and columns exist: one copy of it, for it is long, and rare. */
CC_APART static void transpose_corner(rows_of src, real *dst, ptrdiff_t dst_row, int rows,
                                      int columns)
{
    vec v[LANES];
    CC_UNROLL
    for (int i = 0; i < LANES; i++) {
        v[i] = (vec){0};
        if (i < rows) {
            const real *row = row_at(src, i);
            v[i] = columns == LANES ? load(row) : load_partial(row, columns);
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
            store_partial(dst + i * dst_row, v[i], rows);
    }
}

CC_INLINE void transpose(rows_of src, real *dst, ptrdiff_t dst_row, ptrdiff_t rows,
                         ptrdiff_t columns)
{
    for (ptrdiff_t r = 0; r < rows; r += LANES)
        for (ptrdiff_t c = 0; c < columns; c += LANES) {
            const rows_of s = {src.first + (src.index ? 0 : r * src.step) + c, src.step,
                               src.index ? src.index + r : NULL};
            real *d = dst + c * dst_row + r;
            if (r + LANES <= rows && c + LANES <= columns) {
                vec v[LANES];
                CC_UNROLL
                for (int i = 0; i < LANES; i++) v[i] = load(row_at(s, i));
                transpose_square(v);
                CC_UNROLL
                for (int i = 0; i < LANES; i++) store(d + i * dst_row, v[i]);
            } else {
                transpose_corner(s, d, dst_row, (int)(rows - r < LANES ? rows - r : LANES),
                                 (int)(columns - c < LANES ? columns - c : LANES));
            }
        }
}

void CC_MOVE_FN(transpose)(const void *src, ptrdiff_t src_row, void *dst, ptrdiff_t dst_row,
                           ptrdiff_t rows, ptrdiff_t columns)
{
    transpose((rows_of){src, src_row, NULL}, dst, dst_row, rows, columns);
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

/* Narrow rows that follow one another in dst: each is moved with what lies beyond it, which the
 * next one covers. Returns the rows that are done: the last ones have nothing beyond them. */
CC_INLINE ptrdiff_t copy_narrow(const cc_move *args, const real *src, real *dst)
{
    enum { MOVED = 16 / CC_REAL_BYTES };
    const ptrdiff_t columns = args->columns, step = args->src_row;
    if (!src || columns >= MOVED || args->src_column != 1 || args->dst_row != columns ||
        step < columns)
        return 0;
    const ptrdiff_t rows = args->rows - (MOVED + columns - 1) / columns;
    for (ptrdiff_t r = 0; r < rows; r++)
        __builtin_memcpy(dst + r * columns, src + r * step, MOVED * sizeof(real));
    return rows > 0 ? rows : 0;
}

void CC_MOVE_FN(copy)(const cc_move *args, const void *src, void *dst)
{
    const ptrdiff_t src_column = args->src_column, columns = args->columns;
    const ptrdiff_t done = copy_narrow(args, src, dst);
    const real *s = done ? (const real *)src + done * args->src_row : src;
    real *d = (real *)dst + done * args->dst_row;
    for (ptrdiff_t r = done; r < args->rows; r++, d += args->dst_row) {
        if (!s) {
            for (ptrdiff_t c = 0; c < columns; c++) d[c] = 0;
            continue;
        }
        if (src_column == 1 && columns < LANES)
            store_partial(d, load_partial(s, (int)columns), (int)columns);
        else if (src_column == 1)
            copy_many(s, 1, d, columns);
        else if (src_column == 2 && columns >= LANES)
            copy_many(s, 2, d, columns);
        else
            for (ptrdiff_t c = 0; c < columns; c++) d[c] = s[c * src_column];
        s += args->src_row;
    }
}

void CC_MOVE_FN(gather_transpose)(const void *src, const ptrdiff_t *index, void *dst,
                                  ptrdiff_t dst_row, ptrdiff_t rows, ptrdiff_t columns)
{
    transpose((rows_of){src, 0, index}, dst, dst_row, rows, columns);
}

void CC_MOVE_FN(gather)(const void *src, const ptrdiff_t *index, void *dst, ptrdiff_t count)
{
    const real *s = src;
    real *d = dst;
    for (ptrdiff_t i = 0; i < count; i++) d[i] = s[index[i]];
}

#ifndef CC_INTEGER
void CC_FN(add)(const cc_move *args, const void *src, void *dst)
{
    const ptrdiff_t dst_column = args->dst_column, columns = args->columns;
    const real *s = src;
    real *d = dst;
    for (ptrdiff_t r = 0; r < args->rows; r++, s += args->src_row, d += args->dst_row) {
        ptrdiff_t c = 0;
        if (dst_column == 1) {
            for (; c + LANES <= columns; c += LANES) store(d + c, load(d + c) + load(s + c));
            if (c < columns) {
                const int left = (int)(columns - c);
                store_partial(d + c, load_partial(d + c, left) + load_partial(s + c, left), left);
            }
            continue;
        }
        for (; c < columns; c++) d[c * dst_column] += s[c];
    }
}

void CC_FN(convert_from_f64)(const double *src, ptrdiff_t count, void *dst)
{
    for (ptrdiff_t i = 0; i < count; i++) ((real *)dst)[i] = (real)src[i];
}

void CC_FN(scatter)(const cc_scatter_args *args, const void *grad, void *dx)
{
    const int64_t *index = args->index, from = args->from, to = args->to;
    const ptrdiff_t step = args->step;
    const real *g = grad;
    real *d = dx;
    for (ptrdiff_t i = 0, count = args->count; i < count; i += step)
        for (ptrdiff_t c = 0; c < step; c++)
            if (index[i + c] >= from && index[i + c] < to)
                d[(index[i + c] - from) * step + c] += g[i + c];
}
#endif
