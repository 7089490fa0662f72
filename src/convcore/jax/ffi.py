"""Calls of the core by XLA's foreign function interface, without Python in between."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from convcore.engine.xla import PROCESS, TARGETS, Adaptive, Sliding, xla_call, xla_pool
from convcore.spec.operands import Array
from convcore.spec.problem import ConvSpec

(TARGET,) = TARGETS
jax.ffi.register_ffi_target(TARGET, TARGETS[TARGET], platform="cpu")


def attributes(product: str, spec: ConvSpec, dtype: Any, threads: int) -> dict[str, Any] | None:
    """Return what tells the handler which call it is; None: it goes through Python."""
    return _attributes(xla_call(product, spec, np.dtype(dtype), threads))


def pool_attributes(
    product: str, kind: str, axes: int, x: Array, options: dict[str, Any], threads: int
) -> dict[str, Any] | None:
    """Return the same for a pooling of an array like x; its options are in normal form."""
    if "output_size" in options:
        windows: Adaptive | Sliding = Adaptive(options["output_size"])
    else:
        windows = Sliding(*(options[name] for name in Sliding._fields))
    address = xla_pool(
        product, kind, x, windows, threads, axes=axes, layout=options["layout"],
        p=options.get("p", 2.0 if kind == "norm" else 0.0),
        count_padding=options.get("count_include_pad", False),
    )  # fmt: skip
    return _attributes(address)


def _attributes(address: int | None) -> dict[str, Any] | None:
    return None if address is None else {"call": np.int64(address), "process": np.int64(PROCESS)}
