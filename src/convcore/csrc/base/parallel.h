/* The workers of a call, and the way to give a call up. */
#ifndef CC_PARALLEL_H
#define CC_PARALLEL_H

#include "../convcore.h"

/* Calls work(worker, context) for worker = 0 ... workers - 1, at once where threads can be had.
 * Returns CC_STOPPED if the caller wants no result any more; then work may have been given up. */
cc_status cc_parallel(int workers, void (*work)(int worker, void *context), void *context);

/* Whether the call is to be given up. A worker asks between its tasks, which take
 * milliseconds at most. */
bool cc_is_stopped(void);

/* How many of `threads` threads work of so many microseconds deserves: a second one costs a wake-up
 * and cold caches. */
int cc_useful_threads(double microseconds, int threads);

#endif
