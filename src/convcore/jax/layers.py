"""Layers with weights as three primitives that are each other's derivatives.

A layer is linear in its input and in its weight. So is each of its gradients, and their derivatives
are again the layer or a gradient. With that JAX derives jvp, grad and every higher derivative.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from convcore.engine.plan import plan_for
from convcore.jax import ffi, folding
from convcore.spec.problem import ConvSpec


class Layer(NamedTuple):
    """What is known of a call when it is traced."""

    op: str
    spec: ConvSpec
    threads: int


def _forward(layer: Layer, x: Any, weight: Any, y: Any) -> None:
    plan_for(layer.spec).run(x, weight, None, y, threads=layer.threads)


def _input_gradient(layer: Layer, grad: Any, weight: Any, dx: Any) -> None:
    plan_for(layer.spec).input_gradient(grad, weight, dx, threads=layer.threads)


def _weight_gradient(layer: Layer, grad: Any, x: Any, dweight: Any) -> None:
    plan_for(layer.spec).weight_gradient(x, grad, dweight, threads=layer.threads)


class Product(NamedTuple):
    """A primitive: the layer or one of its gradients."""

    primitive: Primitive
    run: Callable[[Layer, Any, Any, Any], None]  # into an array for the result
    shape: Callable[[ConvSpec], tuple[int, ...]]
    fold: folding.Fold
    kind: str

    def bind(self, a: Any, b: Any, layer: Layer) -> Any:
        """Return the product of two arrays, one of which is a weight or its gradient."""
        return self.primitive.bind(a, b, layer=layer)

    def call(self, layer: Layer, a: Any, b: Any) -> Any:
        """Compute it on arrays of NumPy or JAX."""
        a, b = np.ascontiguousarray(a), np.ascontiguousarray(b)
        result = np.empty(self.shape(layer.spec), a.dtype)
        self.run(layer, a, b, result)
        return result


def _product(kind: str, run: Any, shape: Any) -> Product:
    return Product(Primitive(f"convcore_{kind}"), run, shape, folding.FOLDS[kind], kind)


FORWARD = _product("forward", _forward, lambda spec: spec.y_shape)
INPUT_GRADIENT = _product("input_gradient", _input_gradient, lambda spec: spec.x_shape)
WEIGHT_GRADIENT = _product("weight_gradient", _weight_gradient, lambda spec: spec.weight_shape)


@lru_cache(maxsize=1024)
def compiled(primitive: Primitive, call: tuple[tuple[str, Any], ...]) -> Any:
    """Return what computes a primitive with these parameters on arrays that are not traced."""
    return jax.jit(partial(primitive.bind, **dict(call)))


def compute(primitive: Primitive, *arrays: Any, **call: Any) -> Any:
    """Compute a primitive, compiled even where ``jit`` is switched off: there is no other way."""
    with jax.disable_jit(False):
        return compiled(primitive, tuple(call.items()))(*arrays)


def refuse_device(ctx: Any, *operands: Any, **params: Any) -> Any:
    """Refuse every platform but the CPU, when a function is compiled for it."""
    op = (params.get("layer") or params["call"]).op
    platforms = ", ".join(ctx.module_context.platforms)
    raise ValueError(f"{op}: x must be on a CPU, got an array on {platforms}")


def _lower(product: Product, ctx: Any, a: Any, b: Any, *, layer: Layer) -> Any:
    if not layer.spec.has_products:  # nothing to sum
        zeros = partial(_zeros, product.shape(layer.spec))
        return mlir.lower_fun(zeros, multiple_results=False)(ctx, a, b)
    attributes = ffi.attributes(product.kind, layer.spec, ctx.avals_in[0].dtype, layer.threads)
    if attributes is not None:
        return jax.ffi.ffi_lowering(ffi.TARGET)(ctx, a, b, **attributes)
    call = partial(_callback, product, layer)
    return mlir.lower_fun(call, multiple_results=False)(ctx, a, b)


def _zeros(shape: tuple[int, ...], a: Any, b: Any) -> Any:
    return jax.numpy.zeros(shape, a.dtype)


def _callback(product: Product, layer: Layer, a: Any, b: Any) -> Any:
    result = jax.ShapeDtypeStruct(product.shape(layer.spec), a.dtype)
    return jax.pure_callback(partial(product.call, layer), result, a, b)


def _abstract(product: Product, a: Any, b: Any, *, layer: Layer) -> Any:
    return jax.core.ShapedArray(product.shape(layer.spec), a.dtype)


def _batched(product: Product, args: Any, dims: Any, *, layer: Layer) -> Any:
    """Return what ``vmap`` makes of it: one larger layer, else one call after the other."""
    size = next(arg.shape[dim] for arg, dim in zip(args, dims, strict=True) if dim is not None)
    if not size:
        return jax.numpy.zeros((0, *product.shape(layer.spec)), args[0].dtype), 0
    folded = product.fold(layer.spec, args, dims, size)
    if folded is not None:
        spec, (a, b), split = folded
        return split(product.bind(a, b, layer._replace(spec=spec))), 0

    def one(mapped: list[Any]) -> Any:
        rest = iter(mapped)
        pair = [
            arg if dim is None else next(rest)
            for arg, dim in zip(args, dims, strict=True)
        ]  # fmt: skip
        a, b = pair
        return product.bind(a, b, layer)

    mapped = [
        jax.numpy.moveaxis(arg, dim, 0)
        for arg, dim in zip(args, dims, strict=True)
        if dim is not None
    ]
    return jax.lax.map(one, mapped), 0


def _define(product: Product, first: Callable[..., Any], second: Callable[..., Any]) -> None:
    """Give a primitive its rules; ``first`` and ``second`` are its transposes."""
    primitive = product.primitive
    primitive.def_impl(partial(compute, primitive))
    primitive.def_abstract_eval(partial(_abstract, product))
    ad.defbilinear(primitive, first, second)
    batching.primitive_batchers[primitive] = partial(_batched, product)
    mlir.register_lowering(primitive, partial(_lower, product), platform="cpu")
    mlir.register_lowering(primitive, refuse_device)


# y = F(x, w), dx = X(g, w), dw = W(g, x); of each the transposes for its first and second operand.
_define(
    FORWARD,
    lambda ct, x, weight, *, layer: INPUT_GRADIENT.bind(ct, weight, layer),
    lambda ct, x, weight, *, layer: WEIGHT_GRADIENT.bind(ct, x, layer),
)
_define(
    INPUT_GRADIENT,
    lambda ct, grad, weight, *, layer: FORWARD.bind(ct, weight, layer),
    lambda ct, grad, weight, *, layer: WEIGHT_GRADIENT.bind(grad, ct, layer),
)
_define(
    WEIGHT_GRADIENT,
    lambda ct, grad, x, *, layer: FORWARD.bind(x, ct, layer),
    lambda ct, grad, x, *, layer: INPUT_GRADIENT.bind(grad, ct, layer),
)
