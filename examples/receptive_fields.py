"""
What a unit sees
================

A unit of the first layer sees the few pixels under its kernel. A unit of the second layer sees what
several of those see, and so on: the deeper the layer, the larger its receptive field.
:func:`convcore.geometry.receptive_field` computes how large, and here it is drawn on a photograph
and checked by changing the photograph.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle
from skimage import data

from convcore import nn
from convcore.geometry import receptive_field

# %%
# A stack
# -------
#
# Convolutions of 5 x 5 and poolings of 2 x 2 in turn, on 128 x 128 pixels.

photo = data.astronaut()[:256, 96:352].mean(axis=2).reshape(128, 2, 128, 2).mean(axis=(1, 3))
model = nn.Sequential({
    "C1": nn.Conv2d(1, 4, 5, rng=0), "P1": nn.AvgPool2d(2),
    "C2": nn.Conv2d(4, 4, 5, rng=1), "P2": nn.AvgPool2d(2),
    "C3": nn.Conv2d(4, 4, 5, rng=2), "P3": nn.AvgPool2d(2),
    "C4": nn.Conv2d(4, 1, 5, rng=3),
}, input_shape=(1, 128, 128))  # fmt: skip
names = ["C1", "P1", "C2", "P2", "C3", "P3", "C4"]
fields = receptive_field([model[name] for name in names])
print("layer  output          sees   jump")
for name, shape, field in zip(names, model.shapes((1, 128, 128)), fields, strict=True):
    print(f"{name:<6} {shape!s:<14} {field.size[0]:>3} px {field.jump[0]:>3} px")

# %%
# From one layer to the next the field grows by the kernel's size less one, times the jump: how many
# pixels two neighbouring units are apart. Each pooling doubles the jump, and from then on each
# convolution makes the field grow twice as much.
#
# Whose change moves the output?
# ------------------------------
#
# The unit at row 3, column 5 of the last layer. Its field begins at its place times the jump. To
# check that, the photograph is changed in one row, or one column, at a time, in all 256 ways, and
# the unit's value compared with what it was.

PLACE = (3, 5)
field = fields[-1]
first = [
    place * jump + offset
    for place, jump, offset in zip(PLACE, field.jump, field.offset, strict=True)
]
rng = np.random.default_rng(0)


def unit(images):
    """Return the value of the unit for each image."""
    return model.forward(images)[:, 0, *PLACE]


changed = np.tile(photo, (256, 1, 1, 1))
for number in range(128):
    changed[number, 0, number, :] += rng.uniform(50, 100, 128)
    changed[128 + number, 0, :, number] += rng.uniform(50, 100, 128)
moved = unit(changed) != unit(photo[np.newaxis, np.newaxis])
for axis, lines in enumerate(moved.reshape(2, 128)):
    (seen,) = np.nonzero(lines)
    print(
        f"{('rows', 'columns')[axis]} {seen[0]} to {seen[-1]} move it; computed: "
        f"{first[axis]} to {first[axis] + field.size[axis] - 1}"
    )

# %%
# Not all pixels of a field count the same. The gradient tells by how much each of them moves the
# unit: most in the middle, which many paths through the stack lead to, and least at the border.
# (Weights that chance has drawn; what a network learns changes the pattern, not the rectangle.)

grad = np.zeros_like(model.forward(photo[np.newaxis, np.newaxis]))
grad[0, 0, *PLACE] = 1
influence = np.abs(model.backward(grad)[0, 0])
inside = np.zeros((128, 128), bool)
inside[tuple(slice(a, a + size) for a, size in zip(first, field.size, strict=True))] = True
print("no pixel outside has a gradient:", bool((influence[~inside] == 0).all()))

figure, (left, right) = plt.subplots(1, 2, figsize=(8, 4.6))
figure.suptitle("What units of four convolutions see, and how much each pixel counts")
left.imshow(photo)
left.set_title("fields of C1, C2, C3 and C4")
right.imshow(influence, cmap="Blues")
right.set_title("how much each pixel moves the unit of C4")


def frame(panel, name, row, column, size):
    """Draw the border of a field, with the layer's name above it."""
    panel.add_patch(
        Rectangle(
            (column - 0.5, row - 0.5), size[1], size[0], fill=False, edgecolor="C1", linewidth=2
        )
    )
    panel.text(
        column + size[1] / 2,
        row - 1,
        name,
        color="white",
        ha="center",
        va="bottom",
        fontsize=9,
        bbox={"facecolor": "C1", "edgecolor": "none", "pad": 1},
    )


# of each convolution the unit whose field lies closest to the middle of the last one's
middle = [a + (size - 1) / 2 for a, size in zip(first, field.size, strict=True)]
for name, seen in zip(names, fields, strict=True):
    if name.startswith("C"):
        start = [
            round((m - (size - 1) / 2 - offset) / jump) * jump + offset
            for m, size, jump, offset in zip(middle, *seen, strict=True)
        ]
        frame(left, name, *start, seen.size)
frame(right, "C4", *first, field.size)
for panel in (left, right):
    panel.set_axis_off()
plt.show()
