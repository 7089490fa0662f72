#include "border.h"

int64_t cc_border_source(const cc_side sides[2], int64_t p, int64_t n)
{
    if (p >= 0 && p < n)
        return p;
    const cc_border border = sides[p >= 0].kind;
    int64_t period = n;
    switch (border) {
    case CC_EDGE:
        return p < 0 ? 0 : n - 1;
    case CC_REFLECT:
        period = n > 1 ? 2 * (n - 1) : 1;
        break;
    case CC_SYMMETRIC:
        period = 2 * n;
        break;
    case CC_WRAP:
        break;
    default:
        return -1;
    }
    p = (p % period + period) % period;
    if (p < n)
        return p;
    return border == CC_REFLECT ? period - p : period - 1 - p;
}

void cc_border_element(cc_type type, const cc_side *side, void *to)
{
#define CC_TYPE(NAME, suffix, bytes, storage, ...) \
    case CC_##NAME: \
        *(storage *)to = CC_##NAME < CC_REALS ? (storage)side->value : (storage)side->integer; \
        break;
    switch (type) {
#include "../base/types.def"
    default:
        break;
    }
#undef CC_TYPE
}
