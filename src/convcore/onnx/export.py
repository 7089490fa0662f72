"""Models of layers as ONNX files, for other programs."""

from __future__ import annotations

import os
from typing import Any

from convcore.graph.node import Value
from convcore.graph.tracer import Tracer
from convcore.nn.io.disk import File
from convcore.nn.layers.base import Layer
from convcore.onnx.writer import write_model
from convcore.spec.errors import short_repr
from convcore.spec.operands import FLOAT32

INPUT, OUTPUT = "input", "output"


def export(
    model: Layer,
    input_shape: tuple[int, ...],
    path: str | os.PathLike[str] | None = None,
) -> bytes:
    """Write a model as an ONNX file, which other programs run.

    Parameters
    ----------
    model : Layer
        A model as it is in use: :class:`convcore.nn.Dropout` does nothing, batch normalisations
        use their running statistics.
    input_shape : tuple of int
        Of one example, without the batch, whose size stays open.
    path : path, optional
        The file to write. Default: none.

    Returns
    -------
    bytes
        The file's bytes: operators of opset 21, the input called "input", the result "output".

    Raises
    ------
    ValueError
        For layers that ONNX has no operators for (local, tiled and weighted ones, a symmetric
        border, layers of your own), and shapes that do not fit.
    TypeError
        For another model.
    OSError
        For a file that cannot be written.

    See Also
    --------
    load

    Examples
    --------
    >>> from convcore import nn, onnx
    >>> model = nn.Sequential(nn.Conv2d(1, 2, 3, rng=0), nn.ReLU())
    >>> onnx.load(onnx.export(model, (1, 8, 8)))
    Network(input (N, 1, 8, 8) -> output (N, 2, 6, 6))
    """
    op = "onnx.export"
    if not isinstance(model, Layer):
        raise TypeError(f"{op}: model must be a layer of convcore.nn, got {short_repr(model)}")
    file = None if path is None else File.of(op, "path", path)
    _, example = model._split(input_shape)
    result = model._shape(example)
    dtype: Any = next((array.dtype for array in model.state().values()), FLOAT32)
    to = Tracer(portable=True, dtype=dtype)
    to.shapes[INPUT] = example
    try:
        y = model._trace(to, INPUT)
    except ValueError as error:
        raise ValueError(f"{op}: {error}") from None
    to.rename(y, OUTPUT)
    graph = to.graph(
        [Value(INPUT, dtype, ("N", *example))], [Value(OUTPUT, dtype, ("N", *result))], model.op
    )
    data = write_model(graph)
    if file is not None:
        file.replace(data)
    return data
