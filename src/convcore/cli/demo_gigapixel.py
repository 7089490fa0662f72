"""`convcore demo --gigapixel`: an image larger than the memory through a filter and a pooling.

The image is a zone plate: rings that become finer with the distance from the centre, so that every
spatial frequency is in it. A blur takes the fine ones away. The image is made, filtered and pooled
block by block, from one zarr array to the next. This module needs the extra ``dask``, and Pillow
for the thumbnail.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from shutil import rmtree
from time import perf_counter
from typing import Any

import dask.array as da
import numpy as np
import zarr
from dask.diagnostics import ProgressBar
from numpy.typing import NDArray
from PIL import Image
from zarr.codecs import BloscCodec

from convcore import distance_window
from convcore.dask import avg_pool2d, conv2d, store

CHUNK = 2048  # rows and columns of a chunk
BAND = 128  # rows that are made at a time
BLUR = 7  # rows and columns of the filter
POOL = 4  # pixels of a window along each axis
THUMBNAIL = 640  # pixels of the thumbnail along each axis, at most
ROW = "{:<28}  {:>13}  {:>8}  {:>10}"

Array = NDArray[Any]


def run(size: int, folder: Path, say: Callable[[str], None], bar: bool) -> None:
    """Make, filter and pool an image of ``size`` x ``size`` pixels, and write a thumbnail."""
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / "gigapixel.zarr"
    rmtree(place, ignore_errors=True)
    group = zarr.open_group(str(place), mode="w")
    say(f"{size:,} x {size:,} pixels through zarr, in blocks of {CHUNK} x {CHUNK}.\n")
    say(ROW.format("step", "result", "seconds", "Mpixel/s"))

    def write(step: str, name: str, image: Any, pixels: int) -> Any:
        target = group.create_array(
            name, shape=image.shape, chunks=tuple(min(CHUNK, n) for n in image.shape), dtype="u1",
            compressors=BloscCodec(cname="lz4", shuffle="noshuffle"),
        )  # fmt: skip
        start = perf_counter()
        with ProgressBar(out=sys.stderr) if bar else nullcontext():
            store(image, target)
        seconds = perf_counter() - start
        shown = "x".join(map(str, image.shape))
        say(ROW.format(step, shown, f"{seconds:.1f}", f"{pixels / seconds / 1e6:.0f}"))
        return da.from_zarr(target)

    image = write("zone plate", "image", zone_plate(size), size**2)
    window = distance_window((BLUR, BLUR)).astype(np.float32)[np.newaxis, np.newaxis]
    blurred = conv2d(image[np.newaxis], window, padding="same", border="reflect", dtype="u1")
    blurred = write(f"Gaussian blur, {BLUR}x{BLUR}", "blurred", blurred[0], size**2)
    pooled = avg_pool2d(blurred[np.newaxis], min(POOL, size), ceil_mode=True, dtype="u1")
    pooled = write(f"average pooling, {POOL}x{POOL}", "pooled", pooled[0], size**2)

    step = -(-pooled.shape[0] // THUMBNAIL)
    small = avg_pool2d(pooled[np.newaxis], step, ceil_mode=True, dtype="u1")[0].compute()
    Image.fromarray(small).save(folder / "gigapixel.png")
    say(f"\ngigapixel.png shows the last one, {small.shape[1]} pixels wide.")
    peak = peak_memory()
    if peak:
        say(f"Most memory that the process had: {peak} MB; the image has {size**2 // 10**6:,} MB.")


def zone_plate(size: int) -> Any:
    """Return the image as a dask array of uint8, made block by block."""
    return da.map_blocks(
        rings, size, chunks=da.core.normalize_chunks((CHUNK, CHUNK), (size, size)), dtype=np.uint8,
        meta=np.empty((0, 0), np.uint8),
    )  # fmt: skip


def rings(size: int, block_info: Any = None) -> Array:
    """Return a block of the zone plate: 127.5 (1 + cos(pi r^2 / 2 size)), r from the centre."""
    (top, bottom), (left, right) = block_info[None]["array-location"]
    block = np.empty((bottom - top, right - left), np.uint8)
    middle = (size - 1) / 2
    # in double precision: at the border there are 10^4 turns and more
    across = (np.arange(left, right) - middle) ** 2
    for first in range(top, bottom, BAND):
        rows = np.arange(first, min(first + BAND, bottom))
        turns = np.add.outer((rows - middle) ** 2, across)
        turns *= 0.25 / size
        turns -= np.floor(turns)
        angle = turns.astype(np.float32) * np.float32(2 * np.pi)
        np.cos(angle, out=angle)
        angle += 1
        angle *= 127.5
        block[first - top : first - top + len(rows)] = angle
    return block


def peak_memory() -> int:
    """Return the most megabytes that this process has had; 0 where that is not told."""
    try:
        from resource import RUSAGE_SELF, getrusage
    except ImportError:  # Windows
        return 0
    most = getrusage(RUSAGE_SELF).ru_maxrss  # kilobytes, on macOS bytes
    return int(most // (2**20 if sys.platform == "darwin" else 2**10))
