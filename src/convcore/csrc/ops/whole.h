/* Arithmetic of whole numbers that C lacks. */
#ifndef CC_WHOLE_H
#define CC_WHOLE_H

#include <stddef.h>
#include <stdint.h>

static inline int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t max(int64_t a, int64_t b) { return a > b ? a : b; }

/* a / b and n to a multiple of `to`, rounded up; a, n >= 0. */
static inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
static inline size_t round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }

/* Takes `count` elements of memory that is laid out from 0 on, on a boundary of 64 bytes, and moves
 * its end; returns where they begin. */
static inline size_t claim(size_t *end, ptrdiff_t count, size_t size)
{
    const size_t at = *end;
    *end += round_up((size_t)count * size, 64);
    return at;
}

#endif
