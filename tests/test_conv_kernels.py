"""Every kernel computes every case, and all give the same bits, whichever the plan would choose."""

import numpy as np
import pytest
from cases import CASES, random_arrays

from convcore import _core
from convcore.conv import convolution

AXES = {"conv1d": 1, "conv2d": 2, "conv3d": 3}
LAYOUTS = {1: "NCW", 2: "NCHW", 3: "NCDHW"}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_kernels_agree(case, dtype):
    arrays = random_arrays(case, dtype)
    axes = AXES[case.op]
    options = {"layout": LAYOUTS[axes], **case.options}
    results = [
        convolution(case.op, axes, *arrays, **options, kernel=kernel, threads=threads)
        for kernel in _core.MODES
        for threads in (1, 2)
    ]
    for result in results[1:]:
        assert np.array_equal(result, results[0], equal_nan=True)


def test_kernels_are_listed():
    assert {"pixels", "rows", "transpose", "copy"} <= set(_core.kernel_names())
