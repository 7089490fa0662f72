"""Both tables once more, `cases.CASES` and `layer_cases.LAYERS`, for the gradients.

A case has `call`, the forward function, and `back`, its gradients; `integer_arrays` and
`random_arrays` make the gradient of the result and the three operands. To add a case, add it to
one of the two tables.
"""

import functools
import zlib
from math import prod

import numpy as np

from convcore import reference
from tests.support.helpers import assert_equal
from tests.tables import cases, layer_cases
from tests.tables.layer_cases import Layer

NAMES = ("dx", "dweight", "dbias")


class Gradient(Layer):
    """One call of a forward function and of its gradients, by shapes and options."""

    @property
    def name_back(self):
        """The name of the function that computes the gradients."""
        return f"{self.op}_backward"

    @property
    def last_layout(self):
        """The layout with the channels last."""
        return layer_cases.LAYOUTS[self.axes][1]

    def back(self, namespace, arrays, **more):
        """The gradients (dx, dweight, dbias) for the arrays (grad, x, weight, bias)."""
        return getattr(namespace, self.name_back)(*arrays, **{**self.arguments(), **more})

    @functools.cached_property
    def result(self):
        """The shape of the result."""
        x, weight, _ = (np.empty(shape) for shape in (self.x, self.weight, 0))
        none = x[:0] if self.batched else x[None][:0]
        _, *rest = self.call(reference, (none, weight, None)).shape
        return (*self.x[:1], *rest) if self.batched else tuple(rest)

    @property
    def sizes(self):
        """The sizes of the result's axes."""
        return self.result[-1 - self.axes:-1] if self.last else self.result[-self.axes:]

    @property
    def work(self):
        """About how many products there are."""
        return prod(self.x) * prod(self.weight)


def _from(case):
    return Gradient(case.name, case.op, case.x, case.weight, case.bias, case.options)


GRADIENTS = [_from(case) for case in [*cases.CASES, *layer_cases.LAYERS]]
SAMPLES = [_from(case) for case in [*cases.SAMPLES, *layer_cases.SAMPLES]]
# The first sample of each kind.
KINDS = {case.kind: case for case in reversed(SAMPLES)}


def _rng(case):
    return np.random.default_rng(zlib.crc32(f"grad of {case.name}".encode()))


def integer_arrays(case, dtype=np.float32):
    """grad, x, weight and bias of small integers: every sum of products is exact, in any order.

    The products are at most 16 and the longest sum, of the largest image, has 330,000 of them:
    float32 is exact up to a million.
    """
    grad = _rng(case).integers(-4, 5, case.result).astype(dtype)
    return grad, *layer_cases.integer_arrays(case, dtype)


def random_arrays(case, dtype=np.float32):
    """Numbers whose sums do depend on their order."""
    grad = _rng(case).standard_normal(case.result).astype(dtype)
    return grad, *layer_cases.random_arrays(case, dtype)


def assert_gradients(got, want, case):
    """The same three arrays, or None in the same places."""
    assert isinstance(got, tuple)
    assert len(got) == 3
    for name, ours, theirs in zip(NAMES, got, want, strict=True):
        if theirs is None:
            assert ours is None, name
        else:
            assert_equal(ours, theirs, f"{name} of {case}")


def plain(arrays, dtype=np.float64):
    """Arrays, or None where there is none, in another dtype."""
    return tuple(a if a is None else a.astype(dtype) for a in arrays)


def inner(a, b):
    """<a, b>, in float64: exact for small integers."""
    return float(np.vdot(a.astype(np.float64), b.astype(np.float64)))
