r"""The error function of arrays, which NumPy lacks.

Rational approximations of W. J. Cody, *Rational Chebyshev approximations for the error function*,
Mathematics of Computation 23 (1969), in three intervals of :math:`|x|`:

.. math::

    \mathrm{erf}(x) = x \, R_1(x^2), \quad
    \mathrm{erfc}(x) = e^{-x^2} R_2(x), \quad
    \mathrm{erfc}(x) = \frac{e^{-x^2}}{x}
        \Bigl( \frac{1}{\sqrt{\pi}} - \frac{R_3(x^{-2})}{x^2} \Bigr)

up to 0.46875, up to 4 and beyond. Errors of float64 are below 1e-15 of the value; float32 is
computed in float32, and float16 too.
"""

from collections.abc import Callable, Sequence

import numpy as np

from convcore.spec.operands import Array

SMALL, LARGE = 0.46875, 4.0
BEYOND = 28.0  # from here on erfc is 0 in float64
ROOT = 0.56418958354775628695  # 1 / sqrt(pi)

# Numerator and denominator, the highest power first.
Ratio = tuple[Sequence[float], Sequence[float]]
R1: Ratio = (
    (1.85777706184603153e-1, 3.16112374387056560, 1.13864154151050156e2, 3.77485237685302021e2,
     3.20937758913846947e3),
    (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3,
     2.84423683343917062e3),
)  # fmt: skip
R2: Ratio = (
    (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1,
     2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3,
     1.23033935479799725e3),
    (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2,
     1.62138957456669019e3, 3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3,
     1.23033935480374942e3),
)  # fmt: skip
R3: Ratio = (
    (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1,
     1.25781726111229246e-1, 1.60837851487422766e-2, 6.58749161529837803e-4),
    (1.0, 2.56852019228982242, 1.87295284992346047, 5.27905102951428412e-1,
     6.05183413124413191e-2, 2.33520497626869185e-3),
)  # fmt: skip


def erf(x: Array) -> Array:
    r"""Return the error function of each number: :math:`2/\sqrt{\pi} \int_0^x e^{-t^2} dt`.

    Parameters
    ----------
    x : ndarray of float16, float32 or float64

    Returns
    -------
    ndarray
        Of the shape and dtype of x. NaN stays NaN.

    Examples
    --------
    >>> erf(np.array([-np.inf, 0.0, 0.5, 1.0])).round(12).tolist()
    [-1.0, 0.0, 0.520499877813, 0.84270079295]
    """
    return _by_intervals(x, near=_small, far=lambda x, y: np.copysign(1 - _tail(y), x))


def erfc(x: Array) -> Array:
    r"""Return 1 - erf of each number, with all digits where that is small.

    Parameters
    ----------
    x : ndarray of float16, float32 or float64

    Returns
    -------
    ndarray
        Of the shape and dtype of x. NaN stays NaN.

    Examples
    --------
    >>> erfc(np.array([-np.inf, 0.0, 10.0])).tolist()
    [2.0, 1.0, 2.0884875837625...e-45]
    """

    def far(x: Array, y: Array) -> Array:
        tail = _tail(y)
        return np.where(x < 0, 2 - tail, tail)

    return _by_intervals(x, near=lambda x: 1 - _small(x), far=far)


def _by_intervals(
    x: Array, near: Callable[[Array], Array], far: Callable[[Array, Array], Array]
) -> Array:
    """Apply one function to small numbers, the other to numbers and their absolute values."""
    if x.dtype == np.float16:
        return _by_intervals(x.astype(np.float32), near, far).astype(np.float16)
    y = np.abs(x)
    small = y <= SMALL
    if small.all():
        return near(x)
    result = np.empty_like(x)
    result[small] = near(x[small])
    result[~small] = far(x[~small], y[~small])  # NaN too, which no comparison holds for
    return result


def _small(x: Array) -> Array:
    """Erf up to SMALL."""
    value: Array = x * _ratio(R1, x * x)
    return value


def _tail(y: Array) -> Array:
    """Erfc from SMALL on."""
    y = np.minimum(y, BEYOND)
    # exp(-y^2) from a square without rounding, and the small remainder: y is large, its square's
    # rounding error is the exponent's
    coarse = np.trunc(y * 16) / 16
    power = np.exp(-coarse * coarse) * np.exp((coarse - y) * (coarse + y))
    result: Array = power * _ratio(R2, np.minimum(y, LARGE))
    large = y > LARGE
    if large.any():
        far = y[large]
        square = 1 / (far * far)
        result[large] = power[large] * (ROOT - square * _ratio(R3, square)) / far
    return result


def _ratio(ratio: Ratio, x: Array) -> Array:
    value: Array = _polynomial(ratio[0], x)
    value /= _polynomial(ratio[1], x)
    return value


def _polynomial(terms: Sequence[float], x: Array) -> Array:
    """The value of a polynomial at x by Horner's rule; a Python float keeps the dtype of x."""
    value: Array = np.full_like(x, terms[0])
    for term in terms[1:]:
        value *= x
        value += term
    return value
