"""
The checkerboard of transposed convolutions
===========================================

A transposed convolution with a stride makes large maps from small ones. With a careless kernel size
it also draws a checkerboard over them. The pattern has nothing to do with the data: it is how often
each output cell is reached, and a kernel size that the stride divides makes it go.
"""

import matplotlib.pyplot as plt
import numpy as np
from skimage import data

from convcore import conv_transpose2d

# %%
# How often is a cell reached?
# ----------------------------
#
# Each input value adds the kernel, times itself, to the output, and from one value to the next the
# kernel moves by the stride. With ones as input and ones as kernel the output counts how many
# kernels lie on each cell. If kernels of 3 move by 2, neighbours overlap by one cell: along an axis
# the counts are 1, 2, 1, 2. Kernels of 4 that move by 2 lie on every cell twice, as the stride
# divides the size.

STRIDE = 2
ones = np.ones((1, 8, 8))
counts = {
    size: conv_transpose2d(ones, np.ones((1, 1, size, size)), stride=STRIDE)[0]
    for size in (2, 3, 4, 5, 6)
}

figure, axes = plt.subplots(1, 5, figsize=(8, 2.3))
figure.suptitle("How many kernels lie on each output cell, kernel sizes 2 to 6, stride 2")
for panel, (size, count) in zip(axes, counts.items(), strict=True):
    panel.imshow(count, cmap="Blues", vmin=0, vmax=9)
    panel.set_title(f"size {size}")
    panel.set_axis_off()

# %%
# Away from the border, where less comes in, the counts are equal for the sizes 2, 4 and 6 and
# for no other:

for size, count in counts.items():
    inner = count[size:-size, size:-size]
    print(f"size {size}: counts from {inner.min():.0f} to {inner.max():.0f}")

# %%
# What it does to a photograph
# ----------------------------
#
# A photograph of half the size is enlarged again. The kernels are bells of the sizes 3 and 4,
# scaled so that the average brightness stays. Even sizes have no middle cell; it doesn't matter.
# Whether the counts are the same is not quite the point: the weights that lie on each cell must
# have the same sum. A kernel may achieve that with any size, but only where the stride divides the
# size does it need no luck: a kernel of equal weights has it by itself. A linear interpolation,
# with the weights 1, 2, 1 in each direction, is the lucky case of size 3.

small = data.astronaut()[:256, 96:352].reshape(128, 2, 128, 2, 3).mean(axis=(1, 3)) / 255
image = small.transpose(2, 0, 1)  # channel, row, column
kernels = {
    "size 3, equal weights": np.ones(3),
    "size 3, weights 1, 2, 1": np.array([1, 2, 1]),
    "size 4, equal weights": np.ones(4),
    "size 4, weights 1, 3, 3, 1": np.array([1, 3, 3, 1]),
}


def enlarge(line):
    """Enlarge each colour by itself, with the product of two lines of weights as its kernel."""
    kernel = np.outer(line, line) * STRIDE**2 / np.sum(line) ** 2
    weight = np.tile(kernel, (3, 1, 1, 1))
    return conv_transpose2d(image, weight, stride=STRIDE, groups=3)


figure, axes = plt.subplots(2, 4, figsize=(8, 4.5))
figure.suptitle("A photograph enlarged by four kernels: only the first one leaves a checkerboard")
for column, (name, line) in zip(axes.T, kernels.items(), strict=True):
    large = np.clip(enlarge(line).transpose(1, 2, 0), 0, 1)
    column[0].imshow(large)
    column[0].set_title(name.replace(", ", "\n", 1), fontsize=10)
    column[1].imshow(large[60:100, 100:140])
    for panel in column:
        panel.set_axis_off()
plt.show()

# sphinx_gallery_thumbnail_number = 2
