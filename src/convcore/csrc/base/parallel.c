#include "parallel.h"

#include "arena.h"
#include "threads.h"

#include <stdatomic.h>
#include <time.h>

#ifdef _OPENMP
#include <omp.h>
#endif

int cc_useful_threads(double microseconds, int threads)
{
    const double most = microseconds / 10;
    return most >= threads ? threads : most >= 1 ? (int)most : 1;
}

/* What the threads of a call share. */
typedef struct {
    atomic_bool stopped;
} call;

/* What a thread knows of the call that it works for. The clock is read rarely, so that tasks may be
 * short: after `left` more tasks, `gap` tasks after the last time. */
typedef struct {
    call *of;
    bool is_caller; /* only the thread that made the call asks whether it is to stop */
    int64_t left, gap, read, asked;
} worker_state;

/* Of the worker that this thread is; on its stack, NULL where it is none. */
static _Thread_local worker_state *here;

/* How often the clock is read and the caller asked, in nanoseconds. */
enum { READ_AFTER = 1000 * 1000, ASK_AFTER = 50 * 1000 * 1000 };

static _Atomic(cc_stop_check) stop_check;

void cc_set_stop_check(cc_stop_check check) { atomic_store(&stop_check, check); }

static int64_t nanoseconds(void)
{
#ifdef __wasm__ /* a page's module, which imports nothing: no clock, and nobody to ask */
    return 0;
#else
    struct timespec now;
    timespec_get(&now, TIME_UTC);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
#endif
}

static void ask_caller(worker_state *s)
{
    const int64_t now = nanoseconds();
    if (s->asked == 0)
        s->asked = now;
    else if (now - s->read < READ_AFTER)
        s->gap *= 2;
    else if (s->gap > 1)
        s->gap /= 2;
    s->read = now;
    s->left = s->gap;
    if (now - s->asked < ASK_AFTER)
        return;
    s->asked = now;
    const cc_stop_check check = atomic_load(&stop_check);
    if (check && check())
        atomic_store(&s->of->stopped, true);
}

bool cc_is_stopped(void)
{
    worker_state *s = here;
    if (s->is_caller && s->left-- == 0)
        ask_caller(s);
    return atomic_load_explicit(&s->of->stopped, memory_order_relaxed);
}

static void run_worker(int worker, void (*work)(int worker, void *context), void *context, call *of,
                       bool is_caller)
{
    worker_state mine = {.of = of, .is_caller = is_caller, .left = 1, .gap = 1}, *const outer =
                                                                                     here;
    here = &mine;
    cc_arena_watch_begin();
    work(worker, context);
    cc_arena_watch_end();
    here = outer; /* a signal handler may call, too, in the midst of a call */
}

cc_status cc_parallel(int workers, void (*work)(int worker, void *context), void *context)
{
    call of = {false};
    const int threads = workers > 1 ? cc_available_threads(workers) : 1;
    if (threads > 1) {
        /* Fewer threads than workers may come: the work of every one is done all the same. */
#ifdef _OPENMP
#pragma omp parallel for num_threads(threads) schedule(static, 1)
        for (int worker = 0; worker < workers; worker++)
            run_worker(worker, work, context, &of, omp_get_thread_num() == 0);
#endif
    } else {
        for (int worker = 0; worker < workers; worker++)
            run_worker(worker, work, context, &of, true);
    }
    return atomic_load(&of.stopped) ? CC_STOPPED : CC_OK;
}
