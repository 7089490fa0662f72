/* What the files of the explorer share: the settings and the facts that follow from them, where the
 * windows lie, and the numbers. float64, zero border. The page and the tests find every number by
 * its name, so that no second list of them exists.
 */
#ifndef EXPLORER_H
#define EXPLORER_H

#include "convcore.h"
#include "export.h"
#include "fill.h"

enum { ROWS, COLUMNS, AXES };
enum { CONVOLUTION, LOCAL, TILED, TRANSPOSED, MAXIMUM, AVERAGE, NORM, WEIGHTED, OPERATORS };
enum { VALID, SAME, SAME_LOWER, FULL, CAUSAL, EXPLICIT, PADDINGS };
enum {
    FITS,
    OUT_OF_RANGE,
    TOO_LARGE,
    EMPTY_WINDOW,
    NO_OUTPUT,
    TOO_MANY,
    FAILED,
    UNDIVIDED,
    TOO_MANY_WEIGHTS
};

/* X(name, least, most, value at first) */
#define BOTH(X, name, least, most, rows, columns) \
    X(name##_rows, least, most, rows) X(name##_columns, least, most, columns)
#define SETTINGS(X) \
    X(operator, 0, OPERATORS - 1, CONVOLUTION) \
    X(padding, 0, PADDINGS - 1, VALID) \
    BOTH(X, input, 1, 16, 6, 7) \
    BOTH(X, kernel, 1, 7, 3, 3) \
    BOTH(X, stride, 1, 5, 1, 1) \
    BOTH(X, dilation, 1, 4, 1, 1) \
    BOTH(X, before, 0, 8, 0, 0) \
    BOTH(X, after, 0, 8, 0, 0) \
    BOTH(X, period, 1, 4, 2, 2) \
    X(ceil, 0, 1, 0) \
    X(count_padding, 0, 1, 0) \
    X(seed, 0, 9999, 1) \
    X(input_preset, 0, INPUT_PRESETS - 1, INPUT_RANDOM) \
    X(kernel_preset, 0, KERNEL_PRESETS - 1, KERNEL_RANDOM) \
    X(gradient, 0, 1, 0) \
    X(channels_in, 1, MOST_CHANNELS, 1) \
    X(channels_out, 1, MOST_CHANNELS, 1) \
    X(groups, 1, MOST_CHANNELS, 1)

/* What follows from them. `padded_before` and `padded_after`: the padding that the word or the
 * numbers stand for; `room`: the steps of one cell that the kernel can make; `rounded`: room /
 * stride, down or up; `dropped`: 1 if the last window would begin in the padding after; `start` and
 * `end`: the cells to show, from the first of the padding to where the last window or the padding
 * ends, counted from the first input cell. A transposed convolution takes the padding off its
 * output, so that its input has none. `channels_in`, `channels_out`, `groups`: those that the
 * operator has; `seen`: the input channels that an output sees; `seeing`: the output channels that
 * see an input channel. Weights are `outer` x kernels x `inner` slices: tables of the taps between
 * one input channel and one output channel. */
/* clang-format off */
#define AXIS_FACTS(X, axis) \
    X(padded_before_##axis) X(padded_after_##axis) X(span_##axis) X(room_##axis) \
    X(rounded_##axis) X(dropped_##axis) X(outputs_##axis) X(start_##axis) X(end_##axis) \
    X(kernels_##axis)
#define FACTS(X) \
    X(status) X(field) X(axis) X(place) X(weights) X(traced) \
    X(channels_in) X(channels_out) X(groups) X(seen) X(seeing) X(outer) X(inner) \
    AXIS_FACTS(X, rows) AXIS_FACTS(X, columns)
/* clang-format on */

/* A kernel of 7 with dilation 4 spans 25 cells, so "full" gives 16 + 24 outputs. A transposed
 * convolution could have more, and is refused; so are more weights than a local layer of one
 * channel can have. */
enum { MOST_IN = 16, MOST_TAPS = 7, MOST_OUT = 40, MOST_CHANNELS = 4 };
enum {
    CELLS = MOST_CHANNELS * MOST_IN * MOST_IN,
    PLACES = MOST_OUT * MOST_OUT,
    OUTPUTS = MOST_CHANNELS * PLACES,
    TAPS = MOST_TAPS * MOST_TAPS,
    MOST_WEIGHTS = PLACES * TAPS
};

#define SET(name, ...) SET_##name,
#define GOT(name) GOT_##name,
enum { SETTINGS(SET) SETTING_COUNT };
enum { FACTS(GOT) FACT_COUNT };

extern int32_t settings[SETTING_COUNT], facts[FACT_COUNT];
extern const int32_t least[SETTING_COUNT], most[SETTING_COUNT];

/* Channel by channel, row by row; weights in the order of convcore's functions. */
extern double input[CELLS], weights[MOST_WEIGHTS], output[OUTPUTS];
extern double divisors[OUTPUTS]; /* of a mean and of a weighted pooling */
extern int64_t places[OUTPUTS];  /* of maxima, in the channel */

/* Derivatives of some number with respect to the output, which are given, the input and the
 * weights. */
extern double gradient[OUTPUTS], input_gradient[CELLS], weight_gradient[MOST_WEIGHTS];

/* The same in each channel: how many outputs see a cell, and the kernel that a place takes. */
extern int32_t usage[MOST_IN * MOST_IN], kernel_of[PLACES];

extern cc_pool windows; /* where the windows lie, whatever the operator */

/* A setting or a fact that each axis has, by the name of the one for rows. */
#define OF(axis, name) settings[SET_##name##_rows + (axis)]
#define FACT(axis, name) facts[(axis) == ROWS ? GOT_##name##_rows : GOT_##name##_columns]

static inline bool pools(void) { return settings[SET_operator] >= MAXIMUM; }
static inline bool transposes(void) { return settings[SET_operator] == TRANSPOSED; }
static inline int32_t cell_count(void) { return OF(ROWS, input) * OF(COLUMNS, input); }
static inline int32_t place_count(void) { return FACT(ROWS, outputs) * FACT(COLUMNS, outputs); }
static inline int32_t output_count(void) { return facts[GOT_channels_out] * place_count(); }
static inline int32_t tap_count(void) { return OF(ROWS, kernel) * OF(COLUMNS, kernel); }
static inline int32_t output_at(int32_t channel, int32_t row, int32_t column)
{
    return (channel * FACT(ROWS, outputs) + row) * FACT(COLUMNS, outputs) + column;
}

/* Tells why settings are refused. */
int32_t refuse(int status, int field, int axis, int place);
/* Window i holds the outputs of a channel that see input cell i. */
cc_pool outputs_of_cells(void);
/* The first input channel that an output channel sees, and the first output channel that sees an
 * input channel. */
int32_t explorer_first_seen(int32_t channel_out);
int32_t explorer_first_seeing(int32_t channel_in);
/* The slice of the weights between two channels, of one of the kernels that outputs share. */
int32_t explorer_slice(int32_t channel_out, int32_t kernel, int32_t channel_in);

#endif
