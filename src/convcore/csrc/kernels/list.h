/* The one list of kernels: X(result, name, parameters). The table of an instruction set, the
 * prototypes and cc_kernel_names() come from it. Pointers to reals are void: the operators that
 * call these do not know the real type. All distances count elements. CC_REAL_KERNEL are those that
 * only real numbers have; who makes no difference leaves it undefined. */
#ifndef CC_REAL_KERNEL
#define CC_REAL_KERNEL CC_KERNEL
#endif

/* acc[p][v] = (init or acc)[v] + sum over taps of src(p, tap) * weight[tap][v] for rows x columns
 * pixels; one output channel a lane. `lanewise`: src too has one value a lane. */
CC_REAL_KERNEL(void, pixels,
               (const cc_taps *taps, const cc_grid *grid, const void *src, const void *weight,
                int vecs, bool lanewise, const void *init, void *acc))

/* dst[a][x] = init[a] + sum over taps of src(x, tap) * weight[tap][a]; one output column a lane,
 * one of `maps` output channels an accumulator a, or (maps = 0) one output row. `slack`: memory
 * goes on after src's rows. */
CC_REAL_KERNEL(void, rows,
               (const cc_taps *taps, int maps, const void *src, ptrdiff_t width, bool slack,
                const void *weight, const void *init, void *dst, ptrdiff_t dst_step, int stores))

/* y[c][i] = init[c] + sum over lines and taps of weight[c][l][t] * patches[i][l][t], or added to
 * y[c][i]; init may be NULL */
CC_REAL_KERNEL(void, dots,
               (const cc_dots *dots, const void *weight, const void *patches, const void *init,
                void *y))

/* patches[i][t] = (add: itself) + sum over c of weight[c][t] * y[c][i]; one line a row */
CC_REAL_KERNEL(void, spread,
               (const cc_dots *dots, const void *weight, const void *y, void *patches))

/* dst[c][r] = src[r][c] */
CC_KERNEL(void, transpose,
          (const void *src, ptrdiff_t src_row, void *dst, ptrdiff_t dst_row, ptrdiff_t rows,
           ptrdiff_t columns))

/* dst[r][c] = src[r][c * src_column], or 0 where src is NULL */
CC_KERNEL(void, copy,
          (const void *src, ptrdiff_t src_row, ptrdiff_t src_column, void *dst, ptrdiff_t dst_row,
           ptrdiff_t rows, ptrdiff_t columns))

/* dst[r][c * dst_column] += src[r][c] */
CC_REAL_KERNEL(void, add,
               (const void *src, ptrdiff_t src_row, void *dst, ptrdiff_t dst_row,
                ptrdiff_t dst_column, ptrdiff_t rows, ptrdiff_t columns))

/* dst[c][r] = src[index[r] + c] */
CC_REAL_KERNEL(void, turn,
               (const void *src, const ptrdiff_t *index, void *dst, ptrdiff_t dst_row,
                ptrdiff_t rows, ptrdiff_t columns))

/* dst[i] = src[index[i]] */
CC_REAL_KERNEL(void, gather, (const void *src, const ptrdiff_t *index, void *dst, ptrdiff_t count))

/* Multiply-adds on registers alone; returns the floating-point operations done. */
CC_REAL_KERNEL(int64_t, fma_probe, (int64_t rounds))

/* dst[x] = rows[r][start + x * step + t * tap], combined over r and t; returns whether CC_MAX has
 * seen a NaN */
CC_KERNEL(bool, fold, (const cc_folding *folding))

/* dst[i] = the number src[i] */
CC_REAL_KERNEL(void, numbers, (const double *src, ptrdiff_t count, void *dst))

/* best[x] = the first maximum of rows[0][x], rows[1][x] ..., and which */
CC_KERNEL(void, first, (const cc_firsts *firsts))

/* sums[x] = sums[x]^(1/p), if all are in the range where no term can have been lost, or belong to
 * windows of zeros alone (`largest`, unless NULL); else returns false and changes nothing */
CC_REAL_KERNEL(bool, root, (void *sums, const void *largest, ptrdiff_t count, double p))

/* y = (sum over the cells of |x|^p)^(1/p), scaled by the largest of them */
CC_REAL_KERNEL(void, norm, (const cc_cells *cells, double p, void *y))

/* dx[i'] += grad[i] * sign(x[i']) (|x[i']| / y[i])^(p - 1), nothing where y[i] is 0; i' = i *
 * x_step */
CC_REAL_KERNEL(void, slope,
               (const void *grad, const void *x, const void *y, ptrdiff_t count, double p,
                ptrdiff_t x_step, void *dx))

/* dx[(index[i] - from) * step + i % step] += grad[i] where from <= index[i] < to */
CC_REAL_KERNEL(void, scatter,
               (const void *grad, const int64_t *index, ptrdiff_t count, ptrdiff_t step,
                int64_t from, int64_t to, void *dx))

#undef CC_REAL_KERNEL
