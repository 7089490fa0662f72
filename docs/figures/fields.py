"""f07: fig. 9.4 of the book, what a unit two layers up sees, without and with a stride."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Circle

from convcore import conv1d, geometry

CELLS, KERNEL = 11, 3
WEIGHT = np.ones((1, 1, KERNEL))
RISE = 2.6


def layers(x, strides):
    """Return the input and each layer's outputs, padded to keep the places."""
    found = [x]
    for stride in strides:
        found.append(conv1d(found[-1], WEIGHT, stride=stride, padding=1))
    return found


def panel(axes, strides, words):
    """Draw one stack with the field of its middle unit."""
    rows = [row.shape[-1] for row in layers(np.zeros((1, CELLS)), strides)]
    target = rows[-1] // 2
    fields = geometry.receptive_field([(KERNEL, stride, 1) for stride in strides])
    jumps = [1] + [field.jump for field in fields]
    # which units of each row move the unit on top: change one at a time
    moving = []
    for level in range(len(rows)):
        top = layers(np.eye(rows[level])[:, None], strides[level:])[-1]
        moving.append(set(np.flatnonzero(top[:, 0, target]).tolist()))
    assert len(moving[0]) == fields[-1].size
    for level, units in enumerate(rows):
        for unit in range(units):
            place = unit * jumps[level]
            if level:
                for below in range(unit * strides[level - 1] - 1, unit * strides[level - 1] + 2):
                    if 0 <= below < rows[level - 1]:
                        path = unit in moving[level] and below in moving[level - 1]
                        axes.plot(
                            [place, below * jumps[level - 1]],
                            [-RISE * level + 0.36, -RISE * (level - 1) - 0.36],
                            color="C1" if path else "0.5",
                            linewidth=1.8 if path else 0.6,
                        )
            seen = unit in moving[level]
            color = "C1" if seen else "C0"
            axes.add_patch(
                Circle(
                    (place, -RISE * level),
                    0.36,
                    facecolor=color,
                    alpha=0.45 if seen else 0.0,
                    linewidth=0,
                )
            )
            axes.add_patch(
                Circle((place, -RISE * level), 0.36, fill=False, edgecolor=color, linewidth=1.2)
            )
        name = "input" if level == 0 else f"layer {level}"
        axes.text(-1.0, -RISE * level, name, ha="right", va="center", fontsize=11)
    axes.set_title(f"{words}: sees {fields[-1].size} cells", fontsize=12)
    axes.set(xlim=(-3.6, CELLS), ylim=(0.8, -RISE * (len(rows) - 1) - 0.8), aspect="equal")
    axes.axis("off")


def draw():
    """Return the figure."""
    figure, panels = plt.subplots(1, 2, figsize=(9.4, 2.6), layout="constrained")
    panel(panels[0], [1, 1], "strides 1 and 1")
    panel(panels[1], [2, 1], "strides 2 and 1")
    return figure
