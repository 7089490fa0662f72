"""Branches: layers with one input, whose results are added or joined."""

from __future__ import annotations

from itertools import accumulate
from typing import Any, ClassVar

import numpy as np

from convcore.graph.tracer import Tracer
from convcore.nn.layers.base import Layer, Shape, quiet
from convcore.nn.layers.sequential import Sequential
from convcore.nn.layers.tree import Parts, Tree
from convcore.spec.operands import Array, result_dtypes


class Identity(Layer):
    """Give the input as it is: a branch that does nothing.

    Examples
    --------
    >>> Identity().forward([[1, 2]]).tolist()
    [[1, 2]]
    """

    pointwise = True

    def _trace(self, to: Tracer, x: str) -> str:
        return x

    def _forward(self, x: Array) -> tuple[Array, Any]:
        return x, None

    def _backward(self, grad: Array, kept: Any, need_dx: bool) -> Array | None:
        return grad if need_dx else None


class Branches(Tree):
    """Layers that all get the same input; subclasses say how their results become one."""

    parts: ClassVar[tuple[str, str]] = ("branch", "branches")
    parallel: ClassVar[bool] = True
    fitting: ClassVar[tuple[str, int]]  # what shapes must be, and the axis from which they agree

    def __init__(self, *branches: Parts) -> None:
        super().__init__(*branches)
        if not self._layers:
            raise ValueError(f"{self.op}: branches must be at least one layer, got none")

    @property
    def axes(self) -> int | None:  # type: ignore[override]
        """Axes of one example, from the first branch that knows them."""
        return next((layer.axes for layer in self._layers if layer.axes is not None), None)

    def _shapes(self, example: Shape) -> list[Shape]:
        """The shapes of all results, which must be equal from an axis on."""
        found = super()._shapes(example)
        what, first = self.fitting
        for place, shape in enumerate(found):
            if len(shape) != len(found[0]) or shape[first:] != found[0][first:]:
                raise ValueError(
                    f"{self.op}: branches must give {what}, got {shape} of {self._called(place)} "
                    f"and {found[0]} of {self._called(0)[:-1]}"
                )
        return found

    def _traced(self, to: Tracer, x: str) -> list[str]:
        """The names of all results."""
        return [self._trace_part(to, name, layer, x) for name, layer in self._parts()]

    def _results(self, x: Array) -> list[Array]:
        self._check_distinct()
        return [layer.forward(x) for layer in self._layers]

    @quiet
    def _back(self, grads: list[Array], need_dx: bool) -> Array | None:
        """The sum of what the branches send back."""
        found = [
            layer.backward(grad, need_dx)
            for layer, grad in zip(self._layers, grads, strict=True)
            if need_dx or layer.parameters()
        ]
        return total(self.op, [dx for dx in found if dx is not None]) if need_dx else None


def total(op: str, arrays: list[Array]) -> Array:
    """The sum of arrays in their order: float16 in float32, integers as floats."""
    common = np.result_type(*arrays)
    dtype, work = result_dtypes(op, common, common)
    y: Array = arrays[0].astype(work)  # a copy: it may be a branch's own
    for array in arrays[1:]:
        y += array
    return y.astype(dtype, copy=False)


class Add(Branches):
    """Give the same input to each branch and add the results.

    Parameters
    ----------
    *branches : Layer, or one iterable of Layer or mapping of str to Layer
        Layers, often :class:`Sequential`, as :class:`Sequential` takes them. Their results must
        have the same shape.

    Raises
    ------
    ValueError, TypeError
        For branches whose results have other shapes, none at all, and a layer that is there twice.

    See Also
    --------
    Residual, Concat

    Examples
    --------
    >>> layer = Add(Identity(), ReLU())
    >>> layer.forward(np.array([[-1.0, 2.0]])).tolist()
    [[-1.0, 4.0]]
    >>> layer.backward(np.array([[1.0, 1.0]])).tolist()
    [[1.0, 2.0]]
    """

    fitting = "one shape", 0

    def _shape(self, shape: Shape) -> Shape:
        return self._shapes(shape)[0]

    def _trace(self, to: Tracer, x: str) -> str:
        y, *others = self._traced(to, x)
        for other in others:
            y = to.node("Add", y, other)
        return y

    @quiet
    def _forward(self, x: Array) -> tuple[Array, Any]:
        return total(self.op, self._results(x)), None

    def _backward(self, grad: Array, kept: Any, need_dx: bool) -> Array | None:
        return self._back([grad] * len(self), need_dx)


class Concat(Branches):
    """Give the same input to each branch and join the results along their channels.

    Parameters
    ----------
    *branches : Layer, or one iterable of Layer or mapping of str to Layer
        Layers, often :class:`Sequential`, as :class:`Sequential` takes them. Their results are
        (N, channels, ...), equal in all axes but the channels.

    Raises
    ------
    ValueError, TypeError
        For branches whose results do not fit beside each other, none at all, and a layer that is
        there twice.

    See Also
    --------
    Add

    Notes
    -----
    Szegedy et al., *Going deeper with convolutions* (2015), and the skips of a U-net:
    :func:`models.unet`.

    Examples
    --------
    >>> layer = Concat(Identity(), ReLU())
    >>> layer.forward(np.array([[-1.0, 2.0]])).tolist()
    [[-1.0, 2.0, 0.0, 2.0]]
    >>> Concat(MaxPool2d(2), AvgPool2d(2)).output_shape((8, 6, 6))
    (16, 3, 3)
    """

    fitting = "shapes that differ in the channels alone", 1

    def _shape(self, shape: Shape) -> Shape:
        found = self._shapes(shape)
        if not found[0]:
            raise ValueError(f"{self.op}: branches must give channels, got shape ()")
        return (sum(one[0] for one in found), *found[0][1:])

    def _trace(self, to: Tracer, x: str) -> str:
        return to.node("Concat", *self._traced(to, x), axis=1)

    def _forward(self, x: Array) -> tuple[Array, Any]:
        results = self._results(x)
        return np.concatenate(results, axis=1), [y.shape[1] for y in results]

    def _backward(self, grad: Array, kept: Any, need_dx: bool) -> Array | None:
        return self._back(np.split(grad, list(accumulate(kept))[:-1], axis=1), need_dx)


class Residual(Add):
    """A stack of layers whose input is added to its result, as it is or through a shortcut.

    Parameters
    ----------
    *layers : Layer, or one iterable of Layer or mapping of str to Layer
        The stack, as :class:`Sequential` takes it. It is the branch "body".
    shortcut : Layer, optional
        What the input goes through before it is added, where the stack changes its shape: a
        convolution of one cell, for example. Default: an :class:`Identity`.

    Raises
    ------
    ValueError, TypeError
        For layers that do not fit, a stack that changes the shape otherwise than its shortcut, and
        a layer that is there twice.

    See Also
    --------
    Add, Sequential

    Notes
    -----
    He, Zhang, Ren and Sun, *Deep residual learning for image recognition* (2016). The activation
    after the sum is another layer.

    Examples
    --------
    >>> layer = Residual(Conv2d(4, 4, 3, padding=1, rng=0), ReLU())
    >>> layer.output_shape((4, 8, 8)), list(layer.parameters())
    ((4, 8, 8), ['body.0.weight', 'body.0.bias'])
    >>> Residual(Conv2d(4, 8, 3, rng=0)).output_shape((4, 8, 8))
    Traceback (most recent call last):
        ...
    ValueError: Residual: branches must give one shape, got (4, 8, 8) of branch 1 'shortcut',
    Identity(), and (8, 6, 6) of branch 0 'body', Sequential
    """

    def __init__(self, *layers: Parts, shortcut: Layer | None = None) -> None:
        beside = Identity() if shortcut is None else shortcut
        super().__init__({"body": Sequential(*layers), "shortcut": beside})
