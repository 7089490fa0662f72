/* Medians of 3 x 3 and 5 x 5 cells, as keys: columns are sorted once for all windows that hold
 * them; a network that relies on that takes the median of the sorted ones.
 *
 *   y[x] = the element whose key is the middle one of rows[r][x + c], r, c < size
 *
 * Assumed: rows may be read, and scratch written, a vector past their end; scratch is aligned; y
 * does not overlap them.
 */
#undef CC_VECTOR_BYTES
#define CC_VECTOR_BYTES CC_REGISTER_BYTES
#include "key.h"

#ifdef CC_INTEGER

CC_INLINE void swap(vec *wire, int low, int high)
{
    const vec a = smaller(wire[low], wire[high]);
    wire[high] = larger(wire[low], wire[high]);
    wire[low] = a;
}

CC_INLINE vec middle(vec a, vec b, vec c)
{
    return larger(smaller(a, b), smaller(larger(a, b), c));
}

CC_INLINE void sort_column(const cc_median_args *f, ptrdiff_t x, int size, ptrdiff_t row)
{
    static const cc_swap sort3[] = {{0, 1}, {1, 2}, {0, 1}};
    static const cc_swap sort5[] = {{0, 1}, {3, 4}, {2, 4}, {2, 3}, {1, 4},
                                    {0, 3}, {0, 2}, {1, 3}, {1, 2}};
    const cc_swap *sort = size == 3 ? sort3 : sort5;
    const int swaps = size == 3 ? 3 : 9;
    real *scratch = f->scratch;
    vec wire[5];
    CC_UNROLL
    for (int r = 0; r < size; r++) wire[r] = load((const real *)f->rows[r] + x);
    CC_UNROLL
    for (int s = 0; s < swaps; s++) swap(wire, sort[s].low, sort[s].high);
    CC_UNROLL
    for (int r = 0; r < size; r++) store(scratch + r * row + x, wire[r]);
}

CC_INLINE vec median_of_3(const real *sorted, ptrdiff_t row)
{
    vec low[3], mid[3], high[3];
    CC_UNROLL
    for (int c = 0; c < 3; c++) {
        low[c] = load(sorted + c);
        mid[c] = load(sorted + row + c);
        high[c] = load(sorted + 2 * row + c);
    }
    return middle(larger(larger(low[0], low[1]), low[2]), middle(mid[0], mid[1], mid[2]),
                  smaller(smaller(high[0], high[1]), high[2]));
}

/* Wire 5 r + c is the r-th smallest of column c. Sorting networks for the rows and for those cells
 * that can still be the median, without the swaps that never exchange anything, nor change the
 * median: by the principle of zeros and ones, which the tests try for all columns. */
CC_INLINE vec median_of_5(const real *sorted, ptrdiff_t row)
{
    static const cc_swap network[] = {
        {0, 1},   {3, 4},   {2, 4},   {2, 3},   {1, 4},   {0, 3},   {1, 3},   {8, 9},   {7, 9},
        {5, 8},   {5, 7},   {6, 8},   {6, 7},   {10, 11}, {13, 14}, {12, 14}, {12, 13}, {11, 14},
        {10, 13}, {10, 12}, {11, 13}, {11, 12}, {15, 16}, {17, 19}, {17, 18}, {16, 19}, {15, 18},
        {15, 17}, {16, 18}, {16, 17}, {20, 21}, {23, 24}, {21, 24}, {20, 23}, {21, 23}, {21, 22},
        {15, 11}, {16, 9},  {21, 20}, {12, 4},  {11, 7},  {16, 8},  {9, 13},  {21, 12}, {20, 4},
        {9, 8},   {20, 12}, {3, 16},  {7, 9},   {12, 17}, {7, 16},  {20, 12}, {16, 21}, {9, 20},
        {8, 12},  {8, 21},  {9, 8}};
    vec wire[25];
    CC_UNROLL
    for (int r = 0; r < 5; r++) CC_UNROLL
    for (int c = 0; c < 5; c++) wire[5 * r + c] = load(sorted + r * row + c);
    _Pragma("GCC unroll 64") for (size_t s = 0; s < sizeof network / sizeof network[0]; s++)
        swap(wire, network[s].low, network[s].high);
    return wire[8];
}

CC_INLINE void find_medians(const cc_median_args *f, int size)
{
    const ptrdiff_t count = f->count, sorted = count + size - 1;
    const ptrdiff_t row = (sorted + LANES - 1) / LANES * LANES + LANES; /* vectors are aligned */
    const real *scratch = f->scratch;
    const cc_key_order order = f->order;
    real *y = f->y;
    for (ptrdiff_t x = 0; x < sorted; x += LANES) {
        if (f->next)
            __builtin_prefetch((const real *)f->next + x);
        sort_column(f, x, size, row);
    }
    for (ptrdiff_t x = 0; x < count; x += LANES)
        store_key(order, y, x, count,
                  size == 3 ? median_of_3(scratch + x, row) : median_of_5(scratch + x, row));
}

void CC_FN(median)(const cc_median_args *f)
{
    if (f->size == 3)
        find_medians(f, 3);
    else
        find_medians(f, 5);
}
#else
typedef int cc_no_medians_of_reals;
#endif
