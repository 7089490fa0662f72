"""Trained models with the convolutions and poolings of this library, where these are faster."""

from __future__ import annotations

from copy import deepcopy
from types import new_class
from typing import Any, ClassVar, NamedTuple, TypeVar, cast

import torch
from torch import Tensor

from convcore import api
from convcore.spec.errors import short_repr
from convcore.spec.options import as_bool
from convcore.spec.registry import AXES, layer_name
from convcore.torch.functions import FUNCTIONS
from convcore.torch.roles import is_followed
from convcore.torch.tensors import is_channels_last, to_first, to_last

Model = TypeVar("Model", bound=torch.nn.Module)

BORDERS = {"zeros": "zeros", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
LAST = {2: "NHWC", 3: "NDHWC"}
MOST_TAPS = 3  # along an axis, of a convolution that is faster here


def replace(
    model: Model, *, convolutions: bool = True, poolings: bool = True, inplace: bool = False
) -> Model:
    """Make a trained model faster: convolutions and poolings become those of this library.

    Modules are swapped where their settings say that this library is faster on a processor. The
    others stay as they are. Parameters, buffers, hooks and the names of a ``state_dict`` stay too.

    Parameters
    ----------
    model : torch.nn.Module
        A model of any modules.
    convolutions, poolings : bool
        Which modules may be swapped.
    inplace : bool
        Whether the model itself is changed. Default: it is copied first.

    Returns
    -------
    torch.nn.Module
        The copy, or the model itself. ``print`` shows swapped modules as ``SwappedConv2d``.

    Raises
    ------
    TypeError
        For what is no module, and flags that are no bool.

    Notes
    -----
    Swapped are, by settings alone:

    - convolutions without dilation, of at most 3 taps along each axis: dense ones, in one and two
      dimensions those with one channel a group, and those with other groups if their stride is 1;
    - transposed convolutions without dilation, with a stride of 1 and at most 4 taps along each
      axis;
    - maximum and average poolings without dilation; adaptive ones in two and three dimensions, but
      averages of the whole plane.

    A swapped convolution packs its weight at its first call, and again when the weight or bias is
    another tensor or was changed in place. Changes that PyTorch does not count are not seen:
    through ``.data``, or through an array of NumPy that shares the memory. PyTorch computes a
    convolution that needs a gradient, under ``torch.compile``, with autocast, on another device,
    and in dtypes other than float32 and float64. It also computes calls that this library refuses.
    Poolings have their gradients. ``torch.jit.script`` needs the original.

    Outputs are equal up to rounding; maxima are equal.

    Examples
    --------
    >>> import torch
    >>> from convcore.torch import replace
    >>> model = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.MaxPool2d(2))
    >>> fast = replace(model.eval())
    >>> [type(module).__name__ for module in fast]
    ['SwappedConv2d', 'SwappedMaxPool2d']
    >>> x = torch.rand(1, 3, 16, 16)
    >>> with torch.no_grad():
    ...     torch.allclose(fast(x), model(x), atol=1e-5)
    True
    """
    op = "replace"
    if not isinstance(model, torch.nn.Module):
        raise TypeError(f"{op}: model must be a torch.nn.Module, got {short_repr(model)}")
    wanted = (as_bool(op, "convolutions", convolutions), as_bool(op, "poolings", poolings))
    if not as_bool(op, "inplace", inplace):
        model = deepcopy(model)
    for module in model.modules():
        found = _swapped(module, *wanted)
        if found is not None:
            module.__class__ = found
    return model


def _swapped(
    module: torch.nn.Module, convolutions: bool, poolings: bool
) -> type[torch.nn.Module] | None:
    """Return the class that a module gets; None: it stays."""
    found = SWAPPED.get(type(module))
    if found is None:
        return None
    if issubclass(found, SwappedConvolution):
        return found if convolutions and _is_fast_convolution(module) else None
    return found if poolings and _is_fast_pooling(module) else None


def _is_fast_convolution(module: Any) -> bool:
    axes = len(module.kernel_size)
    if any(dilation != 1 for dilation in module.dilation) or "weight" not in module._parameters:
        return False
    most, dense = max(module.kernel_size), module.groups == 1
    strided = any(stride != 1 for stride in module.stride)
    if module.transposed:
        return not strided and most <= MOST_TAPS + 1 and module.padding_mode == "zeros"
    if most > MOST_TAPS:
        return False
    depthwise = module.groups == module.in_channels == module.out_channels
    return dense or (axes < 3 and (depthwise or not strided))


def _is_fast_pooling(module: Any) -> bool:
    if "Adaptive" in type(module).__name__:
        axes = int(type(module).__name__[-2])
        sizes = module.output_size
        whole = all(size == 1 for size in (sizes if isinstance(sizes, tuple) else (sizes,)))
        return axes > 1 and not (whole and "Avg" in type(module).__name__) and not getattr(
            module, "return_indices", False
        )  # fmt: skip
    dilation = getattr(module, "dilation", 1)
    if any(d != 1 for d in (dilation if isinstance(dilation, tuple) else (dilation,))):
        return False
    if getattr(module, "return_indices", False):
        return False
    return getattr(module, "divisor_override", None) is None


class _Packed(NamedTuple):
    """A layer with its weight packed, and what it was packed of."""

    settings: tuple[Any, ...]
    layer: api.PreparedLayer
    dtype: torch.dtype
    weight: Tensor
    version: int
    bias: Tensor | None
    bias_version: int
    memory: tuple[Tensor, ...]  # keeps the memory of both: no new one can be there
    places: tuple[int, ...]

    @classmethod
    def of(
        cls,
        settings: tuple[Any, ...],
        layer: api.PreparedLayer,
        weight: Tensor,
        bias: Tensor | None,
    ) -> _Packed:
        """Write down what a layer was packed of."""
        memory = (weight.detach(),) if bias is None else (weight.detach(), bias.detach())
        version = 0 if bias is None else bias._version
        places = tuple(tensor.data_ptr() for tensor in memory)
        marks = (weight, weight._version, bias, version, memory, places)
        return cls(settings, layer, weight.dtype, *marks)

    def is_of(self, weight: Tensor, bias: Tensor | None) -> bool:
        """Return whether weight and bias are as they were."""
        return (
            weight is self.weight
            and bias is self.bias
            and weight._version == self.version
            and weight.data_ptr() == self.places[0]
            and (
                bias is None
                or (bias._version == self.bias_version and bias.data_ptr() == self.places[1])
            )
        )


class SwappedConvolution(torch.nn.Module):
    """A convolution of this library, where nothing records or traces it."""

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Compute the convolution."""
        if not torch.compiler.is_compiling() and output_size is None:
            y = self._direct(x)
            if y is not None:
                return y
        more = () if output_size is None else (output_size,)
        found: Tensor = super().forward(x, *more)
        return found

    def _direct(self, x: Tensor) -> Tensor | None:
        """Return the result of this library; None: PyTorch has more to do than compute."""
        weight, bias = self._parameters.get("weight"), self._parameters.get("bias")
        if (
            type(x) is not Tensor
            or x.requires_grad
            or weight is None
            or (bias is None and "bias" not in self._parameters)  # pruned, or normalised
            or (weight.requires_grad and torch.is_grad_enabled())
            or (bias is not None and bias.requires_grad and torch.is_grad_enabled())
            or is_followed()
            or torch.is_autocast_enabled("cpu")
            or not x.numel()
        ):
            return None
        this: Any = self
        # axes of the module: a volume without a batch has four axes too
        last = is_channels_last(x, len(this.kernel_size))
        kept = self.__dict__.get("_packed")
        packed = None if kept is None else kept[last]
        if packed is None or packed.settings != self._settings() or not packed.is_of(weight, bias):
            packed = self._pack(last, weight, bias)
        if packed is None or x.dtype is not packed.dtype:
            return None
        try:
            array = to_last(x).numpy() if last else x.numpy()
        except (TypeError, RuntimeError):  # another device or layout: PyTorch knows them
            return None
        try:
            y = torch.from_numpy(packed.layer(array, threads=torch.get_num_threads()))
        except ValueError:  # no output, for example: PyTorch computes the call or refuses it
            return None
        return to_first(y) if last else y

    def _settings(self) -> tuple[Any, ...]:
        """What a packed layer depends on beside weight and bias."""
        this: Any = self
        return this.stride, this.padding, this.dilation, this.groups, this.output_padding

    def _pack(self, last: bool, weight: Tensor, bias: Tensor | None) -> _Packed | None:
        """Pack the weight for inputs in a layout; None: it cannot be watched, or read."""
        for tensor in (weight, bias):
            if tensor is not None and (
                tensor.is_inference()
                or not tensor.is_cpu
                or tensor.dtype not in (torch.float32, torch.float64)
                or tensor.dtype is not weight.dtype
            ):
                return None
        found = _Packed.of(self._settings(), self._prepare(last, weight, bias), weight, bias)
        kept = self.__dict__.setdefault("_packed", [None, None])
        kept[last] = found
        return found

    def _prepare(self, last: bool, weight: Tensor, bias: Tensor | None) -> api.PreparedLayer:
        this: Any = self
        axes, padding = len(this.kernel_size), this.padding
        options: dict[str, Any] = {
            "stride": this.stride, "dilation": this.dilation, "groups": this.groups,
            "padding": padding if isinstance(padding, str) else tuple(padding),
            "border": BORDERS[this.padding_mode],
        }  # fmt: skip
        if last:
            options["layout"] = LAST[axes]
        name = "conv"
        if this.transposed:
            name, options["output_padding"] = "conv_transpose", this.output_padding
        of_bias = None if bias is None else bias.detach().numpy()
        of_weight = weight.detach().numpy()
        return api.PreparedLayer(f"{name}{axes}d", of_weight, of_bias, None, options)

    def __getstate__(self) -> dict[str, Any]:
        """The state of copies and pickles: a weight is packed again where it is needed."""
        return {name: value for name, value in self.__dict__.items() if name != "_packed"}


class SwappedPooling(torch.nn.Module):
    """A pooling of this library, where nothing traces it."""

    _function: ClassVar[str]
    _options: ClassVar[tuple[str, ...]]

    def forward(self, x: Tensor) -> Tensor:
        """Compute the pooling."""
        if (
            torch.compiler.is_compiling()
            or type(x) is not Tensor
            or not (x.is_cpu and x.layout is torch.strided and x.is_floating_point())
            or not x.numel()
            or getattr(self, "divisor_override", None) is not None
            or is_followed()
        ):
            return cast("Tensor", super().forward(x))
        options = {name: getattr(self, name) for name in self._options}
        try:
            return cast("Tensor", FUNCTIONS[self._function](x, **options))
        except ValueError:  # a window beyond x, for example: PyTorch computes it or refuses it
            return cast("Tensor", super().forward(x))


SWAPPED: dict[type[torch.nn.Module], type[torch.nn.Module]] = {}

POOLINGS = {
    "MaxPool": (
        "max_pool",
        ("kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices"),
    ),
    "AvgPool": ("avg_pool", ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad")),
    "AdaptiveAvgPool": ("adaptive_avg_pool", ("output_size",)),
    "AdaptiveMaxPool": ("adaptive_max_pool", ("output_size", "return_indices")),
}


def _register(name: str, axes: int) -> None:
    theirs = getattr(torch.nn, f"{name}{axes}d")
    own: dict[str, Any] = {"__module__": __name__, "__doc__": f"{name}{axes}d of this library."}
    ours: type[torch.nn.Module] = SwappedConvolution
    if name in POOLINGS:
        kind, options = POOLINGS[name]
        ours, own["_function"], own["_options"] = SwappedPooling, layer_name(kind, axes), options
    made = new_class(
        f"Swapped{name}{axes}d", (ours, theirs), exec_body=lambda space: space.update(own)
    )
    globals()[made.__name__] = SWAPPED[theirs] = made  # by that name pickles find it


for _axes in AXES:
    for _name in ("Conv", "ConvTranspose", *POOLINGS):
        _register(_name, _axes)
