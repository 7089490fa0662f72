#include "job.h"

#include "../base/arena.h"
#include "../base/parallel.h"

bool cc_job_begin(cc_job *job)
{
    job->memory = cc_arena_acquire(job->shared + (size_t)job->workers * job->own);
    return job->memory != NULL;
}

void cc_job_end(cc_job *job) { cc_arena_release(job->memory); }

typedef struct {
    const cc_job *job;
    void (*work)(const cc_worker *worker);
    const void *context;
} call;

static void run_worker(int index, void *context)
{
    const call *c = context;
    const cc_worker worker = {.context = c->context,
                              .index = index,
                              .workers = c->job->workers,
                              .own = c->job->memory + c->job->shared + (size_t)index * c->job->own};
    c->work(&worker);
}

cc_status cc_job_run(const cc_job *job, void (*work)(const cc_worker *worker), const void *context)
{
    call c = {job, work, context};
    return cc_parallel(job->workers, run_worker, &c);
}
