"""`convcore demo`: a photograph through convolutions and poolings, as a table and as PNGs.

The demo is a list of steps. A step is one small function that takes the grey photograph, an array
of shape (1, 280, 320) with the values 0 to 255, and returns a `Step`: what it did, how large the
result is, how much work it was, and the pictures to write. `STEPS` is the list.

This module imports the `demo` extra, so it is itself imported only when the demo is run.
"""

from collections.abc import Callable, Iterator
from math import prod
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from convcore import (
    adaptive_avg_pool2d,
    adaptive_max_pool2d,
    avg_pool2d,
    conv2d,
    distance_window,
    l2_pool2d,
    max_pool2d,
    weighted_pool2d,
)
from convcore.cli.demo_sheet import enlarged, hues, overview, tiled, to_pixels

SIZE = (280, 320)  # rows and columns of the crop, those of figure 9.6 in the book
CORNER = (12, 150)  # the crop's first row and column
LUMA = (0.299, 0.587, 0.114)  # how bright red, green and blue look to the eye (ITU-R BT.601)
GAIN = 4  # grey levels shown for one level of difference
ANGLES = np.arange(8) * 22.5  # in degrees; 0 is brighter to the right, 90 brighter downwards
CELL = 8  # pixels from one pooled value to the next, in both directions
GRID = (15, 15)  # rows and columns that the adaptive poolings are asked for
CALLS = 7  # timed calls of each step
ROW = "{:<26}  {:>9} -> {:<9}  {:>11}  {:>8}  {}"

Array = NDArray[Any]


class Step(NamedTuple):
    """What one step did."""

    name: str
    input_shape: tuple[int, ...]
    output: Array
    operations: int
    seconds: float
    pictures: dict[str, Array]  # file name -> uint8 array (rows, columns) or (rows, columns, 3)
    note: str = ""  # printed below the table


def run(colour: Array, folder: Path, say: Callable[[str], None]) -> None:
    """Run every step, write the pictures into the folder and print the table, line by line."""
    folder.mkdir(parents=True, exist_ok=True)
    say(
        "280 x 320 pixels of a photograph, a cup of coffee from scikit-image, and convolutions "
        f"and poolings\nof them. Each time is that of the fastest of {CALLS} calls.\n"
    )
    say(ROW.format("step", "input", "output", "operations", "time", "written"))
    done = []
    for step in steps(colour):
        for name, picture in step.pictures.items():
            Image.fromarray(picture).save(folder / name)
        say(table_row(step))
        done.append(step)
    overview(panels(done), SIZE[1]).save(folder / "overview.png")
    for step in done:
        if step.note:
            say("\n" + step.note)
    say("\noverview.png shows all of these pictures.")


def photograph() -> Array:
    """Return the colour photograph, float32 of shape (3, 280, 320), values 0 to 255."""
    # this photograph is inside scikit-image's wheel: nothing is downloaded
    photo: Array = data.coffee()
    (top, left), (rows, columns) = CORNER, SIZE
    crop = photo[top : top + rows, left : left + columns]
    return np.ascontiguousarray(crop.transpose(2, 0, 1), dtype=np.float32)


def steps(colour: Array) -> Iterator[Step]:
    """Run the steps: first the one to grey, then all that start from its result."""
    first = grey(colour)
    yield first
    for step in STEPS:
        yield step(first.output)


def grey(colour: Array) -> Step:
    """Combine the three colours into one channel, by a 1 x 1 convolution."""
    step = convolved("grey from red, green, blue", colour, np.reshape(LUMA, (1, 3, 1, 1)))
    levels = np.rint(step.output)  # integers, so that their differences are exact
    return step._replace(output=levels, pictures={"photo.png": to_pixels(levels[0])})


def differences(photo: Array) -> Step:
    """Subtract from each pixel its left neighbour: figure 9.6 in the book."""
    step = convolved("pixel - left neighbour", photo, np.reshape((-1, 1), (1, 1, 1, 2)))
    _, rows, columns = step.output.shape
    entries = photo.size * step.output.size
    note = (
        f"Pixel - left neighbour: {columns} * {rows} outputs, each of two multiplications and "
        f"one addition, are\n{step.operations:,} operations with a kernel of 2 numbers. As a "
        f"dense matrix, a row for every output\nand a column for every pixel, the step would "
        f"be {entries:,} numbers, {entries * 4 / 1e9:.0f} GB."
    )
    picture = to_pixels(128 + GAIN * step.output[0])  # no difference is mid-grey
    return step._replace(note=note, pictures={"differences.png": picture})


def box_blur(photo: Array) -> Step:
    """Average the 9 x 9 pixels around each one."""
    return smoothed("box blur, 9x9", photo, np.ones((9, 9)), "box-blur.png")


def gaussian_blur(photo: Array) -> Step:
    """Average the pixels around each one, with more weight for near pixels."""
    return smoothed("Gaussian blur, 13x13", photo, bell(13, 2.5), "gaussian-blur.png")


def sharpen(photo: Array) -> Step:
    """Add to each pixel twice its difference from the blurred photograph."""
    blur = bell(7, 1.2)
    kernel = -2 * blur / blur.sum()
    kernel[3, 3] += 3
    return smoothed("sharpen, 7x7", photo, kernel, "sharpened.png")


def oriented(photo: Array) -> Step:
    """Find edges in eight directions: one call, eight output channels."""
    bank = np.stack([gabor(angle) for angle in ANGLES])[:, np.newaxis]
    step = convolved("8 oriented filters, 13x13", photo, bank, padding="same", border="edge")
    strength = np.abs(step.output)[..., np.newaxis]
    bright = np.minimum(strength / 25, 1)  # an answer of 25 grey levels has its full colour
    maps = to_pixels(255 * bright * hues(ANGLES / 180)[:, np.newaxis, np.newaxis])
    strongest = np.argmax(strength, axis=0)[np.newaxis]
    colours = np.take_along_axis(maps, strongest, axis=0)[0]
    note = (
        "oriented.png has the answers of the eight filters, each in a colour of its own; in "
        "colours.png\nevery pixel has the colour of the filter that answered most strongly."
    )
    return step._replace(note=note, pictures={"colours.png": colours, "oriented.png": tiled(maps)})


def maximum(photo: Array) -> Step:
    """Take the largest of every 8 x 8 pixels: a comparison for each pixel but the first."""
    return pooled(
        "max pooling, 8x8", photo, lambda: max_pool2d(photo, CELL), CELL**2 - 1, "pooled-max.png"
    )


def average(photo: Array) -> Step:
    """Average every 8 x 8 pixels: the additions between them and a division."""
    return pooled(
        "average pooling, 8x8",
        photo,
        lambda: avg_pool2d(photo, CELL),
        CELL**2,
        "pooled-average.png",
    )


def norm(photo: Array) -> Step:
    """Take the L2 norm of the differences: squares, the additions between them and a root."""
    edges = conv2d(
        photo,
        np.reshape((-1, 1), (1, 1, 1, 2)).astype(np.float32),
        padding=[0, (1, 0)],
        border="edge",
    )
    step = pooled(
        "L2 pooling of differences",
        edges,
        lambda: l2_pool2d(edges, CELL),
        2 * CELL**2,
        "pooled-l2.png",
        GAIN / CELL,
    )
    note = (
        f"pooled-l2.png is brighter where there are edges: the norm of {CELL} x {CELL} "
        "differences between neighbours.\nThe other poolings are of the photograph."
    )
    return step._replace(note=note)


def weighted(photo: Array) -> Step:
    """Average 16 x 16 pixels, weighted by distance; at borders only existing pixels count."""
    size = 2 * CELL
    window, stride, padding = distance_window((size, size)), CELL, CELL // 2
    # a multiplication for each pixel, the additions between them and a division
    step = pooled(
        "weighted pooling, 16x16",
        photo,
        lambda: weighted_pool2d(photo, window, stride, padding),
        0,
        "pooled-weighted.png",
    )
    ones = np.ones((size, size))
    pixels = weighted_pool2d(np.ones_like(photo), ones, stride, padding, normalize=False)
    return step._replace(operations=2 * int(pixels.sum()))


def adaptive_maximum(photo: Array) -> Step:
    """Take the largest pixel of each of 15 x 15 windows of nearly equal size."""
    return adapted("adaptive max, 15x15", photo, adaptive_max_pool2d, -1, "adaptive-max.png")


def adaptive_average(photo: Array) -> Step:
    """Average each of 15 x 15 windows of nearly equal size."""
    return adapted("adaptive average, 15x15", photo, adaptive_avg_pool2d, 0, "adaptive-average.png")


STEPS: list[Callable[[Array], Step]] = [
    differences, box_blur, gaussian_blur, sharpen, oriented,
    maximum, average, norm, weighted, adaptive_maximum, adaptive_average,
]  # fmt: skip


def timed(call: Callable[[], Array]) -> tuple[Array, float]:
    """Return the result and the seconds of the fastest call."""
    seconds = []
    for _ in range(CALLS):
        start = perf_counter()
        output = call()
        seconds.append(perf_counter() - start)
    return output, min(seconds)


def convolved(name: str, x: Array, weight: Array, **options: Any) -> Step:
    """Time conv2d and count its operations: the multiplications and additions of each output."""
    weight = weight.astype(np.float32)
    output, seconds = timed(lambda: conv2d(x, weight, **options))
    products = prod(weight.shape[1:])
    return Step(name, x.shape, output, output.size * (2 * products - 1), seconds, {})


def pooled(
    name: str, x: Array, call: Callable[[], Any], each: int, png: str, gain: float = 1
) -> Step:
    """Time a pooling that takes `each` operations an output, and show it at the photo's size."""
    output, seconds = timed(call)
    picture = to_pixels(enlarged(gain * output[0], SIZE))
    return Step(name, x.shape, output, output.size * each, seconds, {png: picture})


def adapted(name: str, photo: Array, pool: Callable[..., Any], extra: int, png: str) -> Step:
    """Pool adaptively; a window takes an operation for each of its pixels, and `extra`."""
    step = pooled(name, photo, lambda: pool(photo, GRID), extra, png)
    rows, columns = (
        sum(-(-(o + 1) * n // m) - o * n // m for o in range(m))
        for n, m in zip(SIZE, GRID, strict=True)
    )
    return step._replace(operations=rows * columns + step.operations)


def smoothed(name: str, photo: Array, kernel: Array, png: str) -> Step:
    """Convolve with a kernel whose sum is made 1; beyond the border the last pixel repeats."""
    weight = kernel[np.newaxis, np.newaxis] / kernel.sum()
    step = convolved(name, photo, weight, padding="same", border="edge")
    return step._replace(pictures={png: to_pixels(step.output[0])})


def bell(size: int, sigma: float) -> Array:
    """Return a Gaussian bell of size x size cells."""
    line = np.exp(-0.5 * ((np.arange(size) - size // 2) / sigma) ** 2)
    return np.outer(line, line)


def gabor(degrees: float, size: int = 13) -> Array:
    """Return an odd Gabor kernel: a sine along the direction, under a bell; its sum is 0."""
    down, right = np.mgrid[:size, :size] - size // 2
    angle = np.radians(degrees)
    along = right * np.cos(angle) + down * np.sin(angle)
    across = down * np.cos(angle) - right * np.sin(angle)
    window = np.exp(-0.5 * ((along / 2.2) ** 2 + (across / 4) ** 2))
    kernel: Array = window * np.sin(along * 2 * np.pi / 7)
    kernel /= np.abs(kernel).sum()
    return kernel


def table_row(step: Step) -> str:
    """Return the table's row of a step."""
    sizes = [
        "x".join(str(size) for size in shape if size > 1)
        for shape in (step.input_shape, step.output.shape)
    ]
    return ROW.format(
        step.name,
        *sizes,
        f"{step.operations:,}",
        f"{step.seconds * 1e3:.2f} ms",
        ", ".join(step.pictures),
    )


def panels(done: list[Step]) -> list[tuple[str, str, Array]]:
    """Return a name, a line of detail and the picture for each of the overview's panels."""
    return [
        (step.name, f"{png}: {step.operations:,} operations", picture)
        for step in done
        for png, picture in step.pictures.items()
    ]
