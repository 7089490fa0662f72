"""What the plan of a layer says of every algorithm, by sizes alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any, NamedTuple

import numpy as np

from convcore.engine import adjoint
from convcore.engine.algorithm import algorithm_for
from convcore.engine.plan import Verdict, cannot_compute, plan_for
from convcore.engine.pooling import PoolPlan
from convcore.engine.weighted import COMPUTE, sums_spec
from convcore.spec.errors import short_repr
from convcore.spec.layer import LayerSpec
from convcore.spec.layout import as_shape
from convcore.spec.operands import DType, check_dtype, result_dtypes, short_array
from convcore.spec.options import MAX_SIZE
from convcore.spec.pooling import PoolSpec, check_index
from convcore.spec.problem import ConvSpec
from convcore.spec.registry import find, layer_name


class Row(NamedTuple):
    """One algorithm of an :class:`Explanation`."""

    algorithm: str
    chosen: bool
    reason: str  # why it is not


@dataclass(frozen=True, eq=False, repr=False)
class Explanation(Sequence[Row]):
    """A sequence of rows ``(algorithm, chosen, reason)`` of a layer; prints as a table.

    Attributes
    ----------
    operator, x_shape, weight_shape, dtype, options
        As given to :func:`explain`.
    y_shape : tuple of ints
        Shape of the result.
    multiply_adds : int
        As :func:`convcore.geometry.count` counts them.

    See Also
    --------
    explain

    Examples
    --------
    >>> import convcore
    >>> convcore.explain("max_pool1d", (8, 1000), kernel_size=2)
    Explanation('max_pool1d', algorithm='whole')
    """

    operator: str
    x_shape: tuple[int, ...]
    weight_shape: tuple[int, ...] | None
    y_shape: tuple[int, ...]
    dtype: str
    options: dict[str, Any]
    multiply_adds: int
    rows: tuple[Row, ...]

    @property
    def algorithm(self) -> str:
        """The chosen algorithm."""
        return next(row.algorithm for row in self.rows if row.chosen)

    def __len__(self) -> int:
        """Number of algorithms."""
        return len(self.rows)

    def __getitem__(self, index: Any) -> Any:
        """A row, or several of a slice."""
        return self.rows[index]

    def __str__(self) -> str:
        """The table."""
        words = [f"{self.operator}: x {_by(self.x_shape)}"]
        if self.weight_shape is not None:
            words.append(f"weight {_by(self.weight_shape)}")
        for name, value in self.options.items():
            text = short_array(value) if isinstance(value, np.ndarray) else short_repr(value)
            words.append(f"{name}={text}")
        words.append(f"{self.dtype}; y {_by(self.y_shape)}")
        lines = [f"{', '.join(words)}, {self.multiply_adds:,} multiply-adds"]
        width = max(len(row.algorithm) for row in self.rows)
        for name, chosen, reason in self.rows:
            lines.append(f"{'*' if chosen else ' '} {name:{width}}  {reason or 'chosen'}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        """In one line."""
        return f"Explanation({self.operator!r}, algorithm={self.algorithm!r})"


def explain(
    operator: str | Callable[..., Any],
    x_shape: tuple[int, ...],
    weight_shape: tuple[int, ...] | None = None,
    *,
    dtype: object = "float32",
    **options: Any,
) -> Explanation:
    """List every algorithm for a layer, with its cost or its reason for refusing.

    Sizes alone decide. No array is made: a layer may be larger than the memory.

    Parameters
    ----------
    operator : function or str
        A layer or pooling, ``convcore.conv2d`` or ``"conv2d"``; not its gradient.
    x_shape, weight_shape : tuple of ints
        Shapes of its operands; poolings have no weight.
    dtype : dtype
        Of the operands.
    **options
        Options of the operator but ``threads`` and ``out``, on which the choice does not depend. Of
        a ``window`` the shape is enough.

    Returns
    -------
    Explanation
        A row ``(algorithm, chosen, reason)`` for each; prints as a table.

    Raises
    ------
    ValueError, TypeError
        As the operator.

    See Also
    --------
    set_algorithm, convcore.geometry.count

    Notes
    -----
    Costs depend on the instruction set, and so does the choice among direct sums, which all have
    the same bits. Whether a fast algorithm is chosen does not. Poolings are explained for float32,
    but a weighted one as the depthwise convolution that it is.

    Examples
    --------
    >>> import convcore
    >>> why = convcore.explain(convcore.conv_transpose1d, (8, 100), (8, 4, 3), stride=2)
    >>> why.algorithm
    'phases'
    >>> print(why)
    conv_transpose1d: x 8x100, weight 8x4x3, stride=2, float32; y 4x201, 9,600 multiply-adds
    * phases          chosen
      local_gradient  phases come first
    """
    op = "explain"
    kind, axes = find(op, operator)
    public = layer_name(kind.kind, axes)
    op = f"{op}: {public}"
    if kind.has_weight:
        weight_shape = as_shape(op, "weight_shape", weight_shape)
    elif weight_shape is not None:
        raise TypeError(f"{op}: weight_shape must be None, got {short_repr(weight_shape)}")
    x_shape = as_shape(op, "x_shape", x_shape)
    for shape in (x_shape, weight_shape or ()):
        if 8 * prod(size or 1 for size in shape) > MAX_SIZE:
            raise ValueError(f"{op}: shapes must have fewer than 2**60 elements, got {shape}")
    try:
        real = np.dtype(dtype or "")  # type: ignore[call-overload]  # None is no float64
        check_dtype(op, "dtype", real)
    except Exception:  # NumPy raises several
        raise TypeError(
            f"{op}: dtype must be float, integer or bool, got {short_repr(dtype)}"
        ) from None
    read, asked = kind.read_call(op, axes, options)
    layer = LayerSpec(kind, axes, weight_shape, None, read)
    spec = layer.on(op, x_shape, "x_shape")
    computed, compute = spec, real
    if isinstance(spec, PoolSpec):
        if layer.options.get("return_indices"):
            check_index(op, spec)
        if kind.kind == "weighted_pool" and spec.batch * spec.channels:
            computed, compute = sums_spec(op, spec, layer.kernel(op)), COMPUTE
    rows = tuple(
        Row(name, word == "chosen", "" if word == "chosen" else word.removeprefix("rejected: "))
        for name, word in _verdicts(op, computed, asked, compute)
    )
    reason = {row.algorithm: row.reason for row in rows}.get(asked)
    if reason:
        if real.kind != "f":
            reason = "integers are computed directly"
        raise cannot_compute(op, asked, reason)
    products = computed.multiply_adds if isinstance(computed, ConvSpec) else 0
    shapes = x_shape, weight_shape, spec.y_shape
    return Explanation(public, *shapes, real.name, options, products, rows)


def _verdicts(op: str, spec: ConvSpec | PoolSpec, asked: str, dtype: DType) -> list[Verdict]:
    """Return what the plan of a layer says."""
    if isinstance(spec, PoolSpec):
        return PoolPlan(spec).explain()
    one = np.empty((), dtype)
    spec = replace(spec, algorithm=algorithm_for(asked, one, one))
    if spec.transposed and spec.has_products:  # its plan would make all phases
        return adjoint.explain(adjoint.make_plan(spec, outline=True))
    verdicts: list[Verdict] = plan_for(spec).explain(result_dtypes(op, dtype, dtype).compute)
    return verdicts


def _by(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
