/* The multiply-add peak of one core, for benchmarks: chains that never leave the registers. */
#include "vec.h"

enum { CHAINS = 12 }; /* more than latency x pipes of today's cores */

int64_t CC_FN(fma_probe)(int64_t rounds)
{
    vec sum[CHAINS];
    const vec factor = splat((real)0.9999), term = splat((real)1e-6);
    CC_UNROLL
    for (int i = 0; i < CHAINS; i++) sum[i] = splat((real)i);
    for (int64_t r = 0; r < rounds; r++) {
        CC_UNROLL
        for (int i = 0; i < CHAINS; i++) sum[i] = sum[i] * factor + term;
    }
    volatile real sink = 0; /* keeps the loop */
    CC_UNROLL
    for (int i = 0; i < CHAINS; i++) sink = sink + sum[i][0];
    return rounds * CHAINS * LANES * 2;
}
