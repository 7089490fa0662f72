/* The list of algorithms, and the choice among them. */
#include "algorithm.h"

static const cc_algorithm algorithms[] = {
#define CC_ALGORITHM(name, flags) {#name, flags, &cc_algorithm_##name},
#include "algorithms.def"
#undef CC_ALGORITHM
};
enum { ALGORITHMS = sizeof algorithms / sizeof algorithms[0] };

const cc_algorithm *cc_algorithm_at(int i)
{
    return i >= 0 && i < ALGORITHMS ? &algorithms[i] : NULL;
}

const char *cc_algorithm_name(int i)
{
    return i >= 0 && i < ALGORITHMS ? algorithms[i].name : NULL;
}

bool cc_algorithm_is_fast(int i)
{
    return i >= 0 && i < ALGORITHMS && algorithms[i].flags & CC_FAST;
}

/* Of the rows that accept a layer, the first that costs least. */
static const cc_algorithm *best_of(const cc_candidate *candidate, bool fast_too)
{
    const cc_algorithm *best = NULL;
    double least = 0;
    for (int i = 0; i < ALGORITHMS; i++) {
        const cc_algorithm *a = &algorithms[i];
        if ((a->flags & CC_FAST && !fast_too) || a->functions->refuse(candidate))
            continue;
        const double cost = a->functions->cost(candidate);
        if (!best || cost < least) {
            best = a;
            least = cost;
        }
    }
    return best;
}

const cc_algorithm *cc_select(const cc_candidate *candidate, int requested)
{
    const cc_algorithm *wanted = cc_algorithm_at(requested);
    if (wanted && wanted->functions->refuse(candidate))
        wanted = NULL;
    if (wanted && (wanted->flags & CC_FAST || !candidate->layer.shared))
        return wanted;
    const cc_algorithm *best = best_of(candidate, requested == CC_AUTO);
    const bool alike = wanted && wanted->flags & CC_EXACT && best->flags & CC_EXACT;
    return alike ? wanted : best;
}
