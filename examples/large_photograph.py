"""
Filters over a large photograph
===============================

The time of each, and a picture of the edges.

The photograph is scikit-image's retina, 1411 x 1411 pixels of three colours.

Run with ``python examples/large_photograph.py``; takes a few seconds. Needs the extra ``demo``.
"""

from pathlib import Path
from time import perf_counter

import numpy as np

from convcore import conv2d, get_num_threads, max_pool2d


def bell(size, sigma):
    """A Gaussian bell whose sum is 1, (1, 1, size, size)."""
    line = np.exp(-0.5 * ((np.arange(size) - size // 2) / sigma) ** 2)
    window = np.outer(line, line)
    return (window / window.sum())[np.newaxis, np.newaxis].astype(np.float32)


def gradients():
    """Sobel's two kernels, (2, 1, 3, 3)."""
    down = np.outer([-1, 0, 1], [1, 2, 1])
    return np.stack([down, down.T])[:, np.newaxis].astype(np.float32)


def timed(name, call, operations):
    """Print the time of the fastest of five calls and return the result."""
    times = []
    for _ in range(5):
        start = perf_counter()
        result = call()
        times.append(perf_counter() - start)
    print(
        f"{name:<28}{result.shape!s:>20}{operations(result):>16,}{1e3 * min(times):>9.1f} ms"
        f"{operations(result) / min(times) / 1e9:>9.1f} G/s"
    )
    return result


def main(folder="."):
    """Filter the photograph and write a picture of its edges."""
    from PIL import Image
    from skimage import data

    photo = np.ascontiguousarray(data.retina().transpose(2, 0, 1), dtype=np.float32)
    print(f"{photo.shape[1]} x {photo.shape[2]} pixels, {get_num_threads()} threads\n")
    print(f"{'filter':<28}{'result':>20}{'multiply-adds':>16}{'time':>12}{'rate':>13}")
    luma = np.reshape([0.299, 0.587, 0.114], (1, 3, 1, 1)).astype(np.float32)
    grey = timed("grey from three colours", lambda: conv2d(photo, luma), lambda y: 3 * y.size)
    for size, sigma in ((5, 1.0), (15, 3.0)):
        blur = bell(size, sigma)
        smooth = timed(
            f"blur, {size} x {size}",
            lambda k=blur: conv2d(grey, k, padding="same", border="edge"),
            lambda y, n=size: n * n * y.size,
        )
    each = np.repeat(bell(9, 2.0), 3, axis=0)
    timed(
        "blur of each colour, 9 x 9",
        lambda: conv2d(photo, each, padding="same", groups=3, border="edge"),
        lambda y: 81 * y.size,
    )
    sobel = gradients()
    edges = timed(
        "edges, 3 x 3, both ways",
        lambda: conv2d(smooth, sobel, padding="same", border="edge"),
        lambda y: 9 * y.size,
    )
    strength = np.hypot(*edges)
    small = max_pool2d(strength[np.newaxis], 3, ceil_mode=True)[0]
    path = Path(folder) / "retina-edges.png"
    Image.fromarray(np.clip(4 * small, 0, 255).astype(np.uint8)).save(path)
    print(f"\n{path}: the strength of the edges, the largest of every 3 x 3")
    return path


# %%
# The edges
# ---------


def draw(path):
    """Show the picture that was written."""
    import matplotlib.pyplot as plt

    axes = plt.figure(figsize=(6, 6)).subplots()
    axes.set_title("Edges of a retina's photograph, the strongest of every 3 x 3 pixels")
    axes.imshow(plt.imread(path), cmap="gray")
    axes.set_axis_off()
    plt.show()


if __name__ == "__main__":
    draw(main())
