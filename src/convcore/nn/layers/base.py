"""The base of all layers: a function of arrays that keeps what its gradient needs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from convcore import geometry
from convcore.geometry import Count
from convcore.graph.tracer import Tracer
from convcore.spec.errors import short_repr
from convcore.spec.operands import Array, as_array, check_dtype
from convcore.spec.options import as_int, to_list

Shape = tuple[int, ...]

# Infinity and NaN are results like others; kernels do not warn of them.
quiet = np.errstate(over="ignore", invalid="ignore")


def named(init: Callable[..., None]) -> Callable[..., None]:
    """Wrap a constructor: its errors name the class that was called, and all arguments.

    Python's own errors name the class that defines the constructor, which may be a base.
    """
    signature = inspect.signature(init)
    takes = dict(list(signature.parameters.items())[1:])
    words = ", ".join(
        f"*{name}" if argument.kind is argument.VAR_POSITIONAL else name
        for name, argument in takes.items()
    )
    any_word = any(argument.kind is argument.VAR_KEYWORD for argument in takes.values())

    @wraps(init)
    def checked(self: Any, *args: Any, **options: Any) -> None:
        try:
            for name in options:  # first: it may be meant for one that is missing
                if name not in takes and not any_word:
                    raise TypeError(f"got an unexpected keyword argument {name!r}")
            signature.bind(self, *args, **options)
        except TypeError as error:
            raise TypeError(
                f"{type(self).__name__}: {error}, expected {words or 'no arguments'}"
            ) from None
        init(self, *args, **options)

    return checked


class Named:
    """A class whose constructor, in every subclass, is one of :func:`named`."""

    def __init_subclass__(cls, **options: Any) -> None:
        """Name the class in the errors of its constructor."""
        super().__init_subclass__(**options)
        if "__init__" in vars(cls):
            cls.__init__ = named(cls.__init__)  # type: ignore[method-assign]


class Layer(Named):
    """A layer of a network; its subclasses say what it computes.

    Your own layer overrides ``_forward`` and ``_backward``, and ``_shape`` if shapes change. It
    names its parameters' attributes in ``arrays``. Buffers, which are saved and which no optimizer
    changes, are named in ``untrained``.

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
    _state: ClassVar[object] = None  # another object after each change of a tree, frozen or not
    untrained: tuple[str, ...] = ()  # those that hold buffers, written in place
    pointwise: bool = False  # whether a cell of the result sees the cell in its place alone
    operator: str | None = None  # a public name of this library, for geometry.count
    weight: Array | None = None
    bias: Array | None = None

    def __init__(self) -> None:
        self.options: dict[str, Any] = {}
        self.gradients: dict[str, Array] = {}  # of the last backward, by parameters' names
        self.training = False
        self._frozen = False
        self._kept: tuple[Any, Shape, Shape, bool] | None = None
        self._fitting: Shape | None = None  # the last shape of an example that was checked

    # What subclasses override

    def _shape(self, shape: Shape) -> Shape:
        """An example's shape after the layer; ValueError where it does not fit."""
        return shape

    def _forward(self, x: Array) -> tuple[Array, Any]:
        """The result for a batch, and what its gradient needs."""
        raise NotImplementedError

    def _backward(self, grad: Array, kept: Any, need_dx: bool) -> Array | None:
        """The gradient of x; those of the parameters go into ``gradients``."""
        raise NotImplementedError

    def _trace(self, to: Tracer, x: str) -> str:
        """Write the layer down as nodes of a graph; the name of its result."""
        return to.call(self.op, self.forward, x)

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
        self.output_shape(input_shape)  # its errors name the layer
        if self.operator is None:  # a user's layer: what it connects is not known
            numbers = sum(array.size for array in self._named(self.arrays).values())
            return Count(numbers, numbers, 0, 0, 0)
        return geometry.count(
            geometry.Layer(self.operator, self.weight, self.bias, **self.options), input_shape
        )

    # What users call

    @property
    def op(self) -> str:
        """The name in errors: the class."""
        return type(self).__name__

    def __call__(self, x: ArrayLike) -> Array:
        """Run :meth:`forward`."""
        return self.forward(x)

    def __repr__(self) -> str:
        """Return the call that makes it."""
        return f"{self.op}()"

    def forward(self, x: ArrayLike) -> Array:
        """Compute the layer's result for a batch, or for one example without a batch axis.

        Keeps a reference to what :meth:`backward` needs, unless the layer is frozen: do not change
        x in place before.

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
            For a shape that does not fit the layer.
        """
        x = as_array(self.op, "x", x)
        check_dtype(self.op, "x", x.dtype)
        single = x.ndim == self.axes
        if single:
            x = x[np.newaxis]
        elif x.ndim == 0 or (self.axes is not None and x.ndim != self.axes + 1):
            raise ValueError(f"{self.op}: x must have {self._expected_axes()}, got shape {x.shape}")
        if x.shape[1:] != self._fitting:
            self._shape(x.shape[1:])
            self._fitting = x.shape[1:]
        y, kept = self._run_frozen(x) if self._frozen else None, None
        if y is None:
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
            Whether to compute the gradient of x, which a network's first layer need not.

        Returns
        -------
        ndarray or None
            Of the shape of x. The gradients of the parameters are in ``gradients``, by name.

        Raises
        ------
        ValueError, TypeError, MemoryError
            For another shape, without a forward before, and for a frozen layer.
        """
        grad = as_array(self.op, "grad", grad)
        check_dtype(self.op, "grad", grad.dtype)
        if self._kept is None:
            why = "the layer is frozen, call unfreeze()" if self._frozen else "call forward"
            raise ValueError(f"{self.op}: backward must come after forward: {why}")
        kept, x_shape, shape, single = self._kept
        expected = shape[1:] if single else shape
        if grad.shape != expected:
            raise ValueError(
                f"{self.op}: grad must have the result's shape {expected}, got {grad.shape}; x has "
                f"shape {x_shape[1:] if single else x_shape}"
            )
        dx = self._backward(grad[np.newaxis] if single else grad, kept, need_dx)
        return dx[0] if single and dx is not None else dx

    def output_shape(self, shape: Shape) -> Shape:
        """Shape of the result for an input of this shape, without running the layer.

        Parameters
        ----------
        shape : tuple of ints
            Of one example. A batch before it is kept if the layer knows its number of axes;
            :class:`Flatten`, for one, does not.

        Returns
        -------
        tuple of ints

        Raises
        ------
        ValueError, TypeError
            For a shape that does not fit the layer.
        """
        batch, example = self._split(shape)
        return (*batch, *self._shape(example))

    def parameters(self) -> dict[str, Array]:
        """Return the arrays that training changes by gradients, by name; not copies of them.

        Returns
        -------
        dict of str to ndarray
        """
        return self._named(self.arrays)

    def buffers(self) -> dict[str, Array]:
        """Return the other arrays of the layer's state by name, not copies of them.

        They are saved and copied with the layer, and are no parameters: no gradient, no optimizer
        and no count has them. The running statistics of :class:`BatchNorm2d` are such arrays.

        Returns
        -------
        dict of str to ndarray
        """
        return self._named(self.untrained)

    def state(self) -> dict[str, Array]:
        """Return all that :func:`save` writes: parameters and buffers by name, not copies.

        Returns
        -------
        dict of str to ndarray
            Each layer's parameters come before its buffers.
        """
        return self._own_state()

    def layers(self) -> Iterator[Layer]:
        """All layers inside; the layer itself comes first."""
        yield self

    def train(self, training: bool = True) -> None:
        """Switch to training, or with False back to use.

        :class:`Dropout` and the batch normalisations differ.
        """
        for layer in self.layers():
            layer.training = training

    def freeze(self, input_shape: Shape | None = None) -> None:
        """Make parameters and buffers read-only and keep nothing for gradients.

        Parameters
        ----------
        input_shape : tuple of ints, optional
            Of the inputs to come: what is prepared for them is prepared now.
        """
        if input_shape is not None:
            self.output_shape(input_shape)
        for layer in self.layers():
            layer._frozen, layer._kept, layer.gradients = True, None, {}
            layer.training = False
        Layer._state = object()
        for array in self.state().values():
            array.flags.writeable = False

    def unfreeze(self) -> None:
        """Undo :meth:`freeze`."""
        for layer in self.layers():
            layer._frozen = False
            for name, array in layer._own_state().items():
                if array.flags.writeable:
                    continue
                try:
                    array.flags.writeable = True
                except ValueError:  # its memory is read-only, a mapped file for example
                    setattr(layer, name, array.copy())
        Layer._state = object()

    # Copies

    def __getstate__(self) -> dict[str, Any]:
        """The state of copies and pickles: without what the last forward and backward left."""
        return {**vars(self), "_kept": None, "gradients": {}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take a copy's state; a frozen layer's copy is frozen."""
        vars(self).update(state)
        if self._frozen:  # NumPy's copies are writeable
            for array in self._own_state().values():
                array.flags.writeable = False

    # For the package

    def _run_frozen(self, x: Array) -> Array | None:
        """The result as a frozen network gives it; None: there is none."""
        return None

    def _named(self, names: tuple[str, ...]) -> dict[str, Array]:
        """The arrays that these attributes of the layer itself hold."""
        arrays = {name: getattr(self, name) for name in names}
        return {name: array for name, array in arrays.items() if array is not None}

    def _own_state(self) -> dict[str, Array]:
        """Parameters and buffers of this layer itself, not of those inside."""
        return self._named((*self.arrays, *self.untrained))

    def _split(self, shape: object) -> tuple[Shape, Shape]:
        """The batch of a shape, () without one, and the shape of an example."""
        sizes = to_list(shape)
        if not isinstance(sizes, (list, tuple)):
            raise TypeError(
                f"{self.op}: shape must be a tuple of integers, got {short_repr(shape)}"
            )
        read = tuple(as_int(self.op, "shape", size, 0) for size in sizes)
        if self.axes is None or len(read) == self.axes:
            return (), read
        if len(read) != self.axes + 1:
            raise ValueError(
                f"{self.op}: shape must have {self._expected_axes()}, got {short_repr(shape)}"
            )
        return read[:1], read[1:]

    def _expected_axes(self) -> str:
        if self.axes is None:
            return "a batch axis"
        return f"{self.axes + 1} axes, the batch first, or {self.axes} without a batch"


def call_of(op: str, *words: object, **options: tuple[object, object]) -> str:
    """The call that makes a layer: what it must have, and each (value, default) that differ."""
    named = [f"{name}={value!r}" for name, (value, usual) in options.items() if value != usual]
    return f"{op}({', '.join([*map(str, words), *named])})"


def check_channels(op: str, shape: Shape, channels: int) -> Shape:
    """An example's shape, channels first, if it has that many."""
    if shape[:1] != (channels,):
        got = shape[0] if shape else "none"
        raise ValueError(f"{op}: x must have {channels} channels, got {got} in shape {shape}")
    return shape


def check_model(op: str, model: object) -> Layer:
    """A layer, and nothing else."""
    if not isinstance(model, Layer):
        raise TypeError(f"{op}: model must be a layer of convcore.nn, got {short_repr(model)}")
    return model
