"""The table of poolings against PyTorch, where it is installed.

PyTorch knows no asymmetric padding, no more padding than half a window, no dilated averages, no
channels-last shapes; there the padding is put on by hand, by NumPy, and the windows that
`ceil_mode` adds get the cells they lack. Its norms take powers of the cells and not of their sizes,
and divide partial windows by other numbers: they are compared on positive cells, in whole windows.
"""

import numpy as np
import pytest

import convcore
from convcore.geometry import output_size
from convcore.spec.axis import padding_pair
from tests.support.pool_oracle import fault
from tests.support.sweeps import each
from tests.tables.pool_cases import POOLINGS, integer_x, positive_grad

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
functional = torch.nn.functional


def per_axis(value, nd):
    return tuple(value) if isinstance(value, tuple) else (value,) * nd


class Call:
    """A case's sizes as PyTorch wants them, and its input with the channels first and a batch."""

    def __init__(self, case):
        options = case.options
        self.case, self.nd = case, case.axes
        self.batched = len(case.x) == case.axes + 2
        self.space = case.x[-1 - case.axes : -1] if case.last else case.x[-case.axes :]
        self.function = getattr(functional, case.op, None)  # there is no l2_pool
        if "output_size" in options:
            wanted = per_axis(options["output_size"], self.nd)
            self.sizes = [n if m is None else m for n, m in zip(self.space, wanted, strict=True)]
            return
        self.kernel = per_axis(options["kernel_size"], self.nd)
        stride = options.get("stride")
        self.stride = self.kernel if stride is None else per_axis(stride, self.nd)
        self.dilation = per_axis(options.get("dilation", 1), self.nd)
        padding = options.get("padding", "valid")
        entries = padding if isinstance(padding, tuple) else (padding,) * self.nd
        axes = list(zip(self.space, self.kernel, self.stride, entries, self.dilation, strict=True))
        self.pairs = [padding_pair(*axis) for axis in axes]
        self.ceil_mode = options.get("ceil_mode", False)
        self.sizes = [
            output_size(n, k, s, pair, d, self.ceil_mode)
            for (n, k, s, _, d), pair in zip(axes, self.pairs, strict=True)
        ]

    def is_native(self):
        """Whether PyTorch takes this padding, so that its own rule for partial windows is asked."""
        return all(
            before == after and 2 * before <= k
            for (before, after), k in zip(self.pairs, self.kernel, strict=True)
        )

    def spread(self, x, value, beyond):
        """X with its padding, and after it what a last window lacks, or without what none holds."""
        x = np.pad(x.numpy(), [(0, 0), (0, 0), *self.pairs], constant_values=value)
        for axis, (size, k, s, d) in enumerate(
            zip(self.sizes, self.kernel, self.stride, self.dilation, strict=True), 2
        ):
            reach = (size - 1) * s + (k - 1) * d + 1
            lacking = [(0, max(reach - x.shape[i], 0) if i == axis else 0) for i in range(x.ndim)]
            x = np.pad(x, lacking, constant_values=beyond)
            x = x[(slice(None),) * axis + (slice(reach),)]
        return torch.from_numpy(np.ascontiguousarray(x))

    def first(self, x):
        x = x if self.batched else x[None]
        x = np.moveaxis(x, -1, 1) if self.case.last else x
        return torch.from_numpy(np.ascontiguousarray(x))

    def back(self, y):
        y = y.numpy()
        y = np.moveaxis(y, 1, -1) if self.case.last else y
        return y if self.batched else y[0]

    def maxima(self, x):
        """Values and indices."""
        if self.case.kind == "adaptive_max_pool":
            return self.function(x, self.sizes, return_indices=True)
        more = {"stride": self.stride, "dilation": self.dilation, "return_indices": True}
        if self.is_native():
            padding = tuple(before for before, _ in self.pairs)
            return self.function(x, self.kernel, padding=padding, ceil_mode=self.ceil_mode, **more)
        padded = self.spread(x, -np.inf, -np.inf)
        y, index = self.function(padded, self.kernel, **more)
        place = np.unravel_index(index.numpy(), padded.shape[2:])
        place = [at - before for at, (before, _) in zip(place, self.pairs, strict=True)]
        return y, torch.from_numpy(np.ravel_multi_index(place, self.space))

    def averages(self, x):
        if self.case.kind == "adaptive_avg_pool":
            return self.function(x, self.sizes)
        include = self.case.options.get("count_include_pad", False)
        if self.is_native():
            padding = tuple(before for before, _ in self.pairs)
            return self.function(x, self.kernel, self.stride, padding, self.ceil_mode, include)
        # sums by counts: averages of whole windows, which differ by one factor
        above = self.function(self.spread(x, 0, 0), self.kernel, self.stride)
        below = self.function(
            self.spread(torch.ones_like(x), int(include), 0), self.kernel, self.stride
        )
        cells = float(np.prod(self.kernel))
        return torch.round(above * cells) / torch.round(below * cells)


def chosen(*kinds):
    """The cases of these kinds that PyTorch has: dilated maxima alone, and no largest size."""
    return [
        case
        for case in POOLINGS
        if case.kind in kinds
        and 0 not in case.x
        and (case.is_max or case.options.get("dilation", 1) == 1)
        and case.options.get("p") != np.inf
        and "border" not in case.options  # which PyTorch's poolings lack
    ]


@each(chosen("max_pool", "adaptive_max_pool"))
def test_maxima_and_indices_equal_torch(case):
    call = Call(case)
    x = integer_x(case, np.float64)
    values, index = call.maxima(call.first(x))
    got, place = case.call(convcore, x, return_indices=True)
    assert fault(got, call.back(values)) is None
    assert fault(place, call.back(index)) is None


@each(chosen("avg_pool", "adaptive_avg_pool"))
def test_averages_equal_torch(case):
    call = Call(case)
    x = integer_x(case, np.float64)
    want = call.back(call.averages(call.first(x)))
    # PyTorch's adaptive averages multiply by an inverse
    assert fault(case.call(convcore, x), want, 4) is None


@each(chosen("lp_pool", "l2_pool"))
def test_norms_equal_torch(case):
    call = Call(case)
    p = case.options.get("p", 2)
    x = abs(integer_x(case, np.float64)) + 1
    function = getattr(functional, f"lp_pool{call.nd}d")
    one = call.nd == 1  # which it takes as a number only
    want = function(
        call.spread(call.first(x), 0, 0),
        p,
        call.kernel[0] if one else call.kernel,
        call.stride[0] if one else call.stride,
    )
    assert fault(case.call(convcore, x), call.back(want), 64) is None


def is_native(case):
    """Whether PyTorch does all of it, so that its gradients are those of the input itself."""
    return case.kind.startswith("adaptive") or Call(case).is_native()


@each(
    [
        case
        for case in chosen("max_pool", "avg_pool", "adaptive_max_pool", "adaptive_avg_pool")
        if is_native(case)
    ]
)
def test_gradients_equal_torch(case):
    call = Call(case)
    x = integer_x(case, np.float64)
    leaf = call.first(x).requires_grad_()
    y = call.maxima(leaf)[0] if case.is_max else call.averages(leaf)
    grad = positive_grad(case, case.call(convcore, x).shape, np.float64)
    y.backward(call.first(grad))
    tolerance = 0 if case.is_max else 16 + min(case.cells, 600)
    assert fault(case.back(convcore, grad, x), call.back(leaf.grad), tolerance) is None


def test_most_cases_are_compared():
    here = chosen(
        "max_pool", "avg_pool", "lp_pool", "l2_pool", "adaptive_max_pool", "adaptive_avg_pool"
    )
    assert len(here) > 500
    assert sum(map(is_native, here)) > 300
