"""How far a result may be from the oracle's, number by number.

Sums of integers are exact in any order, so there results are equal. Any other result may differ by
what roundings add up to: for each number, its terms times epsilon times the sum of the sizes of its
terms. That sum is the oracle's result for the sizes of the operands.
"""

from math import inf, prod

import numpy as np

from convcore import reference
from tools.fuzz.call import LINEAR, SIGNAL

WHOLE = ("integers", "positive", "zeros")
SUMMED = ("grad", "x", "w", "weight", "bias", "window")  # the operands that products are of


def fault(call, plain, options, which, got, want):
    """What is wrong with the numbers of result `which`, or None. `want` is the oracle's."""
    with np.errstate(all="ignore"):
        if exact(call, options):
            bad = got != want
            if got.dtype.kind == "f":
                bad &= ~(np.isnan(got) & np.isnan(want))
            return _first(got, want, bad)
        plain = {
            name: value if value is None else np.asarray(value) for name, value in plain.items()
        }
        return _beyond(got, want, *_tolerance(call, plain, options, which, want))


def exact(call, options):
    """Whether each result is a sum of integers, a cell, or the size of one."""
    if "max_pool" in call.kind and not call.backward:
        return True
    if call.wrong is not None and call.wrong[0] in call.operands:
        return False  # its values are not known
    if any(
        operand.values not in WHOLE
        for name, operand in call.operands.items()
        if name not in ("indices", "connections")
    ):
        return False
    if call.kind in LINEAR + SIGNAL or "max_pool" in call.kind:
        return True
    if call.backward:
        return False
    return "avg_pool" in call.kind or (call.kind == "lp_pool" and options.get("p") == inf)


def _first(got, want, bad, tolerance=None):
    """Name the first of the numbers that are bad."""
    if not bad.any():
        return None
    place = tuple(map(int, np.argwhere(bad)[0]))
    allowed = "" if tolerance is None else f" (at most {tolerance[place]:.3g} off)"
    return (
        f"{int(bad.sum())} of {bad.size} numbers are wrong, the first at {place}: "
        f"{got[place]!r} instead of {want[place]!r}{allowed}"
    )


def _beyond(got, want, tolerance, loose):
    """Name a number that is off by more than `tolerance`; `loose` is where anything may be."""
    wide, exactly = got.astype(np.float64), want.astype(np.float64)
    largest = 0.99 * float(np.finfo(got.dtype).max)
    # at the end of the range one may be rounded to infinity and the other not
    at_end = (
        (np.sign(wide) == np.sign(exactly)) & (abs(wide) >= largest) & (abs(exactly) >= largest)
    )
    right = (wide == exactly) | (np.isnan(wide) & np.isnan(exactly)) | at_end
    near = np.isfinite(wide) & np.isfinite(exactly) & (abs(wide - exactly) <= tolerance)
    return _first(got, want, ~(right | near | loose), np.broadcast_to(tolerance, want.shape))


def _tolerance(call, plain, options, which, want):
    """How far each number may be off, and whether it may be anything.

    It may where the terms' sizes add up to more than the largest number, for sums may overflow on
    the way in one order and not in another. A NaN of an operand comes through all the same.
    """
    computed = np.finfo(np.result_type(want.dtype, np.float32))
    terms, wide = (
        _terms(call, plain),
        {
            name: _sizes(value) if name in SUMMED and value is not None else value
            for name, value in plain.items()
        },
    )
    if "border" in options and "max_pool" not in call.kind:
        options = {**options, "border": _magnitudes(options["border"])}
    if call.kind == "weighted_pool":
        relative, largest = _of_weighted(call, plain, wide, options, terms, computed)
    elif call.kind in ("lp_pool", "l2_pool"):
        relative, largest = _of_norm(call, wide, options, terms, computed)
    else:
        if "max_pool" in call.kind:  # where the largest cells are stays
            wide["x"] = plain["x"]
        size = _oracle(call, wide, options, which)
        relative = (terms + 16) * float(computed.eps) * size
        largest = size * (terms if "avg" in call.kind else 1)
    # a product, a sum or a result may be rounded to a subnormal number
    tolerance = relative + (terms + 4) * float(computed.smallest_subnormal)
    if want.dtype == np.float16:  # computed in float32, then rounded
        tolerance += (
            float(np.finfo(np.float16).eps)
            * abs(np.nan_to_num(want.astype(np.float64), posinf=0, neginf=0))
            + 2.0**-24
        )
    loose = ~(largest < 0.25 * float(computed.max))
    if loose.any():
        kept = {
            name: np.where(np.isnan(plain[name]), np.nan, 1.0).astype(plain[name].dtype)
            for name in SUMMED[:5]
            if np.asarray(plain.get(name)).dtype.kind == "f"
        }
        loose &= ~np.isnan(_oracle(call, {**plain, **kept}, options, which))
    return tolerance, loose


def _sizes(value):
    """The sizes of the finite numbers of an operand, and 0 in the place of others."""
    return np.nan_to_num(abs(np.asarray(value).astype(np.float64)), nan=0, posinf=0, neginf=0)


def _magnitudes(border):
    """The sizes of what the padding holds."""
    if isinstance(border, (list, tuple)):
        return [_magnitudes(each) for each in border]
    return border if isinstance(border, str) else float(_sizes(border))


def _terms(call, plain):
    """At most how many terms a sum has."""
    if call.kind in SIGNAL:
        return min(np.size(plain["x"]), np.size(plain["w"]))
    if call.kind not in LINEAR:
        return prod(call.kernel or call.space)
    products = max(call.c, call.k, 1) * prod(call.kernel)
    if call.backward:
        return 4 * max(max(call.n or 1, 1) * prod(call.output), products)
    return products + 1


def _oracle(call, plain, options, which, backward=None):
    backward = call.backward if backward is None else backward
    result = getattr(reference, call.like(backward=backward).op)(**plain, **options)
    return result[which] if isinstance(result, tuple) else result


def _of_norm(call, wide, options, terms, computed):
    """A norm is a sum of one sign and cannot overflow; a power multiplies a rounding by its order.

    Beyond 64 that is too much for float32, so powers have to be of more digits there.
    """
    p = float(options.get("p", 2))
    eps, double = float(computed.eps), float(np.finfo(np.float64).eps)
    grown = eps * (terms + 16 + 4 * min(p, 64)) + (8 * double * p if p < inf else 0)
    size = _oracle(call, wide, options, 0)
    if not call.backward:
        return grown * size, np.zeros(size.shape)

    # A share is a power of the quotient of a cell and the norm. Both may be subnormal; and there is
    # no quotient where the norm is too large to be a number.
    of_ones = call.like(kind="lp_pool")
    least, x, grad = float(computed.smallest_subnormal), wide["x"], wide["grad"]
    norms = _oracle(call, {"x": x}, options, 0, backward=False)
    shares = {"x": np.ones_like(x), "grad": grad}
    options = {**options, "p": 1}
    if p == 1:  # a share is a sign, of an infinite cell too
        size = _oracle(of_ones, shares, options, 0)
    lost = max(p, 1) * least ** min(max(p - 1, 0), 1) if 1 < p < inf else 0
    quotient = np.where(norms > 0, np.minimum(max(p, 1) * least / norms, 1), 0) * (p < inf)
    relative = (
        grown * size
        + lost * _oracle(of_ones, shares, options, 0)
        + 4 * _oracle(of_ones, {**shares, "grad": grad * quotient}, options, 0)
    )
    too_large = norms >= 0.99 * float(computed.max)
    loose = _oracle(of_ones, {**shares, "grad": too_large * 1.0}, options, 0) > 0
    return relative, np.where(loose, inf, size)


def _of_weighted(call, plain, wide, options, terms, computed):
    """A quotient: its error is that of both sums, by the size of the quotient."""
    normalize, options = options.get("normalize", True), {**options, "normalize": False}
    eps, least = (terms + 16) * float(computed.eps), terms * float(computed.smallest_subnormal)
    if not normalize:
        size = _oracle(call, wide, options, 0)
        return eps * size, size
    ones, window = np.ones_like(wide["x"]), np.asarray(plain["window"], np.float64)
    forward = {"x": ones, "window": window}
    total = abs(_oracle(call, forward, options, 0, backward=False))
    amount = _oracle(call, {**forward, "window": wide["window"]}, options, 0, backward=False)
    if call.backward:
        shares = wide["grad"] / total
        size = _oracle(call, {**wide, "grad": shares * (1 + amount / total)}, options, 0)
        # either quotient may be formed first, and be too large on the way
        seen = {**wide, "grad": shares + wide["grad"], "window": np.maximum(wide["window"], 1)}
        return eps * size + least * np.max(wide["window"]), _oracle(call, seen, options, 0)
    size = _oracle(call, wide, options, 0)
    relative = (eps * size / total + least / total) * (1 + amount / total)
    return relative, np.maximum(size, size / total)
