"""A model's arrays in files: safetensors, a header and plain bytes. Reading one runs no code."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from convcore.nn.io.disk import File, Name
from convcore.nn.io.pytorch import LEGACY, ZIP, read_torch
from convcore.nn.layers.base import Layer, check_model
from convcore.spec.errors import short_repr
from convcore.spec.operands import Array

FORMAT = "convcore 1"
DTYPES = {
    "BOOL": "?", "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2", "U32": "<u4", "I32": "<i4",
    "U64": "<u8", "I64": "<i8", "F16": "<f2", "F32": "<f4", "F64": "<f8", "C64": "<c8",
}  # fmt: skip


def save(model: Layer, path: Name) -> None:
    """Write a model's parameters and buffers into a file.

    Parameters
    ----------
    model : Layer
        A :class:`Sequential`, or any layer.
    path : str or path
        The file. An existing file is replaced at once: an interruption leaves the old one. The new
        file has its mode, and a link stays a link.

    Raises
    ------
    ValueError, TypeError
        For arrays that are not finite, and for a FIFO or a device.
    ImportError
        Without safetensors (``pip install "convcore[nn]"``).
    OSError
        If the file cannot be written.

    See Also
    --------
    load

    Notes
    -----
    The file has the arrays by name, not the layers: build the model first, then load. Other
    programs read it by ``safetensors.numpy.load_file``.

    While it is written, the file is called ``.convcore-*.part``. A process that is killed leaves
    such a file. The next call that writes into the folder removes it.

    Examples
    --------
    >>> from convcore import nn
    >>> nn.save(nn.models.lenet5(rng=0), "lenet5.safetensors")
    >>> model = nn.load(nn.models.lenet5(), "lenet5.safetensors")
    >>> bool((model["C1"].weight == nn.models.lenet5(rng=0)["C1"].weight).all())
    True
    """
    file = File.of("save", "path", path)
    model = check_model("save", model)
    for name, array in model.state().items():
        bad = not_finite(array)
        if bad:
            raise ValueError(f"save: {kind_of(model, name)} {name!r} must be finite, got {bad}")
    save_arrays(file, model.state(), {"content": "parameters"})


def load(model: Layer, path: Name) -> Layer:
    """Read a model's arrays from a file of :func:`save`, or of any program's safetensors.

    Parameters
    ----------
    model : Layer
        Its arrays are overwritten in place. If anything does not fit, none is changed.
    path : str or path
        A file of :func:`save`, a checkpoint of :func:`fit`, or another program's file (of
        ``safetensors.torch.save_file``, for example) with the model's names, shapes and dtypes.
        PyTorch's counters of batches, ``num_batches_tracked``, are left out. A ``state_dict`` of
        ``torch.save`` is read too, as :func:`load_torch` reads it.

    Returns
    -------
    Layer
        The model itself.

    Raises
    ------
    ValueError, TypeError
        For a truncated file or one of another format. For names, shapes or dtypes that are not the
        model's, numbers that are not finite, and a frozen model.
    ImportError
        Without safetensors (``pip install "convcore[nn]"``).
    OSError
        If there is no such file.

    See Also
    --------
    save, load_torch

    Examples
    --------
    >>> from convcore import nn
    >>> nn.save(nn.Linear(3, 2, rng=0), "dense.safetensors")
    >>> nn.load(nn.Linear(2, 3), "dense.safetensors")
    Traceback (most recent call last):
        ...
    ValueError: load: weight in dense.safetensors must have the model's shape (3, 2), got (2, 3)
    """
    file = File.of("load", "path", path)
    model = check_model("load", model)
    data = file.read()
    metadata: dict[str, str] = {}
    if data.startswith((ZIP, LEGACY)):
        arrays = tensors_of(file, read_torch(file, data))
    else:
        arrays, metadata = load_arrays(file, data)
    if metadata.get("format") == FORMAT and facts_of(file, metadata).get("content") == "checkpoint":
        arrays = {k.partition("/")[2]: a for k, a in arrays.items() if k.startswith("model/")}
    state = model.state()
    arrays = {name: array for name, array in arrays.items() if not _is_counter(name, state)}
    check(file, model, arrays)
    put(state, arrays)
    return model


def tensors_of(file: File, found: Mapping[Any, Any]) -> dict[str, Array]:
    """Return a file's mapping if it is of names to tensors."""
    for name, value in found.items():
        if not isinstance(name, str) or not isinstance(value, np.ndarray):
            raise ValueError(
                f"{file.op}: {file.argument} must be a file of tensors by name, got "
                f"{type(value).__name__} at {short_repr(name)} in {file.name}"
            )
    return dict(found)


def _is_counter(name: str, state: Mapping[str, Array]) -> bool:
    """Whether a name is that of PyTorch's counter beside running statistics of the model."""
    layer, dot, word = name.rpartition(".")
    return word == "num_batches_tracked" and f"{layer}{dot}running_mean" in state


def kind_of(model: Layer, name: str) -> str:
    """What errors call an array of a model."""
    return "buffer" if name in model.buffers() else "parameter"


def check(file: File, model: Layer, arrays: Mapping[str, Array]) -> None:
    """Check a file's arrays against a model's parameters and buffers."""
    state = model.state()
    missing = [name for name in state if name not in arrays]
    foreign = [name for name in arrays if name not in state]
    if missing or foreign:
        words = [f"lacks {_few(missing)}"] if missing else []
        words += [f"has {_few(foreign)}, which the model lacks"] if foreign else []
        raise ValueError(f"{file.op}: {file.name} is of another model: it {' and '.join(words)}")
    for name, own in state.items():
        check_array(file, name, arrays[name], own.shape, own.dtype, "the model's")
        if not own.flags.writeable:
            kind = kind_of(model, name)
            raise ValueError(f"{file.op}: {kind} {name!r} is frozen; call unfreeze()")


def check_array(
    file: File, name: str, array: Array, shape: tuple[int, ...], dtype: object, whose: str
) -> None:
    """Check an array's shape and dtype, and that its numbers are finite."""
    for what, got, expected in (("shape", array.shape, shape), ("dtype", array.dtype, dtype)):
        if got != expected:
            raise ValueError(
                f"{file.op}: {name} in {file.name} must have {whose} {what} {expected}, got {got}"
            )
    bad = not_finite(array)
    if bad:
        raise ValueError(f"{file.op}: {name} in {file.name} must be finite, got {bad}")


def put(state: Mapping[str, Array], arrays: Mapping[str, Array]) -> None:
    """Copy checked arrays into those of a model."""
    for name, own in state.items():
        own[...] = arrays[name]


def not_finite(array: Array) -> str:
    """The first number of an array that is not finite, and its place; "" if there is none."""
    bad = ~np.isfinite(array)
    if not bad.any():
        return ""
    place = [int(i) for i in np.argwhere(bad)[0]]
    return f"{array[tuple(place)]} at {place}"


def _few(names: Iterable[str]) -> str:
    words = [name if name.isprintable() and len(name) < 100 else short_repr(name)
             for name in names]  # fmt: skip
    more = len(words) - 4
    return ", ".join(words[:4]) + (f" and {more} more" if more > 0 else "")


def safetensors_for(op: str) -> Any:
    """Import safetensors, or say how to install it."""
    try:
        import safetensors
        import safetensors.numpy
    except ImportError:
        raise ImportError(
            f'{op}: safetensors is not installed; pip install "convcore[nn]" installs it'
        ) from None
    return safetensors


def save_arrays(file: File, arrays: Mapping[str, Array], facts: Mapping[str, Any]) -> None:
    """Write arrays and JSON facts, all at once."""
    library = safetensors_for(file.op)
    plain = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    file.replace(library.numpy.save(plain, {"format": FORMAT, "facts": json.dumps(facts)}))


def load_arrays(file: File, data: bytes | None = None) -> tuple[dict[str, Array], dict[str, str]]:
    """Return a file's arrays and its metadata; any program may have written it."""
    library = safetensors_for(file.op)
    data = file.read() if data is None else data
    try:
        found = library.deserialize(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        metadata: dict[str, str] = header.get("__metadata__") or {}
    except Exception:  # safetensors' own kind, or JSON's
        raise ValueError(
            f"{file.op}: {file.name} is not a safetensors file, or truncated"
        ) from None
    arrays = {}
    for name, entry in found:
        if entry["dtype"] not in DTYPES:
            raise ValueError(
                f"{file.op}: {_few([name])} in {file.name} must have a dtype of "
                f"{', '.join(DTYPES)}, got {entry['dtype']}"
            )
        shape = tuple(entry["shape"])
        try:
            arrays[name] = np.ndarray(shape, DTYPES[entry["dtype"]], entry["data"])
        except (ValueError, TypeError, OverflowError):  # an empty array may have any shape
            raise ValueError(
                f"{file.op}: {_few([name])} in {file.name} must have the shape of an array, got "
                f"{short_repr(shape)}"
            ) from None
    return arrays, metadata


def facts_of(file: File, metadata: Mapping[str, str]) -> dict[str, Any]:
    """Return the facts that :func:`save_arrays` wrote beside the arrays."""
    try:
        facts = json.loads(metadata["facts"])
        if not isinstance(facts, dict):
            raise ValueError("no object")
    except (KeyError, ValueError, RecursionError):
        raise ValueError(f"{file.op}: {file.name} is not a convcore file, or damaged") from None
    return facts
