/* The functions of one `how`, CC_HOW, whose names CC_NAME makes, and the choice among them. A part
 * of reduce.c, which includes it once for each. */
#define CC_LINES(how_apart, count, taps, vecs) \
    reduce_lines(f, (way){CC_HOW, how_apart, count, taps, vecs, INSIDE})
#define CC_WAY(way, condition, lines) \
    static __attribute__((noinline, unused)) bool CC_NAME(_##way)(const cc_reduce_args *f) \
    { \
        return lines; \
    }
#include "reduce_ways.def"
#undef CC_WAY

static bool CC_NAME()(const cc_reduce_args *f)
{
    /* what is done seldom, or on one element after the other, has no fast ways */
    const bool has_rows = CC_HOW != CC_MAX_NAN && CC_HOW != CC_SUM_POWERS;
    const bool close = has_rows && CC_HOW != CC_LARGER && f->step <= 2 && f->tap == 1 &&
                       (f->taps == 2 || f->taps == 3);
#ifndef CC_INTEGER
    const ptrdiff_t ins = close ? vectors_of_line(f) : 0;
#endif
#define CC_WAY(way, condition, lines) \
    if (condition) \
        return CC_NAME(_##way)(f);
#include "reduce_ways.def"
#undef CC_WAY
}
#undef CC_LINES
#undef CC_HOW
#undef CC_NAME
