/* Ranks of elements of a byte in large boxes, by histograms of columns, of the box's height: from a
 * row of outputs to the next they lose one row of the input and take up another.
 * kernels/slide_ranks.c adds them up. */
#include "histogram.h"

#include <string.h>

/* The bin of a key. */
static uint8_t bin_of(int8_t key) { return (uint8_t)(key ^ INT8_MIN); }

static void count_row(cc_column_counts *columns, const int8_t *row, ptrdiff_t count, int by)
{
    for (ptrdiff_t x = 0; x < count; x++) {
        const uint8_t bin = bin_of(row[x]);
        uint16_t *coarse = &columns[x].coarse[bin / CC_BINS];
        uint16_t *fine = &columns[x].fine[bin / CC_BINS][bin % CC_BINS];
        *coarse = (uint16_t)(*coarse + by);
        *fine = (uint16_t)(*fine + by);
    }
}

/* Rows `row` of all planes of the box enter, or leave, the columns' histograms. */
static void count_rows(const cc_histograms *h, cc_filter_piece piece, int64_t row, int by)
{
    const cc_filter_plan *plan = h->plan;
    const int64_t depth = piece.depth;
    piece.row = row;
    for (int64_t d = plan->first[CC_DEPTH]; d <= plan->last[CC_DEPTH]; d++) {
        piece.depth = depth + d;
        cc_filter_prepare(plan, &piece, h->row);
        count_row(h->columns, h->row, piece.to - piece.from, by);
    }
}

static void begin_tile(const cc_histograms *h, const cc_filter_piece *piece)
{
    const cc_filter_plan *plan = h->plan;
    memset(h->columns, 0, (size_t)(piece->to - piece->from) * sizeof *h->columns);
    for (int64_t r = plan->first[CC_ROW]; r <= plan->last[CC_ROW]; r++)
        count_rows(h, *piece, piece->row + r, 1);
}

static void next_row(const cc_histograms *h, const cc_filter_piece *piece)
{
    const cc_filter_plan *plan = h->plan;
    count_rows(h, *piece, piece->row - 1 + plan->first[CC_ROW], -1);
    count_rows(h, *piece, piece->row + plan->last[CC_ROW], 1);
}

void cc_rank_by_histograms(cc_histograms *h, const cc_filter_piece *piece, ptrdiff_t count,
                           uint8_t *y)
{
    cc_filter_piece after = h->kept_piece;
    after.row++;
    if (memcmp(&after, piece, sizeof after) == 0)
        next_row(h, piece);
    else
        begin_tile(h, piece);
    h->kept_piece = *piece;
    const cc_filter_plan *plan = h->plan;
    const cc_slide_args args = {.columns = h->columns,
                                .width = plan->last[CC_COLUMN] - plan->first[CC_COLUMN] + 1,
                                .count = count,
                                .rank = plan->problem->rank,
                                .order = cc_key_order_of(plan->type),
                                .y = y};
    plan->kernels->slide_ranks(&args);
}
