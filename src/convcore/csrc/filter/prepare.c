/* Rows of the input as kernels read them: converted, and with what borders show. */
#include "plan.h"

#include "../base/integers.h"
#include "../core/border.h"

static void read_elements(const cc_filter_plan *plan, const void *src, ptrdiff_t count, char *dst)
{
    if (plan->problem->how == CC_RANK)
        plan->kernels->read_keys(cc_key_order_of(plan->type), src, count, dst);
    else
        cc_read_doubles(plan->type, src, count, (double *)(void *)dst);
}

/* `count` cells of what one side of an axis holds. */
static void read_constant(const cc_filter_plan *plan, const cc_side *side, int64_t count, char *dst)
{
    int64_t element;
    cc_border_element(plan->type, side, &element);
    for (int64_t i = 0; i < count * plan->problem->lanes; i++)
        if (plan->problem->how == CC_RANK)
            read_elements(plan, &element, 1, dst + i * plan->bytes);
        else
            ((double *)(void *)dst)[i] = side->value; /* it need not be of the elements' type */
}

void cc_filter_prepare(const cc_filter_plan *plan, const cc_filter_piece *piece, void *dst)
{
    const cc_filter *f = plan->problem;
    const ptrdiff_t bytes = cc_kernels_of(plan->type)->size * f->lanes,
                    cell = plan->bytes * f->lanes;
    const int64_t width = f->size[CC_COLUMN];
    const int64_t depth = cc_border_source(f->border[CC_DEPTH], piece->depth, f->size[CC_DEPTH]);
    const int64_t row = cc_border_source(f->border[CC_ROW], piece->row, f->size[CC_ROW]);
    const cc_side *constant = row < 0     ? &f->border[CC_ROW][piece->row >= 0]
                              : depth < 0 ? &f->border[CC_DEPTH][piece->depth >= 0]
                                          : NULL;
    const char *x =
        constant ? NULL
                 : plan->x + ((piece->n * f->size[CC_DEPTH] + depth) * f->size[CC_ROW] + row) *
                                 width * bytes;
    const int64_t inside_from = min(max(piece->from, 0), width);
    const int64_t inside_to = max(min(piece->to, width), inside_from);
    char *to = dst;
    if (constant)
        read_constant(plan, constant, inside_to - inside_from,
                      to + (inside_from - piece->from) * cell);
    else
        read_elements(plan, x + inside_from * bytes, (inside_to - inside_from) * f->lanes,
                      to + (inside_from - piece->from) * cell);
    for (int64_t c = piece->from; c < piece->to; c++) {
        if (c == inside_from && inside_to > inside_from)
            c = inside_to;
        if (c >= piece->to)
            break;
        const int64_t source = cc_border_source(f->border[CC_COLUMN], c, width);
        char *here = to + (c - piece->from) * cell;
        if (source < 0 || constant)
            read_constant(plan, source < 0 ? &f->border[CC_COLUMN][c >= 0] : constant, 1, here);
        else
            read_elements(plan, x + source * bytes, f->lanes, here);
    }
}
