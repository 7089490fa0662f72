#include "finite.h"

#include <float.h>
#include <math.h>

bool cc_all_finite(int size, const void *elements, int64_t count)
{
    int found = 0; /* no early end: a compiler makes vectors of these loops */
    if (size == sizeof(float))
        for (int64_t i = 0; i < count; i++)
            found |= !(fabsf(((const float *)elements)[i]) <= FLT_MAX);
    else
        for (int64_t i = 0; i < count; i++)
            found |= !(fabs(((const double *)elements)[i]) <= DBL_MAX);
    return !found;
}
