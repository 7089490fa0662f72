"""Missing cells: what is refused, with which words; and that nothing is written before."""

import re

import numpy as np
import pytest

import convcore

X = np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4)
W = np.ones((2, 2, 2, 2), np.float32)
CALLS = {
    "conv2d": (W,),
    "avg_pool2d": (2,),
    "max_pool2d": (2,),
    "lp_pool2d": (2,),
    "l2_pool2d": (2,),
    "weighted_pool2d": (np.ones((2, 2)),),
}
NAMES = [name for op in CALLS for name in (op, f"{op}_backward")]


def call(name, x=X, **options):
    op = name.removesuffix("_backward")
    arrays = (x, *CALLS[op])
    if name != op:
        arrays = (np.ones((1, 2, *((2, 3) if op == "conv2d" else (1, 2))), np.float32), *arrays)
    return getattr(convcore, name)(*arrays, **options)


REFUSED = [
    ({"nan": "omit"}, ValueError, "nan must be one of ('propagate', 'ignore'), got 'omit'"),
    ({"nan": None}, TypeError, "nan must be one of ('propagate', 'ignore'), got None"),
    ({"nan": np.array(["ignore"] * 2)}, TypeError, "nan must be one of"),
    ({"fill": "0"}, TypeError, "fill must be a number, got '0'"),
    ({"fill": None}, TypeError, "fill must be a number, got None"),
    ({"fill": True}, TypeError, "fill must be a number, got True"),
    ({"fill": np.ones(2)}, TypeError, "fill must be a number"),
    ({"return_weight": 1}, TypeError, "return_weight must be True or False, got 1"),
    ({"normalize": 1}, TypeError, "normalize must be True or False, got 1"),
    ({"mask": np.ones((3, 4))}, TypeError, "mask must have dtype bool, got float64; mask != 0"),
    ({"mask": np.ones((3, 4), int)}, TypeError, "mask must have dtype bool, got int64; mask != 0"),
    ({"mask": "x"}, TypeError, "mask must have dtype bool"),
    ({"mask": [[object()]]}, TypeError, "mask must have dtype bool, got object"),
    (
        {"mask": np.ones((4, 3), bool)},
        ValueError,
        "mask must have the spatial shape (3, 4) of x, or 4 axes of size 1 or as in x's shape "
        "(1, 2, 3, 4), got shape (4, 3)",
    ),
    ({"mask": np.ones((2, 3, 4), bool)}, ValueError, "got shape (2, 3, 4)"),
    ({"mask": np.ones((1, 3, 3, 4), bool)}, ValueError, "got shape (1, 3, 3, 4)"),
    ({"mask": np.ones((), bool)}, ValueError, "got shape ()"),
    ({"mask": np.ones((0, 2, 3, 4), bool)}, ValueError, "got shape (0, 2, 3, 4)"),
    ({"mask": np.ma.MaskedArray(np.ones((3, 4), bool))}, TypeError, "mask must be a plain array"),
]


@pytest.mark.parametrize("name", NAMES)
def test_options(name):
    for options, error, text in REFUSED:
        if "normalize" in options and name[:3] in ("max", "lp_", "l2_"):
            continue
        with pytest.raises(error, match=re.escape(text)) as caught:
            call(name, **options)
        assert str(caught.value).startswith(f"{name}: "), options
        out = np.full((1, 2, 2, 3) if name == "conv2d" else (1, 2, 1, 2), 7, np.float32)
        if not name.endswith("_backward"):
            with pytest.raises(error):
                call(name, **options, out=out)
            assert (out == 7).all()


@pytest.mark.parametrize("name", ["max_pool2d", "lp_pool2d", "l2_pool2d"])
def test_what_is_no_sum_is_not_normalised(name):
    with pytest.raises(TypeError, match="normalize"):
        call(name, normalize=False)


@pytest.mark.parametrize("options", [{"mask": np.ones((3, 4), bool)}, {"nan": "ignore"}])
def test_kernels_that_sum_to_zero(options):
    kernel = np.array([[1.0, -1.0], [0.1, -0.1]]).reshape(1, 1, 2, 2).repeat(2, 1)
    text = "weight must have kernels whose sum is not 0 with normalize=True, got 0"
    with pytest.raises(ValueError, match=text) as caught:
        convcore.conv2d(X, kernel, **options)
    assert "normalize=False" in str(caught.value)
    grad = np.ones((1, 1, 2, 3))
    with pytest.raises(ValueError, match=text):
        convcore.conv2d_backward(grad, X, kernel, **options)
    convcore.conv2d(X, kernel, normalize=False, **options)
    with pytest.raises(ValueError, match="must not sum to 0"):
        convcore.weighted_pool2d(X.repeat(2, 3) * np.nan, [[1, -1]], nan="ignore")


def test_integers_without_a_present_cell():
    x, mask = np.arange(8).reshape(1, 2, 4), np.array([[False] * 2 + [True] * 2] * 2)
    for fill in (np.nan, 0.5, np.inf, 2.0**63, -(2.0**70)):
        with pytest.raises(ValueError, match=r"max_pool2d: fill must be a number of .* int64"):
            convcore.max_pool2d(x, 2, mask=mask, fill=fill)
    with pytest.raises(ValueError, match="bool"):
        convcore.max_pool2d(x > 2, 2, mask=mask, fill=2)
    assert convcore.max_pool2d(x > 2, 2, mask=mask, fill=1).tolist() == [[[True, True]]]
    y = convcore.max_pool2d(x, 2, mask=mask, fill=-(2**40))
    assert y.tolist() == [[[-(2**40), 7]]]
    assert convcore.max_pool2d(x, (2, 3), 1, mask=mask).tolist() == [[[6, 7]]]
    assert convcore.max_pool2d_backward(np.ones((1, 1, 2)), x, 2, mask=mask).sum() == 1


def test_indices_of_a_gradient():
    x, mask = np.arange(6.0).reshape(1, 6), np.array([True, True, False, False, True, False])
    grad = np.ones((1, 3))

    def back(indices):
        return convcore.max_pool1d_backward(grad, x, 2, mask=mask, indices=np.array([indices]))

    assert back([1, -1, 4]).tolist() == [[0, 1, 0, 0, 1, 0]]
    for wrong in ([1, 2, 4], [1, -1, 5], [-1, -1, 4], [3, -1, 4], [1, -1, 2**40], [1, -2, 4]):
        with pytest.raises(ValueError, match="indices"):
            back(wrong)
    with pytest.raises(TypeError, match="indices must have an integer dtype"):
        back([1.0, -1.0, 4.0])
    with pytest.raises(ValueError, match="indices must have shape"):
        back([1, -1])


def test_prepared_layers_see_every_cell():
    with pytest.raises(TypeError, match="options must be among"):
        convcore.prepare(convcore.conv2d, W, nan="ignore")


@pytest.mark.parametrize("shape", [(0, 2, 3, 4), (2, 0, 3, 4)])
def test_no_cells(shape):
    weight = np.ones((3, shape[1], 2, 2), np.float32)
    mask = np.zeros((3, 4), bool)
    y, share = convcore.conv2d(
        np.ones(shape, np.float32), weight, [1, 2, 3], mask=mask, return_weight=True
    )
    assert y.shape == share.shape == (shape[0], 3, 2, 3)
    assert (y == np.array([1, 2, 3]).reshape(3, 1, 1)).all()
    for op in CALLS:
        if op != "conv2d":
            y = getattr(convcore, op)(np.ones(shape, np.float32), *CALLS[op], mask=mask)
            assert y.shape == (*shape[:2], 1, 2)


def test_padding_alone():
    """Zeros of the padding are present, also where the input has no cells."""
    y = convcore.conv1d(np.ones((1, 0)), np.ones((1, 1, 2)), padding=2, nan="ignore")
    assert y.tolist() == [[0, 0, 0]]


def test_a_kernel_for_each_image():
    rng = np.random.default_rng(0)
    x, weight = rng.normal(size=(3, 2, 8, 9)), rng.normal(size=(3, 4, 2, 3, 3))
    with pytest.raises(ValueError, match="for a kernel for each of N images") as caught:
        convcore.conv2d(x, weight)
    assert "groups=N" in str(caught.value)
    got = convcore.conv2d(x.reshape(1, 6, 8, 9), weight.reshape(12, 2, 3, 3), groups=3)
    want = np.concatenate([convcore.conv2d(a[None], w) for a, w in zip(x, weight, strict=True)])
    np.testing.assert_allclose(got.reshape(want.shape), want, rtol=1e-12)
    with pytest.raises(ValueError, match=r"weight\[None, None\]"):
        convcore.conv2d(x, weight[0, 0, 0])


def test_arrays_of_pil_and_pandas():
    image = pytest.importorskip("PIL.Image")
    pixels = np.random.default_rng(0).integers(0, 255, (6, 7, 3), np.uint8)
    kernel = np.ones((3, 1, 2, 2))
    options = {"groups": 3, "layout": "NHWC"}
    got = convcore.conv2d(image.fromarray(pixels), kernel, **options)
    assert np.array_equal(got, convcore.conv2d(pixels, kernel, **options))
    pandas = pytest.importorskip("pandas")
    series = pandas.Series([1.0, np.nan, 3.0, 4.0])
    frame = pandas.DataFrame({"a": series, "b": series[::-1].to_numpy()})
    got = convcore.conv1d(frame, np.ones((2, 1, 2)), groups=2, layout="NWC", nan="ignore")
    assert got.tolist() == [[2, 7], [6, 6], [7, 2]]
    got = convcore.max_pool1d(frame.T, 2, nan="ignore", mask=frame.T.notna())
    assert got.tolist() == [[1, 4], [4, 1]]
