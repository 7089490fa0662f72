"""Norms and means of a window depend on this one window: not on what is beside it, nor on how its
call is carried out. And powers, which the kernels compute themselves, are right to the last place.
"""

import json
import sys
from decimal import Decimal, getcontext

import numpy as np
import pytest

import convcore
from convcore import reference
from tests.support.helpers import at_level, bits
from tests.support.sweeps import every_level

DTYPES = (np.float32, np.float64)
POWERS = (1, 1.5, 2, 2.5, 3, 7.25, 40)
every_type = pytest.mark.parametrize("dtype", DTYPES)


def uneven(dtype, shape=(3, 5, 21, 38)):
    """Numbers of all sizes beside each other: many windows' powers vanish or overflow."""
    rng = np.random.default_rng(7)
    x = rng.standard_normal(shape)
    info = np.finfo(dtype)
    sizes = rng.choice(
        [1, 1, 1, 1e-20, 1e-30, 1e20, float(info.tiny), float(info.max) / 8, 0.0], shape
    )
    x = (x * sizes).astype(dtype)
    x[0, 0, 3, 4], x[-1, 1, 7, 7], x[-1, -1, 9, 30] = np.nan, np.inf, -0.0
    return x


@every_type
@pytest.mark.parametrize("p", [*POWERS, np.inf])
@pytest.mark.parametrize(("kernel", "stride"), [(2, 2), (3, 1), (3, 2), (5, 3), (13, 1)])
def test_a_norm_depends_on_its_window_alone(kernel, stride, p, dtype):
    # Each window again, with plain numbers in all other cells.
    x = uneven(dtype, (1, 2, 21, 38))
    plain = np.random.default_rng(8).standard_normal(x.shape).astype(dtype)
    with np.errstate(over="ignore"):
        y = convcore.lp_pool2d(x, kernel, stride, p=p)
        for place in np.ndindex(y.shape):
            n, c, r, s = place
            cells = (
                n,
                c,
                slice(stride * r, stride * r + kernel),
                slice(stride * s, stride * s + kernel),
            )
            other = plain.copy()
            other[cells] = x[cells]
            again = convcore.lp_pool2d(other, kernel, stride, p=p)
            assert again[place].tobytes() == y[place].tobytes(), place


def results(dtype):
    """Bits of many poolings of uneven numbers: in a batch, by image, and with channels last."""
    x = uneven(dtype)
    last = np.ascontiguousarray(np.moveaxis(x, 1, -1))
    found = {}
    for kernel, stride, pad in [(2, 2, 0), (3, 1, 1), (3, 2, 1), (5, 3, 2), (13, 1, 6), (7, 7, 3)]:
        options = {"stride": stride, "padding": pad}
        calls = {f"lp {p}": ("lp_pool2d", {"p": p}) for p in (*POWERS, np.inf)}
        calls |= {"mean": ("avg_pool2d", {}), "all": ("avg_pool2d", {"count_include_pad": True})}
        for name, (op, more) in calls.items():
            pool = getattr(convcore, op)
            y = pool(x, kernel, **options, **more)
            each = np.stack([pool(image, kernel, **options, **more) for image in x])
            other = np.moveaxis(pool(last, kernel, layout="NHWC", **options, **more), -1, 1)
            found[f"{name} {kernel} {stride}"] = [
                bits(np.nan_to_num(a, nan=-1.0)) for a in (y, each, other)
            ]
    return found


def print_results():
    print(json.dumps([results(dtype) for dtype in DTYPES]))


@every_level
def test_bits_depend_neither_on_batch_nor_layout_nor_level(level, run_python):
    answers = {}
    theirs = at_level(
        level,
        answers,
        run_python,
        "from tests.kernels import test_pool_norm_bits as t\n"
        "import numpy as np\nwith np.errstate(all='ignore'): t.print_results()",
    )
    with np.errstate(all="ignore"):
        ours = [results(dtype) for dtype in DTYPES]
    for mine, other in zip(ours, theirs, strict=True):
        for name, digests in mine.items():
            assert len(set(digests)) == 1, name
            assert other[name] == digests, name


@every_type
def test_zeros_have_no_sign(dtype):
    # A sum starts at 0, and a size has no sign: whatever the way, -0.0 gives 0.0.
    rng = np.random.default_rng(3)
    x = np.where(rng.random((2, 5, 20, 37)) < 0.7, -0.0, 0.0).astype(dtype)
    for layout, array in (("NCHW", x), ("NHWC", np.ascontiguousarray(np.moveaxis(x, 1, -1)))):
        for kernel in (1, 2, 3, 5, 13):
            for stride in (1, 2, kernel):
                options = {"stride": stride, "padding": kernel // 2, "layout": layout}
                poolings = [
                    convcore.avg_pool2d(array, kernel, **options),
                    convcore.avg_pool2d_backward(
                        convcore.avg_pool2d(array, kernel, **options) * -1, array, kernel, **options
                    ),
                ]
                poolings += [
                    convcore.lp_pool2d(array, kernel, p=p, **options)
                    for p in (1, 1.5, 2, 3, np.inf)
                ]
                for y in poolings:
                    assert not y.any()
                    assert not np.signbit(y).any(), (layout, kernel, stride)


# Powers, against decimal numbers of 60 digits.


def exact_norm(window, p):
    getcontext().prec = 60
    p = Decimal(p)
    return sum(abs(Decimal(float(v))) ** p for v in window) ** (1 / p)


@pytest.mark.parametrize("p", [1.25, 1.5, 2.5, 3, 7, 17, 33.5, 1000, 1e6])
def test_norms_are_right_to_a_few_last_places(p):
    rng = np.random.default_rng(int(p))
    x = rng.standard_normal((1, 300)) * np.exp(rng.uniform(-2, 2, (1, 300)))
    y = convcore.lp_pool1d(x, 3, p=p)[0]
    want = np.array([float(exact_norm(window, p)) for window in x.reshape(-1, 3)])
    assert (abs(y - want) <= 4 * np.spacing(want)).all()
    narrow = convcore.lp_pool1d(x.astype(np.float32), 3, p=p)[0]
    assert (abs(narrow - want) <= 4 * np.spacing(want.astype(np.float32))).all()


def test_powers_that_are_numbers_are_exact():
    roots = np.arange(1.0, 200)
    for p in (3, 5, 7):
        for dtype in DTYPES:
            assert (convcore.lp_pool1d(roots[None].astype(dtype), 1, p=p)[0] == roots).all()
    assert convcore.lp_pool1d([[3.0, 4.0, 5.0]], 3, p=3).item() == 6  # 27 + 64 + 125 = 216


@pytest.mark.parametrize("p", [1.5, 3, 40, 1e3, 1e6, 2**26])
def test_gradients_of_norms_are_right_for_large_powers(p):
    # Cells nearly as large as the largest, whose shares a large power tells apart.
    rng = np.random.default_rng(11)
    x = (1 + rng.uniform(-3, 3, (1, 300)) / p).astype(np.float32)
    got = convcore.lp_pool1d_backward(np.ones((1, 100), np.float32), x, 3, p=p)[0]
    getcontext().prec = 60
    want = [
        float(np.sign(v))
        * float((abs(Decimal(float(v))) / exact_norm(window, p)) ** (Decimal(p) - 1))
        for window in x.reshape(-1, 3)
        for v in window
    ]
    np.testing.assert_allclose(got, want, rtol=1e-6)


@pytest.mark.parametrize("where", [convcore, reference])
@pytest.mark.parametrize("p", [1e3, 1e6, 2**26, 2**26 + 1, 1e12, 1e17, sys.float_info.max])
def test_the_largest_power_of_a_gradient(where, p):
    x, grad = np.ones((1, 3)), np.ones((1, 1))
    assert where.lp_pool1d(x, 3, p=p).item() == pytest.approx(3 ** (1 / p), rel=2**-50)
    if p > 2**26:
        with pytest.raises(ValueError, match=r"p must be at most 2\*\*26 or infinity, got"):
            where.lp_pool1d_backward(grad, x, 3, p=p)
        return
    share = 3.0 ** ((1 - p) / p)
    assert where.lp_pool1d_backward(grad, x, 3, p=p)[0] == pytest.approx(share, rel=p * 2**-52)


def test_windows_far_apart_take_no_longer_than_their_cells(run_python):
    # Where each output copied all cells between its own, this took hours.
    code = """
import numpy as np, convcore
n = 3_000_000
x = np.arange(n, dtype="f4").reshape(1, n)
for d in (n // 3, n // 2):
    options = {"stride": 1, "padding": d, "dilation": d}
    y = convcore.max_pool1d(x, 3, **options)[0]
    assert (y[:-d] == x[0, d:]).all() and (y[-d:] == x[0, -d:]).all()
    convcore.avg_pool1d(x, 3, **options)
    convcore.l2_pool1d(x, 3, **options)
    tall = x.reshape(1, 2, n // 2)
    e = n // 5
    convcore.max_pool2d(tall, (2, 3), stride=1, padding=(0, e), dilation=(1, e))
    convcore.avg_pool2d_backward(np.ones((1, 1, n // 2)), tall, (2, 3), stride=1, padding=(0, e),
                                 dilation=(1, e))
print("done")
"""
    assert run_python(code, timeout=100).stdout == "done\n"
