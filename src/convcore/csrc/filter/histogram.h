/* Ranks of bytes by histograms. */
#ifndef CC_FILTER_HISTOGRAM_H
#define CC_FILTER_HISTOGRAM_H

#include "plan.h"

/* What a worker keeps from a row of outputs to the next. */
typedef struct {
    const cc_filter_plan *plan;
    cc_filter_piece kept_piece; /* whose columns have been counted */
    cc_column_counts *columns;
    int8_t *row; /* of keys */
} cc_histograms;

/* `count` outputs of a piece, of one lane. */
void cc_rank_by_histograms(cc_histograms *histograms, const cc_filter_piece *piece, ptrdiff_t count,
                           uint8_t *y);

#endif
