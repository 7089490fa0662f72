"""Gradients where the shapes are out of proportion, or a weight is infinite: only the products of
the equation are formed, none with padding.
"""

import numpy as np
import pytest

import convcore
from convcore import reference

ONLY_X = (True, False, False)


def test_a_kernel_as_long_as_the_signal_multiplies_no_padding():
    # the full convolution would be 10^10 products, hours of them on some machines
    n = 10**5
    x, weight = np.ones((1, 1, n)), np.arange(n, dtype=float).reshape(1, 1, n)
    dx, dweight, _ = convcore.conv1d_backward(np.array([[[3.0]]]), x, weight)
    assert (dx == 3 * weight).all()
    assert (dweight == 3).all()
    assert (convcore.conv_transpose1d(np.array([[[3.0]]]), weight) == 3 * weight).all()


def test_padding_far_from_the_cells_takes_no_memory():
    # the padded signal would be 16 TB
    far = 10**12
    x, weight = np.arange(5.0).reshape(1, 5), np.array([[[1.0, 2.0, 4.0]]])
    grad = np.arange(1.0, 6.0).reshape(1, 5)
    dx, _, _ = convcore.conv1d_backward(
        grad, x, weight, padding=far, dilation=far, border="wrap", needs=ONLY_X
    )
    expected = np.zeros(5)
    for o in range(5):
        for tap, factor in enumerate(weight[0, 0]):
            expected[(o + tap * far - far) % 5] += grad[0, o] * factor
    assert (dx[0] == expected).all()


@pytest.mark.parametrize("value", [np.inf, np.nan])
@pytest.mark.parametrize("options", [
    {}, {"stride": 2}, {"padding": 1, "groups": 2}, {"padding": 2, "border": "reflect"},
    {"padding": "full", "flip": True}, {"dilation": 2, "layout": "NHWC"},
], ids=str)  # fmt: skip
def test_a_weight_that_is_not_finite_reaches_what_it_multiplies(options, value):
    rng = np.random.default_rng(0)
    groups = options.get("groups", 1)
    x = rng.integers(-3, 4, (2, 6, 7, 4)).astype(float)
    if "layout" not in options:
        x = np.ascontiguousarray(np.moveaxis(x, -1, 1))
    weight = rng.integers(-3, 4, (6, 4 // groups, 3, 2)).astype(float)
    weight[1, 1, 0, 1] = value
    grad = rng.integers(1, 4, convcore.conv2d(x, np.zeros_like(weight), **options).shape)
    ours, _, _ = convcore.conv2d_backward(grad, x, weight, needs=ONLY_X, **options)
    theirs, _, _ = reference.conv2d_backward(grad, x, weight, needs=ONLY_X, **options)
    np.testing.assert_array_equal(ours, theirs)


def test_a_transposed_layers_infinite_weight_reaches_what_it_multiplies():
    x, weight = np.ones((1, 1, 3)), np.array([[[np.inf, 1.0]]])
    y = convcore.conv_transpose1d(x, weight, [0.5])
    assert y.ravel().tolist() == [np.inf, np.inf, np.inf, 1.5]


@pytest.mark.parametrize("border", ["edge", "symmetric", "wrap"])
def test_folded_padding_keeps_its_digits(border):
    n = 10**5
    grad = np.full((1, n + 1), 0.1, np.float32)
    dx, _, _ = convcore.conv1d_backward(
        grad,
        np.ones((1, 1)),
        np.ones((1, 1, 1), np.float32),
        padding=((0, n),),
        border=border,
        needs=ONLY_X,
    )
    assert dx.item() == pytest.approx((n + 1) * float(np.float32(0.1)), rel=1e-6)


def test_results_that_share_memory_are_refused():
    x, weight = np.ones((2, 3, 6, 6)), np.ones((4, 3, 3, 3))
    memory = np.zeros(400)
    out = memory[:216].reshape(x.shape), memory[100:208].reshape(weight.shape), None
    with pytest.raises(
        ValueError, match="conv2d_backward: out must be arrays that do not share memory"
    ):
        convcore.conv2d_backward(np.ones((2, 4, 4, 4)), x, weight, out=out)


def test_errors_say_which_of_the_results_is_wrong():
    x, weight, grad = np.ones((1, 5)), np.ones((1, 1, 2)), np.ones((1, 4))
    with pytest.raises(ValueError, match=r"out, for weight, must have shape \(1, 1, 2"):
        convcore.conv1d_backward(grad, x, weight, out=(None, np.ones(3), None))


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("stride", [3, 5])
def test_few_input_channels_are_brought_to_the_front(layout, stride):
    rng = np.random.default_rng(0)
    x = rng.integers(-3, 4, (2, 3, 17, 16)).astype(np.float32)
    weight = rng.integers(-3, 4, (20, 3, 5, 4)).astype(np.float32)
    if layout == "NHWC":
        x = np.ascontiguousarray(np.moveaxis(x, 1, -1))
    grad = rng.integers(-3, 4, convcore.conv2d(x, weight, stride=stride, layout=layout).shape)
    given = (grad.astype(np.float32), x, weight, None, stride)
    ours, _, _ = convcore.conv2d_backward(*given, layout=layout, needs=ONLY_X)
    theirs, _, _ = reference.conv2d_backward(*given, layout=layout, needs=ONLY_X)
    assert (ours == theirs).all()
    alone, _, _ = convcore.conv2d_backward(
        given[0][1], x[1], *given[2:], layout=layout, needs=ONLY_X
    )
    assert (ours[1] == alone).all()


@pytest.mark.parametrize("unused", [np.nan, np.inf, 1e30])
def test_weights_of_unconnected_pairs_change_no_bit(unused):
    rng = np.random.default_rng(0)
    x, weight = rng.normal(size=(2, 11, 10)), rng.normal(size=(6, 11, 2))
    table = rng.random((6, 11)) < 0.5
    grad = rng.normal(size=convcore.conv1d(x, weight, connections=table).shape)
    want = convcore.conv1d_backward(grad, x, weight, connections=table)
    weight[~table] = unused
    found = convcore.conv1d_backward(grad, x, weight, connections=table)
    assert all(a.tobytes() == b.tobytes() for a, b in zip(found[:2], want[:2], strict=True))
