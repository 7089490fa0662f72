/* Parts of vectors, an element after the other: where there are no masks. A part of vec.h. */
#ifndef CC_SIMD_GENERIC_H
#define CC_SIMD_GENERIC_H

/* Lane i of the result is lane index[i] of v. */
CC_INLINE vec permute(vec v, lane_bits index)
{
    vec result = {0};
    for (int i = 0; i < LANES; i++) result[i] = v[index[i]];
    return result;
}
CC_INLINE vec load_partial(const real *p, int n)
{
    vec v = {0};
    for (int i = 0; i < n; i++) v[i] = p[i];
    return v;
}
typedef struct {
    int from, to;
} lane_mask;
CC_INLINE lane_mask lanes_between(ptrdiff_t from, ptrdiff_t to)
{
    return (lane_mask){from < 0       ? 0
                       : from < LANES ? (int)from
                                      : LANES,
                       to < LANES ? (int)to : LANES};
}
CC_INLINE vec load_lanes(const real *p, lane_mask mask, vec fill)
{
    real lanes[LANES];
    *(unaligned_vec *)lanes = fill;
    for (int i = mask.from; i < mask.to; i++) lanes[i] = p[i];
    return *(unaligned_vec *)lanes;
}
CC_INLINE void store_partial(real *p, vec v, int n)
{
    for (int i = 0; i < n; i++) p[i] = v[i];
}

#endif
