"""Layers made of layers with names: what stacks and branches have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from math import prod
from operator import index
from typing import Any, ClassVar, TypeAlias

import numpy as np

from convcore.geometry import Count
from convcore.graph.network import Network
from convcore.graph.node import Value
from convcore.graph.report import Report
from convcore.graph.tracer import Tracer
from convcore.nn.layers.base import Layer, Shape
from convcore.spec.errors import short_repr
from convcore.spec.operands import FLOAT32, FLOAT64, Array, DType
from convcore.spec.options import as_int

# Iterable, but no list of layers: without order, or never with layers inside.
NO_LISTS = (Mapping, Set, str, bytes, bytearray, np.ndarray)

Parts: TypeAlias = Layer | Iterable[Layer] | Mapping[str, Layer]


INPUT = "x"  # of a model's network


class Tree(Layer):
    """Layers with names, each once; subclasses say what each of them gets."""

    parts: ClassVar[tuple[str, str]] = ("layer", "layers")  # the words of its errors
    parallel: ClassVar[bool] = False  # whether all get the tree's own input

    def __init__(self, *parts: Parts) -> None:
        super().__init__()
        self._network: Network | None = None  # while it is frozen
        self._inside: list[Layer] = []  # the layers that the network is of
        self._seen: object = None  # the state of all trees when these were looked at
        self._frozen_for: Shape | None = None  # the inputs that it was frozen for
        self._layers: list[Layer] = []
        self._names: list[str | None] = []  # None: called by its place
        alone = parts[0] if len(parts) == 1 and not isinstance(parts[0], Layer) else parts
        if isinstance(alone, Mapping) and len(alone):
            for name, layer in alone.items():
                self._insert(len(self), layer, name)
        elif isinstance(alone, NO_LISTS) or not hasattr(alone, "__iter__"):
            words = self.parts[1]
            raise TypeError(
                f"{self.op}: {words} must be layers, a list of layers or a mapping of names to "
                f"layers, got {short_repr(alone)}"
            )
        else:
            for item in alone:
                self._insert(len(self), item)

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

    def __getitem__(self, key: int | str) -> Any:
        """The layer of a place or name."""
        return self._layers[self._place(key)]

    def __setitem__(self, key: int | str, layer: Layer) -> None:
        """Replace the layer of a place or name."""
        place = self._place(key)
        name = self._names[place]
        self._check(layer, name, beside=place)
        self._layers[place] = layer
        self._change()

    def _insert(self, place: int, layer: object, name: object = None) -> None:
        place = as_int(self.op, "place", place, 0, len(self))
        self._check(layer, name)
        self._layers.insert(place, layer)  # type: ignore[arg-type]
        self._names.insert(place, name)  # type: ignore[arg-type]
        self._change()

    def _change(self) -> None:
        """Forget what depends on the layers."""
        self._fitting = self._kept = self._network = None
        Layer._state = object()

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
                f"{self.op}: {self.parts[0]} {len(self)} must be a layer of convcore.nn, got "
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

    def _check_distinct(self) -> None:
        """Refuse a layer that was added to an inner tree later and is there twice."""
        inside = list(self.layers())
        if len({id(layer) for layer in inside}) < len(inside):
            raise ValueError(f"{self.op}: layers must be distinct objects, got one twice")

    def layers(self) -> Iterator[Layer]:
        """All layers inside, at every depth, the tree itself first."""
        yield self
        for layer in self._layers:
            yield from layer.layers()

    # Shapes

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
        found: list[Shape] = []
        for place, layer in enumerate(self._layers):
            given = found[-1] if found and not self.parallel else example
            try:
                if layer.axes is not None and len(given) != layer.axes:
                    raise ValueError(
                        f"{layer.op}: x must have {layer.axes} axes without the batch, got "
                        f"{len(given)}"
                    )
                found.append(layer._shape(given))
            except ValueError as error:
                raise ValueError(self._misfit(place, given, error)) from None
        return found

    def _misfit(self, place: int, shape: Shape, error: ValueError) -> str:
        given = (
            f"what {self._called(place - 1)} gives, shape {shape}"
            if place and not self.parallel
            else f"the input, shape {shape}"
        )
        return f"{self.op}: {self._called(place)} does not fit {given}: {error}"

    def _called(self, place: int) -> str:
        name = self._names[place]
        words = "" if name is None else f" {name!r}"
        layer = self._layers[place]
        what = layer.op if isinstance(layer, Tree) else repr(layer)
        return f"{self.parts[0]} {place}{words}, {what},"

    def count(self, input_shape: Shape) -> Count:
        """Add up what the layers count: see :meth:`Layer.count`."""
        batch, example = self._split(input_shape)
        after = self._shapes(example)
        given = [example] * len(after) if self.parallel else [example, *after[:-1]]
        each = [
            layer.count((*batch, *shape))
            if layer.axes is not None
            else _times(layer.count(shape), prod(batch))
            for layer, shape in zip(self._layers, given, strict=False)  # an empty tree has no layer
        ]
        return Count(*map(sum, zip(*each, strict=True))) if each else Count(0, 0, 0, 0, 0)

    # A graph

    @staticmethod
    def _trace_part(to: Tracer, name: str, layer: Layer, x: str) -> str:
        """Write one of the layers down."""
        with to.scope(name):
            y = layer._trace(to, x)
        shape = to.shapes.get(x)
        to.shapes[y] = None if shape is None else layer._shape(shape)
        return y

    def _run_frozen(self, x: Array) -> Array | None:
        """The result as a frozen network gives it: for the floats that its parameters are."""
        if x.dtype not in (FLOAT32, FLOAT64) or not len(x):
            return None
        network = self._network
        if network is None or self._seen is not Layer._state:
            network = self._compile(x.dtype)
        if network is None or network.dtype is not x.dtype:
            return None
        return network.run_one(x)

    def _compile(self, dtype: DType) -> Network | None:
        """The network of the layers as they are; None: one is not frozen, or of another dtype."""
        state, inside = Layer._state, list(self.layers())
        if not all(layer._frozen for layer in inside):
            self._network = None
            return None
        network = self._network
        if network is None or inside != self._inside:
            self._check_distinct()
            if any(array.dtype != dtype for array in self.state().values()):
                return None
            self._network = None
            network = network_of(self, dtype)
            self._inside, self._network = inside, network
        self._seen = state
        return network

    def explain(self, input_shape: Shape | None = None, *, threads: int | None = None) -> Report:
        """List what the frozen network does for an input: its layers, algorithms and times.

        Parameters
        ----------
        input_shape : tuple of ints, optional
            Of one example, or of a batch. Default: the one that :meth:`freeze` was given.
        threads : int, optional
            Maximum number of threads; default: those of the process.

        Returns
        -------
        Report
            A row for each step. It prints as a table.

        Raises
        ------
        ValueError, TypeError
            Without a shape, and for one that the layers don't take.
        """
        if input_shape is None:
            input_shape = self._frozen_for
        if input_shape is None:
            raise ValueError(f"{self.op}: input_shape must be given here or to freeze, got None")
        batch, example = self._split(input_shape)
        dtype = next((array.dtype for array in self.state().values()), FLOAT32)
        x = np.zeros((*(batch or (1,)), *example), dtype)
        return network_of(self, dtype, example).explain({INPUT: x}, threads=threads)

    # Arrays, called by the layers' names

    def parameters(self) -> dict[str, Array]:
        """Return all layers' parameters by name, not copies of them."""
        return self._joined({name: layer.parameters() for name, layer in self._parts()})

    def buffers(self) -> dict[str, Array]:
        """Return all layers' buffers by name: see :meth:`Layer.buffers`."""
        return self._joined({name: layer.buffers() for name, layer in self._parts()})

    def state(self) -> dict[str, Array]:
        """Return all layers' parameters and buffers by name: see :meth:`Layer.state`."""
        return self._joined({name: layer.state() for name, layer in self._parts()})

    @property
    def gradients(self) -> dict[str, Array]:
        """The parameters' gradients of the last backward, by the parameters' names."""
        return self._joined({name: layer.gradients for name, layer in self._parts()})

    @gradients.setter
    def gradients(self, value: dict[str, Array]) -> None:
        pass  # they are the layers'

    def freeze(self, input_shape: Shape | None = None) -> None:
        """Make a network of it: see :meth:`Layer.freeze`.

        The layers are compiled, as :doc:`/design/freezing` tells: for inputs of ``input_shape``,
        of one example or of a batch, now, otherwise in the first call. Later changes of
        the tree, of a layer put into one inside and of what is frozen there are seen; an array
        that is put in the place of a parameter, or another attribute of a layer, is not, until the
        tree is frozen again. Folded normalisations round otherwise: the result differs by some
        1e-6 of its largest value, or more where a normalisation takes large numbers away.
        """
        super().freeze(input_shape)
        self._forget()
        self._frozen_for = input_shape
        if input_shape is not None:
            batch, example = self._split(input_shape)
            dtype = next((array.dtype for array in self.state().values()), FLOAT32)
            for _ in range(2):  # the second run uses the memory that the first has laid out
                self._run_frozen(np.zeros((*(batch or (1,)), *example), dtype))

    def unfreeze(self) -> None:
        """Undo :meth:`freeze`."""
        super().unfreeze()
        self._forget()
        self._frozen_for = None

    def _forget(self) -> None:
        for layer in self.layers():
            if isinstance(layer, Tree):
                layer._network = None

    def __getstate__(self) -> dict[str, Any]:
        """The state of copies and pickles: a frozen network is made again."""
        return {**super().__getstate__(), "_network": None, "_inside": [], "_seen": None}

    def _parts(self) -> Iterator[tuple[str, Layer]]:
        return zip(self.names, self._layers, strict=True)

    @staticmethod
    def _joined(each: Mapping[str, Mapping[str, Array]]) -> dict[str, Array]:
        return {
            f"{name}.{key}": array for name, arrays in each.items() for key, array in arrays.items()
        }

    def __repr__(self) -> str:
        """A line for each layer, with its name."""
        lines = [f"    {name}: {layer!r},".replace("\n", "\n    ") for name, layer in self._parts()]
        return "\n".join([f"{self.op}(", *lines, ")"]) if lines else f"{self.op}()"


def _times(one: Count, examples: int) -> Count:
    """What a batch has, of a layer that counts one example: parameters are shared."""
    return one._replace(
        connections=one.connections * examples, multiply_adds=one.multiply_adds * examples
    )


def network_of(model: Layer, dtype: DType, example: Shape | None = None) -> Network:
    """The network that computes what a model does in use, for inputs of a dtype."""
    to = Tracer(dtype=dtype)
    to.shapes[INPUT] = example
    y = model._trace(to, INPUT)
    shape: tuple[int | str | None, ...] | None = None if example is None else ("N", *example)
    graph = to.graph([Value(INPUT, dtype, shape)], [Value(y, dtype)], model.op)
    return Network(graph, op=model.op)
