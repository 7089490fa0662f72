"""What classifier and regressor have in common: a network, built and trained."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from convcore import nn
from convcore.spec.errors import short_repr
from convcore.spec.operands import FLOAT32, FLOAT64, Array
from convcore.spec.options import as_bool, as_float, as_int, check_choice, to_list

Shape = tuple[int, ...]
# Takes the shape of an image, the number of outputs and a generator; returns the network.
Build = Callable[[Shape, int, "np.random.Generator"], nn.Layer]

OPTIMIZERS = ("adam", "sgd")
MOMENTUM = 0.9
FEWEST = 4  # cells along an axis that the default network pools
BATCH = 256  # images at a time in use


def small_network(image_shape: Shape, outputs: int, rng: np.random.Generator) -> nn.Layer:
    """Build the default network: a convolution, a pooling where there is room, and two layers."""
    axes, channels = len(image_shape) - 1, 16
    conv = getattr(nn, f"Conv{axes}d")(
        image_shape[0], channels, 3, padding="same", rng=rng, gain=2**0.5
    )
    layers = [conv, nn.ReLU()]
    if min(image_shape[1:]) >= FEWEST:
        layers.append(getattr(nn, f"MaxPool{axes}d")(2))
    layers.append(nn.Flatten())
    (cells,) = nn.Sequential(layers).output_shape(image_shape)
    hidden = nn.Linear(cells, 64, rng=rng, gain=2**0.5)
    return nn.Sequential(*layers, hidden, nn.ReLU(), nn.Linear(64, outputs, rng=rng))


def read_image_shape(op: str, image_shape: object, features: int) -> Shape:
    """Return the shape (channels, *cells) of each row; by default it is a signal."""
    if image_shape is None:
        return 1, features
    given = to_list(image_shape)
    if not isinstance(given, (list, tuple)):
        raise TypeError(
            f"{op}: image_shape must be a tuple (channels, *sizes), got {short_repr(image_shape)}"
        )
    shape = tuple(as_int(op, "image_shape", size, 1) for size in given)
    if not 2 <= len(shape) <= 4 or prod(shape) != features:
        raise ValueError(
            f"{op}: image_shape must be channels and 1 to 3 sizes whose product is the number of "
            f"features, {features}, got {shape}"
        )
    return shape


def cast_finite(op: str, name: str, array: Array, dtype: Any) -> Array:
    """Return an array in a dtype; refuse numbers that are not finite in it."""
    with np.errstate(over="ignore"):
        found: Array = array.astype(dtype, copy=False)
    bad = ~np.isfinite(found)
    if bad.any():
        place = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(
            f"{op}: {name} must be finite in {np.dtype(dtype)}, got {array[place]} at {list(place)}"
        )
    return found


class ConvEstimator(BaseEstimator):
    """A network that is trained by :func:`convcore.nn.fit`."""

    _loss: ClassVar[Any]  # one of convcore.nn

    def __init__(
        self,
        build: Build | None = None,
        image_shape: Shape | None = None,
        *,
        epochs: int = 30,
        batch_size: int = 32,
        optimizer: str = "adam",
        learning_rate: float = 0.003,
        weight_decay: float = 0.0,
        augment: Callable[[Array, np.random.Generator], Array] | None = None,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.build = build
        self.image_shape = image_shape
        self.epochs = epochs
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.augment = augment
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_is_fitted__(self) -> bool:
        """Whether there is a network."""
        return hasattr(self, "model_")

    def _begin(self, outputs: int) -> None:
        """Build the network and its optimizer."""
        op = type(self).__name__
        self.image_shape_ = read_image_shape(op, self.image_shape, self.n_features_in_)
        if self.build is not None and not callable(self.build):
            raise TypeError(f"{op}: build must be a function, got {short_repr(self.build)}")
        rate = as_float(op, "learning_rate", self.learning_rate, 0)
        decay = as_float(op, "weight_decay", self.weight_decay, 0)
        if check_choice(op, "optimizer", self.optimizer, OPTIMIZERS) == "sgd":
            self.optimizer_: nn.Optimizer = nn.SGD(rate, MOMENTUM, decay)
        else:
            self.optimizer_ = nn.Adam(rate, weight_decay=decay)
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        self._generator = np.random.default_rng(seed)
        model = (self.build or small_network)(self.image_shape_, outputs, self._generator)
        if not isinstance(model, nn.Layer):
            raise TypeError(
                f"{op}: build must return a layer of convcore.nn, got {short_repr(model)}"
            )
        shape = model.output_shape(self.image_shape_)
        if shape != (outputs,):
            raise ValueError(
                f"{op}: build must return a network whose result has shape ({outputs},), got "
                f"{shape}"
            )
        self.model_, self.n_iter_ = model, 0
        self.history_: list[nn.Epoch] = []

    def _train(self, X: Array, y: Array, epochs: int) -> None:
        """Train for some epochs; the network is frozen, and ready for any number of threads."""
        op = type(self).__name__
        batch_size = as_int(op, "batch_size", self.batch_size, 1)
        self.model_.unfreeze()
        self.history_ += nn.fit(
            self.model_, self._images(X), y, optimizer=self.optimizer_, loss=type(self)._loss,
            epochs=epochs, batch_size=batch_size, augment=self.augment, rng=self._generator,
            progress=as_bool(op, "verbose", self.verbose),
        )  # fmt: skip
        self.n_iter_ += epochs
        self.model_.freeze()

    def _images(self, X: Array) -> Array:
        images: Array = cast_finite(type(self).__name__, "X", X, self._dtype())
        return images.reshape(-1, *self.image_shape_)

    def _dtype(self) -> Any:
        """The dtype of the network: float64 if all parameters are."""
        parameters = self.model_.parameters().values()
        return FLOAT64 if all(array.dtype == FLOAT64 for array in parameters) else FLOAT32

    def _results(self, X: Any) -> Array:
        """The network's results for rows."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=[np.float64, np.float32])
        images = self._images(X)
        with np.errstate(over="ignore", invalid="ignore"):
            found = np.concatenate(
                [
                    self.model_.forward(images[begin : begin + BATCH])
                    for begin in range(0, len(images), BATCH)
                ]
            )
        if not np.isfinite(found).all():
            raise ValueError(
                f"{type(self).__name__}: results of the network must be finite, got NaN or infinity"
            )
        return found
