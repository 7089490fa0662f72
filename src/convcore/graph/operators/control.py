"""Graphs inside of graphs: If, Loop and Scan."""

from __future__ import annotations

import numpy as np

from convcore.graph.node import Graph, Value
from convcore.graph.operators.arguments import Integers, as_axis
from convcore.graph.operators.registry import Call, operator
from convcore.spec.operands import Array


@operator("If", call=True)
def if_(
    call: Call, condition: Array, *, then_branch: Graph, else_branch: Graph
) -> tuple[Array, ...]:
    """The outputs of one graph or of the other."""
    if condition.size != 1:
        raise ValueError(f"If: cond must have one element, got shape {condition.shape}")
    return tuple(call.run(then_branch if condition.item() else else_branch, []))


def stacked(arrays: list[Array], value: Value, axis: int = 0) -> Array:
    """Return arrays along a new axis; of none, what the value says is known of them."""
    if arrays:
        return np.stack(arrays, axis)
    sizes = [size if isinstance(size, int) else 0 for size in value.shape or ()]
    sizes.insert(as_axis("Scan", axis, len(sizes) + 1), 0)
    return np.zeros(sizes, np.float32 if value.dtype is None else value.dtype)


@operator("Loop", call=True)
def loop(
    call: Call,
    most: Array | None = None,
    condition: Array | None = None,
    *state: Array,
    body: Graph,
) -> tuple[Array, ...]:
    """The body run again and again, at most so often, and while its condition is true.

    The body maps (iteration, condition, state) to (condition, state, scans). The results are the
    last state, and the scans of all iterations along a new first axis.
    """
    goes_on = condition is None or bool(condition.item())
    end = None if most is None else int(most.item())
    kept, number = list(state), len(state)
    scans: list[list[Array]] = [[] for _ in body.outputs[1 + number :]]
    iteration = 0
    while goes_on and (end is None or iteration < end):
        found = call.run(body, [np.array(iteration, np.int64), np.array(goes_on), *kept])
        goes_on, kept = bool(found[0].item()), found[1 : 1 + number]
        for scan, one in zip(scans, found[1 + number :], strict=True):
            scan.append(one)
        iteration += 1
    return *kept, *map(stacked, scans, body.outputs[1 + number :])


def _per_item(op: str, name: str, given: Integers | None, number: int) -> list[int]:
    values = [0] * number if given is None else [int(one) for one in given]
    if len(values) != number:
        raise ValueError(f"{op}: {name} must have {number} elements, got {len(values)}")
    return values


@operator("Scan", since=9, call=True)
def scan(
    call: Call,
    *arrays: Array,
    body: Graph,
    num_scan_inputs: int,
    scan_input_axes: Integers | None = None,
    scan_input_directions: Integers | None = None,
    scan_output_axes: Integers | None = None,
    scan_output_directions: Integers | None = None,
) -> tuple[Array, ...]:
    """The body run for each slice of the last inputs, with a state that it changes.

    The body maps (state, slices) to (state, scans). The results are the last state, and the scans
    along a new axis. A direction of 1 is from the back.
    """
    number = len(arrays) - num_scan_inputs
    outputs = body.outputs[number:]
    axes = _per_item("Scan", "scan_input_axes", scan_input_axes, num_scan_inputs)
    back = _per_item("Scan", "scan_input_directions", scan_input_directions, num_scan_inputs)
    out_axes = _per_item("Scan", "scan_output_axes", scan_output_axes, len(outputs))
    out_back = _per_item("Scan", "scan_output_directions", scan_output_directions, len(outputs))
    slices = [
        np.moveaxis(array, as_axis("Scan", axis, array.ndim), 0)[:: -1 if backward else 1]
        for array, axis, backward in zip(arrays[number:], axes, back, strict=True)
    ]
    if len({len(each) for each in slices}) != 1:
        raise ValueError(
            f"Scan: scan inputs must be of one length, got {[len(each) for each in slices]}"
        )
    kept = list(arrays[:number])
    scans: list[list[Array]] = [[] for _ in outputs]
    for each in zip(*slices, strict=True):
        found = call.run(body, [*kept, *each])
        kept = found[:number]
        for one, value in zip(scans, found[number:], strict=True):
            one.append(value)
    results = (
        stacked(one[:: -1 if backward else 1], value, axis)
        for one, value, axis, backward in zip(scans, outputs, out_axes, out_back, strict=True)
    )
    return *kept, *results


@operator("Scan", call=True)
def scan_of_batches(
    call: Call,
    lengths: Array | None,
    *arrays: Array,
    body: Graph,
    num_scan_inputs: int,
    directions: Integers | None = None,
) -> tuple[Array, ...]:
    """The same for each example of a batch, of a length of its own; what lies beyond is 0."""
    number = len(arrays) - num_scan_inputs
    longest = arrays[-1].shape[1]
    results = []
    for example in range(len(arrays[0])):
        end = longest if lengths is None else int(lengths[example])
        results.append(
            scan(
                call,
                *(array[example] for array in arrays[:number]),
                *(array[example, :end] for array in arrays[number:]),
                body=body,
                num_scan_inputs=num_scan_inputs,
                scan_input_directions=directions,
            )
        )
    return tuple(
        np.stack([one if place < number else _filled(one, longest) for one in each])
        for place, each in enumerate(zip(*results, strict=True))
    )


def _filled(x: Array, size: int) -> Array:
    return np.pad(x, [(0, size - len(x))] + [(0, 0)] * (x.ndim - 1))
