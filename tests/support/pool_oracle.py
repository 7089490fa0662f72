"""What the oracle says of the table of poolings, found once for all tests of a run.

The oracle computes in float64 and rounds at the end. On integers its results are therefore the
same for float32 and float64 but for that last rounding, and one call serves both.
"""

from functools import cache

import numpy as np

from convcore import reference
from tests.tables.pool_cases import integer_x, positive_grad


@cache
def forward(case):
    """The results for `integer_x`, and of a maximum where it stands (else None)."""
    x = integer_x(case, np.float64)
    if case.is_max:
        return case.call(reference, x, return_indices=True)
    return case.call(reference, x), None


@cache
def backward(case):
    """The gradient of `integer_x` for `positive_grad`."""
    grad = positive_grad(case, forward(case)[0].shape, np.float64)
    return case.back(reference, grad, integer_x(case, np.float64))


def forward_tolerance(case):
    """How many epsilons a result may be off, of its own size.

    On integers all sums are exact and quotients are rounded as they should be; powers and roots
    are rounded, too, but a root makes the error of a sum smaller.
    """
    if case.kind not in ("lp_pool", "l2_pool") or case.options.get("p") == np.inf:
        return 0
    return 64 if "border" in case.options else 4  # constants are no integers


def backward_tolerance(case):
    """The same of a gradient: the shares are rounded before they are added up.

    Nothing cancels, for all gradients are positive, and of a norm the shares of one cell have its
    sign. Weights may be negative; there the bound is on the size of the largest result.
    """
    return 0 if case.is_max else 16 + min(case.cells, 5000 if "border" in case.options else 600)


def fault(got, want, tolerance=0, dtype=None):
    """What is wrong with a result: None, or a text that names the first difference."""
    dtype = want.dtype if dtype is None else np.dtype(dtype)
    if (got.shape, got.dtype) != (want.shape, dtype):
        return f"{got.dtype} of shape {got.shape} instead of {dtype} of shape {want.shape}"
    if tolerance == 0:
        want = want.astype(dtype)
        bad = (got != want) & ~((got != got) & (want != want))  # a NaN is as good as another
    else:
        bad = ~(abs(got - want) <= tolerance * np.finfo(dtype).eps * abs(want))
    if not bad.any():
        return None
    first = tuple(map(int, np.argwhere(bad)[0]))
    return (
        f"{bad.sum()} of {bad.size} differ, the first at {first}: {got[first]!r} instead of "
        f"{want[first]!r}"
    )


def forward_fault(case, got, dtype, want=None):
    """What is wrong with a result for `integer_x`."""
    want = forward(case)[0] if want is None else want
    return fault(got, want, forward_tolerance(case), dtype)


def backward_fault(case, got, dtype, want=None):
    """What is wrong with a gradient of `integer_x` for `positive_grad`."""
    want = backward(case) if want is None else want
    if case.options.get("normalize") is False:  # weights of both signs: exact sums
        return fault(got, want, 0, dtype)
    return fault(got, want, backward_tolerance(case), dtype)
