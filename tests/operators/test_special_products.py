"""Infinities and NaN meet only the numbers that there are: padding, and pairs of channels that a
table leaves out, are multiplied with nothing.
"""

import numpy as np
import pytest

import convcore
from convcore import connections, reference

SPECIAL = (np.inf, -np.inf, np.nan)


def same(got, want):
    np.testing.assert_array_equal(got, want)  # NaN in the same places


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("special", SPECIAL)
@pytest.mark.parametrize("sizes", [(6, 3), (3, 6), (1, 5), (5, 1), (4, 4)])
@pytest.mark.parametrize("operator", ["convolve", "correlate"])
def test_signals(operator, sizes, special, mode):
    # NumPy's are sums over the pairs that there are; its "same" has the longer one's size.
    rng = np.random.default_rng(1)
    x, w = (rng.integers(1, 5, n).astype(float) for n in sizes)
    for array in (x, w):
        for place in range(array.size):
            before, array[place] = array[place], special
            with np.errstate(invalid="ignore"):
                full = np.convolve(x, w if operator == "convolve" else w[::-1])
            first, size = {
                "full": (0, full.size),
                "same": ((w.size - 1) // 2, x.size),
                "valid": (min(sizes) - 1, abs(x.size - w.size) + 1),
            }[mode]
            same(getattr(convcore, operator)(x, w, mode), full[first : first + size])
            array[place] = before


def test_signals_of_more_dimensions():
    rng = np.random.default_rng(2)
    for shape, other in [((4, 5), (2, 3)), ((2, 6), (3, 2)), ((2, 3, 4), (3, 1, 2))]:
        x, w = rng.integers(1, 5, shape).astype(float), rng.integers(1, 5, other).astype(float)
        w.flat[1] = np.inf
        for mode in ("full", "same"):
            for operator in ("convolve", "correlate"):
                same(
                    getattr(convcore, operator)(x, w, mode),
                    getattr(reference, operator)(x, w, mode),
                )


@pytest.mark.parametrize("special", SPECIAL)
@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("border", ["zeros", "reflect"])
def test_gradients_with_a_table(border, layout, special):
    rng = np.random.default_rng(3)
    table = connections.lenet5_c3()[:5]
    x, weight = rng.integers(-3, 4, (2, 6, 7, 8)), rng.integers(-3, 4, (5, 6, 3, 2)).astype(float)
    weight[rng.random(weight.shape) < 0.1] = special
    grad = rng.integers(1, 4, (2, 5, 7, 9)).astype(float)
    grad[1, 2, 3, 4] = special
    options = {"padding": 1, "connections": table, "border": border, "layout": layout}
    if layout == "NHWC":
        x, grad = x.transpose(0, 2, 3, 1), grad.transpose(0, 2, 3, 1)
    got = convcore.conv2d_backward(grad, x, weight, needs=(True, False, False), **options)
    want = reference.conv2d_backward(grad, x, weight, needs=(True, False, False), **options)
    same(got[0], want[0])


@pytest.mark.parametrize("special", SPECIAL)
def test_windows_of_zeros_send_back_zeros(special):
    for p in (1.5, 2, 3, np.inf):
        dx = convcore.lp_pool1d_backward([[special, 1.0]], [[0.0, 0.0, 1.0, -2.0]], 2, p=p)
        assert (dx[0, :2] == 0).all()
        assert np.isfinite(dx).all()


# A kernel of many taps, of which few meet the input: as many products as pairs, or a little more.


def test_long_kernels_on_short_inputs(run_python):
    code = """
import numpy as np, convcore
one, many = np.ones(3, "f4"), np.ones(2**21, "f4")
for operator in (convcore.convolve, convcore.correlate):
    for mode in ("full", "valid"):
        assert operator(one, many, mode).shape == operator(many, one, mode).shape
    assert operator(one, many, "same").shape == (3,)
x = np.ones((2, 1), "f4")
assert (convcore.lp_pool1d_backward(x, x, 2**31, padding="same_lower", p=3) == 1).all()
assert (convcore.l2_pool1d_backward(x, x, 2**31, padding="same_lower") == 1).all()
print("done")
"""
    assert run_python(code, timeout=100).stdout == "done\n"


def test_memory_that_there_is_not_is_told_by_the_operation():
    huge = np.lib.stride_tricks.as_strided(np.zeros(1, np.float32), (1, 2**44), (0, 0))
    for name, arguments in {
        "weighted_pool1d": (huge, [4.0]),
        "weighted_pool1d_backward": (np.ones((1, 2)), huge, [4.0], 2**43),
        "conv_transpose1d_backward": (
            np.ones((1, 1)),
            np.ones((1, 1)),
            huge[None],
            None,
            1,
            "same",
        ),
        "conv_transpose1d": (np.ones((1, 1), np.float32), huge[None], None, 1, "same"),
        "conv1d": (huge, np.ones((1, 1, 1))),
        "conv1d_backward": (huge, huge, np.ones((1, 1, 1))),
        "avg_pool1d": (huge, 1),
    }.items():
        with pytest.raises(MemoryError, match=f"^{name}: .*shape"):
            getattr(convcore, name)(*arguments)
