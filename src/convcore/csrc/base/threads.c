/* How many threads there can be: asked of OpenMP, of the system, and of what became of fork(). */
#include "threads.h"

#include "../convcore.h"

#include <ctype.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

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

/* Bytes of a thread's stack as OpenMP reads them when it is loaded: a number, of KiB unless a unit
 * follows; 0: the system's own size. */
static size_t stack_bytes;

static size_t read_stack_bytes(const char *name)
{
    const char *text = getenv(name), *suffix;
    char *end;
    if (!text)
        return 0;
    errno = 0;
    const unsigned long long number = strtoull(text, &end, 10);
    if (errno || end == text)
        return 0;
    while (isspace((unsigned char)*end)) end++;
    static const char suffixes[] = "bkmg";
    suffix = *end ? strchr(suffixes, tolower((unsigned char)*end)) : suffixes + 1;
    if (!suffix)
        return 0;
    const int shift = 10 * (int)(suffix - suffixes);
    return number > (SIZE_MAX >> shift) ? SIZE_MAX : (size_t)number << shift;
}

__attribute__((constructor)) static void find_stack_bytes(void)
{
    static const char *const names[] = {"OMP_STACKSIZE", "GOMP_STACKSIZE", "KMP_STACKSIZE"};
    for (int i = 0; i < 3 && !stack_bytes; i++) stack_bytes = read_stack_bytes(names[i]);
}

/* OpenMP ends the process if the system refuses it a thread, so ask first, for stacks of the size
 * that it will ask for. What these threads leave behind, their stacks, is what the next ones are
 * made from. */
static void *idle(void *barrier)
{
    pthread_mutex_lock(barrier); /* until all have been made */
    pthread_mutex_unlock(barrier);
    return NULL;
}

/* How many more threads can be had, up to `wanted`. */
static int ask_for(int wanted)
{
    enum { MOST = 256 };
    pthread_t made[MOST];
    pthread_attr_t attributes;
    pthread_mutex_t barrier = PTHREAD_MUTEX_INITIALIZER;
    int count = 0;
    if (pthread_attr_init(&attributes))
        return 0;
    /* a size that the system does not allow is one that OpenMP does without */
    if (stack_bytes)
        (void)pthread_attr_setstacksize(&attributes, stack_bytes);
    pthread_mutex_lock(&barrier);
    while (count < wanted && count < MOST &&
           pthread_create(&made[count], &attributes, idle, &barrier) == 0)
        count++;
    pthread_mutex_unlock(&barrier);
    for (int i = 0; i < count; i++) pthread_join(made[i], NULL);
    pthread_attr_destroy(&attributes);
    return count;
}

/* OpenMP keeps threads for each thread that calls it, as many as its last call used: a call with
 * fewer ends the others, and one with more makes new ones. */
static int grant(int threads)
{
    static _Thread_local int alive = 1;
    if (threads > alive)
        threads = alive + ask_for(threads - alive);
    return alive = threads;
}
#endif

int cc_available_threads(int wanted)
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
