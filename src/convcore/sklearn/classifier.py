"""A network that classifies, as an estimator of scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d, validate_data

from convcore import nn
from convcore.sklearn.base import ConvEstimator
from convcore.spec.errors import short_repr
from convcore.spec.operands import Array
from convcore.spec.options import as_int


class ConvClassifier(ClassifierMixin, ConvEstimator):
    """A convolutional network that classifies the rows of a table, each of them an image.

    Parameters
    ----------
    build : function, optional
        ``build(image_shape, outputs, rng)`` returns a network of ``convcore.nn``, whose result
        is a score for each class. Default: a convolution of 16 channels, a pooling and two
        :class:`convcore.nn.Linear`.
    image_shape : tuple of ints, optional
        Channels and 1 to 3 sizes of the image that a row of X holds. Default: a signal of one
        channel, as long as the row.
    epochs : int
        How many times ``fit`` uses every example.
    batch_size : int
        Examples a step.
    optimizer : {"adam", "sgd"}
        :class:`convcore.nn.Adam`, or :class:`convcore.nn.SGD` with momentum 0.9.
    learning_rate, weight_decay : float
        As these take them.
    augment : function, optional
        As in :func:`convcore.nn.fit`.
    random_state : int, RandomState or None
        Decides the first weights, the order of examples, and dropout.
    verbose : bool
        Whether to show progress.

    Attributes
    ----------
    classes_ : ndarray
        The labels, sorted.
    model_ : convcore.nn.Layer
        The network, frozen.
    history_ : list of convcore.nn.Epoch
        Loss and accuracy of each epoch.
    n_iter_ : int
        Epochs done.
    n_features_in_, feature_names_in_, image_shape_
        Of the X that it was fitted to.

    Raises
    ------
    ValueError, TypeError
        From ``fit``: for options out of range, and tables that are sparse, empty or not finite.

    See Also
    --------
    ConvRegressor, FilterBank, convcore.nn.fit

    Notes
    -----
    The same ``random_state`` gives the same bits on one machine, with any number of threads. X
    should be scaled, to a standard deviation near 1, by a ``StandardScaler`` say.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(return_X_y=True)
    >>> digits = ConvClassifier(image_shape=(1, 8, 8), epochs=5, random_state=0)
    >>> digits.fit(X[:1000] / 8 - 1, y[:1000]).score(X[1000:] / 8 - 1, y[1000:]) > 0.9
    True
    """

    _loss = staticmethod(nn.cross_entropy)

    def fit(self, X: ArrayLike, y: ArrayLike) -> ConvClassifier:
        """Build a network and train it.

        Parameters
        ----------
        X : array_like, shape (n, features)
            An image a row.
        y : array_like, shape (n,)
            Labels of any type.

        Returns
        -------
        ConvClassifier
        """
        epochs = as_int(type(self).__name__, "epochs", self.epochs, 1)
        table, labels = self._read(X, y, reset=True)
        self.classes_, places = np.unique(labels, return_inverse=True)
        self._begin(len(self.classes_))
        self._train(table, places, epochs)
        return self

    def partial_fit(
        self, X: ArrayLike, y: ArrayLike, classes: ArrayLike | None = None
    ) -> ConvClassifier:
        """Train for one epoch more.

        Parameters
        ----------
        X, y : array_like
            As in :meth:`fit`.
        classes : array_like, optional
            All labels that will ever come. The first call must have them.

        Returns
        -------
        ConvClassifier
        """
        op = type(self).__name__
        first = not hasattr(self, "model_")
        table, labels = self._read(X, y, reset=first)
        if classes is not None:
            known = np.unique(column_or_1d(classes))
            if not first and not np.array_equal(known, self.classes_):
                raise ValueError(
                    f"{op}: classes must be those of the first call, {short_repr(self.classes_)}, "
                    f"got {short_repr(known)}"
                )
        elif first:
            raise ValueError(f"{op}: classes must be given to the first partial_fit, got None")
        else:
            known = self.classes_
        places = np.searchsorted(known, labels).clip(max=len(known) - 1)
        wrong = known[places] != labels
        if wrong.any():
            raise ValueError(
                f"{op}: y must have labels of {short_repr(known)}, got "
                f"{short_repr(labels[wrong][0])}"
            )
        if first:
            self.classes_ = known
            self._begin(len(known))
        self._train(table, places, 1)
        return self

    def predict_proba(self, X: ArrayLike) -> Array:
        """Return the probability of each class, in the order of ``classes_``.

        Parameters
        ----------
        X : array_like, shape (n, features)
            An image a row.

        Returns
        -------
        ndarray, shape (n, classes)
        """
        return nn.Softmax().forward(self._results(X))

    def predict(self, X: ArrayLike) -> Array:
        """Return the most probable label of each image.

        Parameters
        ----------
        X : array_like, shape (n, features)
            An image a row.

        Returns
        -------
        ndarray, shape (n,)
        """
        scores = self._results(X)
        labels: Array = self.classes_[scores.argmax(axis=1)]
        return labels

    def _read(self, X: Any, y: Any, reset: bool) -> tuple[Array, Array]:
        table, labels = validate_data(self, X, y, reset=reset, dtype=[np.float64, np.float32])
        check_classification_targets(labels)
        return table, column_or_1d(labels)
