"""The table of layers against PyTorch, where it is installed.

PyTorch has no local and no tiled layers: there they are put together from its patches, products
and convolutions.
"""

from itertools import product

import numpy as np
import pytest

import convcore
from convcore import reference
from convcore.spec.axis import padding_pair, transposed_size
from tests.support.helpers import assert_equal
from tests.tables.layer_cases import CONNECTED, LOCAL, TILED, TRANSPOSED, integer_arrays

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")

BORDERS = {
    "zeros": "constant",
    "edge": "edge",
    "reflect": "reflect",
    "symmetric": "symmetric",
    "wrap": "wrap",
}
everywhere = pytest.mark.parametrize(
    "operators", [reference, convcore], ids=["reference", "compiled"]
)


def of(family):
    """Those that PyTorch can do: it refuses empty images and drops the bias of no channels."""
    return pytest.mark.parametrize(
        "case", [case for case in family if 0 not in case.x + case.weight], ids=str
    )


def per_axis(value, nd):
    return tuple(value) if isinstance(value, tuple) else (value,) * nd


def option(case, name, default):
    return per_axis(case.options.get(name, default), case.axes)


def channels_first(case, x):
    """x as (n, c, *space)."""
    x = x if case.batched else x[None]
    return np.ascontiguousarray(np.moveaxis(x, -1, 1) if case.last else x)


def put_back(case, z):
    z = np.moveaxis(z, 1, -1) if case.last else z
    return z if case.batched else z[0]


def padded(case, x):
    """x as (n, c, *space) with the padding around it."""
    first = channels_first(case, x)
    axes = zip(
        first.shape[2:],
        case.weight[-case.axes :],
        option(case, "stride", 1),
        option(case, "padding", "valid"),
        option(case, "dilation", 1),
        strict=True,
    )
    pairs = [padding_pair(*axis) for axis in axes]
    return np.pad(first, [(0, 0), (0, 0), *pairs], BORDERS[case.options.get("border", "zeros")])


def torchs(name, nd, *arrays, **options):
    tensors = [a if a is None else torch.from_numpy(np.ascontiguousarray(a)) for a in arrays]
    return getattr(torch.nn.functional, f"{name}{nd}d")(*tensors, **options).numpy()


@everywhere
@of(TRANSPOSED)
def test_transposed(case, operators):
    x, weight, bias = integer_arrays(case, np.float64)
    first, nd = channels_first(case, x), case.axes
    stride, dilation = option(case, "stride", 1), option(case, "dilation", 1)
    axes = zip(
        first.shape[2:],
        weight.shape[2:],
        stride,
        option(case, "padding", "valid"),
        dilation,
        option(case, "output_padding", 0),
        strict=True,
    )
    sizes, pairs = zip(
        *(transposed_size("test", *axis, output_padding=extra) for *axis, extra in axes),
        strict=True,
    )
    # PyTorch's without any padding, in as many cells as come out, then cut by hand
    full = torchs(
        "conv_transpose",
        nd,
        first,
        weight,
        None,
        stride=stride,
        dilation=dilation,
        groups=case.options.get("groups", 1),
    )
    room = [
        (0, max(n + sum(pair) - have, 0))
        for n, pair, have in zip(sizes, pairs, full.shape[2:], strict=True)
    ]
    cut = tuple(slice(pair[0], pair[0] + n) for n, pair in zip(sizes, pairs, strict=True))
    want = np.pad(full, [(0, 0), (0, 0), *room])[(..., *cut)]
    if bias is not None:
        want = want + bias.reshape(-1, *[1] * nd)
    assert_equal(case.call(operators, (x, weight, bias)), put_back(case, want), case)


@pytest.mark.parametrize("nd", [1, 2, 3])
@pytest.mark.parametrize("groups", [1, 2, 4])
def test_transposed_with_torchs_own_padding(nd, groups):
    rng = np.random.default_rng(0)
    x = rng.integers(-9, 10, (2, 4, 5, 4, 3)[: nd + 2]).astype(float)
    weight = rng.integers(-9, 10, (4, 3, 3, 2, 4)[: nd + 2]).astype(float)
    bias = rng.integers(-9, 10, 3 * groups).astype(float)
    compared = 0
    for stride, padding, dilation in product(
        [1, 2, 3, (3, 2, 1)], [0, 1, 2, (0, 1, 2)], [1, 2, 3, (1, 3, 2)]
    ):
        s, p, d = (per_axis(value, 3)[:nd] for value in (stride, padding, dilation))
        for more in ((0, 0, 0), (1, 1, 1), (2, 0, 1), (0, 1, 0)):
            if any(extra >= max(steps) for extra, *steps in zip(more, s, d, strict=False)):
                continue
            options = {
                "stride": s,
                "padding": p,
                "groups": groups,
                "dilation": d,
                "output_padding": more[:nd],
            }
            want = torchs("conv_transpose", nd, x, weight, bias, **options)
            for operators in (reference, convcore):
                got = getattr(operators, f"conv_transpose{nd}d")(x, weight, bias, **options)
                assert_equal(got, want, options)
            compared += 1
    assert compared > 100


@of(LOCAL)
def test_local_is_unfold_and_a_product(case):
    x, weight, bias = integer_arrays(case, np.float64)
    patches = torch.from_numpy(padded(case, x))
    steps = zip(
        weight.shape[-case.axes :],
        option(case, "stride", 1),
        option(case, "dilation", 1),
        strict=True,
    )
    for axis, (r, s, d) in enumerate(steps, 2):
        patches = patches.unfold(axis, (r - 1) * d + 1, s)[..., ::d]
    out, taps = "pqr"[: case.axes], "uvw"[: case.axes]
    want = torch.einsum(f"nc{out}{taps},k{out}c{taps}->nk{out}", patches, torch.from_numpy(weight))
    if bias is not None:
        want = want + torch.from_numpy(bias)
    assert_equal(case.call(convcore, (x, weight, bias)), put_back(case, want.numpy()), case)


@of(TILED)
def test_tiled_is_a_strided_convolution_for_each_kernel(case):
    x, weight, bias = integer_arrays(case, np.float64)
    nd, cells = case.axes, padded(case, x)
    stride, dilation = option(case, "stride", 1), option(case, "dilation", 1)
    period, kernel = weight.shape[1 : 1 + nd], weight.shape[-nd:]
    reach = [(r - 1) * d + 1 for r, d in zip(kernel, dilation, strict=True)]
    got = case.call(convcore, (x, weight, bias))
    want = np.full(channels_first(case, got).shape, np.nan)
    for turn in np.ndindex(*period):
        seen = tuple(slice(o * s, None) for o, s in zip(turn, stride, strict=True))
        if any(
            n - o * s < r for n, o, s, r in zip(cells.shape[2:], turn, stride, reach, strict=True)
        ):
            continue  # no output has this turn
        here = tuple(slice(o, None, t) for o, t in zip(turn, period, strict=True))
        want[(..., *here)] = torchs(
            "conv",
            nd,
            cells[(..., *seen)],
            weight[(slice(None), *turn)],
            None if bias is None else bias[(slice(None), *turn)],
            dilation=dilation,
            stride=tuple(s * t for s, t in zip(stride, period, strict=True)),
        )
    assert_equal(got, put_back(case, want), case)


@of(CONNECTED)
def test_connected_is_a_convolution_with_zeros(case):
    x, weight, bias = integer_arrays(case, np.float64)
    nd, connected = case.axes, case.arguments()["connections"]
    zeroed = weight * connected.reshape(*connected.shape, *[1] * nd)
    if case.options.get("flip"):
        zeroed = np.flip(zeroed, tuple(range(2, nd + 2)))
    want = torchs(
        "conv",
        nd,
        padded(case, x),
        zeroed,
        bias,
        stride=option(case, "stride", 1),
        dilation=option(case, "dilation", 1),
    )
    assert_equal(case.call(convcore, (x, weight, bias)), put_back(case, want), case)
