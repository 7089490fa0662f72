"""Networks from ONNX files, run without the onnx package."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from convcore.graph.network import Network
from convcore.graph.node import Value
from convcore.graph.report import Report, Row
from convcore.graph.summary import Summary, SummaryRow
from convcore.onnx import reference
from convcore.onnx.export import export
from convcore.onnx.reader import FormatError, Source, read_model
from convcore.spec.errors import short_repr
from convcore.spec.options import check_choice

__all__ = [
    "Network",
    "Report",
    "Row",
    "Summary",
    "SummaryRow",
    "Value",
    "export",
    "load",
]  # ops needs the onnx package


def __getattr__(name: str) -> Any:
    """``ops``, which needs the onnx package: a list of operators for its evaluator."""
    if name != "ops":
        raise AttributeError(f"module 'convcore.onnx' has no attribute {name!r}")
    from convcore.onnx.reference import operators

    return operators()


def __dir__() -> list[str]:
    """The names that can be had: help and other tools look at each."""
    try:
        more = ["ops"] if find_spec("onnx") else []
    except ImportError:  # somebody hides it
        more = []
    return sorted([*__all__, *more])


def load(source: str | os.PathLike[str] | bytes | Any, *, fallback: str | None = None) -> Network:
    """Load a network from an ONNX file.

    Parameters
    ----------
    source : path, bytes or onnx.ModelProto
        The model. Only one that is given by its path may have its numbers in other files, which
        must be in its folder.
    fallback : "reference", optional
        What computes operators that this library has not: the evaluator of the onnx package, which
        is imported then. Default: they are refused, all at once.

    Returns
    -------
    Network

    Raises
    ------
    ValueError
        For bytes that are no ONNX model, or a part of one, and for unknown operators.
    TypeError
        For another source.
    OSError
        For a file that cannot be read.

    See Also
    --------
    export, Network

    Notes
    -----
    Nothing in a file is trusted. Its lengths are compared with its bytes before anything is
    allocated, and names, order, nesting and constants are checked. A run, though, may take as much
    memory as the model asks for.

    Examples
    --------
    >>> from convcore import nn, onnx
    >>> model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, rng=0), nn.ReLU())
    >>> network = onnx.load(onnx.export(model, (3, 32, 32)))
    >>> network.inputs[0].shape, network.outputs[0].shape
    (('N', 3, 32, 32), ('N', 8, 32, 32))
    >>> results = network.run({"input": np.zeros((1, 3, 32, 32), np.float32)})
    >>> [y.shape for y in results.values()]
    [(1, 8, 32, 32)]
    """
    if fallback is not None:
        check_choice("onnx.load", "fallback", fallback, ("reference",))
    try:
        graph = read_model(_source(source))
    except FormatError as error:
        raise ValueError(f"onnx.load: source must be an ONNX model, got {error}") from None
    return Network(graph, op="onnx.load", unknown=reference.fallback if fallback else None)


def _source(source: Any) -> Source:
    if isinstance(source, (bytes, bytearray, memoryview)):
        return Source(bytes(source), None)
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        return Source(path.read_bytes(), path.parent)
    if hasattr(source, "SerializeToString"):
        return Source(source.SerializeToString(), None)
    raise TypeError(
        f"onnx.load: source must be a path, bytes or an onnx.ModelProto, got {short_repr(source)}"
    )
