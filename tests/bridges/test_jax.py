"""convcore.jax: the numbers of ndarrays, with jit, derivatives, vmap and scan."""

import inspect
from functools import partial

import numpy as np
import pytest

jax = pytest.importorskip("jax")
import jax.numpy as jnp  # noqa: E402
from jax.test_util import check_grads  # noqa: E402

import convcore  # noqa: E402
import convcore.jax as cj  # noqa: E402
from tests.support import jax_bits  # noqa: E402
from tests.tables.bridges import having  # noqa: E402
from tests.tables.jax_calls import calls  # noqa: E402

x64 = jax_bits.x64
rng = np.random.default_rng(0)
X = rng.standard_normal((2, 4, 8, 8)).astype(np.float32)
W = rng.standard_normal((6, 4, 3, 3)).astype(np.float32)


def arrays(call, dtype=np.float64):
    """The operands of a call, and its other options."""
    _, x, weight, options = call
    rng = np.random.default_rng(1)
    options = dict(options)
    if "window" in options:
        options["window"] = rng.random(options["window"]) + 0.5
    if "connections" in options:
        options["connections"] = np.array(options["connections"], bool)
    shapes = [x] if weight is None else [x, weight]
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes], options


def bound(call):
    """A function of the arrays alone, and these."""
    operands, options = arrays(call)
    return partial(getattr(cj, call[0]), **options), operands


def label(call):
    return " ".join([call[0], *(f"{key}={value}" for key, value in call[3].items())])


def each(feature, axes=(1, 2, 3), kinds=None):
    found = list(calls(kinds or having("jax", feature), axes))
    return pytest.mark.parametrize("call", found, ids=label)


# Every entry of the table


@each("call")
def test_call(call, x64):
    function, operands = bound(call)
    got = function(*map(jnp.asarray, operands))
    want = getattr(convcore, call[0])(*operands, **function.keywords)
    assert isinstance(got, jax.Array)
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)


@each("gradient")
def test_gradient(call, x64):
    """That of the library's own gradients."""
    function, operands = bound(call)
    y, backward = jax.vjp(function, *operands)
    grad = np.random.default_rng(2).standard_normal(y.shape)
    got = backward(jnp.asarray(grad))
    want = getattr(convcore, f"{call[0]}_backward")(grad, *operands, **function.keywords)
    want = [want] if len(operands) == 1 else want[:2]
    for one, other in zip(got, want, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-10)


@each("second gradient", axes=(1, 2))
def test_second_gradient(call, x64):
    """By finite differences, forward and reverse."""
    function, operands = bound(call)
    if call[3].get("p") == float("inf") or "max_pool" in call[0]:
        function = partial(_bent, function)
    check_grads(function, operands, order=2, modes=["fwd", "rev"], eps=1e-5, rtol=2e-3, atol=2e-3)


def _bent(function, x):
    """A maximum is linear where it has derivatives: bend it for a second one."""
    return jnp.sin(function(x))


@each("second gradient", axes=(3,))
def test_second_gradient_of_volumes(call, x64):
    """The gradient of the gradient's square, against finite differences along one direction."""
    function, operands = bound(call)

    def slope(*operands):
        grads = jax.grad(lambda *o: jnp.sin(function(*o)).sum(), tuple(range(len(operands))))
        return sum((g**2).sum() for g in grads(*operands))

    check_grads(slope, operands, order=1, modes=["rev"], eps=1e-5, rtol=2e-3)


@each("jit")
def test_jit_and_scan(call, x64):
    function, operands = bound(call)
    want = function(*operands)
    np.testing.assert_array_equal(jax.jit(function)(*operands), want)
    x, *more = map(jnp.asarray, operands)
    _, got = jax.lax.scan(lambda n, x: (n, function(x, *more)), 0, jnp.stack([x, 2 * x]))
    np.testing.assert_array_equal(got[0], want)
    np.testing.assert_allclose(got[1], function(2 * x, *more), rtol=1e-12)


@each("vmap")
def test_vmap(call, x64):
    function, operands = bound(call)
    several = [np.stack([o, 2 * o, -o[::-1]], axis=1) for o in operands]

    def slope(x, *more):
        return jax.grad(lambda x: jnp.sin(function(x, *more)).sum())(x)

    ways = [(1,)] if len(operands) == 1 else [(1, None), (None, 1), (1, 1)]
    for in_axes in ways:
        given = [s if axis == 1 else o
                 for s, o, axis in zip(several, operands, in_axes, strict=True)]  # fmt: skip
        for f in (
            function,
            lambda *o: jax.grad(lambda x: jnp.sin(function(x, *o[1:])).sum())(o[0]),
        ):
            got = jax.vmap(f, in_axes, out_axes=1)(*given)
            for i in range(3):
                one = [g[:, i] if axis == 1 else g for g, axis in zip(given, in_axes, strict=True)]
                np.testing.assert_allclose(got[:, i], f(*one), rtol=1e-9, atol=1e-9)


@each("vmap", kinds=("conv", "conv_transpose", "local_conv", "tiled_conv"))
def test_gradients_for_each_example(call, x64):
    function, (x, *more) = bound(call)

    def loss(weight, x):
        return jnp.sin(function(x, weight)).sum()

    got = jax.vmap(jax.grad(loss), (None, 0))(more[0], x[:, None])
    want = [jax.grad(loss)(more[0], one) for one in x[:, None]]
    np.testing.assert_allclose(got, jnp.stack(want), rtol=1e-9, atol=1e-9)


# Beside JAX's own convolution


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("groups", [1, 2])
def test_lax(stride, dilation, groups, x64):
    x = rng.standard_normal((2, 4, 9, 9))
    w = rng.standard_normal((6, 4 // groups, 3, 3))

    def ours(x, w):
        return cj.conv2d(x, w, stride=stride, padding=1, dilation=dilation, groups=groups)

    def lax(x, w):
        return jax.lax.conv_general_dilated(
            x, w, (stride, stride), [(1, 1)] * 2, rhs_dilation=(dilation, dilation),
            feature_group_count=groups,
        )  # fmt: skip

    def first(f):
        return jax.grad(lambda *o: jnp.sin(f(*o)).sum(), (0, 1))

    def second(f):
        return jax.grad(lambda *o: sum((g**3).sum() for g in first(f)(*o)), (0, 1))

    np.testing.assert_allclose(ours(x, w), lax(x, w), rtol=1e-12, atol=1e-12)
    for of in first, second:
        for one, other in zip(of(ours)(x, w), of(lax)(x, w), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-8)
    for one, other in zip(jax.jit(jax.hessian(ours))(x[:1, :, :4, :4], w[:2, :, :2, :2]),
                          jax.hessian(lax)(x[:1, :, :4, :4], w[:2, :, :2, :2]),
                          strict=True) if (stride, groups) == (1, 1) else ():  # fmt: skip
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)


def test_linear_transpose(x64):
    y = cj.conv2d(X, W)
    (got,) = jax.linear_transpose(lambda x: cj.conv2d(x, W), X)(y)
    np.testing.assert_allclose(got, convcore.conv2d_backward(y, X, W)[0], rtol=1e-5, atol=1e-5)


def test_rematerialised_in_a_scan():
    def step(x, w):
        return jnp.tanh(cj.conv2d(x, w, padding=1)), None

    weights = jnp.asarray(rng.standard_normal((3, 4, 4, 3, 3)) / 6, jnp.float32)

    def loss(step):
        return lambda w: (jax.lax.scan(step, jnp.asarray(X), w)[0] ** 2).sum()

    plain = jax.jit(jax.grad(loss(step)))(weights)
    again = jax.jit(jax.grad(loss(jax.checkpoint(step))))(weights)
    np.testing.assert_allclose(plain, again, rtol=1e-5, atol=1e-6)


# Options


def test_bias():
    b = rng.standard_normal(6).astype(np.float32)
    for given in ((X, W, b), (X[0], W, b)):
        np.testing.assert_allclose(cj.conv2d(*given), convcore.conv2d(*given), rtol=1e-5, atol=1e-5)
    got = jax.grad(lambda b: (cj.conv2d(X, W, b) ** 2).sum())(b)
    y = convcore.conv2d(X, W, b)
    want = convcore.conv2d_backward(2 * y, X, W, b)[2]
    np.testing.assert_allclose(got, want, rtol=1e-4)
    for name, shape in (("local_conv2d", (3, 6, 6)), ("tiled_conv2d", (3, 2, 2))):
        w = rng.standard_normal((*shape, 4, 3, 3)).astype(np.float32)
        b = rng.standard_normal(shape).astype(np.float32)
        want = getattr(convcore, name)(X, w, b)
        np.testing.assert_allclose(getattr(cj, name)(X, w, b), want, rtol=1e-4, atol=1e-5)


FOLLOWS_X = {
    "conv2d": (W, np.ones(6, np.float32)),
    "conv_transpose2d": (W[:4, :3], np.ones(3, np.float32)),
    "tiled_conv2d": (np.ones((3, 2, 2, 4, 3, 3), np.float32), np.ones((3, 2, 2), np.float32)),
    "max_pool2d": (2,),
    "avg_pool2d": (2,),
    "lp_pool2d": (2,),
}


@pytest.mark.parametrize("name", FOLLOWS_X)
def test_channels_last_and_no_batch(name):
    x, more = X[0], FOLLOWS_X[name]
    options = {"return_indices": True} if name == "max_pool2d" else {}
    last = np.moveaxis(X, 1, -1)
    for given, layout in ((x, "NCHW"), (last, "NHWC"), (last[0], "NHWC")):
        got = getattr(cj, name)(given, *more, layout=layout, **options)
        want = getattr(convcore, name)(given, *more, layout=layout, **options)
        for one, other in zip(*map(jax.tree.leaves, (got, want)), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)

    def loss(x):
        y = getattr(cj, name)(x, *more, layout="NHWC", **options)
        return (jax.tree.leaves(y)[0] ** 2).sum()

    def first(x):
        y = getattr(cj, name)(x, *more, **options)
        return (jax.tree.leaves(y)[0] ** 2).sum()

    got, want = jax.grad(loss)(last), np.moveaxis(jax.grad(first)(X), 1, -1)
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)
    batches = jax.vmap(jax.grad(loss))(last[:, None])
    np.testing.assert_allclose(batches[:, 0], want, rtol=1e-4, atol=1e-4)


def test_indices():
    y, index = jax.jit(lambda x: cj.max_pool2d(x, 2, return_indices=True))(X)
    want, where = convcore.max_pool2d(X, 2, return_indices=True)
    np.testing.assert_array_equal(y, want)
    np.testing.assert_array_equal(index, where)
    assert index.dtype == np.int32
    grads = jax.grad(lambda x: cj.max_pool2d(x, 2, return_indices=True)[0].sum())(X)
    assert grads.sum() == y.size
    (_, index), _ = jax.jvp(lambda x: cj.adaptive_max_pool2d(x, 3, return_indices=True), (X,), (X,))
    want = convcore.adaptive_max_pool2d(X, 3, return_indices=True)[1]
    np.testing.assert_array_equal(index, want)


@pytest.mark.parametrize("algorithm", ["direct", "winograd", "fft"])
@pytest.mark.auto
def test_algorithms(algorithm):
    x = rng.standard_normal((1, 16, 40, 40)).astype(np.float32)
    w = rng.standard_normal((16, 16, 3, 3)).astype(np.float32)
    got = jax.jit(partial(cj.conv2d, algorithm=algorithm))(x, w)
    np.testing.assert_array_equal(got, convcore.conv2d(x, w, algorithm=algorithm))
    np.testing.assert_array_equal(jax.jit(cj.conv2d)(x, w), convcore.conv2d(x, w))


def test_separable_kernels():
    line = np.hanning(17).astype(np.float32)
    x, w = rng.standard_normal((1, 64, 64)).astype(np.float32), np.outer(line, line)[None, None]
    got = cj.conv2d(x, w, algorithm="separable")
    np.testing.assert_allclose(got, convcore.conv2d(x, w), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("threads", [1, 2])
def test_bits_do_not_depend_on_threads(threads):
    x = rng.standard_normal((4, 8, 32, 32)).astype(np.float32)
    w = rng.standard_normal((16, 8, 3, 3)).astype(np.float32)

    def all_(threads):
        y, back = jax.vjp(lambda *o: cj.conv2d(*o, padding=1, threads=threads), x, w)
        return y, *back(y)

    for one, other in zip(all_(threads), all_(None), strict=True):
        np.testing.assert_array_equal(one, other)


# Number types


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_16_bits(dtype):
    x, w = jnp.asarray(X, dtype), jnp.asarray(W, dtype)
    y = cj.conv2d(x, w)
    assert y.dtype == dtype
    want = convcore.conv2d(np.asarray(x, np.float32), np.asarray(w, np.float32))
    np.testing.assert_array_equal(y, jnp.asarray(want).astype(dtype))
    assert jax.grad(lambda x: cj.conv2d(x, w).sum())(x).dtype == dtype
    for name in "max_pool2d", "avg_pool2d", "l2_pool2d":
        assert getattr(cj, name)(x, 2).dtype == dtype


def test_integers():
    x, w = X.astype(np.int8), W.astype(np.int8)
    assert cj.conv2d(x, w).dtype == np.float32
    np.testing.assert_array_equal(cj.conv2d(x, w), convcore.conv2d(x, w))
    assert cj.avg_pool2d(x, 2).dtype == np.float32
    for dtype in np.int8, np.uint16, np.int32, np.bool_:
        got = cj.max_pool2d(X.astype(dtype), 2)
        assert got.dtype == dtype
        np.testing.assert_array_equal(got, convcore.max_pool2d(X.astype(dtype), 2))


def test_lists_and_mixed_types():
    np.testing.assert_array_equal(cj.conv1d([[1, 2, 4, 8]], [[[-1, 1]]]), [[1, 2, 4]])
    assert cj.conv2d(jnp.asarray(X, "bfloat16"), W).dtype == np.float32


def test_nan_and_infinity():
    x = X.copy()
    x[0, 0, 3, 3], x[1, 1, 2, 2] = np.nan, np.inf
    for name, more in (
        ("conv2d", (W,)),
        ("max_pool2d", (2,)),
        ("avg_pool2d", (2,)),
        ("l2_pool2d", (2,)),
    ):
        got, want = getattr(cj, name)(x, *more), getattr(convcore, name)(x, *more)
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)
    w = W.copy()
    w[0, 0, 0, 0] = np.inf
    grad = np.ones((2, 6, 4, 4), np.float32)
    _, back = jax.vjp(lambda x: cj.conv2d(x, w, stride=2, padding=1), X)
    want = convcore.conv2d_backward(grad, X, w, stride=2, padding=1)[0]
    np.testing.assert_allclose(back(grad)[0], want, rtol=1e-5, atol=1e-5)


def test_norms_far_from_one():
    x = np.array([[[1e30, 1e30, 1e-30, 2e-30, 0, 0]]], np.float32)
    got = jax.grad(lambda x: cj.lp_pool1d(x, 2, p=3).sum())(x)
    want = convcore.lp_pool1d_backward(np.ones((1, 1, 3)), x, 2, p=3)
    np.testing.assert_allclose(got, want, rtol=1e-5)


# Edges


def test_empty():
    assert cj.conv2d(X[:0], W).shape == (0, 6, 6, 6)
    assert jax.grad(lambda w: cj.conv2d(X[:0], w).sum())(W).shape == W.shape
    assert cj.max_pool2d(X[:0], 2).shape == (0, 4, 4, 4)
    assert jax.grad(lambda x: cj.avg_pool2d(x, 2).sum())(X[:0]).shape == (0, 4, 8, 8)
    for name in "max_pool2d", "l2_pool2d", "avg_pool2d":
        pool = partial(getattr(cj, name), kernel_size=2)
        assert jax.grad(lambda x, pool=pool: pool(x).sum())(X[:0]).shape == (0, 4, 8, 8)
        assert jax.jvp(pool, (X[:0],), (X[:0],))[1].shape == (0, 4, 4, 4)
    y = cj.conv2d(X[:, :0], np.ones((3, 0, 3, 3), np.float32), [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(y[0, :, 0, 0], [1, 2, 3])


def test_vmap_over_nothing():
    none = X[:0, None]

    def loss(x):
        return cj.l2_pool2d(cj.max_pool2d(cj.conv2d(x, W), 2), 2).sum()

    assert jax.vmap(lambda x: cj.conv2d(x, W))(none).shape == (0, 1, 6, 6, 6)
    assert jax.vmap(lambda x: cj.max_pool2d(x, 2, return_indices=True))(none)[1].shape[0] == 0
    assert jax.vmap(jax.grad(loss))(none).shape == none.shape
    assert jax.vmap(lambda x: jax.jvp(loss, (x,), (x,))[1])(none).shape == (0,)


def test_operands_are_not_written_to():
    x, w = jnp.asarray(X), jnp.asarray(W)
    jax.grad(lambda *o: cj.conv2d(*o, padding=1).sum(), (0, 1))(x, w)
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(w, W)


def test_many_calls_at_once():
    from concurrent.futures import ThreadPoolExecutor

    function = jax.jit(lambda x: cj.max_pool2d(cj.conv2d(x, W, padding=1), 2).sum())
    want = function(X)
    with ThreadPoolExecutor(8) as pool:
        assert set(map(float, pool.map(function, [X] * 64))) == {float(want)}


def test_without_jit():
    def loss(x):
        y = cj.lp_pool2d(cj.max_pool2d(cj.conv2d(x, W), 2), 2, p=3)
        return cj.avg_pool2d(y, 1).sum()

    want = jax.value_and_grad(loss)(X)
    with jax.disable_jit():
        got = jax.value_and_grad(loss)(X)
    for one, other in zip(got, want, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


# Names


def test_functions_look_like_their_twins():
    assert len(cj.__all__) == 33
    for name in cj.__all__:
        function = getattr(cj, name)
        assert function.__name__ == function.__qualname__ == name
        assert function.__module__ == "convcore.jax"
        own = inspect.signature(function).parameters
        twin = inspect.signature(getattr(convcore, name)).parameters
        assert list(own) == [each for each in twin if each in own]
        assert all(own[each].default == twin[each].default for each in own)
        assert set(twin) - set(own) <= {"mask", "nan", "fill", "return_weight", "normalize", "out"}
        assert "normalize" in own or "weighted" not in name
    with pytest.raises(AttributeError, match=r"'convcore\.jax' has no attribute 'nonsense'"):
        cj.nonsense  # noqa: B018
