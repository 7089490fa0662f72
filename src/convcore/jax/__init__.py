"""The operators as functions of arrays of JAX: jit, grad, jvp, vmap and scan."""

from __future__ import annotations

from typing import Any

try:
    import jax as _jax  # noqa: F401
except ImportError:
    raise ImportError('convcore.jax: needs JAX: pip install "convcore[jax]"') from None

from convcore.jax.public import FUNCTIONS

__all__ = sorted(FUNCTIONS)
globals().update(FUNCTIONS)


def __getattr__(name: str) -> Any:
    raise AttributeError(f"module 'convcore.jax' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
