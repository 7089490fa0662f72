"""What convcore.xarray refuses, and by which words."""

import numpy as np
import pytest

xr = pytest.importorskip("xarray", reason="needs xarray")
pytest.importorskip("dask.array", reason="needs dask")

import convcore.xarray as cx  # noqa: E402
from tests.bridges.test_xarray import field  # noqa: E402

pytestmark = pytest.mark.auto

BAD = [
    (lambda x: cx.conv(x.values, np.ones(3), "lon"), TypeError, "x must be an xarray.DataArray"),
    (lambda x: cx.conv(x, np.ones(3)), TypeError, "dims must name the dimension of each axis"),
    (lambda x: cx.conv(x, np.ones(3), "depth"), ValueError, "dims must name dimensions of x"),
    (lambda x: cx.conv(x, np.ones((3, 3)), "lon"), ValueError, "weight must have one axis"),
    (lambda x: cx.conv(x, np.ones((3, 3)), ("lon", "lon")), ValueError, "1 to 3 different"),
    (lambda x: cx.conv(x, np.ones(3), ()), ValueError, "1 to 3 different"),
    (lambda x: cx.conv(x, np.ones(0), "lon"), ValueError,
     r"^xarray.conv: weight must have at least 1 cell along each dimension, got shape \(0,\)$"),
    (lambda x: cx.conv(x, np.ones(18), "lon"), ValueError, "dimension 'lon': kernel must span"),
    (lambda x: cx.conv(x, np.ones(3) * 1j, "lon"), TypeError, "weight must have dtype"),
    (lambda x: cx.conv(x, np.ones(3), "lon", stride=0), ValueError, "stride must be at least 1"),
    (lambda x: cx.conv(x, np.ones(3), "lon", stride={"lat": 2}), ValueError, "stride must name"),
    (lambda x: cx.conv(x, np.ones(3), "lon", padding=(1, 2)), TypeError, "padding must be one"),
    (lambda x: cx.conv(x, np.ones(3), "lon", padding={"lon": -1}), ValueError, "padding must be"),
    (lambda x: cx.conv(x, np.ones(3), "lon", border={"lon": "mirror"}), ValueError, "border"),
    (lambda x: cx.conv(x, np.ones(3), "lon", skipna=1), TypeError, "skipna must be True or False"),
    (lambda x: cx.conv(x, np.ones(3), "lon", flip="no"), TypeError, "flip must be True or False"),
    (lambda x: cx.conv(x, np.ones(3), "lon", algorithm="fast"), ValueError, "algorithm must be"),
    (lambda x: cx.conv(x.astype(complex), np.ones(3), "lon"), TypeError, "must have dtype"),
    (lambda x: cx.conv(x.astype(str), np.ones(3), "lon"), TypeError, "must have dtype"),
    (lambda x: cx.pool(x, 3), TypeError, "kernel_size must be a mapping"),
    (lambda x: cx.pool(x, {}), ValueError, "kernel_size must name 1 to 3"),
    (lambda x: cx.pool(x, {"lon": 0}), ValueError, "kernel_size must be at least 1"),
    (lambda x: cx.pool(x, {"lon": 2.5}), TypeError, "kernel_size must be an integer"),
    (lambda x: cx.pool(x, {"lon": 2}, "median"), ValueError, "kind must be one of"),
    (lambda x: cx.pool(x, {"lon": 2}, "max", p=3), TypeError, "p must be 2.0 for kind 'max'"),
    (lambda x: cx.pool(x, {"lon": 2}, "lp", p=0.5), ValueError, "p must be"),
    (lambda x: cx.pool(x, {"lon": 2}, "l2", normalize=False), TypeError, "normalize must be True"),
    (lambda x: cx.pool(x, {"lon": 2}, fill="x"), TypeError, "fill must be a number"),
    (lambda x: cx.pool(x.astype(complex), {"lon": 2}, "max"), TypeError, "must have dtype"),
    (lambda x: cx.coarsen(x, lat=5), ValueError, "boundary must be 'trim' or 'pad' for 13 cells"),
    (lambda x: cx.coarsen(x, lat=5, boundary="drop"), ValueError, "boundary must be one of"),
    (lambda x: cx.coarsen(x, lat=1, func="median"), ValueError, "func must be one of"),
    (lambda x: cx.coarsen(x), ValueError, "dim must name 1 to 3"),
    (lambda x: cx.rolling_mean(x, {"lat": 3}, lon=3), TypeError, "mutually exclusive"),
    (lambda x: cx.rolling_mean(x, lat=3, min_periods=0), ValueError, "min_periods must"),
    (lambda x: cx.rolling_mean(x, lat=3, center=1), TypeError, "center must be True or False"),
    (lambda x: cx.rolling_mean(x, lat=2**62), ValueError, "must be at most"),
    (lambda x: cx.rolling_mean(x, lat=3, threads=0), ValueError, "threads must be"),
    (lambda x: cx.pool(x.astype(np.uint8), {"lat": 2}, "min", 1, 1, border=-1), ValueError,
     "xarray.pool: border must be a number that uint8 has, got -1"),
    (lambda x: cx.pool(x.astype(np.uint8), {"lat": 2}, "min", 1, 1, border=np.inf), ValueError,
     "xarray.pool: border must be a number that uint8 has, got inf"),
    (lambda x: cx.rolling_mean(x.chunk(), lat=3, threads=0), ValueError, "threads must be"),
    (lambda x: cx.conv(x.chunk(), np.ones(3), "lat", dilation=99), ValueError,
     "kernel must span"),
    (lambda x: cx.pool(x.chunk(), {"lat": 2}, "max", 1, 2), ValueError,
     "^xarray.pool: each window must hold an input cell, got none in .* dilation 1$"),
    (lambda x: cx.conv(x, np.ones(2), "lon", algorithm="winograd"), ValueError,
     "^xarray.conv: algorithm must be"),
    (lambda x: cx.rolling_mean(x, lat=2, threads=9999), ValueError,
     "^xarray.rolling_mean: threads must be from 1 to 1024, got 9999$"),
    (lambda x: cx.conv(x, np.ones(3), 7), ValueError, "dims must name dimensions of x"),
    (lambda x: cx.conv(x, np.ones(3), [["lat"]]), ValueError, "dims must name dimensions of x"),
    (lambda x: cx.coarsen(x, lat=13, coord_func="nonsense"), ValueError, "coord_func must be"),
    (lambda x: cx.coarsen(x, lat=13, coord_func=3), TypeError, "coord_func must be"),
    (lambda x: cx.pool(xr.Dataset({"a": x.astype(str)}), {"lat": 2}), TypeError,
     r"xarray.pool: x\['a'\] must have dtype"),
    (lambda x: cx.conv(x.chunk(lat=5), np.ones(2), "lat", algorithm="winograd"), ValueError,
     "^xarray.conv: algorithm must be"),
    (lambda x: cx.pool(x.chunk(lat=5), {"lat": 2}, "max", 1, 2), ValueError,
     "^xarray.pool: each window must hold an input cell, got none in .* dilation 1$"),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(BAD)))
def test_what_is_refused(number):
    wrong, kind, words = BAD[number]
    with pytest.raises(kind, match=words):
        wrong(field())
