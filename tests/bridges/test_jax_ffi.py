"""Calls of the core by XLA: equal bits with and without Python in between, and what they refuse."""

import numpy as np
import pytest

jax = pytest.importorskip("jax")
import jax.numpy as jnp  # noqa: E402

import convcore  # noqa: E402
import convcore.jax as cj  # noqa: E402
from convcore.jax import ffi, layers  # noqa: E402
from tests.support import jax_bits  # noqa: E402
from tests.tables.jax_calls import calls  # noqa: E402

LAYERS = ("conv", "conv_transpose", "local_conv", "tiled_conv")
x64 = jax_bits.x64
rng = np.random.default_rng(0)
X = rng.standard_normal((2, 4, 8, 8)).astype(np.float32)
W = rng.standard_normal((6, 4, 3, 3)).astype(np.float32)


@pytest.fixture
def through_python(monkeypatch):
    """Hides the handler: everything goes through Python."""
    layers.compiled.cache_clear()
    monkeypatch.setattr(ffi, "attributes", lambda *call: None)
    yield
    layers.compiled.cache_clear()


def results(name, x, weight, options):
    """The result, and both gradients, by functions that are compiled anew."""
    y, back = jax.vjp(
        lambda *o: jax.jit(lambda *o: getattr(cj, name)(*o, **options))(*o), x, weight
    )
    return [np.asarray(each) for each in (y, *back(jnp.cos(y)))]


def arrays(shapes, dtype):
    rng = np.random.default_rng(3)
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


def cases():
    for name, x, weight, options in calls(LAYERS):
        if "connections" in options:
            options["connections"] = np.array(options["connections"], bool)
        for layout in (None, "last"):
            yield name, x, weight, options, layout


def in_layout(name, x, options, layout):
    if layout is None:
        return x, options
    word = {"1": "NWC", "2": "NHWC", "3": "NDHWC"}[name[-2]]
    return np.moveaxis(x, 1, -1), {**options, "layout": word}


def all_results():
    """Those of every call, in both number types and layouts."""
    for dtype in (np.float32, np.float64):
        for name, x, weight, options, layout in cases():
            x, weight = arrays((x, weight), dtype)
            x, options = in_layout(name, x, options, layout)
            yield f"{name} {options}", results(name, x, weight, options)


WITHOUT = {}


def test_results_without_python(x64):
    for i, (call, found) in enumerate(all_results()):
        WITHOUT[i, call] = found
    assert len(WITHOUT) > 100


def test_bits_with_python(through_python, x64):
    """They are those of the test before, which fills the table."""
    if not WITHOUT:
        pytest.skip("the test before did not run")
    for i, (call, found) in enumerate(all_results()):
        for one, other in zip(WITHOUT[i, call], found, strict=True):
            np.testing.assert_array_equal(one, other, err_msg=call)


def spec_of(*given, **options):
    """The layer that a call is of."""
    seen = []

    def noted(product, spec, dtype, threads):
        seen.append((product, spec))
        return real(product, spec, dtype, threads)

    real = ffi.attributes
    ffi.attributes = noted
    layers.compiled.cache_clear()
    try:
        cj.conv2d(*given, **options)
    finally:
        ffi.attributes = real
    return seen[0][1]


def test_which_layers_need_python():
    need = {
        "none": ({}, ()),
        "stride": ({"stride": 2, "padding": 1}, ()),
        "border": ({"padding": 1, "border": "edge"}, ("input_gradient",)),
        "connections": (
            {"connections": np.eye(6, 4, dtype=bool)},
            ("forward", "input_gradient", "weight_gradient"),
        ),
        "separable": (
            {"algorithm": "separable"},
            ("forward", "input_gradient", "weight_gradient"),
        ),
    }
    products = ("forward", "input_gradient", "weight_gradient")
    for options, wanted in need.values():
        x, w = X, W
        if options.get("algorithm"):
            x, w = X[:, :1], np.ones((1, 1, 5, 5), np.float32)
        spec = spec_of(x, w, **options)
        found = [p for p in products if ffi.attributes(p, spec, np.float32, 1) is None]
        assert tuple(found) == wanted, options


@pytest.mark.parametrize("where", [0, -1])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite(value, where):
    """Phases would multiply padding with them."""
    w = W.copy()
    w.flat[where] = value
    grad = rng.standard_normal((2, 6, 4, 4)).astype(np.float32)
    _, back = jax.vjp(lambda x: cj.conv2d(x, w, stride=2, padding=1), X)
    want = convcore.conv2d_backward(grad, X, w, stride=2, padding=1)[0]
    np.testing.assert_array_equal(back(grad)[0], want)


# What is refused


def call(x, w, result, **attributes):
    shape = jax.ShapeDtypeStruct(result, np.float32)
    return jax.ffi.ffi_call(ffi.TARGET, shape)(x, w, **attributes)


def test_arrays_of_other_sizes_and_types():
    good = ffi.attributes("forward", spec_of(X, W), np.float32, 1)
    y = (2, 6, 6, 6)
    np.testing.assert_array_equal(call(X, W, y, **good), cj.conv2d(X, W, threads=1))
    for given in ((X[:1], W, y), (X, W[:1], y), (X, W, (1,)), (X.astype(np.int32), W, y)):
        with pytest.raises(jax.errors.JaxRuntimeError, match="arrays must have the operator"):
            call(*given, **good)
    with pytest.raises(jax.errors.JaxRuntimeError, match="arrays must have the operator's number"):
        jax.ffi.ffi_call(ffi.TARGET, jax.ShapeDtypeStruct(y, np.float32))(X, **good)


def test_addresses_of_other_processes():
    good = ffi.attributes("forward", spec_of(X, W), np.float32, 1)
    match = r"convcore\.jax: an executable must run in the process that compiled it"
    for wrong in (
        {**good, "process": np.int64(1)},
        {"call": good["call"]},
        {"process": good["process"]},
        {"call": np.int32(1), "process": good["process"]},
        {},
    ):
        with pytest.raises(jax.errors.JaxRuntimeError, match=match):
            call(X, W, (2, 6, 6, 6), **wrong)


def test_exported_functions(tmp_path, run_python):
    """JAX refuses to write them; who insists gets an error in the other process, and no crash."""
    function = jax.jit(lambda x: cj.conv2d(x, W))
    with pytest.raises(ValueError, match="custom calls"):
        jax.export.export(function)(X).serialize()
    insisting = [jax.export.DisabledSafetyCheck.custom_call(ffi.TARGET)]
    data = jax.export.export(function, disabled_checks=insisting)(X).serialize()
    path = tmp_path / "function"
    path.write_bytes(data)
    code = f"""
import jax, numpy as np, convcore.jax
function = jax.export.deserialize(bytearray(open({str(path)!r}, "rb").read()))
try:
    jax.block_until_ready(function.call(np.ones({X.shape}, np.float32)))
except Exception as error:
    print("process that compiled it" in str(error))
"""
    assert run_python(code).stdout.split() == ["True"]


def test_interrupts(run_python):
    """A call that is given up raises an error, and the next one works."""
    code = """
import signal, time, jax, numpy as np, convcore.jax as cj
class Enough(Exception): pass
def stop(*args): raise Enough
signal.signal(signal.SIGALRM, stop)
x = np.ones((64, 64, 128, 128), np.float32)
function = jax.jit(lambda x, w: cj.conv2d(x, w, padding="same", algorithm="direct", threads=1))
w = np.ones((64, 64, 5, 5), np.float32)
compiled = function.lower(x, w).compile()
signal.setitimer(signal.ITIMER_REAL, 0.3)
begin = time.perf_counter()
try:
    jax.block_until_ready(compiled(x, w))
    print("done")
except Exception as error:
    print("stopped")
try:
    time.sleep(0.01)
except Enough:
    pass
print(float(jax.block_until_ready(function(x[:1], w))[0, 0, 64, 64]))
"""
    words = run_python(code, timeout=120).stdout.split()
    assert words[0] in ("done", "stopped")
    assert float(words[1]) == 64 * 25
