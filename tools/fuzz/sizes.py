"""The sizes of results, found here once more: neither the operators nor the oracle are asked."""


def pair(entry, size, reach, stride):
    """The cells before and after one axis that a padding's entry asks for."""
    if entry in ("same", "same_lower"):
        total = max((-(-size // stride) - 1) * stride + reach + 1 - size, 0)
        less, more = total // 2, total - total // 2
        return (less, more) if entry == "same" else (more, less)
    words = {"valid": (0, 0), "full": (reach, reach)}
    if isinstance(entry, str):
        return words[entry]
    return tuple(entry) if isinstance(entry, (tuple, list)) else (entry, entry)


def output(call):
    """The sizes of a call's result; less than 1 where there is none."""
    if call.kind in ("convolve", "correlate"):
        return signal(call)
    if call.kind.startswith("adaptive"):
        return [
            size if wanted is None else wanted
            for size, wanted in zip(call.space, call.axes("output_size", None), strict=True)
        ]
    pool = call.kind.endswith("pool")
    axes = zip(
        call.space,
        call.kernel,
        call.kernel if pool and call.options.get("stride") is None else call.axes("stride", 1),
        call.axes("dilation", 1),
        call.axes("padding", "valid"),
        call.axes("output_padding", 0),
        strict=True,
    )
    return [
        (
            _transposed(*axis)
            if call.kind == "conv_transpose"
            else _sliding(*axis[:-1], pool and call.options.get("ceil_mode", False))
        )
        for axis in axes
    ]


def _sliding(n, k, s, d, padding, ceil_mode):
    reach = (k - 1) * d
    before, after = pair(padding, n, reach, s)
    left = n + before + after - reach - 1
    if left < 0:
        return 0
    size = left // s + 1
    if ceil_mode:
        size += left % s > 0
        size -= (size - 1) * s >= before + n
    return size


def _transposed(n, k, s, d, padding, more):
    reach = (k - 1) * d
    if padding in ("same", "same_lower"):
        return (n - 1) * s + 1 + more
    return (n - 1) * s + reach + 1 - sum(pair(padding, n, reach, s)) + more


def signal(call):
    """The sizes of a convolution or correlation of two arrays."""
    mode = call.options.get("mode", "full")
    if mode == "same":
        return call.space
    return tuple(
        a + b - 1 if mode == "full" else max(a, b) - min(a, b) + 1
        for a, b in zip(call.space, call.kernel, strict=True)
    )
