"""Gradients that have to be the same because their operators are, on small integers with `==`."""

import numpy as np
import pytest

import convcore
from convcore.connections import lenet5_c3
from tests.support.borders import linear
from tests.support.helpers import assert_equal
from tests.support.sweeps import each
from tests.tables import cases
from tests.tables.gradient_cases import (
    GRADIENTS,
    Gradient,
    assert_gradients,
    integer_arrays,
    random_arrays,
)
from tests.tables.layer_cases import LAYOUTS


def of(kind, keep=lambda case: True):
    """The cases of this kind that have cells everywhere."""
    return each(
        [
            case
            for case in GRADIENTS
            if case.kind == kind and 0 not in case.x + case.weight and keep(case)
        ]
    )


def shared(case):
    """The options of a convolution that a tiled or local layer has, too."""
    return {key: value for key, value in case.options.items() if key != "groups"}


def call(name, case, arrays, **options):
    return getattr(convcore, f"{name}{case.axes}d_backward")(*arrays, **options)


def plain_conv(case):
    """Whether nothing but padding with zeros, strides and dilations distinguish it."""
    return not {"connections", "flip", "border", "groups"} & set(case.options)


@of("conv", plain_conv)
def test_tiled_with_period_one_is_convolution(case):
    grad, x, weight, bias = integer_arrays(case)
    one = (1,) * case.axes
    dx, dweight, dbias = call(
        "tiled_conv",
        case,
        (
            grad,
            x,
            weight.reshape(len(weight), *one, *weight.shape[1:]),
            None if bias is None else bias.reshape(-1, *one),
        ),
        **shared(case),
    )
    got = dx, dweight.reshape(weight.shape), None if bias is None else dbias.ravel()
    assert_gradients(got, case.back(convcore, (grad, x, weight, bias)), case)


@of("conv", lambda case: plain_conv(case) and np.prod(case.result) * np.prod(case.weight) < 10**6)
def test_local_with_equal_kernels_has_the_same_dx_and_the_parts_of_dweight(case):
    grad, x, weight, bias = integer_arrays(case)
    k, *rest = weight.shape
    sizes = case.sizes
    each = np.broadcast_to(weight.reshape(k, *[1] * case.axes, *rest), (k, *sizes, *rest))
    bias_each = (
        None if bias is None else np.broadcast_to(bias.reshape(k, *[1] * case.axes), (k, *sizes))
    )
    dx, dweight, dbias = call("local_conv", case, (grad, x, each, bias_each), **shared(case))
    over = tuple(range(1, 1 + case.axes))
    got = dx, dweight.sum(axis=over), None if bias is None else dbias.sum(axis=over)
    assert_gradients(got, case.back(convcore, (grad, x, weight, bias)), case)


@of("local_conv")
def test_tiled_with_the_period_of_the_output_is_local(case):
    arrays = integer_arrays(case)
    got = call("tiled_conv", case, arrays, **case.options)
    assert_gradients(got, case.back(convcore, arrays), case)


def no_kernel_twice(case):
    """Whether the period is not shorter than the output."""
    return all(t >= n for t, n in zip(case.weight[1:], case.sizes, strict=False))


@of("tiled_conv", no_kernel_twice)
def test_a_longer_period_leaves_the_rest_at_zero(case):
    # Three kernels more along each axis, whose turn never comes.
    grad, x, weight, bias = integer_arrays(case)
    more = [(0, 0), *[(0, 3)] * case.axes]
    wider = np.pad(weight, more + [(0, 0)] * (case.axes + 1), constant_values=7)
    dx, dweight, dbias = call(
        "tiled_conv",
        case,
        (grad, x, wider, None if bias is None else np.pad(bias, more)),
        **case.options,
    )
    used = tuple(slice(t) for t in weight.shape[: 1 + case.axes])
    got = dx, dweight[used], None if bias is None else dbias[used]
    assert_gradients(got, case.back(convcore, (grad, x, weight, bias)), case)
    assert np.count_nonzero(dweight) == np.count_nonzero(dweight[used])


@of("conv_transpose", lambda case: "output_padding" not in case.options)
def test_dx_of_a_transposed_convolution_is_the_convolution_of_grad(case):
    # ... and its dweight is that convolution's, with x as the gradient of the result.
    grad, x, weight, bias = integer_arrays(case)
    case = linear(case)
    dx, dweight, _ = case.back(convcore, (grad, x, weight, bias))
    conv = getattr(convcore, f"conv{case.axes}d")
    assert_equal(dx, conv(grad, weight, **case.options), case)
    there = call("conv", case, (x, grad, weight), **case.options)
    assert_equal(dweight, there[1], case)
    assert_equal(case.call(convcore, (x, weight, None)), there[0], case)


@of(
    "conv",
    lambda case: (
        not {"connections", "flip", "border"} & set(case.options)
        and case.options.get("padding", "valid") in ("valid", 0, 1, 2)
        and case.options.get("stride", 1) == 1
    ),
)
def test_dx_of_a_convolution_is_the_transposed_convolution_of_grad(case):
    grad, x, weight, bias = integer_arrays(case)
    dx, _, _ = case.back(convcore, (grad, x, weight, bias))
    up = getattr(convcore, f"conv_transpose{case.axes}d")
    assert_equal(dx, up(grad, weight, **case.options), case)


def connected():
    return pytest.mark.parametrize(
        "case", [case for case in GRADIENTS if "connections" in case.options], ids=str
    )


@connected()
def test_connections_are_a_mask(case):
    grad, x, weight, bias = integer_arrays(case)
    options = case.arguments()
    table = options.pop("connections")
    mask = table.reshape(*table.shape, *[1] * case.axes)
    dx, dweight, dbias = call("conv", case, (grad, x, weight * mask, bias), **options)
    got = case.back(convcore, (grad, x, weight, bias))
    assert_gradients(got, (dx, dweight * mask, dbias), case)
    assert (got[1].view(np.uint32)[~table] == 0).all()  # 0.0, not -0.0


def test_table_of_lenet_c3():
    table = lenet5_c3()
    case = Gradient("c3", "conv2d", (2, 6, 14, 14), (16, 6, 5, 5))
    grad, x, weight, bias = integer_arrays(case)
    mask = table[:, :, None, None]
    dx, dweight, dbias = convcore.conv2d_backward(grad, x, weight * mask, bias)
    got = convcore.conv2d_backward(grad, x, weight, bias, connections=table)
    assert_gradients(got, (dx, dweight * mask, dbias), case)


@of("conv", lambda case: case.options.get("groups", 1) > 1)
def test_groups_are_side_by_side(case):
    grad, x, weight, bias = integer_arrays(case)
    g, axis = case.options["groups"], case.channel_axis
    parts = [
        call("conv", case, arrays, **shared(case))
        for arrays in zip(
            np.split(grad, g, axis),
            np.split(x, g, axis),
            np.split(weight, g),
            [None] * g if bias is None else np.split(bias, g),
            strict=True,
        )
    ]
    dx, dweight, dbias = zip(*parts, strict=True)
    want = (
        np.concatenate(dx, axis),
        np.concatenate(dweight),
        None if bias is None else np.concatenate(dbias),
    )
    assert_gradients(case.back(convcore, (grad, x, weight, bias)), want, case)


@of("conv", lambda case: "flip" in case.options or cases.rng_of(case).random() < 0.1)
def test_flip_turns_the_gradient_of_the_weight(case):
    grad, x, weight, bias = integer_arrays(case)
    axes = tuple(range(2, weight.ndim))
    other = not case.options.get("flip", False)
    dx, dweight, dbias = case.back(convcore, (grad, x, np.flip(weight, axes), bias), flip=other)
    want = case.back(convcore, (grad, x, weight, bias))
    assert_gradients((dx, np.flip(dweight, axes), dbias), want, case)


@each([case for case in GRADIENTS if case.batched and case.x[0]][::3])
def test_without_a_batch(case):
    grad, x, weight, bias = random_arrays(case)
    dx, dweight, dbias = case.back(convcore, (grad[:1], x[:1], weight, bias))
    got = case.back(convcore, (grad[0], x[0], weight, bias))
    assert_gradients(got, (dx[0], dweight, dbias), case)


@pytest.mark.parametrize("nd", LAYOUTS)
def test_a_fully_connected_layer(nd):
    # A kernel of the size of the input: dx = W^T grad, dweight = grad x^T, for a batch of vectors.
    x_shape, space = (5, 3, 4, 2, 6)[: nd + 2], (4, 2, 6)[:nd]
    case = Gradient(f"full{nd}", f"conv{nd}d", x_shape, (7, 3, *space))
    grad, x, weight, bias = integer_arrays(case, np.float64)
    G, X, W = grad.reshape(5, 7), x.reshape(5, -1), weight.reshape(7, -1)
    want = (G @ W).reshape(x.shape), (G.T @ X).reshape(weight.shape), G.sum(axis=0)
    assert_gradients(case.back(convcore, (grad, x, weight, bias)), want, case)
