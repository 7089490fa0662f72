"""`convcore demo`: a photograph through a few convolutions, as a table and as PNGs.

The demo is a list of steps. A step is one small function that takes the grey photograph, an array
of shape (1, 280, 320) with the values 0 to 255, and returns a `Step`: what it did, how large the
result is, how much work it was, and the pictures to write. `STEPS` is the list.
"""

from collections.abc import Callable, Iterator
from math import prod
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import NamedTuple

import numpy as np

from convcore import conv2d

SIZE = (280, 320)  # rows and columns of the photograph's crop, those of the book's figure 9.6
LUMA = (0.299, 0.587, 0.114)  # how bright red, green and blue look to the eye (ITU-R BT.601)
GAIN = 4  # a difference of one grey level is shown as this many
ANGLES = np.arange(8) * 22.5  # degrees from "brighter to the right" to "brighter downwards"
ROW = "{:<26}  {:>9} -> {:<9}  {:>11}  {:>8}  {}"


class DemoError(Exception):
    """The demo cannot run, for a reason that the user can do something about."""


class Step(NamedTuple):
    """What one step did."""

    name: str
    input_shape: tuple
    output: np.ndarray
    operations: int
    seconds: float
    pictures: dict  # file name -> uint8 array (rows, columns) or (rows, columns, 3)
    note: str = ""  # printed below the table


def run(output: str, quiet: bool = False) -> None:
    """Run every step, write the pictures into the folder `output` and print the table."""
    say = _nothing if quiet else _print_now
    colour = photograph()
    folder = Path(output)
    _make(folder)
    say("A cup of coffee, from scikit-image: convolutions of 280 x 320 pixels\n")
    say(ROW.format("step", "input", "output", "operations", "time", "written"))
    done = []
    for step in steps(colour):
        for name, picture in step.pictures.items():
            _save(_image(picture), folder / name)
        say(_row(step))
        done.append(step)
    _save(overview(done), folder / "overview.png")
    for step in done:
        if step.note:
            say("\n" + step.note)
    say(f"\nThe pictures are in this folder; overview.png shows them all:\n{folder}")


def photograph() -> np.ndarray:
    """Return the colour photograph, float32 of shape (3, 280, 320), values 0 to 255."""
    try:
        import PIL.Image  # noqa: F401  (missing? Then say so before anything is computed)
        from skimage import data

        # This one is inside scikit-image's wheel: nothing is downloaded.
        photo = data.coffee()
    except (ImportError, OSError) as error:
        reason = " ".join(str(error).split())
        raise DemoError(f'the demo needs scikit-image and Pillow, which pip install '
                        f'"convcore[demo]" brings ({reason})') from error
    rows, columns = SIZE
    crop = photo[60:60 + rows, 120:120 + columns]
    return np.ascontiguousarray(crop.transpose(2, 0, 1), dtype=np.float32)


def steps(colour: np.ndarray) -> Iterator[Step]:
    """Take every step in turn: first the grey photograph, then all that begin with it."""
    first = grey(colour)
    yield first
    for step in STEPS:
        yield step(first.output)


def grey(colour: np.ndarray) -> Step:
    """Weigh the three colours: a 1 x 1 convolution, after which the channels are gone."""
    weight = np.reshape(LUMA, (1, 3, 1, 1))
    step = convolved("grey from red, green, blue", colour, weight)
    whole = np.rint(step.output)  # whole grey levels, so that differences of them are exact
    return step._replace(output=whole, pictures={"photo.png": shown(whole[0])})


def differences(photo: np.ndarray) -> Step:
    """Subtract from each pixel its left neighbour (the book's figure 9.6)."""
    step = convolved("pixel - left neighbour", photo, np.reshape((-1, 1), (1, 1, 1, 2)))
    _, rows, columns = step.output.shape
    entries = photo.size * step.output.size
    note = (f"Pixel - left neighbour: {columns} * {rows} outputs, each of two multiplications and "
            f"one addition,\nare {step.operations:,} operations. As a dense matrix the step "
            f"would have a row for every\noutput and a column for every pixel: {entries:,} "
            f"entries, {entries * 4 / 1e9:.0f} GB. The kernel has 2.")
    return step._replace(note=note, pictures={"differences.png": signed(step.output[0])})


def box_blur(photo: np.ndarray) -> Step:
    """Average the 9 x 9 pixels around each one."""
    return smoothed("box blur, 9x9", photo, np.ones((9, 9)), "box-blur.png")


def gaussian_blur(photo: np.ndarray) -> Step:
    """Average the pixels around each one, the near ones with more weight."""
    return smoothed("Gaussian blur, 13x13", photo, bell(13, 2.5), "gaussian-blur.png")


def sharpen(photo: np.ndarray) -> Step:
    """Add to each pixel twice what it differs from its blurred neighbourhood."""
    blur = bell(7, 1.2)
    kernel = -2 * blur / blur.sum()
    kernel[3, 3] += 3
    return smoothed("sharpen, 7x7", photo, kernel, "sharpened.png")


def oriented(photo: np.ndarray) -> Step:
    """Look for edges in eight directions: one call, eight output channels."""
    bank = np.stack([gabor(angle) for angle in ANGLES])[:, np.newaxis]
    step = convolved("8 oriented filters, 13x13", photo, bank, padding="same", border="edge")
    strength = np.minimum(np.abs(step.output) / 30, 1)  # (8, rows, columns), 30 grey levels: full
    turns = 2 * np.pi * ANGLES / 180
    hues = 0.5 + 0.5 * np.cos(turns[:, np.newaxis] - 2 * np.pi * np.arange(3) / 3)  # (8, rgb)
    maps = shown(255 * strength[..., np.newaxis] * hues[:, np.newaxis, np.newaxis])
    strongest = np.argmax(strength, axis=0)[np.newaxis, ..., np.newaxis]
    winner = np.take_along_axis(maps, strongest, axis=0)[0]
    note = ("oriented.png has the eight filters' answers, each in a colour of its own; in "
            "colours.png every\npixel has the colour of the filter that answered most strongly.")
    return step._replace(note=note, pictures={"colours.png": winner, "oriented.png": tiled(maps)})


STEPS: list[Callable[[np.ndarray], Step]] = [
    differences, box_blur, gaussian_blur, sharpen, oriented]


def convolved(name: str, x: np.ndarray, weight: np.ndarray, **options) -> Step:
    """Time conv2d and count its work: a product for each weight an output has, and their sum."""
    weight = weight.astype(np.float32)
    output = conv2d(x, weight, **options)
    seconds = []
    for _ in range(7):
        start = perf_counter()
        conv2d(x, weight, **options)
        seconds.append(perf_counter() - start)
    products = prod(weight.shape[1:])
    return Step(name, x.shape, output, output.size * (2 * products - 1), median(seconds), {})


def smoothed(name: str, photo: np.ndarray, kernel: np.ndarray, png: str) -> Step:
    """Convolve with a kernel whose sum is made 1; beyond the border the last pixel repeats."""
    weight = kernel[np.newaxis, np.newaxis] / kernel.sum()
    step = convolved(name, photo, weight, padding="same", border="edge")
    return step._replace(pictures={png: shown(step.output[0])})


def bell(size: int, sigma: float) -> np.ndarray:
    """Return a Gaussian bell of size x size cells."""
    line = np.exp(-0.5 * ((np.arange(size) - size // 2) / sigma) ** 2)
    return np.outer(line, line)


def gabor(degrees: float, size: int = 13) -> np.ndarray:
    """Return an odd Gabor kernel: a wave along the direction, under a bell; its sum is 0."""
    down, right = np.mgrid[:size, :size] - size // 2
    angle = np.radians(degrees)
    along = right * np.cos(angle) + down * np.sin(angle)
    across = down * np.cos(angle) - right * np.sin(angle)
    window = np.exp(-0.5 * ((along / 2.2) ** 2 + (across / 3.5) ** 2))
    kernel = window * np.sin(along * 2 * np.pi / 9)
    return kernel / np.abs(kernel).sum()


def shown(values: np.ndarray) -> np.ndarray:
    """Round to the 256 levels of a picture."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def signed(values: np.ndarray) -> np.ndarray:
    """Show zero as mid-grey, positive values brighter and negative ones darker."""
    return shown(128 + GAIN * values)


def tiled(maps: np.ndarray, columns: int = 4, gap: int = 8) -> np.ndarray:
    """Lay pictures of shape (n, rows, columns, 3) out in rows of `columns`, on white."""
    around = [(0, 0), (0, gap), (0, gap), (0, 0)]
    cells = np.pad(maps, around, constant_values=255)
    rows = [np.hstack(cells[i:i + columns]) for i in range(0, len(cells), columns)]
    return np.vstack(rows)[:-gap, :-gap]


def overview(done: list[Step]):
    """Return the contact sheet, a Pillow image: three pictures a row, wide ones below, alone."""
    from PIL import Image

    panels = [(step.name, f"{png}: {step.operations:,} operations", _image(picture))
              for step in done for png, picture in step.pictures.items()]
    width, gap = 3 * SIZE[1] + 4 * 24, 24
    narrow = [panel for panel in panels if panel[2].width <= SIZE[1]]
    wide = [panel for panel in panels if panel[2].width > SIZE[1]]
    rows = [narrow[i:i + 3] for i in range(0, len(narrow), 3)] + [[panel] for panel in wide]

    sheet = Image.new("RGB", (width, 330 * (len(rows) + 2 * len(wide)) + 100), "white")
    _write(sheet, (gap, 20), "convcore demo", 30, "#202020")
    _write(sheet, (gap, 60), "One photograph, 280 x 320 pixels, and its convolutions", 16, "#606060")
    top = 102
    for row in rows:
        for i, (name, detail, picture) in enumerate(row):
            left = gap + i * (SIZE[1] + gap)
            if picture.width > SIZE[1]:
                inside = width - 2 * gap
                picture = picture.resize((inside, picture.height * inside // picture.width),
                                         Image.Resampling.LANCZOS)
            sheet.paste(picture, (left, top))
            _write(sheet, (left, top + picture.height + 6), name, 17, "#202020")
            _write(sheet, (left, top + picture.height + 29), detail, 13, "#606060")
        top += picture.height + 66
    return sheet.crop((0, 0, width, top))


def _write(sheet, place, text, size, colour):
    """Write a line of text on a Pillow image, with Pillow's own font."""
    from PIL import ImageDraw, ImageFont

    ImageDraw.Draw(sheet).text(place, text, fill=colour, font=ImageFont.load_default(size))


def _image(picture):
    """Return an array of 256 levels as a Pillow image."""
    from PIL import Image

    return Image.fromarray(picture)


def _row(step):
    """Return the table's row of a step."""
    sizes = ["x".join(str(n) for n in shape if n > 1)
             for shape in (step.input_shape, step.output.shape)]
    return ROW.format(step.name, *sizes, f"{step.operations:,}", f"{step.seconds * 1e3:.2f} ms",
                      ", ".join(step.pictures))


def _print_now(line):
    print(line, flush=True)


def _nothing(line):
    pass


def _make(folder):
    """Make the folder, unless it is there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DemoError(f"cannot make the folder {folder}: {error.strerror}") from error


def _save(image, path):
    """Write a Pillow image as a PNG."""
    try:
        image.save(path)
    except OSError as error:
        raise DemoError(f"cannot write {path}: {error.strerror or error}") from error
