"""The demo's pictures: arrays as grey levels and colours, and the contact sheet of all of them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Array = NDArray[Any]


def to_pixels(values: Array) -> Array:
    """Round to the 256 levels of a picture."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def enlarged(values: Array, size: tuple[int, int]) -> Array:
    """Repeat the cells of a small map until it has `size` rows and columns."""
    rows, columns = (np.arange(n) * m // n for n, m in zip(size, values.shape, strict=True))
    return values[np.ix_(rows, columns)]


def hues(turns: Array) -> Array:
    """Return a colour (red, green, blue), each 0 to 1, for each angle on the colour circle."""
    return 0.5 + 0.5 * np.cos(2 * np.pi * (turns[:, np.newaxis] - np.arange(3) / 3))


def tiled(maps: Array, columns: int = 4, gap: int = 8) -> Array:
    """Lay pictures of shape (n, rows, columns, 3) out, `columns` of them in a row, on white."""
    cells = np.pad(maps, [(0, 0), (0, gap), (0, gap), (0, 0)], constant_values=255)
    rows = [np.hstack(list(cells[i : i + columns])) for i in range(0, len(cells), columns)]
    return np.vstack(rows)[:-gap, :-gap]


def overview(panels: list[tuple[str, str, Array]], width: int) -> Image.Image:
    """Return the contact sheet of panels (name, detail, picture).

    Three pictures of at most the given width a row, then the wider ones, each in its own.
    """
    pictures = [(name, detail, Image.fromarray(picture)) for name, detail, picture in panels]
    narrow = [panel for panel in pictures if panel[2].width <= width]
    wide = [panel for panel in pictures if panel[2].width > width]
    gap, inside = 24, 3 * width + 2 * 24
    rows = [narrow[i : i + 3] for i in range(0, len(narrow), 3)] + [[panel] for panel in wide]
    height = 120 + sum(max(panel[2].height for panel in row) + 66 for row in rows)

    sheet = Image.new("RGB", (inside + 2 * gap, height), "white")
    write(sheet, gap, 20, "convcore demo", 30)
    write(sheet, gap, 60, "A photograph of 280 x 320 pixels, its convolutions and poolings", 16)
    top = 102
    for row in rows:
        for i, (name, detail, picture) in enumerate(row):
            picture.thumbnail((inside, height))  # not wider than the sheet
            left = gap + i * (width + gap)
            sheet.paste(picture, (left, top))
            write(sheet, left, top + picture.height + 6, name, 17)
            write(sheet, left, top + picture.height + 29, detail, 13)
        top += max(panel[2].height for panel in row) + 66
    return sheet.crop((0, 0, sheet.width, top))


def write(sheet: Image.Image, left: int, top: int, text: str, size: int) -> None:
    """Write a line of text on the sheet with Pillow's own font."""
    font = ImageFont.load_default(size)
    ImageDraw.Draw(sheet).text((left, top), text, fill="#303030", font=font)
