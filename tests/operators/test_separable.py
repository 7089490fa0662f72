"""Separable kernels: inside their error, in every layer that is accepted, and equal bits."""

import functools

import numpy as np
import pytest

import convcore
from tests.support.fast import FLOATS, MOST, SPECIAL, Fast, error, operands
from tests.support.sweeps import both_levels, every_level

pytestmark = pytest.mark.auto


def bell(sigma, edge):
    steps = np.arange(edge) - (edge - 1) / 2
    row = np.exp(-(steps**2) / (2 * sigma**2))
    return row / row.sum()


def gaussian(sigma, edge, axes=2):
    row = bell(sigma, edge)
    return functools.reduce(np.multiply.outer, (row,) * axes)


KERNELS = {  # of image processing
    "gaussian": gaussian(3, 17),
    "small gaussian": gaussian(0.7, 3),
    "wide gaussian": gaussian(40, 15),
    "narrow gaussian": gaussian(0.4, 11),  # most taps are tiny
    "box": np.full((9, 5), 1 / 45),
    "sobel": np.outer([1, 2, 1], [1, 0, -1]),
    "laplacian": np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]]),
    "two gaussians": gaussian(2, 15) - gaussian(4, 15),
    "one tap": np.outer(np.arange(5) == 2, np.arange(5) == 3) * 1.5,
    "volume of a gaussian": gaussian(2, 9, 3),
}
TERMS = {"two terms": 2, "many terms": 9, "terms of groups": 3, "terms of a volume": 2}

# op, x, weight, options: one input channel in each group
LAYERS = {
    **{
        name: (
            f"conv{kernel.ndim}d",
            (1, 1, *(31,) * (kernel.ndim - 1), 26),
            (1, 1, *kernel.shape),
            {"padding": "same"},
        )
        for name, kernel in KERNELS.items()
    },
    "one output": ("conv2d", (1, 1, 9, 7), (1, 1, 9, 7), {}),
    "one row": ("conv2d", (1, 1, 9, 80), (1, 1, 9, 7), {}),
    "one column": ("conv2d", (1, 1, 80, 7), (1, 1, 9, 7), {}),
    "two taps": ("conv2d", (2, 1, 20, 21), (2, 1, 2, 2), {}),
    "long rows": ("conv2d", (1, 1, 10, 1003), (1, 1, 3, 65), {}),
    "long columns": ("conv2d", (1, 1, 1003, 10), (1, 1, 65, 3), {}),
    "images": ("conv2d", (5, 1, 30, 31), (3, 1, 7, 6), {"padding": 2}),
    "depthwise": ("conv2d", (3, 7, 20, 33), (7, 1, 5, 9), {"groups": 7, "padding": "same"}),
    "outputs of groups": ("conv2d", (2, 4, 20, 33), (12, 1, 5, 9), {"groups": 4}),
    "many groups": ("conv2d", (1, 70, 16, 17), (70, 1, 7, 7), {"groups": 70}),
    "two terms": ("conv2d", (2, 1, 40, 33), (3, 1, 7, 7), {"padding": "same"}),
    "many terms": ("conv2d", (1, 1, 40, 33), (2, 1, 31, 31), {"padding": "same"}),
    "terms of groups": ("conv2d", (2, 3, 40, 33), (6, 1, 9, 15), {"groups": 3}),
    "larger than the image": ("conv2d", (1, 1, 8, 9), (2, 1, 31, 33), {"padding": 15}),
    "stride": ("conv2d", (2, 2, 40, 41), (2, 1, 7, 7), {"groups": 2, "stride": 2, "padding": 3}),
    "two strides": ("conv2d", (1, 1, 40, 70), (2, 1, 5, 9), {"stride": (3, 7), "padding": "same"}),
    "dilation": ("conv2d", (2, 1, 40, 41), (3, 1, 7, 7), {"dilation": 2, "padding": "same"}),
    "two dilations": ("conv2d", (1, 1, 30, 60), (2, 1, 5, 7), {"dilation": (3, 5)}),
    "one side": ("conv2d", (1, 1, 20, 19), (2, 1, 7, 5), {"padding": ((0, 6), (9, 0))}),
    "full": ("conv2d", (1, 1, 20, 22), (3, 1, 9, 12), {"padding": "full"}),
    "flip": ("conv2d", (1, 2, 30, 30), (4, 1, 9, 6), {"flip": True, "groups": 2}),
    "volume": ("conv3d", (2, 1, 12, 13, 14), (2, 1, 5, 4, 3), {"padding": 1}),
    "volumes": ("conv3d", (1, 3, 9, 10, 21), (3, 1, 5, 5, 5), {"groups": 3, "padding": "same"}),
    "terms of a volume": ("conv3d", (1, 1, 12, 13, 14), (2, 1, 9, 7, 5), {"padding": 4}),
    "planes of a volume": ("conv3d", (1, 2, 6, 20, 20), (2, 1, 1, 7, 7), {"groups": 2}),
    "padding before planes": ("conv3d", (2, 1, 5, 9, 9), (2, 1, 1, 7, 5), {"padding": (2, 1, 0)}),
    "stride over planes": ("conv3d", (1, 1, 9, 9, 12), (1, 1, 1, 5, 5), {"stride": (2, 1, 3)}),
    "dilation of a volume": ("conv3d", (1, 1, 9, 19, 14), (1, 1, 3, 5, 4), {"dilation": (3, 2, 1)}),
    **{
        border: (
            "conv2d",
            (2, 2, 19, 18),
            (4, 1, 9, 6),
            {"padding": ((8, 9), (5, 4)), "border": border, "groups": 2},
        )
        for border in ("zeros", "edge", "reflect", "symmetric", "wrap")
    },
}
REFUSED = {
    "channels": ((1, 2, 30, 30), (2, 2, 9, 9), {}, "sums over several channels"),
    "groups": ((1, 4, 30, 30), (4, 2, 9, 9), {"groups": 2}, "sums over several channels"),
    "signal": ((1, 1, 300), (1, 1, 9), {}, "the kernel has one axis"),
    "row": ((1, 1, 30, 30), (1, 1, 1, 9), {}, "the kernel has one axis"),
    "column": ((1, 1, 30, 30), (1, 1, 9, 1), {}, "the kernel has one axis"),
    "one axis of a volume": ((1, 1, 9, 9, 9), (1, 1, 1, 5, 1), {}, "the kernel has one axis"),
    "one tap": ((1, 1, 30, 30), (1, 1, 1, 1), {}, "the kernel has one axis"),
    "no cells": ((1, 1, 0, 30), (1, 1, 9, 9), {"padding": 9}, "the input has no cells"),
}


def sums_of_products(name, generator, shape):
    """Kernels that are sums of outer products, or the one of that name."""
    if name in KERNELS:
        return KERNELS[name].reshape(shape)
    kernels = np.zeros(shape)
    for kernel in kernels.reshape(-1, *shape[2:]):
        for _ in range(TERMS.get(name, 1)):
            factors = (generator.standard_normal(n) for n in shape[2:])
            kernel += functools.reduce(np.multiply.outer, factors)
    return kernels


SEPARABLE = Fast("separable", LAYERS, sums_of_products, same=("one tap",))
every_layer = pytest.mark.parametrize("name", LAYERS)
floats = pytest.mark.parametrize("dtype", FLOATS)


@floats
@every_layer
def test_error(name, dtype):
    SEPARABLE.check_error(name, dtype)


@every_level
def test_error_at_every_level(level):
    SEPARABLE.check_error_at(level)


@floats
@every_layer
def test_bits_depend_on_nothing_but_one_image(name, dtype):
    SEPARABLE.check_bits(name, dtype)


@pytest.mark.parametrize(
    "name", ["gaussian", "images", "terms of groups", "stride", "volumes", "flip", "wrap"]
)
def test_bits_of_packed_weights(name):
    SEPARABLE.check_packed(name)


@both_levels("x86-64-v3", "x86-64-v4")
@floats
def test_bits_do_not_depend_on_the_level(dtype):
    SEPARABLE.check_bits_at("x86-64-v3", "x86-64-v4", dtype)


@pytest.mark.parametrize("layout", [0, 1])
@pytest.mark.parametrize("value", SPECIAL)
@pytest.mark.parametrize(
    "name",
    ["gaussian", "sobel", "laplacian", "one tap", "terms of groups", "stride", "volume", "wrap"],
)
def test_what_is_not_finite_reaches_what_sees_it(name, value, layout):
    arrays = SEPARABLE.operands(name, np.float32)
    x, weight, _ = arrays
    x[(-1, -1, *(n * 2 // 3 for n in x.shape[2:]))] = value
    lost = 1e-6 * value * np.linalg.norm(weight) if np.isfinite(value) else 0
    SEPARABLE.check_not_finite(name, arrays, layout, near=1e4, lost=lost)


def test_a_large_number_takes_no_digits_from_what_does_not_see_it():
    """Passes are direct sums, long ones too."""
    x = operands((1, 1, 60, 900), (1,), np.float32)[0]
    weight = np.outer(bell(2, 9), bell(90, 401)).astype(np.float32)[None, None]
    want = convcore.conv2d(x, weight, algorithm="separable")
    x[..., 30, 100] = 1e30
    got = convcore.conv2d(x, weight, algorithm="separable")
    for part in np.s_[:, :, :22], np.s_[:, :, 31:], np.s_[:, :, :, 101:]:
        assert np.array_equal(got[part], want[part])


@floats
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_special_numbers_in_weights(value, dtype):
    """Such kernels are no sum of outer products of numbers."""
    x, weight, bias = SEPARABLE.operands("images", dtype)
    weight[2, 0, 3, 4] = value
    with pytest.raises(ValueError, match="outer products or fewer are found"):
        SEPARABLE.run("images", (x, weight, bias))
    with convcore.set_algorithm("separable"):
        got = convcore.conv2d(x, weight, bias)
    want = convcore.conv2d(x, weight, bias, algorithm="direct")
    assert np.array_equal(got, want, equal_nan=True)
    x, weight, bias = SEPARABLE.operands("images", dtype)
    bias[1] = value
    SEPARABLE.check_not_finite("images", (x, weight, bias))


@floats
def test_tiny_numbers(dtype):
    """Products near the smallest normal number, and below it: some subnormal ones are added."""
    tiny, least = (float(getattr(np.finfo(dtype), k)) for k in ("tiny", "smallest_subnormal"))
    for first, second in ((0.75, 0.25), (0.5, 0.5), (0, 1), (1, 0), (1.01, 0), (0.24, 0.8)):
        x, weight, _ = SEPARABLE.operands("gaussian", np.float64)
        x, weight = (x * tiny**first).astype(dtype), (weight * tiny**second).astype(dtype)
        with convcore.set_algorithm("separable"):
            got = convcore.conv2d(x, weight)
        want = convcore.conv2d(x, weight, algorithm="direct")
        assert got.any()
        assert (abs(got - want) <= 1e3 * least + 1e-5 * abs(want).max()).all()


@floats
@every_layer
def test_the_bias_alone(name, dtype):
    x, weight, bias = SEPARABLE.operands(name, dtype)
    got = SEPARABLE.run(name, (np.zeros_like(x), weight, bias))
    assert np.array_equal(got, np.broadcast_to(bias.reshape(-1, *(1,) * (x.ndim - 2)), got.shape))
    assert not SEPARABLE.run(name, (x, np.zeros_like(weight))).any()


@pytest.mark.parametrize("name", REFUSED)
def test_a_layer_that_cannot_be_computed_is_refused(name):
    SEPARABLE.check_refused(*REFUSED[name])


@floats
@pytest.mark.parametrize("number", [0, 2])
def test_a_kernel_that_is_no_such_sum_is_refused(number, dtype):
    """One of them is enough."""
    x, weight, bias = SEPARABLE.operands("images", dtype)
    weight[number] = np.random.default_rng(1).standard_normal(weight.shape[1:])
    with pytest.raises(ValueError, match=r"no \d outer products or fewer are found"):
        SEPARABLE.run("images", (x, weight, bias))
    with convcore.set_algorithm("separable"):
        got = convcore.conv2d(x, weight, bias)
    wide = (a.astype(np.float64) for a in (x, weight, bias))
    assert error(got, convcore.conv2d(*wide, algorithm="direct")) < MOST[dtype]


def test_what_is_left_of_a_kernel_counts():
    """A tap that differs by more than its rounding makes it another kernel."""
    x = np.ones((1, 40, 40), np.float32)
    weight = np.outer(bell(3, 17), bell(3, 17)).astype(np.float32)
    assert convcore.conv2d(x, weight[None, None], algorithm="separable").any()
    for axis in range(17):  # full rank
        weight[axis, axis] += (1 + axis) * 1e-5 * weight.max()
    with pytest.raises(ValueError, match="outer products or fewer are found"):
        convcore.conv2d(x, weight[None, None], algorithm="separable")


@pytest.mark.parametrize("shape", [(1, 1, 200, 200), (1, 1, 20, 20, 20)])
def test_integers_are_computed_directly(shape):
    SEPARABLE.check_integers(shape, (1, 1, *(9,) * (len(shape) - 2)), padding="same")


@floats
def test_input_gradients(dtype):
    for name in ("gaussian", "depthwise", "volumes", "two gaussians", "box"):
        SEPARABLE.check_input_gradient(name, dtype)


@floats
@pytest.mark.parametrize("axes", [2, 3])
def test_transposed_convolutions(axes, dtype):
    """Their phases are convolutions, which the algorithm of the program computes."""
    generator = np.random.default_rng(0)
    weight = sums_of_products(None, generator, (3, 1, *(7,) * axes)).astype(dtype)
    x = generator.standard_normal((2, 3, *(16,) * axes)).astype(dtype)
    call = getattr(convcore, f"conv_transpose{axes}d")
    for stride in (1, 2):
        with convcore.set_algorithm("direct"):
            want = call(x.astype(float), weight.astype(float), stride=stride, groups=3)
        with convcore.set_algorithm("separable"):
            got = [call(x, weight, stride=stride, groups=3, threads=n).tobytes() for n in (1, 2, 7)]
        assert got[0] == got[1] == got[2]
        assert error(np.frombuffer(got[0], dtype), want.ravel()) < MOST[dtype]


@floats
def test_the_choice_is_by_sizes_and_by_the_kernel(dtype):
    x, noise, _ = operands((2, 1, 1024, 1024), (1, 1, 17, 17), dtype)
    weight = gaussian(3, 17).astype(dtype)[None, None]
    fast, auto = (convcore.conv2d(x, weight, algorithm=name) for name in ("separable", "auto"))
    assert auto.tobytes() == fast.tobytes()
    assert convcore.conv2d(x[1:], weight, threads=1).tobytes() == fast[1:].tobytes()
    last = convcore.conv2d(x.transpose(0, 2, 3, 1), weight, layout="NHWC", threads=7)
    assert last.transpose(0, 3, 1, 2).tobytes() == fast.tobytes()
    with pytest.raises(ValueError, match="outer products or fewer are found"):
        convcore.conv2d(x, noise, algorithm="separable")
    others = [convcore.conv2d(x[:1], noise, algorithm=name) for name in ("direct", "fft", "auto")]
    assert others[2].tobytes() in [other.tobytes() for other in others[:2]]


@floats
def test_out_in_the_input(dtype):
    for name in ("gaussian", "images", "terms of groups", "full", "volume", "wrap"):
        SEPARABLE.check_out(name, dtype)


@floats
def test_scratch_is_not_read_before_it_is_written(dtype):
    SEPARABLE.check_scratch(dtype)


@every_layer
def test_no_error_is_above_its_bound(name):
    SEPARABLE.check_bound(name)
