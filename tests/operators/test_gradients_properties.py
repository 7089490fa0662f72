"""Gradients on random geometry: the oracle's, whatever is needed, by any number of threads, in both
layouts. Small integers, so every comparison is `==`.
"""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import convcore
from convcore import reference
from tests.tables.gradient_cases import Gradient, assert_gradients, integer_arrays
from tests.tables.layer_cases import LAYOUTS, TABLES, output_space

BORDERS = ("zeros", "edge", "reflect", "symmetric", "wrap")
WORDS = ("valid", "same", "same_lower", "full")


@st.composite
def geometries(draw, least=1):
    """The space, the kernel and how it moves; the kernel fits into the input."""
    nd = draw(st.integers(1, 3))

    def each(low, high):
        return draw(st.tuples(*[st.integers(low, high)] * nd))

    kernel, dilation = each(1, {1: 9, 2: 5, 3: 3}[nd]), each(1, 3)
    padding = draw(
        st.one_of(
            st.sampled_from(WORDS),
            st.integers(0, 5),
            st.just(tuple(zip(each(0, 7), each(0, 7), strict=True))),
        )
    )
    space = tuple(
        max(n, (r - 1) * d + 1)
        for n, r, d in zip(each(least, {1: 40, 2: 14, 3: 6}[nd]), kernel, dilation, strict=True)
    )
    return space, kernel, {"stride": each(1, 4), "dilation": dilation, "padding": padding}


def shaped(draw, name, channels, space, weight, options):
    """A case with these channels, with or without a batch, in one of the layouts."""
    nd = len(space)
    options = {**options, "layout": draw(st.sampled_from(LAYOUTS[nd]))}
    x = (channels, *space) if options["layout"] == LAYOUTS[nd][0] else (*space, channels)
    batch = draw(st.sampled_from([(), (1,), (2,), (3,)]))
    return Gradient(
        f"{name} {draw(st.integers(0, 2**16))}",
        f"{name}{nd}d",
        (*batch, *x),
        weight,
        draw(st.booleans()),
        options,
    )


@st.composite
def convolutions(draw):
    space, kernel, options = draw(geometries())
    g, c, k = draw(st.tuples(st.integers(1, 4), st.integers(1, 9), st.integers(1, 18)))
    options |= {"border": draw(st.sampled_from(BORDERS)), "flip": draw(st.booleans())}
    if g == 2:
        options["connections"], g = draw(st.sampled_from(sorted(TABLES))), 1
    else:
        options["groups"] = g
    return shaped(draw, "conv", g * c, space, (g * k, c, *kernel), options)


@st.composite
def unshared(draw):
    space, kernel, options = draw(geometries())
    c, k = draw(st.tuples(st.integers(1, 6), st.integers(1, 18)))
    name = draw(st.sampled_from(["local_conv", "tiled_conv"]))
    if name == "local_conv":
        padding = options["padding"]
        each = padding if isinstance(padding, tuple) else (padding,) * len(space)
        period = output_space(space, kernel, {**options, "padding": each})
    else:
        period = draw(st.tuples(*[st.integers(1, 4)] * len(space)))
    return shaped(draw, name, c, space, (k, *period, c, *kernel), options)


@st.composite
def transposed(draw):
    space, kernel, options = draw(geometries(least=2))
    options["padding"] = draw(st.sampled_from(["valid", "same", "same_lower", 0]))
    beyond = options["dilation"] if options["padding"] in ("valid", 0) else options["stride"]
    options["output_padding"] = tuple(
        draw(st.integers(0, max(steps) - 1))
        for steps in zip(options["stride"], beyond, strict=True)
    )
    g, c, k = draw(st.tuples(st.integers(1, 3), st.integers(1, 6), st.integers(1, 9)))
    return shaped(
        draw, "conv_transpose", g * c, space, (g * c, k, *kernel), {**options, "groups": g}
    )


@given(
    st.one_of(convolutions(), unshared(), transposed()),
    st.sampled_from([np.float32, np.float64]),
    st.sampled_from([None, 1, 2, 5]),
    st.tuples(*[st.booleans()] * 3),
)
def test_equals_reference(case, dtype, threads, needs):
    arrays = integer_arrays(case, dtype)
    got = case.back(convcore, arrays, threads=threads, needs=needs)
    assert_gradients(got, case.back(reference, arrays, needs=needs), case)


@given(convolutions())
def test_convolutions_equal_reference(case):
    arrays = integer_arrays(case)
    assert_gradients(case.back(convcore, arrays), case.back(reference, arrays), case)


@given(unshared())
def test_unshared_layers_equal_reference(case):
    arrays = integer_arrays(case)
    assert_gradients(case.back(convcore, arrays), case.back(reference, arrays), case)


@given(transposed())
def test_transposed_equal_reference(case):
    arrays = integer_arrays(case)
    assert_gradients(case.back(convcore, arrays), case.back(reference, arrays), case)
