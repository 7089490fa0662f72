"""The demo's second part: LeNet-5 trained on real digits, what it confuses and what it sees."""

from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np
from PIL import Image

from convcore import nn, threads
from convcore.cli.demo_sheet import Array, enlarged, to_pixels, write
from convcore.nn.data import Digits

EPOCHS, BATCH, RATE, SEED = 16, 32, 0.02, 1998
SEEN = 7  # the test digit whose feature maps are drawn is the first of these
LAYERS = {"C1": (4, 6), "S2": (8, 6), "C3": (8, 8), "S4": (16, 8)}  # pixels a cell, maps a row
GAP = 8


def run(digits: Digits, folder: Path, say: Callable[[str], None], progress: bool) -> None:
    """Train LeNet-5, test it, and draw its first filters and the maps of one digit."""
    folder.mkdir(parents=True, exist_ok=True)
    model = nn.models.lenet5(rng=SEED)
    say("\nLeNet-5 (1998), 4,000 digits of MNIST to train with, 1,000 to test with\n")
    say(nn.summary(model, (1, 32, 32)).text(layers=False) + "\n")
    start = perf_counter()
    train(model, digits, progress)
    seconds = perf_counter() - start
    found = nn.evaluate(model, digits.test_images, digits.test_labels)
    assert found.accuracy is not None
    assert found.confusion is not None
    say(
        f"{EPOCHS} epochs in {seconds:.0f} s. Of the 1,000 test digits {1000 * found.accuracy:.0f} "
        f"are right: {100 * found.accuracy:.1f} %.\n"
    )
    say(confusion(found.confusion))
    weight = model["C1"].weight
    picture(filters(weight), folder / "lenet5-filters.png")
    image = digits.test_images[int(np.argmax(digits.test_labels == SEEN))]
    maps_sheet(model, image).save(folder / "lenet5-maps.png")
    say(
        "\nlenet5-filters.png has the six kernels that C1 has learned, lenet5-maps.png what C1 to\n"
        f"S4 make of a {SEEN}."
    )


def train(model: nn.Sequential, digits: Digits, progress: bool) -> None:
    """Train with images moved a little, the steps shorter and shorter."""
    steps = EPOCHS * -(-len(digits.train_labels) // BATCH)
    # A step is a few milliseconds of small calls: a second thread gains little, and waits for the
    # other programs of a busy machine in each of them.
    with threads(1):
        nn.fit(
            model, digits.train_images, digits.train_labels,
            optimizer=nn.SGD(lambda done: RATE * (1 - done / steps), momentum=0.9),
            epochs=EPOCHS, batch_size=BATCH, augment=nn.data.warp, rng=SEED, progress=progress,
        )  # fmt: skip


def confusion(table: Array) -> str:
    """Return a table of how many digits of each kind were taken for which, zeros as dots."""
    lines = ["         taken for", "digit  " + "".join(f"{digit:5}" for digit in range(10))]
    for digit, row in enumerate(table):
        lines.append(f"{digit:5}  " + "".join(f"{n or '.':>5}" for n in row))
    return "\n".join(lines)


def filters(weight: Array, scale: int = 24) -> Array:
    """Lay kernels beside each other; zero is mid-grey, the largest weight black or white."""
    grey = 127.5 + 127.5 * weight[:, 0] / np.abs(weight).max()
    return row_of(list(grey), scale)


def row_of(maps: list[Array], scale: int) -> Array:
    """Lay maps beside each other, each cell a square of pixels, white between them."""
    size = scale * len(maps[0])
    cells = [np.pad(enlarged(grey, (size, size)), [(0, 0), (0, GAP)], constant_values=255)
             for grey in maps]  # fmt: skip
    return to_pixels(np.hstack(cells)[:, :-GAP])


def maps_sheet(model: nn.Sequential, image: Array) -> Image.Image:
    """Draw an image and the maps of the layers that it goes through, each by its own range."""
    x = image[np.newaxis]
    bands = [("input", row_of([stretched(image[0])], 4))]
    for name, layer in zip(model.names, model, strict=True):
        x = layer.forward(x)
        if name.removesuffix(" squashed") in LAYERS and name.endswith(" squashed"):
            name = name.removesuffix(" squashed")
            scale, each = LAYERS[name]
            maps = [stretched(m) for m in x[0]]
            rows = [row_of(maps[i : i + each], scale) for i in range(0, len(maps), each)]
            band = np.vstack([np.pad(row, [(0, GAP), (0, 0)], constant_values=255) for row in rows])
            bands.append((f"{name}: {len(maps)} maps of {x.shape[2]} x {x.shape[3]}", band))
    width = max(band.shape[1] for _, band in bands) + 2 * GAP
    height = sum(band.shape[0] + 34 for _, band in bands) + GAP
    sheet = Image.new("RGB", (width, height), "white")
    top = GAP
    for title, band in bands:
        write(sheet, GAP, top, title, 14)
        sheet.paste(Image.fromarray(band), (GAP, top + 22))
        top += band.shape[0] + 34
    return sheet


def stretched(values: Array) -> Array:
    """Stretch a map's values over all levels of grey."""
    low, high = values.min(), values.max()
    return 255 * (values - low) / max(high - low, np.finfo(np.float32).tiny)  # type: ignore[no-any-return]


def picture(grey: Array, path: Path) -> None:
    """Write grey levels as a PNG."""
    Image.fromarray(grey).save(path)
