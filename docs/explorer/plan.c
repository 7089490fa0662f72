/* Reads the settings: says why some make no sense, and tells the sizes, the windows and which
 * weights each output takes.
 */
#include "explorer.h"

cc_pool windows;
int32_t usage[MOST_IN * MOST_IN], kernel_of[PLACES];

int32_t refuse(int status, int field, int axis, int place)
{
    facts[GOT_field] = field;
    facts[GOT_axis] = axis;
    facts[GOT_place] = place;
    return facts[GOT_status] = status;
}

/* As convcore.geometry does. */
static void pad(int a)
{
    const int32_t s = OF(a, stride), span = FACT(a, span);
    /* "same" of a transposed convolution: the cells that the convolution before it had */
    const int32_t n = transposes() ? (OF(a, input) - 1) * s + 1 : OF(a, input);
    const int32_t outputs = (n + s - 1) / s, total = (outputs - 1) * s + span - n;
    const int32_t both = total > 0 ? total : 0, word = settings[SET_padding];
    int32_t before = 0, after = 0;
    if (word == SAME || word == SAME_LOWER) {
        before = word == SAME ? both / 2 : both - both / 2;
        after = both - before;
    } else if (word == FULL) {
        before = after = span - 1;
    } else if (word == CAUSAL) {
        before = span - 1;
    } else if (word == EXPLICIT) {
        before = OF(a, before);
        after = OF(a, after);
    }
    FACT(a, padded_before) = before;
    FACT(a, padded_after) = after;
}

static int count_transposed(int a)
{
    FACT(a, room) = (OF(a, input) - 1) * OF(a, stride) + FACT(a, span);
    FACT(a, outputs) = FACT(a, room) - FACT(a, padded_before) - FACT(a, padded_after);
    FACT(a, end) = OF(a, input);
    return FACT(a, outputs) < 1 ? NO_OUTPUT : FACT(a, outputs) > MOST_OUT ? TOO_MANY : FITS;
}

static int count_outputs(int a)
{
    const int32_t s = OF(a, stride), before = FACT(a, padded_before);
    const int32_t padded = OF(a, input) + before + FACT(a, padded_after);
    const int32_t room = padded - FACT(a, span);
    FACT(a, room) = room;
    if (room < 0)
        return TOO_LARGE;
    const bool up = pools() && settings[SET_ceil];
    const int32_t rounded = up ? (room + s - 1) / s : room / s;
    FACT(a, rounded) = rounded;
    FACT(a, dropped) = up && rounded * s >= OF(a, input) + before;
    FACT(a, outputs) = rounded + 1 - FACT(a, dropped);
    const int32_t reached = (FACT(a, outputs) - 1) * s + FACT(a, span) - before;
    const int32_t padded_end = padded - before;
    FACT(a, start) = -before;
    FACT(a, end) = reached > padded_end ? reached : padded_end;
    return FITS;
}

/* Those of a transposed convolution are the windows of the convolution whose adjoint it is. */
static void place_windows(void)
{
    windows = (cc_pool){.n = 1,
                        .channels = facts[GOT_channels_in],
                        .p = 2,
                        .count_padding =
                            settings[SET_operator] == AVERAGE && settings[SET_count_padding]};
    windows.axis[CC_DEPTH] = (cc_axis){1, 1, 1, 1, 0, 1};
    windows.source[CC_DEPTH].cells = 1;
    for (int a = 0; a < AXES; a++) {
        const int32_t in = transposes() ? FACT(a, outputs) : OF(a, input);
        const int32_t out = transposes() ? OF(a, input) : FACT(a, outputs);
        windows.axis[CC_ROW + a] = (cc_axis){
            in, OF(a, kernel), OF(a, stride), OF(a, dilation), FACT(a, padded_before), out};
        windows.after[CC_ROW + a] = FACT(a, padded_after);
        windows.source[CC_ROW + a].cells = in;
    }
}

cc_pool outputs_of_cells(void)
{
    cc_pool seen = windows;
    seen.adjoint = !transposes();
    return seen;
}

/* Groups are of layers whose outputs share one kernel. A pooling takes each channel for itself. */
static int count_channels(void)
{
    const int op = settings[SET_operator];
    const int32_t in = settings[SET_channels_in];
    const int32_t out = pools() ? in : settings[SET_channels_out];
    const int32_t groups = pools()                                 ? in
                           : op == CONVOLUTION || op == TRANSPOSED ? settings[SET_groups]
                                                                   : 1;
    facts[GOT_channels_in] = in;
    facts[GOT_channels_out] = out;
    facts[GOT_groups] = groups;
    facts[GOT_seen] = in / groups;
    facts[GOT_seeing] = out / groups;
    facts[GOT_outer] = pools() ? 1 : transposes() ? in : out;
    facts[GOT_inner] = pools() ? 1 : transposes() ? out / groups : in / groups;
    return in % groups || out % groups ? UNDIVIDED : FITS;
}

/* How many kernels outputs share, and how many weights there are. */
static int count_weights(void)
{
    const int op = settings[SET_operator];
    for (int a = 0; a < AXES; a++)
        FACT(a, kernels) = op == LOCAL ? FACT(a, outputs) : op == TILED ? OF(a, period) : 1;
    const int32_t kernels = FACT(ROWS, kernels) * FACT(COLUMNS, kernels);
    const bool weighs = !pools() || op == WEIGHTED;
    facts[GOT_weights] = weighs ? facts[GOT_outer] * kernels * facts[GOT_inner] * tap_count() : 0;
    return facts[GOT_weights] > MOST_WEIGHTS ? TOO_MANY_WEIGHTS : FITS;
}

int32_t EXPORT(explorer_first_seen)(int32_t channel_out)
{
    return channel_out / facts[GOT_seeing] * facts[GOT_seen];
}

int32_t EXPORT(explorer_first_seeing)(int32_t channel_in)
{
    return channel_in / facts[GOT_seen] * facts[GOT_seeing];
}

int32_t EXPORT(explorer_slice)(int32_t channel_out, int32_t kernel, int32_t channel_in)
{
    if (pools())
        return 0;
    if (transposes())
        return channel_in * facts[GOT_inner] + channel_out % facts[GOT_seeing];
    const int32_t kernels = FACT(ROWS, kernels) * FACT(COLUMNS, kernels);
    return (channel_out * kernels + kernel) * facts[GOT_inner] + channel_in % facts[GOT_seen];
}

/* Which kernel each place takes, and how many outputs see each input cell of a channel. */
static void tell_sharing(void)
{
    const int32_t rows = FACT(ROWS, outputs), columns = FACT(COLUMNS, outputs);
    const int32_t across = FACT(COLUMNS, kernels), down = FACT(ROWS, kernels);
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < columns; c++)
            kernel_of[r * columns + c] = r % down * across + c % across;
    const cc_pool seen = outputs_of_cells();
    for (int r = 0; r < OF(ROWS, input); r++)
        for (int c = 0; c < OF(COLUMNS, input); c++)
            usage[r * OF(COLUMNS, input) + c] =
                (int32_t)(facts[GOT_seeing] * cc_pool_window(&seen, CC_ROW, r).cells *
                          cc_pool_window(&seen, CC_COLUMN, c).cells);
}

/* Reads the settings. Nothing may be asked of settings that are refused. */
int32_t EXPORT(explorer_plan)(void)
{
    for (int i = 0; i < FACT_COUNT; i++) facts[i] = 0;
    for (int i = 0; i < SETTING_COUNT; i++)
        if (settings[i] < least[i] || settings[i] > most[i])
            return refuse(OUT_OF_RANGE, i, 0, 0);
    if (count_channels() != FITS)
        return refuse(UNDIVIDED, 0, 0, 0);
    for (int a = 0; a < AXES; a++) {
        FACT(a, span) = OF(a, dilation) * (OF(a, kernel) - 1) + 1;
        pad(a);
        const int status = transposes() ? count_transposed(a) : count_outputs(a);
        if (status != FITS)
            return refuse(status, 0, a, 0);
    }
    if (count_weights() != FITS)
        return refuse(TOO_MANY_WEIGHTS, 0, 0, 0);
    place_windows();
    for (int a = 0; pools() && a < AXES; a++)
        for (int o = 0; o < FACT(a, outputs); o++)
            if (cc_pool_window(&windows, CC_ROW + a, o).cells == 0)
                return refuse(EMPTY_WINDOW, 0, a, o);
    tell_sharing();
    return FITS;
}

/* What lies at the ends of a slice of the weights. */
enum { SLICE_OUT, SLICE_KERNEL, SLICE_IN };
int32_t EXPORT(explorer_between)(int32_t slice, int32_t which)
{
    const int32_t kernels = FACT(ROWS, kernels) * FACT(COLUMNS, kernels), inner = facts[GOT_inner];
    const int32_t first = slice / inner / kernels, last = slice % inner;
    if (which == SLICE_KERNEL)
        return slice / inner % kernels;
    if (transposes())
        return which == SLICE_IN ? first : explorer_first_seeing(first) + last;
    return which == SLICE_OUT ? first : explorer_first_seen(first) + last;
}
