"""The error function, which NumPy has not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.floating]

# W. J. Cody, Rational Chebyshev approximations for the error function, Mathematics of Computation
# 23 (1969): numerator and denominator, the highest power first.
SMALL = (
    (1.85777706184603153e-1, 3.16112374387056560e0, 1.13864154151050156e2, 3.77485237685302021e2,
     3.20937758913846947e3),
    (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3,
     2.84423683343917062e3),
)  # fmt: skip
MIDDLE = (
    (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e0, 6.61191906371416295e1,
     2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3,
     1.23033935479799725e3),
    (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2,
     1.62138957456669019e3, 3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3,
     1.23033935480374942e3),
)  # fmt: skip
LEAST = 0.46875  # where the first ratio ends


def _ratio(x: Reals, of: tuple[tuple[float, ...], tuple[float, ...]]) -> Reals:
    top, bottom = (np.full_like(x, coefficients[0]) for coefficients in of)
    for above, below in zip(of[0][1:], of[1][1:], strict=True):
        top *= x
        top += above
        bottom *= x
        bottom += below
    top /= bottom
    return top


def erf(x: Reals) -> Reals:
    r"""The error function, :math:`\frac{2}{\sqrt{\pi}} \int_0^x e^{-t^2} dt`, of each element.

    Parameters
    ----------
    x : ndarray of floats

    Returns
    -------
    ndarray
        Of the dtype of x, within 2 units of its last digit.

    Examples
    --------
    >>> erf(np.array([0.0, 1.0, np.inf])).round(6).tolist()
    [0.0, 0.842701, 1.0]
    """
    x = np.asarray(x)
    wide = x if x.dtype == np.float64 else x.astype(np.float32, copy=False)
    size = np.minimum(np.abs(wide), 6.0)  # beyond, it is 1 in any dtype; NaN stays
    small = size * _ratio(size * size, SMALL)
    # The second ratio is made for up to 4; beyond, 1 - erf is so small that it serves as well.
    tail = np.exp(-size * size) * _ratio(size, MIDDLE)
    result = np.where(size <= LEAST, small, 1 - tail)
    return np.copysign(result, wide).astype(x.dtype, copy=False)
