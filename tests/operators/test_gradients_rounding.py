"""Long sums keep their digits: the gradients of biases and weights, which are sums over all images
and all outputs. A million float32 numbers added one after the other lose three digits or more.
"""

import numpy as np
import pytest

import convcore

MILLION = 10**6
# 1000 x 1000 outputs of one image, and as many in a batch of small ones, in one long row.
SHAPES = [(1, 1000, 1000), (2500, 20, 20), (1, 1, MILLION), (4, 500, 500), (MILLION // 10, 1, 10)]
NUMBERS = ["positive", "constant"]


def numbers(kind, shape):
    if kind == "constant":  # its float32 sums drift to one side
        return np.full(shape, 0.1, np.float32)
    return np.random.default_rng(0).random(shape, np.float32)


def relative_error(got, want):
    """The largest error of a float32 array, relative to what it should be."""
    return float(np.max(np.abs(got.astype(np.float64) - want) / np.abs(want)))


def along(layout, array):
    return np.ascontiguousarray(np.moveaxis(array, 1, -1)) if layout == "NHWC" else array


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("kind", NUMBERS)
@pytest.mark.parametrize(("n", "h", "w"), SHAPES)
def test_convolution(n, h, w, kind, layout):
    # 1 x 1 kernels: two channels to three
    grad = numbers(kind, (n, 3, h, w))
    x = numbers(kind, (n, 2, h, w))[:, ::-1]
    weight = np.ones((3, 2, 1, 1), np.float32)
    _, dweight, dbias = convcore.conv2d_backward(
        along(layout, grad),
        along(layout, x),
        weight,
        np.ones(3),
        layout=layout,
        needs=(False, True, True),
    )
    wide = grad.astype(np.float64)
    assert relative_error(dbias, wide.sum(axis=(0, 2, 3))) < 1e-6
    want = np.einsum("nkhw,nchw->kc", wide, x.astype(np.float64))
    assert relative_error(dweight[:, :, 0, 0], want) < 1e-6


@pytest.mark.parametrize("kind", NUMBERS)
@pytest.mark.parametrize(("c", "k", "groups"), [(1, 1, 1), (1, 17, 1), (17, 1, 1), (4, 4, 4)])
def test_every_way_to_sum(kind, c, k, groups):
    # 3 x 3 kernels from and to few and many channels, and per channel: half a million outputs
    grad, x = numbers(kind, (1, k, 700, 720)), numbers(kind, (1, c, 702, 722))
    weight = np.ones((k, c // groups, 3, 3), np.float32)
    _, dweight, dbias = convcore.conv2d_backward(
        grad, x, weight, np.ones(k), groups=groups, needs=(False, True, True)
    )
    assert relative_error(dbias, grad.astype(np.float64).sum(axis=(0, 2, 3))) < 1e-6
    outputs = grad.astype(np.float64).reshape(k, -1)
    for m, n in ((0, 0), (1, 2), (2, 1)):
        seen = x[0, :, m : m + 700, n : n + 720].astype(np.float64).reshape(c, -1)
        want = (outputs * seen).sum(axis=1)[:, None] if groups > 1 else outputs @ seen.T
        assert relative_error(dweight[:, :, m, n], want) < 1e-6


@pytest.mark.parametrize("kind", NUMBERS)
@pytest.mark.parametrize(("n", "size"), [(1, MILLION), (1000, 1000), (MILLION, 1)])
def test_transposed(n, size, kind):
    # a kernel of two cells: every input is seen twice, next to one another
    grad, x = numbers(kind, (n, 2, 2 * size)), numbers(kind, (n, 1, size))
    _, dweight, dbias = convcore.conv_transpose1d_backward(
        grad, x, np.ones((1, 2, 2), np.float32), np.ones(2), stride=2, needs=(False, True, True)
    )
    wide = grad.astype(np.float64)
    assert relative_error(dbias, wide.sum(axis=(0, 2))) < 1e-6
    want = np.einsum("nkom,no->km", wide.reshape(n, 2, size, 2), x[:, 0].astype(np.float64))
    assert relative_error(dweight[0], want) < 1e-6


@pytest.mark.parametrize("kind", NUMBERS)
@pytest.mark.parametrize("layout", ["NCW", "NWC"])
def test_local_layers_sum_over_the_batch(layout, kind):
    grad, x = numbers(kind, (MILLION, 1, 2)), numbers(kind, (MILLION, 1, 3))
    given = (grad, x) if layout == "NCW" else (grad.reshape(-1, 2, 1), x.reshape(-1, 3, 1))
    _, dweight, dbias = convcore.local_conv1d_backward(
        *given,
        np.ones((1, 2, 1, 2), np.float32),
        np.ones((1, 2)),
        layout=layout,
        needs=(False, True, True),
    )
    wide, seen = grad[:, 0].astype(np.float64), x[:, 0].astype(np.float64)
    assert relative_error(dbias[0], wide.sum(axis=0)) < 1e-6
    want = [[(wide[:, o] * seen[:, o + m]).sum() for m in (0, 1)] for o in (0, 1)]
    assert relative_error(dweight[0, :, 0], np.array(want)) < 1e-6


@pytest.mark.parametrize("kind", NUMBERS)
@pytest.mark.parametrize(("n", "size"), [(1, 2 * MILLION), (4000, 500), (MILLION, 2)])
def test_tiled_layers_sum_over_every_turn(n, size, kind):
    grad, x = numbers(kind, (n, 1, size)), numbers(kind, (n, 1, size))[::-1]
    _, dweight, dbias = convcore.tiled_conv1d_backward(
        grad, x, np.ones((1, 2, 1, 1), np.float32), np.ones((1, 2)), needs=(False, True, True)
    )
    turns = grad.astype(np.float64).reshape(n, -1, 2)
    assert relative_error(dbias[0], turns.sum(axis=(0, 1))) < 1e-6
    want = (turns * x.astype(np.float64).reshape(n, -1, 2)).sum(axis=(0, 1))
    assert relative_error(dweight[0, :, 0, 0], want) < 1e-6


@pytest.mark.parametrize("kind", NUMBERS)
def test_input_gradients_sum_over_many_channels(kind):
    k = 20_000
    grad, weight = numbers(kind, (1, k, 40)), numbers(kind, (k, 1, 1))[::-1]
    dx, _, _ = convcore.conv1d_backward(
        grad, np.ones((1, 1, 40), np.float32), weight, needs=(True, False, False)
    )
    want = np.einsum("ko,k->o", grad[0].astype(np.float64), weight[:, 0, 0].astype(np.float64))
    assert relative_error(dx[0, 0], want) < 1e-6
