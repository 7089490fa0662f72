"""Summaries: shapes, parameters, connections, multiply-adds and fields of a network's layers."""

import html
import json
from typing import Any, NamedTuple

from convcore.geometry import Count, _fields
from convcore.geometry._fields import Field
from convcore.nn.layers.activations import Flatten
from convcore.nn.layers.base import Layer, Shape, check_model
from convcore.nn.layers.dense import Linear, Subsample2d
from convcore.nn.layers.sequential import Sequential
from convcore.nn.layers.tree import Tree
from convcore.spec.axis import Axis
from convcore.spec.layer import described

HEADS = ("layer", "", "output", "weights", "biases", "parameters", "connections", "multiply-adds",
         "sees")  # fmt: skip


class Row(NamedTuple):
    """One layer of a :class:`Summary`.

    Parameters
    ----------
    name : str
        The layer's name in its stack.
    layer : str
        The call that makes it.
    output_shape : tuple of ints
        Of one example.
    weights, biases, parameters, connections, multiply_adds : int
        As :func:`convcore.geometry.count` counts them, for one example.
    receptive_field : tuple of ints or None
        Rows and columns of the input that one output sees, padding included. None if outputs
        differ.
    jump, offset : tuple of ints or None
        As :class:`convcore.geometry.Field` has them.

    Examples
    --------
    >>> from convcore import nn
    >>> nn.summary(nn.models.lenet5(), (1, 32, 32))["C3"].connections
    151600
    """

    name: str
    layer: str
    output_shape: Shape
    weights: int
    biases: int
    parameters: int
    connections: int
    multiply_adds: int
    receptive_field: Shape | None
    jump: Shape | None
    offset: Shape | None


class Summary:
    """The numbers of a network, layer by layer; prints as a table.

    Attributes
    ----------
    rows : tuple of Row
        A row for each layer. ``summary["C1"]`` is the row of that name, ``summary[0]`` the first.
    input_shape : tuple of ints
        Of one example.
    weights, biases, parameters, connections, multiply_adds : int
        Sums over the rows.

    See Also
    --------
    summary

    Examples
    --------
    >>> from convcore import nn
    >>> numbers = nn.summary(nn.Sequential([nn.Conv2d(1, 6, 5), nn.MaxPool2d(2)]), (1, 28, 28))
    >>> numbers.parameters, numbers[1].output_shape, numbers[1].receptive_field
    (156, (6, 12, 12), (6, 6))
    >>> sorted(numbers.to_dict())[:3]
    ['biases', 'connections', 'input_shape']
    """

    def __init__(self, input_shape: Shape, rows: tuple[Row, ...]) -> None:
        self.input_shape, self.rows = input_shape, rows
        self.weights = sum(row.weights for row in rows)
        self.biases = sum(row.biases for row in rows)
        self.parameters = sum(row.parameters for row in rows)
        self.connections = sum(row.connections for row in rows)
        self.multiply_adds = sum(row.multiply_adds for row in rows)

    def __getitem__(self, key: int | str) -> Row:
        """The row of a layer's name, or of a number."""
        if isinstance(key, str):
            for row in self.rows:
                if row.name == key:
                    return row
            raise KeyError(f"summary: no layer {key!r}")
        return self.rows[key]

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.rows)

    def __eq__(self, other: object) -> bool:
        """Whether all numbers are equal."""
        return isinstance(other, Summary) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        """Equal for equal summaries."""
        return hash((self.input_shape, self.rows))

    def to_dict(self) -> dict[str, Any]:
        """Return all numbers as dicts, lists and integers."""
        totals = {name: getattr(self, name) for name in Count._fields}
        rows = [row._asdict() for row in self.rows]
        return {"input_shape": self.input_shape, **totals, "rows": rows}

    def to_json(self, indent: int | None = None) -> str:
        """Return :meth:`to_dict` as JSON."""
        return json.dumps(self.to_dict(), indent=indent)

    def cells(self) -> list[tuple[str, ...]]:
        """Return the table's cells: heads, the input, a line for each layer, the sums."""
        lines: list[tuple[str, ...]] = [HEADS]
        lines += [("input", "", _by(self.input_shape), "", "", "", "", "", "")]
        for row in self.rows:
            numbers = [row.weights, row.biases, row.parameters, row.connections, row.multiply_adds]
            seen = "" if row.receptive_field is None else _by(row.receptive_field)
            texts = [f"{number:,}" if number else "" for number in numbers]
            lines.append((row.name, row.layer, _by(row.output_shape), *texts, seen))
        sums = [getattr(self, name) for name in ("weights", "biases", *Count._fields[:1],
                                                 "connections", "multiply_adds")]  # fmt: skip
        lines.append(("total", "", "", *(f"{number:,}" for number in sums), ""))
        return lines

    def text(self, layers: bool = True) -> str:
        """Return the table as text, with or without the calls that make the layers."""
        lines = [cells if layers else (cells[0], *cells[2:]) for cells in self.cells()]
        left = 2 if layers else 1
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        texts = [
            "  ".join(
                text.ljust(width) if place < left else text.rjust(width)
                for place, (text, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        ]
        rule = "-" * max(map(len, texts))
        return "\n".join([texts[0], rule, *texts[1:-1], rule, texts[-1]])

    def __repr__(self) -> str:
        """The table."""
        return self.text()

    def _repr_html_(self) -> str:
        def line(cells: tuple[str, ...], tag: str) -> str:
            sides = ["left"] * 2 + ["right"] * 7
            return "<tr>" + "".join(
                f'<{tag} style="text-align: {side}">{html.escape(cell)}</{tag}>'
                for cell, side in zip(cells, sides, strict=True)
            ) + "</tr>"  # fmt: skip

        first, *rest, last = self.cells()
        body = "".join(line(cells, "td") for cells in rest)
        return (
            f"<table><thead>{line(first, 'th')}</thead><tbody>{body}</tbody>"
            f"<tfoot>{line(last, 'th')}</tfoot></table>"
        )


def summary(model: Layer, input_shape: Shape) -> Summary:
    """Count a network, layer by layer, without running it.

    Parameters
    ----------
    model : Layer
        A :class:`Sequential`, or any layer.
    input_shape : tuple of ints
        Shape of one example; a batch before it is ignored.

    Returns
    -------
    Summary
        Prints as a table, in notebooks too. Has the numbers as attributes, and as ``to_dict()``
        and ``to_json()``.

    Raises
    ------
    ValueError, TypeError
        For a shape that does not fit.

    See Also
    --------
    convcore.geometry.count, convcore.geometry.receptive_field

    Notes
    -----
    A dense layer after a :class:`Flatten` sees all that any cell of its input sees. Where branches
    meet, an output sees what it sees through any of them. Examples: :doc:`/learn/lenet5` and
    :doc:`/learn/alexnet`.

    Examples
    --------
    >>> from convcore import nn
    >>> model = nn.Sequential({"C1": nn.Conv2d(1, 6, 5), "S2": nn.Subsample2d(6, 2)})
    >>> nn.summary(model, (1, 32, 32))
    layer                      output  weights  biases  parameters  connections  multiply-adds  sees
    ------------------------------------------------------------------------------------------------
    input                     1x32x32
    C1     Conv2d(1, 6, 5)    6x28x28      150       6         156      122,304        117,600   5x5
    S2     Subsample2d(6, 2)  6x14x14        6       6          12        5,880          1,176   6x6
    ------------------------------------------------------------------------------------------------
    total                                  156      12         168      128,184        118,776
    """
    op = "summary"
    model = check_model(op, model)
    stack = model if isinstance(model, Tree) else Sequential({"layer": model})
    _, example = stack._split(input_shape)
    return Summary(example, tuple(_Reader(example).rows(stack, example, "")))


class _Reader:
    """Goes through a tree of layers and keeps the receptive field."""

    def __init__(self, example: Shape) -> None:
        self.field: Field | None = _fields.start(len(example) - 1) if len(example) > 1 else None
        self.map: Shape = example[1:]  # cells of the last map

    def rows(self, tree: Tree, shape: Shape, prefix: str) -> list[Row]:
        found: list[Row] = []
        begin = self.field, self.map
        ends = []
        for name, layer, after in zip(tree.names, tree, tree.shapes(shape), strict=True):
            if tree.parallel:
                self.field, self.map = begin
            if isinstance(layer, Tree):
                found += self.rows(layer, shape, f"{prefix}{name}.")
            else:
                found.append(self._row(f"{prefix}{name}", layer, shape, after))
            ends.append(self.field)
            shape = shape if tree.parallel else after
        if tree.parallel:
            self.field = _union(ends)
        return found

    def _row(self, name: str, layer: Layer, shape: Shape, after: Shape) -> Row:
        self._see(layer, shape)
        numbers = layer.count(shape)
        field = (None,) * 3 if self.field is None else self.field
        return Row(name, repr(layer), after, numbers.weights, numbers.biases, numbers.parameters,
                   numbers.connections, numbers.multiply_adds, *field)  # fmt: skip

    def _see(self, layer: Layer, shape: Shape) -> None:
        """Extend the field by a layer."""
        if self.field is None or layer.pointwise or isinstance(layer, Flatten):
            return
        if isinstance(layer, Linear):
            rows: Any = [Axis(n, n, 1, 1, (0, 0), 1) for n in self.map]
            self.map = (1,) * len(self.map)
        else:
            laid = layer.pooling() if isinstance(layer, Subsample2d) else layer
            if getattr(laid, "operator", None) is None:  # a layer of the user's own
                self.field = None
                return
            spec = described(layer.op, laid).on(layer.op, shape)
            rows, channel = _fields.equal_windows(spec), spec.layout.channel_axis
            self.map = (*spec.y_shape[:channel], *spec.y_shape[channel + 1 :])
        self.field = None if rows is None else _fields.extend(self.field, rows)


def _union(fields: list[Field | None]) -> Field | None:
    """What outputs see through several branches; None if their steps differ."""
    known = [field for field in fields if field is not None]
    if len(known) < len(fields) or any(field.jump != known[0].jump for field in known):
        return None
    begins = [min(each) for each in zip(*(field.offset for field in known), strict=True)]
    ends = (zip(field.offset, field.size, strict=True) for field in known)
    last = [max(begin + size for begin, size in each) for each in zip(*ends, strict=True)]
    sizes = (end - begin for begin, end in zip(begins, last, strict=True))
    return Field(tuple(sizes), known[0].jump, tuple(begins))


def _by(shape: Shape) -> str:
    return "x".join(map(str, shape))
