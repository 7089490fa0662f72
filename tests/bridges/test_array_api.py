"""Arrays of other libraries come in and go out, with the same numbers as ndarrays."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import convcore
from convcore.engine import array_api
from convcore.spec.registry import OPERATORS
from tests.tables.overlap_calls import calls

X = np.arange(16, dtype=np.float32).reshape(1, 4, 4)
W = np.ones((2, 1, 2, 2), np.float32)


@pytest.fixture(autouse=True)
def switched_on():
    with convcore.set_array_api(True):
        yield


def strict():
    return pytest.importorskip("array_api_strict")


def torch():
    return pytest.importorskip("torch")


def jax():
    return pytest.importorskip("jax.numpy")


LIBRARIES = [strict, torch, jax]


@pytest.fixture(params=LIBRARIES, ids=lambda case: case.__name__)
def xp(request):
    return request.param()


def same(got, want, kind):
    """The results are of the kind, and equal; JAX has no 64 bits unless asked."""
    if isinstance(want, tuple):
        for one, other in zip(got, want, strict=True):
            same(one, other, kind)
        return
    assert type(got) is kind
    want = np.asarray(want)
    got = np.asarray(got)
    np.testing.assert_array_equal(got, want.astype(got.dtype))
    assert got.dtype.kind == want.dtype.kind


# What comes in goes out


def test_every_operator(xp):
    kind = type(xp.asarray(X))
    for call in calls():
        foreign = {name: xp.asarray(array) for name, array in call.arrays.items()}
        got = call(**foreign)
        plain = {name: np.asarray(array) for name, array in foreign.items()}
        same(got, call(**plain), kind)
        if "return_indices" in str(call.options) or call.name.endswith("_backward"):
            continue
        if "max_pool" in call.name:
            both = getattr(convcore, call.name)(**foreign, **call.options, return_indices=True)
            want = getattr(convcore, call.name)(**plain, **call.options, return_indices=True)
            same(both, want, kind)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "uint16", "int64", "bool"])
def test_number_types(xp, dtype):
    x, w = xp.asarray(X.astype(dtype)), xp.asarray(W.astype(dtype))
    same(convcore.conv2d(x, w), convcore.conv2d(np.asarray(x), np.asarray(w)), type(x))
    same(convcore.max_pool2d(x, 2), convcore.max_pool2d(np.asarray(x), 2), type(x))


def test_missing_cells(xp):
    there = X > 3
    y, share = convcore.conv2d(X, W, mask=there, return_weight=True)
    got = convcore.conv2d(xp.asarray(X), xp.asarray(W), mask=xp.asarray(there), return_weight=True)
    same(got, (y, share), type(xp.asarray(X)))


def test_gradients_that_are_not_needed(xp):
    x, w, grad = map(xp.asarray, (X, W, np.ones((2, 3, 3), np.float32)))
    dx, dweight, dbias = convcore.conv2d_backward(grad, x, w, needs=(True, False, True))
    assert type(dx) is type(x)
    assert dweight is None
    assert dbias is None


def test_signals(xp):
    x = xp.asarray(X[0, 0])
    for function in convcore.convolve, convcore.correlate:
        same(function(x, x), function(X[0, 0], X[0, 0]), type(x))


def test_lists_belong_to_any(xp):
    x = xp.asarray(X)
    same(convcore.conv2d(x, W.tolist(), [1, 2]), convcore.conv2d(X, W, [1, 2]), type(x))
    same(convcore.conv2d(X.tolist(), xp.asarray(W)), convcore.conv2d(X, W), type(x))


def test_a_table_of_numpy(xp):
    x = xp.asarray(X)
    table = convcore.connections.full(2, 1)
    want = convcore.conv2d(X, W, connections=table)
    same(convcore.conv2d(x, xp.asarray(W), connections=table), want, type(x))
    got = convcore.conv2d(x, xp.asarray(W), connections=xp.asarray(table))
    same(got, want, type(x))


def test_a_window_of_numpy(xp):
    window = convcore.distance_window((3, 3))
    for border in ("zeros", "edge"):
        got = convcore.weighted_pool2d(xp.asarray(X), window, border=border)
        same(got, convcore.weighted_pool2d(X, window, border=border), type(xp.asarray(X)))


def test_empty_batch(xp):
    x = xp.asarray(np.empty((0, 1, 4, 4), np.float32))
    assert convcore.conv2d(x, xp.asarray(W)).shape == (0, 2, 3, 3)


def test_out_is_returned_as_it_is(xp):
    out = np.empty((2, 3, 3), np.float32)
    assert convcore.conv2d(xp.asarray(X), xp.asarray(W), out=out) is out
    with pytest.raises(TypeError, match="conv2d: out must be a NumPy array"):
        convcore.conv2d(xp.asarray(X), xp.asarray(W), out=xp.asarray(out))


def test_nothing_is_written_to(xp):
    x = xp.asarray(X.copy())
    for _ in range(3):
        y = convcore.conv2d(x, xp.asarray(W))
    same(x, X, type(x))
    same(y, convcore.conv2d(X, W), type(x))


def test_ndarrays_stay_ndarrays():
    assert type(convcore.conv2d(X, W)) is np.ndarray
    assert type(convcore.conv2d(X.tolist(), W.tolist())) is np.ndarray


def test_only_dlpack_gives_ndarrays():
    class OnlyDLPack:
        def __dlpack__(self, **options):
            return X.__dlpack__(**options)

        def __dlpack_device__(self):
            return X.__dlpack_device__()

    assert type(convcore.conv2d(OnlyDLPack(), W)) is np.ndarray


def test_a_second_jax_device():
    code = """
import os, jax, convcore
second = jax.devices()[1]
x = jax.device_put(jax.numpy.ones((1, 1, 4)), second)
with convcore.set_array_api(True):
    y = convcore.max_pool1d(x, 2)
os._exit(y.device != second)  # at once: several devices of JAX do not always end well
"""
    jax()
    flags = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120, env=flags)


# What is refused


def test_two_libraries(xp):
    x, w, b = xp.asarray(X), xp.asarray(W), np.zeros(2, np.float32)
    name = xp.__name__.partition(".")[0]
    for args, wrong, first in (
        ((x, W), "weight", "x"),
        ((X, w), "x", "weight"),
        ((x, w, b), "bias", "x"),
    ):
        match = f"conv2d: {wrong} must be an array of {name}, as {first} is, got one of numpy"
        with pytest.raises(TypeError, match=match):
            convcore.conv2d(*args)
    with pytest.raises(TypeError, match="max_pool2d_backward: x must be an array of"):
        convcore.max_pool2d_backward(xp.asarray(np.ones((1, 2, 2))), X, 2)
    with pytest.raises(TypeError, match="conv2d: mask must be an array of"):
        convcore.conv2d(x, w, mask=X > 3)


def test_two_foreign_libraries():
    x, w = torch().asarray(X), jax().asarray(W)
    with pytest.raises(TypeError, match="must be an array of torch, as x is, got one of jax"):
        convcore.conv2d(x, w)


def test_other_devices():
    xp = strict()
    x = xp.asarray(X, device=xp.Device("device1"))
    with pytest.raises(TypeError, match=r"conv2d: x must be in main memory .*device1"):
        convcore.conv2d(x, xp.asarray(W))
    meta = torch().ones(1, 4, 4, device="meta")
    with pytest.raises(TypeError, match=r"max_pool2d: x must be in main memory .*meta"):
        convcore.max_pool2d(meta, 2)


def test_gradients_and_traces():
    needs = torch().ones(1, 4, 4).requires_grad_()
    with pytest.raises(TypeError, match=r"max_pool2d: x must .*convcore\.torch"):
        convcore.max_pool2d(needs, 2)
    numpy = jax()
    import jax as library

    with pytest.raises(TypeError, match=r"max_pool2d: x must .*convcore\.jax"):
        library.jit(lambda x: convcore.max_pool2d(x, 2))(numpy.asarray(X))


def test_number_types_that_numpy_lacks():
    for library in torch(), jax():
        x = library.ones((1, 4, 4), dtype=library.bfloat16)
        with pytest.raises(TypeError, match=r"max_pool2d: x must .*(?i:bfloat16)"):
            convcore.max_pool2d(x, 2)


def test_other_errors_are_the_same(xp):
    with pytest.raises(ValueError, match="conv2d: stride must be at least 1, got 0"):
        convcore.conv2d(xp.asarray(X), xp.asarray(W), stride=0)
    with pytest.raises(ValueError, match="conv2d: groups must divide"):
        convcore.conv2d(xp.asarray(X), xp.asarray(W), groups=2)


def test_scalars_of_numpy_have_their_own_error():
    messages = []
    for on in (False, True):
        with convcore.set_array_api(on), pytest.raises(ValueError, match="axes") as error:
            convcore.conv1d(np.float64(3), np.ones((1, 1, 3)))
        messages.append(str(error.value))
    assert messages[0] == messages[1]


# The switch


def test_switch(xp):
    x, w = xp.asarray(X), xp.asarray(W)
    again = convcore.set_array_api(False)
    assert type(convcore.conv2d(x, w)) is np.ndarray
    with convcore.set_array_api(True):
        assert type(convcore.conv2d(x, w)) is type(x)
        with again:
            assert type(convcore.conv2d(x, w)) is np.ndarray
        assert type(convcore.conv2d(x, w)) is type(x)
    assert type(convcore.conv2d(x, w)) is np.ndarray
    for wrong in (1, "yes", None):
        with pytest.raises(TypeError, match="set_array_api: on must be"):
            convcore.set_array_api(wrong)


def test_variable(run_python):
    code = "from convcore.engine import array_api; print(array_api._is_on)"
    assert run_python(code, CONVCORE_ARRAY_API="1").stdout.strip() == "True"
    assert run_python(code, CONVCORE_ARRAY_API=None).stdout.strip() == "False"
    done = run_python(code, CONVCORE_ARRAY_API="yes", check=False)
    assert "CONVCORE_ARRAY_API must be 0 or 1, got 'yes'" in done.stderr


def test_the_modules_of_every_operator_are_served():
    modules = {place.module["__name__"] for place in array_api._places}
    homes = {vars(convcore)[name].__code__.co_filename for name in convcore.__all__
             if name.partition("_backward")[0][:-2] in OPERATORS}  # fmt: skip
    assert {f"convcore.api.{Path(home).stem}" for home in homes} <= modules
