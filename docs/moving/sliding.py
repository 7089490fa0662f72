"""Moving pictures of layers whose window slides: one film for each, computed by convcore."""

import numpy as np
from film import CELL, Film, Grid, factor, grid_of, number

from convcore import avg_pool2d, conv2d, local_conv2d, max_pool2d, tiled_conv2d

KERNEL = np.array([[1, 0, 2], [0, -1, 1], [1, 2, 0]], np.float32)


def cells(rows, columns):
    """Return an input of small numbers, none of them the zero that padding is."""
    row, column = np.ogrid[:rows, :columns]
    return ((3 * row**2 + 5 * column + row * column + row) % 4 + 1).astype(np.float32)


def kernels(rows, columns):
    """Return kernels of 2 x 2 that all differ."""
    row, column, r, s = np.ogrid[:rows, :columns, :2, :2]
    return ((2 * row + 3 * column + r + 2 * s + row * column * s) % 4 - 1).astype(np.float32)


def padded(x, padding, end=0):
    """Return the input in its padding, and the cells of padding; `end` counts at the end alone."""
    wide = np.pad(x, [(padding, padding + end)] * 2)
    inside = np.pad(np.ones(x.shape, bool), [(padding, padding + end)] * 2)
    return wide, frozenset(zip(*map(np.ndarray.tolist, np.nonzero(~inside)), strict=True))


def windows(outputs, kernel, stride=1, dilation=1):
    """Return for each output its place and the cells of its window, row by row."""
    return [
        (
            (row, column),
            [
                [
                    (row * stride + r * dilation, column * stride + s * dilation)
                    for s in range(kernel)
                ]
                for r in range(kernel)
            ],
        )
        for row, column in np.ndindex(outputs)
    ]


def filled(y):
    """Return the grid of outputs, each of which appears in its frame."""
    grid = Grid("output", y.shape)
    for frame, at in enumerate(np.ndindex(y.shape)):
        grid.write(*at, y[at], first=frame)
        grid.marks[frame] = [at]
    return grid


def convolution(words, rows=5, padding=0, stride=1, dilation=1):
    """Return the film of a convolution with one kernel."""
    x = cells(rows, rows)
    y = conv2d(
        x[None], KERNEL[None, None], stride=stride, padding=padding, dilation=dilation,
        algorithm="direct",
    )[0]  # fmt: skip
    wide, outside = padded(x, padding)
    source, kernel = grid_of("input", wide, outside=outside), grid_of("kernel", KERNEL)
    lines = []
    for frame, (at, window) in enumerate(windows(y.shape, 3, stride, dilation)):
        source.marks[frame] = [cell for row in window for cell in row]
        lines.append(sum_of(wide, KERNEL, window, y[at]))
    columns = [
        (words["input"], "times", [[source]]),
        (words["kernel"], "arrow", [[kernel]]),
        (words["output"], None, [[filled(y)]]),
    ]
    return Film(columns, lines)


def sum_of(wide, kernel, window, result):
    """Return the sum of one output, a line for each row of the kernel."""
    lines = [
        " + ".join(
            f"{number(wide[cell])}\N{MULTIPLICATION SIGN}{factor(weight)}"
            for cell, weight in zip(cells, weights, strict=True)
        )
        for cells, weights in zip(window, kernel, strict=True)
    ]
    return [*(f"{line} +" for line in lines[:-1]), f"{lines[-1]} = {number(result)}"]


def unshared(words, layer, x, weights, small):
    """Return the film of a layer with several kernels; which one is at work is marked."""
    y = layer(x[None], weights[None, :, :, None])[0]
    many = weights.shape[:2]
    source = grid_of("input", x)
    grids = [
        [grid_of("kernel", weights[row, column], cell=small) for column in range(many[1])]
        for row in range(many[0])
    ]
    lines = []
    for frame, (at, window) in enumerate(windows(y.shape, 2)):
        source.marks[frame] = [cell for row in window for cell in row]
        taken = at[0] % many[0], at[1] % many[1]
        grids[taken[0]][taken[1]].marks[frame] = list(np.ndindex(2, 2))
        lines.append(sum_of(x, weights[taken], window, y[at]))
    columns = [
        (words["input"], "times", [[source]]),
        (words["kernels"], "arrow", grids),
        (words["output"], None, [[filled(y)]]),
    ]
    return Film(columns, lines)


def pooling(words, layer, rows, line, **options):
    """Return the film of a pooling with windows of 2 x 2 side by side."""
    x = cells(rows, rows) + (np.arange(rows) % 3)[:, None]
    y = layer(x[None], 2, **options)[0]
    wide, outside = padded(x, 0, end=2 * len(y) - rows)
    source = grid_of("input", wide, outside=outside)
    source.texts = [text for text in source.texts if text[:2] not in outside]  # nothing is there
    lines = []
    for frame, (at, window) in enumerate(windows(y.shape, 2, stride=2)):
        source.marks[frame] = [cell for row in window for cell in row]
        seen = [number(wide[cell]) for row in window for cell in row if cell not in outside]
        lines.append([f"{line(seen)} = {number(y[at])}"])
    columns = [
        (words["input"], "arrow", [[source]]),
        (words["output"], None, [[filled(y)]]),
    ]
    return Film(columns, lines, beat=1.2)


def largest(seen):
    return f"max({', '.join(seen)})"


def mean(seen):
    return f"({' + '.join(seen)}) / {len(seen)}"


FILMS = {
    "valid": convolution,
    "same": lambda words: convolution(words, padding=1),
    "full": lambda words: convolution(words, rows=3, padding=2),
    "stride": lambda words: convolution(words, rows=7, stride=2),
    "dilation": lambda words: convolution(words, rows=7, dilation=2),
    "tiled": lambda words: unshared(words, tiled_conv2d, cells(5, 5), kernels(2, 2), CELL),
    "local": lambda words: unshared(words, local_conv2d, cells(4, 4), kernels(3, 3), 28),
    "max-pooling": lambda words: pooling(words, max_pool2d, 6, largest),
    "average-pooling": lambda words: pooling(words, avg_pool2d, 6, mean),
    "ceil-pooling": lambda words: pooling(words, max_pool2d, 5, largest, ceil_mode=True),
}
