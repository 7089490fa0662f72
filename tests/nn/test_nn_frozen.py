"""Frozen models: what the layers give one after the other, compiled; and the same as ONNX files."""

import copy
import importlib.util
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from convcore import nn, onnx
from convcore.onnx.reader import Source, read_model

pytestmark = pytest.mark.auto
CLASSES = {
    name: item
    for name in nn.__all__
    if isinstance(item := getattr(nn, name), type)
    and issubclass(item, nn.Layer)
    and item is not nn.Layer
}
SIZES = {1: (8,), 2: (7, 8), 3: (5, 6, 7)}
# Results that may differ in the last digits: other sums, or another formula of the same function.
CLOSE = ("BatchNorm", "Linear", "SiLU", "GELU", "Hardswish", "Hardsigmoid", "Sigmoid", "ELU",
         "Softmax", "Tanh")  # fmt: skip
# ONNX has no operators for these.
NOT_PORTABLE = ("Local", "Tiled", "Weighted")


def made(name, dtype=np.float32):
    """A layer of a class, and the shape of an example for it."""
    make, axes = CLASSES[name], int(name[-2]) if name[-2:-1].isdigit() and name[-1] == "d" else 2
    shape, start = (4, *SIZES[axes]), {"rng": 3, "dtype": dtype}
    if name.startswith("Local"):
        return make(4, 6, 3, input_size=SIZES[axes], **start), shape
    if name.startswith("Tiled"):
        return make(4, 6, 2, period=2, **start), shape
    if name.startswith("ConvTranspose"):
        return make(4, 6, 3, 2, 1, groups=2, **start), shape
    if name.startswith("Conv"):
        return make(4, 6, 3, padding="same", groups=2, **start), shape
    if name.startswith("BatchNorm"):
        return make(4, dtype=dtype), shape
    if name.startswith("Weighted"):
        return make(np.arange(1.0, 3**axes + 1).reshape((3,) * axes)), shape
    if name.startswith("Adaptive"):
        return make(1), shape
    if "Pool" in name:
        return make(2), shape
    return {
        "Linear": lambda: (make(7, 5, **start), (7,)),
        "Subsample2d": lambda: (make(4, dtype=dtype), (4, 6, 8)),
        "LayerNorm": lambda: (make((7, 8), dtype=dtype), shape),
        "GroupNorm": lambda: (make(2, 4, dtype=dtype), shape),
        "PReLU": lambda: (make(4, dtype=dtype), shape),
        "Residual": lambda: (make(nn.Conv2d(4, 4, 3, padding="same", **start)), shape),
        "Add": lambda: (make(nn.Tanh(), nn.Conv2d(4, 4, 1, **start), nn.Identity()), shape),
        "Concat": lambda: (make(nn.Conv2d(4, 2, 1, **start), nn.Sequential(nn.ReLU())), shape),
        "Sequential": lambda: (make(nn.ReLU(), nn.Conv2d(4, 2, 1, **start)), shape),
    }.get(name, lambda: (make(), shape))()


def settled(model, seed=0):
    """The model with numbers in all its arrays that training might have left."""
    rng = np.random.default_rng(seed)
    for array in model.state().values():
        if array.ndim <= 1 or array.shape == ():
            array[...] = rng.uniform(0.4, 1.6, array.shape)
    return model


def examples(shape, dtype=np.float32, batch=3, seed=1):
    x = np.random.default_rng(seed).standard_normal((batch, *shape))
    return (4 * x).astype(dtype) if np.dtype(dtype).kind == "i" else x.astype(dtype)


def stacks(name, dtype=np.float32):
    """Models with a layer: alone, between others, and before what might be folded into it."""
    layer, shape = made(name, dtype)
    yield "alone", settled(nn.Sequential(layer)), shape
    layer, _ = made(name, dtype)
    out = layer.output_shape(shape)
    yield "then relu", settled(nn.Sequential(layer, nn.ReLU())), shape
    norm = {1: nn.BatchNorm1d, 2: nn.BatchNorm1d, 3: nn.BatchNorm2d, 4: nn.BatchNorm3d}[len(out)]
    layers = [made(name, dtype)[0], norm(out[0], dtype=dtype), nn.PReLU(out[0], dtype=dtype)]
    yield "then norm, prelu", settled(nn.Sequential(*layers)), shape
    layers = [made(name, dtype)[0], nn.Residual(nn.Identity()), nn.LeakyReLU(0.3)]
    yield "then twice", settled(nn.Sequential(*layers)), shape
    if len(shape) > 1:
        conv = {2: nn.Conv1d, 3: nn.Conv2d, 4: nn.Conv3d}[len(shape)]
        first = conv(4, 4, 3, padding="same", rng=7, dtype=dtype)
        yield "after conv", settled(nn.Sequential(first, made(name, dtype)[0])), shape


def assert_same(found, wanted, exact):
    assert (found.shape, found.dtype) == (wanted.shape, wanted.dtype)
    if exact:
        np.testing.assert_array_equal(found, wanted)
        return
    digits = 1e-6 if wanted.dtype == np.float32 else 1e-13
    scale = np.abs(wanted).max(initial=0)
    np.testing.assert_allclose(found, wanted, rtol=10 * digits, atol=3 * digits * scale)


def is_exact(name, how):
    """Whether nothing in a model is computed another way when it is frozen."""
    return "norm" not in how and not name.startswith(CLOSE)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CLASSES)
def test_frozen_models_give_what_their_layers_give(name, dtype):
    for how, model, shape in stacks(name, dtype):
        x = examples(shape, dtype)
        wanted = [model.forward(part) for part in (x, x[:1], x[0] if model.axes else x)]
        model.freeze()
        for _ in range(2):
            for part, result in zip((x, x[:1], x[0] if model.axes else x), wanted, strict=True):
                assert_same(model.forward(part), result, is_exact(name, how))
        assert model._network is not None, how
        empty = model.forward(x[:0])
        assert empty.shape == (0, *wanted[0].shape[1:])
        assert empty.dtype == dtype


@pytest.mark.parametrize("dtype", [np.float16, np.int16, np.float64])
@pytest.mark.parametrize("name", CLASSES)
def test_inputs_of_other_dtypes_take_the_layers_way(name, dtype):
    """A model of float32 has a network for float32."""
    layer, shape = made(name)
    model = settled(nn.Sequential(layer))
    x = examples(shape, dtype)
    wanted = model.forward(x)
    model.freeze()
    y = model.forward(x)
    assert y.dtype == wanted.dtype
    if dtype != np.float64 or model.parameters():
        assert y.tobytes() == wanted.tobytes()
        assert model._network is None
    else:
        assert_same(y, wanted, is_exact(name, ""))
        x = examples(shape)  # it was made for float64; float32 is as good
        assert model.forward(x).dtype == np.float32


def net(dtype=np.float32):
    """A model with everything that is folded and fused."""
    start = {"dtype": dtype}
    return settled(nn.Sequential({
        "stem": nn.Conv2d(3, 8, 3, 2, "same", rng=0, **start),
        "norm": nn.BatchNorm2d(8, **start),
        "act": nn.ReLU(),
        "block": nn.Residual(
            nn.Conv2d(8, 8, 3, padding="same", rng=1, **start), nn.BatchNorm2d(8, **start)
        ),
        "act2": nn.ReLU6(),
        "both": nn.Concat(
            nn.Sequential(nn.Conv2d(8, 4, 1, rng=2, **start), nn.SiLU()), nn.MaxPool2d(3, 1, 1)
        ),
        "up": nn.ConvTranspose2d(12, 6, 2, 2, rng=3, **start),
        "norm2": nn.BatchNorm2d(6, **start),
        "pool": nn.AdaptiveAvgPool2d(1),
        "flat": nn.Flatten(),
        "head": nn.Linear(6, 4, rng=4, **start),
        "soft": nn.Softmax(),
    }))  # fmt: skip


X = examples((3, 12, 13))


def trained(model, x=X):
    labels = np.arange(len(x)) % 4
    nn.fit(model, x, labels, optimizer=nn.SGD(0.05), epochs=2, rng=0, progress=False)
    model.train(False)


def test_what_a_network_is_of():
    model = net()
    found = [row.operator for row in model.explain((3, 12, 13))]
    assert found == ["conv2d + relu", "conv2d + clip", "conv2d + silu", "convcore.max_pool2d",
                     "Concat", "conv_transpose2d", "convcore.adaptive_avg_pool2d", "Flatten",
                     "MatMul", "Softmax"]  # fmt: skip
    assert not model._frozen


def test_freeze_train_and_freeze_again():
    model = net()
    model.freeze()
    first = model.forward(X)
    with pytest.raises(ValueError, match="frozen"):
        model.backward(first)
    model.unfreeze()
    trained(model)
    wanted = model.forward(X)
    assert np.abs(wanted - first).max() > 1e-3
    model.freeze()
    assert_same(model.forward(X), wanted, exact=False)
    for _ in range(2):  # frozen twice is frozen once
        model.freeze()
    model.unfreeze()
    assert model.forward(X).tobytes() == wanted.tobytes()
    assert model.backward(wanted) is not None


def test_an_array_in_the_place_of_a_parameter():
    model = net()
    model.freeze()
    first = model.forward(X)
    model["head"].weight = model["head"].weight * 3
    model.freeze()
    assert np.abs(model.forward(X) - first).max() > 1e-3


def test_layers_that_change_while_a_tree_is_frozen():
    inner = nn.Sequential(nn.Conv2d(3, 4, 3, rng=0))
    model = nn.Sequential(inner, nn.ReLU())
    model.freeze()
    first = model.forward(X)
    inner.append(nn.Tanh())  # one that is not frozen
    assert_same(model.forward(X), np.tanh(first), exact=False)
    model.freeze()
    assert_same(model.forward(X), np.tanh(first), exact=False)
    assert model._network is not None
    del inner[1]
    assert_same(model.forward(X), first, exact=True)
    model[1] = nn.Identity()
    assert (model.forward(X) < 0).any()
    model.freeze()
    assert (model.forward(X) < 0).any()
    inner.unfreeze()
    inner[0].weight *= 2
    y = model.forward(X)
    assert y.tobytes() == nn.Sequential(inner).forward(X).tobytes()


@pytest.mark.parametrize(
    "twin", [copy.deepcopy, copy.copy, lambda m: pickle.loads(pickle.dumps(m))]
)
def test_copies(twin):
    model = net()
    model.freeze()
    wanted = model.forward(X)
    other = twin(model)
    assert other._network is None or twin is copy.copy
    assert other.forward(X).tobytes() == wanted.tobytes()
    if twin is not copy.copy:  # which shares the layers
        assert not any(array.flags.writeable for array in other.state().values())
        other.unfreeze()
        trained(other)
        assert model.forward(X).tobytes() == wanted.tobytes()


class Scale(nn.Layer):
    """A user's own layer."""

    arrays = ("weight",)

    def __init__(self):
        super().__init__()
        self.weight = np.float32([3])

    def _forward(self, x):
        return self.weight * x, x

    def _backward(self, grad, kept, need_dx):
        self.gradients = {"weight": np.atleast_1d((grad * kept).sum())}
        return self.weight * grad


def test_a_layer_of_a_user():
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3, rng=0), Scale(), nn.ReLU(), nn.Sequential(Scale(), nn.Tanh())
    )
    wanted = model.forward(X)
    model.freeze()
    for _ in range(3):
        assert model.forward(X).tobytes() == wanted.tobytes()
    assert [row.operator for row in model.explain((3, 12, 13))] == [
        "conv2d", "convcore.Call", "Relu", "convcore.Call", "Tanh"
    ]  # fmt: skip
    model.unfreeze()
    model[1].weight[...] = 1
    model.freeze()
    assert (model.forward(X) != wanted).any()


def test_an_error_inside_names_the_node():
    class Odd(nn.Layer):
        def _forward(self, x):
            raise ValueError("Odd: no")

    model = nn.Sequential({"odd": Odd()})
    model.freeze()
    with pytest.raises(ValueError, match="Odd: no") as caught:
        model.forward(X)
    assert "in node 'odd.Call', convcore.Call" in caught.value.__notes__


def test_results_and_inputs_are_the_caller_s_own():
    model = nn.Sequential(nn.Identity())
    model.freeze()
    x = X.copy()
    y = model.forward(x)
    y += 1
    assert (x == X).all()
    model = net()
    model.freeze()
    kept = [model.forward(X) for _ in range(3)]
    copies = [y.copy() for y in kept]
    model.forward(-X)
    assert all((y == other).all() for y, other in zip(kept, copies, strict=True))
    assert (x == X).all()


def test_trees_in_trees():
    def deep(levels):
        inside = nn.Sequential(nn.Conv2d(3, 3, 1, rng=levels), nn.ReLU())
        return nn.Residual(inside, nn.Sequential(deep(levels - 1))) if levels else inside

    model = nn.Sequential(deep(12))
    wanted = model.forward(X)
    model.freeze()
    assert_same(model.forward(X), wanted, exact=True)
    assert model[0]._network is None  # the outermost alone has one
    assert_same(model[0].forward(X), wanted, exact=True)


def test_a_part_of_a_frozen_model():
    model = net()
    wanted = model[:3].forward(X)
    model.freeze()
    part = model[:3]
    part.freeze()
    assert_same(part.forward(X), wanted, exact=False)


def test_a_layer_that_is_there_twice_is_refused():
    inner, layer = nn.Sequential(nn.ReLU()), nn.ReLU()
    model = nn.Sequential(inner, layer)
    inner.append(layer)
    model.freeze()
    with pytest.raises(ValueError, match="layers must be distinct"):
        model.forward(X)


def test_threads():
    model = net()
    model.freeze()
    given = [examples((3, 12 + i % 3, 13), seed=i) for i in range(8)]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(model.forward, given * 4))
    for i, y in enumerate(results):
        assert y.tobytes() == model.forward(given[i % 8]).tobytes()


@pytest.mark.parametrize("name", ["lenet5", "unet", "resnet18", "mobilenet_v2"])
def test_known_models_are_as_before(name):
    model = getattr(nn.models, name)(rng=0)
    x = examples((1 if name in ("lenet5", "unet") else 3, 32, 32), batch=2)
    model.train()
    model.forward(x)  # the statistics of these
    model.train(False)
    wanted = model.forward(x)
    model.freeze()
    for _ in range(2):
        y = model.forward(x)
        np.testing.assert_allclose(y, wanted, rtol=1e-4, atol=1e-5 * np.abs(wanted).max())


# --- as files -------------------------------------------------------------------------------------


def network_of(data):
    """What runs a file: ONNX Runtime where it is, and this library."""
    network = onnx.load(data)
    yield lambda x: network.run(x)["output"]
    if importlib.util.find_spec("onnxruntime") is not None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        yield lambda x: session.run(None, {"input": x})[0]


@pytest.mark.parametrize("name", CLASSES)
def test_export(name):
    for _, model, shape in stacks(name):
        if name.startswith(NOT_PORTABLE):
            with pytest.raises(ValueError, match=rf"^onnx\.export: .* got {name}.* in layer '"):
                onnx.export(model, shape)
            continue
        x = examples(shape)
        wanted, data = model.forward(x), onnx.export(model, shape)
        for run in network_of(data):
            y = run(x)
            assert (y.shape, y.dtype) == (wanted.shape, wanted.dtype)
            np.testing.assert_allclose(y, wanted, rtol=2e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CLASSES)
def test_export_is_valid(name, dtype):
    """Every value has the type that its operator asks for."""
    checker = pytest.importorskip("onnx.checker")
    if name.startswith(NOT_PORTABLE):
        pytest.skip("ONNX has no operator for it")
    for _, model, shape in stacks(name, dtype):
        checker.check_model(onnx.export(model, shape), full_check=True)


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_numbers_of_layers_have_the_model_s_dtype(dtype):
    """Also of those that hold none of their own."""
    first = nn.Conv2d(4, 4, 1, rng=0, dtype=dtype)
    more = (nn.ReLU6(), nn.Tanh(scaled=True), nn.LayerNorm((7, 8), affine=False),
            nn.GroupNorm(2, 4, affine=False), nn.BatchNorm2d(4, affine=False, dtype=dtype),
            nn.Subsample2d(4, dtype=dtype))  # fmt: skip
    model = nn.Sequential(first, *more)
    graph = read_model(Source(onnx.export(model, (4, 7, 8)), None))
    kinds = {
        name: array.dtype
        for name, array in graph.constants.items()
        if "running" not in name  # statistics of float16 are float32
    }
    assert set(kinds.values()) == {np.dtype(dtype)}, kinds


OPTIONS = {
    "last": (lambda: nn.Conv2d(4, 6, 3, layout="NHWC", rng=0), (7, 8, 4)),
    "last, pooled": (lambda: nn.MaxPool2d(2, layout="NHWC"), (7, 8, 4)),
    "flip": (lambda: nn.Conv2d(4, 6, (3, 2), flip=True, rng=0), (4, 7, 8)),
    "edge": (lambda: nn.Conv2d(4, 6, 3, padding=((1, 2), (0, 1)), border="edge", rng=0), (4, 7, 8)),
    "reflect": (lambda: nn.Conv1d(4, 6, 3, padding=2, border="reflect", rng=0), (4, 8)),
    "wrap": (lambda: nn.Conv2d(4, 6, 3, padding=1, border="wrap", rng=0), (4, 7, 8)),
    "sides": (
        lambda: nn.Conv2d(4, 6, 3, padding=2, border=(("edge", 1.5), ("reflect", "wrap")), rng=0),
        (4, 7, 8),
    ),
    "constant": (lambda: nn.Conv1d(4, 6, 3, padding=2, border=-2.0, rng=0), (4, 8)),
    "border of maxima": (lambda: nn.MaxPool2d(3, 1, 1, border=("wrap", -9.0)), (4, 7, 8)),
    "border of averages": (
        lambda: nn.AvgPool2d(3, 2, 1, border=("zeros", ("wrap", 2.0))), (4, 7, 8)
    ),
    "table": (lambda: nn.Conv2d(3, 4, 3, connections=np.eye(4, 3) > 0, rng=0), (3, 7, 8)),
    "ceil": (lambda: nn.MaxPool2d(3, 2, 1, ceil_mode=True), (4, 7, 8)),
    "counted": (lambda: nn.AvgPool2d(3, 2, 1, count_include_pad=True), (4, 7, 8)),
    "ceil average": (lambda: nn.AvgPool2d(3, 2, ceil_mode=True), (4, 8, 10)),
    "p": (lambda: nn.LpPool2d(2, p=3), (4, 7, 8)),
    "linear": (lambda: nn.Upsample(2, "linear"), (4, 5, 6)),
    "corners": (lambda: nn.Upsample(3, "linear", align_corners=True), (4, 5, 6)),
    "scaled": (lambda: nn.Tanh(scaled=True), (4, 7)),
    "plain": (lambda: nn.LayerNorm((8,), affine=False), (4, 7, 8)),
    "one slope": (lambda: nn.PReLU(1), (4, 7, 8)),
    "output padding": (
        lambda: nn.ConvTranspose2d(4, 6, 3, 2, 1, output_padding=(1, 0), rng=0), (4, 7, 8)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OPTIONS)
def test_options(name):
    """Frozen and exported, each followed by what is fused if channels are where it thinks."""
    build, shape = OPTIONS[name]
    layer = build()
    out = layer.output_shape(shape)
    norm = {1: nn.BatchNorm1d, 2: nn.BatchNorm1d, 3: nn.BatchNorm2d}[len(out)](out[0])
    model = settled(nn.Sequential(layer, norm, nn.PReLU(out[0])))
    x = examples(shape)
    wanted, data = model.forward(x), onnx.export(model, shape)
    for run in network_of(data):
        np.testing.assert_allclose(run(x), wanted, rtol=2e-5, atol=1e-5)
    model.freeze()
    assert_same(model.forward(x), wanted, exact=False)


@pytest.mark.parametrize(
    ("layer", "shape", "words"),
    [
        (lambda: nn.Conv2d(4, 6, 3, padding=1, border="symmetric", rng=0), (4, 7, 8), "symmetric"),
        (lambda: nn.ConvTranspose2d(4, 6, 3, padding=1, border="edge", rng=0), (4, 7, 8), "edge"),
        (lambda: nn.AvgPool2d(3, 2, 1, ceil_mode=True, border=1.0), (4, 7, 8), "ceil_mode"),
        (lambda: nn.LpPool2d(2, p=2.5), (4, 7, 8), "p = 2.5"),
        (lambda: nn.AdaptiveAvgPool2d(2), (4, 7, 8), "more than one cell"),
        (Scale, (4,), "Scale"),
    ],
)
def test_export_refuses(layer, shape, words):
    with pytest.raises(ValueError, match=rf"onnx\.export: .*{words}.* in layer 'odd'"):
        onnx.export(nn.Sequential({"odd": layer()}), shape)


def test_batches_of_any_size_in_turn():
    """Weights are packed by sizes: none may be read as another batch's."""
    model = settled(nn.models.resnet18(10, small=True, rng=0))
    x = examples((3, 32, 32), batch=3)
    wanted = model.forward(x)
    model.freeze()
    for part in (slice(3), slice(1), slice(2), slice(1, 3), slice(3)):
        np.testing.assert_allclose(model.forward(x[part]), wanted[part], rtol=1e-4, atol=1e-4)


def test_freeze_for_inputs_of_a_shape() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3, rng=0), nn.ReLU())
    with pytest.raises(ValueError, match="input_shape must be given here or to freeze"):
        model.explain()
    model.freeze((1, 6, 6))
    assert [row.operator for row in model.explain()] == ["conv2d + relu"]
    assert model.explain((3, 1, 8, 8))[0].shape == (3, 2, 6, 6)
    model.unfreeze()
    with pytest.raises(ValueError, match="input_shape"):
        model.explain()
    with pytest.raises(ValueError, match="channels"):
        model.freeze((2, 6, 6))
