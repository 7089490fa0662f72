/* The instruction-set levels compiled in, least first: X(symbol, name). CMake defines
 * CC_HAS_<SYMBOL> for each level it compiles kernels for. */
#ifdef CC_HAS_BASELINE
CC_LEVEL(baseline, "baseline")
#endif
#ifdef CC_HAS_X86_64_V3
CC_LEVEL(x86_64_v3, "x86-64-v3")
#endif
#ifdef CC_HAS_X86_64_V4
CC_LEVEL(x86_64_v4, "x86-64-v4")
#endif
#ifdef CC_HAS_NEON
CC_LEVEL(neon, "neon")
#endif
