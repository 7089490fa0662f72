/* The numbers that the explorer begins with: from a seed, or a pattern. Each pattern is defined for
 * every size: kernels of 3 x 3 are those of the books, others follow the same rule.
 */
#ifndef EXPLORER_FILL_H
#define EXPLORER_FILL_H

#include <stdint.h>

enum { INPUT_RANDOM, INPUT_EDGE, INPUT_RAMP, INPUT_IMPULSE, INPUT_PRESETS };
enum {
    KERNEL_RANDOM,
    KERNEL_IDENTITY,
    KERNEL_BLUR,
    KERNEL_SOBEL,
    KERNEL_SHARPEN,
    KERNEL_LAPLACE,
    KERNEL_PRESETS
};

/* An integer from 0 to choices - 1; the same sequence for the same seed. */
static inline int32_t fill_next(uint32_t *state, int32_t choices)
{
    *state = *state * 1664525u + 1013904223u;
    return (int32_t)((*state >> 16) % (uint32_t)choices);
}

/* Row n, place i of Pascal's triangle; 0 outside it. */
static inline double fill_binomial(int32_t n, int32_t i)
{
    int32_t ways = 1;
    if (i < 0 || i > n)
        return 0;
    for (int32_t k = 1; k <= i; k++) ways = ways * (n - k + 1) / k;
    return ways;
}

/* The value of a cell of an input of this size; not for a preset that is random. */
static inline double fill_input(int preset, int32_t rows, int32_t columns, int32_t row,
                                int32_t column)
{
    switch (preset) {
    case INPUT_EDGE: /* dark on the left, bright on the right; of one column, above and below */
        return (columns > 1 ? 2 * column >= columns : 2 * row >= rows) ? 9 : 0;
    case INPUT_RAMP:
        return row + column;
    default:
        return row == rows / 2 && column == columns / 2;
    }
}

/* The difference of neighbours, (-1, 1) or (-1, 0, 1), smoothed to n places by binomial weights. */
static inline double difference(int32_t n, int32_t i)
{
    if (n <= 2)
        return n == 2 && i == 0 ? -1 : 1;
    return fill_binomial(n - 3, i - 2) - fill_binomial(n - 3, i);
}

/* The four neighbours of the centre minus the centre, of those that the kernel has. */
static inline double laplace(int32_t rows, int32_t columns, int32_t row, int32_t column)
{
    const int32_t down = row - (rows - 1) / 2, across = column - (columns - 1) / 2;
    if (down == 0 && across == 0) {
        const int32_t above = (rows - 1) / 2 > 0, below = rows / 2 > 0;
        const int32_t left = (columns - 1) / 2 > 0, right = columns / 2 > 0;
        return -(above + below + left + right);
    }
    return down * down + across * across == 1;
}

/* The same of a kernel. */
static inline double fill_kernel(int preset, int32_t rows, int32_t columns, int32_t row,
                                 int32_t column)
{
    const double centre = row == (rows - 1) / 2 && column == (columns - 1) / 2;
    const double smooth = fill_binomial(rows - 1, row);
    switch (preset) {
    case KERNEL_IDENTITY:
        return centre;
    case KERNEL_BLUR: /* by a power of two: every sum stays exact */
        return smooth * fill_binomial(columns - 1, column) / (1 << (rows + columns - 2));
    case KERNEL_SOBEL:
        return columns > 1 ? smooth * difference(columns, column) : difference(rows, row);
    case KERNEL_SHARPEN:
        return centre - laplace(rows, columns, row, column);
    default:
        return laplace(rows, columns, row, column);
    }
}

#endif
