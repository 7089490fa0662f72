"""Receptive fields against brute force: which inputs, changed one at a time, move which output."""

import numpy as np
import pytest

import convcore
from convcore.geometry import Field, Layer, receptive_field

STACKS = {
    "fig. 9.4": [(3,), (3,)],
    "strides": [(3, 2), (3,), (2, 2), (5, 1, 2)],
    "padding": [(5, 1, (1, 3)), (3, 2, 1), (3, 1, "full")],
    "dilation": [(3, 1, 0, 2), (2, 2, 1, 3), (3, 1, "same", 2)],
    "same": [(4, 1, "same"), (3, 1, "same_lower"), (2, 2)],
    "strided same": [(3, 2, "same"), (5, 2, "same_lower"), (4, 3, "same")],
    "gaps": [(1, 3), (2, 2), (2,)],
}


def moved(layers, n):
    """First and last input cell that moves each output of a stack of all-ones kernels."""

    def run(x):
        for kernel, *rest in layers:
            stride, padding, dilation = (*rest, *(1, "valid", 1)[len(rest) :])
            pads = (padding,) if isinstance(padding, tuple) else padding
            x = convcore.conv1d(x, np.ones((1, 1, kernel)), None, stride, pads, dilation)
        return x

    reached = run(np.eye(n)[:, np.newaxis])[:, 0] != 0  # (cell, output)
    return [tuple(np.flatnonzero(column)[[0, -1]].tolist()) for column in reached.T]


@pytest.mark.item("f07")
@pytest.mark.parametrize("name", STACKS)
def test_the_cells_that_move_an_output(name):
    layers, n = STACKS[name], 37
    for depth in range(1, len(layers) + 1):
        field = receptive_field(layers[:depth], (n,))[-1]
        for o, (first, last) in enumerate(moved(layers[:depth], n)):
            begin = field.offset + o * field.jump
            end = begin + field.size - 1
            if begin >= 0 and end < n:
                assert (first, last) == (begin, end)
            else:
                assert begin <= first <= last <= end


@pytest.mark.parametrize("name", [name for name in STACKS if name != "strided same"])
def test_the_input_size_says_nothing_more(name):
    assert receptive_field(STACKS[name]) == receptive_field(STACKS[name], (40,))


def test_layers_of_two_axes():
    stack = [
        Layer("conv2d", (6, 1, 5, 3), stride=(1, 2)),
        Layer("max_pool2d", kernel_size=2),
        Layer("local_conv2d", (4, 6, 6, 6, 3, 3)),
        Layer("tiled_conv2d", (2, 2, 2, 4, 3, 1)),
        Layer("weighted_pool2d", window=np.ones((3, 3)), stride=1, padding=1),
    ]
    fields = receptive_field(stack)
    assert fields[0] == Field((5, 3), (1, 2), (0, 0))
    assert fields[1] == Field((6, 5), (2, 4), (0, 0))
    assert fields == receptive_field(stack, (1, 20, 33))
    rows = receptive_field([(5,), (2, 2), (3,), (3,), (3, 1, 1)])
    assert [field.size[0] for field in fields] == [field.size for field in rows]
    assert [field.offset[0] for field in fields] == [field.offset for field in rows]


def test_adaptive_and_transposed():
    stack = [Layer("conv1d", (1, 1, 3)), Layer("adaptive_avg_pool1d", output_size=3)]
    assert receptive_field(stack, (1, 14))[-1] == Field((6,), (4,), (0,))
    with pytest.raises(ValueError, match="must see equally many"):
        receptive_field(stack, (1, 15))
    with pytest.raises(ValueError, match="input_shape"):
        receptive_field(stack)
    up = [Layer("conv_transpose1d", (1, 1, 4), padding=((1, 0),))]
    assert receptive_field(up, (1, 9)) == [Field((4,), (1,), (-2,))]
    x = np.eye(9)[:, np.newaxis]
    reached = convcore.conv_transpose1d(x, np.ones((1, 1, 4)), padding=((1, 0),))[:, 0]
    assert np.flatnonzero(reached[:, 4]).tolist() == [2, 3, 4, 5]
    with pytest.raises(ValueError, match="must see equally many"):
        receptive_field([Layer("conv_transpose1d", (1, 1, 4), stride=2)], (1, 9))


def test_no_layers():
    assert receptive_field([]) == []


@pytest.mark.parametrize(
    ("layers", "kind", "words"),
    [
        (3, TypeError, "sequence of layers, got 3"),
        ("abc", TypeError, "got 'abc'"),
        ([3.5], TypeError, "layer 0: layer must have the attributes"),
        ([(3,), Layer("conv1d", (1, 1, 3))], TypeError, "got both"),
        ([()], ValueError, "layer 0 must be"),
        ([(3, 1, 0, 1, 1)], ValueError, "layer 0 must be"),
        ([(3,), (0,)], ValueError, "layer 1: kernel must be at least 1"),
        ([(3, 0)], ValueError, "stride must be at least 1"),
        ([(3, 2, "same")], ValueError, "input_shape must be given"),
        (
            [Layer("conv1d", (1, 1, 3)), Layer("conv2d", (1, 1, 3, 3))],
            ValueError,
            "layer 1 must have 1 axes",
        ),
        ([Layer("conv2d", (1, 1, 3))], ValueError, "weight must have 4 axes"),
    ],
    ids=str,
)
def test_refusals(layers, kind, words):
    with pytest.raises(kind, match="receptive_field: .*" + words):
        receptive_field(layers)


def test_layers_that_do_not_fit():
    with pytest.raises(ValueError, match="layer 1: kernel must span at most 6"):
        receptive_field([(3,), (9,)], (8,))
    with pytest.raises(ValueError, match="layer 1: conv1d: weight must have 2 input"):
        receptive_field([Layer("conv1d", (2, 1, 3)), Layer("conv1d", (1, 1, 3))], (1, 8))
