"""What the elements of a value see of the network's input, and how that moves along an axis.

A value has a track for each spatial axis of the input, or none at all where it does not depend on
the input. Each operator moves tracks in one way, as the table at the end has it. Where an operator
is not in the table, every element of its result counts as seeing all that its inputs see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate
from math import prod
from typing import Any, NamedTuple

import numpy as np

from convcore.geometry._fields import Field, equal_windows, extend
from convcore.graph.node import Node, Value
from convcore.graph.operators.arguments import Integers, as_axes, as_axis
from convcore.graph.operators.slicing import pad_ends, slices
from convcore.graph.statistics import layer_of
from convcore.spec.axis import Axis
from convcore.spec.layer import described
from convcore.spec.operands import Array

Shape = tuple[int, ...]
CHANNELS = (1, 3, 4)  # of an image with channels last


class Track(NamedTuple):
    """What elements see along one axis of the input."""

    axis: int | None  # of the value, along which it moves; None: all elements see the same
    window: tuple[int, int, int] | None  # size, step and first cell; None: elements differ
    first: int  # of the cells that any element sees
    end: int


Seen = tuple[Track, ...] | None


class Call(NamedTuple):
    """A node in one run."""

    node: Node
    opset: int
    arguments: Sequence[Any]
    results: Sequence[Any]
    seen: Sequence[Seen]  # of each argument

    def value(self, place: int, name: str, default: Any = None) -> Any:
        """What is an attribute in some opsets, and an input in others."""
        if place < len(self.arguments) and self.arguments[place] is not None:
            return self.arguments[place]
        return self.node.attributes.get(name, default)

    @property
    def rank(self) -> int:
        """Axes of the first argument."""
        return int(np.ndim(self.arguments[0]))


Rule = Callable[[Call], Seen]


def image_axes(values: Sequence[Value], arrays: Sequence[Array]) -> tuple[int, tuple[int, ...]]:
    """The place of the first input that is like an image, and its spatial axes; none: ().

    With one spatial axis it must be the first input of all: states of recurrent layers follow it.
    """
    for place, (value, array) in enumerate(zip(values, arrays, strict=True)):
        if (4 if place else 3) <= array.ndim <= 5 and (
            value.dtype is None or value.dtype.kind in "fiu"
        ):
            last = array.shape[-1] in CHANNELS and array.shape[1] not in CHANNELS
            return place, tuple(range(1, array.ndim - 1) if last else range(2, array.ndim))
    return 0, ()


def start(shape: Shape, axes: Sequence[int]) -> Seen:
    """What the cells of an input see: themselves."""
    return tuple(Track(axis, (1, 1, 0), 0, shape[axis]) for axis in axes) or None


def follow(call: Call, outer: Iterable[Seen]) -> list[Seen]:
    """What each result of a node sees; `outer`: what its graphs take from outside sees."""
    captured = list(outer)
    known = [seen for seen in (*call.seen, *captured) if seen is not None]
    if not known or call.node.key in ("Shape", "Size"):
        return [None] * len(call.results)
    everything = _everything(known)
    if call.node.key == "Split":
        return list(_split(call)) if call.seen[0] else [everything] * len(call.results)
    rule = _rule(call)
    only_first = call.node.key not in SEVERAL
    if rule is None or captured or (only_first and any(call.seen[1:])):
        return [everything] * len(call.results)
    first = rule(call)
    shape = np.shape(call.results[0])
    return [first if np.shape(each) == shape else everything for each in call.results]


def field_of(seen: Seen) -> Field | None:
    """Sizes, steps and first cells; None: elements see differently many cells, or none."""
    if seen is None or any(track.window is None for track in seen):
        return None
    return Field(*zip(*(track.window for track in seen if track.window), strict=True))


def words_of(seen: Seen, cells: Shape) -> str:
    """What an element sees, in a table: "3x3", "all", "varies", or "" where it sees nothing."""
    if seen is None:
        return ""
    field = field_of(seen)
    if field is None:
        return "varies"
    whole = zip(seen, cells, strict=True)
    if all(track.axis is None and track.first <= 0 and track.end >= n for track, n in whole):
        return "all"
    return "x".join(map(str, field.size))


def _still(track: Track) -> Track:
    """What all elements together see."""
    return Track(None, (track.end - track.first, 0, track.first), track.first, track.end)


def _collapse(seen: Seen, axes: Iterable[int]) -> Seen:
    """Along some axes of the value, each element sees what all of them see."""
    where = set(axes)
    return seen and tuple(_still(track) if track.axis in where else track for track in seen)


def _move(seen: Seen, to: Mapping[int, int]) -> Seen:
    """Axes get other numbers; those that get none are collapsed."""
    return seen and tuple(
        track
        if track.axis is None
        else track._replace(axis=to[track.axis])
        if track.axis in to
        else _still(track)
        for track in seen
    )


def _along(axis: int, window: tuple[int, int, int], n: int) -> Track:
    """A window that moves along an axis of n elements."""
    size, step, first = window
    return Track(axis, window, first, first + (n - 1) * step + size)


def _everything(known: Sequence[Seen]) -> Seen:
    return _union([seen and tuple(map(_still, seen)) for seen in known])


def _union(branches: Sequence[Seen]) -> Seen:
    """What is seen through any of several branches, whose axes have the same numbers."""
    known = [seen for seen in branches if seen is not None]
    return tuple(_joined(tracks) for tracks in zip(*known, strict=True)) or None


def _joined(tracks: Sequence[Track]) -> Track:
    first, end = min(t.first for t in tracks), max(t.end for t in tracks)
    axis = tracks[0].axis
    whole = Track(axis, None, first, end)
    if axis is None or any(track.axis != axis for track in tracks):
        return _still(whole)
    windows = [track.window for track in tracks if track.window is not None]
    if len(windows) < len(tracks) or len({step for _, step, _ in windows}) > 1:
        return whole
    begin = min(at for _, _, at in windows)
    size = max(at + size for size, _, at in windows) - begin
    return whole._replace(window=(size, windows[0][1], begin))


def _broadcast(call: Call) -> Seen:
    """Elements that meet, as NumPy lets them."""
    shape = np.shape(call.results[0])
    found = []
    for array, seen in zip(call.arguments, call.seen, strict=True):
        own = np.shape(array)
        ahead = len(shape) - len(own)
        found.append(
            _move(seen, {a: a + ahead for a, n in enumerate(own) if n == shape[a + ahead]})
        )
    return _union(found)


def _same(call: Call) -> Seen:
    return call.seen[0]


def _windows(call: Call) -> Seen:
    """Windows of convolutions and poolings."""
    shapes = [() if array is None else np.shape(array) for array in call.arguments]
    layer = layer_of(call.node.key, call.node.attributes, shapes)
    spec = described(call.node.key, layer).on(call.node.key, shapes[0])
    layout, rows, found = spec.layout, equal_windows(spec), []
    begin = layout.batched + (0 if layout.channels_last else 1)
    for track in call.seen[0] or ():
        if track.axis is None:
            found.append(track)
        elif not begin <= track.axis < begin + layout.axes:  # batch or channels
            found.append(track if track.axis == 0 and layout.batched else _still(track))
        elif rows is None or track.window is None:
            found.append(track._replace(window=None))
        else:
            found.append(_seen_by(rows[track.axis - begin], track.axis, track.window))
    return tuple(found)


def _seen_by(row: Axis, axis: int, window: tuple[int, int, int]) -> Track:
    field = extend(Field(*((number,) for number in window)), [row])
    return _along(axis, (field.size[0], field.jump[0], field.offset[0]), row.outputs)


def _reshape(call: Call) -> Seen:
    return _move(call.seen[0], _kept(np.shape(call.arguments[0]), np.shape(call.results[0])))


def _kept(before: Shape, after: Shape) -> dict[int, int]:
    """Axes that a new shape keeps, with their new numbers."""
    if 0 in before:
        return {}
    old = [axis for axis, n in enumerate(before) if n != 1]
    new = [axis for axis, n in enumerate(after) if n != 1]
    kept, i, j = {}, 0, 0
    while i < len(old) and j < len(new):  # from where both shapes split the elements alike
        of, to = [old[i]], [new[j]]
        while (left := prod(before[a] for a in of)) != (right := prod(after[a] for a in to)):
            if left < right:
                of.append(old[i + len(of)])
            else:
                to.append(new[j + len(to)])
        if len(of) == len(to) == 1:
            kept[of[0]] = to[0]
        i, j = i + len(of), j + len(to)
    return kept


def _transpose(call: Call) -> Seen:
    order = call.node.attributes.get("perm", range(call.rank)[::-1])
    return _move(call.seen[0], {axis: place for place, axis in enumerate(order)})


def _reduced(call: Call) -> Seen:
    """Sums and the like along axes, which go or stay with one element."""
    if call.node.key.startswith("Arg"):
        axes: Integers | None = [call.node.attributes.get("axis", 0)]
    else:
        axes = call.value(1, "axes")
    places = () if axes is None else as_axes(call.node.key, axes, call.rank)
    if not places and not call.node.attributes.get("noop_with_empty_axes", 0):
        places = tuple(range(call.rank))
    kept = [axis for axis in range(call.rank) if axis not in places]
    if call.node.attributes.get("keepdims", 1):
        return _collapse(call.seen[0], places)
    return _move(call.seen[0], {axis: place for place, axis in enumerate(kept)})


def _images(call: Call) -> Seen:
    """Each channel as a whole."""
    return _collapse(call.seen[0], range(2, call.rank))


def _groups(call: Call) -> Seen:
    """Groups of channels as a whole."""
    return _collapse(call.seen[0], range(1, call.rank))


def _lines(call: Call) -> Seen:
    """Softmax and its like: along an axis; before opset 13, of all elements from an axis on."""
    new = call.opset >= 13
    axis = as_axis(call.node.key, call.node.attributes.get("axis", -1 if new else 1), call.rank)
    return _collapse(call.seen[0], [axis] if new else range(axis, call.rank))


def _from_axis(call: Call) -> Seen:
    axis = as_axis(call.node.key, call.node.attributes.get("axis", -1), call.rank)
    return _collapse(call.seen[0], range(axis, call.rank))


def _concat(call: Call) -> Seen:
    """Branches side by side: an element of one sees what it saw, so a union sees more."""
    place = as_axis("Concat", call.node.attributes.get("axis", 1), call.rank)
    seen = _union(call.seen)
    return seen and tuple(
        track._replace(window=None) if track.axis == place else track for track in seen
    )


def _part(track: Track, begin: int, step: int, n: int) -> Track:
    """Elements of an axis: n of them from one on, so far apart."""
    if track.window is None or track.axis is None:
        return track
    if step < 1 or not n:
        return track._replace(window=None)
    size, jump, first = track.window
    return _along(track.axis, (size, jump * step, first + begin * jump), n)


def _slice(call: Call) -> Seen:
    before, after = np.shape(call.arguments[0]), np.shape(call.results[0])
    parts = slices(
        before, call.value(1, "starts"), call.value(2, "ends"), call.value(3, "axes"),
        call.value(4, "steps"),
    )  # fmt: skip
    found = []
    for track in call.seen[0] or ():
        if track.axis is None:
            found.append(track)
        else:
            begin, _, step = parts[track.axis].indices(before[track.axis])
            found.append(_part(track, begin, step, after[track.axis]))
    return tuple(found)


def _split(call: Call) -> Iterable[Seen]:
    place = as_axis("Split", call.node.attributes.get("axis", 0), call.rank)
    sizes = [np.shape(each)[place] for each in call.results]
    for begin, n in zip(accumulate(sizes, initial=0), sizes, strict=False):
        yield tuple(
            _part(track, begin, 1, n) if track.axis == place else track
            for track in call.seen[0] or ()
        )


def _pad(call: Call) -> Seen:
    shape = np.shape(call.results[0])
    pads = call.value(1, "pads", call.node.attributes.get("paddings"))
    before = {place: front for place, front, _ in pad_ends(call.rank, pads, call.value(3, "axes"))}
    return tuple(
        track
        if track.axis is None
        else _part(track, -before.get(track.axis, 0), 1, shape[track.axis])
        for track in call.seen[0] or ()
    )


def _resized(call: Call) -> Seen:
    """Where a size changes, elements see differently many cells."""
    before, after = np.shape(call.arguments[0]), np.shape(call.results[0])
    return tuple(
        track
        if track.axis is None or before[track.axis] == after[track.axis]
        else track._replace(window=None)
        for track in call.seen[0] or ()
    )


def _blocks(call: Call) -> Seen:
    """Pixels of blocks that become channels."""
    block, shape = int(call.node.attributes["blocksize"]), np.shape(call.results[0])
    found = []
    for track in call.seen[0] or ():
        if track.axis is None or track.window is None:
            found.append(track)
        else:
            row = Axis(0, block, block, 1, (0, 0), shape[track.axis])
            found.append(_seen_by(row, track.axis, track.window))
    return tuple(found)


def _gather(call: Call) -> Seen:
    place = as_axis("Gather", call.node.attributes.get("axis", 0), call.rank)
    more = np.ndim(call.arguments[1]) - 1
    axes = (axis for axis in range(call.rank) if axis != place)
    return _move(call.seen[0], {axis: axis + (more if axis > place else 0) for axis in axes})


def _matmul(call: Call) -> Seen:
    """Sums over the last axis of the one and the last but one of the other."""
    ranks = [np.ndim(array) for array in call.arguments[:2]]
    shape, found = np.shape(call.results[0]), []
    if min(ranks) < 2:
        return _everything([seen for seen in call.seen if seen])
    for seen, rank, array, back in zip(call.seen, ranks, call.arguments, (1, 2), strict=False):
        ahead, own = len(shape) - rank, np.shape(array)
        kept = {
            a: a + ahead for a in range(rank) if a != rank - back and own[a] == shape[a + ahead]
        }
        found.append(_move(seen, kept))
    return _union(found)


def _gemm(call: Call) -> Seen:
    turned = [call.node.attributes.get(name, 0) for name in ("transA", "transB")]
    rows, columns = (1 if turned[0] else 0), (0 if turned[1] else 1)
    found = [_move(call.seen[0], {rows: 0}), _move(call.seen[1], {columns: 1})]
    found += [_everything([seen]) for seen in call.seen[2:] if seen]
    return _union(found)


ELEMENTWISE = {
    "Abs", "Acos", "Acosh", "Add", "And", "Asin", "Asinh", "Atan", "Atanh", "BitShift",
    "BitwiseAnd", "BitwiseNot", "BitwiseOr", "BitwiseXor", "Ceil", "Clip", "Cos", "Cosh", "Div",
    "Equal", "Erf", "Exp", "Expand", "Floor", "Greater", "GreaterOrEqual", "Less", "LessOrEqual",
    "Log", "Max", "Mean", "Min", "Mod", "Mul", "Neg", "Not", "Or", "PRelu", "Pow", "Reciprocal",
    "Round", "Sign", "Sin", "Sinh", "Sqrt", "Sub", "Sum", "Tan", "Where", "Xor",
}  # fmt: skip
SAME = {
    "BatchNormalization", "Cast", "CastLike", "Celu", "DequantizeLinear", "Dropout", "Elu", "Gelu",
    "HardSigmoid", "HardSwish", "Identity", "IsInf", "IsNaN", "LRN", "LeakyRelu", "Mish",
    "QuantizeLinear", "Relu", "Selu", "Sigmoid", "Softplus", "Softsign", "Swish", "Tanh",
    "ThresholdedRelu", "Trilu", "convcore.ScaledTanh",
}  # fmt: skip
# Operators of which more than the first input is followed.
SEVERAL = {*ELEMENTWISE, "Concat", "Gemm", "MatMul", "MatMulInteger"}
RULES: dict[str, Rule] = {
    **dict.fromkeys(ELEMENTWISE, _broadcast),
    **dict.fromkeys(SAME, _same),
    **dict.fromkeys(("Flatten", "Reshape", "Squeeze", "Unsqueeze"), _reshape),
    **dict.fromkeys(("Softmax", "LogSoftmax", "Hardmax"), _lines),
    **dict.fromkeys(("LayerNormalization", "RMSNormalization"), _from_axis),
    **dict.fromkeys(("Resize", "Upsample", "DepthToSpace"), _resized),
    **dict.fromkeys(("MatMul", "MatMulInteger"), _matmul),
    **dict.fromkeys(
        ("GlobalAveragePool", "GlobalLpPool", "GlobalMaxPool", "InstanceNormalization"), _images
    ),
    "Concat": _concat,
    "Gather": _gather,
    "GroupNormalization": _groups,
    "Gemm": _gemm,
    "Pad": _pad,
    "Slice": _slice,
    "SpaceToDepth": _blocks,
    "Transpose": _transpose,
}  # fmt: skip


def _rule(call: Call) -> Rule | None:
    key = call.node.key
    if key in RULES:
        return RULES[key]
    if key.startswith(("Reduce", "ArgM")):
        return _reduced
    shapes = [() if array is None else np.shape(array) for array in call.arguments]
    return _windows if layer_of(key, call.node.attributes, shapes) is not None else None
