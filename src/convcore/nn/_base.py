"""What every layer is: a function of arrays that keeps what its gradient needs."""

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from convcore import _args, geometry
from convcore._args import Array, DType
from convcore.geometry import Count

Shape = tuple[int, ...]


class Layer:
    """A layer of a network; its subclasses say what it computes.

    A layer of your own overrides ``_forward`` and ``_backward``, ``_shape`` if shapes change, and
    names its parameters' attributes in ``arrays``.

    Examples
    --------
    >>> class Square(Layer):
    ...     def _forward(self, x):
    ...         return x * x, x
    ...     def _backward(self, grad, kept, need_dx):
    ...         return 2 * kept * grad
    >>> layer = Square()
    >>> layer.forward(np.array([[3.0]])), layer.backward(np.array([[1.0]]))
    (array([[9.]]), array([[6.]]))
    """

    axes: int | None = None  # of one example, without the batch; None: any number
    arrays: tuple[str, ...] = ()  # the attributes that hold parameters
    operator: str | None = None  # of this library, what geometry.count reads
    weight: Array | None = None
    bias: Array | None = None

    def __init__(self) -> None:
        self.options: dict[str, Any] = {}
        self.gradients: dict[str, Array] = {}  # of the last backward, by the parameters' names
        self.training = False
        self._frozen = False
        self._kept: tuple[Any, Shape, Shape, bool] | None = None
        self._fitting: Shape | None = None  # an example's shape that has been checked

    # What subclasses say

    def _shape(self, shape: Shape) -> Shape:
        """An example's shape after the layer; ValueError where it does not fit."""
        return shape

    def _forward(self, x: Array) -> tuple[Array, Any]:
        """The result for a batch, and what the gradient will need of it."""
        raise NotImplementedError

    def _backward(self, grad: Array, kept: Any, need_dx: bool) -> Array | None:
        """The gradient of x, after those of the parameters have been put into gradients."""
        raise NotImplementedError

    def count(self, input_shape: Shape) -> Count:
        """Count the layer's parameters, connections and multiply-adds, without running it.

        Parameters
        ----------
        input_shape : tuple of ints
            Shape of its input, as :meth:`output_shape` takes it.

        Returns
        -------
        convcore.geometry.Count
        """
        if self.operator is None:  # of a layer of one's own, the numbers and no more
            self.output_shape(input_shape)
            numbers = sum(array.size for array in self._own().values())
            return Count(numbers, numbers, 0, 0, 0)
        return geometry.count(
            geometry.Layer(self.operator, self.weight, self.bias, **self.options), input_shape
        )

    # What users call

    @property
    def op(self) -> str:
        """The name that errors carry."""
        return type(self).__name__

    def __call__(self, x: ArrayLike) -> Array:
        """Run :meth:`forward`."""
        return self.forward(x)

    def __repr__(self) -> str:
        return f"{self.op}()"

    def forward(self, x: ArrayLike) -> Array:
        """Compute the layer's result for a batch, or for one example without a batch axis.

        Keeps a reference to what :meth:`backward` needs (not in a frozen layer): do not change x
        in place before.

        Parameters
        ----------
        x : array_like, shape (N, ...)
            The examples.

        Returns
        -------
        ndarray

        Raises
        ------
        ValueError, TypeError, MemoryError
            For a shape that does not fit the layer, naming both.
        """
        x = _args.array(self.op, "x", x)
        _args.check_dtype(self.op, "x", x.dtype)
        single = x.ndim == self.axes
        if single:
            x = x[np.newaxis]
        elif x.ndim == 0 or (self.axes is not None and x.ndim != self.axes + 1):
            raise ValueError(f"{self.op}: x must have {self._expected_axes()}, got shape {x.shape}")
        if x.shape[1:] != self._fitting:
            self._shape(x.shape[1:])
            self._fitting = x.shape[1:]
        y, kept = self._forward(x)
        self._kept = None if self._frozen else (kept, x.shape, y.shape, single)
        return y[0] if single else y

    def backward(self, grad: ArrayLike, need_dx: bool = True) -> Array | None:
        """Compute the gradient of the last forward's x, and those of the parameters.

        Parameters
        ----------
        grad : array_like
            Gradient of a number with respect to the last result, of its shape.
        need_dx : bool
            False leaves the gradient of x out, which the first layer of a network can.

        Returns
        -------
        ndarray or None
            Of the shape of x. The gradients of the parameters are in ``gradients``, by name.

        Raises
        ------
        ValueError, TypeError, MemoryError
            For another shape, and where there was no forward before or the layer is frozen.
        """
        grad = _args.array(self.op, "grad", grad)
        _args.check_dtype(self.op, "grad", grad.dtype)
        if self._kept is None:
            why = "is frozen: unfreeze() it" if self._frozen else "has not run: call forward"
            raise ValueError(f"{self.op}: no gradient without a forward before; the layer {why}")
        kept, x_shape, shape, single = self._kept
        expected = shape[1:] if single else shape
        if grad.shape != expected:
            raise ValueError(
                f"{self.op}: grad has shape {grad.shape}, expected {expected}, that of the result "
                f"for x of shape {x_shape[1:] if single else x_shape}"
            )
        dx = self._backward(grad[np.newaxis] if single else grad, kept, need_dx)
        return dx[0] if single and dx is not None else dx

    def output_shape(self, shape: Shape) -> Shape:
        """Shape of the result for an input of this shape, without running the layer.

        Parameters
        ----------
        shape : tuple of ints
            Of one example; a batch before it is kept, where the layer knows its number of axes
            (:class:`Flatten`, for one, does not).

        Returns
        -------
        tuple of ints

        Raises
        ------
        ValueError, TypeError
            Where the shape does not fit the layer.
        """
        batch, example = self._split(shape)
        return (*batch, *self._shape(example))

    def parameters(self) -> dict[str, Array]:
        """Return the layer's arrays by name, themselves and not copies.

        Returns
        -------
        dict of str to ndarray
        """
        return self._own()

    def layers(self) -> Iterator["Layer"]:
        """All layers inside, the layer itself first."""
        yield self

    def train(self, training: bool = True) -> None:
        """Behave as in training (:class:`Dropout`), or with False as in use, the default."""
        for layer in self.layers():
            layer.training = training

    def freeze(self) -> None:
        """Make the parameters read-only and keep nothing for gradients: for use, not training."""
        for layer in self.layers():
            layer._frozen, layer._kept, layer.gradients = True, None, {}
            layer.training = False
        for array in self.parameters().values():
            array.flags.writeable = False

    def unfreeze(self) -> None:
        """Undo :meth:`freeze`."""
        for layer in self.layers():
            layer._frozen = False
            for name, array in layer._own().items():
                if array.flags.writeable:
                    continue
                try:
                    array.flags.writeable = True
                except ValueError:  # memory that was read-only before, a mapped file say
                    setattr(layer, name, array.copy())

    # For the package

    def _own(self) -> dict[str, Array]:
        """The arrays of this layer itself, not of those inside."""
        arrays = {name: getattr(self, name) for name in self.arrays}
        return {name: array for name, array in arrays.items() if array is not None}

    def _split(self, shape: object) -> tuple[Shape, Shape]:
        """A shape's batch, () if it has none, and the example's."""
        sizes = _args.listed(shape)
        if not isinstance(sizes, (list, tuple)):
            raise TypeError(
                f"{self.op}: shape must be a tuple of integers, got {_args.shown(shape)}"
            )
        read = tuple(_args.whole(self.op, "shape", size, 0) for size in sizes)
        if self.axes is None or len(read) == self.axes:
            return (), read
        if len(read) != self.axes + 1:
            raise ValueError(
                f"{self.op}: shape must have {self._expected_axes()}, got {_args.shown(shape)}"
            )
        return read[:1], read[1:]

    def _expected_axes(self) -> str:
        if self.axes is None:
            return "a batch axis"
        return f"{self.axes + 1} axes, the batch first, or {self.axes} without a batch"


class Elementwise(Layer):
    """A layer that changes values and no shapes; integers become floating-point first."""

    def _forward(self, x: Array) -> tuple[Array, Any]:
        dtype, work = _args.result_type(self.op, x.dtype, x.dtype)
        y = self._map(x if x.dtype == work else x.astype(work))
        return y.astype(dtype, copy=False), y

    def _map(self, x: Array) -> Array:
        raise NotImplementedError

    def _backward(self, grad: Array, kept: Any, need_dx: bool) -> Array | None:
        if not need_dx:
            return None
        dtype, work = _args.result_type(self.op, grad.dtype, grad.dtype, "grad")
        return self._slope(grad.astype(work, copy=False), kept).astype(dtype, copy=False)

    def _slope(self, grad: Array, y: Array) -> Array:
        """The gradient of x, from that of the result and the result itself."""
        raise NotImplementedError


def check_model(op: str, model: object) -> Layer:
    """A layer, and nothing else."""
    if not isinstance(model, Layer):
        raise TypeError(f"{op}: model must be a layer of convcore.nn, got {_args.shown(model)}")
    return model


def floating(op: str, dtype: object) -> DType:
    """The dtype of parameters: float16, float32 or float64."""
    try:
        if dtype is None:  # NumPy's word for float64
            raise TypeError
        read: DType = np.dtype(dtype)  # type: ignore[call-overload]
    except TypeError:
        read = np.dtype(object)
    if read not in _args.FLOATS:
        raise TypeError(
            f"{op}: dtype must be float16, float32 or float64, got {_args.shown(dtype)}"
        )
    return read


def constant(op: str, name: str, shape: Shape, value: float, dtype: DType) -> Array:
    """A parameter that begins with one value everywhere; refuses what no memory holds."""
    if 8 * prod(size or 1 for size in shape) > _args.MOST:
        raise ValueError(f"{op}: a {name} of shape {shape} is too large for any memory")
    try:
        return np.full(shape, value, dtype)
    except MemoryError:
        raise MemoryError(f"{op}: no memory for a {name} of shape {shape}") from None


def initial(
    op: str, rng: np.random.Generator, shape: Shape, fan_in: Array | float, gain: float,
    dtype: DType,
) -> Array:  # fmt: skip
    """Uniform values with the variance gain ** 2 / fan_in, which keeps sums of fan_in as large.

    A fan_in for each entry of the first axis is given as an array.
    """
    bound = np.asarray(gain * np.sqrt(3 / np.maximum(fan_in, 1)))
    drawn = _args.FLOAT64 if dtype == _args.FLOAT64 else _args.FLOAT32
    values = constant(op, "weight", shape, 0, drawn)
    rng.random(dtype=drawn, out=values)  # type: ignore[arg-type]
    values *= 2
    values -= 1
    values *= bound.reshape(-1, *(1,) * (len(shape) - 1)).astype(drawn) if bound.ndim else bound
    return values.astype(dtype, copy=False)
