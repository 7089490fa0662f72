"""Arguments of the functions for JAX: arrays that may be traced, options that may not."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from convcore.spec.errors import short_repr
from convcore.spec.operands import Array, as_array

# float16 and bfloat16 are computed in float32
FLOATS = tuple(np.dtype(each) for each in (jnp.float16, jnp.bfloat16, jnp.float32, jnp.float64))


class DTypes(NamedTuple):
    """The dtype of a result, and the dtype in which it is computed."""

    result: Any
    compute: Any


def as_jax(op: str, name: str, value: object) -> jax.Array:
    """Return an operand as an array of JAX, traced or not."""
    array = value if isinstance(value, jax.Array) else as_array(op, name, value)
    kind = array.dtype
    if kind not in FLOATS and getattr(kind, "kind", "none") not in "biu":
        raise TypeError(
            f"{op}: {name} must have dtype float16, bfloat16, float32, float64, an integer type or "
            f"bool, got {kind}"
        )
    if not all(isinstance(size, int) for size in array.shape):
        raise TypeError(f"{op}: {name} must have a shape that is known, got {array.shape}")
    return array if isinstance(array, jax.Array) else jnp.asarray(array)


def cast(array: jax.Array, dtype: Any) -> jax.Array:
    """Return an array of a dtype; itself, at no cost, if it has that."""
    return array if array.dtype == dtype else array.astype(dtype)


def result_dtypes(*operands: jax.Array) -> DTypes:
    """Return the dtypes of a result that is summed: JAX's promotion, at least a float."""
    result = jnp.result_type(*operands)
    if result not in FLOATS:
        result = jnp.promote_types(result, jnp.float32)
    return DTypes(result, result if result == np.float64 else np.dtype(np.float32))


def selected_dtypes(x: jax.Array) -> DTypes:
    """Return the dtypes of a result that selects elements."""
    small = x.dtype in FLOATS and x.dtype != np.float64
    return DTypes(x.dtype, np.dtype(np.float32) if small else x.dtype)


def known(op: str, name: str, value: object) -> Any:
    """Return an option; refuse one that has no value yet."""
    if isinstance(value, jax.core.Tracer):
        raise TypeError(
            f"{op}: {name} must be known when a function is traced, got a traced value "
            f"{short_repr(value)}"
        )
    return value


def known_array(op: str, name: str, value: object) -> Array:
    """Return an option that is an array, as one of NumPy."""
    return as_array(op, name, known(op, name, value))


def standing_for(array: jax.Array, dtype: Any) -> Array:
    """Return an array of NumPy of a shape and a dtype that takes no memory."""
    return np.broadcast_to(np.zeros((), dtype), array.shape)
