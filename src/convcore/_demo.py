"""`convcore demo`: a photograph through a few convolutions, as a table and as PNGs.

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
from PIL import Image, ImageDraw, ImageFont
from skimage import data

from convcore import conv2d

SIZE = (280, 320)  # rows and columns of the crop, those of figure 9.6 in the book
CORNER = (12, 150)  # the crop's first row and column
LUMA = (0.299, 0.587, 0.114)  # how bright red, green and blue look to the eye (ITU-R BT.601)
GAIN = 4  # one grey level of difference is shown as this many
ANGLES = np.arange(8) * 22.5  # in degrees; 0 is brighter to the right, 90 brighter downwards
CALLS = 7  # each step is timed this often
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


def run(colour: Array, folder: Path, quiet: bool = False) -> None:
    """Take every step, write the pictures into the folder and print the table."""

    def say(line: str) -> None:
        if not quiet:
            print(line, flush=True)

    folder.mkdir(parents=True, exist_ok=True)
    say("280 x 320 pixels of a photograph, a cup of coffee from scikit-image, and convolutions "
        f"of them.\nEach time is that of the fastest of {CALLS} calls.\n")
    say(ROW.format("step", "input", "output", "operations", "time", "written"))
    done = []
    for step in steps(colour):
        for name, picture in step.pictures.items():
            Image.fromarray(picture).save(folder / name)
        say(table_row(step))
        done.append(step)
    overview(done).save(folder / "overview.png")
    for step in done:
        if step.note:
            say("\n" + step.note)
    say(f"\nThe pictures are in the folder named here; overview.png shows all of them.\n{folder}")


def photograph() -> Array:
    """Return the colour photograph, float32 of shape (3, 280, 320), values 0 to 255."""
    # this photograph is inside scikit-image's wheel: nothing is downloaded
    photo: Array = data.coffee()  # type: ignore[no-untyped-call]
    (top, left), (rows, columns) = CORNER, SIZE
    crop = photo[top:top + rows, left:left + columns]
    return np.ascontiguousarray(crop.transpose(2, 0, 1), dtype=np.float32)


def steps(colour: Array) -> Iterator[Step]:
    """Take the steps in turn: first the one to grey, then all that begin with its result."""
    first = grey(colour)
    yield first
    for step in STEPS:
        yield step(first.output)


def grey(colour: Array) -> Step:
    """Weigh the three colours: a 1 x 1 convolution, after which the channels are gone."""
    step = convolved("grey from red, green, blue", colour, np.reshape(LUMA, (1, 3, 1, 1)))
    whole = np.rint(step.output)  # whole grey levels, so that their differences are exact
    return step._replace(output=whole, pictures={"photo.png": shown(whole[0])})


def differences(photo: Array) -> Step:
    """Subtract from each pixel its left neighbour: figure 9.6 in the book."""
    step = convolved("pixel - left neighbour", photo, np.reshape((-1, 1), (1, 1, 1, 2)))
    _, rows, columns = step.output.shape
    entries = photo.size * step.output.size
    note = (f"Pixel - left neighbour: {columns} * {rows} outputs, each of two multiplications and "
            f"one addition, are\n{step.operations:,} operations with a kernel of 2 numbers. As a "
            f"dense matrix, a row for every output\nand a column for every pixel, the step would "
            f"be {entries:,} numbers, {entries * 4 / 1e9:.0f} GB.")
    picture = shown(128 + GAIN * step.output[0])  # no difference is mid-grey
    return step._replace(note=note, pictures={"differences.png": picture})


def box_blur(photo: Array) -> Step:
    """Average the 9 x 9 pixels around each one."""
    return smoothed("box blur, 9x9", photo, np.ones((9, 9)), "box-blur.png")


def gaussian_blur(photo: Array) -> Step:
    """Average the pixels around each one, the near ones with more weight."""
    return smoothed("Gaussian blur, 13x13", photo, bell(13, 2.5), "gaussian-blur.png")


def sharpen(photo: Array) -> Step:
    """Add to each pixel twice what it differs from its blurred neighbourhood."""
    blur = bell(7, 1.2)
    kernel = -2 * blur / blur.sum()
    kernel[3, 3] += 3
    return smoothed("sharpen, 7x7", photo, kernel, "sharpened.png")


def oriented(photo: Array) -> Step:
    """Look for edges in eight directions: one call, eight output channels."""
    bank = np.stack([gabor(angle) for angle in ANGLES])[:, np.newaxis]
    step = convolved("8 oriented filters, 13x13", photo, bank, padding="same", border="edge")
    strength = np.abs(step.output)[..., np.newaxis]
    bright = np.minimum(strength / 25, 1)  # an answer of 25 grey levels has its full colour
    maps = shown(255 * bright * hues(ANGLES / 180)[:, np.newaxis, np.newaxis])
    strongest = np.argmax(strength, axis=0)[np.newaxis]
    colours = np.take_along_axis(maps, strongest, axis=0)[0]
    note = ("oriented.png has the answers of the eight filters, each in a colour of its own; in "
            "colours.png\nevery pixel has the colour of the filter that answered most strongly.")
    return step._replace(note=note, pictures={"colours.png": colours, "oriented.png": tiled(maps)})


STEPS: list[Callable[[Array], Step]] = [differences, box_blur, gaussian_blur, sharpen, oriented]


def convolved(name: str, x: Array, weight: Array, **options: Any) -> Step:
    """Time conv2d and count its work: an output's multiplications and the additions between."""
    weight = weight.astype(np.float32)
    seconds = []
    for _ in range(CALLS):
        start = perf_counter()
        output = conv2d(x, weight, **options)
        seconds.append(perf_counter() - start)
    products = prod(weight.shape[1:])
    return Step(name, x.shape, output, output.size * (2 * products - 1), min(seconds), {})


def smoothed(name: str, photo: Array, kernel: Array, png: str) -> Step:
    """Convolve with a kernel whose sum is made 1; beyond the border the last pixel repeats."""
    weight = kernel[np.newaxis, np.newaxis] / kernel.sum()
    step = convolved(name, photo, weight, padding="same", border="edge")
    return step._replace(pictures={png: shown(step.output[0])})


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


def shown(values: Array) -> Array:
    """Round to the 256 levels of a picture."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def hues(turns: Array) -> Array:
    """Return a colour (red, green, blue), each 0 to 1, for each place on the colour circle."""
    return 0.5 + 0.5 * np.cos(2 * np.pi * (turns[:, np.newaxis] - np.arange(3) / 3))


def tiled(maps: Array, columns: int = 4, gap: int = 8) -> Array:
    """Lay pictures of shape (n, rows, columns, 3) out, `columns` of them in a row, on white."""
    cells = np.pad(maps, [(0, 0), (0, gap), (0, gap), (0, 0)], constant_values=255)
    rows = [np.hstack(list(cells[i:i + columns])) for i in range(0, len(cells), columns)]
    return np.vstack(rows)[:-gap, :-gap]


def table_row(step: Step) -> str:
    """Return the table's row of a step."""
    sizes = ["x".join(str(size) for size in shape if size > 1)
             for shape in (step.input_shape, step.output.shape)]
    return ROW.format(step.name, *sizes, f"{step.operations:,}", f"{step.seconds * 1e3:.2f} ms",
                      ", ".join(step.pictures))


def overview(done: list[Step]) -> Image.Image:
    """Return the contact sheet: three pictures a row, then the wide ones, each in its own."""
    panels = [(step.name, f"{png}: {step.operations:,} operations", Image.fromarray(picture))
              for step in done for png, picture in step.pictures.items()]
    narrow = [panel for panel in panels if panel[2].width <= SIZE[1]]
    wide = [panel for panel in panels if panel[2].width > SIZE[1]]
    gap, inside = 24, 3 * SIZE[1] + 2 * 24
    rows = [narrow[i:i + 3] for i in range(0, len(narrow), 3)] + [[panel] for panel in wide]
    height = 120 + sum(max(panel[2].height for panel in row) + 66 for row in rows)

    sheet = Image.new("RGB", (inside + 2 * gap, height), "white")
    write(sheet, gap, 20, "convcore demo", 30)
    write(sheet, gap, 60, "A photograph of 280 x 320 pixels and its convolutions", 16)
    top = 102
    for row in rows:
        for i, (name, detail, picture) in enumerate(row):
            picture.thumbnail((inside, height))  # not wider than the sheet
            left = gap + i * (SIZE[1] + gap)
            sheet.paste(picture, (left, top))
            write(sheet, left, top + picture.height + 6, name, 17)
            write(sheet, left, top + picture.height + 29, detail, 13)
        top += max(panel[2].height for panel in row) + 66
    return sheet.crop((0, 0, sheet.width, top))


def write(sheet: Image.Image, left: int, top: int, text: str, size: int) -> None:
    """Write a line of text on the sheet with Pillow's own font."""
    font = ImageFont.load_default(size)
    ImageDraw.Draw(sheet).text((left, top), text, fill="#303030", font=font)
