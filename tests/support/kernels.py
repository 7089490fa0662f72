"""A convolution by one of the core's algorithms, whichever the plan would choose."""

from dataclasses import replace

import numpy as np

from convcore import _core
from convcore.engine.buffers import bias_as_contiguous
from convcore.engine.cores import conv_core
from convcore.engine.plan import conv_plan
from convcore.spec.operands import result_dtypes

# What gives the bits of "direct".
EXACT = ("direct", *(name for name in _core.ALGORITHMS if name not in _core.FAST_ALGORITHMS))


def convolve_by(algorithm, op, arrays, *, threads=1, **options):
    """The result for (x, weight, bias) of the algorithm of this name."""
    x, weight, bias = arrays
    axes = int(op[-2])
    flip = options.pop("flip", False)
    options = {"layout": ("NCW", "NCHW", "NCDHW")[axes - 1], **options}
    plan = conv_plan(op, x, weight, axes=axes, **options)
    dtypes = result_dtypes(op, x.dtype, weight.dtype)
    if flip:
        weight = np.flip(weight, tuple(range(2, axes + 2)))
    y = np.empty(plan.y_shape, dtypes.compute)
    bias = bias_as_contiguous(op, bias, plan.bias_shape, dtypes)
    if plan.core is None:
        plan.run(x, weight, bias, y, threads=threads)
    else:
        x, weight = np.ascontiguousarray(x), np.ascontiguousarray(weight)
        core = conv_core(replace(plan.spec, algorithm=algorithm))
        core.forward(x, weight, bias, y, threads)
    return y
