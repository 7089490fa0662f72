"""``convcore.dask.ndimage``: a filter of blocks has the bits of one of the whole array."""

import numpy as np
import pytest

import convcore
from convcore import ndimage

da = pytest.importorskip("dask.array", reason="dask is not installed: pip install dask")
from convcore.dask import ndimage as blocks  # noqa: E402

MODES = ("reflect", "mirror", "nearest", "wrap", "constant")
RNG = np.random.default_rng(3)
WEIGHTS = RNG.normal(size=(3, 4))
FOOTPRINT = np.tri(3, 4, 1, dtype=bool)

CALLS = {
    "correlate": ((WEIGHTS,), {"origin": (1, -2)}),
    "correlate1d": (([1, 2, 0, -1],), {"axis": 0, "origin": 1}),
    "convolve": ((WEIGHTS,), {}),
    "convolve1d": (([1.0, 2.5],), {"axis": 1}),
    "gaussian_filter": (((1, 0.7),), {"order": (0, 1)}),
    "gaussian_filter1d": ((1.3,), {"axis": 0, "radius": 2}),
    "gaussian_laplace": ((1,), {"truncate": 2}),
    "gaussian_gradient_magnitude": ((1,), {"output": np.float64}),
    "laplace": ((), {}),
    "sobel": ((0,), {}),
    "prewitt": ((1,), {}),
    "uniform_filter": (((3, 4),), {"origin": (0, 1)}),
    "uniform_filter1d": ((5,), {"axis": 0}),
    "maximum_filter": ((3,), {"axes": (1,)}),
    "maximum_filter1d": ((4,), {"axis": 1, "origin": -1}),
    "minimum_filter": ((), {"footprint": FOOTPRINT}),
    "minimum_filter1d": ((3,), {"axis": 0}),
    "median_filter": ((5,), {}),
    "rank_filter": ((2, (3, 2)), {}),
    "percentile_filter": ((30,), {"footprint": FOOTPRINT.T, "axes": (1, 0)}),
    "grey_dilation": ((), {"structure": [[1, 2, 0], [0, 3, 1]]}),
    "grey_erosion": (((2, 3),), {}),
}


def test_every_filter_is_tried():
    assert set(CALLS) == set(blocks.__all__)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("name", CALLS)
def test_bits(name, dtype):
    args, options = CALLS[name]
    x = RNG.integers(0, 100, (23, 31)).astype(dtype)
    for mode in MODES:
        with convcore.set_algorithm("direct"):
            want = getattr(ndimage, name)(x, *args, mode=mode, **options)
        for chunks in ((23, 31), (7, 10), (5, 31)):
            lazy = getattr(blocks, name)(da.from_array(x, chunks), *args, mode=mode, **options)
            assert (lazy.shape, lazy.dtype) == (want.shape, want.dtype)
            assert np.array_equal(lazy.compute(scheduler="synchronous"), want)


def test_modes_and_constants():
    x = RNG.integers(0, 100, (23, 31)).astype(np.float32)
    lazy = da.from_array(x, (6, 8))
    for name, options in (
        ("median_filter", {"size": 3, "mode": "constant", "cval": 7}),
        ("median_filter", {"size": 3, "mode": ("wrap", "nearest")}),
        ("sobel", {"mode": ("wrap", "nearest")}),
        ("correlate", {"weights": WEIGHTS, "mode": "constant", "cval": 7}),
    ):
        want = getattr(ndimage, name)(x, **options)
        assert np.array_equal(getattr(blocks, name)(lazy, **options).compute(), want)
    with pytest.raises(ValueError, match=r"dask\.sobel: mode must be one for all axes"):
        blocks.sobel(lazy, mode="constant", cval=7)
    with pytest.raises(ValueError, match=r"dask\.gaussian_laplace: mode must be one for all"):
        blocks.gaussian_laplace(lazy, 1, mode=("wrap", "nearest"))
    with pytest.raises(TypeError, match=r"dask\.laplace: input must be a dask array"):
        blocks.laplace(x)
    with pytest.raises(TypeError, match=r"dask\.laplace: output must be a dtype"):
        blocks.laplace(lazy, np.empty((23, 31)))
    with pytest.raises(TypeError, match=r"convcore\.dask"):
        ndimage.laplace(lazy)
