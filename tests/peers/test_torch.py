"""The table against PyTorch, where it is installed.

PyTorch knows no asymmetric padding, no borders other than zeros in its functions, no channels-last
shapes and no flip; those are taken from NumPy on its side of the comparison.
"""

import numpy as np
import pytest

import convcore
from tests.support.borders import padded
from tests.support.sweeps import each
from tests.tables.cases import CASES, integer_arrays

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")


def comparable(case):
    """PyTorch drops the bias of a case without input channels, and refuses empty images."""
    return 0 not in case.x and 0 not in case.weight


def per_axis(value, nd):
    return (value,) * nd if isinstance(value, int) else tuple(value)


def pair(entry, size, r, s, d):
    """The zeros before and after one axis that a word, a number or a pair asks for."""
    reach = d * (r - 1)
    total = max((-(-size // s) - 1) * s + reach + 1 - size, 0)
    half = total // 2
    words = {
        "valid": (0, 0),
        "full": (reach, reach),
        "same": (half, total - half),
        "same_lower": (total - half, half),
    }
    if isinstance(entry, str):
        return words[entry]
    return (entry, entry) if isinstance(entry, int) else entry


def torchs_answer(case, x, weight, bias):
    nd = len(case.weight) - 2
    options = dict(case.options)
    last = options.pop("layout", "NC").endswith("C") and "layout" in case.options
    batched = len(case.x) == nd + 2
    x = x if batched else x[None]
    x = np.moveaxis(x, -1, 1) if last else x
    if options.pop("flip", False):
        weight = np.flip(weight, tuple(range(2, nd + 2)))
    stride = per_axis(options.get("stride", 1), nd)
    dilation = per_axis(options.get("dilation", 1), nd)
    padding = options.get("padding", "valid")
    border = options.get("border", "zeros")
    entries = padding if isinstance(padding, tuple) else (padding,) * nd
    torch_pads = border == "zeros" and (
        all(isinstance(entry, int) for entry in entries)
        or padding == "valid"
        or (padding == "same" and set(stride) == {1})
    )
    if not torch_pads:
        axes = zip(entries, x.shape[2:], weight.shape[2:], stride, dilation, strict=True)
        pairs = [pair(*axis) for axis in axes]
        x = padded(x, pairs, border)
        padding = "valid"
    operator = getattr(torch.nn.functional, case.op)
    z = operator(
        *(
            None if a is None else torch.from_numpy(np.ascontiguousarray(a))
            for a in (x, weight, bias)
        ),
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=options.get("groups", 1),
    ).numpy()
    z = np.moveaxis(z, 1, -1) if last else z
    return z if batched else z[0]


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")
@each([case for case in CASES if comparable(case)])
def test_equals_torch(case):
    arrays = integer_arrays(case, np.float64)
    want = torchs_answer(case, *arrays)
    got = case.call(convcore, arrays)
    assert got.shape == want.shape
    assert (got == want).all()


TORCHS = {"edge": "replicate", "reflect": "reflect", "wrap": "circular"}


@pytest.mark.parametrize("columns", [*TORCHS, -1024.0])
@pytest.mark.parametrize("rows", [*TORCHS, 0.5])
def test_borders_are_torchs_pads_one_axis_after_the_other(rows, columns):
    x, weight = integer_arrays(CASES[0], np.float64)[:2]
    x = np.arange(2 * 3 * 6 * 7.0).reshape(2, 3, 6, 7) % 11
    weight = np.arange(4 * 3 * 3 * 3.0).reshape(4, 3, 3, 3) % 7
    v = torch.from_numpy(x).requires_grad_()
    z = v
    for pads, border in (((0, 0, 2, 3), rows), ((1, 4, 0, 0), columns)):
        more = {"mode": TORCHS[border]} if border in TORCHS else {"value": border}
        z = torch.nn.functional.pad(z, pads, **more)
    options = {"padding": ((2, 3), (1, 4)), "border": (rows, columns)}
    for theirs, name, operand in [
        (torch.nn.functional.conv2d(z, torch.from_numpy(weight)), "conv2d", weight),
        (torch.nn.functional.max_pool2d(z, 3, 2), "max_pool2d", 3),
        (torch.nn.functional.avg_pool2d(z, 3, 2), "avg_pool2d", 3),
    ]:
        more = {} if name == "conv2d" else {"stride": 2}
        y = getattr(convcore, name)(x, operand, **more, **options)
        np.testing.assert_allclose(y, theirs.detach().numpy(), rtol=1e-14)
        grad = np.arange(y.size).reshape(y.shape) % 5.0
        v.grad = None
        theirs.backward(torch.from_numpy(grad), retain_graph=True)
        back = getattr(convcore, f"{name}_backward")(grad, x, operand, **more, **options)
        dx = back[0] if isinstance(back, tuple) else back
        if name != "max_pool2d":  # whose first maximum may be another among equals
            np.testing.assert_allclose(dx, v.grad.numpy(), rtol=1e-13, atol=1e-13)


def test_nearly_every_case_is_compared():
    assert sum(map(comparable, CASES)) >= len(CASES) - 10
