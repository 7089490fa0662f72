#include "parallel.h"

#include "../convcore.h"

#include <stdatomic.h>
#include <stdlib.h>

#ifdef _OPENMP
#include <omp.h>
#endif
#if defined(_OPENMP) && defined(__unix__)
#include <pthread.h>
#define CC_GUARDS_FORK
#endif

#ifdef CC_GUARDS_FORK
/* GCC's OpenMP keeps its pool of threads across fork(), where the threads are gone: a child of a
 * process that ran in parallel would wait for them for ever. Such a child works alone. */
static atomic_bool ran_parallel, lost_pool;
static void in_child(void)
{
    if (atomic_load(&ran_parallel))
        atomic_store(&lost_pool, true);
}
static pthread_once_t fork_guard = PTHREAD_ONCE_INIT;
static void install_fork_guard(void) { pthread_atfork(NULL, NULL, in_child); }
#endif

void cc_parallel(int parts, void (*work)(int part, void *context), void *context)
{
#ifdef _OPENMP
    int threads = parts;
#ifdef CC_GUARDS_FORK
    if (parts > 1) {
        pthread_once(&fork_guard, install_fork_guard);
        if (atomic_load(&lost_pool))
            threads = 1;
        else
            atomic_store(&ran_parallel, true);
    }
#endif
    if (threads > 1) {
        /* The system may grant fewer threads than asked for: every part is done all the same. */
#pragma omp parallel for num_threads(threads) schedule(static, 1)
        for (int part = 0; part < parts; part++) work(part, context);
        return;
    }
#endif
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

int cc_openmp_threads(void)
{
#ifdef _OPENMP
    return omp_get_max_threads();
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
