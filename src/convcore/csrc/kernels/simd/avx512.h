/* Parts of vectors by the masks of AVX-512, for elements of 4 and 8 bytes. A part of vec.h. */
#ifndef CC_SIMD_AVX512_H
#define CC_SIMD_AVX512_H

CC_INLINE unsigned first_lanes(ptrdiff_t n)
{
    return n < LANES ? n > 0 ? (1u << n) - 1 : 0 : 0xffff;
}
typedef unsigned lane_mask;
CC_INLINE lane_mask lanes_between(ptrdiff_t from, ptrdiff_t to)
{
    return first_lanes(to) & ~first_lanes(from);
}
/* Lane i of the result is lane index[i] of v. */
CC_INLINE vec permute(vec v, lane_bits index)
{
#if CC_REAL_BYTES == 4
    return (vec)_mm512_permutexvar_ps((__m512i)index, (__m512)v);
#else
    return (vec)_mm512_permutexvar_pd((__m512i)index, (__m512d)v);
#endif
}
#if CC_REAL_BYTES == 4
CC_INLINE vec load_partial(const real *p, int n)
{
    return (vec)_mm512_maskz_loadu_ps((1u << n) - 1, p);
}
CC_INLINE vec load_lanes(const real *p, lane_mask mask, vec fill)
{
    return (vec)_mm512_mask_loadu_ps((__m512)fill, (__mmask16)mask, p);
}
CC_INLINE void store_partial(real *p, vec v, int n)
{
    _mm512_mask_storeu_ps(p, (1u << n) - 1, (__m512)v);
}
#else
CC_INLINE vec load_partial(const real *p, int n)
{
    return (vec)_mm512_maskz_loadu_pd((1u << n) - 1, p);
}
CC_INLINE vec load_lanes(const real *p, lane_mask mask, vec fill)
{
    return (vec)_mm512_mask_loadu_pd((__m512d)fill, (__mmask8)mask, p);
}
CC_INLINE void store_partial(real *p, vec v, int n)
{
    _mm512_mask_storeu_pd(p, (1u << n) - 1, (__m512d)v);
}
#endif

#endif
