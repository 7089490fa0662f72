"""JAX with 64 bits, which it has when asked, for a test."""

import jax
import pytest


@pytest.fixture
def x64():
    """Asks for them in all threads: those of callbacks see no block of `jax.enable_x64`."""
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)
