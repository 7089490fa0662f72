"""A convolution by one of the core's inner loops, whichever the plan would choose."""

import numpy as np

from convcore.engine.buffers import bias_as_contiguous
from convcore.engine.plan import conv_plan
from convcore.spec.operands import result_dtypes


def convolve_by(kernel, op, arrays, *, threads=1, **options):
    """The result for (x, weight, bias) of the kernel of this name."""
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
        plan.core.forward(x, weight, bias, y, threads, kernel)
    return y
