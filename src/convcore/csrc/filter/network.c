/* Sorting networks for any rank: Batcher's odd-even merge sort, without what the rank does not
 * need.
 *
 * K. E. Batcher, "Sorting networks and their applications", AFIPS Conference 32 (1968), 307-314. */
#include "plan.h"

static ptrdiff_t sort_all(ptrdiff_t wires, cc_swap *swap)
{
    ptrdiff_t swaps = 0;
    for (ptrdiff_t p = 1; p < wires; p *= 2)
        for (ptrdiff_t k = p; k >= 1; k /= 2)
            for (ptrdiff_t j = k % p; j + k < wires; j += 2 * k)
                for (ptrdiff_t i = j; i < j + k && i + k < wires; i++)
                    if (i / (2 * p) == (i + k) / (2 * p))
                        swap[swaps++] = (cc_swap){(uint8_t)i, (uint8_t)(i + k)};
    return swaps;
}

ptrdiff_t cc_rank_network(ptrdiff_t wires, ptrdiff_t rank, cc_swap *swap, ptrdiff_t *wire)
{
    bool needed[CC_RANK_WIRES] = {false};
    needed[rank] = true;
    *wire = rank;
    const ptrdiff_t all = sort_all(wires, swap);
    ptrdiff_t first = all; /* of those that are kept, at the end of the list */
    for (ptrdiff_t s = all - 1; s >= 0; s--)
        if (needed[swap[s].low] || needed[swap[s].high]) {
            needed[swap[s].low] = needed[swap[s].high] = true;
            swap[--first] = swap[s];
        }
    for (ptrdiff_t s = first; s < all; s++) swap[s - first] = swap[s];
    return all - first;
}
