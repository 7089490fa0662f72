"""Models of ``convcore.nn`` as PyTorch's modules, and modules as models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from convcore import nn
from convcore.nn.layers.base import Layer, check_model
from convcore.nn.layers.operator import OperatorLayer
from convcore.spec.errors import short_repr
from convcore.torch.modules import MODULES, OperatorModule
from convcore.torch.swap import BORDERS, SwappedConvolution, SwappedPooling


def to_torch(model: Layer) -> torch.nn.Module:
    """Return a model of ``convcore.nn`` as a module of PyTorch, with copies of its arrays.

    Parameters
    ----------
    model : convcore.nn.Layer
        Any layer or stack of the package. Your own layers are not converted.

    Returns
    -------
    torch.nn.Module
        Operators are those of ``convcore.torch.nn``, all other layers PyTorch's. The names of
        parameters are the same.

    Raises
    ------
    TypeError
        For layers that have no counterpart.

    See Also
    --------
    from_torch

    Examples
    --------
    >>> from convcore import nn
    >>> from convcore.torch import to_torch
    >>> model = nn.Sequential(nn.Conv2d(1, 4, 3, rng=0), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
    >>> to_torch(model)
    Sequential(
      (0): Conv2d(1, 4, 3)
      (1): ReLU()
      (2): MaxPool2d(2)
      (3): Flatten(start_dim=1, end_dim=-1)
    )
    """
    model = check_model("to_torch", model)
    module = _module(model)
    _carry(model, module)
    module.train(model.training)
    return module


class Sum(torch.nn.ModuleDict):
    """Branches whose results are added."""

    def forward(self, x: Tensor) -> Tensor:
        """Compute all branches."""
        first, *others = (branch(x) for branch in self.values())
        for other in others:
            first = first + other
        return first


class Joined(torch.nn.ModuleDict):
    """Branches whose results are joined along the channels."""

    def forward(self, x: Tensor) -> Tensor:
        """Compute all branches."""
        return torch.cat([branch(x) for branch in self.values()], 1)


class ScaledTanh(torch.nn.Module):
    """LeNet-5's squashing function."""

    def forward(self, x: Tensor) -> Tensor:
        """Compute it."""
        return 1.7159 * torch.tanh(2 / 3 * x)


def _parts(layer: Any) -> dict[str, torch.nn.Module]:
    return {name: _module(part) for name, part in zip(layer.names, layer, strict=True)}


def _sequential(layer: Any) -> torch.nn.Module:
    module = torch.nn.Sequential()
    for name, part in _parts(layer).items():
        module.add_module(name, part)
    return module


def _norm(kind: type[torch.nn.Module]) -> Callable[[Any], torch.nn.Module]:
    return lambda layer: kind(
        layer.channels, layer.eps, layer.momentum, layer.affine, dtype=_dtype(layer.running_mean)
    )


def _dtype(array: Any) -> torch.dtype:
    return torch.from_numpy(np.empty(0, array.dtype)).dtype


def _linear(layer: Any) -> torch.nn.Module:
    return torch.nn.Linear(
        layer.in_channels, layer.out_channels, bias=layer.bias is not None,
        dtype=_dtype(layer.weight),
    )  # fmt: skip


TO_TORCH: dict[type[Layer], Callable[[Any], torch.nn.Module]] = {
    nn.Sequential: _sequential,
    nn.Residual: lambda layer: Sum(_parts(layer)),
    nn.Add: lambda layer: Sum(_parts(layer)),
    nn.Concat: lambda layer: Joined(_parts(layer)),
    nn.Identity: lambda layer: torch.nn.Identity(),
    nn.Linear: _linear,
    nn.BatchNorm1d: _norm(torch.nn.BatchNorm1d),
    nn.BatchNorm2d: _norm(torch.nn.BatchNorm2d),
    nn.BatchNorm3d: _norm(torch.nn.BatchNorm3d),
    nn.LayerNorm: lambda layer: torch.nn.LayerNorm(layer.shape, layer.eps, layer.affine),
    nn.GroupNorm: lambda layer: torch.nn.GroupNorm(
        layer.groups, layer.channels, layer.eps, layer.affine
    ),
    nn.Flatten: lambda layer: torch.nn.Flatten(),
    nn.ReLU: lambda layer: torch.nn.ReLU(),
    nn.ReLU6: lambda layer: torch.nn.ReLU6(),
    nn.LeakyReLU: lambda layer: torch.nn.LeakyReLU(layer.slope),
    nn.PReLU: lambda layer: torch.nn.PReLU(layer.channels),
    nn.ELU: lambda layer: torch.nn.ELU(layer.alpha),
    nn.Tanh: lambda layer: torch.nn.Tanh() if layer._height == 1 else ScaledTanh(),
    nn.Sigmoid: lambda layer: torch.nn.Sigmoid(),
    nn.Hardsigmoid: lambda layer: torch.nn.Hardsigmoid(),
    nn.Softmax: lambda layer: torch.nn.Softmax(1),
    nn.SiLU: lambda layer: torch.nn.SiLU(),
    nn.Hardswish: lambda layer: torch.nn.Hardswish(),
    nn.GELU: lambda layer: torch.nn.GELU(),
    nn.Dropout: lambda layer: torch.nn.Dropout(layer.p),
}


def _module(layer: Layer) -> torch.nn.Module:
    if isinstance(layer, OperatorLayer) and type(layer).__name__ in MODULES:
        return MODULES[type(layer).__name__].of(layer)
    make = TO_TORCH.get(type(layer))
    if make is None:
        raise TypeError(
            f"to_torch: model must have layers that PyTorch has, got {short_repr(layer)}"
        )
    return make(layer)


def _carry(model: Layer, module: torch.nn.Module) -> None:
    """Copy the arrays of a model into the tensors of its module."""
    state = module.state_dict()
    with torch.no_grad():
        for name, array in model.state().items():
            tensor = state[name]
            if tensor.dtype != _dtype(array):
                _owner(module, name).to(_dtype(array))
                tensor = module.state_dict()[name]
            tensor.copy_(torch.tensor(array))


def _owner(module: torch.nn.Module, name: str) -> torch.nn.Module:
    return module.get_submodule(name.rpartition(".")[0])


def from_torch(module: torch.nn.Module) -> Layer:
    """Return a module of PyTorch as a model of ``convcore.nn``, with copies of its tensors.

    Parameters
    ----------
    module : torch.nn.Module
        A module, or any nesting of ``torch.nn.Sequential`` and what :func:`to_torch` makes. A model
        with a ``forward`` of its own is exported as ONNX and loaded by :func:`convcore.onnx.load`.

    Returns
    -------
    convcore.nn.Layer

    Raises
    ------
    TypeError
        For modules without a counterpart.
    ValueError
        For settings that ``convcore.nn`` has not.

    See Also
    --------
    to_torch

    Examples
    --------
    >>> import torch
    >>> from convcore.torch import from_torch
    >>> from_torch(torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3, padding=1), torch.nn.ReLU()))
    Sequential(
        0: Conv2d(1, 4, 3, padding=1),
        1: ReLU(),
    )
    """
    if not isinstance(module, torch.nn.Module):
        raise TypeError(f"from_torch: module must be a torch.nn.Module, got {short_repr(module)}")
    model = _layer(module)
    state = model.state()
    tensors = module.state_dict()
    for name, array in state.items():
        array[...] = tensors[name].numpy(force=True)
    model.train(module.training)
    return model


def _numpy_dtype(tensor: Tensor) -> Any:
    dtype = torch.float32 if tensor.dtype is torch.bfloat16 else tensor.dtype
    return torch.empty(0, dtype=dtype).numpy().dtype


def _same(module: Any, *names: str) -> dict[str, Any]:
    """Return settings that have the same name and meaning."""
    return {name: getattr(module, name) for name in names if hasattr(module, name)}


def _conv(module: Any) -> Layer:
    axes = len(module.kernel_size)
    options = _same(module, "kernel_size", "stride", "padding", "dilation", "groups")
    options |= {"border": BORDERS[module.padding_mode], "bias": module.bias is not None, "rng": 0}
    name = "ConvTranspose" if module.transposed else "Conv"
    if module.transposed:
        options["output_padding"] = module.output_padding
    layer: Layer = getattr(nn, f"{name}{axes}d")(
        module.in_channels, module.out_channels, dtype=_numpy_dtype(module.weight), **options
    )
    return layer


def _pool(name: str, *names: str) -> Callable[[Any], Layer]:
    def make(module: Any) -> Layer:
        for word, usual in (("return_indices", False), ("divisor_override", None)):
            if getattr(module, word, usual) != usual:
                raise ValueError(
                    f"from_torch: {word} of {type(module).__name__} must be {usual}, got "
                    f"{getattr(module, word)}"
                )
        layer: Layer = getattr(nn, name)(**_same(module, *names))
        return layer

    return make


def _batch_norm(module: Any) -> Layer:
    if not module.track_running_stats or module.momentum is None:
        raise ValueError(
            f"from_torch: {type(module).__name__} must track running statistics with a momentum, "
            f"got {module}"
        )
    layer: Layer = getattr(nn, type(module).__name__)(
        module.num_features, module.eps, module.momentum, module.affine,
        dtype=_numpy_dtype(module.running_mean),
    )  # fmt: skip
    return layer


def _dense(module: Any) -> Layer:
    return nn.Linear(
        module.in_features, module.out_features, bias=module.bias is not None, rng=0,
        dtype=_numpy_dtype(module.weight),
    )  # fmt: skip


def _flatten(module: Any) -> Layer:
    if (module.start_dim, module.end_dim) != (1, -1):
        raise ValueError(f"from_torch: Flatten must be of all axes but the first, got {module}")
    return nn.Flatten()


def _softmax(module: Any) -> Layer:
    if module.dim != 1:
        raise ValueError(f"from_torch: dim of Softmax must be 1, got {module.dim}")
    return nn.Softmax()


def _gelu(module: Any) -> Layer:
    if module.approximate != "none":
        raise ValueError(
            f"from_torch: approximate of GELU must be 'none', got {module.approximate!r}"
        )
    return nn.GELU()


def _stack(module: Any) -> Layer:
    return nn.Sequential(_children(module))


def _children(module: torch.nn.Module) -> Any:
    """Return the parts of a stack: by name, or in a list if they are called by their places."""
    parts = {name: _layer(part) for name, part in module.named_children()}
    if list(parts) == [str(place) for place in range(len(parts))]:
        return list(parts.values())
    if any(name.isdecimal() for name in parts):
        raise ValueError(
            f"from_torch: parts of {type(module).__name__} must be called by their places or by "
            f"words, got {tuple(parts)}"
        )
    return parts


FROM_TORCH: dict[type[torch.nn.Module], Callable[[Any], Layer]] = {
    torch.nn.Sequential: _stack,
    Sum: lambda module: nn.Add(_children(module)),
    Joined: lambda module: nn.Concat(_children(module)),
    ScaledTanh: lambda module: nn.Tanh(scaled=True),
    torch.nn.Identity: lambda module: nn.Identity(),
    torch.nn.Linear: _dense,
    torch.nn.Flatten: _flatten,
    torch.nn.ReLU: lambda module: nn.ReLU(),
    torch.nn.ReLU6: lambda module: nn.ReLU6(),
    torch.nn.LeakyReLU: lambda module: nn.LeakyReLU(module.negative_slope),
    torch.nn.PReLU: lambda module: nn.PReLU(
        module.num_parameters, dtype=_numpy_dtype(module.weight)
    ),
    torch.nn.ELU: lambda module: nn.ELU(module.alpha),
    torch.nn.Tanh: lambda module: nn.Tanh(),
    torch.nn.Sigmoid: lambda module: nn.Sigmoid(),
    torch.nn.Hardsigmoid: lambda module: nn.Hardsigmoid(),
    torch.nn.Softmax: _softmax,
    torch.nn.SiLU: lambda module: nn.SiLU(),
    torch.nn.Hardswish: lambda module: nn.Hardswish(),
    torch.nn.GELU: _gelu,
    torch.nn.Dropout: lambda module: nn.Dropout(module.p),
    torch.nn.LayerNorm: lambda module: nn.LayerNorm(
        module.normalized_shape, module.eps, module.elementwise_affine
    ),
    torch.nn.GroupNorm: lambda module: nn.GroupNorm(
        module.num_groups, module.num_channels, module.eps, module.affine
    ),
}

for _axes in (1, 2, 3):
    for _theirs in ("Conv", "ConvTranspose"):
        FROM_TORCH[getattr(torch.nn, f"{_theirs}{_axes}d")] = _conv
    _name = f"MaxPool{_axes}d"
    FROM_TORCH[getattr(torch.nn, _name)] = _pool(
        _name, "kernel_size", "stride", "padding", "dilation", "ceil_mode"
    )
    _name = f"AvgPool{_axes}d"
    FROM_TORCH[getattr(torch.nn, _name)] = _pool(
        _name, "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad"
    )
    for _kind in ("Avg", "Max"):
        _name = f"Adaptive{_kind}Pool{_axes}d"
        FROM_TORCH[getattr(torch.nn, _name)] = _pool(_name, "output_size")
    FROM_TORCH[getattr(torch.nn, f"BatchNorm{_axes}d")] = _batch_norm


def _layer(module: torch.nn.Module) -> Layer:
    if isinstance(module, OperatorModule):
        return module.to_layer()
    kind = type(module)
    if isinstance(module, (SwappedConvolution, SwappedPooling)):
        kind = next(base for base in kind.__mro__ if base in FROM_TORCH)
    make = FROM_TORCH.get(kind)
    if make is None:
        raise TypeError(
            "from_torch: module must have a counterpart in convcore.nn, got "
            f"{type(module).__name__}; torch.onnx.export and convcore.onnx.load take any model"
        )
    return make(module)
