/* The frame of every call: one block of memory, of which a range is shared and each worker has a
 * range of its own, and the workers, who share the tasks out. */
#ifndef CC_JOB_H
#define CC_JOB_H

#include "../convcore.h"

typedef struct {
    int workers;
    size_t shared, own; /* bytes: of all workers together, of each worker alone */
    char *memory;       /* cc_job_begin()'s: what is shared, then each worker's own */
} cc_job;

/* A worker's part of the work. */
typedef struct {
    const void *context; /* what the operator handed to cc_job_run() */
    int index, workers;
    char *own;
} cc_worker;

/* Takes the memory; false: there is none. */
bool cc_job_begin(cc_job *job);

/* Calls work() for each worker, at once where threads can be had; CC_STOPPED: the caller wants no
 * result any more. May be called several times. */
cc_status cc_job_run(const cc_job *job, void (*work)(const cc_worker *worker), const void *context);

void cc_job_end(cc_job *job);

/* Tasks from <= i < to of `tasks` that worker `index` of `workers` does. */
typedef struct {
    int64_t from, to;
} cc_task_range;

static inline cc_task_range cc_tasks_of(int64_t tasks, int64_t workers, int64_t index)
{
    return (cc_task_range){tasks * index / workers, tasks * (index + 1) / workers};
}

#endif
