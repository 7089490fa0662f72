"""A network as a list of layers with names."""

from __future__ import annotations

from typing import Any

from convcore.graph.tracer import Tracer
from convcore.nn.layers.base import Layer, Shape
from convcore.nn.layers.tree import Parts, Tree
from convcore.spec.errors import short_repr
from convcore.spec.operands import Array


class Sequential(Tree):
    """Layers one after the other; the result of each is the input of the next.

    It is a layer itself, so that a stack can be part of another. It is also a list: ``model[0]``,
    ``model["C1"]``, ``model[:3]``, ``len(model)``, ``for layer in model``, ``append``, ``insert``,
    ``del``. Layers are not copied.

    Parameters
    ----------
    *layers : Layer, or one iterable of Layer or mapping of str to Layer
        The layers, one argument each or in a list, or names and layers. Without names they are
        called "0", "1" and so on, as ``names`` tells. Parameters are called ``name.weight`` and so
        on. A stack among them is one layer.
    input_shape : tuple of ints, optional
        Shape of one example. With it, layers that do not fit each other are refused at once.

    Raises
    ------
    ValueError, TypeError
        For layers that do not fit, a layer that is there twice, and names with a dot.

    Examples
    --------
    >>> from convcore import nn
    >>> model = nn.Sequential([nn.Conv2d(1, 4, 3, rng=0), nn.ReLU(), nn.MaxPool2d(2)])
    >>> model.output_shape((1, 28, 28))
    (4, 13, 13)
    >>> list(model.parameters())
    ['0.weight', '0.bias']
    >>> model.append(nn.Conv2d(6, 8, 3, rng=0))
    >>> model.output_shape((1, 28, 28))
    Traceback (most recent call last):
        ...
    ValueError: Sequential: layer 3, Conv2d(6, 8, 3), does not fit what layer 2, MaxPool2d(2),
    gives, shape (4, 13, 13): Conv2d: x must have 6 channels, got 4 in shape (4, 13, 13)
    """

    def __init__(self, *layers: Parts, input_shape: Shape | None = None) -> None:
        super().__init__(*layers)
        if input_shape is not None:
            self.output_shape(input_shape)

    # A list that can be changed

    def __getitem__(self, key: int | str | slice) -> Any:
        """The layer of a place or name; a stack of the layers of a slice."""
        if not isinstance(key, slice):
            return super().__getitem__(key)
        part = Sequential()
        for place in self._places(key):
            part.insert(len(part), self._layers[place], self._names[place])
        return part

    def __delitem__(self, key: int | str) -> None:
        """Remove the layer of a place or name."""
        place = self._place(key)
        del self._layers[place], self._names[place]
        self._change()

    def append(self, layer: Layer, name: str | None = None) -> None:
        """Add a layer at the end."""
        self._insert(len(self), layer, name)

    def insert(self, place: int, layer: Layer, name: str | None = None) -> None:
        """Add a layer before the one at a place."""
        self._insert(place, layer, name)

    def _places(self, key: slice) -> range:
        try:
            return range(len(self))[key]
        except TypeError:
            raise TypeError(
                f"{self.op}: a slice must have integers, got {short_repr(key)}"
            ) from None

    # A layer

    @property
    def axes(self) -> int | None:  # type: ignore[override]
        """Axes of one example, from the first layer that knows them."""
        for layer in self._layers:
            if layer.axes is not None or not layer.pointwise:
                return layer.axes
        return None

    def _trace(self, to: Tracer, x: str) -> str:
        for name, layer in self._parts():
            x = self._trace_part(to, name, layer, x)
        return x

    def _shape(self, shape: Shape) -> Shape:
        return self._shapes(shape)[-1] if self._layers else shape

    def _forward(self, x: Array) -> tuple[Array, Any]:
        self._check_distinct()
        for layer in self._layers:
            x = layer.forward(x)
        return x, None

    def _backward(self, grad: Array, kept: Any, need_dx: bool) -> Array | None:
        first = 0
        if not need_dx:  # layers before the first parameters need no gradient
            first = next((i for i, layer in enumerate(self) if layer.parameters()), len(self))
        dx: Array | None = grad
        for place in reversed(range(first, len(self))):
            assert dx is not None
            dx = self._layers[place].backward(dx, need_dx or place > first)
        return dx if need_dx else None
