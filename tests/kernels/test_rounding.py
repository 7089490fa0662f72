"""Long sums are made of short ones: their error does not grow with the terms."""

import numpy as np
import pytest

import convcore


@pytest.mark.parametrize("n", [257, 1000, 10001, 100003])
def test_long_kernels_of_one_channel(n):
    # In one chain of additions 10,001 equal terms err by 1e-4 of the sum, in blocks by 1e-6.
    x, w = np.full(n + 20, 0.1, np.float32), np.ones(n, np.float32)
    exact = n * float(np.float32(0.1))
    for y in (
        convcore.correlate(x, w, "valid"),
        convcore.convolve(x, w, "valid"),
        convcore.conv1d(x[None], np.ones((20, 1, n), np.float32)),
    ):
        assert abs(y / exact - 1).max() < 6e-6


@pytest.mark.parametrize("shape", [(101, 99), (1, 5000), (5000, 1), (20, 25, 21)])
def test_large_kernels_of_one_channel(shape):
    x, w = np.full(shape, 0.1, np.float32), np.ones(shape, np.float32)
    exact = w.size * float(np.float32(0.1))
    assert abs(convcore.correlate(x, w, "valid").item() / exact - 1) < 6e-6
    kernels = np.ones((24, 1, *shape), np.float32)
    y = getattr(convcore, f"conv{len(shape)}d")(x[None], kernels)
    assert abs(y / exact - 1).max() < 6e-6
