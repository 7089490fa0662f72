"""Arrays of other libraries: read where they lie, or refused by an error of convcore's own.

Small classes stand for each kind, so that it is tested everywhere; the libraries themselves are
tested where they are installed.
"""

import numpy as np
import pytest

import convcore
from convcore import connections

X = np.arange(16, dtype=np.float32).reshape(1, 4, 4)
W = np.ones((2, 1, 2, 2), np.float32)
WANT = convcore.conv2d(X, W)


class OnlyDLPack:
    """What offers its elements by DLPack alone."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


class OnlyArray:
    """What offers its elements by NumPy's protocol alone."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array


class OddError(Exception):
    """An exception that cannot be built from a text, as JAX has them."""

    def __init__(self, tracer, *, wanted):
        super().__init__(f"no values yet: {tracer.shape} {wanted}")


class MuteError(Exception):
    """An exception that has no text."""

    def __str__(self):
        raise RuntimeError


class Fails:
    """What cannot be made an array."""

    def __init__(self, error):
        self.error = error

    def __array__(self, dtype=None, copy=None):
        raise self.error


class OnDevice:
    """What is in the memory of another device."""

    def __dlpack__(self, **options):
        raise BufferError("memory of a device")

    def __dlpack_device__(self):
        return 2, 0


class Lazy:
    """What dask computes, were it asked."""

    def __dask_graph__(self):
        return {"x": 1}

    def __array__(self, dtype=None, copy=None):
        raise AssertionError("computed")


class HoldsNothingLazy(OnlyArray):
    """As an object of xarray that holds a NumPy array."""

    def __dask_graph__(self):
        return None


def operand_errors(value):
    """Every kind of argument that takes an array, given the value: operation, argument, call."""
    c = convcore
    grad, table = np.ones_like(WANT), connections.full(2, 1)
    pooled = np.ones((1, 2, 2))
    return [
        ("conv2d", "x", lambda: c.conv2d(value, W)),
        ("conv2d", "weight", lambda: c.conv2d(X, value)),
        ("conv2d", "bias", lambda: c.conv2d(X, W, value)),
        ("conv2d", "connections", lambda: c.conv2d(X, W, connections=value)),
        ("conv2d_backward", "grad", lambda: c.conv2d_backward(value, X, W)),
        ("conv2d_backward", "x", lambda: c.conv2d_backward(grad, value, W)),
        ("conv2d_backward", "weight", lambda: c.conv2d_backward(grad, X, value)),
        ("conv2d_backward", "bias", lambda: c.conv2d_backward(grad, X, W, value)),
        (
            "conv2d_backward",
            "connections",
            lambda: c.conv2d_backward(grad, X, W, connections=value),
        ),
        ("conv_transpose2d", "x", lambda: c.conv_transpose2d(value, W)),
        ("conv_transpose2d", "weight", lambda: c.conv_transpose2d(X, value)),
        ("conv_transpose2d_backward", "grad", lambda: c.conv_transpose2d_backward(value, X, W)),
        ("local_conv2d", "weight", lambda: c.local_conv2d(X, value)),
        ("tiled_conv2d", "x", lambda: c.tiled_conv2d(value, W)),
        ("convolve", "x", lambda: c.convolve(value, [1.0])),
        ("correlate", "w", lambda: c.correlate([1.0], value)),
        ("max_pool2d", "x", lambda: c.max_pool2d(value, 2)),
        (
            "max_pool2d_backward",
            "indices",
            lambda: c.max_pool2d_backward(pooled, X, 2, indices=value),
        ),
        ("avg_pool2d_backward", "grad", lambda: c.avg_pool2d_backward(value, X, 2)),
        ("lp_pool2d", "x", lambda: c.lp_pool2d(value, 2, p=3)),
        ("weighted_pool2d", "window", lambda: c.weighted_pool2d(X, value)),
        ("adaptive_avg_pool2d", "x", lambda: c.adaptive_avg_pool2d(value, 2)),
        ("show", "table", lambda: connections.show(table if value is None else value)),
    ]


def refused(value, *words, error=TypeError):
    """Every argument refuses the value by an error of this class, naming itself."""
    for op, name, call in operand_errors(value):
        with pytest.raises(error) as caught:
            call()
        assert type(caught.value) is error
        text = str(caught.value)
        assert text.startswith(f"{op}: {name} "), text
        for word in words:
            assert word in text, text
    return caught.value


# What is an array


@pytest.mark.parametrize("kind", [OnlyDLPack, OnlyArray, HoldsNothingLazy, np.asarray, list])
def test_what_is_an_array(kind):
    np.testing.assert_array_equal(convcore.conv2d(kind(X), kind(W), kind(np.zeros(2))), WANT)
    pooled, indices = convcore.max_pool2d(kind(X), 2, return_indices=True)
    got = convcore.max_pool2d_backward(kind(pooled), kind(X), 2, indices=kind(indices))
    assert got.sum() == pooled.sum()
    window = convcore.distance_window((2, 2))
    got = convcore.weighted_pool2d(kind(X), kind(window))
    np.testing.assert_array_equal(got, convcore.weighted_pool2d(X, window))


def test_dlpack_is_read_without_a_copy():
    x = np.zeros((1, 3))
    convcore.conv1d(OnlyDLPack(x), np.ones((1, 1, 1)), [5.0], out=x)
    assert x.tolist() == [[5, 5, 5]]


# What is not


@pytest.mark.parametrize(
    "error",
    [
        OddError(X, wanted=1),
        RuntimeError("needs a gradient"),
        AttributeError("gone"),
        OSError(5, "unreadable"),
    ],
    ids=lambda case: type(case).__name__,
)
def test_errors_of_others(error):
    caught = refused(Fails(error), str(error))
    assert caught.__cause__ is error


def test_an_error_without_text():
    refused(Fails(MuteError()), "MuteError")
    refused([Fails(MuteError())], "MuteError")


def test_an_error_of_values_stays_one():
    refused(Fails(ValueError("ragged")), "ragged", error=ValueError)
    refused(Fails(UnicodeDecodeError("utf-8", b"a", 0, 1, "odd")), "odd", error=ValueError)


def test_what_is_no_error():
    refused(Fails(MemoryError("no room")), "no room", error=MemoryError)
    with pytest.raises(KeyboardInterrupt):
        convcore.conv2d(Fails(KeyboardInterrupt()), W)


def test_memory_of_a_device():
    refused(OnDevice(), "memory of a device")


@pytest.mark.parametrize(
    "value", [Lazy(), [Lazy(), Lazy()], [[1.0], (Lazy(),)]], ids=["itself", "in a list", "deeper"]
)
def test_lazy_arrays(value):
    refused(value, "dask", "convcore.dask", "compute()")


@pytest.mark.parametrize(
    "nested",
    [lambda a: [a, a], lambda a: [[1], (a,)]],
    ids=["in a list", "deeper"],
)
def test_masked_arrays(nested):
    """(One that is x itself is data and a mask, where an operator knows of missing cells.)"""
    refused(nested(np.ma.masked_greater(X, 3)), "masked", "filled(")


def test_a_list_in_itself():
    value = []
    value += [value, value]
    refused(value, "at most 8 axes", error=ValueError)


def test_options_that_fail_in_their_own_way():
    class Tensor:
        def __index__(self):
            raise RuntimeError("several elements")

        __float__ = __index__

    for call in (
        lambda: convcore.conv2d(X, W, stride=Tensor()),
        lambda: convcore.conv2d(X, W, padding=(0, Tensor())),
        lambda: convcore.max_pool2d(X, Tensor()),
    ):
        with pytest.raises(TypeError, match="must be an integer"):
            call()


# The libraries


def test_jax():
    jax = pytest.importorskip("jax")
    np.testing.assert_array_equal(convcore.conv2d(jax.numpy.asarray(X), W), WANT)
    with pytest.raises(TypeError, match=r"conv2d: x must be .*, got a traced .*convcore\.jax"):
        jax.jit(lambda x: convcore.conv2d(x, W))(X)
    with pytest.raises(TypeError, match=r"conv2d: weight must be .*convcore\.jax"):
        jax.grad(lambda w: convcore.conv2d(X, w).sum())(W)
    with pytest.raises(TypeError, match="conv2d: stride must be an integer"):
        jax.jit(lambda s: convcore.conv2d(X, W, stride=s))(1)
    with pytest.raises(TypeError, match=r"conv2d: x must have dtype .*, got bfloat16"):
        convcore.conv2d(jax.numpy.asarray(X, "bfloat16"), W)


def test_torch():
    torch = pytest.importorskip("torch")
    np.testing.assert_array_equal(convcore.conv2d(torch.from_numpy(X), torch.from_numpy(W)), WANT)
    needs = torch.from_numpy(W.copy()).requires_grad_()
    refused(needs, "requires grad", "detach()", "convcore.torch")
    refused(torch.zeros(1, 4, 4, dtype=torch.bfloat16), "BFloat16")
    refused(torch.zeros(1, 4, 4, device="meta"), "meta")
    with pytest.raises(TypeError, match="conv2d: stride must be an integer"):
        convcore.conv2d(X, W, stride=torch.tensor([1, 1]))


def test_dask():
    array = pytest.importorskip("dask.array")
    calls = []

    def seen(block):
        calls.append(1)
        return block

    x = array.from_array(X, chunks=(1, 2, 4)).map_blocks(seen, dtype=X.dtype, meta=X[:0])
    refused(x, "dask.array", "convcore.dask")
    refused([x, x], "dask.array")
    assert not calls
    got = array.from_array(X, chunks=(1, 2, 4)).map_blocks(convcore.max_pool2d, 2, dtype=X.dtype)
    np.testing.assert_array_equal(got.compute(), convcore.max_pool2d(X, 2))


def test_xarray():
    xarray = pytest.importorskip("xarray")
    np.testing.assert_array_equal(convcore.conv2d(xarray.DataArray(X), W), WANT)
    pytest.importorskip("dask.array")
    refused(xarray.DataArray(X).chunk(), "dask")


def test_array_api_strict():
    strict = pytest.importorskip("array_api_strict")
    np.testing.assert_array_equal(convcore.conv2d(strict.asarray(X), strict.asarray(W)), WANT)


def test_none_and_masked_values_are_no_operands():
    with pytest.raises(TypeError, match=r"^conv2d: weight must be an array, got None"):
        convcore.conv2d(np.ones((1, 4, 4)), None)
    with pytest.raises(TypeError, match=r"^adaptive_avg_pool1d: output_size must"):
        convcore.adaptive_avg_pool1d(np.ones((1, 4)), np.ma.masked)
    with pytest.raises(TypeError, match=r"^conv1d: stride must"):
        convcore.conv1d(np.ones((1, 4)), np.ones((1, 1, 2)), stride=np.ma.masked)
