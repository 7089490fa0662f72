"""What must hold of a convolution whatever its numbers: properties, on random geometry.

All data are small integers, so every comparison is `==`.
"""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import convcore
from convcore import reference

LAYOUTS = {1: ("NCW", "NWC"), 2: ("NCHW", "NHWC"), 3: ("NCDHW", "NDHWC")}
BORDERS = {
    "zeros": "constant",
    "edge": "edge",
    "reflect": "reflect",
    "symmetric": "symmetric",
    "wrap": "wrap",
}


def conv(nd, *arguments, **options):
    return getattr(convcore, f"conv{nd}d")(*arguments, **options)


def integers(shape, seed, dtype=np.float64):
    return np.random.default_rng(seed).integers(-4, 5, shape).astype(dtype)


def equal(a, b):
    return a.shape == b.shape and a.dtype == b.dtype and bool((a == b).all())


@st.composite
def calls(
    draw,
    borders=tuple(BORDERS),
    paddings=("valid", "same", "same_lower", "full", "pairs", "ints", "int"),
):
    """A convolution that has a result: nd, x, weight, bias and options, channels first."""
    nd = draw(st.integers(1, 3))
    axis = st.integers(1, {1: 60, 2: 20, 3: 8}[nd])
    space = draw(st.tuples(*[axis] * nd))
    kernel = draw(st.tuples(*[st.integers(1, {1: 12, 2: 6, 3: 4}[nd])] * nd))
    dilation = draw(st.tuples(*[st.integers(1, 4)] * nd))
    stride = draw(st.tuples(*[st.integers(1, 5)] * nd))
    groups = draw(st.integers(1, 4))
    n, c_of_group, k_of_group = draw(
        st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 20))
    )
    form = draw(st.sampled_from(paddings))
    if form in ("int", "ints", "pairs"):
        pairs = draw(st.tuples(*[st.tuples(st.integers(0, 9), st.integers(0, 9))] * nd))
        padding = {"int": pairs[0][0], "ints": tuple(p for p, _ in pairs), "pairs": pairs}[form]
    else:
        padding = form
    # Where the kernel does not fit, give the input what it lacks.
    space = tuple(
        max(size, (r - 1) * d + 1) for size, r, d in zip(space, kernel, dilation, strict=True)
    )
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    seed = draw(st.integers(0, 2**20))
    x = integers((n, groups * c_of_group, *space), seed, dtype)
    weight = integers((groups * k_of_group, c_of_group, *kernel), seed + 1, dtype)
    bias = integers(groups * k_of_group, seed + 2, dtype) if draw(st.booleans()) else None
    options = {
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "groups": groups,
        "border": draw(st.sampled_from(borders)),
        "flip": draw(st.booleans()),
    }
    return nd, x, weight, bias, options


@given(calls(), st.booleans(), st.sampled_from([None, 1, 2, 5]))
def test_equals_reference(call, last, threads):
    nd, x, weight, bias, options = call
    if last:
        x, options = np.moveaxis(x, 1, -1), {**options, "layout": LAYOUTS[nd][1]}
    want = getattr(reference, f"conv{nd}d")(x, weight, bias, **options)
    assert equal(conv(nd, x, weight, bias, threads=threads, **options), want)


@given(calls())
def test_linear_in_the_input(call):
    nd, x, weight, _bias, options = call
    y = x[..., ::-1] * 3 - 1
    together = conv(nd, 2 * x + 5 * y, weight, **options)
    assert equal(together, 2 * conv(nd, x, weight, **options) + 5 * conv(nd, y, weight, **options))


@given(calls())
def test_linear_in_the_weight(call):
    nd, x, weight, _bias, options = call
    other = weight[::-1] * 3 - 1
    together = conv(nd, x, 2 * weight + 5 * other, **options)
    apart = 2 * conv(nd, x, weight, **options) + 5 * conv(nd, x, other, **options)
    assert equal(together, apart)


@given(calls())
def test_bias_is_added_once(call):
    nd, x, weight, _, options = call
    bias = np.arange(1, len(weight) + 1).astype(x.dtype)
    without = conv(nd, x, weight, **options)
    assert equal(conv(nd, x, weight, bias, **options), without + bias.reshape(-1, *[1] * nd))


@pytest.mark.item("f09")
@given(calls(borders=["wrap"], paddings=["same"]), st.integers(1, 7))
def test_moving_the_input_moves_the_output(call, shift):
    # On a torus ("wrap") nothing falls off the edge: f(g(x)) = g(f(x)) in every output.
    nd, x, weight, bias, options = call
    options["stride"] = 1
    axes = tuple(range(2, nd + 2))
    moved = conv(nd, np.roll(x, (shift,) * nd, axes), weight, bias, **options)
    assert equal(moved, np.roll(conv(nd, x, weight, bias, **options), (shift,) * nd, axes))


@given(calls(paddings=["valid"]))
def test_moving_by_the_stride_moves_the_output_by_one(call):
    nd, x, weight, bias, options = call
    whole = conv(nd, x, weight, bias, **options)
    step = options["stride"][-1]
    if whole.shape[-1] > 1:
        later = conv(nd, x[..., step:], weight, bias, **options)
        assert equal(later, whole[..., 1:])


@pytest.mark.item("f19")
@given(calls(paddings=["valid"]))
def test_stride_is_downsampling_of_the_dense_result(call):
    nd, x, weight, bias, options = call
    dense = conv(nd, x, weight, bias, **{**options, "stride": 1})
    every = tuple(slice(None, None, s) for s in options["stride"])
    assert equal(conv(nd, x, weight, bias, **options), np.ascontiguousarray(dense[(..., *every)]))


@given(calls())
def test_dilation_is_a_kernel_with_holes(call):
    nd, x, weight, bias, options = call
    dilation = options["dilation"]
    size = [(r - 1) * d + 1 for r, d in zip(weight.shape[2:], dilation, strict=True)]
    holed = np.zeros((*weight.shape[:2], *size), weight.dtype)
    holed[(..., *(slice(None, None, d) for d in dilation))] = weight
    assert equal(
        conv(nd, x, weight, bias, **options), conv(nd, x, holed, bias, **{**options, "dilation": 1})
    )


@pytest.mark.item("f01")
@given(calls())
def test_flip_is_the_reversed_kernel(call):
    nd, x, weight, bias, options = call
    turned = np.flip(weight, tuple(range(2, nd + 2)))
    other = {**options, "flip": not options["flip"]}
    assert equal(conv(nd, x, weight, bias, **options), conv(nd, x, turned, bias, **other))


@given(calls())
def test_groups_are_convolutions_side_by_side(call):
    nd, x, weight, bias, options = call
    g = options["groups"]
    one = {**options, "groups": 1}
    biases = [None] * g if bias is None else np.split(bias, g)
    apart = zip(np.split(x, g, axis=1), np.split(weight, g), biases, strict=True)
    parts = [conv(nd, channels, w, b, **one) for channels, w, b in apart]
    assert equal(conv(nd, x, weight, bias, **options), np.concatenate(parts, axis=1))


@given(calls())
def test_layouts_agree(call):
    nd, x, weight, bias, options = call
    first, last = LAYOUTS[nd]
    want = conv(nd, x, weight, bias, layout=first, **options)
    channels_last = np.ascontiguousarray(np.moveaxis(x, 1, -1))
    got = conv(nd, channels_last, weight, bias, layout=last, **options)
    assert equal(np.moveaxis(got, -1, 1), want)
    assert equal(conv(nd, x, weight, bias, **options), want)


@given(calls(), st.booleans())
def test_unbatched_is_the_first_of_a_batch(call, last):
    nd, x, weight, bias, options = call
    if last:
        x, options = np.moveaxis(x, 1, -1), {**options, "layout": LAYOUTS[nd][1]}
    batch = conv(nd, x, weight, bias, **options)
    for image, result in zip(x, batch, strict=True):
        assert equal(conv(nd, image, weight, bias, **options), result)


def pairs_of(padding, space, kernel, stride, dilation):
    """The cells before and after each axis, as the words of the design say it."""
    pairs = []
    for axis, (size, r, s, d) in enumerate(zip(space, kernel, stride, dilation, strict=True)):
        reach = d * (r - 1)
        need = max((int(np.ceil(size / s)) - 1) * s + reach + 1 - size, 0)
        if padding == "valid":
            pairs.append((0, 0))
        elif padding == "full":
            pairs.append((reach, reach))
        elif padding == "same":
            pairs.append((need // 2, need - need // 2))
        elif padding == "same_lower":
            pairs.append((need - need // 2, need // 2))
        elif isinstance(padding, int):
            pairs.append((padding, padding))
        elif isinstance(padding[axis], int):
            pairs.append((padding[axis], padding[axis]))
        else:
            pairs.append(padding[axis])
    return tuple(pairs)


@given(calls())
def test_padding_is_numpys_padding_and_valid(call):
    nd, x, weight, bias, options = call
    pairs = pairs_of(
        options["padding"], x.shape[2:], weight.shape[2:], options["stride"], options["dilation"]
    )
    padded = np.pad(x, ((0, 0), (0, 0), *pairs), BORDERS[options["border"]])
    want = conv(nd, padded, weight, bias, **{**options, "padding": "valid"})
    assert equal(conv(nd, x, weight, bias, **options), want)
    assert equal(conv(nd, x, weight, bias, **{**options, "padding": pairs}), want)


@given(calls(paddings=["same", "same_lower"]))
def test_same_has_the_input_size_over_the_stride(call):
    nd, x, weight, bias, options = call
    got = conv(nd, x, weight, bias, **options).shape[2:]
    each = zip(x.shape[2:], options["stride"], strict=True)
    assert got == tuple(-(-size // s) for size, s in each)


def test_containers_of_options_do_not_matter():
    x, weight = integers((1, 2, 9, 9), 0), integers((3, 2, 3, 3), 1)
    want = convcore.conv2d(x, weight, None, (2, 1), ((1, 0), (2, 1)), (1, 2))
    assert equal(convcore.conv2d(x, weight, None, [2, 1], [[1, 0], [2, 1]], [1, 2]), want)
    assert equal(
        convcore.conv2d(
            x, weight, None, np.array([2, 1]), np.array([[1, 0], [2, 1]]), np.array([1, 2])
        ),
        want,
    )
    assert equal(
        convcore.conv2d(x, weight, stride=np.int32(2), padding=np.uint8(1)),
        convcore.conv2d(x, weight, stride=2, padding=1),
    )


def cell(border, position, size):
    """The cell of the input that the padding repeats at `position`, by true modulo; or None."""
    if 0 <= position < size:
        return position
    if border == "zeros":
        return None
    if border == "edge":
        return min(max(position, 0), size - 1)
    if border == "wrap":
        return position % size
    if border == "symmetric":
        folded = position % (2 * size)
        return folded if folded < size else 2 * size - 1 - folded
    period = max(2 * (size - 1), 1)  # reflect
    folded = position % period
    return folded if folded < size else period - folded


@pytest.mark.parametrize(("border", "size"), [*product(BORDERS, (1, 2, 3, 5))])
def test_borders_repeat_the_input_by_true_modulo(border, size):
    # A kernel of one cell returns the padded input itself, however much padding there is.
    x = np.arange(1.0, size + 1)
    before, after = 23, 31
    got = convcore.conv1d(x[None], np.ones((1, 1, 1)), padding=((before, after),), border=border)
    cells = [cell(border, position, size) for position in range(-before, size + after)]
    assert got[0].tolist() == [0.0 if at is None else x[at] for at in cells]
    rows = convcore.conv2d(
        x[None, :, None], np.ones((1, 1, 1, 1)), border=border, padding=((before, after), (0, 0))
    )
    assert (rows[0, :, 0] == got[0]).all()


@pytest.mark.item("f03")
def test_figure_9_1():
    # The inputs a..l and the weights w, x, y, z as distinct numbers; the six sums by hand.
    a, b, c, d, e, f, g, h, i, j, k, l = (2.0**p for p in range(12))  # noqa: E741
    w, x, y, z = 1.0, 3.0, 5.0, 7.0
    picture = np.array([[[a, b, c, d], [e, f, g, h], [i, j, k, l]]])
    kernel = np.array([[[[w, x], [y, z]]]])
    want = [
        [
            a * w + b * x + e * y + f * z,
            b * w + c * x + f * y + g * z,
            c * w + d * x + g * y + h * z,
        ],
        [
            e * w + f * x + i * y + j * z,
            f * w + g * x + j * y + k * z,
            g * w + h * x + k * y + l * z,
        ],
    ]
    assert convcore.conv2d(picture, kernel).tolist() == [want]
    assert convcore.conv2d(picture, kernel).tolist() == [[[311, 622, 1244], [4976, 9952, 19904]]]


@pytest.mark.item("f05", "f38")
def test_one_output_per_kernel_and_one_kernel_per_input_channel():
    # Weight (2, 3, 1, 1): a map is the sum of its kernels' responses.
    x = np.array([[[1.0]], [[10.0]], [[100.0]]])
    weight = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]).reshape(2, 3, 1, 1)
    assert convcore.conv2d(x, weight, [0.5, 0.25]).ravel().tolist() == [321.5, 654.25]


@pytest.mark.item("f01")
def test_convolution_commutes():
    x, w = integers((4, 5), 3), integers((3, 6), 4)
    assert equal(convcore.convolve(x, w), convcore.convolve(w, x))


@pytest.mark.item("f02")
def test_convolve_is_the_flipped_full_convolution():
    x, w = integers((6, 7), 5), integers((3, 2), 6)
    assert equal(
        convcore.convolve(x, w),
        convcore.conv2d(x[None], w[None, None], padding="full", flip=True)[0],
    )
    assert equal(
        convcore.correlate(x, w), convcore.conv2d(x[None], w[None, None], padding="full")[0]
    )
