"""Inputs with missing cells: which are present, and what becomes of the present cells of a window.

Everything is computed output by output, from lists of present cells.
"""

from itertools import product
from typing import NamedTuple

import numpy as np

from convcore.reference._border import padded, sides
from convcore.reference._common import as_bool, channels_last


class Options(NamedTuple):
    """What a call says of missing cells."""

    mask: object = None
    nan: str = "propagate"
    normalize: bool = True
    fill: float = np.nan
    return_weight: bool = False

    @property
    def used(self):
        """Whether cells can be missing, or their share is wanted."""
        return self.mask is not None or self.nan == "ignore" or self.return_weight


def present_cells(x, nd, layout, options):
    """Return which cells of x are present, as an array of bools of its shape."""
    if options.nan not in ("propagate", "ignore"):
        raise ValueError(f"nan must be propagate or ignore, got {options.nan!r}")
    as_bool(options.normalize, "normalize")
    as_bool(options.return_weight, "return_weight")
    present = np.ones(x.shape, bool)
    if options.mask is not None:
        mask = np.asarray(options.mask)
        if mask.dtype != bool:
            raise TypeError(f"mask must be bool, got {mask.dtype}")
        last = channels_last(layout, nd)
        space = x.shape[-nd - 1 : -1] if last else x.shape[-nd:]
        if mask.shape == space:
            mask = mask[..., np.newaxis] if last else mask
        elif mask.ndim != x.ndim or any(
            m not in (1, size) for m, size in zip(mask.shape, x.shape, strict=True)
        ):
            raise ValueError(f"mask must suit x of shape {x.shape}, got {mask.shape}")
        present &= mask
    if options.nan == "ignore":
        present &= ~np.isnan(x)
    return present


def padded_mask(present, batch, pads, border, options):
    """Return what is present of x and its padding, as (n, c, *space).

    Zeros and constants are present, but a NaN that is ignored.
    """
    M = np.moveaxis(present, -1, 1 if batch.batched else 0) if batch.last else present
    M = M if batch.batched else M[np.newaxis]
    of_mask = [
        tuple(_of_mask(side, options.nan) for side in pair) for pair in sides(border, len(pads))
    ]
    return padded(M, pads, of_mask)


def _of_mask(side, nan):
    """Return what the padding of a mask holds on a side."""
    if isinstance(side, str) and side != "zeros":
        return side
    return 0 if nan == "ignore" and side != "zeros" and np.isnan(side) else 1


def is_zero(total, weights, eps):
    """Whether a sum is zero, or rounding alone could make it so where weights have both signs."""
    if (weights >= 0).all() or (weights <= 0).all():
        return total == 0
    return abs(total) <= weights.size * eps * abs(weights).sum()


def check_total(weights, eps, normalize):
    """Refuse weights that sum to zero where sums are divided by it."""
    if normalize and weights.size and abs(weights.sum()) <= weights.size * eps * abs(weights).sum():
        raise ValueError("weights must not sum to 0 with normalize=True, got 0")


class Seen(NamedTuple):
    """What an output of a convolution sees: channels, cells of the padded input, and weights."""

    image: int
    channel: int  # of the output
    output: tuple
    cells: tuple  # index of V
    taps: tuple  # index of K
    weights: object


class Geometry(NamedTuple):
    """How kernels slide, which channels they see, and the rounding of the dtype of sums."""

    sizes: tuple
    stride: tuple
    dilation: tuple
    connections: object
    eps: float


def windows(V, K, geometry):
    """Yield what each output sees; K is (k, c/groups, *kernel)."""
    sizes, s, d, connections, _ = geometry
    c, k, c_of_group = V.shape[1], len(K), K.shape[1]
    group_outputs = k * c_of_group // c if c else k
    for i in range(k):
        inside = np.arange(c_of_group)
        if connections is not None:
            inside = np.flatnonzero(connections[i])
        channels = inside + (i // group_outputs) * c_of_group
        every = [np.arange(r) for r in K.shape[2:]]
        taps = np.ix_(inside, *every)
        for o in product(*map(range, sizes)):
            at = [o_ * s_ + t * d_ for o_, s_, t, d_ in zip(o, s, every, d, strict=True)]
            for image in range(len(V)):
                yield Seen(image, i, o, np.ix_(channels, *at), taps, K[i][taps])


def conv(V, M, K, bias, geometry, options):
    """Z[i,o] = sum_present w V * sum w / sum_present w + bias[i], and the share of present weights.

    Where no cell is present, and where the sum of present weights is 0, Z is `fill`.
    """
    sizes, eps = geometry.sizes, geometry.eps
    Z = np.zeros((len(V), len(K), *sizes))
    share = np.ones(Z.shape)
    for seen in windows(V, K, geometry):
        here = (seen.image, seen.channel, *seen.output)
        b = 0 if bias is None else bias[seen.channel]
        if not seen.weights.size:
            Z[here] = b
            continue
        total, N, P, blank = _sums(V, M, seen, options, eps)
        Z[here] = options.fill if blank else N * (total / P if options.normalize else 1) + b
        share[here] = 0 if blank and options.normalize else _share(seen, M, total, P, eps)
    return Z, share


def _share(seen, M, total, P, eps):
    w, m = seen.weights, M[seen.image][seen.cells]
    if not m.any():
        return 0
    if abs(total) <= w.size * eps * abs(w).sum():  # the share of absolute values
        return abs(w)[m].sum() / abs(w).sum() if w.any() else 1
    return P / total


def _sums(V, M, seen, options, eps):
    """Sum the kernel, the products at present cells and the weights there."""
    w, m = seen.weights, M[seen.image][seen.cells]
    check_total(w, eps, options.normalize)
    v = V[seen.image][seen.cells]
    P = w[m].sum()
    blank = not m.any() or (options.normalize and is_zero(P, w, eps))
    return w.sum(), (w[m] * v[m]).sum(), P, blank


def conv_gradients(G, V, M, K, geometry, options):
    """Return the gradients of V, K and the bias, by the quotient rule at every output.

    With N = sum_present w V, T = sum w and P = sum_present w, Z = N T / P.
    """
    dV, dK, db = np.zeros(V.shape), np.zeros(K.shape), np.zeros(len(K))
    for seen in windows(V, K, geometry):
        g = G[(seen.image, seen.channel, *seen.output)]
        if not seen.weights.size:
            db[seen.channel] += g
            continue
        T, N, P, blank = _sums(V, M, seen, options, geometry.eps)
        if blank:
            continue
        m, v = M[seen.image][seen.cells], V[seen.image][seen.cells]
        ratio = T / P if options.normalize else 1
        dV[seen.image][seen.cells] += np.where(m, g * seen.weights * ratio, 0)
        slope = np.where(m, v, 0) * ratio
        if options.normalize:
            slope = slope + N / P - np.where(m, N * T / P**2, 0)
        dK[seen.channel][seen.taps] += g * slope
        db[seen.channel] += g
    return dV, dK, db
