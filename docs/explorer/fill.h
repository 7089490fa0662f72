/* The numbers that the explorer begins with: from a seed, or a pattern of a given size. */
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
int32_t fill_next(uint32_t *state, int32_t choices);

/* Row n, place i of Pascal's triangle; 0 outside it. */
double fill_binomial(int32_t n, int32_t i);

/* The value of a cell of an input or a kernel of this size; not for presets that are random. */
double fill_input(int preset, int32_t rows, int32_t columns, int32_t row, int32_t column);
double fill_kernel(int preset, int32_t rows, int32_t columns, int32_t row, int32_t column);

#endif
