"""What must hold of the layers whatever their numbers, for every case of the tables.

Small integers compare with `==`; where bits must not change, other numbers show it. What follows
from the equations must hold of the oracle as well.
"""

from math import prod

import numpy as np
import pytest

import convcore
from convcore import reference
from convcore.spec.axis import transposed_size
from tests.support.borders import linear
from tests.support.helpers import assert_equal
from tests.support.sweeps import each
from tests.tables import cases
from tests.tables.cases import CASES
from tests.tables.layer_cases import (
    CONNECTED,
    LAYERS,
    LAYOUTS,
    LOCAL,
    TABLES,
    TILED,
    TRANSPOSED,
    integer_arrays,
    output_space,
    random_arrays,
    table,
)

DTYPES = (np.float32, np.float64)

everywhere = pytest.mark.parametrize(
    "operators", [reference, convcore], ids=["reference", "compiled"]
)


def per_axis(value, nd):
    return tuple(value) if isinstance(value, tuple) else (value,) * nd


def axes_of(case):
    return int(case.op[-2])


def space_of(case, shape):
    """The spatial sizes in the shape of an input or a result of the case."""
    nd = axes_of(case)
    return shape[-1 - nd : -1] if case.options.get("layout") == LAYOUTS[nd][1] else shape[-nd:]


# Weights shared by all outputs, by some, by none.

# What convolutions without groups are as tiled layers: the same options.
PLAIN = [
    case for case in CASES if case.options.keys() <= {"stride", "padding", "dilation", "layout"}
]


def unshared(case, period, arrays):
    """The kernels of a convolution once for each of `period` turns; options are the case's."""
    x, weight, bias = arrays
    nd = axes_of(case)
    shape = (weight.shape[0], *period, *weight.shape[1:])
    weight = np.broadcast_to(weight.reshape(len(weight), *[1] * nd, *weight.shape[1:]), shape)
    if bias is not None:
        bias = np.broadcast_to(bias.reshape(-1, *[1] * nd), shape[: 1 + nd])
    return x, weight, bias


@pytest.mark.item("f28")
@each(PLAIN, of=4)
def test_period_one_is_convolution(case):
    nd = axes_of(case)
    arrays = cases.integer_arrays(case)
    tiled = getattr(convcore, f"tiled_conv{nd}d")
    got = tiled(*unshared(case, (1,) * nd, arrays), **case.options)
    assert_equal(got, case.call(convcore, arrays), case)


@pytest.mark.item("f16")
@each([case for case in PLAIN if prod(case.x) * prod(case.weight) < 4_000_000])
def test_equal_kernels_are_convolution(case):
    nd = axes_of(case)
    arrays = cases.integer_arrays(case)
    want = case.call(convcore, arrays)
    space = space_of(case, want.shape)
    tiled = getattr(convcore, f"tiled_conv{nd}d")(
        *unshared(case, (2, 3, 2)[:nd], arrays), **case.options
    )
    assert_equal(tiled, want, case)
    if prod(space) * prod(case.weight) < 400_000:
        local = getattr(convcore, f"local_conv{nd}d")
        assert_equal(local(*unshared(case, space, arrays), **case.options), want, case)


@pytest.mark.item("f28")
@everywhere
@each([case for case in LOCAL if 0 not in case.weight])
def test_a_period_of_the_output_is_the_local_layer(case, operators):
    arrays = integer_arrays(case)
    tiled = getattr(operators, case.op.replace("local", "tiled"))
    assert_equal(tiled(*arrays, **case.options), case.call(operators, arrays), case)


@everywhere
@each([case for case in TILED if "geometry" in case.name])
def test_tiled_is_local_with_its_kernels_in_turn(case, operators):
    x, weight, bias = integer_arrays(case)
    nd = case.axes
    sizes = output_space(space_of(case, case.x), case.weight[-nd:], case.options)
    turns = np.ix_(*(np.arange(o) % t for o, t in zip(sizes, weight.shape[1:], strict=False)))
    everywhere = (slice(None), *turns)
    local = getattr(operators, case.op.replace("tiled", "local"))
    assert_equal(
        local(x, weight[everywhere], bias[everywhere], **case.options),
        case.call(operators, (x, weight, bias)),
        case,
    )


@pytest.mark.item("f09")
@each([case for case in TILED if 0 not in case.x + case.weight])
def test_moving_by_whole_periods_moves_the_output_by_them(case):
    x, weight, bias = integer_arrays(case)
    nd = case.axes
    period, stride = case.weight[1 : 1 + nd], per_axis(case.options.get("stride", 1), nd)
    # so many cells in front that every axis has a period of outputs more
    before = [(0, 0)] * nd
    front = tuple(slice(t, None) for t in period)
    for axis, (t, s) in enumerate(zip(period, stride, strict=True)):
        before[axis] = (t * s, 0)
    around = [(0, 0)] * case.batched + ([*before, (0, 0)] if case.last else [(0, 0), *before])
    pairs = tuple((9, 9) for _ in period)  # kernels fit, whatever they are
    options = {"stride": stride, "dilation": case.options.get("dilation", 1), "padding": pairs}
    if "layout" in case.options:
        options["layout"] = case.options["layout"]
    tiled = getattr(convcore, case.op)
    if (
        min(
            n + 18 - (r - 1) * d
            for n, r, d in zip(
                space_of(case, case.x),
                weight.shape[-nd:],
                per_axis(options["dilation"], nd),
                strict=True,
            )
        )
        < 1
    ):
        pytest.skip("the kernel does not fit")
    want = tiled(x, weight, bias, **options)
    moved = tiled(np.pad(x, around), weight, bias, **options)
    cut = (..., *front, slice(None)) if case.last else (..., *front)
    assert_equal(np.ascontiguousarray(moved[cut]), want, case)


def test_kernels_that_no_output_uses_do_not_matter():
    weight = np.array([1.0, 2.0, 3.0, np.nan, np.inf]).reshape(1, 5, 1, 1)
    bias = np.array([[0.0, 0.0, 0.0, np.nan, 1.0]])
    for operators in (reference, convcore):
        assert operators.tiled_conv1d(np.ones((1, 3)), weight, bias).tolist() == [[1, 2, 3]]


# Tables of connected channels.

UNGROUPED = [case for case in CASES if case.options.get("groups", 1) == 1 and 0 not in case.weight]


@each(UNGROUPED, of=4)
def test_a_full_table_changes_no_bit(case):
    arrays = cases.random_arrays(case)
    full = np.ones(case.weight[:2], bool)
    with_table = case.call(convcore, arrays, connections=full)
    assert with_table.tobytes() == case.call(convcore, arrays).tobytes()


@each(UNGROUPED[::3])
def test_absent_pairs_of_any_convolution_are_weights_of_zero(case):
    x, weight, bias = cases.integer_arrays(case)
    connected = table([*TABLES][len(case.name) % len(TABLES)], *weight.shape[:2])
    zeroed = weight * connected.reshape(*connected.shape, *[1] * axes_of(case))
    got = case.call(convcore, (x, weight, bias), connections=connected)
    assert_equal(got, case.call(convcore, (x, zeroed, bias)), case)


@everywhere
@each(CONNECTED)
def test_absent_pairs_are_weights_of_zero(case, operators):
    x, weight, bias = integer_arrays(case)
    options = case.arguments()
    connected = options.pop("connections")
    weight = weight * connected.reshape(*connected.shape, *[1] * case.axes)
    want = getattr(operators, case.op)(x, weight, bias, **options)
    assert_equal(case.call(operators, (x, weight, bias)), want, case)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@each(CONNECTED)
def test_what_is_not_connected_is_not_read(case, bad):
    x, weight, bias = random_arrays(case)
    connected = case.arguments()["connections"]
    want = case.call(convcore, (x, weight, bias))
    spoilt = weight.copy()
    spoilt[~connected] = bad
    assert case.call(convcore, (x, spoilt, bias)).tobytes() == want.tobytes()
    for channel in {0, weight.shape[1] // 2, weight.shape[1] - 1}:
        others = x.copy()
        np.moveaxis(others, case.channel_axis, 0)[channel] = bad
        got = np.moveaxis(case.call(convcore, (others, spoilt, bias)), case.channel_axis, 0)
        blind = ~connected[:, channel]
        assert got[blind].tobytes() == np.moveaxis(want, case.channel_axis, 0)[blind].tobytes()


def test_the_table_may_lie_in_memory_in_any_way():
    case = CONNECTED[3]
    arrays = integer_arrays(case)
    connected = case.arguments()["connections"]
    want = case.call(convcore, arrays)
    wide = np.zeros([2 * size for size in connected.shape], bool)
    wide[::2, ::2] = connected
    read_only = connected.copy()
    read_only.flags.writeable = False
    for strange in (
        np.asfortranarray(connected),
        wide[::2, ::2],
        connected.tolist(),
        read_only,
        np.ascontiguousarray(connected[::-1, ::-1])[::-1, ::-1],
    ):
        assert_equal(case.call(convcore, arrays, connections=strange), want, case)
    nothing = np.broadcast_to(np.False_, connected.shape)
    assert_equal(
        case.call(convcore, arrays, connections=nothing),
        case.call(reference, arrays, connections=nothing),
        case,
    )


def test_a_table_that_is_written_to_is_read_again():
    x, weight = np.ones((1, 3, 4)), np.ones((2, 3, 2))
    connected = np.zeros((2, 3), bool)
    for i in range(6):
        got = convcore.conv1d(x, weight, connections=connected)
        assert (got[0, :, 0] == 2 * connected.sum(axis=1)).all()
        connected.flat[i] = True


@everywhere
def test_one_to_one_is_depthwise(operators):
    rng = np.random.default_rng(3)
    x, weight = rng.integers(-9, 9, (2, 5, 7, 8)), rng.integers(-9, 9, (5, 5, 3, 2))
    got = operators.conv2d(x, weight, connections=np.eye(5, dtype=bool))
    own = weight[np.arange(5), np.arange(5)][:, None]
    assert (got == operators.conv2d(x, own, groups=5)).all()


# Transposed is the adjoint.


def inner(a, b):
    """The sum of the products, exactly: small integers."""
    return float(np.vdot(a.astype(np.float64), b.astype(np.float64)))


def cells_more(n, entry, size, r, s, d):
    """The output padding with which n outputs become the `size` cells that they came from."""
    least = transposed_size("test", n, r, s, entry, d)[0]
    assert 0 <= size - least < s
    return size - least


@pytest.mark.parametrize("dtype", DTYPES)
@each(
    [
        case
        for case in CASES
        if case.options.get("border", "zeros") == "zeros" and 0 not in case.x[-3:]
    ],
    of=4,
)
def test_adjoint_of_every_convolution(case, dtype):
    # <conv(x), y> == <x, conv_transpose(y)>, exactly.
    x, weight, _ = cases.integer_arrays(case, dtype)
    nd = axes_of(case)
    down = case.call(convcore, (x, weight, None))
    y = np.random.default_rng(1).integers(-4, 5, down.shape).astype(dtype)
    options = dict(case.options)
    options.pop("border", None)
    if options.pop("flip", False):
        weight = np.flip(weight, tuple(range(2, nd + 2)))
    more = tuple(
        map(
            cells_more,
            space_of(case, down.shape),
            per_axis(options.get("padding", "valid"), nd),
            space_of(case, x.shape),
            weight.shape[2:],
            *(per_axis(options.get(name, 1), nd) for name in ("stride", "dilation")),
        )
    )
    up = getattr(convcore, f"conv_transpose{nd}d")(y, weight, output_padding=more, **options)
    assert (up.shape, up.dtype) == (x.shape, x.dtype)
    assert inner(down, y) == inner(x, up)


@everywhere
@each([case for case in TRANSPOSED if 0 not in case.x + case.weight])
def test_transposed_is_the_adjoint(case, operators):
    # <conv(y), x> == <y, conv_transpose(x)> for the convolution with the same weight and options.
    x, weight, _ = integer_arrays(case, np.float64)
    up = case.call(operators, (x, weight, None))
    y = np.random.default_rng(1).integers(-4, 5, up.shape).astype(float)
    options = dict(case.options)
    more = per_axis(options.pop("output_padding", 0), case.axes)
    axes = zip(
        space_of(case, case.x),
        case.weight[2:],
        per_axis(options.get("stride", 1), case.axes),
        per_axis(options.get("padding", "valid"), case.axes),
        per_axis(options.get("dilation", 1), case.axes),
        more,
        strict=True,
    )
    sizes, pairs = zip(
        *(transposed_size("test", *axis, output_padding=extra) for *axis, extra in axes),
        strict=True,
    )
    assert space_of(case, up.shape) == sizes
    if options.get("padding") not in ("same", "same_lower", "full"):
        options["padding"] = pairs  # the words have to mean the same there
    down = getattr(operators, case.op.replace("_transpose", ""))(y, weight, **options)
    if case.name.startswith("beyond"):  # it has more outputs than are meant
        last = case.options.get("layout") in ("NWC", "NHWC", "NDHWC")
        first = down.ndim - case.axes - last
        down = down[(..., *map(slice, x.shape[first : first + case.axes]), *[slice(None)] * last)]
    assert down.shape == x.shape
    assert inner(down, x) == inner(y, up)


@everywhere
@each([case for case in LAYERS if case.bias and case.x[0]], of=4)
def test_the_bias_is_added_once(case, operators):
    x, weight, bias = integer_arrays(case)
    case = linear(case)
    alone = case.call(operators, (np.zeros_like(x), weight, bias))
    without = case.call(operators, (x, weight, None))
    assert_equal(case.call(operators, (x, weight, bias)), without + alone, case)
    if case.kind in ("conv", "conv_transpose"):
        flat = np.broadcast_to(
            bias if case.last else bias.reshape(-1, *[1] * case.axes), alone.shape
        )
        assert_equal(alone, flat, case)


@each(LAYERS)
def test_linear_in_the_input_and_in_the_weight(case):
    x, weight, _ = integer_arrays(case)
    case = linear(case)
    y, other = x[..., ::-1] * 3 - 1, weight[::-1] * 3 - 1
    once = case.call(convcore, (x, weight, None))
    assert_equal(
        case.call(convcore, (2 * x + 5 * y, weight, None)),
        2 * once + 5 * case.call(convcore, (y, weight, None)),
        case,
    )
    assert_equal(
        case.call(convcore, (x, 2 * weight + 5 * other, None)),
        2 * once + 5 * case.call(convcore, (x, other, None)),
        case,
    )
