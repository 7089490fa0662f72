"""
What pooling does to an image
=============================

Pooling replaces each window of cells by one number. Which number, that is the kind: the largest,
the average, the root of the sum of squares, or an average in which the middle counts most. Here
the four are applied to one photograph, and then three photographs of different sizes are
pooled to one and the same size.
"""

import matplotlib.pyplot as plt
import numpy as np
from skimage import data

from convcore import (
    adaptive_avg_pool2d,
    avg_pool2d,
    distance_window,
    l2_pool2d,
    max_pool2d,
    weighted_pool2d,
)

# %%
# Four kinds
# ----------
#
# The windows are 8 x 8 pixels and touch. The weighted average takes 16 x 16, which overlap, with
# weights that fall with the distance from the middle.

photo = data.camera()[np.newaxis].astype(np.float32)  # channel, row, column
window = distance_window((16, 16), "gaussian")
pooled = {
    "max: the largest": max_pool2d(photo, 8),
    "average": avg_pool2d(photo, 8),
    "L2: root of the sum of squares": l2_pool2d(photo, 8),
    "distance-weighted average": weighted_pool2d(photo, window, 8, 4),
}

figure, axes = plt.subplots(1, 2, figsize=(8, 3.8), width_ratios=[2.2, 1])
figure.suptitle("512 x 512 pixels, and the weights of the distance-weighted average")
axes[0].imshow(photo[0])
axes[0].set_title("photograph")
axes[1].imshow(window, cmap="Blues")
axes[1].set_title("16 x 16 weights")
for panel in axes:
    panel.set_axis_off()

# %%
# The maximum keeps what is bright, thin lines too, and thickens it: the legs of the tripod, which
# are dark, break up. The average keeps the brightness of each part. The weighted average is
# smoother, since its windows overlap.

figure, axes = plt.subplots(2, 2, figsize=(8, 8.4))
figure.suptitle("One photograph pooled in four ways, to 64 x 64 cells each")
for panel, (name, result) in zip(axes.flat, pooled.items(), strict=True):
    panel.imshow(result[0], vmin=0, vmax=255 * (8 if name.startswith("L2") else 1))
    panel.set_title(name)
    panel.set_axis_off()

# %%
# L2 is between the two others: divided by 8, the root of the number of cells, it is never less than
# the average and never more than the maximum.

largest, average, norm, _ = pooled.values()
print((average <= norm / 8 + 1e-3).all(), (norm / 8 <= largest + 1e-3).all())

# %%
# One size from any size
# ----------------------
#
# Adaptive pooling asks for the size of its result instead of that of its windows. Whatever comes
# in, a classifier behind it always sees as many numbers.

photos = [data.astronaut()[:320, 60:360], data.chelsea(), data.coffee()]
same = [adaptive_avg_pool2d(x.transpose(2, 0, 1).astype(np.float32), (24, 24)) for x in photos]

figure, axes = plt.subplots(2, 3, figsize=(8, 5))
figure.suptitle("Three photographs of three sizes, above, and pooled to 24 x 24 cells, below")
for (above, below), x, small in zip(axes.T, photos, same, strict=True):
    above.imshow(x)
    above.set_title(f"{x.shape[0]} x {x.shape[1]}")
    below.imshow(small.transpose(1, 2, 0) / 255)
    below.set_title(f"{small.shape[1]} x {small.shape[2]}")
    above.set_axis_off()
    below.set_axis_off()
plt.show()

# sphinx_gallery_thumbnail_number = 2
