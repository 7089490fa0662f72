"""What convcore.jax refuses: every error names the function and the argument."""

import numpy as np
import pytest

jax = pytest.importorskip("jax")

import convcore.jax as cj  # noqa: E402

rng = np.random.default_rng(0)
X = rng.standard_normal((2, 4, 8, 8)).astype(np.float32)
W = rng.standard_normal((6, 4, 3, 3)).astype(np.float32)


ERRORS = [
    (ValueError, "jax.conv2d: stride must be at least 1, got 0", lambda: cj.conv2d(X, W, stride=0)),
    (
        ValueError,
        "jax.max_pool2d: stride must be at least 1",
        lambda: cj.max_pool2d(X, 2, stride=0),
    ),
    (ValueError, "jax.conv2d: groups must be at least 1", lambda: cj.conv2d(X, W, groups=0)),
    (ValueError, "jax.conv2d: groups must divide", lambda: cj.conv2d(X, W, groups=3)),
    (ValueError, "jax.conv2d: weight must have 4 input", lambda: cj.conv2d(X, W[:, :2])),
    (ValueError, "jax.conv2d: weight must have 4 axes", lambda: cj.conv2d(X, W[0])),
    (ValueError, "jax.conv2d: bias must have shape", lambda: cj.conv2d(X, W, np.ones(5))),
    (ValueError, "jax.conv2d: padding must", lambda: cj.conv2d(X, W, padding=-1)),
    (ValueError, "jax.conv2d: padding must", lambda: cj.conv2d(X, W, padding=())),
    (ValueError, "jax.conv2d: ", lambda: cj.conv2d(X, np.ones((1, 4, 9, 9)))),
    (ValueError, "jax.conv2d: ", lambda: cj.conv2d(X, W, dilation=2**62)),
    (ValueError, "jax.conv2d: ", lambda: cj.conv2d(X, W, padding=2**60)),
    (ValueError, "jax.conv2d: algorithm must", lambda: cj.conv2d(X, W, algorithm="fast")),
    (
        ValueError,
        "jax.conv2d: algorithm must",
        lambda: cj.conv2d(X, W, stride=2, algorithm="winograd"),
    ),
    (ValueError, "jax.conv2d: layout must", lambda: cj.conv2d(X, W, layout="HW")),
    (ValueError, "jax.conv2d: threads must", lambda: cj.conv2d(X, W, threads=0)),
    (TypeError, "jax.conv2d: flip must", lambda: cj.conv2d(X, W, flip=1)),
    (ValueError, "jax.conv2d: border must", lambda: cj.conv2d(X, W, border="mirror")),
    (
        ValueError,
        "jax.conv_transpose2d: output_padding must",
        lambda: cj.conv_transpose2d(X, W[:4], output_padding=1),
    ),
    (ValueError, "jax.max_pool2d: kernel_size must", lambda: cj.max_pool2d(X, 0)),
    (ValueError, "jax.max_pool2d: ", lambda: cj.max_pool2d(X, 9)),
    (ValueError, "jax.max_pool2d: .*padding", lambda: cj.max_pool2d(X, 2, stride=1, padding=2)),
    (
        TypeError,
        "jax.max_pool2d: return_indices must",
        lambda: cj.max_pool2d(X, 2, return_indices=1),
    ),
    (ValueError, "jax.lp_pool2d: p must be at least 1", lambda: cj.lp_pool2d(X, 2, p=0)),
    (ValueError, "jax.lp_pool2d: p must be at least 1", lambda: cj.lp_pool2d(X, 2, p=float("nan"))),
    (ValueError, "jax.adaptive_avg_pool2d: output_size must", lambda: cj.adaptive_avg_pool2d(X, 0)),
    (ValueError, "jax.weighted_pool2d: window must", lambda: cj.weighted_pool2d(X, [1.0])),
    (
        ValueError,
        "weighted_pool2d: weights of window",
        lambda: cj.weighted_pool2d(X, np.zeros((2, 2))),
    ),
    (TypeError, "jax.conv2d: x must have dtype", lambda: cj.conv2d(X + 1j, W)),
    (TypeError, "jax.conv2d: x must", lambda: cj.conv2d(np.array(["a"]), W)),
    (TypeError, "jax.conv2d: x must be an array, got None", lambda: cj.conv2d(None, W)),
    (TypeError, "jax.conv2d: .*weight", lambda: cj.conv2d(X)),
    (TypeError, "jax.conv2d: .*mask", lambda: cj.conv2d(X, W, mask=X > 0)),
    (TypeError, "jax.conv2d: .*out", lambda: cj.conv2d(X, W, out=X)),
]


@pytest.mark.parametrize(("error", "match", "call"), ERRORS, ids=range(len(ERRORS)))
def test_errors(error, match, call):
    with pytest.raises(error, match=f"^{match}"):
        call()


def test_planes_that_int32_cannot_index():
    x = jax.ShapeDtypeStruct((1, 2**16, 2**16), np.float32)
    with pytest.raises(ValueError, match=r"jax\.max_pool2d: x must have at most 2147483647 cells"):
        jax.eval_shape(lambda x: cj.max_pool2d(x, 2, return_indices=True), x)
    with pytest.raises(ValueError, match=r"jax\.max_pool2d: x must have at most 2147483647 cells"):
        jax.eval_shape(jax.grad(lambda x: cj.max_pool2d(x, 2).sum()), x)
    assert jax.eval_shape(lambda x: cj.max_pool2d(x, 2), x).shape == (1, 2**15, 2**15)


def test_keys_of_random_numbers():
    with pytest.raises(TypeError, match=r"jax\.conv2d: x must have dtype .*, got key"):
        cj.conv2d(jax.random.key(0), W)


def test_options_that_are_traced():
    for name, value in (("stride", 1), ("groups", 1), ("padding", 1)):
        with pytest.raises(TypeError, match=f"jax.conv2d: {name} must"):
            jax.jit(lambda v, name=name: cj.conv2d(X, W, **{name: v}))(value)
    with pytest.raises(TypeError, match=r"jax\.weighted_pool2d: window must be known"):
        jax.grad(lambda w: cj.weighted_pool2d(X, w).sum())(np.ones((2, 2)))
    with pytest.raises(TypeError, match=r"jax\.conv2d: connections must be known"):
        jax.jit(lambda c: cj.conv2d(X, W, connections=c))(np.ones((6, 4), bool))


def test_other_devices():
    for function, name in (
        (lambda x: cj.conv2d(x, W), "conv2d"),
        (lambda x: cj.max_pool2d(x, 2), "max_pool2d"),
    ):
        traced = jax.jit(function).trace(X)
        with pytest.raises(ValueError, match=f"jax.{name}: x must be on a CPU, got .* cuda"):
            traced.lower(lowering_platforms=("cuda",))


def test_sizes_without_a_number():
    shape = jax.export.symbolic_shape("n, 4, 8, 8")
    with pytest.raises(TypeError, match=r"jax.conv2d: x must have a shape that is known, got \(n,"):
        jax.export.export(jax.jit(lambda x: cj.conv2d(x, W)))(jax.ShapeDtypeStruct(shape, "f4"))
