"""Moving pictures of transposed convolution: each cell adds its multiple of the kernel."""

import numpy as np
from film import Film, Grid, factor, grid_of, number
from sliding import KERNEL, cells

from convcore import conv_transpose2d


def transposed(words, stride):
    """Return the film; outputs that a cell changes get their new sum in its frame."""
    x = cells(3, 3)
    places = list(np.ndindex(x.shape))
    sums = []  # after each cell, by the layer of the cells so far
    for frame in range(len(places)):
        so_far = np.where(np.arange(x.size).reshape(x.shape) <= frame, x, 0)
        sums.append(conv_transpose2d(so_far[None], KERNEL[None, None], stride=stride)[0])
    source, kernel = grid_of("input", x), grid_of("kernel", KERNEL)
    target = Grid("output", sums[-1].shape)
    lines, since = [], {}
    for frame, (row, column) in enumerate(places):
        source.marks[frame] = [(row, column)]
        stamp = [(row * stride + r, column * stride + s) for r, s in np.ndindex(KERNEL.shape)]
        target.marks[frame] = stamp
        for at in stamp:
            since.setdefault(at, []).append(frame)
        value = number(x[row, column])
        lines.append(
            [
                "   ".join(
                    f"+ {value}\N{MULTIPLICATION SIGN}{factor(weight)}" for weight in weights
                )
                for weights in KERNEL
            ]
        )
    for at, frames in since.items():
        for first, end in zip(frames, [*frames[1:], None], strict=True):
            target.write(*at, sums[first][at], first, end)
    columns = [
        (words["input"], "times", [[source]]),
        (words["kernel"], "arrow", [[kernel]]),
        (words["output"], None, [[target]]),
    ]
    return Film(columns, lines, beat=1.2)


FILMS = {
    "transposed": lambda words: transposed(words, 1),
    "transposed-stride": lambda words: transposed(words, 2),
}
