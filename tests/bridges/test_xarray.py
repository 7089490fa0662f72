"""convcore.xarray: results of the functions of arrays, xarray's own rolling and coarsening."""

import itertools

import numpy as np
import pytest

from tests.tables.bridges import having

xr = pytest.importorskip("xarray", reason="needs xarray")
dask_array = pytest.importorskip("dask.array", reason="needs dask")

import convcore  # noqa: E402
import convcore.xarray as cx  # noqa: E402

pytestmark = pytest.mark.auto

KINDS = {"avg_pool": "mean", "max_pool": "max", "lp_pool": "lp", "l2_pool": "l2"}
ORDERS = [("time", "lat", "lon"), ("lat", "lon", "time"), ("lat", "time", "lon")]


def field(dtype=np.float32, gaps=False):
    """A small field of three dimensions with coordinates, a name and attributes."""
    rng = np.random.default_rng(0)
    data = rng.integers(0, 100, (4, 13, 17)).astype(dtype)
    if gaps:
        data[rng.random(data.shape) < 0.1] = np.nan
    coords = {
        "time": np.array(["2001-01-01", "2001-01-02", "2001-01-03", "2001-01-04"], "M8[ns]"),
        "lat": ("lat", np.linspace(-60, 60, 13), {"units": "degrees_north"}),
        "lon": np.arange(17) * 20,
        "area": ("lat", np.arange(13.0) ** 2),
        "label": ("lon", [f"c{i}" for i in range(17)]),
        "grid": (("lat", "lon"), rng.random((13, 17))),
        "height": 2.0,
    }
    dims = ("time", "lat", "lon")
    return xr.DataArray(data, coords, dims, name="t2m", attrs={"units": "K", "long_name": "T"})


def call(kind, x, dims, **options):
    """A function of this module, named by an operator's kind."""
    if kind == "conv":
        weight = np.arange(1.0, 1 + 2 * 3 ** (len(dims) - 1)).reshape(2, *(3,) * (len(dims) - 1))
        return cx.conv(x, weight, dims, **options), {"weight": weight}
    size = dict(zip(dims, (2, 3, 2), strict=False))
    return cx.pool(x, size, KINDS[kind], **options), {"size": tuple(size.values())}


def expected(kind, data, first, given, **options):
    """The same by functions of arrays, with the batch moved to the front."""
    axes = len(given.get("size", np.shape(given.get("weight"))))
    core = range(first, first + axes)
    moved = np.moveaxis(data, core, range(-axes, 0))
    flat = moved.reshape(-1, 1, *moved.shape[-axes:])
    function = getattr(convcore, f"{kind}{axes}d")
    if kind == "conv":
        y = function(flat, given["weight"][None, None], **options)
    else:
        y = function(flat, given["size"], **options)
    y = y.reshape(*moved.shape[:-axes], *y.shape[2:])
    return np.moveaxis(y, range(-axes, 0), core)


WINDOWS = [
    ({}, {}),
    ({"stride": {"lat": 3, "lon": 2, "time": 1}}, {"stride": (3, 2, 1)}),
    (
        {"padding": {"lat": (1, 2), "lon": 1}, "border": {"lat": "edge", "lon": "wrap"}},
        {"padding": ((1, 2), 1, 0), "border": ("edge", "wrap", "zeros")},
    ),
    ({"dilation": 2}, {"dilation": 2}),
    ({"padding": "same", "border": 7.0}, {"padding": "same", "border": 7.0}),
]


@pytest.mark.parametrize("windows", WINDOWS, ids=range(len(WINDOWS)))
@pytest.mark.parametrize("kind", having("xarray", "call"))
def test_equals_functions_of_arrays(kind, windows):
    named, plain = windows
    for dims, order in [
        (("lat", "lon"), ORDERS[0]),
        (("lat", "lon"), ORDERS[1]),
        (("lat",), ORDERS[0]),
        (("lat", "lon", "time"), ORDERS[1]),
    ]:
        if len(dims) == 3 and "dilation" in named:
            continue
        x = field().transpose(*order)
        some = {
            name: {d: v for d, v in value.items() if d in dims}
            if isinstance(value, dict)
            else value
            for name, value in named.items()
        }
        few = {
            name: value[: len(dims)] if isinstance(value, tuple) else value
            for name, value in plain.items()
        }
        got, given = call(kind, x, dims, **some)
        want = expected(kind, x.values, order.index(dims[0]), given, **few)
        assert got.dims == x.dims
        assert got.dtype == want.dtype
        np.testing.assert_allclose(got.values, want, rtol=1e-6)


@pytest.mark.parametrize("kind", having("xarray", "lazy"))
def test_dask_arrays_stay_lazy(kind):
    def fail(block):
        raise AssertionError("it was computed")

    for order in ORDERS:
        x = field().transpose(*order).chunk(time=1)
        got, _ = call(kind, x, ("lat", "lon"), padding={"lat": 1}, skipna=True)
        assert isinstance(got.data, dask_array.Array)
        want, _ = call(kind, x.compute(), ("lat", "lon"), padding={"lat": 1}, skipna=True)
        assert got.data.dtype == want.dtype
        assert got.data.shape == want.shape
        xr.testing.assert_identical(got.compute(), want)
        call(kind, x.copy(data=x.data.map_blocks(fail, dtype=x.dtype)), ("lat", "lon"))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("gaps", [False, True])
def test_windows_cross_chunks(order, gaps):
    x = field(gaps=gaps).transpose(*order)
    lazy = x.chunk(time=2, lat=(6, 1, 6), lon=4)
    kernel = np.random.default_rng(0).standard_normal((3, 2))
    wrap = {"border": {"lon": "wrap"}, "padding": {"lon": (2, 1), "lat": 1}}
    calls = [
        lambda x: cx.conv(x, kernel, ("lat", "lon"), 2, skipna=gaps, **wrap),
        lambda x: cx.conv(x, kernel, ("lon", "time")),
        lambda x: cx.pool(x, {"lat": 3, "lon": 4}, "min", skipna=gaps, ceil_mode=True, **wrap),
        lambda x: cx.pool(x, {"lat": 3}, "l2", 1, skipna=gaps),
        lambda x: cx.coarsen(x, lat=4, lon=5, boundary="pad", skipna=gaps),
        lambda x: cx.rolling_mean(x, lat=5, lon=4, min_periods=3, center=False),
        lambda x: cx.rolling_mean(x, lat=4, skipna=False),
        lambda x: cx.rolling_mean(x.to_dataset(), lon=3, min_periods=1)["t2m"],
    ]
    for call in calls:
        want, got = call(x), call(lazy)
        assert got.chunks is not None
        assert (got.dtype, got.dims) == (want.dtype, want.dims)
        xr.testing.assert_allclose(got.compute(), want, rtol=1e-5, atol=1e-5)


def test_chunks_of_different_sizes():
    x = field().transpose("lat", "lon", "time")
    for chunks in ({"time": 3}, {"time": (1, 2, 1)}):
        for least in (None, 1, 2):
            lazy = cx.rolling_mean(x.chunk(chunks), lat=3, lon=3, min_periods=least)
            want = cx.rolling_mean(x, lat=3, lon=3, min_periods=least)
            xr.testing.assert_identical(lazy.compute(), want)
        assert cx.pool(x.chunk(chunks), {"lat": 2}).chunks[2] == x.chunk(chunks).chunks[2]


@pytest.mark.parametrize("kind", having("xarray", "call"))
def test_random_problems(kind):
    """Values are those of arrays; on a grid of equal steps, centres have a formula."""
    rng = np.random.default_rng(len(kind))
    borders = ("zeros", "edge", "reflect", "symmetric", "wrap", 2.0)
    for _ in range(60):
        sizes = {"time": 3, "lat": int(rng.integers(5, 9)), "lon": int(rng.integers(5, 9))}
        order = list(rng.permutation(list(sizes)))
        coords = {dim: 10 + 0.5 * np.arange(n) for dim, n in sizes.items()}
        x = xr.DataArray(rng.normal(size=[sizes[d] for d in order]), coords, order)
        x = x.where(rng.random(x.shape) < 0.8)
        dims = ["lat", "lon"]
        k, stride, dilation = ({d: int(rng.integers(1, 4)) for d in dims} for _ in range(3))
        dilation = {d: min(dilation[d], 2) for d in dims}
        pad = {d: (int(rng.integers(0, k[d])), int(rng.integers(0, k[d]))) for d in dims}
        border = {d: borders[rng.integers(6)] for d in dims}
        if not {"zeros", 2.0}.isdisjoint(border.values()):  # in a corner the later dimension counts
            border = dict.fromkeys(dims, border["lat"])
        named = {"stride": stride, "dilation": dilation, "padding": pad, "border": border}
        plain = {name: tuple(value.values()) for name, value in named.items()}
        if kind == "conv":
            given = {"weight": rng.random(tuple(k.values())) + 0.1}
            got = cx.conv(x, given["weight"], dims, skipna=True, **named)
        else:
            given = {"size": tuple(k.values())}
            got = cx.pool(x, k, KINDS[kind], skipna=True, **named)
        moved = x.transpose("time", *dims)
        want = expected(kind, moved.values, 1, given, nan="ignore", **plain)
        assert got.dims == x.dims
        np.testing.assert_allclose(got.transpose("time", *dims).values, want, rtol=1e-9, atol=1e-12)
        for d in dims:
            first = np.arange(got.sizes[d]) * stride[d] - pad[d][0]
            np.testing.assert_allclose(got[d], 10 + 0.5 * (first + dilation[d] * (k[d] - 1) / 2))


def test_order_of_dims_does_not_matter():
    x = field(np.float64)
    weight = np.arange(6.0).reshape(2, 3)
    one = cx.conv(x, weight, ("lat", "lon"))
    for order in itertools.permutations(x.dims):
        for given, dims in ((weight, ("lat", "lon")), (weight.T, ("lon", "lat"))):
            other = cx.conv(x.transpose(*order), given, dims)
            assert other.dims == order
            np.testing.assert_array_equal(other.transpose(*x.dims).values, one.values)
    labelled = xr.DataArray(weight.T, dims=("lon", "lat"))
    xr.testing.assert_identical(cx.conv(x, labelled), one)


@pytest.mark.parametrize("order", ORDERS[:2])
def test_data_are_not_copied(order, monkeypatch):
    x = field().transpose(*order).copy(deep=True)
    x = x.copy(data=np.ascontiguousarray(x.values))
    seen = []
    plain = convcore.api.avg_pool2d
    monkeypatch.setattr(
        convcore.api,
        "avg_pool2d",
        lambda block, *a, **k: (seen.append(block), plain(block, *a, **k))[1],
    )
    cx.rolling_mean(x, lat=3, lon=3)
    assert np.shares_memory(seen[0], x.values)
    assert seen[0].flags.c_contiguous


# Rolling means


@pytest.mark.parametrize("center", [True, False, {"lat": True}])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("window", [{"lat": 5, "lon": 5}, {"lat": 4, "lon": 3}, {"time": 2}])
def test_rolling_mean_is_xarrays(window, order, center):
    center = {"time": True} if isinstance(center, dict) and "time" in window else center
    for gaps, least in itertools.product((False, True), (None, 1, 3, 99)):
        x = field(gaps=gaps).transpose(*order)
        whole = center if isinstance(center, bool) else {d: center.get(d, False) for d in window}
        want = x.rolling(window, center=whole, min_periods=least).mean()
        got = cx.rolling_mean(x, window, center=center, min_periods=least)
        xr.testing.assert_allclose(got, want, rtol=1e-5)
        assert got.attrs == x.attrs
        assert got.name == x.name
        assert got.dims == x.dims
        assert got.dtype == x.dtype
        assert got.coords.keys() == x.coords.keys()
        if "time" not in window:
            lazy = cx.rolling_mean(x.chunk(time=2), **window, center=center, min_periods=least)
            assert lazy.chunks is not None
            xr.testing.assert_allclose(lazy.compute(), got)


def test_rolling_mean_without_skipping():
    x = field(gaps=True)
    for least in (None, 1, 7):
        rolled = x.rolling({"lat": 3, "lon": 3}, center=True, min_periods=least)
        want = rolled.reduce(np.mean)  # which its mean, told not to skip, is not
        got = cx.rolling_mean(x, lat=3, lon=3, skipna=False, min_periods=least)
        xr.testing.assert_allclose(got, want, rtol=1e-5)


def test_rolling_mean_of_integers_and_infinities():
    x = field(np.int16)
    want = x.rolling(lat=3, lon=3, center=True).mean()
    got = cx.rolling_mean(x, lat=3, lon=3)
    assert got.dtype == np.float32
    xr.testing.assert_allclose(got, want.astype(np.float32), rtol=1e-6)
    x = field()
    x[0, 5, 5] = np.inf
    got = cx.rolling_mean(x, lat=3, lon=3, min_periods=2)
    assert np.isinf(got.values).sum() == 9
    assert np.isnan(got.values).sum() == 0


def test_a_globe():
    x = field(np.float64)
    got = cx.rolling_mean(x, lat=3, lon=3, border={"lon": "wrap"})
    padded = x.pad(lon=1, mode="wrap")
    want = padded.rolling(lat=3, lon=3, center=True).mean().isel(lon=slice(1, -1))
    np.testing.assert_allclose(got.values, want.values)
    assert np.isnan(got.values[:, [0, -1]]).all()
    assert np.isfinite(got.values[:, 1:-1]).all()
    turned = cx.rolling_mean(x.roll(lon=5), lat=3, lon=3, border={"lon": "wrap"})
    np.testing.assert_array_equal(turned.roll(lon=-5).values, got.values)
    least = cx.rolling_mean(x, lat=3, lon=3, min_periods=6, border={"lon": "wrap", "lat": "edge"})
    assert np.isfinite(least.values).all()


# Coarsening


@pytest.mark.parametrize("func", ["mean", "max", "min"])
@pytest.mark.parametrize("boundary", ["trim", "pad", {"lat": "pad", "lon": "trim"}])
def test_coarsen_is_xarrays(func, boundary):
    for order in ORDERS:
        x = field(gaps=True).transpose(*order).drop_vars("label")
        want = getattr(x.coarsen(lat=3, lon=4, boundary=boundary), func)()
        got = cx.coarsen(x, lat=3, lon=4, func=func, boundary=boundary)
        xr.testing.assert_allclose(got, want, rtol=1e-5)
        assert (got.attrs, got.name, got.dims) == (x.attrs, x.name, x.dims)
        lost = x.coarsen(lat=3, lon=4, boundary=boundary).reduce(getattr(np, func))
        got = cx.coarsen(x, {"lat": 3, "lon": 4}, func, boundary, skipna=False)
        xr.testing.assert_allclose(got, lost, rtol=1e-5)


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.float16, bool])
def test_partial_blocks_of_any_dtype_are_nan_without_skipna(dtype):
    x = xr.DataArray(np.arange(15).reshape(3, 5).astype(dtype), dims=("a", "b"))
    want = x.astype(float).coarsen(b=2, a=2, boundary="pad").reduce(np.mean)
    got = cx.coarsen(x, b=2, a=2, boundary="pad", skipna=False)
    np.testing.assert_allclose(got, want)
    assert got.dtype == cx.coarsen(x, b=2, a=2, boundary="pad").dtype
    if np.dtype(dtype).kind in "iu":  # these stay integers, which have no NaN
        largest = cx.coarsen(x, b=2, func="max", boundary="pad", skipna=False)
        assert largest.dtype == dtype
        assert largest[0].values.tolist() == [1, 3, 4]


@pytest.mark.parametrize("data", [field(), field().to_dataset(name="a"), field().chunk(time=1)])
def test_blocks_larger_than_the_dimension_are_trimmed(data):
    x = data.drop_vars("label")
    for blocks in ({"lat": 14}, {"lon": 3, "lat": 99}, {"lon": 20, "lat": 20}):
        want = x.compute().coarsen(blocks, boundary="trim").mean()
        got = cx.coarsen(x, blocks, boundary="trim")
        xr.testing.assert_allclose(got, want)
        assert got.sizes["lat"] == 0
        assert got.attrs == x.attrs
    bare = xr.DataArray(np.ones((4, 6)), dims=("lat", "lon"))
    assert cx.coarsen(bare, lat=9, boundary="trim").shape == (0, 6)


def test_coarsen_exactly():
    x = field()[:, :12, :16]
    got = cx.coarsen(x, lat=4, lon=4, coord_func={"lat": "min"})
    want = x.drop_vars("label").coarsen(lat=4, lon=4, coord_func={"lat": "min"}).mean()
    xr.testing.assert_allclose(got, want, rtol=1e-6)
    assert "label" not in got.coords
    assert got.lat.attrs == x.lat.attrs
    assert got.time.identical(x.time)
    bare = xr.DataArray(np.arange(6.0), dims="a")
    assert cx.coarsen(bare, a=2).values.tolist() == [0.5, 2.5, 4.5]


def test_minima_and_maxima_of_integers_stay():
    for dtype in (np.int8, np.uint8, np.int64, np.uint64, bool):
        x = field(np.int64).astype(dtype)
        for kind in ("max", "min"):
            got = cx.pool(x, {"lat": 2, "lon": 3}, kind)
            blocks = x.values[:, :12, :15].reshape(4, 6, 2, 5, 3)
            assert got.dtype == dtype
            np.testing.assert_array_equal(got.values, getattr(blocks, kind)(axis=(2, 4)))
    x = xr.DataArray(np.array([5, -128, 127], np.int8), dims="a")
    given = {"stride": 1, "padding": {"a": (1, 0)}, "border": 3}
    assert cx.pool(x, {"a": 2}, "min", **given).values.tolist() == [3, -128, -128]
    x = xr.DataArray(np.array([5, 255], np.uint8), dims="a")
    assert cx.pool(x, {"a": 2}, "min", **given).values.tolist() == [3, 5]
    x = xr.DataArray([True, True], dims="a")
    assert cx.pool(x, {"a": 2}, "min", **given | {"border": 0}).values.tolist() == [False, True]
    x = xr.DataArray([5.0, np.nan, np.nan, 2.0], dims="a")
    assert cx.pool(x, {"a": 2}, "min", stride=1, skipna=True, fill=9).values.tolist() == [5, 9, 2]


# Coordinates


def test_coordinates_are_those_of_centres():
    x = field()
    y = cx.conv(x, np.ones((3, 5)), ("lat", "lon"), stride={"lat": 2})  # odd: selected
    assert y.lat.values.tolist() == x.lat.values[1:-1:2].tolist()
    assert y.lon.dtype == x.lon.dtype
    assert y.label.values.tolist() == x.label.values[2:-2].tolist()
    assert y.grid.dims == ("lat", "lon")
    np.testing.assert_array_equal(y.grid.values, x.grid.values[1:-1:2, 2:-2])
    assert (y.attrs, y.name, y.lat.attrs) == (x.attrs, x.name, x.lat.attrs)
    assert y.height.item() == 2
    y = cx.conv(x, np.ones((2, 4)), ("lat", "lon"))  # even: half-way
    np.testing.assert_allclose(y.lat.values, (x.lat.values[1:] + x.lat.values[:-1]) / 2)
    assert y.lon.values.tolist() == (np.arange(14) * 20 + 30.0).tolist()
    assert "label" not in y.coords
    np.testing.assert_allclose(y.area.values, (x.area.values[1:] + x.area.values[:-1]) / 2)
    assert y.grid.shape == (12, 14)
    assert y.lat.attrs == x.lat.attrs
    assert y.sel(lon=30.0).lon.item() == 30  # it has an index


def test_coordinates_beyond_the_ends():
    x = xr.DataArray(np.ones(4), {"a": [0.0, 1.0, 3.0, 7.0]}, "a")
    y = cx.conv(x, np.ones(3), "a", padding="full")
    assert y.a.values.tolist() == [-1, 0, 1, 3, 7, 11]
    one = xr.DataArray(np.ones(1), {"a": [5.0]}, "a")
    got = cx.conv(one, np.ones(3), "a", padding="full").a.values
    np.testing.assert_array_equal(got, [np.nan, 5, np.nan])
    assert cx.conv(x, np.ones(2), "a", dilation=2).a.values.tolist() == [1.5, 4.0]


def test_coordinates_that_are_dates():
    x = field()
    y = cx.pool(x, {"time": 2}, stride=1)
    want = np.array(["2001-01-01T12", "2001-01-02T12", "2001-01-03T12"], "M8[ns]")
    np.testing.assert_array_equal(y.time.values, want)
    full = cx.pool(x, {"time": 3}, stride=1, padding=1, border="edge")
    np.testing.assert_array_equal(full.time.values, x.time.values)
    beyond = cx.conv(x, np.ones(3), "time", padding="full")
    assert beyond.time.values[0] == np.datetime64("2000-12-31")
    hours = x.assign_coords(time=np.arange(4) * np.timedelta64(1, "h"))
    got = cx.pool(hours, {"time": 4}).time.values
    assert got == np.timedelta64(90, "m")


def test_dimensions_without_coordinates():
    x = field().drop_vars(("lon", "label", "grid"))
    for size in (2, 3):
        y = cx.conv(x, np.ones((size, size)), ("lat", "lon"))
        assert "lon" not in y.coords
        assert y.lat.size == 14 - size
    bare = xr.DataArray(np.arange(6.0), dims="a")
    assert cx.pool(bare, {"a": 3}).values.tolist() == [1, 4]
    assert cx.pool(bare.rename(a=5), {5: 3}).dims == (5,)  # a name may be any key
    named = bare.rename(a="x")
    assert cx.coarsen(named, x=3).dims == cx.rolling_mean(named, x=3).dims == ("x",)
    named = bare.rename(a="dim")
    assert cx.coarsen(named, {"dim": 3}).dims == ("dim",)


def test_indexes_along_other_dimensions_stay():
    x = field().stack(place=("lat", "time"))
    y = cx.pool(x, {"lon": 2})
    assert y.indexes["place"].equals(x.indexes["place"])
    again = cx.pool(x, {"place": 3}, stride=1)  # selected
    assert again.indexes["place"].equals(x.indexes["place"][1:-1])
    dropped = cx.pool(x, {"place": 2}, stride=1)
    assert "place" not in dropped.coords


# Datasets


def test_variables_of_datasets():
    x = field(np.float64)
    data = xr.Dataset(
        {"a": x, "b": x.isel(time=0, drop=True), "c": ("time", np.arange(4)), "d": 5, "e": x.lat},
        attrs={"title": "all"},
    )
    y = cx.pool(data, {"lat": 2, "lon": 2})
    assert list(y) == list(data)
    assert y.attrs == data.attrs
    xr.testing.assert_identical(y.a.variable, cx.pool(x, {"lat": 2, "lon": 2}).variable)
    xr.testing.assert_identical(y.b.variable, cx.pool(x[0], {"lat": 2, "lon": 2}).variable)
    xr.testing.assert_identical(y.c.variable, data.c.variable)
    assert y.lat.size == 6
    rolled = cx.rolling_mean(data, lat=3, lon=3)
    want = data.drop_vars("d").rolling(lat=3, lon=3, center=True).mean()
    xr.testing.assert_allclose(rolled.drop_vars("d"), want)
    assert cx.rolling_mean(data[["c", "d"]], time=2).c.values[1:].tolist() == [0.5, 1.5, 2.5]
    with pytest.raises(ValueError, match=r"x\['e'\] must have the dimensions"):
        cx.conv(data.assign(e=("lat", np.ones(13))), np.ones((2, 2)), ("lat", "lon"))


def test_an_x_is_never_written_to():
    x = field(gaps=True)
    kept = x.copy(deep=True)
    x.values.flags.writeable = False
    for kind in ("conv", *KINDS):
        call(kind, x, ("lat", "lon"), padding="same", skipna=True)
    cx.rolling_mean(x, lat=3, lon=3, min_periods=2)
    xr.testing.assert_identical(x, kept)


def test_empty_batches():
    x = field()[:0]
    assert cx.pool(x, {"lat": 2, "lon": 2}).shape == (0, 6, 8)
    assert cx.conv(x, np.ones((2, 2)), ("lat", "lon")).shape == (0, 12, 16)
    last = x.transpose("lat", "lon", "time")
    assert cx.pool(last, {"lat": 2, "lon": 2}, "max").shape == (6, 8, 0)
    assert cx.rolling_mean(last, lat=3, lon=3).shape == last.shape
