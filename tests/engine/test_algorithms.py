"""The list of algorithms: what is chosen, why others are not, and weights that were packed once."""

import re
from pathlib import Path

import numpy as np
import pytest

from convcore import _core

DEFINITIONS = Path(__file__).parents[2] / "src/convcore/csrc/conv/algorithms.def"


def sizes(channels=8, kernels=4, side=12, n=1):
    """The arguments of a 3x3 convolution of a square, "same"."""
    one, axis = (1, 1, 1, 1, 0, 1), (side, 3, 1, 1, 1, side)
    return layer((one, axis, axis), n=n, c=channels, k=kernels)


def layer(axes, *, n=1, groups=1, c, k, channels_last=False):
    return {
        "axes": axes,
        "n": n,
        "groups": groups,
        "c": c,
        "k": k,
        "channels_last": channels_last,
    }


LAYERS = {
    "winograd": (layer(sizes(side=28)["axes"], c=16, k=16), {}),
    "fft": (
        layer([(1, 1, 1, 1, 0, 1), (90, 31, 1, 1, 0, 60), (96, 31, 1, 1, 0, 66)], c=1, k=1),
        {},
    ),
    "direct_igemm": (layer(sizes(side=6)["axes"], c=64, k=64, channels_last=True), {}),
    "direct_ow_channels": (sizes(), {}),
    "direct_ow_rows": (sizes(kernels=1), {}),
    "depthwise": (layer(sizes()["axes"], groups=16, c=1, k=1, channels_last=True), {}),
    "depthwise_row": (layer(sizes()["axes"], groups=3, c=1, k=1, channels_last=True), {}),
    "grouped": (layer(sizes()["axes"], groups=8, c=2, k=2, channels_last=True), {}),
    "tiled": (sizes(), {"period": (1, 2, 3)}),
    "local": (sizes(), {"period": (1, 12, 12)}),
}


def operands(arguments, options, dtype):
    """x, weight, bias and the result's array, for the arguments of a Conv."""
    n, groups, c, k = (arguments[name] for name in ("n", "groups", "c", "k"))
    axes, last = arguments["axes"], arguments["channels_last"]
    generator = np.random.default_rng(1)
    period = options.get("period", (1, 1, 1))

    def planes(channels, spatial):
        return (n, *spatial, channels) if last else (n, channels, *spatial)

    x = generator.standard_normal(planes(groups * c, [a[0] for a in axes]))
    weight = generator.standard_normal((groups * k, *period, c, *(a[1] for a in axes)))
    bias = generator.standard_normal((groups * k, *period))
    y = np.empty(planes(groups * k, [a[5] for a in axes]), dtype)
    return x.astype(dtype), weight.astype(dtype), bias.astype(dtype), y


def test_names_are_those_of_the_list():
    rows = re.findall(r"^CC_ALGORITHM\((\w+),", DEFINITIONS.read_text("utf-8"), re.MULTILINE)
    assert tuple(rows) == _core.ALGORITHMS
    assert set(LAYERS) == set(rows)


@pytest.mark.parametrize("itemsize", [4, 8])
@pytest.mark.parametrize("name", LAYERS)
def test_the_choice_is_explained(name, itemsize):
    arguments, options = LAYERS[name]
    if name == "grouped" and _core.isa() == "baseline":
        pytest.skip("vectors of 16 bytes are not permuted fast")
    told = _core.Conv(**arguments, **options).explain(itemsize)
    assert [row[0] for row in told] == list(_core.ALGORITHMS)
    assert [row[0] for row in told if row[1] == "chosen"] == [name]
    assert all(re.match(r"chosen$|rejected: \S", row[1]) for row in told)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", LAYERS)
def test_packed_weights_give_the_same_bits(name, dtype):
    arguments, options = LAYERS[name]
    conv = _core.Conv(**arguments, **options)
    x, weight, bias, want = operands(arguments, options, dtype)
    conv.forward(x, weight, bias, want, 1)
    packed = conv.prepare(weight)
    assert packed.nbytes == conv.pack_size(x.itemsize) >= weight.nbytes
    weight[:] = np.nan  # the packed weights are a copy
    for threads in (1, 2, 3, 7):
        y = np.full_like(want, np.nan)
        conv.forward(x, packed, bias, y, threads)
        assert np.array_equal(y, want)


def test_packed_weights_serve_other_batches_and_sizes():
    _, weight, bias, _ = operands(sizes(), {}, np.float32)
    packed = _core.Conv(**sizes()).prepare(weight)
    arguments = sizes(n=3, side=13)
    x, _, _, want = operands(arguments, {}, np.float32)
    conv, y = _core.Conv(**arguments), np.empty_like(want)
    conv.forward(x, weight, bias, want, 1)
    conv.forward(x, packed, bias, y, 1)
    assert np.array_equal(y, want)


def test_packed_weights_are_refused_where_they_do_not_fit():
    x, weight, bias, y = operands(sizes(), {}, np.float32)
    packed = _core.Conv(**sizes()).prepare(weight)
    doubles = operands(sizes(), {}, np.float64)
    with pytest.raises(ValueError, match="packed for another"):
        _core.Conv(**sizes()).forward(doubles[0], packed, doubles[2], doubles[3], 1)
    other = sizes(channels=9)
    x, _, bias, y = operands(other, {}, np.float32)
    with pytest.raises(ValueError, match="packed for another"):
        _core.Conv(**other).forward(x, packed, bias, y, 1)


def test_packed_weights_are_refused_by_another_instruction_set():
    levels = [name for name, runs in _core.isa_levels() if runs]
    if len(levels) < 2:
        pytest.skip("this machine has one instruction set")
    chosen = _core.isa()
    other = next(level for level in levels if level != chosen)
    x, weight, bias, y = operands(sizes(), {}, np.float32)
    conv = _core.Conv(**sizes())
    packed = conv.prepare(weight)
    try:
        _core.choose_isa(other)
        with pytest.raises(ValueError, match="packed for another"):
            conv.forward(x, packed, bias, y, 1)
    finally:
        _core.choose_isa(chosen)


def test_sizes_of_items_are_checked():
    with pytest.raises(ValueError, match="itemsize"):
        _core.Conv(**sizes()).explain(2)
