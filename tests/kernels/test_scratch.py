"""Kernels compute nothing from memory that their call has not written.

What scratch holds is left from earlier calls. Lanes that are thrown away cannot make a result
wrong, but small integers there are subnormal floats, which cost a hundred times a product's time.
So scratch is filled with signalling NaNs: any operation on one, in whatever lane, is noted by the
processor.
"""

import numpy as np
import pytest

import convcore
from convcore import _core
from tests.support.kernels import EXACT, convolve_by
from tests.support.sweeps import each
from tests.tables.cases import CASES
from tests.tables.cases import random_arrays as conv_arrays
from tests.tables.gradient_cases import GRADIENTS
from tests.tables.gradient_cases import random_arrays as gradient_arrays
from tests.tables.layer_cases import LAYERS
from tests.tables.layer_cases import random_arrays as layer_arrays
from tests.tables.pool_cases import POOLINGS, positive_grad, random_x

SIGNALLING = {np.float32: 0x7FA0_0000_7FA0_0000, np.float64: 0x7FF4_0000_0000_0000}
THREADS = (1, 2)


@pytest.fixture(params=SIGNALLING, ids=lambda dtype: dtype.__name__)
def dtype(request):
    """The type of real numbers whose signalling NaNs scratch is filled with."""
    _core.watch_scratch(SIGNALLING[request.param])
    _core.scratch_was_used()
    yield request.param
    _core.watch_scratch(0)


def assert_unused(call):
    """The call computes nothing from scratch as it found it."""
    for threads in THREADS:
        call(threads)
        assert not _core.scratch_was_used(), f"{threads} threads"


def test_the_watch_sees_an_operation(dtype):
    # A signalling NaN of the caller's is one, too.
    x = np.full((1, 4, 4), SIGNALLING[dtype], np.uint64).view(dtype)[..., :4]
    convcore.conv2d(x, np.ones((1, 1, 2, 2), dtype))
    assert _core.scratch_was_used()
    assert not _core.scratch_was_used()


@each(CASES, of=4)
def test_convolutions(case, dtype):
    arrays = conv_arrays(case, dtype)
    assert_unused(lambda threads: case.call(convcore, arrays, threads=threads))


@pytest.mark.parametrize("mode", EXACT)
@each(CASES[::5], of=4)
def test_every_inner_loop(case, mode, dtype):
    arrays = conv_arrays(case, dtype)
    assert_unused(
        lambda threads: convolve_by(mode, case.op, arrays, threads=threads, **case.options)
    )


@each(LAYERS, of=4)
def test_layers(case, dtype):
    arrays = layer_arrays(case, dtype)
    assert_unused(lambda threads: case.call(convcore, arrays, threads=threads))


@each(GRADIENTS, of=4)
def test_gradients(case, dtype):
    arrays = gradient_arrays(case, dtype)
    assert_unused(lambda threads: case.back(convcore, arrays, threads=threads))


@each(POOLINGS, of=4)
def test_poolings(case, dtype):
    x = random_x(case, dtype)
    assert_unused(lambda threads: case.call(convcore, x, threads=threads))
    if case.is_max:
        assert_unused(lambda threads: case.call(convcore, x, threads=threads, return_indices=True))


@each(POOLINGS, of=4)
def test_pooling_gradients(case, dtype):
    x = random_x(case, dtype)
    grad = positive_grad(case, case.call(convcore, x).shape, dtype)
    assert_unused(lambda threads: case.back(convcore, grad, x, threads=threads))
