"""Arrays whose dtype spells the machine's own byte order, as those of zarr do: native all the
same.
"""

import sys

import numpy as np
import pytest

import convcore
from convcore import connections, nn
from tests.tables.overlap_calls import calls

CALLS = list(calls())
SPELLED = "<" if sys.byteorder == "little" else ">"
OTHER = ">" if sys.byteorder == "little" else "<"


def spelled(array, order=SPELLED):
    """The array's copy, with a dtype that is equal to its own but not the same object."""
    return array.astype(array.dtype.newbyteorder(order))


def test_the_dtype_is_another_object():
    array = spelled(np.ones(3, np.float32))
    assert array.dtype == np.float32
    assert array.dtype is not np.dtype(np.float32)
    assert memoryview(array).format != memoryview(np.ones(3, np.float32)).format


@pytest.mark.parametrize("order", [SPELLED, OTHER, "="])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("call", CALLS, ids=str)
def test_operands(call, dtype, order):
    arrays = {
        name: array if name == "indices" else array.astype(dtype)
        for name, array in call.arrays.items()
    }
    want = call(**arrays)
    many = call.gradients
    alone = [{name: spelled(array, order)} for name, array in arrays.items()]
    for replaced in [*alone, {key: value for one in alone for key, value in one.items()}]:
        got = call(**{**arrays, **replaced})
        for one, other in zip(got if many else [got], want if many else [want], strict=True):
            np.testing.assert_array_equal(one, other)
            assert one.dtype is other.dtype


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("call", CALLS, ids=str)
def test_out(call, dtype):
    arrays = {
        name: array if name == "indices" else array.astype(dtype)
        for name, array in call.arrays.items()
    }
    want = call(**arrays)
    want = want if call.gradients else [want]
    out = [spelled(np.zeros_like(one)) for one in want]
    got = call(out if call.gradients else out[0], **arrays)
    for one, other, given in zip(got if call.gradients else [got], want, out, strict=True):
        assert one is given
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
)
def test_integers(dtype):
    x = np.arange(12, dtype=dtype).reshape(1, 3, 4)
    want, places = convcore.max_pool2d(x, 2, return_indices=True)
    got, indices = convcore.max_pool2d(spelled(x), 2, return_indices=True)
    np.testing.assert_array_equal(got, want)
    np.testing.assert_array_equal(indices, places)
    assert got.dtype is want.dtype
    np.testing.assert_array_equal(
        convcore.max_pool2d_backward(want, x, 2, indices=spelled(places.astype(dtype))),
        convcore.max_pool2d_backward(want, x, 2),
    )
    weight = np.ones((1, 1, 2, 2), dtype)
    np.testing.assert_array_equal(
        convcore.conv2d(spelled(x), spelled(weight)), convcore.conv2d(x, weight)
    )


def test_connections_and_layers():
    rng = np.random.default_rng(0)
    x, weight = rng.normal(size=(6, 9, 9)).astype("f4"), rng.normal(size=(16, 6, 3, 3)).astype("f4")
    table = connections.lenet5_c3()
    np.testing.assert_array_equal(
        convcore.conv2d(spelled(x), spelled(weight), connections=spelled(table)),
        convcore.conv2d(x, weight, connections=table),
    )
    layer = nn.Conv2d(6, 3, 3, rng=0)
    np.testing.assert_array_equal(layer.forward(spelled(x)), layer.forward(x))


def test_zarr():
    zarr = pytest.importorskip("zarr")
    x = np.random.default_rng(0).normal(size=(1, 6, 6)).astype("f4")
    weight = np.ones((2, 1, 3, 3), "f4")
    stored = zarr.array(x)
    np.testing.assert_array_equal(
        convcore.conv2d(stored, zarr.array(weight)), convcore.conv2d(x, weight)
    )
    np.testing.assert_array_equal(convcore.max_pool2d(stored, 2), convcore.max_pool2d(x, 2))
