/* The memory that a call works in: one block, kept warm from call to call. */
#ifndef CC_ARENA_H
#define CC_ARENA_H

#include "integers.h"

/* Reserves `count` elements of memory that is laid out from 0 on, on a boundary of 64 bytes, and
 * moves its end; returns where they begin. */
static inline size_t cc_arena_reserve(size_t *end, ptrdiff_t count, size_t size)
{
    const size_t at = *end;
    *end += round_up((size_t)count * size, 64);
    return at;
}

/* Uninitialised memory, 64-byte aligned, NULL if there is none. What it holds is left from earlier
 * calls, of any kind: bytes that are subnormal numbers to a real type, whose products take a
 * hundred times as long. So nothing may be computed from what the call itself has not written, not
 * even in lanes that are thrown away. cc_watch_scratch() proves it. */
void *cc_arena_acquire(size_t bytes);
void cc_arena_release(void *memory);

/* Around what a worker does: while scratch is watched, notes whether it used a signalling NaN. */
void cc_arena_watch_begin(void);
void cc_arena_watch_end(void);

#endif
