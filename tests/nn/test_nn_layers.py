"""Every layer of convcore.nn: shapes without running, gradients by differences, refusals."""

import copy
import pickle

import numpy as np
import pytest

import convcore
from convcore import distance_window, geometry, nn
from convcore.connections import lenet5_c3

F64 = {"dtype": np.float64, "rng": 0}

# A layer, in float64 where it has weights, and the shape of one example for it.
LAYERS = {
    "Conv1d": (lambda: nn.Conv1d(2, 3, 3, 2, ((1, 0),), **F64), (2, 8)),
    "Conv2d": (lambda: nn.Conv2d(2, 4, (3, 2), (2, 1), "same", groups=2, **F64), (2, 5, 6)),
    "Conv2d dilated": (lambda: nn.Conv2d(2, 3, 2, 1, 1, (2, 1), bias=False, **F64), (2, 5, 4)),
    "Conv2d table": (lambda: nn.Conv2d(6, 16, 2, connections=lenet5_c3(), **F64), (6, 3, 3)),
    "Conv1d wrap": (lambda: nn.Conv1d(2, 3, 3, 2, 5, border="wrap", flip=True, **F64), (2, 4)),
    "Conv2d border": (
        lambda: nn.Conv2d(
            2, 4, (3, 2), (1, 2), "same", (2, 1), 2, border="reflect", flip=True, **F64
        ),
        (2, 5, 4),
    ),
    "Conv2d table border": (
        lambda: nn.Conv2d(
            6, 16, 2, padding=1, border="symmetric", flip=True, connections=lenet5_c3(), **F64
        ),
        (6, 3, 3),
    ),
    "Conv3d edge": (
        lambda: nn.Conv3d(1, 2, 2, padding=(1, 0, 2), border="edge", **F64),
        (1, 2, 3, 3),
    ),
    "Conv3d": (lambda: nn.Conv3d(1, 2, 2, padding=(1, 0, 0), **F64), (1, 2, 3, 3)),
    "LocalConv2d": (lambda: nn.LocalConv2d(2, 3, 3, 1, 1, input_size=(4, 5), **F64), (2, 4, 5)),
    "TiledConv2d": (lambda: nn.TiledConv2d(2, 3, 2, period=(2, 3), **F64), (2, 5, 6)),
    "ConvTranspose2d": (
        lambda: nn.ConvTranspose2d(4, 6, 3, 2, 1, groups=2, output_padding=1, **F64),
        (4, 3, 2),
    ),
    "ConvTranspose1d": (lambda: nn.ConvTranspose1d(2, 3, 3, 2, dilation=2, **F64), (2, 4)),
    "ConvTranspose3d": (lambda: nn.ConvTranspose3d(2, 2, 2, 2, **F64), (2, 2, 2, 2)),
    "LocalConv1d": (lambda: nn.LocalConv1d(2, 3, 3, input_size=6, **F64), (2, 6)),
    "LocalConv3d": (lambda: nn.LocalConv3d(1, 2, 2, input_size=3, **F64), (1, 3, 3, 3)),
    "TiledConv1d": (lambda: nn.TiledConv1d(2, 3, 2, period=2, **F64), (2, 6)),
    "TiledConv3d": (lambda: nn.TiledConv3d(1, 2, 2, period=(1, 2, 1), **F64), (1, 3, 3, 3)),
    "Conv2d channels last": (
        lambda: nn.Conv2d(2, 4, (3, 2), groups=2, layout="NHWC", **F64),
        (5, 6, 2),
    ),
    "Conv2d sides": (
        lambda: nn.Conv2d(2, 3, 3, 1, 2, border=(("edge", 1.5), "wrap"), **F64),
        (2, 4, 5),
    ),
    "ConvTranspose2d border": (
        lambda: nn.ConvTranspose2d(2, 3, 3, 2, 1, border=("reflect", ("wrap", -1.0)), **F64),
        (2, 3, 4),
    ),
    "LocalConv2d border": (
        lambda: nn.LocalConv2d(2, 3, 3, 1, 1, input_size=(4, 5), border=(2.0, "edge"), **F64),
        (2, 4, 5),
    ),
    "TiledConv1d border": (
        lambda: nn.TiledConv1d(2, 3, 3, 1, 2, period=2, border=(("wrap", 0.5),), **F64),
        (2, 6),
    ),
    "MaxPool2d border": (lambda: nn.MaxPool2d(3, 1, 1, border=("wrap", -9.0)), (2, 4, 5)),
    "AvgPool2d border": (lambda: nn.AvgPool2d(3, 2, 1, border=("zeros", "wrap")), (2, 5, 6)),
    "LpPool1d border": (lambda: nn.LpPool1d(3, 1, 2, p=3, border=(("edge", 2.0),)), (2, 5)),
    "L2Pool3d border": (lambda: nn.L2Pool3d(2, 1, 1, border="symmetric"), (1, 2, 3, 2)),
    "WeightedPool1d border": (
        lambda: nn.WeightedPool1d([1.0, 2.0, 1.0], 1, 1, border="reflect"),
        (2, 5),
    ),
    "Linear": (lambda: nn.Linear(7, 5, **F64), (7,)),
    "Linear, no bias": (lambda: nn.Linear(7, 5, bias=False, **F64), (7,)),
    "Subsample2d": (lambda: nn.Subsample2d(3, 2, dtype=np.float64), (3, 4, 6)),
    "Subsample2d overlapping": (
        lambda: nn.Subsample2d(2, (3, 2), (1, 2), dtype=np.float64),
        (2, 5, 5),
    ),
    "MaxPool2d": (lambda: nn.MaxPool2d(3, 2, 1, ceil_mode=True), (2, 6, 5)),
    "AvgPool2d": (lambda: nn.AvgPool2d((2, 3), 1, (0, 1), count_include_pad=True), (2, 4, 5)),
    "LpPool2d": (lambda: nn.LpPool2d(2, p=3), (2, 4, 4)),
    "WeightedPool2d": (lambda: nn.WeightedPool2d(distance_window((3, 3)), 2, 1), (2, 5, 5)),
    "AdaptiveMaxPool2d": (lambda: nn.AdaptiveMaxPool2d((2, None)), (2, 5, 3)),
    "AdaptiveAvgPool2d": (lambda: nn.AdaptiveAvgPool2d(3), (2, 5, 7)),
    "MaxPool1d": (lambda: nn.MaxPool1d(3, 2, 1), (2, 6)),
    "MaxPool3d channels last": (lambda: nn.MaxPool3d(2, layout="NDHWC"), (4, 3, 2, 2)),
    "AvgPool1d": (lambda: nn.AvgPool1d(3, padding=1, ceil_mode=True), (2, 6)),
    "AvgPool3d": (lambda: nn.AvgPool3d((2, 1, 2)), (2, 4, 2, 3)),
    "LpPool1d": (lambda: nn.LpPool1d(2, p=1.5), (2, 5)),
    "LpPool3d": (lambda: nn.LpPool3d(2, p=3), (1, 2, 3, 4)),
    "L2Pool1d": (lambda: nn.L2Pool1d(2), (2, 5)),
    "L2Pool2d": (lambda: nn.L2Pool2d(2, 1, 1), (2, 3, 4)),
    "L2Pool3d": (lambda: nn.L2Pool3d(2), (1, 2, 3, 4)),
    "WeightedPool1d": (lambda: nn.WeightedPool1d([1.0, 2.0, 1.0], 2, 1), (2, 5)),
    "WeightedPool3d": (
        lambda: nn.WeightedPool3d(np.ones((2, 2, 1)), 1, normalize=False),
        (1, 2, 3, 4),
    ),
    "AdaptiveMaxPool1d": (lambda: nn.AdaptiveMaxPool1d(2), (2, 5)),
    "AdaptiveMaxPool3d": (lambda: nn.AdaptiveMaxPool3d((1, None, 2)), (2, 2, 3, 4)),
    "AdaptiveAvgPool1d": (lambda: nn.AdaptiveAvgPool1d(3, layout="NWC"), (5, 2)),
    "AdaptiveAvgPool3d": (lambda: nn.AdaptiveAvgPool3d(2), (2, 2, 3, 4)),
    "Flatten": (nn.Flatten, (2, 3, 4)),
    "ReLU": (nn.ReLU, (3, 4)),
    "Tanh": (nn.Tanh, (3, 4)),
    "Tanh scaled": (lambda: nn.Tanh(scaled=True), (3, 4)),
    "Sigmoid": (nn.Sigmoid, (3, 4)),
    "Softmax": (nn.Softmax, (5,)),
    "Softmax of maps": (nn.Softmax, (4, 3)),
    "Dropout": (nn.Dropout, (4, 3)),
    "ReLU6": (lambda: nn.ReLU6(), (3, 4)),
    "LeakyReLU": (lambda: nn.LeakyReLU(0.3), (3, 4)),
    "PReLU": (lambda: nn.PReLU(dtype=np.float64), (3, 4)),
    "PReLU of channels": (lambda: nn.PReLU(3, 0.1, dtype=np.float64), (3, 2, 2)),
    "ELU": (lambda: nn.ELU(0.7), (3, 4)),
    "Hardsigmoid": (nn.Hardsigmoid, (3, 4)),
    "Hardswish": (nn.Hardswish, (3, 4)),
    "SiLU": (nn.SiLU, (3, 4)),
    "GELU": (nn.GELU, (3, 4)),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(3, dtype=np.float64), (3, 4)),
    "BatchNorm2d": (lambda: nn.BatchNorm2d(2, 0.1, 0.3, dtype=np.float64), (2, 3, 4)),
    "BatchNorm3d": (lambda: nn.BatchNorm3d(2, affine=False, dtype=np.float64), (2, 2, 2, 3)),
    "LayerNorm": (lambda: nn.LayerNorm(4, dtype=np.float64), (3, 4)),
    "LayerNorm of maps": (lambda: nn.LayerNorm((2, 2), 0.1, dtype=np.float64), (3, 2, 2)),
    "GroupNorm": (lambda: nn.GroupNorm(2, 4, dtype=np.float64), (4, 2, 3)),
    "GroupNorm of rows": (lambda: nn.GroupNorm(2, 6, 0.1, affine=False), (6,)),
    "Upsample": (lambda: nn.Upsample((2, 3)), (2, 2, 3)),
    "Upsample linear": (lambda: nn.Upsample((3, 1, 2), "linear"), (2, 3, 2, 2)),
    "Upsample aligned": (lambda: nn.Upsample(2, "linear", True), (2, 3, 4)),
    "Identity": (nn.Identity, (3, 4)),
    "Add": (lambda: nn.Add(nn.Tanh(), nn.Identity(), nn.PReLU(dtype=np.float64)), (3, 4)),
    "Concat": (lambda: nn.Concat(nn.MaxPool1d(2), nn.Conv1d(2, 1, 2, 2, **F64)), (2, 4)),
    "Residual": (lambda: nn.Residual(nn.Conv1d(2, 2, 3, padding=1, **F64)), (2, 4)),
}


def made(name):
    layer, shape = LAYERS[name][0](), LAYERS[name][1]
    rng = np.random.default_rng(1)
    for array in layer.parameters().values():
        array += rng.normal(size=array.shape) / 8
    return layer, rng.normal(size=(3, *shape)), rng


def in_float32(layer):
    for inside in layer.layers():
        for key in inside.arrays:
            array = getattr(inside, key)
            setattr(inside, key, None if array is None else array.astype(np.float32))


def slope(function, array, step=1e-6):
    """The derivative of a function with respect to each entry of an array."""
    found = np.zeros_like(array)
    for place in np.ndindex(array.shape):
        old = array[place]
        array[place] = old + step
        up = function()
        array[place] = old - step
        found[place] = (up - function()) / (2 * step)
        array[place] = old
    return found


@pytest.mark.parametrize("name", LAYERS)
def test_gradients_are_slopes(name):
    layer, x, rng = made(name)
    grad = rng.normal(size=layer.forward(x).shape)
    dx = layer.backward(grad)
    gradients = dict(layer.gradients)

    def value():
        return float((layer.forward(x) * grad).sum())

    np.testing.assert_allclose(dx, slope(value, x), rtol=1e-5, atol=1e-7)
    assert gradients.keys() == layer.parameters().keys()
    for key, array in layer.parameters().items():
        if name.startswith("Conv2d table") and key == "weight":  # absent pairs have no weight
            assert not gradients[key][~lenet5_c3()].any()
        np.testing.assert_allclose(gradients[key], slope(value, array), rtol=1e-5, atol=1e-7)


@pytest.mark.item("f00")
@pytest.mark.parametrize("name", LAYERS)
def test_the_shape_without_running(name):
    layer, x, _ = made(name)
    assert layer.output_shape(x.shape[1:]) == layer.forward(x).shape[1:]
    if layer.axes is not None:
        assert layer.output_shape(x.shape) == layer.forward(x).shape
        assert layer.output_shape(list(x.shape[1:])) == layer.forward(x).shape[1:]


@pytest.mark.parametrize("name", LAYERS)
def test_counts(name):
    layer, x, _ = made(name)
    numbers = layer.count(x.shape[1:])
    arrays = {key.rpartition(".")[2]: array for key, array in layer.parameters().items()}
    absent = 36 * 4 if name.startswith("Conv2d table") else 0  # 96 pairs, 60 of them connected
    assert numbers.parameters == sum(array.size for array in arrays.values()) - absent
    assert numbers.weights == numbers.parameters - (arrays["bias"].size if "bias" in arrays else 0)
    assert numbers == geometry.count(layer, x.shape[1:])
    if layer.operator is not None and layer.axes != 1:
        assert numbers == geometry.count(
            geometry.Layer(layer.operator, layer.weight, layer.bias, **layer.options), x.shape[1:]
        )


@pytest.mark.parametrize("name", LAYERS)
def test_one_example_without_a_batch(name):
    layer, x, rng = made(name)
    if layer.axes is None:
        pytest.skip("takes any number of axes")
    y = layer.forward(x)
    grad = rng.normal(size=y.shape)
    dx = layer.backward(grad)
    assert layer.forward(x[1]).shape == y.shape[1:]
    np.testing.assert_allclose(layer.forward(x[1]), y[1], rtol=1e-12)
    np.testing.assert_allclose(layer.backward(grad[1]), dx[1], rtol=1e-12)
    with pytest.raises(ValueError, match="grad must have the result's shape"):
        layer.backward(grad[1:2])


@pytest.mark.parametrize("name", LAYERS)
def test_an_empty_batch(name):
    layer, x, _ = made(name)
    y = layer.forward(x[:0])
    assert y.shape == (0, *layer.forward(x).shape[1:])
    layer.forward(x[:0])
    assert layer.backward(y).shape == x[:0].shape
    for gradient in layer.gradients.values():
        assert not gradient.any()


@pytest.mark.parametrize("name", LAYERS)
def test_the_gradient_of_x_can_be_left_out(name):
    layer, x, rng = made(name)
    grad = rng.normal(size=layer.forward(x).shape)
    layer.backward(grad)
    all_of = dict(layer.gradients)
    assert layer.backward(grad, need_dx=False) is None
    for key, gradient in layer.gradients.items():
        assert (gradient == all_of[key]).all()


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize(
    "twin",
    [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))],
    ids=["deepcopy", "pickle"],
)
def test_copies_compute_the_same(name, twin):
    layer, x, _ = made(name)
    other = twin(layer)
    assert (other.forward(x) == layer.forward(x)).all()
    for mine, yours in zip(layer.parameters().values(), other.parameters().values(), strict=True):
        assert not np.shares_memory(mine, yours)


@pytest.mark.parametrize("name", LAYERS)
def test_float32_and_threads(name):
    layer, x, _ = made(name)
    in_float32(layer)
    x = x.astype(np.float32)
    results = []
    for threads in (1, 2, 3):
        with convcore.threads(threads):
            y = layer.forward(x)
            grad = np.random.default_rng(2).normal(size=y.shape).astype(np.float32)
            results.append([y, layer.backward(grad), *layer.gradients.values()])
    assert all(array.dtype == np.float32 for array in results[0])
    for other in results[1:]:
        assert all((a == b).all() for a, b in zip(results[0], other, strict=True))


@pytest.mark.parametrize("name", LAYERS)
def test_integers_become_float32(name):
    layer, x, _ = made(name)
    in_float32(layer)
    whole = np.rint(4 * x).astype(np.int8)
    selects = isinstance(layer, (nn.Flatten, nn.Identity)) or name == "Upsample"
    if selects or "max_pool" in (layer.operator or ""):
        assert layer.forward(whole).dtype == np.int8  # nothing is computed
    else:
        assert layer.forward(whole).dtype == np.float32


@pytest.mark.parametrize("name", LAYERS)
def test_its_words(name):
    words = repr(made(name)[0])
    assert words.startswith(name.split(",")[0].split()[0] + "(")
    assert "array(" not in words
    assert len(words) < 120


@pytest.mark.parametrize("name", LAYERS)
def test_backward_needs_a_forward_and_its_shape(name):
    layer, x, _ = made(name)
    with pytest.raises(ValueError, match="call forward"):
        layer.backward(x)
    y = layer.forward(x)
    with pytest.raises(ValueError, match=rf"grad must have .* \({y.shape[0]}, .*got \(2, "):
        layer.backward(y[:2])
    with pytest.raises(TypeError, match=r"grad must have dtype .* got complex128"):
        layer.backward(y.astype(complex))


@pytest.mark.parametrize("name", LAYERS)
def test_frozen(name):
    layer, x, _ = made(name)
    y = layer.forward(x)
    layer.freeze()
    assert (layer.forward(x) == y).all()
    with pytest.raises(ValueError, match="frozen"):
        layer.backward(y)
    for array in layer.parameters().values():
        with pytest.raises(ValueError, match="read-only"):
            array += 1
    layer.unfreeze()
    layer.forward(x)
    layer.backward(y)
    for array in layer.parameters().values():
        array += 1


def test_unfreeze_of_borrowed_memory():
    layer = nn.Linear(2, 2, rng=0)
    layer.weight = np.frombuffer(bytes(16), np.float32).reshape(2, 2)
    layer.freeze()
    layer.unfreeze()
    layer.weight += 1
    assert layer.weight.sum() == 4


def test_the_same_seed_gives_the_same_bits():
    for make in (
        lambda rng: nn.Conv2d(3, 4, 3, rng=rng),
        lambda rng: nn.Linear(9, 4, rng=rng),
        lambda rng: nn.TiledConv2d(1, 2, 3, period=2, rng=rng),
    ):
        assert (make(5).weight == make(5).weight).all()
        assert (make(5).weight == make(np.random.default_rng(5)).weight).all()
        assert (make(5).weight != make(6).weight).any()
        assert (make(None).weight != make(None).weight).any()


def test_weights_keep_the_size_of_sums():
    x = np.random.default_rng(0).normal(size=(500, 400)).astype(np.float32)
    assert 0.9 < nn.Linear(400, 300, rng=0).forward(x).std() < 1.1
    assert 1.3 < nn.Linear(400, 300, rng=0, gain=2**0.5).forward(x).std() < 1.5
    table = nn.Conv2d(6, 16, 5, connections=lenet5_c3(), rng=0).weight
    assert not table[~lenet5_c3()].any()
    few, many = table[0][lenet5_c3()[0]], table[15]
    assert few.std() > 1.2 * many.std()  # 3 maps against 6
    up = nn.ConvTranspose2d(64, 8, 4, 2, rng=0)
    x = np.random.default_rng(0).normal(size=(4, 64, 16, 16)).astype(np.float32)
    assert 0.9 < up.forward(x)[..., 4:-4, 4:-4].std() < 1.1


def test_linear_is_a_product():
    rng = np.random.default_rng(0)
    layer = nn.Linear(300, 70, rng=0)
    x = rng.integers(-4, 5, (33, 300)).astype(np.float32)
    layer.weight[...] = rng.integers(-4, 5, (70, 300))
    layer.bias[...] = rng.integers(-4, 5, 70)
    assert (layer.forward(x) == x @ layer.weight.T + layer.bias).all()
    grad = rng.integers(-4, 5, (33, 70)).astype(np.float32)
    assert (layer.backward(grad) == grad @ layer.weight).all()
    assert (layer.gradients["weight"] == grad.T @ x).all()
    assert (layer.gradients["bias"] == grad.sum(axis=0)).all()


def test_what_a_linear_layer_gives_does_not_depend_on_the_batch():
    layer = nn.Linear(256, 100, rng=0)
    x = np.random.default_rng(0).normal(size=(64, 256)).astype(np.float32)
    whole = layer.forward(x)
    assert all((layer.forward(x[i]) == whole[i]).all() for i in range(0, 64, 7))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_relu_lets_nothing_through_where_it_is_zero(dtype):
    layer = nn.ReLU()
    x = np.array([[-1, 0, 2, np.nan, -np.inf, np.inf]], dtype)
    assert np.array_equal(layer.forward(x), [[0, 0, 2, np.nan, 0, np.inf]], equal_nan=True)
    grad = np.array([[np.inf, np.nan, -3, 5, np.nan, np.inf]], dtype)
    dx = layer.backward(grad)
    assert dx.dtype == dtype
    assert dx.tolist() == [[0, 0, -3, 0, 0, np.inf]]
    x = np.random.default_rng(0).normal(size=(4, 5, 6)).astype(dtype)
    layer.forward(x)
    grad = x[:, ::-1].transpose(0, 1, 2)
    assert (layer.backward(grad) == np.where(x > 0, grad, 0)).all()


def test_dropout():
    layer = nn.Dropout(0.25, rng=0)
    x = np.ones((200, 50), np.float32)
    assert layer.forward(x) is x or (layer.forward(x) == 1).all()
    layer.train()
    y = layer.forward(x)
    assert set(np.unique(y)) == {0, np.float32(1) / np.float32(0.75)}
    assert 0.73 < (y > 0).mean() < 0.77
    assert (layer.backward(x) == y).all()
    assert (nn.Dropout(0.25, rng=0).forward(x) == 1).all()
    layer.train(False)
    assert (layer.forward(x) == 1).all()
    assert (layer.backward(x) == 1).all()


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize(
    "name", [n for n in LAYERS if not n.startswith(("L2", "Lp", "Weighted", "MaxPool2d border"))]
)
def test_what_is_not_finite_goes_through_without_a_warning(name, dtype):
    layer, x, _ = made(name)
    for value in (np.inf, np.nan, np.finfo(dtype).max):
        x = np.full_like(x, value, dtype)
        y = layer.forward(x)
        assert layer.backward(np.full_like(y, value)).shape == x.shape


REFUSED = [
    (lambda: nn.Conv2d(0, 4, 3), ValueError, "Conv2d: in_channels must be at least 1, got 0"),
    (lambda: nn.Conv2d(1, 4.0, 3), TypeError, "Conv2d: out_channels must be an integer, got 4.0"),
    (lambda: nn.Conv2d(1, 4, 0), ValueError, "Conv2d: kernel_size must be at least 1"),
    (lambda: nn.Conv2d(1, 4, (3, 3, 3)), ValueError, "kernel_size must be an integer or 2"),
    (lambda: nn.Conv2d(1, 4, 3, 0), ValueError, "stride must be at least 1"),
    (lambda: nn.Conv2d(1, 4, 3, padding="some"), ValueError, "padding"),
    (lambda: nn.Conv2d(1, 4, 3, padding=-1), ValueError, "padding"),
    (lambda: nn.Conv2d(1, 4, 3, groups=3), ValueError, "groups = 3 must divide in_channels = 1"),
    (
        lambda: nn.Conv2d(6, 4, 3, connections=lenet5_c3()),
        ValueError,
        "(out, in) = (4, 6)",
    ),
    (lambda: nn.Conv2d(1, 4, 3, bias=1), TypeError, "bias must be True or False, got 1"),
    (lambda: nn.Conv2d(1, 4, 3, rng="a"), TypeError, "rng must be a numpy.random.Generator, an"),
    (lambda: nn.Conv2d(1, 4, 3, rng=-1), ValueError, "rng must be at least 0"),
    (lambda: nn.Conv2d(1, 4, 3, gain=np.nan), ValueError, "gain must be at least 0 and finite"),
    (lambda: nn.Conv2d(1, 4, 3, gain="1"), TypeError, "gain must be a number"),
    (lambda: nn.Conv2d(1, 4, 3, dtype=int), TypeError, "dtype must be float16, float32 or float"),
    (lambda: nn.Conv2d(1, 4, 3, dtype="x"), TypeError, "dtype must be"),
    (
        lambda: nn.LocalConv2d(1, 4, 5, input_size=4),
        ValueError,
        "LocalConv2d: kernel must span at most 4 cells",
    ),
    (lambda: nn.TiledConv2d(1, 4, 5, period=0), ValueError, "period must be at least 1"),
    (lambda: nn.ConvTranspose2d(1, 4, 5, output_padding=-1), ValueError, "output_padding"),
    (lambda: nn.Conv2d(10**9, 10**9, 3), ValueError, "Conv2d: a weight of shape .* is too large"),
    (lambda: nn.Conv2d(1, 1, 2**62), ValueError, "Conv2d: a weight of shape .* is too large"),
    (lambda: nn.Linear(10**7, 10**7), MemoryError, "Linear: no memory for a weight of shape"),
    (lambda: nn.TiledConv2d(1, 1, 3, period=2**40), ValueError, "is too large for any memory"),
    (lambda: nn.LocalConv2d(1, 1, 3, input_size=2**40), ValueError, "is too large for any memory"),
    (lambda: nn.Subsample2d(2**58), MemoryError, "Subsample2d: no memory for a weight of shape"),
    (lambda: nn.Subsample2d(2**61), ValueError, "Subsample2d: a weight of shape .* is too large"),
    (lambda: nn.Linear(0, 1), ValueError, "Linear: in_features must be at least 1"),
    (lambda: nn.Subsample2d(0), ValueError, "Subsample2d: channels"),
    (lambda: nn.MaxPool2d(0), ValueError, "MaxPool2d: kernel_size must be at least 1"),
    (lambda: nn.MaxPool2d(2, ceil_mode=1), TypeError, "ceil_mode must be True or False"),
    (lambda: nn.LpPool2d(2, p=0), ValueError, "p must be"),
    (lambda: nn.WeightedPool2d([1.0, 2.0]), ValueError, "window must have 2 axes"),
    (lambda: nn.AdaptiveAvgPool2d(0), ValueError, "output_size must be at least 1"),
    (lambda: nn.AdaptiveMaxPool2d((1, 2, 3)), ValueError, "output_size must be"),
    (lambda: nn.Dropout(1), ValueError, "Dropout: p must be at least 0 and less than 1"),
    (lambda: nn.Tanh(scaled=1), TypeError, "scaled must be True or False"),
    (
        lambda: nn.Conv2d(3, 4, 3, rng=0).forward(np.ones((2, 1, 8, 8))),
        ValueError,
        r"Conv2d: x must have 3 channels, got 1 in shape (1, 8, 8)",
    ),
    (
        lambda: nn.Conv2d(3, 4, 3, rng=0).forward(np.ones((2, 8))),
        ValueError,
        r"x must have 4 axes, the batch first, or 3 without a batch, got shape (2, 8)",
    ),
    (
        lambda: nn.Conv2d(3, 4, 3, rng=0).forward(np.ones((3, 2, 2))),
        ValueError,
        "Conv2d: kernel must span at most 2 cells",
    ),
    (lambda: nn.Conv2d(3, 4, 3, rng=0).forward("image"), TypeError, "Conv2d: x must have dtype"),
    (
        lambda: nn.Linear(3, 4, rng=0).forward(np.ones((2, 5))),
        ValueError,
        "Linear: x must have 3 features, got 5",
    ),
    (
        lambda: nn.LocalConv2d(1, 2, 3, input_size=8, rng=0).forward(np.ones((1, 8, 9))),
        ValueError,
        r"LocalConv2d: x must have (8, 8) cells (input_size), got (8, 9) in shape (1, 8, 9)",
    ),
    (
        lambda: nn.MaxPool2d(3).forward(np.ones((1, 2, 2))),
        ValueError,
        "kernel must span at most 2",
    ),
    (lambda: nn.Subsample2d(3).forward(np.ones((1, 2, 2))), ValueError, "must have 3 channels"),
    (lambda: nn.ReLU().forward(1.0), ValueError, "ReLU: x must have a batch axis"),
    (
        lambda: nn.ReLU().forward(np.ones(3, complex)),
        TypeError,
        "ReLU: x must .* got complex128",
    ),
    (lambda: nn.Conv2d(1, 4, 3).output_shape(5), TypeError, "shape must be a tuple of integers"),
    (lambda: nn.Conv2d(1, 4, 3).output_shape((1, 5)), ValueError, "shape must have 4 axes"),
    (
        lambda: nn.Conv2d(1, 4, 3).count((2, 5, 5)),
        ValueError,
        "Conv2d: x must have 1 channels, got 2 in shape (2, 5, 5)",
    ),
]


@pytest.mark.parametrize(
    ("call", "kind", "words"), REFUSED, ids=[f"{i}" for i in range(len(REFUSED))]
)
def test_refusals(call, kind, words):
    with pytest.raises(kind, match=words.replace("(", r"\(").replace(")", r"\)")):
        call()
