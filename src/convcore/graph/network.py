"""A network: a graph that is optimised once, and run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from convcore.graph.filling import Given, filled
from convcore.graph.memory import owner
from convcore.graph.node import Graph, Value, shape_text
from convcore.graph.passes import optimize
from convcore.graph.program import Program, Unknown, missing
from convcore.graph.report import Report, Row
from convcore.graph.statistics import step_facts
from convcore.graph.step import Step
from convcore.graph.summary import Summary, summarize
from convcore.spec.errors import short_repr
from convcore.spec.operands import Array, DType
from convcore.spec.options import as_int


class Network:
    """A network that is ready to run. Made by :func:`convcore.onnx.load`.

    Attributes
    ----------
    inputs, outputs : tuple of Value
        Each with its ``name``, ``dtype`` and ``shape``, in which a size that may vary is a name or
        None.

    Notes
    -----
    Any number of threads may run it at once. It never writes to an input.
    """

    def __init__(
        self, graph: Graph, *, op: str = "Network", unknown: Unknown | None = None
    ) -> None:
        self._op = op
        self._graph = graph
        self._unknown = unknown
        lacking = missing(graph, unknown)
        if lacking:
            raise ValueError(f"{op}: operators must be known, got {_listed(lacking)}")
        try:
            graph.check()
            self._program = Program(optimize(graph), unknown)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise ValueError(f"{op}: {_told(error)}") from error
        constants = self._program.graph.constants.values()
        self._constants = {id(owner(array)) for array in constants}

    @property
    def inputs(self) -> tuple[Value, ...]:
        """What :meth:`run` takes."""
        return tuple(self._graph.inputs)

    @property
    def outputs(self) -> tuple[Value, ...]:
        """What :meth:`run` gives."""
        return tuple(self._graph.outputs)

    @property
    def optimized(self) -> Graph:
        """The graph that runs: constants folded, layers joined with what follows them."""
        return self._program.graph

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the operators that this library has not: the fallback computes them."""
        return tuple(sorted({node.key for node in missing(self._graph)}))

    @property
    def nbytes(self) -> int:
        """Bytes of its constants and prepared layers, and of the memory that it keeps for runs."""
        graph = self._program.graph
        layers = [node.attributes.get("layer") for node in graph.nodes]
        own: int = sum(layer.nbytes for layer in layers if layer is not None)
        constants = sum(array.nbytes for array in graph.constants.values())
        return own + constants + self._program.memory.nbytes

    def run(
        self,
        inputs: Mapping[str, ArrayLike] | ArrayLike,
        outputs: Iterable[str] | None = None,
        *,
        threads: int | None = None,
    ) -> dict[str, Array]:
        """Compute the outputs.

        Parameters
        ----------
        inputs : mapping of str to array_like
            The inputs by name; the array alone, if there is one input.
        outputs : iterable of str, optional
            Names of the outputs that are wanted; default: all.
        threads : int, optional
            Maximum number of threads of each layer; default: those of the process.

        Returns
        -------
        dict of str to ndarray
            The outputs by name, in the order of ``outputs``. They are the caller's own.

        Raises
        ------
        ValueError, TypeError, MemoryError
            For missing and unknown names, for arrays of another dtype or shape, and from operators:
            then a note names the node.

        Examples
        --------
        >>> from convcore import nn, onnx
        >>> model = nn.Sequential(nn.Conv2d(1, 2, 3, rng=0), nn.ReLU())
        >>> network = onnx.load(onnx.export(model, (1, 8, 8)))
        >>> results = network.run({"input": np.zeros((5, 1, 8, 8), np.float32)})
        >>> {name: y.shape for name, y in results.items()}
        {'output': (5, 2, 6, 6)}
        """
        wanted = self._wanted(outputs)
        return self._run(self._read(inputs), wanted, threads)

    @property
    def dtype(self) -> DType | None:
        """The dtype of its first input."""
        return self._graph.inputs[0].dtype

    def run_one(self, x: Array) -> Array:
        """The first output for its only input, an array of its dtype and shape."""
        return self._run([x], [0], None).popitem()[1]

    def _run(
        self, given: list[Array], wanted: Sequence[int], threads: int | None
    ) -> dict[str, Array]:
        with np.errstate(all="ignore"):
            found = self._program.run(given, threads)
        others = self._constants | {id(owner(array)) for array in given}
        results: dict[str, Array] = {}
        for place in wanted:
            y = np.asarray(found[place])
            shared = id(owner(y)) in others or not y.flags.writeable
            if shared or any(np.may_share_memory(y, before) for before in results.values()):
                y = y.copy()
            results[self._graph.outputs[place].name] = y
        return results

    def explain(
        self,
        inputs: Mapping[str, ArrayLike] | ArrayLike,
        *,
        threads: int | None = None,
        runs: int = 5,
    ) -> Report:
        """Run it some times and tell what each step is, and how long it takes.

        Parameters
        ----------
        inputs, threads
            As :meth:`run` takes them.
        runs : int
            How many runs the medians are of, after one that is not timed.

        Returns
        -------
        Report
            A row for each step. It prints as a table.
        """
        given = self._read(inputs)
        times: list[list[float]] = [[] for _ in self._program.steps]
        facts: list[tuple[Any, ...]] = []
        last = 0.0
        place = 0

        def watch(step: Step, arguments: list[Any], result: tuple[Any, ...]) -> None:
            nonlocal last, place
            now = perf_counter()
            times[place].append(now - last)
            if len(facts) <= place:
                facts.append(step_facts(step, arguments, result[0]))
            place += 1
            last = perf_counter()

        with np.errstate(all="ignore"):
            self._program.run(given, threads)
            for _ in range(as_int(self._op, "runs", runs, 1)):
                place, last = 0, perf_counter()
                self._program.run(given, threads, watch)
        medians = [1e3 * float(np.median(each)) for each in times]
        total = sum(medians) or 1.0
        rows = []
        for fact, ms in zip(facts, medians, strict=True):
            name, operator, algorithm, shape, macs = fact
            rows.append(Row(name, operator, algorithm, shape, macs, ms, ms / total))
        return Report(rows)

    def summary(self, inputs: Given | None = None) -> Summary:
        """Tell what each node of the file is, and count its parameters and multiply-adds.

        The graph is run once on zeros, as its file has it: neither constants are folded nor nodes
        joined, so that the rows are those of the file.

        Parameters
        ----------
        inputs : mapping, optional
            Shapes (tuples) or arrays by the names of inputs. Needed for sizes that the file leaves
            open, and for inputs whose values decide what is computed. Default: the sizes of the
            file. An open size is 1 for the batch, which is the first axis, and a size whose name
            says so: "N", or one with "batch" in it.

        Returns
        -------
        Summary
            A row for each node, without those of constants. It prints as a table.

        Raises
        ------
        ValueError, TypeError
            For inputs whose shapes are not known, which it names, and as :meth:`run`.

        Notes
        -----
        Receptive fields are counted in cells of the first input with four or five axes, (N, C,
        then the spatial ones), or channels last if only the last size is 1, 3 or 4. A first input
        with three axes counts too: (N, C, L). Where branches meet, an output sees what it sees
        through any of them. After an operator that isn't followed, each output counts as seeing
        all that its inputs see.

        See Also
        --------
        explain, convcore.nn.summary, convcore.geometry.receptive_field

        Examples
        --------
        >>> from convcore import nn, onnx
        >>> model = nn.Sequential(nn.Conv2d(1, 2, 3, rng=0), nn.MaxPool2d(2), nn.Flatten())
        >>> numbers = onnx.load(onnx.export(model, (1, 8, 8))).summary()
        >>> print(numbers)
        node       operator  result   parameters  multiply-adds  sees
        0.Conv     Conv      1x2x6x6          20            648   3x3
        1.MaxPool  MaxPool   1x2x3x3           0                  4x4
        2.Flatten  Flatten   1x18              0                  all
        total                                 20            648
        >>> numbers[1].receptive_field, numbers[1].jump, numbers[1].offset
        ((4, 4), (2, 2), (0, 0))
        """
        arrays = self._read(filled(self._op, self._graph.inputs, inputs))
        return summarize(Program(self._graph, self._unknown), arrays)

    def _wanted(self, outputs: Iterable[str] | None) -> list[int]:
        names = [value.name for value in self._graph.outputs]
        if outputs is None:
            return list(range(len(names)))
        wanted = [outputs] if isinstance(outputs, str) else list(outputs)
        for name in wanted:
            if name not in names:
                raise ValueError(
                    f"{self._op}: outputs must be among {names}, got {short_repr(name)}"
                )
        return [names.index(name) for name in wanted]

    def _read(self, inputs: Mapping[str, ArrayLike] | ArrayLike) -> list[Array]:
        names = [value.name for value in self._graph.inputs]
        if not isinstance(inputs, Mapping):
            if len(names) != 1:
                raise TypeError(
                    f"{self._op}: inputs must be a mapping with {names}, got {short_repr(inputs)}"
                )
            inputs = {names[0]: inputs}
        if set(inputs) != set(names):
            raise ValueError(f"{self._op}: inputs must be {names}, got {sorted(map(str, inputs))}")
        sizes: dict[str, int] = {}
        return [self._checked(value, inputs[value.name], sizes) for value in self._graph.inputs]

    def _checked(self, value: Value, given: ArrayLike, sizes: dict[str, int]) -> Array:
        op, name = self._op, value.name
        if isinstance(given, np.ma.MaskedArray):
            raise TypeError(f"{op}: input {name!r} must be a plain array, got a masked array")
        try:
            array = np.asarray(given, None if isinstance(given, np.ndarray) else value.dtype)
        except (ValueError, TypeError, OverflowError):
            kind = value.dtype or "an array"
            raise TypeError(
                f"{op}: input {name!r} must be {kind}, got {short_repr(given)}"
            ) from None
        if value.dtype is not None and array.dtype != value.dtype:
            raise TypeError(f"{op}: input {name!r} must be {value.dtype}, got {array.dtype}")
        if value.shape is None:
            return array
        if len(value.shape) != array.ndim:
            raise ValueError(
                f"{op}: input {name!r} must have shape {shape_text(value.shape)}, got {array.shape}"
            )
        for wanted, size in zip(value.shape, array.shape, strict=True):
            expected = sizes.setdefault(wanted, size) if isinstance(wanted, str) else wanted
            if expected is not None and expected != size:
                raise ValueError(
                    f"{op}: input {name!r} must have shape {shape_text(value.shape)}, got "
                    f"{array.shape}"
                )
        return array

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and pickles: the graph, of which the network is made again."""
        return _again, (self._graph, self._op, self._unknown)

    def __repr__(self) -> str:
        """In one line."""
        given, made = (
            ", ".join(f"{value.name} {shape_text(value.shape)}" for value in values)
            for values in (self.inputs, self.outputs)
        )
        return f"Network({given} -> {made})"


def _again(graph: Graph, op: str, unknown: Unknown | None) -> Network:
    return Network(graph, op=op, unknown=unknown)


def _told(error: Exception) -> str:
    """What is wrong with a graph; errors of other kinds come from inputs or attributes."""
    if isinstance(error, ValueError):
        return str(error)
    return f"nodes must have the inputs and attributes of their operators: {error!r}"


def _listed(nodes: Sequence[Any]) -> str:
    """Operators, how often each is there, and where first."""
    first: dict[str, str] = {}
    count: dict[str, int] = {}
    for node in nodes:
        first.setdefault(node.key, node.name or (node.outputs[0] if node.outputs else ""))
        count[node.key] = count.get(node.key, 0) + 1
    return ", ".join(
        f"{key} ({count[key]}, first at node {short_repr(first[key])})" for key in sorted(count)
    )
