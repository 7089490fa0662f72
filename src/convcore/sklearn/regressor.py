"""A network that predicts numbers, as an estimator of scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin
from sklearn.utils.validation import validate_data

from convcore import nn
from convcore.sklearn.base import ConvEstimator
from convcore.spec.operands import Array
from convcore.spec.options import as_int


class ConvRegressor(RegressorMixin, ConvEstimator):
    """A convolutional network that predicts numbers from the rows of a table, each an image.

    Parameters
    ----------
    build, image_shape, epochs, batch_size, optimizer, learning_rate, weight_decay, augment
        As in :class:`ConvClassifier`. The network has a result for each target.
    random_state, verbose
        As in :class:`ConvClassifier`.

    Attributes
    ----------
    model_, history_, n_iter_, n_features_in_, feature_names_in_, image_shape_
        As in :class:`ConvClassifier`. The loss is the mean of squares.

    Raises
    ------
    ValueError, TypeError
        As :class:`ConvClassifier`.

    See Also
    --------
    ConvClassifier, FilterBank

    Notes
    -----
    X and y should be scaled, to a standard deviation near 1. scikit-learn's
    ``TransformedTargetRegressor`` scales y.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(200, 12))
    >>> y = x[:, 2:5].mean(axis=1)
    >>> ConvRegressor(random_state=0).fit(x, y).score(x, y) > 0.9
    True
    """

    _loss = staticmethod(nn.mse)

    def fit(self, X: ArrayLike, y: ArrayLike) -> ConvRegressor:
        """Build a network and train it.

        Parameters
        ----------
        X : array_like, shape (n, features)
            An image a row.
        y : array_like, shape (n,) or (n, targets)
            Wanted numbers.

        Returns
        -------
        ConvRegressor
        """
        epochs = as_int(type(self).__name__, "epochs", self.epochs, 1)
        table, wanted = self._read(X, y, reset=True)
        self._start(wanted)
        self._train(table, wanted.reshape(len(wanted), -1), epochs)
        return self

    def partial_fit(self, X: ArrayLike, y: ArrayLike) -> ConvRegressor:
        """Train for one epoch more.

        Parameters
        ----------
        X, y : array_like
            As in :meth:`fit`.

        Returns
        -------
        ConvRegressor
        """
        first = not hasattr(self, "model_")
        table, wanted = self._read(X, y, reset=first)
        if first:
            self._start(wanted)
        elif wanted.shape[1:] != self._targets:
            raise ValueError(
                f"{type(self).__name__}: y must have shape (n, *{self._targets}), got "
                f"{wanted.shape}"
            )
        self._train(table, wanted.reshape(len(wanted), -1), 1)
        return self

    def predict(self, X: ArrayLike) -> Array:
        """Return the numbers of each image.

        Parameters
        ----------
        X : array_like, shape (n, features)
            An image a row.

        Returns
        -------
        ndarray, shape (n,) or (n, targets)
        """
        results = self._results(X)
        return results.astype(np.float64).reshape(len(results), *self._targets)

    def _start(self, wanted: Array) -> None:
        self._targets = wanted.shape[1:]
        self._begin(wanted[0].size)

    def _read(self, X: Any, y: Any, reset: bool) -> tuple[Array, Array]:
        table, wanted = validate_data(
            self, X, y, reset=reset, dtype=[np.float64, np.float32], multi_output=True,
            y_numeric=True,
        )  # fmt: skip
        return table, wanted.astype(np.float64, copy=False)

    def __sklearn_tags__(self) -> Any:
        """It predicts several numbers too."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
