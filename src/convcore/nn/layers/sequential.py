"""A network as a list of layers with names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from operator import index
from typing import Any

import numpy as np

from convcore.geometry import Count
from convcore.nn.layers.base import Elementwise, Layer, Shape
from convcore.spec.errors import short_repr
from convcore.spec.operands import Array
from convcore.spec.options import as_int

# Iterable, but no list of layers: without order, or never with layers inside.
NO_LISTS = (Mapping, Set, str, bytes, bytearray, np.ndarray)


class Sequential(Layer):
    """Layers one after the other; the result of each is the input of the next.

    It is a layer itself, so that a stack can be part of another. It is also a list: ``model[0]``,
    ``model["C1"]``, ``model[:3]``, ``len(model)``, ``for layer in model``, ``append``, ``insert``,
    ``del``. Layers are not copied.

    Parameters
    ----------
    *layers : Layer, or one iterable of Layer or mapping of str to Layer
        The layers, one argument each or in a list, or names and layers. Without names they are
        called "0", "1" and so on. A stack among them is one layer.
    input_shape : tuple of ints, optional
        Shape of one example. With it, layers that do not fit each other are refused at once.

    Attributes
    ----------
    names : tuple of str
        Of the layers. Parameters are called ``name.weight`` and so on.

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

    def __init__(
        self,
        *layers: Layer | Iterable[Layer] | Mapping[str, Layer],
        input_shape: Shape | None = None,
    ) -> None:
        super().__init__()
        self._layers: list[Layer] = []
        self._names: list[str | None] = []  # None: called by its place
        alone = layers[0] if len(layers) == 1 and not isinstance(layers[0], Layer) else layers
        if isinstance(alone, Mapping) and len(alone):
            for name, layer in alone.items():
                self.insert(len(self), layer, name)
        elif isinstance(alone, NO_LISTS) or not hasattr(alone, "__iter__"):
            raise TypeError(
                f"{self.op}: layers must be layers, a list of layers or a mapping of names to "
                f"layers, got {short_repr(alone)}"
            )
        else:
            for item in alone:
                self.append(item)  # type: ignore[arg-type]
        if input_shape is not None:
            self.output_shape(input_shape)

    # A list

    @property
    def names(self) -> tuple[str, ...]:
        """The layers' names."""
        return tuple(str(place) if name is None else name for place, name in enumerate(self._names))

    def __len__(self) -> int:
        """Number of layers."""
        return len(self._layers)

    def __iter__(self) -> Iterator[Layer]:
        """Iterate over the layers."""
        return iter(self._layers)

    def __getitem__(self, key: int | str | slice) -> Any:
        """The layer of a place or name; a stack of the layers of a slice."""
        if isinstance(key, slice):
            part = Sequential()
            for place in self._places(key):
                part.insert(len(part), self._layers[place], self._names[place])
            return part
        return self._layers[self._place(key)]

    def __delitem__(self, key: int | str) -> None:
        """Remove the layer of a place or name."""
        place = self._place(key)
        del self._layers[place], self._names[place]
        self._fitting = self._kept = None

    def __setitem__(self, key: int | str, layer: Layer) -> None:
        """Replace the layer of a place or name."""
        place = self._place(key)
        name = self._names[place]
        self._check(layer, name, beside=place)
        self._layers[place] = layer
        self._fitting = self._kept = None

    def append(self, layer: Layer, name: str | None = None) -> None:
        """Add a layer at the end."""
        self.insert(len(self), layer, name)

    def insert(self, place: int, layer: Layer, name: str | None = None) -> None:
        """Add a layer before the one at a place."""
        place = as_int(self.op, "place", place, 0, len(self))
        self._check(layer, name)
        self._layers.insert(place, layer)
        self._names.insert(place, name)
        self._fitting = self._kept = None

    def _places(self, key: slice) -> range:
        try:
            return range(len(self))[key]
        except TypeError:
            raise TypeError(
                f"{self.op}: a slice must have integers, got {short_repr(key)}"
            ) from None

    def _place(self, key: Any) -> int:
        if isinstance(key, str):
            if key not in self.names:
                raise KeyError(f"{self.op}: no layer {key!r}; there are {', '.join(self.names)}")
            return self.names.index(key)
        try:
            place: int = range(len(self))[index(key)]
        except TypeError:
            raise TypeError(
                f"{self.op}: key must be an integer, a name or a slice, got {short_repr(key)}"
            ) from None
        except IndexError:
            raise IndexError(f"{self.op}: no layer {key}; there are {len(self)}") from None
        return place

    def _check(self, layer: object, name: object, beside: int | None = None) -> None:
        if not isinstance(layer, Layer):
            raise TypeError(
                f"{self.op}: layer {len(self)} must be a layer of convcore.nn, got "
                f"{short_repr(layer)}"
            )
        others = [item for place, item in enumerate(self._layers) if place != beside]
        inside = {id(item) for other in others for item in other.layers()}
        for item in layer.layers():
            if id(item) in inside or item is self:
                raise ValueError(
                    f"{self.op}: layers must be distinct objects, got {short_repr(item)} twice"
                )
        if name is None:
            return
        taken = [other for place, other in enumerate(self.names) if place != beside]
        is_word = isinstance(name, str) and name and name.isprintable() and "." not in name
        if not is_word or name in taken or str(name).isdecimal():
            raise ValueError(
                f"{self.op}: name must be a new word without dots that is no number, got "
                f"{short_repr(name)}"
            )

    def layers(self) -> Iterator[Layer]:
        """All layers inside, at every depth, the stack itself first."""
        yield self
        for layer in self._layers:
            yield from layer.layers()

    # A layer

    @property
    def axes(self) -> int | None:  # type: ignore[override]
        """Axes of one example, from the first layer that knows them."""
        for layer in self._layers:
            if layer.axes is not None or not isinstance(layer, Elementwise):
                return layer.axes
        return None

    def shapes(self, shape: Shape) -> list[Shape]:
        """Return one example's shape after each layer.

        Parameters
        ----------
        shape : tuple of ints
            Of one example, with or without a batch; the result has none.

        Returns
        -------
        list of tuples
        """
        _, example = self._split(shape)
        return self._shapes(example)

    def _shapes(self, example: Shape) -> list[Shape]:
        found = [example]
        for place, layer in enumerate(self._layers):
            try:
                if layer.axes is not None and len(found[-1]) != layer.axes:
                    raise ValueError(
                        f"{layer.op}: x must have {layer.axes} axes without the batch, got "
                        f"{len(found[-1])}"
                    )
                found.append(layer._shape(found[-1]))
            except ValueError as error:
                raise ValueError(self._misfit(place, found[-1], error)) from None
        return found[1:]

    def _misfit(self, place: int, shape: Shape, error: ValueError) -> str:
        given = (
            f"what {self._called(place - 1)} gives, shape {shape}" if place
            else f"the input, shape {shape}"
        )  # fmt: skip
        return f"{self.op}: {self._called(place)} does not fit {given}: {error}"

    def _called(self, place: int) -> str:
        name = self._names[place]
        words = "" if name is None else f" {name!r}"
        layer = self._layers[place]
        what = layer.op if isinstance(layer, Sequential) else repr(layer)
        return f"layer {place}{words}, {what},"

    def _shape(self, shape: Shape) -> Shape:
        return self._shapes(shape)[-1] if self._layers else shape

    def _forward(self, x: Array) -> tuple[Array, Any]:
        inside = list(self.layers())
        if len({id(layer) for layer in inside}) < len(inside):  # added to an inner stack later
            raise ValueError(f"{self.op}: layers must be distinct objects, got one twice")
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

    @property
    def gradients(self) -> dict[str, Array]:
        """The parameters' gradients of the last backward, by the parameters' names."""
        return {
            f"{name}.{key}": array
            for name, layer in zip(self.names, self._layers, strict=True)
            for key, array in layer.gradients.items()
        }

    @gradients.setter
    def gradients(self, value: dict[str, Array]) -> None:
        pass  # they are the layers'

    def parameters(self) -> dict[str, Array]:
        """Return all layers' arrays by name, not copies of them."""
        return {
            f"{name}.{key}": array
            for name, layer in zip(self.names, self._layers, strict=True)
            for key, array in layer.parameters().items()
        }

    def count(self, input_shape: Shape) -> Count:
        """Add up what the layers count: see :meth:`Layer.count`."""
        batch, example = self._split(input_shape)
        shapes = [example, *self._shapes(example)]
        each = [
            layer.count((*batch, *shape) if layer.axes is not None else shape)
            for layer, shape in zip(self._layers, shapes, strict=False)
        ]
        return (
            Count(*(sum(numbers) for numbers in zip(*each, strict=True)))
            if each
            else Count(0, 0, 0, 0, 0)
        )

    def __repr__(self) -> str:
        """A line for each layer, with its name."""
        lines = [
            f"    {name}: {layer!r},".replace("\n", "\n    ")
            for name, layer in zip(self.names, self._layers, strict=True)
        ]
        return "\n".join(["Sequential(", *lines, ")"]) if lines else "Sequential()"
