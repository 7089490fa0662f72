"""Fixed filters as a transformer of scikit-learn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from itertools import chain, product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from convcore import api
from convcore.sklearn.base import BATCH, cast_finite, read_image_shape
from convcore.spec.border import AnyBorder, as_border
from convcore.spec.operands import Array, as_array, check_dtype
from convcore.spec.options import check_choice, per_axis

LAWS = ((1.0, 2.0, 1.0), (-1.0, 0.0, 1.0), (-1.0, 2.0, -1.0))  # level, edge, spot
ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "abs": np.abs,
    "relu": lambda y: np.maximum(y, 0),
    "identity": lambda y: y,
}
POOLS = {"mean": "adaptive_avg_pool", "max": "adaptive_max_pool"}


class FilterBank(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    r"""Features of images: how strongly fixed filters answer, in each part of the image.

    .. math:: F_{k, c} = \operatorname*{mean}_{o \in c} \lvert (K_k * V)_o \rvert

    for each filter k and each part c of a grid over the image.

    Parameters
    ----------
    filters : array_like, shape (filters, \*kernel), optional
        Kernels K, applied to each channel. Default: Laws' products of (1, 2, 1), (-1, 0, 1) and
        (-1, 2, -1) along each axis: 3, 9 or 27 filters.
    image_shape : tuple of ints, optional
        Channels and 1 to 3 sizes of the image that a row of X holds. Default: a signal of one
        channel, as long as the row.
    border : word or number
        What lies beyond the image, as in :func:`convcore.conv2d`.
    activation : {"abs", "relu", "identity"}
        What happens to an answer.
    pool : {"mean", "max"}
        What is made of the answers of a part.
    cells : int, or one for each axis
        Parts of the image along each axis, at most its cells.

    Attributes
    ----------
    filters_ : ndarray, shape (filters, \*kernel)
        The kernels.
    n_features_in_, feature_names_in_, image_shape_
        Of the X that it was fitted to.

    Raises
    ------
    ValueError, TypeError
        From ``fit``: for options out of range, filters or a border that are not finite, and tables
        that are sparse, empty or not finite.

    See Also
    --------
    ConvClassifier, convcore.conv2d

    Notes
    -----
    Nothing is learned: ``fit`` reads sizes. K. I. Laws, *Textured image segmentation* (1980), has
    the filters and the mean of absolute values, which he calls texture energy.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> X, y = load_digits(return_X_y=True)
    >>> bank = FilterBank(image_shape=(1, 8, 8), cells=4)
    >>> bank.fit_transform(X).shape
    (1797, 144)
    >>> model = make_pipeline(bank, StandardScaler(), LogisticRegression(max_iter=200))
    >>> model.fit(X[:1000], y[:1000]).score(X[1000:], y[1000:]) > 0.9
    True
    """

    def __init__(
        self,
        filters: ArrayLike | None = None,
        image_shape: tuple[int, ...] | None = None,
        *,
        border: AnyBorder = "reflect",
        activation: str = "abs",
        pool: str = "mean",
        cells: int | Sequence[int] = 2,
    ) -> None:
        self.filters = filters
        self.image_shape = image_shape
        self.border = border
        self.activation = activation
        self.pool = pool
        self.cells = cells

    def fit(self, X: ArrayLike, y: object = None) -> FilterBank:
        """Read the sizes of images and filters.

        Parameters
        ----------
        X : array_like, shape (n, features)
            An image a row.
        y : object
            Not used.

        Returns
        -------
        FilterBank
        """
        op = type(self).__name__
        table = validate_data(self, X, dtype=[np.float64, np.float32])
        shape = read_image_shape(op, self.image_shape, self.n_features_in_)
        axes = len(shape) - 1
        if self.filters is None:
            lines = product(np.array(LAWS), repeat=axes)
            filters: Array = np.array([reduce(np.multiply.outer, each) for each in lines])
        else:
            filters = as_array(op, "filters", self.filters).copy()
            check_dtype(op, "filters", filters.dtype)
        if filters.ndim != axes + 1 or not filters.size:
            raise ValueError(
                f"{op}: filters must have shape (filters, *kernel) with {axes} sizes of a kernel, "
                f"got {filters.shape}"
            )
        check_choice(op, "activation", self.activation, tuple(ACTIVATIONS))
        check_choice(op, "pool", self.pool, tuple(POOLS))
        wanted = per_axis(op, "cells", self.cells, axes)
        grid = tuple(min(pair) for pair in zip(wanted, shape[1:], strict=True))
        self.image_shape_, self.filters_, self._grid = shape, filters, grid
        self._n_features_out = self._features(table[:1]).shape[1]  # refuses what does not fit
        return self

    def transform(self, X: ArrayLike) -> Array:
        """Return the features of each image: channel by channel, filter by filter, part by part.

        Parameters
        ----------
        X : array_like, shape (n, features)
            An image a row.

        Returns
        -------
        ndarray, shape (n, channels * filters * parts)
            float32 for an X of float32, else float64.
        """
        check_is_fitted(self)
        table = validate_data(self, X, reset=False, dtype=[np.float64, np.float32])
        return np.concatenate(
            [self._features(table[begin : begin + BATCH]) for begin in range(0, len(table), BATCH)]
        )

    def _features(self, table: Array) -> Array:
        channels, axes = self.image_shape_[0], len(self.image_shape_) - 1
        op, dtype = type(self).__name__, table.dtype
        border = as_border(op, self.border, axes)
        for side in chain.from_iterable(border) if isinstance(border, tuple) else (border,):
            if not isinstance(side, str):
                cast_finite(op, "border", np.array([side]), dtype)
        one = cast_finite(op, "filters", self.filters_, dtype)[:, np.newaxis]
        weight = np.tile(one, (channels, *(1,) * (axes + 1)))
        y = getattr(api, f"conv{axes}d")(
            table.reshape(-1, *self.image_shape_), weight, padding="same", groups=channels,
            border=border,
        )  # fmt: skip
        answers = ACTIVATIONS[self.activation](y)
        pooled: Array = getattr(api, f"{POOLS[self.pool]}{axes}d")(answers, self._grid)
        return pooled.reshape(len(table), -1)

    def __sklearn_tags__(self) -> Any:
        """float32 stays."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
