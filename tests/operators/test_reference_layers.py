"""The plain twins of the layers without shared weights: by hand, by loops, by what they reduce to.

The transposed convolution is compared with PyTorch's where that is installed, and with the
convolution whose adjoint it is.
"""

from itertools import product

import numpy as np
import pytest

from convcore import reference
from tests.support.helpers import assert_equal
from tests.support.sweeps import each
from tests.tables.layer_cases import (
    LAYERS,
    LOCAL,
    SAMPLES,
    TILED,
    integer_arrays,
    random_arrays,
)


def test_names_are_unique():
    names = [case.name for case in LAYERS]
    assert len(set(names)) == len(names)
    assert len(names) > 500
    assert {case.kind for case in SAMPLES} == {case.kind for case in LAYERS}


@pytest.mark.parametrize("case", SAMPLES, ids=str)
def test_the_data_of_a_case_suits_it(case):
    for arrays in (integer_arrays(case), random_arrays(case)):
        y = case.call(reference, arrays)
        assert y.ndim == len(case.x)
        assert y.dtype == np.float32
        assert np.isfinite(y).all()


def per_axis(value, nd):
    return tuple(value) if isinstance(value, tuple) else (value,) * nd


def padded(case, x):
    """x as (n, c, *space) with its zeros around it, in float64."""
    nd, options = case.axes, case.options
    x = x if case.batched else x[None]
    x = np.moveaxis(x, -1, 1) if case.last else x
    kernel = case.weight[-nd:]
    pairs = []
    for axis, entry in enumerate(per_axis(options.get("padding", "valid"), nd)):
        s, d = (per_axis(options.get(key, 1), nd)[axis] for key in ("stride", "dilation"))
        reach, n = (kernel[axis] - 1) * d, x.shape[2 + axis]
        total = max((-(-n // s) - 1) * s + reach + 1 - n, 0)
        words = {
            "valid": (0, 0),
            "full": (reach, reach),
            "same": (total // 2, total - total // 2),
            "same_lower": (total - total // 2, total // 2),
        }
        pairs.append(
            words[entry]
            if isinstance(entry, str)
            else entry
            if isinstance(entry, tuple)
            else (entry, entry)
        )
    return np.pad(x.astype(np.float64), [(0, 0), (0, 0), *pairs])


def put_back(case, z, dtype):
    z = np.moveaxis(z, 1, -1) if case.last else z
    return (z if case.batched else z[0]).astype(dtype)


# Local and tiled


def by_loops(case, x, weight, bias):
    """Equations 9.9 and 9.10 with a loop for every index, and Python's own numbers."""
    nd = case.axes
    V = padded(case, x)
    s, d = (per_axis(case.options.get(key, 1), nd) for key in ("stride", "dilation"))
    k, period, c, kernel = (
        weight.shape[0],
        weight.shape[1 : 1 + nd],
        weight.shape[1 + nd],
        weight.shape[2 + nd :],
    )
    sizes = [
        (n - (r - 1) * d_ - 1) // s_ + 1
        for n, r, s_, d_ in zip(V.shape[2:], kernel, s, d, strict=True)
    ]
    Z = np.zeros((len(V), k, *sizes))
    for image, i, *place in np.ndindex(*Z.shape):
        turn = tuple(o % t for o, t in zip(place, period, strict=True))
        total = 0.0 if bias is None else float(bias[(i, *turn)])
        for channel, *tap in np.ndindex(c, *kernel):
            cell = [o * s_ + m * d_ for o, m, s_, d_ in zip(place, tap, s, d, strict=True)]
            total += float(V[(image, channel, *cell)]) * float(weight[(i, *turn, channel, *tap)])
        Z[(image, i, *place)] = total
    return put_back(case, Z, np.float32)


def work(case):
    return np.prod(case.x) * np.prod(case.weight)


@pytest.mark.parametrize(
    "case", [case for case in [*LOCAL[::3], *TILED[::6]] if work(case) < 200_000], ids=str
)
def test_unshared_layers_are_the_equation(case):
    arrays = integer_arrays(case)
    assert_equal(case.call(reference, arrays), by_loops(case, *arrays), case)


@each([case for case in LOCAL if 0 not in case.x + case.weight])
def test_local_with_equal_kernels_is_convolution(case):
    x, weight, bias = integer_arrays(case)
    nd = case.axes
    first = (slice(None), *[slice(0, 1)] * nd)
    shared, one = weight[first], None if bias is None else bias[first]
    weight = np.broadcast_to(shared, weight.shape)
    got = case.call(
        reference, (x, weight, None if bias is None else np.broadcast_to(one, bias.shape))
    )
    want = getattr(reference, f"conv{nd}d")(
        x,
        shared.reshape(shared.shape[0], *shared.shape[nd + 1 :]),
        None if bias is None else one.ravel(),
        **case.options,
    )
    assert_equal(got, want, case)


@pytest.mark.item("f27")
def test_local_by_hand():
    # Z[0] = 1*1 + 2*10 + 0.5, Z[1] = 3*10 + 4*100 - 1; in two directions with a channel each
    x = np.array([[1.0, 10.0, 100.0]])
    weight = np.array([[[[1.0, 2.0]], [[3.0, 4.0]]]])
    assert reference.local_conv1d(x, weight, [[0.5, -1.0]]).tolist() == [[21.5, 429.0]]
    x = np.arange(1.0, 9.0).reshape(2, 2, 2)
    weight = np.array(
        [[[[[[1.0]], [[0.0]]], [[[0.0]], [[1.0]]]], [[[[2.0]], [[0.0]]], [[[0.0]], [[-1.0]]]]]]
    )
    assert weight.shape == (1, 2, 2, 2, 1, 1)
    assert reference.local_conv2d(x, weight).tolist() == [[[1.0, 6.0], [6.0, -8.0]]]
    assert reference.local_conv1d([[5.0]], [[[[1.0]], [[2.0]], [[3.0]]]], padding=1).tolist() == [
        [0.0, 10.0, 0.0]
    ]


@pytest.mark.item("f28")
def test_tiled_by_hand():
    x = np.ones((1, 6))
    weight = np.array([[[[1.0, 10.0]], [[100.0, 1000.0]]]])
    assert reference.tiled_conv1d(x, weight).tolist() == [[11, 1100, 11, 1100, 11]]
    assert reference.tiled_conv1d(x, weight, [[1, 2]], stride=2).tolist() == [[12, 1102, 12]]
    edge = reference.tiled_conv1d(x, weight, padding=((1, 0),))
    assert edge.tolist() == [[10, 1100, 11, 1100, 11, 1100]]
    chess = np.array([1.0, -1.0, -2.0, 2.0]).reshape(1, 2, 2, 1, 1, 1)
    assert reference.tiled_conv2d(np.ones((1, 3, 3)), chess).tolist() == [
        [[1, -1, 1], [-2, 2, -2], [1, -1, 1]]
    ]


# Connections


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_connected_is_not_seen(bad):
    table = np.array([[True, False], [False, True], [False, False]])
    x, weight = np.ones((1, 2, 3, 3)), np.ones((3, 2, 2, 2))
    weight[0, 1] = weight[1, 0] = weight[2] = bad
    x[0, 1] = 2
    z = reference.conv2d(x, weight, [1, 2, 3], connections=table)
    assert (z[0, 0] == 5).all()
    assert (z[0, 1] == 10).all()
    assert (z[0, 2] == 3).all()
    x[0, 1] = bad
    z = reference.conv2d(x, np.ones((3, 2, 2, 2)), connections=table)
    assert (z[0, 0] == 4).all()
    assert not np.isfinite(z[0, 1]).any()
    assert (z[0, 2] == 0).all()


# Transposed


@pytest.mark.parametrize("word", ["same", "same_lower"])
def test_same_undoes_the_size_of_same(word):
    for n, k, s, d in product(range(1, 8), range(1, 5), range(1, 4), (1, 2)):
        down = reference.conv1d(np.ones((1, n)), np.ones((1, 1, k)), None, s, word, d)
        more = n - ((down.shape[1] - 1) * s + 1)
        up = reference.conv_transpose1d(
            down, np.ones((1, 1, k)), None, s, word, d, output_padding=more
        )
        assert up.shape == (1, n)


def test_transposed_by_hand():
    # Each input lays its multiple of the kernel over the outputs.
    x, weight = np.array([[1.0, 10.0, 100.0]]), np.array([[[1.0, 2.0, 3.0]]])
    up = reference.conv_transpose1d
    assert up(x, weight).tolist() == [[1, 12, 123, 230, 300]]
    assert up(x, weight, [0.5], 2).tolist() == [[1.5, 2.5, 13.5, 20.5, 130.5, 200.5, 300.5]]
    assert up(x, weight, padding=1).tolist() == [[12, 123, 230]]
    assert up(x, weight, padding="full").tolist() == [[123]]
    assert up(x, weight, padding=((2, 0),)).tolist() == [[123, 230, 300]]
    assert up(x, weight, None, 3, output_padding=2).tolist() == [
        [1, 2, 3, 10, 20, 30, 100, 200, 300, 0, 0]
    ]
    assert up(x, weight, dilation=2).tolist() == [[1, 10, 102, 20, 203, 30, 300]]
    assert up(x, weight, None, 2, "same").tolist() == [[2, 13, 20, 130, 200]]


# dtypes and bad arguments


@pytest.mark.parametrize("case", SAMPLES, ids=str)
@pytest.mark.parametrize(
    ("dtype", "result"),
    [
        (np.float16, np.float16),
        (np.float64, np.float64),
        (np.int8, np.float32),
        (np.int64, np.float64),
        (">f4", np.float32),
    ],
)
def test_dtypes(case, dtype, result):
    arrays = integer_arrays(case, dtype)
    want = case.call(reference, integer_arrays(case, np.float64))
    got = case.call(reference, arrays)
    assert got.dtype == result
    assert (got == want.astype(result)).all()


X, TABLE = np.ones((2, 7, 8)), np.ones((3, 2), bool)


def conv(**options):
    return reference.conv2d(X, np.ones((3, 2, 3, 3)), **options)


def local(weight=(3, 5, 6, 2, 3, 3), bias=None, **options):
    return reference.local_conv2d(X, np.ones(weight), bias, **options)


def tiled(weight=(3, 2, 2, 2, 3, 3), bias=None, **options):
    return reference.tiled_conv2d(X, np.ones(weight), bias, **options)


def up(weight=(2, 3, 3, 3), bias=None, x=X, **options):
    return reference.conv_transpose2d(x, np.ones(weight), bias, **options)


@pytest.mark.parametrize("zero", [0.0, -0.0])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_zero_times_a_special_value_is_not_left_out(zero, value):
    # in either place of a product: the gradients of local and tiled layers
    x, weight = np.array([[1.0, value]]), np.array([2.0, value]).reshape(1, 1, 1, 2)
    grad = np.array([[zero]])
    dx, dweight, _ = reference.tiled_conv1d_backward(grad, x, weight)
    np.testing.assert_array_equal(dx, [[0.0, np.nan]])
    np.testing.assert_array_equal(dweight.ravel(), [0.0, np.nan])
    dx, dweight, _ = reference.local_conv1d_backward(grad, x, weight)
    np.testing.assert_array_equal(dx, [[0.0, np.nan]])
    np.testing.assert_array_equal(dweight.ravel(), [0.0, np.nan])


@pytest.mark.parametrize(
    "call",
    [
        "conv(connections=TABLE.T)",
        "conv(connections=TABLE[0])",
        "conv(connections=TABLE[:0])",
        "reference.conv2d(X, np.ones((2, 1, 3, 3)), groups=2, connections=np.ones((2, 1), bool))",
        "reference.conv2d(X[:0], np.ones((3, 0, 3, 3)), connections=np.ones((3, 0), bool))",
        "local((3, 5, 5, 2, 3, 3))",
        "local((3, 1, 1, 2, 3, 3))",
        "local((3, 2, 3, 3))",
        "local((3, 5, 6, 1, 3, 3))",
        "local((3, 5, 6, 2, 0, 3))",
        "local(stride=0)",
        "local(stride=2)",
        "local(bias=np.ones(3))",
        "local(padding=-1)",
        "local(layout='NWC')",
        "local(dilation=4)",
        "tiled((3, 0, 2, 2, 3, 3))",
        "tiled((3, 2, 2, 2, 3))",
        "tiled((3, 2, 2, 3, 3, 3))",
        "tiled(padding='Same')",
        "tiled(bias=np.ones((3, 2)))",
        "tiled(dilation=0)",
        "up(output_padding=1)",
        "up(output_padding=-1)",
        "up(stride=(2, 3), output_padding=(2, 2))",
        "up(padding=((9, 0), (0, 0)))",
        "up(padding=5)",
        "up(stride=2, padding='full', x=X[:, :1])",
        "up(padding='SAME')",
        "up(padding=(1, 1, 1))",
        "up(groups=3)",
        "up((3, 2, 3, 3))",
        "up((2, 3, 0, 3))",
        "up((2, 3, 3))",
        "up(bias=np.ones(2))",
        "up(x=X[:, :0])",
    ],
)
def test_bad_values(call):
    with pytest.raises(ValueError, match=r"\w"):
        eval(call)


@pytest.mark.parametrize(
    "call",
    [
        "conv(connections=TABLE.astype(int))",
        "conv(connections=1)",
        "conv(connections='full')",
        "tiled(bias=np.ones((3, 2, 2), complex))",
        "up(x=X.astype(complex))",
        "up(output_padding=0.0)",
        "local(stride=1.5)",
    ],
)
def test_bad_types(call):
    with pytest.raises(TypeError):
        eval(call)
