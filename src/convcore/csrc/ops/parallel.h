/* Threads and the memory they work in. OpenMP is used nowhere else. */
#ifndef CC_PARALLEL_H
#define CC_PARALLEL_H

#include <stddef.h>

/* Calls work(part, context) for part = 0 ... parts - 1, at once where threads can be had. */
void cc_parallel(int parts, void (*work)(int part, void *context), void *context);

/* How many of `threads` threads work of so many microseconds deserves: a second one costs a wake-up
 * and cold caches. */
int cc_useful_threads(double microseconds, int threads);

/* Uninitialised memory, 64-byte aligned, NULL if there is none; kept warm from call to call. */
void *cc_scratch_take(size_t bytes);
void cc_scratch_give(void *memory);

#endif
