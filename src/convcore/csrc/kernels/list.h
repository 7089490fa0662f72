/* The one list of kernels: X(result, name, parameters). The table of an instruction set, the
 * prototypes and cc_kernel_names() come from it. Pointers to reals are void: the operators that
 * call these do not know the real type. All distances count elements. */

/* acc[p][v] = (init or acc)[v] + sum over taps of src(p, tap) * weight[tap][v] for rows x columns
 * pixels; one output channel a lane. `lanewise`: src too has one value a lane. */
CC_KERNEL(void, pixels,
          (const cc_taps *taps, const cc_grid *grid, const void *src, const void *weight, int vecs,
           bool lanewise, const void *init, void *acc))

/* dst[a][x] = init[a] + sum over taps of src(x, tap) * weight[tap][a]; one output column a lane,
 * one of `maps` output channels an accumulator a, or (maps = 0) one output row. `slack`: memory
 * goes on after src's rows. */
CC_KERNEL(void, rows,
          (const cc_taps *taps, int maps, const void *src, ptrdiff_t width, bool slack,
           const void *weight, const void *init, void *dst, ptrdiff_t dst_step, int stores))

/* dst[c][r] = src[r][c] */
CC_KERNEL(void, transpose,
          (const void *src, ptrdiff_t src_row, void *dst, ptrdiff_t dst_row, ptrdiff_t rows,
           ptrdiff_t columns))

/* dst[r][c] = src[r][c * src_column], or 0 where src is NULL */
CC_KERNEL(void, copy,
          (const void *src, ptrdiff_t src_row, ptrdiff_t src_column, void *dst, ptrdiff_t dst_row,
           ptrdiff_t rows, ptrdiff_t columns))

/* dst[i] = src[index[i]] */
CC_KERNEL(void, gather, (const void *src, const ptrdiff_t *index, void *dst, ptrdiff_t count))

/* Multiply-adds on registers alone; returns the floating-point operations done. */
CC_KERNEL(int64_t, fma_probe, (int64_t rounds))
