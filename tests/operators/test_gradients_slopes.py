"""Gradients by central differences, in float64, of both the compiled functions and the oracle; and
a few by hand.
"""

from itertools import product

import numpy as np
import pytest

import convcore
from convcore import reference
from tests.support.sweeps import each
from tests.tables import layer_cases
from tests.tables.gradient_cases import Gradient, random_arrays

everywhere = pytest.mark.parametrize(
    "operators", [reference, convcore], ids=["reference", "compiled"]
)


def _small(op, x, weight, bias=True, **options):
    words = [op, str(x), str(weight), *(f"{key}={value}" for key, value in options.items())]
    return Gradient("slopes " + " ".join(words), op, x, weight, bias, options)


# Two axes of different sizes, everything asymmetric.
STEPS = [
    {},
    {"stride": 2},
    {"stride": (1, 3), "dilation": (2, 1)},
    {"padding": "same", "stride": 2},
    {"padding": "same_lower"},
    {"padding": "full", "dilation": 2},
    {"padding": ((0, 3), (2, 1))},
    {"padding": ((4, 0), (0, 1)), "stride": (3, 2)},
]
BORDERS = ("edge", "reflect", "symmetric", "wrap")


def _unshared(kind, steps):
    """A local layer, or a tiled one whose period is 2 x 3."""
    period = (2, 3)
    if kind == "local_conv":
        period = layer_cases.output_space((5, 6), (2, 3), steps)
    return _small(f"{kind}2d", (2, 1, 5, 6), (2, *period, 1, 2, 3), **steps)


CASES = [
    *(_small("conv2d", (2, 2, 5, 6), (3, 2, 2, 3), **steps) for steps in STEPS),
    *(
        _small("conv2d", (1, 2, 3, 4), (2, 2, 2, 3), border=b, padding=p, stride=s)
        for b, (p, s) in product(
            BORDERS, [("full", 1), (((1, 4), (3, 0)), 1), (((7, 9), (0, 11)), 2)]
        )
    ),
    *(_small("conv1d", (2, 2, 7), (2, 2, 3), border=b, padding="same", flip=True) for b in BORDERS),
    *(
        _small(
            "conv3d", (1, 2, 2, 3, 3), (2, 2, 2, 1, 2), border=b, padding=((1, 2), (0, 3), (1, 0))
        )
        for b in BORDERS
    ),
    *(
        _small("conv2d", (1, 4, 4, 5), (c, 4 // g, 2, 3), groups=g, padding=1, flip=f)
        for (g, c), f in product([(2, 2), (2, 6), (4, 4), (4, 8)], (False, True))
    ),
    *(
        _small("conv2d", (1, 4, 4, 5), (3, 4, 2, 2), connections=name, padding=p, flip=f)
        for name, p, f in product(("random", "bare", "none"), (0, ((2, 0), (0, 1))), (False, True))
    ),
    _small("conv2d", (1, 4, 3, 4), (3, 4, 2, 2), connections="random", padding=2, border="wrap"),
    _small("conv2d", (2, 4, 5, 2), (3, 2, 2, 3), layout="NHWC", padding="same", stride=2),
    _small("conv2d", (4, 5, 2), (3, 2, 2, 3), layout="NHWC", padding=2, border="reflect"),
    _small("conv2d", (1, 4, 5, 4), (2, 2, 2, 2), layout="NHWC", groups=2),
    _small("conv1d", (2, 9, 3), (2, 3, 4), False, layout="NWC", dilation=2),
    _small("conv3d", (1, 3, 3, 4, 2), (2, 2, 2, 2, 3), layout="NDHWC", padding=1, stride=(1, 2, 1)),
    _small("conv3d", (2, 3, 4, 4), (2, 2, 2, 2, 3), stride=(2, 1, 1), dilation=(1, 2, 1)),
    _small("conv1d", (3, 12), (2, 3, 3), stride=4, padding=((2, 0),)),
    *(_unshared(kind, steps) for kind, steps in product(("local_conv", "tiled_conv"), STEPS)),
    *(
        _small(f"{kind}2d", (4, 5, 2), (2, *period, 2, 2, 2), layout="NHWC")
        for kind, period in [("local_conv", (3, 4)), ("tiled_conv", (2, 2)), ("tiled_conv", (5, 1))]
    ),
    *(
        _small(f"{kind}1d", (2, 2, 8), (2, period, 2, 3), padding=1)
        for kind, period in [("local_conv", 8), ("tiled_conv", 3), ("tiled_conv", 11)]
    ),
    *(
        _small(f"{kind}3d", (1, 1, 3, 4, 3), (2, *period, 1, 2, 2, 2), stride=(1, 2, 1))
        for kind, period in [("local_conv", (2, 2, 2)), ("tiled_conv", (2, 1, 2))]
    ),
    *(
        _small(
            "conv_transpose2d",
            (2, 2, 3, 4),
            (2, 3, 2, 3),
            padding=p,
            stride=s,
            dilation=d,
            output_padding=m,
        )
        for p, s, d, m in [
            (0, 1, 1, 0),
            (1, 2, 1, 1),
            ("same", (2, 3), 1, (1, 2)),
            ("same_lower", 2, 2, 0),
            ("full", (2, 3), 1, 0),
            (((0, 2), (1, 0)), 2, (1, 2), 0),
            (0, (4, 3), 1, 2),
        ]
    ),
    *(
        _small("conv_transpose2d", (1, 4, 3, 3), (4, k, 2, 3), groups=g, stride=2, padding=1)
        for g, k in [(2, 1), (2, 3), (4, 1), (4, 2)]
    ),
    _small("conv_transpose2d", (3, 4, 4), (4, 3, 2, 2), layout="NHWC", stride=2, groups=2),
    _small("conv_transpose1d", (2, 3, 5), (3, 2, 4), stride=3, output_padding=2),
    _small("conv_transpose1d", (2, 5, 3), (3, 2, 4), False, layout="NWC", padding=((2, 0),)),
    _small("conv_transpose3d", (1, 2, 2, 3, 2), (2, 2, 2, 2, 3), stride=(2, 1, 2), padding="same"),
]


def test_every_option_is_there():
    used = {(case.kind, key) for case in CASES for key in case.options}
    for kind in ("conv", "local_conv", "tiled_conv", "conv_transpose"):
        assert {(kind, key) for key in ("stride", "padding", "dilation", "layout")} <= used
    assert {("conv", key) for key in ("groups", "connections", "flip", "border")} <= used
    assert {("conv_transpose", key) for key in ("groups", "output_padding")} <= used
    assert len(CASES) > 90


@everywhere
@each(CASES)
def test_central_differences(case, operators):
    grad, *operands = random_arrays(case, np.float64)
    step = 1e-3  # L has no curvature along one number
    for which, gradient in enumerate(case.back(operators, (grad, *operands))):
        if operands[which] is None:
            assert gradient is None
            continue
        for place in np.ndindex(gradient.shape):
            slope = 0.0
            for sign in (1, -1):
                moved = list(operands)
                moved[which] = operands[which].copy()
                moved[which][place] += sign * step
                slope += sign * np.vdot(case.call(convcore, moved), grad) / (2 * step)
            assert gradient[place] == pytest.approx(slope, abs=1e-9), (which, place)


# By hand.


@everywhere
def test_conv_by_hand(operators):
    x, weight, grad = [[1.0, 2.0, 4.0, 8.0]], [[[3.0, 5.0]]], [[1.0, 10.0, 100.0]]
    back = operators.conv1d_backward
    dx, dweight, dbias = back(grad, x, weight, [0.0])
    assert dx.tolist() == [[3, 35, 350, 500]]
    assert dweight.tolist() == [[[1 + 20 + 400, 2 + 40 + 800]]]
    assert dbias.tolist() == [111]
    assert back(grad, x, weight, flip=True)[0].tolist() == [[5, 53, 530, 300]]
    assert back(grad, x, weight, flip=True)[1].tolist() == [[[842, 421]]]
    dx, dweight, dbias = back([[1.0, 10.0]], x, weight, None, 3, 1)  # 0 1 2 4 8 0
    assert (dx.tolist(), dweight.tolist(), dbias) == ([[5, 0, 30, 50]], [[[40, 1 + 80]]], None)


@everywhere
@pytest.mark.parametrize(
    ("border", "want"),
    [
        ("zeros", [10, 100]),
        ("edge", [10 + 1, 100 + 1000 + 10000]),
        ("reflect", [10 + 1000, 100 + 1 + 10000]),
        ("symmetric", [10 + 1 + 10000, 100 + 1000]),
        ("wrap", [10 + 1000, 100 + 1 + 10000]),
    ],
)
def test_padding_gives_to_what_it_shows(border, want, operators):
    # x = (a, b) with one cell before it and two after it, each seen by one output
    grad = [[1.0, 10.0, 100.0, 1000.0, 10000.0]]
    dx, _, _ = operators.conv1d_backward(
        grad, [[5.0, 7.0]], [[[1.0]]], padding=((1, 2),), border=border
    )
    assert dx.tolist() == [want]


@everywhere
def test_local_and_tiled_by_hand(operators):
    x, grad = [[1.0, 2.0, 4.0]], [[1.0, 10.0]]
    weight = [[[[3.0, 5.0]], [[7.0, 9.0]]]]
    for back in (operators.local_conv1d_backward, operators.tiled_conv1d_backward):
        dx, dweight, dbias = back(grad, x, weight, [[0.0, 0.0]])
        assert dx.tolist() == [[3, 5 + 70, 90]]
        assert dweight.tolist() == [[[[1, 2]], [[20, 40]]]]
        assert dbias.tolist() == [[1, 10]]
    dx, dweight, dbias = operators.tiled_conv1d_backward(
        [[1.0, 10.0, 100.0]], x, [[[[3.0]], [[5.0]], [[0.0]], [[0.0]]]], [[0.0] * 4]
    )
    assert dx.tolist() == [[3, 50, 0]]
    assert dweight.tolist() == [[[[1]], [[20]], [[400]], [[0]]]]  # no output has the fourth turn
    assert dbias.tolist() == [[1, 10, 100, 0]]


@everywhere
def test_transposed_by_hand(operators):
    back = operators.conv_transpose1d_backward
    dx, dweight, dbias = back([[1.0, 10.0, 100.0]], [[1.0, 2.0]], [[[3.0, 5.0]]], [0.0])
    assert dx.tolist() == [[53, 530]]
    assert dweight.tolist() == [[[1 + 20, 10 + 200]]]
    assert dbias.tolist() == [111]
    # the cell that is cut off had no part; the one that output_padding adds has no input
    dx, dweight, dbias = back(
        [[1.0, 10.0, 100.0, 1000.0]],
        [[1.0, 2.0]],
        [[[3.0, 5.0]]],
        [0.0],
        2,
        ((1, 0),),
        output_padding=1,
    )
    assert dx.tolist() == [[5, 30 + 500]]
    assert dweight.tolist() == [[[20, 1 + 200]]]
    assert dbias.tolist() == [1111]
