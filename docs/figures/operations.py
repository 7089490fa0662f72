"""Forward, gradient of the weights, gradient of the input: which products are in one result."""

from itertools import pairwise

import numpy as np
from boxes import box, canvas

from convcore import conv1d, conv1d_backward

CELLS, WEIGHTS, GRADIENT = [1, 4, 2, 3, 5], [2, -1, 3], [1, -2, 4]
ROWS = 1.6, 4.1, 6.6  # heights of the cells, the weights and the outputs
PANEL = 8.2  # boxes from a panel to the next


def row(values):
    """One channel of a signal."""
    return np.array(values, float)[None]


def backward(grad, cells, weights):
    """Gradients of the cells and of the weights, one channel each."""
    dx, dweight, _ = conv1d_backward(row(grad), row(cells), row(weights)[None])
    return dx[0], dweight[0, 0]


def panels():
    """Yield each operation: its title, its three rows and names, its result, and the pairs in it.

    A pair is the places of its two operands in the other two rows, from above. Which pairs a
    result has is asked of the library: one 1 at a time in each operand.
    """
    cells, weights, outputs = (np.eye(len(values)) for values in (CELLS, WEIGHTS, GRADIENT))
    Z = conv1d(row(CELLS), row(WEIGHTS)[None])[0]
    dx, dweight = backward(GRADIENT, CELLS, WEIGHTS)
    forward = [[conv1d(row(u), row(m)[None])[0] for m in weights] for u in cells]
    learning = [[backward(o, u, WEIGHTS)[1] for o in outputs] for u in cells]
    back = [[backward(o, CELLS, m)[0] for o in outputs] for m in weights]
    rows, names = [CELLS, WEIGHTS, Z], ["V", "K", "Z"]
    yield "forward", rows, names, (2, 1), np.argwhere(np.array(forward)[:, :, 1])
    rows, names = [CELLS, dweight, GRADIENT], ["V", r"\bar K", "G"]
    yield "gradient of the weights", rows, names, (1, 1), np.argwhere(np.array(learning)[:, :, 1])
    rows, names = [dx, WEIGHTS, GRADIENT], [r"\bar V", "K", "G"]
    yield "gradient of the input", rows, names, (0, 2), np.argwhere(np.array(back)[:, :, 2])


def signed(number):
    """A factor; a negative one in parentheses."""
    return f"({number})" if number < 0 else f"{number}"


def draw():
    """Return the figure."""
    figure, axes = canvas(3 * PANEL - 0.6, 9.6, unit=0.43)
    for panel, (title, rows, names, (level, place), pairs) in enumerate(panels()):
        left = panel * PANEL + 1.4
        starts = [left, left + 1, left + 1]
        operands = [other for other in range(3) if other != level]
        colors = {}
        for color, pair in zip(("C0", "C1", "C2"), pairs, strict=True):
            if level == 1:  # both operands are met in the weight
                path = [(0, pair[0]), (level, place), (2, pair[1])]
            else:
                path = [(operands[0], pair[0]), (operands[1], pair[1])]
                path.insert(0 if level == 0 else 2, (level, place))
            points = [(starts[r] + i + 0.5, ROWS[r] + 0.5) for r, i in path]
            for (x, y), (to_x, to_y) in pairwise(points):
                axes.plot([x, to_x], [y + 0.5, to_y - 0.5], color=color, linewidth=2)
            colors |= {(r, pair[i]): color for i, r in enumerate(operands)}
        for r, values in enumerate(rows):
            axes.text(
                left - 0.5, ROWS[r] + 0.5, f"${names[r]}$", ha="center", va="center", fontsize=13
            )
            for i, value in enumerate(values):
                color = "C3" if (r, i) == (level, place) else colors.get((r, i), "C0")
                strong = (r, i) == (level, place) or (r, i) in colors
                box(
                    axes,
                    starts[r] + i,
                    ROWS[r],
                    f"{value:.0f}",
                    color=color,
                    size=12,
                    fill=0.4 if strong else 0.06,
                    line=1.6 if strong else 0.8,
                )
        axes.text(left + 2.5, 0.7, title, ha="center", va="center", fontsize=13)
        numbers = [[rows[r][pair[i]] for i, r in enumerate(operands)] for pair in pairs]
        products = " + ".join(rf"{signed(a)} \cdot {signed(b)}" for a, b in numbers)
        total = rows[level][place]
        if sum(a * b for a, b in numbers) != total:
            raise ValueError("the pairs don't add up to what the library computes")
        axes.text(
            left + 2.5,
            8.8,
            rf"${names[level]}({place}) = {products} = {total:.0f}$",
            ha="center",
            va="center",
            fontsize=11,
        )
    return figure
