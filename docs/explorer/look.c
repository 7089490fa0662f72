/* What one output sees, and what belongs to a cell, a weight or an output that was picked. */
#include "explorer.h"

static int32_t traced_cells[CELLS], traced_outputs[OUTPUTS];

/* A tap of the output that is looked at. `kind`: on an input cell, in the padding, beyond it, or,
 * of a transposed convolution, on no cell. `slope`: the derivative of the output with respect to
 * the cell; `to_cell` and `to_weight`: what the output's gradient brings them. */
enum { ON_INPUT, ON_PADDING, BEYOND, NOWHERE };
typedef struct {
    double row, column, kind, value, weight, product, winner, slope, to_cell, to_weight;
    double channel;
} term;
static term terms[MOST_CHANNELS * TAPS];

/* What one output's gradient brings to the cell or the weight that was picked. */
typedef struct {
    double row, column, gradient, factor, product, channel;
} share;
static share shares[OUTPUTS];
static double share_sum;
/* Of the products, what that is divided by, and of the products in each channel that is seen. */
static double sums[2 + MOST_CHANNELS];

/* Where tap t of output o lies: the cell, and on what. The input's cells are those that
 * cc_pool_window() names. */
static int64_t find_tap(int a, int32_t o, int32_t t, int *kind)
{
    const cc_axis *axis = &windows.axis[CC_ROW + a];
    if (transposes()) { /* the input cell whose stamp has its tap t at this output */
        const int64_t from = o + axis->before - t * axis->dilation;
        const bool lies = from >= 0 && from % axis->stride == 0 && from / axis->stride < axis->out;
        *kind = lies ? ON_INPUT : NOWHERE;
        return lies ? from / axis->stride : -1;
    }
    const cc_window w = cc_pool_window(&windows, CC_ROW + a, o);
    const int64_t cell = o * axis->stride + t * axis->dilation - axis->before;
    const int64_t from_first = cell - w.first;
    if (from_first >= 0 && from_first < w.cells * w.step && from_first % w.step == 0)
        *kind = ON_INPUT;
    else
        *kind = cell < axis->in + windows.after[CC_ROW + a] ? ON_PADDING : BEYOND;
    return cell;
}

static double slope_of(int32_t o, const term *t)
{
    switch (settings[SET_operator]) {
    case MAXIMUM:
        return t->winner;
    case AVERAGE:
        return 1 / divisors[o];
    case NORM:
        return output[o] > 0 ? t->value / output[o] : 0;
    case WEIGHTED:
        return t->weight / divisors[o];
    default:
        return t->weight;
    }
}

/* Of a tap on the input channel `channel`. */
static term term_of(int32_t o, int32_t channel, int32_t tap)
{
    const int op = settings[SET_operator];
    const int32_t columns = OF(COLUMNS, kernel), across = FACT(COLUMNS, outputs);
    const int32_t at = o % place_count(),
                  slice = explorer_slice(o / place_count(), kernel_of[at], channel);
    int kinds[AXES];
    const int64_t r = find_tap(ROWS, at / across, tap / columns, &kinds[ROWS]);
    const int64_t c = find_tap(COLUMNS, at % across, tap % columns, &kinds[COLUMNS]);
    const int kind = kinds[ROWS] > kinds[COLUMNS] ? kinds[ROWS] : kinds[COLUMNS];
    const int64_t place = r * OF(COLUMNS, input) + c;
    term t = {.row = (double)r, .column = (double)c, .kind = kind};
    t.channel = channel;
    t.value = kind == ON_INPUT ? input[channel * cell_count() + place] : 0;
    t.weight = facts[GOT_weights] ? weights[slice * tap_count() + tap] : 1;
    t.product = op == NORM ? t.value * t.value : t.value * t.weight;
    t.winner = op == MAXIMUM && kind == ON_INPUT && places[o] == place;
    t.slope = kind == ON_INPUT ? slope_of(o, &t) : 0;
    t.to_cell = gradient[o] * t.slope;
    t.to_weight = facts[GOT_weights] ? gradient[o] * t.value : 0;
    return t;
}

/* Lists the taps of one output, channel by channel, row by row. */
void EXPORT(explorer_look)(int32_t channel, int32_t row, int32_t column)
{
    const int op = settings[SET_operator];
    const int32_t o = output_at(channel, row, column), taps = tap_count();
    sums[0] = 0;
    sums[1] = op == AVERAGE || op == WEIGHTED ? divisors[o] : 0;
    for (int c = 0; c < facts[GOT_seen]; c++) {
        sums[2 + c] = 0;
        for (int i = 0; i < taps; i++) {
            terms[c * taps + i] = term_of(o, explorer_first_seen(channel) + c, i);
            sums[2 + c] += terms[c * taps + i].product;
        }
        sums[0] += sums[2 + c];
    }
}

static void clear_trace(void)
{
    facts[GOT_traced] = 0;
    share_sum = 0;
    for (int i = 0; i < CELLS; i++) traced_cells[i] = 0;
    for (int i = 0; i < OUTPUTS; i++) traced_outputs[i] = 0;
}

static void add_share(int32_t o, double factor)
{
    const int32_t columns = FACT(COLUMNS, outputs), at = o % place_count();
    const double product = gradient[o] * factor;
    shares[facts[GOT_traced]++] =
        (share){at / columns, at % columns, gradient[o], factor, product, o / place_count()};
    share_sum += product;
}

/* Marks the outputs that take a weight (-1: in the padding), and counts on which input cells they
 * take it; lists what their gradients bring it. `facts.traced`: how many outputs. */
void EXPORT(explorer_trace_weight)(int32_t slice, int32_t row, int32_t column)
{
    const int32_t count = place_count(), tap = row * OF(COLUMNS, kernel) + column;
    clear_trace();
    for (int i = 0; i < output_count() * facts[GOT_seen]; i++) {
        const int32_t o = i / facts[GOT_seen],
                      channel = explorer_first_seen(o / count) + i % facts[GOT_seen];
        if (explorer_slice(o / count, kernel_of[o % count], channel) != slice)
            continue;
        const term t = term_of(o, channel, tap);
        if ((int)t.kind == NOWHERE)
            continue;
        const bool padding = (int)t.kind != ON_INPUT;
        traced_outputs[o] = padding ? -1 : 1;
        add_share(o, t.value);
        if (!padding)
            traced_cells[channel * cell_count() + (int)t.row * OF(COLUMNS, input) +
                         (int)t.column]++;
    }
}

/* Adds what an output brings a cell that it sees. */
static void share_with_cell(int32_t o, int32_t channel, int32_t row, int32_t column)
{
    traced_outputs[o] = 1;
    for (int tap = 0; tap < tap_count(); tap++) {
        const term t = term_of(o, channel, tap);
        if ((int)t.kind == ON_INPUT && (int)t.row == row && (int)t.column == column)
            add_share(o, t.slope);
    }
}

/* Marks the outputs that see an input cell, and lists what their gradients bring it. */
void EXPORT(explorer_trace_cell)(int32_t channel, int32_t row, int32_t column)
{
    clear_trace();
    const cc_pool seen = outputs_of_cells();
    const cc_window r = cc_pool_window(&seen, CC_ROW, row);
    const cc_window c = cc_pool_window(&seen, CC_COLUMN, column);
    const int32_t first = explorer_first_seeing(channel);
    traced_cells[channel * cell_count() + row * OF(COLUMNS, input) + column] = 1;
    for (int k = first; k < first + facts[GOT_seeing]; k++)
        for (int64_t i = 0; i < r.cells * c.cells; i++) {
            const int64_t down = r.first + i / c.cells * r.step,
                          across = c.first + i % c.cells * c.step;
            share_with_cell(output_at(k, (int32_t)down, (int32_t)across), channel, row, column);
        }
}

/* Marks the outputs that take the same weights as this one, itself among them. */
void EXPORT(explorer_trace_output)(int32_t channel, int32_t row, int32_t column)
{
    const int32_t own = kernel_of[output_at(0, row, column)];
    clear_trace();
    for (int i = 0; i < place_count(); i++) {
        traced_outputs[output_at(channel, 0, 0) + i] = kernel_of[i] == own;
        facts[GOT_traced] += kernel_of[i] == own;
    }
}

double *EXPORT(explorer_shares)(void) { return (double *)shares; }
double *EXPORT(explorer_share_sum)(void) { return &share_sum; }
double *EXPORT(explorer_terms)(void) { return (double *)terms; }
double *EXPORT(explorer_sums)(void) { return sums; }
int32_t *EXPORT(explorer_traced_cells)(void) { return traced_cells; }
int32_t *EXPORT(explorer_traced_outputs)(void) { return traced_outputs; }
