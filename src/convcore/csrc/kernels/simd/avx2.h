/* Parts of vectors by the masked loads of AVX2, for elements of 4 and 8 bytes. A part of vec.h. */
#ifndef CC_SIMD_AVX2_H
#define CC_SIMD_AVX2_H

/* Lane i of the result is lane index[i] of v. */
CC_INLINE vec permute(vec v, lane_bits index)
{
#if CC_REAL_BYTES == 4
    return (vec)_mm256_permutevar8x32_ps((__m256)v, (__m256i)index);
#else /* as pairs of 4 bytes */
    const lane_bits pairs = (2 * index) | ((2 * index + 1) << 32);
    return (vec)_mm256_permutevar8x32_epi32((__m256i)v, (__m256i)pairs);
#endif
}
#if CC_REAL_BYTES == 4
CC_INLINE __m256i first(ptrdiff_t n)
{
    const int least = n < 0 ? 0 : n > LANES ? LANES : (int)n;
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(least), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
CC_INLINE vec masked(const real *p, __m256i mask)
{
    return (vec)_mm256_maskload_ps((const float *)p, mask);
}
CC_INLINE void store_partial(real *p, vec v, int n)
{
    _mm256_maskstore_ps((float *)p, first(n), (__m256)v);
}
#else
CC_INLINE __m256i first(ptrdiff_t n)
{
    return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3));
}
CC_INLINE vec masked(const real *p, __m256i mask)
{
    return (vec)_mm256_maskload_pd((const double *)p, mask);
}
CC_INLINE void store_partial(real *p, vec v, int n)
{
    _mm256_maskstore_pd((double *)p, first(n), (__m256d)v);
}
#endif
CC_INLINE vec load_partial(const real *p, int n) { return masked(p, first(n)); }
typedef __m256i lane_mask;
CC_INLINE lane_mask lanes_between(ptrdiff_t from, ptrdiff_t to)
{
    return _mm256_andnot_si256(first(from), first(to));
}
CC_INLINE vec load_lanes(const real *p, lane_mask mask, vec fill)
{
    const __m256i others = _mm256_andnot_si256(mask, (__m256i)fill);
    return (vec)_mm256_or_si256((__m256i)masked(p, mask), others);
}

#endif
