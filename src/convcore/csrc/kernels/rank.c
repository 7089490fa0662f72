/* The cell of a given rank among an output's neighbours, as keys: signed integers in the order of
 * the elements; all NaN have the largest. One output a lane, in the widest vectors that there are.
 *
 *   y[x] = the element whose key is the rank-th smallest, from 0, of rows[t][x], t < taps
 *
 * By a sorting network where one is given, whose wires are the taps and which leaves that key in
 * wire `wire`; else bit by bit, from the first: a bit is set if at most `rank` keys are smaller
 * than what has been found with it.
 *
 * Assumed: rows may be read a vector past their end; y does not overlap them; without a network
 * at most 255 taps for keys of a byte, at most 65535 for those of two.
 */
#undef CC_VECTOR_BYTES
#define CC_VECTOR_BYTES CC_REGISTER_BYTES
#include "key.h"

#include <string.h>

#ifdef CC_INTEGER

/* The key of a real number's bits. */
CC_INLINE real key_of_real(real bits)
{
#if CC_REAL_BYTES >= 4
    const real most = (real)~LOWEST;
    const real infinity = (real)(CC_REAL_BYTES == 8 ? 0x7ff0000000000000 : 0x7f800000);
    return (bits & most) > infinity ? most : bits < 0 ? bits ^ most : bits;
#else
    return bits; /* there are none of this size */
#endif
}

void CC_FN(read_keys)(cc_key_order order, const void *src, ptrdiff_t count, void *keys)
{
    const real *restrict x = src;
    real *restrict to = keys;
    if (order == CC_SIGNED)
        memcpy(to, x, (size_t)count * sizeof(real));
    else if (order == CC_UNSIGNED)
        for (ptrdiff_t i = 0; i < count; i++) to[i] = (real)(x[i] ^ LOWEST);
    else
        for (ptrdiff_t i = 0; i < count; i++) to[i] = key_of_real(x[i]);
}

static vec by_network(const cc_rank_args *f, ptrdiff_t x)
{
    vec wire[CC_RANK_WIRES];
    for (ptrdiff_t t = 0; t < f->taps; t++) wire[t] = load((const real *)f->rows[t] + x);
    for (ptrdiff_t s = 0; s < f->swaps; s++) {
        vec *a = wire + f->swap[s].low, *b = wire + f->swap[s].high;
        const vec low = smaller(*a, *b);
        *b = larger(*a, *b);
        *a = low;
    }
    return wire[f->wire];
}

static vec by_counting(const cc_rank_args *f, ptrdiff_t x)
{
    const vec most = splat((real)((real)f->rank ^ LOWEST)); /* counts, compared as if unsigned */
    vec found = splat(LOWEST);
    for (int b = 8 * CC_REAL_BYTES - 1; b >= 0; b--) {
        const vec trial = found ^ splat((real)((uint64_t)1 << b));
        lane_bits minus = {0};
        for (ptrdiff_t t = 0; t < f->taps; t++) minus += load((const real *)f->rows[t] + x) < trial;
        found = select_lanes(((vec)-minus ^ splat(LOWEST)) > most, trial, found);
    }
    return found;
}

void CC_FN(rank)(const cc_rank_args *f)
{
    real *y = f->y;
    for (ptrdiff_t x = 0; x < f->count; x += LANES)
        store_key(f->order, y, x, f->count, f->swaps ? by_network(f, x) : by_counting(f, x));
}
#else
typedef int cc_no_rank_of_reals;
#endif
