/* Whether this processor and this system run an instruction set: one function for each row of
 * isa.def that is compiled in. */
#ifndef CC_CPU_H
#define CC_CPU_H

#include <stdbool.h>

#if defined(__x86_64__)
#define CC_IF_x86(...) __VA_ARGS__
#else
#define CC_IF_x86(...)
#endif
#if defined(__aarch64__)
#define CC_IF_arm(...) __VA_ARGS__
#define CC_IF_not_arm(...)
#else
#define CC_IF_arm(...)
#define CC_IF_not_arm(...) __VA_ARGS__
#endif

#define CC_ISA(symbol, name, processors, ...) CC_IF_##processors(bool cc_runs_##symbol(void);)
#include "isa.def"
#undef CC_ISA

#endif
