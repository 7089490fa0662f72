#ifndef CC_THREADS_H
#define CC_THREADS_H

/* How many of `wanted` threads OpenMP can be asked for now: at most one for each processor, for
 * more would only take turns, and none that the system would refuse. */
int cc_available_threads(int wanted);

#endif
