"""Filters of ``convcore.ndimage`` beside SciPy's and OpenCV's, on one image.

python -m convcore.benchmarks.scipy_filters [--size 2048] [--threads 1] [--rounds 5]

Every round calls all libraries in turn; a row has medians over the rounds. The difference is the
largest from SciPy's result, of real numbers over the largest result in float64.
"""

import argparse
import time
from statistics import median

import numpy as np

import convcore
from convcore import ndimage

BYTES, REALS, DOUBLES = np.uint8, np.float32, np.float64
KERNEL = np.random.default_rng(1).standard_normal((7, 7))

# The name, the elements, and the call of a library's module.
ROWS = [
    ("correlate 7x7", BYTES, lambda n, x: n.correlate(x, KERNEL)),
    ("correlate 7x7", REALS, lambda n, x: n.correlate(x, KERNEL.astype(x.dtype))),
    ("correlate 7x7", DOUBLES, lambda n, x: n.correlate(x, KERNEL)),
    *(("gaussian_filter 2", kind, lambda n, x: n.gaussian_filter(x, 2))
      for kind in (BYTES, REALS, DOUBLES)),
    *(("gaussian_filter 8", kind, lambda n, x: n.gaussian_filter(x, 8))
      for kind in (BYTES, REALS, DOUBLES)),
    *(("uniform_filter 31", kind, lambda n, x: n.uniform_filter(x, 31))
      for kind in (BYTES, REALS, DOUBLES)),
    *(("sobel", kind, lambda n, x: n.sobel(x)) for kind in (BYTES, REALS, DOUBLES)),
    *(("maximum_filter 3", kind, lambda n, x: n.maximum_filter(x, 3))
      for kind in (BYTES, REALS, DOUBLES)),
    *(("maximum_filter 15", kind, lambda n, x: n.maximum_filter(x, 15))
      for kind in (BYTES, REALS, DOUBLES)),
    ("minimum_filter 3", BYTES, lambda n, x: n.minimum_filter(x, 3)),
    ("minimum_filter 3", REALS, lambda n, x: n.minimum_filter(x, 3)),
    *(("median_filter 3", kind, lambda n, x: n.median_filter(x, 3))
      for kind in (BYTES, np.uint16, REALS)),
    *(("median_filter 5", kind, lambda n, x: n.median_filter(x, 5))
      for kind in (BYTES, np.uint16, REALS)),
    *((f"median_filter {size}", BYTES, lambda n, x, size=size: n.median_filter(x, size))
      for size in (7, 15, 31, 63)),
    ("median_filter 7", REALS, lambda n, x: n.median_filter(x, 7)),
]  # fmt: skip


def opencv(name, kind):
    """Return OpenCV's call that is the nearest to a row, or None."""
    import cv2

    word, _, number = name.partition(" ")
    size = int(number.partition("x")[0] or 3)
    square = np.ones((size, size), np.uint8)
    if word == "median_filter" and (size <= 5 or kind == BYTES):
        return lambda x: cv2.medianBlur(x, size)
    calls = {
        "correlate": lambda x: cv2.filter2D(x, -1, KERNEL),
        "gaussian_filter": lambda x: cv2.GaussianBlur(x, (8 * size + 1,) * 2, size),
        "uniform_filter": lambda x: cv2.blur(x, (size, size)),
        "maximum_filter": lambda x: cv2.dilate(x, square),
        "minimum_filter": lambda x: cv2.erode(x, square),
    }
    return calls.get(word)


def seconds(call, x):
    """Time one call."""
    begin = time.perf_counter()
    call(x)
    return time.perf_counter() - begin


def difference(ours, theirs):
    """Return the largest difference of two results, of real numbers over the largest number."""
    wide = theirs.astype(np.float64)
    scale = np.abs(wide).max() if theirs.dtype.kind == "f" else 1
    return np.abs(ours.astype(np.float64) - wide).max() / scale


def run(name, kind, call, *, size, rounds):
    """Measure a row; return the medians of ours, SciPy's and OpenCV's, and the difference."""
    import scipy.ndimage

    x = np.random.default_rng(0).integers(0, 256, (size, size)).astype(kind)
    calls = [lambda x: call(ndimage, x), lambda x: call(scipy.ndimage, x)]
    other = opencv(name, kind)
    calls += [other] if other else []
    wrong = difference(calls[0](x), calls[1](x))
    times = [[seconds(one, x) for one in calls] for _ in range(rounds)]
    return [median(column) for column in zip(*times, strict=True)], wrong


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=2048, help="rows and columns of the image")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="rows whose names begin with this")
    args = parser.parse_args()
    import cv2

    cv2.setNumThreads(args.threads)
    print(f"{'filter':20}{'elements':10}{'ms':>8}{'SciPy':>8}{'OpenCV':>8}{'difference':>12}")
    with convcore.threads(args.threads):
        for name, kind, call in ROWS:
            if not name.startswith(args.only):
                continue
            found, wrong = run(name, kind, call, size=args.size, rounds=args.rounds)
            ratios = [f"{other / found[0]:8.2f}" for other in found[1:]]
            ratios += [f"{'-':>8}"] * (3 - len(found))
            print(f"{name:20}{np.dtype(kind).name:10}{1e3 * found[0]:8.2f}{''.join(ratios)}"
                  f"{wrong:12.1e}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
