/* The larger and the smaller of each lane, a of equals; where b is NaN it may be lost. A part of
 * vec.h. */
#ifndef CC_SIMD_MAXIMUM_H
#define CC_SIMD_MAXIMUM_H

#if defined(CC_INTEGER)
#if CC_REAL_BYTES == 1
#define CC_ORDER_OF(size, which) size##_##which##_epi8
#elif CC_REAL_BYTES == 2
#define CC_ORDER_OF(size, which) size##_##which##_epi16
#elif CC_REAL_BYTES == 4
#define CC_ORDER_OF(size, which) size##_##which##_epi32
#else
#define CC_ORDER_OF(size, which) size##_##which##_epi64
#endif
#if CC_VECTOR_BYTES == 64 && defined(__AVX512BW__)
CC_INLINE vec larger(vec a, vec b) { return (vec)CC_ORDER_OF(_mm512, max)((__m512i)b, (__m512i)a); }
CC_INLINE vec smaller(vec a, vec b)
{
    return (vec)CC_ORDER_OF(_mm512, min)((__m512i)b, (__m512i)a);
}
#elif CC_VECTOR_BYTES == 32 && CC_REAL_BYTES <= 4 && defined(__AVX2__)
CC_INLINE vec larger(vec a, vec b) { return (vec)CC_ORDER_OF(_mm256, max)((__m256i)b, (__m256i)a); }
CC_INLINE vec smaller(vec a, vec b)
{
    return (vec)CC_ORDER_OF(_mm256, min)((__m256i)b, (__m256i)a);
}
#elif CC_VECTOR_BYTES == 16 && CC_REAL_BYTES <= 4 && defined(__SSE4_1__)
CC_INLINE vec larger(vec a, vec b) { return (vec)CC_ORDER_OF(_mm, max)((__m128i)b, (__m128i)a); }
CC_INLINE vec smaller(vec a, vec b) { return (vec)CC_ORDER_OF(_mm, min)((__m128i)b, (__m128i)a); }
#else
CC_INLINE vec larger(vec a, vec b) { return select_lanes(b > a, a, b); }
CC_INLINE vec smaller(vec a, vec b) { return select_lanes(b < a, a, b); }
#endif
#elif !defined(__SSE2__)
CC_INLINE vec larger(vec a, vec b) { return select_lanes(b > a, a, b); }
CC_INLINE vec smaller(vec a, vec b) { return select_lanes(b < a, a, b); }
#elif CC_VECTOR_BYTES == 64 && CC_REAL_BYTES == 4
CC_INLINE vec larger(vec a, vec b) { return (vec)_mm512_max_ps((__m512)b, (__m512)a); }
CC_INLINE vec smaller(vec a, vec b) { return (vec)_mm512_min_ps((__m512)b, (__m512)a); }
#elif CC_VECTOR_BYTES == 64
CC_INLINE vec larger(vec a, vec b) { return (vec)_mm512_max_pd((__m512d)b, (__m512d)a); }
CC_INLINE vec smaller(vec a, vec b) { return (vec)_mm512_min_pd((__m512d)b, (__m512d)a); }
#elif CC_VECTOR_BYTES == 32 && CC_REAL_BYTES == 4
CC_INLINE vec larger(vec a, vec b) { return (vec)_mm256_max_ps((__m256)b, (__m256)a); }
CC_INLINE vec smaller(vec a, vec b) { return (vec)_mm256_min_ps((__m256)b, (__m256)a); }
#elif CC_VECTOR_BYTES == 32
CC_INLINE vec larger(vec a, vec b) { return (vec)_mm256_max_pd((__m256d)b, (__m256d)a); }
CC_INLINE vec smaller(vec a, vec b) { return (vec)_mm256_min_pd((__m256d)b, (__m256d)a); }
#elif CC_REAL_BYTES == 4
CC_INLINE vec larger(vec a, vec b) { return (vec)_mm_max_ps((__m128)b, (__m128)a); }
CC_INLINE vec smaller(vec a, vec b) { return (vec)_mm_min_ps((__m128)b, (__m128)a); }
#else
CC_INLINE vec larger(vec a, vec b) { return (vec)_mm_max_pd((__m128d)b, (__m128d)a); }
CC_INLINE vec smaller(vec a, vec b) { return (vec)_mm_min_pd((__m128d)b, (__m128d)a); }
#endif

#endif
