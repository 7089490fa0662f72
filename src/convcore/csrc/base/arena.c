#include "arena.h"

#include "../convcore.h"

#include <fenv.h>
#include <stdatomic.h>
#include <stdlib.h>

/* A block this large or smaller is kept for the next call instead of being given back: fresh pages
 * cost more than many a small convolution. One block is kept for the process. */
enum { KEPT_BYTES = 16 << 20, ALIGNMENT = 64 };

typedef struct {
    void *allocation;
    size_t bytes;
} header; /* in the ALIGNMENT bytes before the memory handed out */

static _Atomic(header *) kept;

/* What every block is filled with before it is handed out; 0: it is left as it is. */
static _Atomic(uint64_t) filling;
static atomic_bool used;

void cc_watch_scratch(uint64_t word) { atomic_store(&filling, word); }

bool cc_scratch_was_used(void) { return atomic_exchange(&used, false); }

#ifndef FE_INVALID /* where the processor notes nothing, nothing is seen */
#define FE_INVALID 0
#endif

void cc_arena_watch_begin(void)
{
    if (atomic_load(&filling))
        feclearexcept(FE_INVALID);
}

void cc_arena_watch_end(void)
{
    if (atomic_load(&filling) && fetestexcept(FE_INVALID))
        atomic_store(&used, true);
}

static void fill(header *block)
{
    const uint64_t word = atomic_load(&filling);
    uint64_t *words = (uint64_t *)((char *)block + ALIGNMENT);
    for (size_t i = 0; word && i < block->bytes / sizeof(word); i++) words[i] = word;
}

void *cc_arena_acquire(size_t bytes)
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
    fill(block);
    return (char *)block + ALIGNMENT;
}

void cc_arena_release(void *memory)
{
    if (!memory)
        return;
    header *block = (header *)((char *)memory - ALIGNMENT);
    if (block->bytes <= KEPT_BYTES)
        block = atomic_exchange(&kept, block);
    if (block)
        free(block->allocation);
}
