/* Integer arithmetic that C lacks. */
#ifndef CC_INTEGERS_H
#define CC_INTEGERS_H

#include <stddef.h>
#include <stdint.h>

static inline int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t max(int64_t a, int64_t b) { return a > b ? a : b; }

/* a / b and n to a multiple of `to`, rounded up; a, n >= 0. */
static inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
static inline size_t round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }

#endif
