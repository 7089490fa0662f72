#include "parallel.h"

#include "../convcore.h"

#include <stdatomic.h>
#include <stdlib.h>

#ifdef _OPENMP
#include <omp.h>
#endif
#if defined(_OPENMP) && (defined(__unix__) || defined(__APPLE__))
#include <pthread.h>
#define CC_POSIX
#endif

#ifdef CC_POSIX
/* GCC's OpenMP keeps its threads' records across fork(), where the threads are gone: a child would
 * wait for them for ever, whoever had started them. So a forked child works alone. */
static atomic_bool forked;
static void in_child(void) { atomic_store(&forked, true); }
__attribute__((constructor)) static void watch_fork(void) { pthread_atfork(NULL, NULL, in_child); }

/* OpenMP ends the process if the system refuses it a thread, so ask first. What these threads
 * leave behind, their stacks, is what the next ones are made from. OpenMP keeps its threads for
 * each thread that calls it, and so is the number that it has got. */
static void *idle(void *barrier)
{
    pthread_mutex_lock(barrier); /* until all have been made */
    pthread_mutex_unlock(barrier);
    return NULL;
}

static int grant(int threads)
{
    static _Thread_local int granted = 1;
    enum { MOST = 256 };
    pthread_t made[MOST];
    pthread_mutex_t barrier = PTHREAD_MUTEX_INITIALIZER;
    if (threads <= granted)
        return threads;
    const int wanted = threads - granted < MOST ? threads - granted : MOST;
    int count = 0;
    pthread_mutex_lock(&barrier);
    while (count < wanted && pthread_create(&made[count], NULL, idle, &barrier) == 0) count++;
    pthread_mutex_unlock(&barrier);
    for (int i = 0; i < count; i++) pthread_join(made[i], NULL);
    if (count == wanted)
        granted += wanted;
    return granted;
}
#endif

/* How many threads can work at once; more would only take turns. */
static int available_threads(int wanted)
{
#ifdef _OPENMP
    const int processors = omp_get_num_procs();
    const int threads = wanted < processors ? wanted : processors;
#ifdef CC_POSIX
    return atomic_load(&forked) ? 1 : grant(threads);
#else
    return threads;
#endif
#else
    (void)wanted;
    return 1;
#endif
}

int cc_useful_threads(double microseconds, int threads)
{
    const double most = microseconds / 10;
    return most >= threads ? threads : most >= 1 ? (int)most : 1;
}

void cc_parallel(int parts, void (*work)(int part, void *context), void *context)
{
    const int threads = parts > 1 ? available_threads(parts) : 1;
    if (threads > 1) {
        /* Fewer threads than parts may come: every part is done all the same. */
#ifdef _OPENMP
#pragma omp parallel for num_threads(threads) schedule(static, 1)
#endif
        for (int part = 0; part < parts; part++) work(part, context);
        return;
    }
    for (int part = 0; part < parts; part++) work(part, context);
}

bool cc_has_openmp(void)
{
#ifdef _OPENMP
    return true;
#else
    return false;
#endif
}

bool cc_is_forked(void)
{
#ifdef CC_POSIX
    return atomic_load(&forked);
#else
    return false;
#endif
}

int cc_openmp_threads(void)
{
#ifdef _OPENMP
    return omp_get_max_threads();
#else
    return 1;
#endif
}

int cc_processors(void)
{
#ifdef _OPENMP
    return omp_get_num_procs(); /* heeds affinity, also where OMP_PROC_BIND has narrowed it */
#else
    return 1;
#endif
}

/* A block this large or smaller is kept for the next call instead of being given back: fresh pages
 * cost more than many a small convolution. One block is kept for the process. */
enum { KEPT_BYTES = 16 << 20, ALIGNMENT = 64 };

typedef struct {
    void *allocation;
    size_t bytes;
} header; /* in the ALIGNMENT bytes before the memory handed out */

static _Atomic(header *) kept;

void *cc_scratch_take(size_t bytes)
{
    header *block = atomic_exchange(&kept, NULL);
    if (block && block->bytes < bytes) {
        free(block->allocation);
        block = NULL;
    }
    if (!block) {
        if (bytes > SIZE_MAX - 2 * ALIGNMENT)
            return NULL;
        char *allocation = malloc(bytes + 2 * ALIGNMENT);
        if (!allocation)
            return NULL;
        block = (header *)(allocation + ALIGNMENT - (uintptr_t)allocation % ALIGNMENT);
        block->allocation = allocation;
        block->bytes = bytes;
    }
    return (char *)block + ALIGNMENT;
}

void cc_scratch_give(void *memory)
{
    if (!memory)
        return;
    header *block = (header *)((char *)memory - ALIGNMENT);
    if (block->bytes <= KEPT_BYTES)
        block = atomic_exchange(&kept, block);
    if (block)
        free(block->allocation);
}
