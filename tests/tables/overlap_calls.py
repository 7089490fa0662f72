"""A small call of every public function that has `out`, and arrays that share memory."""

import inspect

import numpy as np

import convcore

LINEAR = {  # operator: (shape of x, shape of weight, options), for d axes
    "conv": lambda d: ((2, 2, *[5] * d), (3, 2, *[3] * d), {"padding": 1}),
    "conv_transpose": lambda d: ((2, 3, *[4] * d), (3, 2, *[2] * d), {"stride": 2}),
    "local_conv": lambda d: ((2, 2, *[4] * d), (3, *[3] * d, 2, *[2] * d), {}),
    "tiled_conv": lambda d: ((2, 2, *[5] * d), (3, *[2] * d, 2, *[2] * d), {}),
}
POOLS = {  # operator: what follows x, and options
    "max_pool": ((2,), {"stride": 1}),
    "avg_pool": ((2,), {"stride": 1}),
    "l2_pool": ((2,), {"stride": 1}),
    "lp_pool": ((2,), {"stride": 1, "p": 3.0}),
    "lp_pool inf": ((2,), {"stride": 1, "p": np.inf}),
    "lp_pool inf apart": ((2,), {"p": np.inf}),
    "max_pool indices": ((2,), {"stride": 1}),
    "weighted_pool": ((), {"stride": 1}),
    "weighted_pool sums": ((), {"normalize": False}),
    "adaptive_avg_pool": ((3,), {}),
    "adaptive_max_pool": ((3,), {}),
    "adaptive_max_pool indices": ((3,), {}),
}


class Call:
    """A function, the arrays it reads by the names of its arguments, and its other options."""

    def __init__(self, name, words, arrays, options):
        self.name, self.words, self.arrays, self.options = name, words, arrays, options
        self.gradients = (
            name.endswith("_backward")
            and "needs" in inspect.signature(getattr(convcore, name)).parameters
        )

    def __repr__(self):
        return self.words

    def __call__(self, out=None, **replaced):
        arrays = {name: array.copy() for name, array in self.arrays.items()} | replaced
        return getattr(convcore, self.name)(**arrays, **self.options, out=out)


def calls():
    """Every function with `out`, in one to three dimensions."""
    for d in (1, 2, 3):
        for kind, shapes in LINEAR.items():
            yield from _linear(f"{kind}{d}d", *shapes(d))
        for kind, (words, options) in POOLS.items():
            yield from _pool(kind, d, words, options)


def numbers(shape, seed):
    return np.random.default_rng(seed).integers(-9, 10, shape).astype(np.float64)


def _linear(name, x, weight, options):
    function = getattr(convcore, name)
    arrays = {"x": numbers(x, 1), "weight": numbers(weight, 2)}
    y = function(**arrays, **options)
    kernels = (
        weight[1:2]
        if "transpose" in name
        else weight[: 1 if name.startswith("conv") else (len(weight) - 2) // 2 + 1]
    )
    arrays["bias"] = numbers(kernels, 3)
    yield Call(name, name, arrays, options)
    yield Call(
        f"{name}_backward", f"{name}_backward", {"grad": numbers(y.shape, 4), **arrays}, options
    )


def _pool(kind, d, words, options):
    kind, *variant = kind.split()
    name = f"{kind}{d}d"
    function = getattr(convcore, name)
    arrays = {"x": numbers((2, 2, *[5] * d), 5)}
    names = list(inspect.signature(function).parameters)
    options = dict(zip(names[1:], words, strict=False)) | options
    if kind == "weighted_pool":
        arrays["window"] = np.abs(numbers([2] * d, 6)) + 1
    y = function(**arrays, **options)
    label = " ".join([name, *variant])
    backward = {"grad": numbers(y.shape, 7), **arrays}
    if variant == ["indices"]:
        _, backward["indices"] = function(**arrays, **options, return_indices=True)
    else:
        yield Call(name, label, arrays, options)
    yield Call(f"{name}_backward", f"{label} backward", backward, options)


def with_out():
    """Names of the public functions that have `out`."""
    return {
        name
        for name in convcore.__all__
        if "out" in getattr(inspect.signature(getattr(convcore, name)), "parameters", ())
    }


OVERLAPS = ("exact", "ahead", "behind", "reversed", "every second")


def overlapping(operand, like, how):
    """A copy of `operand`, and an array of the shape and dtype of `like` in the same memory."""
    room = 2 * like.nbytes + 16
    memory = np.zeros(operand.nbytes + 2 * room + 32, np.uint8)
    begin = room - room % 16
    copy = np.ndarray(operand.shape, operand.dtype, memory, begin)
    step = like.itemsize
    shift = {
        "ahead": operand.nbytes // 2 // step * step,
        "behind": -(like.nbytes // 2 // step * step),
    }.get(how, 0)
    if how == "every second":
        out = np.ndarray((2 * like.size,), like.dtype, memory, begin - begin % (2 * step))[::2]
    else:
        out = np.ndarray((like.size,), like.dtype, memory, begin + shift)
        if how == "reversed":
            out = out[::-1]
    out = out.reshape(like.shape)
    assert np.shares_memory(out, memory)
    copy[...] = operand
    return copy, out
