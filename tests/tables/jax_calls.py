"""Calls of every operator with shapes and options, for tests of what traces and differentiates.

A call is (kind, axes, shapes of the operands, options). Shapes of x have a batch.
"""

from convcore.spec.registry import AXES

_LINEAR = {
    "conv": [
        ((2, 4, 6), (6, 4, 3), {}),
        ((2, 4, 7), (6, 2, 3), {"stride": 2, "padding": 1, "groups": 2}),
        ((2, 2, 6), (3, 2, 2), {"dilation": 2, "padding": "same", "flip": True}),
        ((2, 2, 5), (3, 2, 3), {"padding": 2, "border": "reflect"}),
        ((2, 2, 5), (3, 2, 3), {"padding": 1, "border": 2.5, "stride": 2}),
        ((2, 2, 5), (3, 2, 3), {"padding": "same", "connections": [[1, 0], [1, 1], [0, 1]]}),
    ],
    "conv_transpose": [
        ((2, 4, 4), (4, 3, 3), {}),
        ((2, 4, 4), (4, 2, 3), {"stride": 2, "padding": 1, "groups": 2, "output_padding": 1}),
        ((2, 2, 4), (2, 3, 3), {"padding": 1, "border": "wrap"}),
    ],
    "local_conv": [
        ((2, 3, 5), (4, 3, 3, 3), {}),
        ((2, 2, 5), (3, 3, 2, 3), {"stride": 2, "padding": 1}),
    ],
    "tiled_conv": [
        ((2, 3, 6), (4, 2, 3, 3), {}),
        ((2, 2, 5), (3, 2, 2, 2), {"padding": 1, "border": "edge"}),
    ],
}
_POOLS = {
    "max_pool": [
        {"kernel_size": 2},
        {"kernel_size": 3, "stride": 2, "padding": 1},
        {"kernel_size": 3, "stride": 1, "padding": 1, "border": 0.5},
    ],
    "avg_pool": [
        {"kernel_size": 2},
        {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True},
        {"kernel_size": 3, "stride": 1, "padding": 1, "border": "wrap"},
        {"kernel_size": 3, "stride": 1, "padding": 1, "border": 3.0},
    ],
    "lp_pool": [
        {"kernel_size": 2, "p": 3.0},
        {"kernel_size": 3, "stride": 2, "padding": 1, "p": 2.5},
        {"kernel_size": 2, "stride": 1, "padding": 1, "border": 0.5, "p": 4.0},
        {"kernel_size": 2, "p": float("inf")},
        {"kernel_size": 2, "p": 1},
    ],
    "l2_pool": [{"kernel_size": 2}, {"kernel_size": 3, "stride": 1, "padding": "same"}],
    "weighted_pool": [
        {"window": 2},
        {"window": 3, "stride": 2, "padding": 1, "normalize": False},
        {"window": 3, "stride": 1, "padding": 1, "border": 3.0},
    ],
    "adaptive_avg_pool": [{"output_size": 3}],
    "adaptive_max_pool": [{"output_size": 3}],
}


def calls(kinds, axes=AXES):
    """Every call of these kinds: name, shapes of x and weight (None: no weight), options."""
    for kind in kinds:
        for d in axes:
            for x, weight, options in _LINEAR.get(kind, ()):
                yield f"{kind}{d}d", _wide(x, d), _wide(weight, d, kind), dict(options)
            for options in _POOLS.get(kind, ()):
                found = dict(options)
                if "window" in found:
                    found["window"] = [found["window"]] * d  # its shape
                yield f"{kind}{d}d", (2, 3, *[6] * d), None, found


def _wide(shape, d, kind=""):
    if kind in ("local_conv", "tiled_conv"):
        out, period, channels, kernel = shape
        return (out, *[period] * d, channels, *[kernel] * d)
    *first, size = shape
    return (*first, *[size] * d)
