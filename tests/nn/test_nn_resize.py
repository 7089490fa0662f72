"""Upsampling against its definition, output by output."""

import itertools

import numpy as np
import pytest

from convcore import nn


def places(n, scale, mode, aligned):
    """For each output of one axis: the cells that it is made of, and their shares."""
    for o in range(n * scale):
        if mode == "nearest":
            yield {o // scale: 1.0}
            continue
        p = o * (n - 1) / max(n * scale - 1, 1) if aligned else (o + 0.5) / scale - 0.5
        p = min(max(p, 0), n - 1)
        low = min(int(p), max(n - 2, 0))
        yield {low: 1 - (p - low), **({low + 1: p - low} if p > low else {})}


def by_definition(x, scales, mode, aligned):
    each = [list(places(n, s, mode, aligned)) for n, s in zip(x.shape[2:], scales, strict=True)]
    y = np.zeros((*x.shape[:2], *map(len, each)))
    for o in np.ndindex(*y.shape[2:]):
        chosen = [each[axis][i].items() for axis, i in enumerate(o)]
        for pairs in itertools.product(*chosen):
            cells, shares = zip(*pairs, strict=True)
            y[(..., *o)] += np.prod(shares) * x[(..., *cells)]
    return y


OPTIONS = [("nearest", False), ("linear", False), ("linear", True)]
SCALES = [(1,), (2,), (5,), (2, 2), (3, 1), (1, 4), (2, 3, 2)]


@pytest.mark.parametrize(("mode", "aligned"), OPTIONS)
@pytest.mark.parametrize("scales", SCALES, ids=str)
def test_by_definition(scales, mode, aligned):
    rng = np.random.default_rng(0)
    layer = nn.Upsample(scales, mode, aligned)
    for cells in ((3, 4, 2), (1, 2, 5)):
        x = rng.normal(size=(2, 3, *cells[: len(scales)]))
        want = by_definition(x, scales, mode, aligned)
        y = layer.forward(x)
        np.testing.assert_allclose(y, want, rtol=1e-13, atol=1e-14)
        assert layer.output_shape(x.shape) == y.shape
        # <grad, A x> = <A' grad, x>: with the forward map, that is the whole gradient
        grad = rng.normal(size=y.shape)
        np.testing.assert_allclose((layer.backward(grad) * x).sum(), (grad * y).sum(), rtol=1e-11)
        basis = np.zeros_like(y)
        basis[0, 1, ..., -1] = 1
        layer.forward(x)
        assert not layer.backward(basis)[0, 0].any()


def test_one_integer_is_for_any_number_of_axes():
    layer = nn.Upsample(2)
    for axes in (1, 2, 3):
        x = np.arange(2.0 * 3**axes).reshape(1, 2, *(3,) * axes)
        assert (layer.forward(x) == by_definition(x, (2,) * axes, "nearest", False)).all()
    words = "Upsample: x must have channels and one to three axes without the batch, got shape"
    for shape in ((2, 3), (1, 2, 2, 2, 2, 2)):
        with pytest.raises(ValueError, match=words):
            layer.forward(np.ones(shape))


def test_nearest_is_exact_and_keeps_the_dtype():
    x = np.array([[[1, -3, 2**40]]])
    y = nn.Upsample(2).forward(x)
    assert y.dtype == x.dtype
    assert y.tolist() == [[[1, 1, -3, -3, 2**40, 2**40]]]
    half = nn.Upsample(300)
    half.forward(np.ones((1, 1, 1), np.float16))
    dx = half.backward(np.full((1, 1, 300), 2**-11 + 1, np.float16))  # a float16 sum would lag
    assert dx.dtype == np.float16
    assert dx.item() == 300


def test_aligned_corners_are_the_corners():
    x = np.random.default_rng(0).normal(size=(1, 1, 4, 5))
    y = nn.Upsample(3, "linear", True).forward(x)
    assert (y[..., ::11, ::14] == x[..., ::3, ::4]).all()


def test_counts():
    assert nn.Upsample(2).count((3, 4, 5)) == (0, 0, 0, 240, 0)
    # of 8 outputs the first and the last are one cell; inside, each is made of two
    assert nn.Upsample((2,), "linear").count((3, 4)) == (0, 0, 0, 3 * 14, 3 * 14)
    assert nn.Upsample((2,), "linear").count((5, 3, 4)).connections == 5 * 3 * 14
    assert nn.Upsample((1,), "linear").count((3, 4)).connections == 12


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda: nn.Upsample(0), ValueError, "scale must be at least 1, got 0"),
        (lambda: nn.Upsample(1.5), TypeError, r"scale must be an integer, got 1\.5"),
        (lambda: nn.Upsample((2, -1)), ValueError, "scale must be at least 1, got -1"),
        (lambda: nn.Upsample(()), ValueError, "scale must be an integer or one to three of them"),
        (lambda: nn.Upsample((1,) * 4), ValueError, "scale must be an integer or one to three"),
        (lambda: nn.Upsample(2, "cubic"), ValueError, r"mode must be one of \('nearest', 'linear'"),
        (lambda: nn.Upsample(2, 3), TypeError, "mode must be one of"),
        (
            lambda: nn.Upsample(2, align_corners=True),
            ValueError,
            "align_corners must be False with mode 'nearest', got True",
        ),
        (lambda: nn.Upsample(2, align_corners=0), TypeError, "align_corners must be True or False"),
        (
            lambda: nn.Upsample((2, 2)).forward(np.ones((3, 4))),
            ValueError,
            "x must have 4 axes, the batch first, or 3 without",
        ),
    ],
)
def test_refusals(call, kind, words):
    with pytest.raises(kind, match=f"^Upsample: {words}"):
        call()


@pytest.mark.parametrize(
    "words", ["Upsample(2)", "Upsample((1, 3))", "Upsample(2, mode='linear', align_corners=True)"]
)
def test_the_call_that_a_layer_shows_makes_it(words):
    assert repr(eval(words, vars(nn))) == words
