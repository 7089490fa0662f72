"""The gradients of pooling: against finite differences, the oracle, and as adjoints, with `==`."""

from itertools import product

import numpy as np
import pytest

import convcore
from convcore import reference
from tests.support import pool_oracle
from tests.support.borders import without_numbers
from tests.support.helpers import bits
from tests.support.pool_oracle import backward_fault, fault
from tests.support.sweeps import each
from tests.tables.pool_cases import (
    LARGE,
    LAYOUTS,
    POOLINGS,
    Pooling,
    integer_x,
    positive_grad,
    random_x,
)

DTYPES = (np.float32, np.float64)
MAXIMA = [case for case in POOLINGS if case.is_max]


# Finite differences, in float64.

KINDS = [
    ("max", {}),
    ("avg", {}),
    ("avg", {"count_include_pad": True}),
    ("l2", {}),
    *(("lp", {"p": p}) for p in (1, 1.5, 2, 3, 4, np.inf)),
    ("weighted", {}),
    ("weighted", {"normalize": False}),
]
GEOMETRIES = [
    ((2, 2, 11), (3,), {"stride": 2, "padding": 1, "ceil_mode": True}),
    ((1, 2, 30), (13,), {"stride": 1, "padding": "same"}),
    ((2, 12, 3), (3,), {"stride": 1, "dilation": 2, "layout": "NWC"}),
    ((1, 2, 6, 7), (2, 3), {"stride": (2, 1), "padding": ((0, 1), (2, 0))}),
    ((5, 6, 3), (3, 2), {"stride": 2, "dilation": (1, 2), "layout": "NHWC"}),
    ((1, 1, 21, 4), (11, 2), {"stride": 1}),
    ((1, 2, 4, 4, 5), (2, 2, 3), {"stride": (1, 2, 2), "ceil_mode": True}),
    ((1, 3, 4, 5, 2), (3, 2, 2), {"stride": 1, "padding": 1, "layout": "NDHWC"}),
]
ADAPTIVE = [
    ((2, 2, 11), 4, {}),
    ((2, 5, 3), 7, {"layout": "NWC"}),
    ((1, 2, 6, 7), (4, 3), {}),
    ((5, 6, 3), 1, {"layout": "NHWC"}),
    ((1, 1, 4, 5, 6), (3, None, 4), {}),
]


def small_cases():
    for (x, kernel, options), (kind, more) in product(GEOMETRIES, KINDS):
        key = "window" if kind == "weighted" else "kernel_size"
        op = f"{kind}_pool{len(kernel)}d"
        words = ["small", op, *map(str, (x, *options.values(), *more.values()))]
        yield Pooling(" ".join(words), op, x, {key: kernel, **options, **more})
    for (x, size, options), kind in product(ADAPTIVE, ("max", "avg")):
        op = f"adaptive_{kind}_pool{len(x) - 2 + (len(x) == 3 and 'NHWC' in options.values())}d"
        yield Pooling(f"small {op} {x} {size}", op, x, {"output_size": size, **options})


SMALL = list(small_cases())


def distinct(case):
    """Numbers of both signs whose sizes are 0.01 apart, so that no step moves a maximum."""
    rng = np.random.default_rng(len(case.name))
    count = int(np.prod(case.x))
    sizes = 0.3 + 0.01 * rng.permutation(count)
    return (sizes * rng.choice([-1, 1], count)).reshape(case.x)


@pytest.mark.parametrize("case", SMALL, ids=str)
def test_finite_differences(case):
    x = distinct(case)
    grad = np.random.default_rng(1).standard_normal(case.call(convcore, x).shape)
    got = case.back(convcore, grad, x)
    assert (got.shape, got.dtype) == (x.shape, x.dtype)
    step = 1e-6
    for place in np.ndindex(x.shape):
        ahead, behind = x.copy(), x.copy()
        ahead[place] += step
        behind[place] -= step
        slope = ((case.call(convcore, ahead) - case.call(convcore, behind)) * grad).sum()
        assert got[place] == pytest.approx(slope / (2 * step), abs=1e-6), place


# The oracle.


@each(POOLINGS, quick=True)
def test_equals_reference(case):
    for dtype in DTYPES:
        x = integer_x(case, dtype)
        grad = positive_grad(case, pool_oracle.forward(case)[0].shape, dtype)
        assert backward_fault(case, case.back(convcore, grad, x), dtype) is None
    if case.is_max:
        index = pool_oracle.forward(case)[1]
        given = case.back(convcore, grad, x, indices=index)
        assert backward_fault(case, given, dtype) is None


@each([*POOLINGS[: -len(LARGE) : 4], *LARGE])
def test_bits_do_not_depend_on_threads(case):
    for dtype in DTYPES:
        x = random_x(case, dtype)
        grad = case.call(convcore, x) * np.array(1 / 3, dtype)
        one = bits(case.back(convcore, grad, x, threads=1))
        for threads in (2, 3, 7):
            assert bits(case.back(convcore, grad, x, threads=threads)) == one, (dtype, threads)


@each([case for case in POOLINGS if not case.last][::3])
def test_bits_do_not_depend_on_the_layout(case):
    x = random_x(case)
    grad = case.call(convcore, x)
    channels = -1 - case.axes
    there = [np.ascontiguousarray(np.moveaxis(a, channels, -1)) for a in (grad, x)]
    last = case.back(convcore, *there, layout=LAYOUTS[case.axes][1])
    assert np.moveaxis(last, -1, channels).tobytes() == case.back(convcore, grad, x).tobytes()


@pytest.mark.parametrize(
    "dtypes",
    [
        ("float16", "float16"),
        ("float32", "float16"),
        ("float16", "float64"),
        ("float32", "int8"),
        ("int64", "float32"),
        ("bool", "bool"),
        ("uint8", "int64"),
        ("float16", "int16"),
        ("float64", "float32"),
        ("float32", "uint64"),
    ],
    ids=str,
)
@each(SMALL[::5])
def test_dtypes(case, dtypes):
    x = np.abs(integer_x(case)).astype(dtypes[1])
    grad = np.ones(case.call(reference, x).shape, dtypes[0])
    floats = all(np.dtype(dtype).kind == "f" for dtype in dtypes)
    want = case.back(reference, grad, x)
    got = case.back(convcore, grad, x)
    assert got.dtype == np.result_type(*dtypes, *() if floats else ("float32",))
    assert fault(got, want, pool_oracle.backward_tolerance(case)) is None


# Adjoints: <A x, y> == <x, A^T y>, with integers, and divisors that are powers of two.

LINEAR = [
    ("avg", (2, 3, 32), (4,), {"stride": 1}),
    ("avg", (2, 3, 64), (16,), {"stride": 1}),
    ("avg", (2, 3, 33), (8,), {"stride": 3, "padding": 4, "count_include_pad": True}),
    ("avg", (2, 31, 17), (2,), {"stride": 1, "dilation": 3, "layout": "NWC"}),
    ("avg", (2, 3, 12, 17), (2, 4), {"stride": (1, 3)}),
    ("avg", (2, 3, 40, 41), (16, 32), {"stride": 1, "padding": 7, "count_include_pad": True}),
    ("avg", (1, 10, 11, 33), (4, 2), {"stride": 1, "dilation": 2, "layout": "NHWC"}),
    ("avg", (1, 2, 6, 7, 8), (2, 2, 4), {"stride": (2, 1, 1)}),
    (
        "avg",
        (1, 6, 7, 8, 2),
        (2, 1, 2),
        {"padding": (1, 0, 1), "count_include_pad": True, "layout": "NDHWC"},
    ),
    ("weighted", (2, 3, 40), (5,), {"stride": 2, "padding": "same", "ceil_mode": True}),
    ("weighted", (2, 3, 60), (25,), {"stride": 1, "padding": "full"}),
    ("weighted", (2, 3, 12, 17), (3, 4), {"stride": (2, 1), "padding": ((2, 0), (1, 3))}),
    ("weighted", (1, 12, 17, 9), (3, 3), {"stride": 2, "dilation": (2, 1), "layout": "NHWC"}),
    ("weighted", (1, 2, 6, 7, 8), (2, 3, 3), {"stride": (1, 2, 3), "ceil_mode": True}),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("kind", "x", "kernel", "options"), LINEAR)
def test_adjoint_identity(kind, x, kernel, options, dtype):
    key = "window" if kind == "weighted" else "kernel_size"
    more = {"normalize": False} if kind == "weighted" else {}
    case = Pooling(
        f"{kind}{x}{kernel}", f"{kind}_pool{len(kernel)}d", x, {key: kernel, **options, **more}
    )
    v = integer_x(case, dtype)
    z = case.call(convcore, v)
    y = np.random.default_rng(2).integers(-9, 10, z.shape).astype(dtype)
    there = np.vdot(z.astype(np.float64), y.astype(np.float64))
    back = np.vdot(v.astype(np.float64), case.back(convcore, y, v).astype(np.float64))
    assert there == back


@pytest.mark.parametrize(("n", "m"), [(16, 8), (16, 4), (4, 8), (3, 6), (5, 20), (64, 1), (6, 4)])
def test_adjoint_identity_of_adaptive(n, m):
    # windows of 1, 2, 4, 16 or 64 cells
    rng = np.random.default_rng(3)
    for nd in (1, 2):
        v = rng.integers(-9, 10, (2, 3) + (n,) * nd).astype(float)
        y = rng.integers(-9, 10, (2, 3) + (m,) * nd).astype(float)
        z = getattr(convcore, f"adaptive_avg_pool{nd}d")(v, m)
        back = getattr(convcore, f"adaptive_avg_pool{nd}d_backward")(y, v, m)
        assert np.vdot(z, y) == np.vdot(v, back)


@pytest.mark.parametrize("case", [case for case in MAXIMA if 0 not in case.x][::4], ids=str)
def test_maxima_send_back_all_they_get(case):
    # Nothing is lost or counted twice, whatever the ties; and where no maximum is, nothing goes.
    x = integer_x(case, np.float64)
    values, index = case.call(convcore, x, return_indices=True)
    grad = positive_grad(case, values.shape, np.float64)
    got = case.back(convcore, grad, x)
    grad = np.where(index < 0, 0, grad)  # a constant in the padding keeps what it gets
    assert got.sum() == grad.sum()
    assert np.vdot(got, x) == np.vdot(grad, values)
    if len(x) == 1 and x.shape[1] == 1:
        assert set(np.flatnonzero(got)) == set(index.ravel().tolist()) - {-1}


# Indices that are given.


@pytest.mark.parametrize("case", MAXIMA[::3], ids=str)
def test_indices_may_name_any_cell_of_their_window(case):
    # The first maximum of other numbers is a cell of the window, too.
    x, other = integer_x(case), random_x(case)
    values, index = case.call(convcore, other, return_indices=True)
    grad = positive_grad(case, values.shape)
    want = case.back(convcore, grad, other)
    assert fault(case.back(convcore, grad, x, indices=index), want) is None
    for kind in ("int32", ">i8", *(["uint64"] if (index >= 0).all() else [])):
        assert fault(case.back(convcore, grad, x, indices=index.astype(kind)), want) is None
    if index.size:  # an empty list holds no integers
        assert fault(case.back(convcore, grad, x, indices=index.tolist()), want) is None


BAD = [-1, -(2**63), 2**31, 2**63 - 1, 2**40]
PLANES = [case for case in MAXIMA if 0 not in case.x and np.prod(case.x) < 20000]


def plane_of(case):
    """The spatial sizes of the input."""
    return case.x[-1 - case.axes : -1] if case.last else case.x[-case.axes :]


@pytest.mark.parametrize("case", PLANES[::6], ids=str)
def test_bad_indices_are_refused(case):
    x = integer_x(case)
    values, index = case.call(convcore, x, return_indices=True)
    cells = int(np.prod(plane_of(case)))
    for bad in [*BAD, cells, cells + 5]:
        if bad == -1 and "border" in case.options:  # the index of a constant
            continue
        spoilt = index.copy()
        spoilt.flat[-1] = bad
        with pytest.raises(ValueError, match=rf"{case.op}_backward.*indices.*{bad}"):
            case.back(convcore, values, x, indices=spoilt)


@pytest.mark.parametrize("case", PLANES[1::6], ids=str)
def test_indices_of_other_windows_are_refused(case):
    # The oracle knows the window: it sees a cell if a one there alone gives an average above 0.
    x = integer_x(case)
    values, index = case.call(convcore, x, return_indices=True)
    options = {key: value for key, value in case.options.items() if key != "layout"}
    if "border" in options:
        options["border"] = without_numbers(options["border"])
    average = getattr(reference, case.op.replace("max", "avg"))
    cells = int(np.prod(plane_of(case)))
    for cell in range(0, cells, max(1, cells // 10)):
        plane = np.zeros((1, *plane_of(case)))
        plane.flat[cell] = 1
        spoilt = index.copy()
        spoilt.flat[0] = cell
        if average(plane, **options).flat[0] > 0:
            case.back(convcore, values, x, indices=spoilt)
        else:
            with pytest.raises(ValueError, match=rf"{case.op}_backward.*indices.*{cell}"):
                case.back(convcore, values, x, indices=spoilt)


def test_bad_kinds_of_indices_are_refused():
    x = np.ones((1, 1, 4, 4), np.float32)
    values, index = convcore.max_pool2d(x, 2, return_indices=True)
    for bad in (
        index.astype(float),
        index.astype(bool),
        index.astype("m8[s]"),
        "no",
        index.astype(object),
    ):
        with pytest.raises(TypeError, match=r"max_pool2d_backward.*indices"):
            convcore.max_pool2d_backward(values, x, 2, indices=bad)
    for shape in ((1, 1, 2), (1, 1, 2, 3), (4,), (2, 2), ()):
        with pytest.raises(ValueError, match=rf"max_pool2d_backward.*indices.*\({'.*'}\)"):
            convcore.max_pool2d_backward(values, x, 2, indices=np.zeros(shape, int))


# Shapes, and windows of zeros.


@pytest.mark.parametrize("case", SMALL[::4], ids=str)
def test_gradients_of_other_shapes_are_refused(case):
    x = integer_x(case)
    shape = case.call(convcore, x).shape
    for wrong in (
        shape[1:],
        (1, *shape),
        (*shape[:-1], shape[-1] + 1),
        x.shape[::-1],
        (),
        (0,),
        (shape[0] + 1, *shape[1:]),
    ):
        if wrong == shape:
            continue
        with pytest.raises(ValueError, match="grad") as refusal:
            case.back(convcore, np.ones(wrong), x)
        for word in (f"{case.op}_backward", str(wrong), str(shape)):
            assert word in str(refusal.value)


@pytest.mark.parametrize("p", [1, 1.5, 2, 3, np.inf])
@pytest.mark.parametrize("dtype", DTYPES)
def test_windows_of_zeros_have_no_gradient(p, dtype):
    x = np.zeros((1, 2, 9, 40), dtype)
    x[0, 1, :, 20:] = -2
    for kernel, stride in [((3, 3), 3), ((2, 2), 1), ((9, 20), 1), ((1, 40), 1)]:
        grad = np.ones(convcore.lp_pool2d(x, kernel, stride, p=p).shape, dtype)
        got = convcore.lp_pool2d_backward(grad, x, kernel, stride, p=p)
        assert np.isfinite(got).all()
        assert not got[0, 0].any()
        assert (got[0, 1, :, 20:] <= 0).all()
        assert (got[0, 1, :, 20:] < 0).any()
        assert fault(got, reference.lp_pool2d_backward(grad, x, kernel, stride, p=p), 600) is None


@pytest.mark.parametrize("p", [1, 1.5, 2, 3, 4, np.inf])
@pytest.mark.parametrize("scale", [1e30, 1e-30, 1e-42])
def test_norms_of_very_large_and_small_cells_have_gradients(p, scale):
    # The slope does not depend on the size: that of scale * x is that of x.
    x = np.array([[3, -4, 12, 1, 0, -84, 2, 5]], np.float32)
    grad = np.ones((1, 4), np.float32)
    tiny = (x * np.float32(scale)).astype(np.float32)
    got = convcore.lp_pool1d_backward(grad, tiny, 2, p=p)
    want = reference.lp_pool1d_backward(grad.astype(float), tiny.astype(float), 2, p=p)
    np.testing.assert_allclose(got, want, rtol=1e-6 if scale > 1e-40 else 2e-2, atol=1e-6)


@pytest.mark.parametrize("op", ["max", "avg", "lp", "l2", "weighted"])
def test_out(op):
    x = np.random.default_rng(0).standard_normal((2, 3, 9, 9)).astype(np.float32)
    first = np.ones((3, 3), np.float32) if op == "weighted" else 3
    forward = getattr(convcore, f"{op}_pool2d")
    backward = getattr(convcore, f"{op}_pool2d_backward")
    grad = forward(x, first, 1, "same")
    want = backward(grad, x, first, 1, "same")
    for out in (
        np.full_like(x, np.nan),
        np.full((2, 3, 9, 18), np.nan, x.dtype)[..., ::2],
        grad.copy(),
        x.copy(),
    ):
        assert backward(grad, x, first, 1, "same", out=out) is out
        assert out.tobytes() == want.tobytes()
    for which in (0, 1):  # out may be grad or x
        arrays = [grad.copy(), x.copy()]
        assert backward(*arrays, first, 1, "same", out=arrays[which]) is arrays[which]
        assert arrays[which].tobytes() == want.tobytes()
    for bad in (np.zeros((2, 3, 9, 8), x.dtype), np.zeros(x.shape), [0.0]):
        with pytest.raises((ValueError, TypeError), match=rf"{op}_pool2d_backward.*out"):
            backward(grad, x, first, 1, "same", out=bad)


def test_inputs_are_left_alone():
    for case in SMALL[::3]:
        x = random_x(case)
        grad = case.call(convcore, x)
        kept = x.copy(), grad.copy()
        case.back(convcore, grad, x)
        assert (x.tobytes(), grad.tobytes()) == (kept[0].tobytes(), kept[1].tobytes())
