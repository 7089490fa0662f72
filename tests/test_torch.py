"""The table against PyTorch, where it is installed.

PyTorch knows no asymmetric padding, no borders other than zeros in its functions, no channels-last
shapes and no flip; those are taken from NumPy on its side of the comparison.
"""

import numpy as np
import pytest
from cases import CASES, integer_arrays

import convcore

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")

NUMPYS = {"zeros": "constant", "edge": "edge", "reflect": "reflect", "symmetric": "symmetric",
          "wrap": "wrap"}


def comparable(case):
    """PyTorch drops the bias of a case without input channels, and refuses empty images."""
    return 0 not in case.x and 0 not in case.weight


def per_axis(value, nd):
    return (value,) * nd if isinstance(value, int) else tuple(value)


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
    torch_pads = border == "zeros" and (
        isinstance(padding, int) or padding == "valid" or isinstance(padding[0], int)
        or (padding == "same" and set(stride) == {1}))
    if not torch_pads:
        reach = [d * (r - 1) for r, d in zip(weight.shape[2:], dilation, strict=True)]
        pairs = padding
        if padding == "full":
            pairs = [(p, p) for p in reach]
        elif padding in ("same", "same_lower"):
            total = [max((-(-w // s) - 1) * s + p + 1 - w, 0)
                     for w, s, p in zip(x.shape[2:], stride, reach, strict=True)]
            pairs = [(t // 2, t - t // 2) for t in total]
            pairs = pairs if padding == "same" else [pair[::-1] for pair in pairs]
        elif isinstance(padding, int):
            pairs = [(padding, padding)] * nd
        x = np.pad(x, [(0, 0), (0, 0), *pairs], NUMPYS[border])
        padding = "valid"
    operator = getattr(torch.nn.functional, case.op)
    z = operator(*(None if a is None else torch.from_numpy(np.ascontiguousarray(a))
                   for a in (x, weight, bias)),
                 stride=stride, padding=padding, dilation=dilation,
                 groups=options.get("groups", 1)).numpy()
    z = np.moveaxis(z, 1, -1) if last else z
    return z if batched else z[0]


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")
@pytest.mark.parametrize("case", [case for case in CASES if comparable(case)], ids=str)
def test_equals_torch(case):
    arrays = integer_arrays(case, np.float64)
    want = torchs_answer(case, *arrays)
    got = case.call(convcore, arrays)
    assert got.shape == want.shape
    assert (got == want).all()


def test_nearly_every_case_is_compared():
    assert sum(map(comparable, CASES)) >= len(CASES) - 10
