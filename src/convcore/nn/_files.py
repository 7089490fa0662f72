"""Parameters in files: safetensors, a header and plain bytes. Reading one never runs code."""

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from convcore._args import Array
from convcore.nn._base import Layer, check_model

FORMAT = "convcore 1"
Name = str | os.PathLike[str]


def save(model: Layer, path: Name) -> None:
    """Write a model's parameters into a file.

    Parameters
    ----------
    model : Layer
        A :class:`Sequential`, or any layer.
    path : str or path
        A file that is there is replaced, at once: an interruption leaves the old one.

    Raises
    ------
    ImportError
        Without safetensors (``pip install "convcore[nn]"``).
    OSError
        Where the file cannot be written.

    See Also
    --------
    load

    Notes
    -----
    The file has the arrays, by name, and not the layers: build the model first, then load. Other
    programs read it by ``safetensors.numpy.load_file``.

    Examples
    --------
    >>> from convcore import nn
    >>> nn.save(nn.models.lenet5(rng=0), "lenet5.safetensors")
    >>> model = nn.load(nn.models.lenet5(), "lenet5.safetensors")
    >>> bool((model["C1"].weight == nn.models.lenet5(rng=0)["C1"].weight).all())
    True
    """
    write("save", path, check_model("save", model).parameters(), {"content": "parameters"})


def load(model: Layer, path: Name) -> Layer:
    """Read a model's parameters from a file that :func:`save` wrote.

    Parameters
    ----------
    model : Layer
        Its arrays are overwritten, in place; left as they are where anything does not fit.
    path : str or path
        The file.

    Returns
    -------
    Layer
        The model itself.

    Raises
    ------
    ValueError
        For a file that is cut off, of another kind, or of a model with other names, shapes or
        dtypes, and for a frozen model.
    ImportError
        Without safetensors (``pip install "convcore[nn]"``).
    OSError
        Where there is no such file.

    See Also
    --------
    save

    Examples
    --------
    >>> from convcore import nn
    >>> nn.save(nn.Linear(3, 2, rng=0), "dense.safetensors")
    >>> nn.load(nn.Linear(2, 3), "dense.safetensors")
    Traceback (most recent call last):
        ...
    ValueError: load: weight in dense.safetensors has shape (2, 3), expected (3, 2) as in the model
    """
    arrays, facts = read("load", path)
    if facts.get("content") == "checkpoint":
        arrays = {k.partition("/")[2]: a for k, a in arrays.items() if k.startswith("model/")}
    put("load", path, check_model("load", model).parameters(), arrays)
    return model


def put(op: str, path: Name, parameters: Mapping[str, Array], arrays: Mapping[str, Array]) -> None:
    """Copy a file's arrays into a model's, all or none."""
    missing = [name for name in parameters if name not in arrays]
    foreign = [name for name in arrays if name not in parameters]
    if missing or foreign:
        words = [f"lacks {_few(missing)}"] if missing else []
        words += [f"has {_few(foreign)}, which the model has not"] if foreign else []
        raise ValueError(f"{op}: {os.fspath(path)} is of another model: it {' and '.join(words)}")
    for name, parameter in parameters.items():
        array = arrays[name]
        for what in ("shape", "dtype"):
            got, expected = getattr(array, what), getattr(parameter, what)
            if got != expected:
                raise ValueError(
                    f"{op}: {name} in {os.fspath(path)} has {what} {got}, expected {expected} as "
                    "in the model"
                )
        if not parameter.flags.writeable:
            raise ValueError(f"{op}: parameter {name} is frozen: unfreeze() the model")
    for name, parameter in parameters.items():
        parameter[...] = arrays[name]


def _few(names: list[str]) -> str:
    more = len(names) - 4
    return ", ".join(names[:4]) + (f" and {more} more" if more > 0 else "")


def safetensors_for(op: str) -> Any:
    try:
        from safetensors import numpy as safetensors
    except ImportError:
        raise ImportError(
            f'{op}: safetensors is not installed; pip install "convcore[nn]" installs it'
        ) from None
    return safetensors


def write(op: str, path: Name, arrays: Mapping[str, Array], facts: Mapping[str, Any]) -> None:
    """Write arrays and JSON facts into a temporary file, then give it its name."""
    library = safetensors_for(op)
    plain = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    data = library.save(plain, {"format": FORMAT, "facts": json.dumps(facts)})
    target = Path(path).resolve()  # a link stays one
    handle, temporary = temporary_beside(target)
    try:
        with open(handle, "wb") as file:  # noqa: PTH123
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp's files are the owner's alone
        temporary.chmod(target.stat().st_mode if target.exists() else 0o666 & ~_umask())
        temporary.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def temporary_beside(target: Path) -> tuple[int, Path]:
    """Open a new file in the folder of another; errors name that one."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as error:
        raise type(error)(error.errno, error.strerror, str(target)) from None
    return handle, Path(name)


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def read(op: str, path: Name) -> tuple[dict[str, Array], dict[str, Any]]:
    """Read what :func:`write` wrote."""
    library = safetensors_for(op)
    data = Path(path).read_bytes()
    try:
        arrays = library.load(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        facts = header.get("__metadata__", {})
        if facts.get("format") != FORMAT:
            raise ValueError(f"its format is {facts.get('format')}, expected {FORMAT}")
        return arrays, json.loads(facts["facts"])
    except Exception as error:  # safetensors' own kind, or what broken text leads to
        reason = f"{type(error).__name__}: {error}"
        raise ValueError(
            f"{op}: {os.fspath(path)} is no file of convcore, or not a whole one ({reason})"
        ) from None
