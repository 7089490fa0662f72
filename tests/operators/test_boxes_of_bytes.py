"""Averages of bytes as bytes: integers alone, equal to rounded exact means."""

import numpy as np
import pytest

import convcore
from convcore import _core
from tests.support.fast import at
from tests.support.sweeps import every_level

POOLS = {1: convcore.avg_pool1d, 2: convcore.avg_pool2d}
LAYOUTS = {1: ("NCW", "NWC"), 2: ("NCHW", "NHWC")}


def rounded_means(x, axes, kernel, padding, *, last, count_include_pad):
    """Sums of integers, divided and rounded in integers: of two bytes to the even one."""
    planes = np.moveaxis(x, -1, 1) if last else x
    spatial = tuple(range(2, 2 + axes))

    def sums(cells):
        padded = np.pad(cells, ((0, 0), (0, 0), *padding))
        return np.lib.stride_tricks.sliding_window_view(padded, kernel, spatial).sum(
            tuple(range(-axes, 0)), dtype=np.int64
        )

    total = sums(planes.astype(np.int64))
    counted = np.prod(kernel) if count_include_pad else sums(np.ones(planes.shape, np.int64))
    quotient, rest = np.divmod(total, counted)
    quotient += (2 * rest > counted) | ((2 * rest == counted) & (quotient % 2 == 1))
    return (np.moveaxis(quotient, 1, -1) if last else quotient).astype(np.uint8)


def problems(count):
    """x, the result of an average, what it must be."""
    generator = np.random.default_rng(count)
    while count:
        axes, last = int(generator.integers(1, 3)), bool(generator.integers(2))
        n, channels = (int(generator.integers(1, most)) for most in (3, 5))
        cells = [int(generator.integers(1, 300 if axes == 1 else 40)) for _ in range(axes)]
        kernel = tuple(int(generator.integers(1, 256 if axes == 1 else 16)) for _ in range(axes))
        padding = tuple(tuple(int(p) for p in generator.integers(0, k, 2)) for k in kernel)
        x = generator.integers(0, 256, (n, *cells, channels) if last else (n, channels, *cells))
        x = (255 * (x > 0) if generator.integers(4) == 0 else x).astype(np.uint8)
        options = {"layout": LAYOUTS[axes][last], "count_include_pad": bool(generator.integers(2))}
        try:
            shape = POOLS[axes](x, kernel, 1, padding, **options).shape
        except ValueError:  # a window without a cell
            continue
        count -= 1
        out = np.full(shape, 7, np.uint8)
        threads = int(generator.integers(1, 4))
        assert POOLS[axes](x, kernel, 1, padding, out=out, threads=threads, **options) is out
        options.pop("layout")
        yield x, out, rounded_means(x, axes, kernel, padding, last=last, **options)


@every_level
def test_random_boxes(level):
    with at(level):
        for x, got, want in problems(150):
            np.testing.assert_array_equal(got, want, err_msg=str(x.shape))


def test_every_number_of_cells_and_every_sum():
    """The quotient of every sum that boxes of up to 255 bytes have."""
    for cells in range(1, 256):
        x = np.zeros((cells, 256), np.uint8)
        x[0] = np.arange(256)  # sums of k whole rows and one byte
        rows = [np.vstack([x[:1], np.full((k, 256), 255), np.zeros((cells - 1 - k, 256))])
                for k in range(cells)]  # fmt: skip
        stack = np.array(rows, np.uint8)[:, None]
        out = np.empty((cells, 1, 1, 256), np.uint8)
        convcore.avg_pool2d(stack, (cells, 1), 1, out=out)
        want = rounded_means(
            stack, 2, (cells, 1), ((0, 0),) * 2, last=False, count_include_pad=True
        )
        np.testing.assert_array_equal(out, want)


@pytest.mark.parametrize(
    "options",
    [{"stride": 2}, {"stride": 1, "dilation": 2}, {"stride": 1, "border": "reflect", "padding": 1}],
    ids=["stride", "dilation", "border"],
)
def test_others_are_computed_in_real_numbers(options):
    x = np.random.default_rng(0).integers(0, 256, (1, 2, 12, 15)).astype(np.uint8)
    want = np.rint(convcore.avg_pool2d(x.astype(float), 4, **options))
    out = np.empty(want.shape, np.uint8)
    assert np.array_equal(convcore.avg_pool2d(x, 4, out=out, **options), want)


def test_windows_of_more_bytes():
    x = np.full((1, 1, 20, 20), 255, np.uint8)
    out = np.empty((1, 1, 5, 5), np.uint8)
    assert (convcore.avg_pool2d(x, 16, 1, out=out) == 255).all()


def test_views_and_results_in_their_input():
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 3)).astype(np.uint8)
    options = {"kernel_size": 5, "stride": 1, "padding": "same", "layout": "NHWC"}
    for x in (image[::2, ::-1], image[:, :, :2]):
        want = np.rint(convcore.avg_pool2d(x.astype(float), **options))
        wide = np.zeros((*x.shape[:2], 2 * x.shape[2]), np.uint8)
        convcore.avg_pool2d(x, **options, out=wide[..., ::2])
        assert np.array_equal(wide[..., ::2], want)
        assert not wide[..., 1::2].any()
    want = np.rint(convcore.avg_pool2d(image.astype(float), **options))
    assert convcore.avg_pool2d(image, **options, out=image) is image
    assert np.array_equal(image, want)


def test_what_the_core_guards():
    core = _core.Pool(
        [(1, 1, 1, 1, 0, 1), (4, 3, 2, 1, 0, 1), (4, 3, 1, 1, 0, 2)], kind="mean", p=0.0, n=1,
        channels=1, after=[0, 0, 0], adaptive=[False] * 3, adjoint=False, count_padding=False,
        channels_last=False,
    )  # fmt: skip
    assert not core.is_box
    with pytest.raises(ValueError, match="contradict"):
        core.forward(np.zeros((4, 4), np.uint8), np.zeros((1, 2), np.uint8), None, 1)
