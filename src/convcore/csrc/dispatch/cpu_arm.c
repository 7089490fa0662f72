/* What 64-bit ARM processors support: all of them have NEON. */
#include "cpu.h"

#if defined(__aarch64__)
bool cc_runs_neon(void) { return true; }
#endif
