"""The spec of any layer, from its operator's name, its weight's shape and its options."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from convcore.spec.errors import short_repr
from convcore.spec.layout import as_shape
from convcore.spec.pooling import (
    PoolSpec,
    adaptive_spec,
    as_kernel,
    check_window,
    sliding_spec,
)
from convcore.spec.problem import ConvSpec, conv_spec, transposed_spec
from convcore.spec.registry import Operator, find, layer_name

NAME = "input_shape"  # what errors call the layer's input


class LayerSpec(NamedTuple):
    """A layer whose input's shape is not yet known."""

    operator: Operator
    axes: int
    weight: tuple[int, ...] | None
    bias: tuple[int, ...] | None
    options: dict[str, Any]  # all that results depend on, in normal form

    @property
    def name(self) -> str:
        """The public name of its operator."""
        return layer_name(self.operator.kind, self.axes)

    @property
    def adaptive(self) -> bool:
        """Whether its windows depend on the size of its input."""
        return "output_size" in self.options

    def kernel(self, op: str) -> tuple[int, ...]:
        """Cells of its kernels or windows along each axis."""
        if self.weight is None:
            return self._window(op)
        # the kernel's axes come last, whatever the sharing
        expected = 2 + self.axes * (1 if self.operator.sharing == "shared" else 2)
        if len(self.weight) != expected:
            raise ValueError(f"{op}: weight must have {expected} axes, got shape {self.weight}")
        return self.weight[-self.axes :]

    def _window(self, op: str) -> tuple[int, ...]:
        if "kernel_size" in self.options:
            return as_kernel(op, self.options["kernel_size"], self.axes)
        window = self.options["window"]
        kernel = as_shape(op, "window", getattr(window, "shape", window))
        check_window(op, kernel, self.axes)
        return kernel

    def on(self, op: str, input_shape: object, name: str = NAME) -> ConvSpec | PoolSpec:
        """Return the spec of the layer for an input of this shape, which errors call ``name``."""
        shape = as_shape(op, name, input_shape)
        options, axes = dict(self.options), self.axes
        if self.weight is not None:
            options.pop("flip", None)
            if self.operator.transposed:
                return transposed_spec(op, shape, self.weight, axes=axes, name=name, **options)
            return conv_spec(
                op, shape, self.weight, axes=axes, sharing=str(self.operator.sharing), name=name,
                **options,
            )  # fmt: skip
        options.pop("return_indices", None)
        kind = self.operator.pools
        if self.adaptive:
            wanted = options.pop("output_size")
            return adaptive_spec(op, shape, wanted, axes=axes, kind=kind, name=name, **options)
        kernel = self._window(op)
        count_padding = options.pop("count_include_pad", False)
        p = options.pop("p", 2.0 if kind == "norm" else 0.0)
        for word in ("kernel_size", "window", "normalize"):
            options.pop(word, None)
        return sliding_spec(
            op, shape, kernel, kind=kind, p=p, count_padding=count_padding, name=name, **options
        )


def layer_spec(
    op: str,
    operator: object,
    weight: object = None,
    bias: object = None,
    options: Mapping[str, object] | None = None,
) -> LayerSpec:
    """Read a layer: ``weight`` and ``bias`` are arrays, shapes or None."""
    found, axes = find(op, operator)
    name = layer_name(found.kind, axes)
    weight, bias = _shape(op, "weight", weight), _shape(op, "bias", bias)
    if found.has_weight and weight is None:
        raise ValueError(f"{op}: weight of a {name} must be an array or a shape, got None")
    if not found.has_weight:
        for word, shape in (("weight", weight), ("bias", bias)):
            if shape is not None:
                raise ValueError(f"{op}: {word} of a {name} must be None, got shape {shape}")
    return LayerSpec(found, axes, weight, bias, found.read(op, axes, options or {}))


def described(op: str, layer: Any) -> LayerSpec:
    """Read an object with the attributes of :class:`convcore.geometry.Layer`."""
    try:
        operator, weight, bias = layer.operator, layer.weight, layer.bias
        options = dict(layer.options)
    except AttributeError as error:
        raise TypeError(
            f"{op}: layer must have the attributes operator, weight, bias and options, got "
            f"{short_repr(layer)} without {error.name}"
        ) from None
    return layer_spec(op, operator, weight, bias, options)


def _shape(op: str, name: str, value: object) -> tuple[int, ...] | None:
    """Return the shape of an array; a tuple or list is itself a shape."""
    if value is None:
        return None
    return as_shape(op, name, getattr(value, "shape", value))
