"""Poolings as functions of arrays of JAX.

Averages are linear: two primitives, each the other's transpose. The derivative of a maximum takes
the cells that were largest. That of a norm is a weighted sum, whose transpose the core computes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from math import inf, prod
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from convcore import api
from convcore.jax import ffi
from convcore.jax.folding import merge, splitter
from convcore.jax.layers import compute, refuse_device
from convcore.jax.operands import (
    as_jax,
    cast,
    known_array,
    result_dtypes,
    selected_dtypes,
)
from convcore.spec.border import magnitudes, on_sides
from convcore.spec.layout import Layout
from convcore.spec.operands import Array
from convcore.spec.pooling import (
    PoolSpec,
    adaptive_spec,
    as_slope_exponent,
    as_window,
    sliding_spec,
)
from convcore.spec.registry import OPERATORS, RETURN_INDICES, Operator


class FixedArray(NamedTuple):
    """An array as a value, which is hashable."""

    data: bytes
    dtype: str
    shape: tuple[int, ...]

    @property
    def array(self) -> Array:
        """The array."""
        return np.frombuffer(self.data, self.dtype).reshape(self.shape)


class Call(NamedTuple):
    """What is known of a call when it is traced; its input has a batch."""

    op: str
    name: str  # of the operator's function
    options: tuple[tuple[str, Any], ...]  # in normal form
    layout: Layout
    x_shape: tuple[int, ...]
    y_shape: tuple[int, ...]
    threads: int

    def function(self, ending: str, *arrays: Any, **more: Any) -> Any:
        """Call the operator's function, or its gradient, on ndarrays."""
        options = {
            name: value.array if isinstance(value, FixedArray) else value
            for name, value in self.options
        }
        function = getattr(api, self.name + ending)
        return function(*arrays, **options, threads=self.threads, **more)

    def changed(self, name: str | None = None, **options: Any) -> Call:
        """Return a call with other options, without those of None, or of another function."""
        found = {**dict(self.options), **options}
        kept = ((key, value) for key, value in found.items() if options.get(key, 0) is not None)
        return self._replace(name=name or self.name, options=tuple(kept))

    def linear(self) -> Call:
        """Return the call without the constants of its border."""
        border = dict(self.options).get("border")
        if border is None:  # windows that adapt have no padding
            return self
        return self.changed(border=on_sides(border, lambda s: s if isinstance(s, str) else 0.0))

    def images(self, size: int) -> Call:
        """Return the call for more images."""
        (n, *x), (m, *y) = self.x_shape, self.y_shape
        return self._replace(x_shape=(size * n, *x), y_shape=(size * m, *y))

    def attributes(self, product: str, dtype: Any) -> dict[str, Any] | None:
        """Return what XLA's call of the core is told; None: the call goes through Python."""
        operator, axes = OPERATORS[self.name[:-2]], self.layout.axes
        if operator.kind == "weighted_pool" or not prod(self.y_shape):
            return None
        x = self.like_x(dtype)
        options = dict(self.options)
        return ffi.pool_attributes(product, operator.pools, axes, x, options, self.threads)

    @property
    def cells(self) -> int:
        """Cells of a plane of x."""
        first = 1 if self.layout.channels_last else 2
        return prod(self.x_shape[first : first + self.layout.axes])

    def like_x(self, dtype: Any) -> Array:
        """Return an array of the shape of x, for gradients that do not read it."""
        return np.broadcast_to(np.zeros((), dtype), self.x_shape)


# Primitives: each computes results from arrays that all have a batch.


def _primitive(
    name: str,
    run: Callable[..., Any],
    results: Callable[[Call, Any], list[Any]],
    product: str | None = None,
) -> Primitive:
    """Return a primitive that calls Python, gives several results, and folds batches.

    ``product`` is what the core computes of it without Python, where it can.
    """
    primitive = Primitive(f"convcore_{name}")
    primitive.multiple_results = True

    def abstract(first: Any, *more: Any, call: Call) -> Any:
        return [jax.core.ShapedArray(shape, dtype) for shape, dtype in results(call, first.dtype)]

    def lowered(*arrays: Any, call: Call) -> Any:
        shapes = [jax.ShapeDtypeStruct(*each) for each in results(call, arrays[0].dtype)]
        if not all(prod(each.shape) for each in shapes):
            return [jnp.zeros(each.shape, each.dtype) for each in shapes]
        return jax.pure_callback(partial(run, call), shapes, *arrays)

    python = mlir.lower_fun(lowered, multiple_results=True)

    def lower(ctx: Any, *arrays: Any, call: Call) -> Any:
        attributes = None
        if product is not None:
            attributes = call.attributes(product, ctx.avals_in[0].dtype)
        if attributes is None:
            return python(ctx, *arrays, call=call)
        return jax.ffi.ffi_lowering(ffi.TARGET)(ctx, *arrays, **attributes)

    def batched(args: Any, dims: Any, *, call: Call) -> Any:
        size = next(a.shape[d] for a, d in zip(args, dims, strict=True) if d is not None)
        if not size:
            none = [jnp.zeros((0, *shape), kind) for shape, kind in results(call, args[0].dtype)]
            return none, [0] * len(none)
        merged = [merge(a, d, 0, size) for a, d in zip(args, dims, strict=True)]
        found = primitive.bind(*merged, call=call.images(size))
        return [splitter(0, size)(each) for each in found], [0] * len(found)

    primitive.def_impl(partial(compute, primitive))
    primitive.def_abstract_eval(abstract)
    batching.primitive_batchers[primitive] = batched
    mlir.register_lowering(primitive, lower, "cpu")
    mlir.register_lowering(primitive, refuse_device)
    return primitive


def _pool(call: Call, x: Any) -> list[Any]:
    return [call.function("", np.asarray(x))]


def _pool_gradient(call: Call, grad: Any) -> list[Any]:
    grad = np.asarray(grad)
    return [call.function("_backward", grad, call.like_x(grad.dtype))]


def _maximum(call: Call, x: Any) -> list[Any]:
    y, index = call.function("", np.asarray(x), return_indices=True)
    return [y, index.astype(_index_dtype(), copy=False)]


def _norm_gradient(call: Call, grad: Any, x: Any) -> list[Any]:
    return [call.function("_backward", np.asarray(grad), np.asarray(x))]


def _index_dtype() -> Any:
    return np.dtype(np.int64 if jax.config.jax_enable_x64 else np.int32)


def _y(call: Call, dtype: Any) -> list[Any]:
    return [(call.y_shape, dtype)]


def _x(call: Call, dtype: Any) -> list[Any]:
    return [(call.x_shape, dtype)]


def _y_and_index(call: Call, dtype: Any) -> list[Any]:
    kind, cells = _index_dtype(), call.cells
    if cells > np.iinfo(kind).max:
        raise ValueError(
            f"{call.op}: x must have at most {np.iinfo(kind).max} cells in a plane for indices of "
            f"{kind}, got {cells}; JAX with 64 bits has int64"
        )
    return [(call.y_shape, dtype), (call.y_shape, kind)]


linear_p = _primitive("average", _pool, _y, "pool")
spread_p = _primitive("average_transpose", _pool_gradient, _x)
largest_p = _primitive("largest", _pool, _y, "pool")
maximum_p = _primitive("maximum", _maximum, _y_and_index, "maximum")
norm_p = _primitive("norm", _pool, _y, "pool")
norm_gradient_p = _primitive("norm_gradient", _norm_gradient, _x)
norm_tangent_p = Primitive("convcore_norm_tangent")


# Averages


def average(call: Call, x: Any) -> Any:
    """Return averages: a linear part, and what constants of the border add."""
    linear = call.linear()
    (y,) = linear_p.bind(x, call=linear)
    if linear == call or not prod(call.y_shape):
        return y
    one = call._replace(x_shape=(1, *call.x_shape[1:]))
    return y + call.function("", one.like_x(x.dtype))


ad.deflinear2(linear_p, lambda ct, x, *, call: spread_p.bind(ct[0], call=call))
ad.deflinear2(spread_p, lambda ct, grad, *, call: linear_p.bind(ct[0], call=call))


# Maxima


def _largest_jvp(primals: Any, tangents: Any, *, call: Call) -> Any:
    y, index = maximum_p.bind(*primals, call=call)
    return [y], [take(tangents[0], index, call.layout)]


def _maximum_jvp(primals: Any, tangents: Any, *, call: Call) -> Any:
    y, index = maximum_p.bind(*primals, call=call)
    none = ad.Zero(jax.core.ShapedArray(index.shape, jax.dtypes.float0))
    return [y, index], [take(tangents[0], index, call.layout), none]


ad.primitive_jvps[largest_p] = _largest_jvp
ad.primitive_jvps[maximum_p] = _maximum_jvp


def take(x: Any, index: Any, layout: Layout) -> Any:
    """Return the cells of each plane at these indices; 0 for those that are no cell."""
    place = 1 if layout.channels_last else 2
    axes = layout.axes

    def flat(array: Any) -> Any:
        shape = array.shape
        plane = prod(shape[place : place + axes])  # an array without images has planes too
        return array.reshape(*shape[:place], plane, *shape[place + axes :])

    found = jnp.take_along_axis(flat(x), jnp.maximum(flat(index), 0), axis=place)
    return jnp.where(index >= 0, found.reshape(index.shape), 0)


# Norms


def _norm_jvp(primals: Any, tangents: Any, *, call: Call) -> Any:
    y = norm_p.bind(*primals, call=call)
    return y, [norm_tangent_p.bind(*tangents, *primals, call=call)]


ad.primitive_jvps[norm_p] = _norm_jvp


def tangent(call: Call, t: Any, x: Any) -> Any:
    """Return the derivative of a norm at x along t, by its formula.

    Cells are divided by the largest first, so that powers do not overflow.
    """
    p = dict(call.options).get("p", 2.0)
    shape = tuple(dict(call.options)["kernel_size"])
    ones = FixedArray(np.ones(shape).tobytes(), "<f8", shape)
    sums = call.linear().changed(
        f"weighted_pool{len(shape)}d", p=None, kernel_size=None, window=ones, normalize=False,
        stride=dict(call.options).get("stride") or shape,
    )  # fmt: skip
    largest = jax.lax.stop_gradient(jnp.max(jnp.abs(x), initial=0))
    scale = jnp.where((largest > 0) & jnp.isfinite(largest), largest, 1)
    u, y = x / scale, norm_p.bind(x, call=call)[0] / scale
    there, some = u != 0, y != 0
    power = jnp.where(there, jnp.abs(jnp.where(there, u, 1)) ** (p - 1) * jnp.sign(u), 0)
    (summed,) = linear_p.bind(power * t, call=sums)
    return jnp.where(some, summed * jnp.where(some, y, 1) ** (1 - p), 0)


def _norm_gradient_by_formula(call: Call, grad: Any, x: Any) -> Any:
    zeros = jnp.zeros_like(x)
    return jax.vjp(lambda t: tangent(call, t, x), zeros)[1](grad)[0]


norm_tangent_p.def_impl(partial(compute, norm_tangent_p))
norm_tangent_p.def_abstract_eval(lambda t, x, *, call: jax.core.ShapedArray(call.y_shape, t.dtype))
mlir.register_lowering(
    norm_tangent_p,
    mlir.lower_fun(lambda t, x, *, call: tangent(call, t, x), multiple_results=False),
)


def _batched_tangent(args: Any, dims: Any, *, call: Call) -> Any:
    size = next(a.shape[d] for a, d in zip(args, dims, strict=True) if d is not None)
    if not size:
        return jnp.zeros((0, *call.y_shape), args[0].dtype), 0
    merged = [merge(a, d, 0, size) for a, d in zip(args, dims, strict=True)]
    return splitter(0, size)(norm_tangent_p.bind(*merged, call=call.images(size))), 0


batching.primitive_batchers[norm_tangent_p] = _batched_tangent


def _along_x(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the derivative along x of a function (call, t or grad, x)."""
    return lambda x_dot, first, x, *, call: jax.jvp(
        lambda x: function(call, first, x), (x,), (x_dot,)
    )[1]


ad.defjvp(
    norm_tangent_p,
    lambda t_dot, t, x, *, call: norm_tangent_p.bind(t_dot, x, call=call),
    _along_x(tangent),
)
ad.primitive_transposes[norm_tangent_p] = lambda ct, t, x, *, call: (
    [None if isinstance(ct, ad.Zero) else norm_gradient_p.bind(ct, x, call=call)[0], None]
)


def _norm_gradient_jvp(primals: Any, tangents: Any, *, call: Call) -> Any:
    (grad, x), (grad_dot, x_dot) = primals, tangents
    result = norm_gradient_p.bind(grad, x, call=call)
    parts = []
    if not isinstance(grad_dot, ad.Zero):
        parts += norm_gradient_p.bind(grad_dot, x, call=call)
    if not isinstance(x_dot, ad.Zero):
        parts.append(_along_x(_norm_gradient_by_formula)(x_dot, grad, x, call=call))
    return result, [sum(parts[1:], parts[0])]


ad.primitive_jvps[norm_gradient_p] = _norm_gradient_jvp
ad.primitive_transposes[norm_gradient_p] = lambda ct, grad, x, *, call: (
    [None if isinstance(ct[0], ad.Zero) else norm_tangent_p.bind(ct[0], x, call=call), None]
)


# The public functions' bodies


def pool(
    op: str, operator: Operator, axes: int, x: Any, *, threads: int | None = None, **options: Any
) -> Any:
    """Return a pooling's result; errors name ``op``."""
    x = as_jax(op, "x", x)
    options = dict(options)
    if "window" in options:
        window = as_window(op, known_array(op, "window", options["window"]), axes)
        window = np.ascontiguousarray(window)
        options["window"] = FixedArray(window.tobytes(), window.dtype.str, window.shape)
    count = api.threads_for(op, threads)
    indices = RETURN_INDICES.read(op, options.pop("return_indices", False), axes)
    read = operator.read(op, axes, options)
    read.pop("return_indices", None)
    result, compute = selected_dtypes(x) if operator.pools == "max" else result_dtypes(x)
    spec = _spec(op, operator, axes, x.shape, read)
    batched, layout = spec.layout.batched, spec.layout._replace(batched=True)
    x = cast(x if batched else x[None], compute)
    call = Call(
        op, f"{operator.kind}{axes}d", tuple(read.items()), layout, x.shape,
        layout.shape(spec.batch, spec.channels, spec.outputs), count,
    )  # fmt: skip
    _check(call, np.dtype(compute))
    y = _BODIES[operator.pools](call, x, indices)
    if not batched:
        y = jax.tree.map(lambda each: each[0], y)
    if indices:
        return cast(y[0], result), y[1]
    return cast(y, result)


@lru_cache(maxsize=1024)
def _check(call: Call, dtype: Any) -> None:
    """Refuse what the operator itself refuses whatever x holds: call it for no image."""
    call.images(0).function("", np.empty((0, *call.x_shape[1:]), dtype))


def _spec(
    op: str, operator: Operator, axes: int, shape: tuple[int, ...], read: dict[str, Any]
) -> PoolSpec:
    """Return the spec of a pooling; refuse what does not fit the input."""
    kind = operator.pools
    if "output_size" in read:
        return adaptive_spec(
            op, shape, read["output_size"], axes=axes, kind=kind, layout=read["layout"]
        )
    window = read.get("window")
    return sliding_spec(
        op, shape, read["kernel_size"] if window is None else window.shape, kind=kind,
        **{name: read[name] for name in
           ("stride", "padding", "dilation", "ceil_mode", "border", "layout")},
    )  # fmt: skip


def _as_maximum(call: Call, x: Any, indices: bool) -> Any:
    return tuple(maximum_p.bind(x, call=call)) if indices else largest_p.bind(x, call=call)[0]


def _as_average(call: Call, x: Any, indices: bool) -> Any:
    return average(call, x)


def _as_norm(call: Call, x: Any, indices: bool) -> Any:
    options = dict(call.options)
    p = as_slope_exponent(call.op, options.get("p", 2.0))
    if p < inf:
        return norm_p.bind(x, call=call)[0]
    # the largest absolute value, of constants too
    name = call.name.replace("lp_pool", "max_pool")
    call = call.changed(name, p=None, border=magnitudes(options["border"]))
    return largest_p.bind(jnp.abs(x), call=call)[0]


_BODIES = {"max": _as_maximum, "mean": _as_average, "norm": _as_norm}
