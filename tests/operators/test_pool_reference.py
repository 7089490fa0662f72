"""Every pooling of the table against the oracle, for every type, thread count and ISA level.

With integer data every sum is exact, so results are compared with `==`; the norms alone are
allowed a few roundings. With random data the order of the sums shows, and there the bits
themselves have to agree: between numbers of threads, layouts, addresses, and between the
instruction-set levels that have fused multiply-add.
"""

import json
from itertools import cycle, product

import numpy as np
import pytest

import convcore
from convcore import reference
from convcore.spec.registry import OPERATORS
from tests.support import pool_oracle
from tests.support.borders import without_signs
from tests.support.helpers import FUSED, at_level, bits
from tests.support.pool_oracle import fault, forward_fault
from tests.support.sweeps import both_levels, each, every_level
from tests.tables.pool_cases import (
    LAYOUTS,
    POOLINGS,
    SAMPLES,
    integer_x,
    of_integers,
    random_x,
)

DTYPES = (np.float32, np.float64)
MAXIMA = [case for case in POOLINGS if case.is_max]


def test_names_are_unique():
    names = [case.name for case in POOLINGS]
    assert len(set(names)) == len(names)


def test_every_kind_has_every_rank_and_layout():
    here = {(case.op, case.last) for case in POOLINGS}
    kinds = [kind for kind, operator in OPERATORS.items() if not operator.has_weight]
    assert here == set(
        product((f"{kind}{nd}d" for kind in kinds for nd in (1, 2, 3)), (False, True))
    )


@each(POOLINGS, quick=True)
def test_equals_reference(case):
    for dtype in DTYPES:
        x = integer_x(case, dtype)
        assert forward_fault(case, case.call(convcore, x), dtype) is None
        if case.is_max:
            want, index = pool_oracle.forward(case)
            got, place = case.call(convcore, x, return_indices=True)
            assert fault(got, want, dtype=dtype) is None
            assert fault(place, index) is None


@pytest.mark.parametrize("dtype", DTYPES)
@each([case for case in POOLINGS if not case.is_max][::7])
def test_random_data_is_close(case, dtype):
    # The error of a sum is at most terms * epsilon * sum of sizes, whatever the order.
    x = random_x(case, dtype)
    wide = x.astype(np.float64)
    size = {"window": abs(case.arguments()["window"])} if "window" in case.options else {}
    got = case.call(convcore, x)
    assert got.dtype == dtype
    sizes = without_signs(case).call(reference, abs(wide), **size)
    bound = (case.cells + 8) * np.finfo(dtype).eps * sizes
    assert (abs(got - case.call(reference, wide)) <= bound).all()


def everything(case, x, **more):
    """The bits of what a call returns, the places of maxima among it."""
    if case.is_max:
        return bits(
            case.call(convcore, x, **more), *case.call(convcore, x, return_indices=True, **more)
        )
    return bits(case.call(convcore, x, **more))


@each(POOLINGS, of=4)
def test_bits_do_not_depend_on_threads(case):
    for dtype in DTYPES:
        x = random_x(case, dtype)
        one = everything(case, x, threads=1)
        for threads in (2, 3, 7):
            assert everything(case, x, threads=threads) == one, f"{dtype} by {threads} threads"


@each([case for case in POOLINGS if not case.last], of=4)
def test_bits_do_not_depend_on_the_layout(case):
    channels = -1 - case.axes
    for dtype in DTYPES:
        x = random_x(case, dtype)
        last = np.ascontiguousarray(np.moveaxis(x, channels, -1))
        for more in ({}, {"return_indices": True}) if case.is_max else ({},):
            first = case.call(convcore, x, **more)
            other = case.call(convcore, last, layout=LAYOUTS[case.axes][1], **more)
            for a, b in zip(first, other, strict=True) if more else ((first, other),):
                assert np.moveaxis(b, -1, channels).tobytes() == a.tobytes(), dtype


@each(POOLINGS[::5])
def test_equal_calls_give_equal_bits(case):
    # At other addresses too: alignment must not change the order of a sum.
    x = random_x(case)
    want = everything(case, x)
    for shift in (1, 3, 8):
        moved = np.frombuffer(bytearray(4 * shift) + x.tobytes(), x.dtype)[shift:]
        assert everything(case, moved.reshape(x.shape)) == want


# Maxima are computed in the type of the input, whatever it is.

INTEGERS = ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]


def extremes(case, dtype):
    """Numbers from the whole range of a type, the least and the largest often among them."""
    rng = np.random.default_rng(len(case.name))
    if dtype == "bool":
        return rng.random(case.x) < 0.3
    if dtype == "float16":
        special = np.array([np.inf, -np.inf, np.nan, 6e4, -6e4, 2**-24, 0.0], np.float16)
        x = rng.standard_normal(case.x).astype(dtype)
    else:
        info = np.iinfo(dtype)
        special = np.array([info.min, info.max, info.min + 1, info.max - 1], dtype)
        x = rng.integers(info.min, info.max, case.x, dtype, endpoint=True)
    return np.where(rng.random(case.x) < 0.3, rng.choice(special, case.x), x)


@pytest.mark.parametrize(
    ("case", "dtype"),
    [
        *zip(MAXIMA, cycle([*INTEGERS, "float16"])),
        *product([case for case in SAMPLES if case.is_max], [*INTEGERS, "float16"]),
    ],
    ids=str,
)
def test_maxima_of_every_type(case, dtype):
    x, case = extremes(case, dtype), of_integers(case, dtype)
    want, index = case.call(reference, x, return_indices=True)
    got, place = case.call(convcore, x, return_indices=True, threads=2)
    assert fault(got, want) is None
    assert fault(place, index) is None
    assert fault(case.call(convcore, x), want) is None


@pytest.mark.parametrize("dtype", ["int64", "uint64"])
def test_integers_beyond_float64_stay_apart(dtype):
    x = np.array([[2**53, 2**53 + 1, 2**53, 2**62 + 1, 2**62 + 3, 2**62 + 2]], dtype)
    values, index = convcore.max_pool1d(x, 3, return_indices=True)
    assert values.dtype == dtype
    assert values.tolist() == [[2**53 + 1, 2**62 + 3]]
    assert index.tolist() == [[1, 4]]
    assert convcore.adaptive_max_pool1d(-x.astype(np.int64), 1).tolist() == [[-(2**53)]]


@pytest.mark.parametrize("dtype", ["float16", *INTEGERS])
@each([case for case in POOLINGS if not case.is_max][::20])
def test_other_poolings_of_every_type(case, dtype):
    # float16 in float32, and rounded at the end; integers as NumPy mixes them with float32.
    x = integer_x(case, dtype)
    want = case.call(reference, x)
    assert want.dtype == ("float16" if dtype == "float16" else np.result_type(dtype, np.float32))
    tolerance = pool_oracle.forward_tolerance(case)
    assert fault(case.call(convcore, x), want, tolerance) is None


# The levels.


def print_level(path):
    """What the processes below run: prints what is wrong, and a hash of all bits of each case."""
    wrong, table = {}, {}
    with np.load(path) as wants:
        for case, dtype in product(POOLINGS, DTYPES):
            name = f"{case} {dtype.__name__}"
            got = case.call(convcore, integer_x(case, dtype))
            wrong[name] = forward_fault(case, got, dtype, wants[case.name])
            if case.is_max:
                place = case.call(convcore, integer_x(case, dtype), return_indices=True)[1]
                wrong[name] = wrong[name] or fault(place, wants[case.name + " index"])
            x = random_x(case, dtype)
            back = case.back(convcore, (got / 7).astype(dtype), x)
            table[name] = bits(case.call(convcore, x), back)
    print(json.dumps([{name: fault for name, fault in wrong.items() if fault}, table]))


@pytest.fixture(scope="module")
def answers():
    return {}


@pytest.fixture(scope="module")
def wants(tmp_path_factory):
    """A file of the oracle's results."""
    path = tmp_path_factory.mktemp("levels") / "wants.npz"
    results = {case.name: pool_oracle.forward(case)[0] for case in POOLINGS}
    places = {f"{case.name} index": pool_oracle.forward(case)[1] for case in MAXIMA}
    np.savez(path, **results, **places)
    return path


def run_level(level, answers, wants, run_python):
    return at_level(
        level,
        answers,
        run_python,
        "import tests.operators.test_pool_reference as t; t.print_level(sys.argv[1])",
        str(wants),
    )


@every_level
def test_every_level_equals_reference(level, answers, wants, run_python):
    wrong, table = run_level(level, answers, wants, run_python)
    assert len(table) == len(POOLINGS) * len(DTYPES)
    assert not wrong


@both_levels(*FUSED)
def test_fused_levels_give_equal_bits(answers, wants, run_python):
    one, other = (run_level(level, answers, wants, run_python)[1] for level in FUSED)
    assert not [name for name in one if one[name] != other[name]]


# The oracle itself, against the definition with a loop for every index.


@pytest.mark.parametrize(("stride", "dilation", "before"), [(1, 1, 0), (2, 1, 1), (3, 2, 2)])
def test_the_reference_is_the_definition(stride, dilation, before):
    x = np.random.default_rng(0).integers(-9, 10, (2, 9, 10)).astype(float)
    options = {"stride": stride, "dilation": dilation, "padding": before}
    results = {
        name: getattr(reference, f"{name}_pool2d")(x, (3, 2), **options)
        for name in ("max", "avg", "l2")
    }
    for channel, j, k in np.ndindex(results["max"].shape):
        seen = [
            x[channel, row, column]
            for row in range(j * stride - before, j * stride - before + 3 * dilation, dilation)
            for column in range(k * stride - before, k * stride - before + 2 * dilation, dilation)
            if 0 <= row < 9 and 0 <= column < 10
        ]
        at = channel, j, k
        assert results["max"][at] == max(seen)
        assert results["avg"][at] == sum(seen) / len(seen)
        assert results["l2"][at] == pytest.approx(sum(v * v for v in seen) ** 0.5, rel=1e-15)
