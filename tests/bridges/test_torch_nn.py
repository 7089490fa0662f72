"""`convcore.torch.nn`, `to_torch` and `from_torch`: the layers of `convcore.nn` as modules."""

import copy
import inspect
import io

import numpy as np
import pytest

from convcore import nn
from convcore.spec.registry import AXES, OPERATORS, class_name
from tests.tables.bridges import having

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
bridge = pytest.importorskip("convcore.torch")

TABLE = np.array([[True, False], [True, True], [False, True]])

# of a kind: arguments of the constructor, each for d axes
ARGUMENTS = {
    "conv": [((2, 3, 3), {"padding": 1, "border": "wrap"}), ((2, 3, 3), {"connections": TABLE}),
             ((2, 4, 2), {"groups": 2, "bias": False}), ((2, 3, 2), {"nan": "ignore"})],
    "conv_transpose": [((2, 3, 2, 2), {}), ((2, 4, 3), {"groups": 2, "padding": 1})],
    "local_conv": [((2, 3, 2), {"input_size": 5})],
    "tiled_conv": [((2, 3, 2), {"period": 2})],
    "max_pool": [((2,), {}), ((3, 1, 1), {"nan": "ignore"})],
    "avg_pool": [((2,), {}), ((3, 2, 1), {"count_include_pad": True})],
    "lp_pool": [((2,), {"p": 3.0})],
    "l2_pool": [((2,), {})],
    "weighted_pool": [(None, {}), (None, {"normalize": False})],
    "adaptive_avg_pool": [((2,), {})],
    "adaptive_max_pool": [((2,), {})],
}  # fmt: skip

MADE = [
    (kind, axes, *given)
    for kind in having("torch", "call")
    for axes in AXES
    for given in ARGUMENTS[kind]
]


def make(module, kind, axes, positional, options):
    """A layer or a module; weights begin with the same numbers."""
    if positional is None:
        positional = (np.arange(1.0, 1 + 2**axes).reshape([2] * axes),)
    more = {"rng": 3} if OPERATORS[kind].has_weight else {}
    return getattr(module, class_name(kind, axes))(*positional, **options, **more)


def image(axes, seed=0):
    return np.random.default_rng(seed).normal(size=(2, 2, *[5] * axes)).astype(np.float32)


@pytest.mark.parametrize("made", MADE, ids=str)
def test_modules_are_layers(made):
    _, axes, _, options = made
    layer, module = make(nn, *made), make(bridge.nn, *made)
    assert repr(module) == repr(layer)
    assert list(module.state_dict()) == list(layer.state())
    for name, tensor in module.state_dict().items():
        assert np.array_equal(tensor.numpy(), layer.state()[name])
    x = image(axes)
    if "nan" in options:
        x[0, 0, 2] = np.nan
    with torch.no_grad():
        assert np.array_equal(module(torch.tensor(x)).numpy(), layer.forward(x), equal_nan=True)


@pytest.mark.parametrize("made", MADE, ids=str)
def test_there_and_back(made):
    layer = make(nn, *made)
    module = bridge.to_torch(layer)
    assert type(module) is getattr(bridge.nn, type(layer).__name__)
    again = bridge.from_torch(module)
    assert repr(again) == repr(layer)
    x = image(made[1])
    assert np.array_equal(again.forward(x), layer.forward(x), equal_nan=True)
    for name, array in again.state().items():  # copies
        assert not np.shares_memory(array, layer.state()[name])
        assert not np.shares_memory(array, module.state_dict()[name].numpy())


@pytest.mark.parametrize("kind", OPERATORS)
@pytest.mark.parametrize("axes", AXES)
def test_classes(kind, axes):
    name = class_name(kind, axes)
    ours, theirs = getattr(bridge.nn, name), getattr(nn, name)
    assert issubclass(ours, torch.nn.Module)
    assert (ours.__name__, ours.__module__) == (name, "convcore.torch.nn")
    parameters = inspect.signature(ours).parameters
    assert list(parameters) == list(inspect.signature(theirs).parameters)
    assert "Examples" in ours.__doc__


def test_public_names():
    names = {class_name(kind, axes) for kind in OPERATORS for axes in AXES}
    assert {*bridge.nn.__all__} == names
    assert sorted(bridge.nn.__all__) == bridge.nn.__all__ == dir(bridge.nn)


def test_seeds_and_dtypes():
    torch.manual_seed(5)
    first = bridge.nn.Conv2d(2, 3, 3)
    torch.manual_seed(5)
    assert torch.equal(first.weight, bridge.nn.Conv2d(2, 3, 3).weight)
    assert not torch.equal(first.weight, bridge.nn.Conv2d(2, 3, 3).weight)
    generator = torch.Generator().manual_seed(1)
    drawn = bridge.nn.Conv2d(2, 3, 3, rng=generator).weight
    again = bridge.nn.Conv2d(2, 3, 3, rng=generator.manual_seed(1)).weight
    assert torch.equal(drawn, again)
    for dtype in (torch.float64, torch.float16, torch.bfloat16):
        module = bridge.nn.Conv2d(2, 3, 3, dtype=dtype)
        assert module.weight.dtype is module.bias.dtype is dtype
        assert module(torch.ones(1, 2, 4, 4, dtype=dtype)).dtype is dtype
    torch.set_default_dtype(torch.float64)
    try:
        assert bridge.nn.Conv2d(2, 3, 3).weight.dtype is torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


def test_copies_and_files():
    module = torch.nn.Sequential(
        bridge.nn.Conv2d(2, 3, 3, connections=TABLE), bridge.nn.WeightedPool2d(torch.ones(2, 2))
    )
    assert list(module.state_dict()) == ["0.weight", "0.bias"]
    x = torch.randn(1, 2, 6, 6)
    assert torch.equal(copy.deepcopy(module)(x), module(x))
    file = io.BytesIO()
    torch.save(module, file)
    file.seek(0)
    assert torch.equal(torch.load(file, weights_only=False)(x), module(x))
    assert module.double()(x.double()).dtype is torch.float64


def test_unconnected_weights_learn_nothing():
    module = bridge.nn.Conv2d(2, 3, 3, connections=TABLE)
    module(torch.randn(1, 2, 6, 6)).sum().backward()
    assert not module.weight.grad[~torch.tensor(TABLE)].any()


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: bridge.nn.Conv2d(2, 3, 0), ValueError, "Conv2d: kernel_size"),
        (lambda: bridge.nn.Conv2d(2, 3), TypeError, "Conv2d: missing"),
        (lambda: bridge.nn.Conv2d(2, 3, 3, padding_mode=""), TypeError, "Conv2d: .*padding_m"),
        (lambda: bridge.nn.Conv2d(2, 3, 3, dtype=torch.int32), TypeError, "Conv2d: dtype .*b"),
        (lambda: bridge.nn.Conv2d(2, 3, 3, dtype="int"), TypeError, "Conv2d: dtype"),
        (lambda: bridge.nn.Conv2d(2, 3, 3, rng="a"), TypeError, "Conv2d: rng"),
        (lambda: bridge.nn.MaxPool2d(), TypeError, "MaxPool2d: missing"),
        (lambda: bridge.nn.MaxPool2d(2, 0), ValueError, "MaxPool2d: stride"),
        (lambda: bridge.to_torch(3), TypeError, "to_torch: model must be"),
        (lambda: bridge.to_torch(nn.Subsample2d(2)), TypeError, "to_torch: model must have"),
        (lambda: bridge.from_torch(3), TypeError, "from_torch: module must be a torch"),
        (lambda: bridge.from_torch(torch.nn.LSTM(1, 1)), TypeError, "from_torch: module must have"),
        (lambda: bridge.from_torch(torch.nn.MaxPool2d(2, return_indices=True)), ValueError,
         "from_torch: return_indices"),
        (lambda: bridge.from_torch(torch.nn.AvgPool2d(2, divisor_override=3)), ValueError,
         "from_torch: divisor_override"),
        (lambda: bridge.from_torch(torch.nn.BatchNorm2d(2, track_running_stats=False)), ValueError,
         "from_torch: BatchNorm2d"),
        (lambda: bridge.from_torch(torch.nn.Softmax(2)), ValueError, "from_torch: dim"),
        (lambda: bridge.from_torch(torch.nn.GELU("tanh")), ValueError, "from_torch: approximate"),
        (lambda: bridge.from_torch(torch.nn.Flatten(0)), ValueError, "from_torch: Flatten"),
    ],
)  # fmt: skip
def test_what_makes_no_sense(make, error, text):
    with pytest.raises(error, match=text):
        make()


def test_a_network_there_and_back():
    model = nn.Sequential({
        "conv": nn.Conv2d(3, 8, 3, padding=1, border="reflect", rng=0), "norm": nn.BatchNorm2d(8),
        "act": nn.PReLU(8),
        "block": nn.Residual(nn.Conv2d(8, 8, 3, padding="same", rng=1), nn.SiLU()),
        "both": nn.Concat(nn.MaxPool2d(2), nn.AvgPool2d(2)), "group": nn.GroupNorm(4, 16),
        "flat": nn.Flatten(), "dense": nn.Linear(1024, 5, rng=2), "end": nn.Tanh(scaled=True),
    })  # fmt: skip
    x = np.random.default_rng(0).normal(size=(2, 3, 16, 16)).astype(np.float32)
    model["norm"].running_mean[:] = np.random.default_rng(1).normal(size=8)
    module = bridge.to_torch(model)
    assert not module.training
    assert {*module.state_dict()} - {*model.state()} == {"norm.num_batches_tracked"}
    with torch.no_grad():
        np.testing.assert_allclose(module(torch.tensor(x)), model.forward(x), rtol=1e-4, atol=1e-5)
    again = bridge.from_torch(module)
    assert np.array_equal(again.forward(x), model.forward(x))
    assert again.names == model.names


THEIRS = [
    (torch.nn.Conv2d(2, 4, 3, 2, 1, groups=2), 2),
    (torch.nn.Conv2d(2, 4, 3, padding="same", padding_mode="circular", bias=False), 2),
    (torch.nn.Conv2d(2, 4, 3, padding=1, padding_mode="replicate"), 2),
    (torch.nn.Conv1d(2, 4, 3, dilation=2), 1),
    (torch.nn.Conv3d(2, 4, (1, 2, 3)), 3),
    (torch.nn.ConvTranspose2d(2, 4, 3, 2, 1, output_padding=1, groups=2), 2),
    (torch.nn.MaxPool2d(3, 2, 1, ceil_mode=True), 2),
    (torch.nn.AvgPool2d(3, 2, 1), 2),
    (torch.nn.AvgPool3d(2, count_include_pad=False), 3),
    (torch.nn.AdaptiveAvgPool2d((2, None)), 2),
    (torch.nn.AdaptiveMaxPool1d(2), 1),
    (torch.nn.BatchNorm2d(2, affine=False).eval(), 2),
    (torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(50, 3), torch.nn.LeakyReLU(0.3)), 2),
    (torch.nn.Sequential(torch.nn.ELU(0.5), torch.nn.Hardswish(), torch.nn.GELU()), 2),
    (torch.nn.Sequential(torch.nn.Softmax(1), torch.nn.Hardsigmoid(), torch.nn.ReLU6()), 2),
    (torch.nn.LayerNorm(5), 1),
    (torch.nn.Conv2d(2, 4, 3).double(), 2),
    (torch.nn.Conv2d(2, 4, 1).half().float(), 2),
]


@pytest.mark.parametrize(("module", "axes"), THEIRS, ids=str)
def test_pytorchs_modules(module, axes):
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    x = torch.tensor(image(axes), dtype=dtype)
    layer = bridge.from_torch(module)
    with torch.no_grad():
        wanted = module(x)
    found = layer.forward(x.numpy())
    assert found.dtype == wanted.numpy().dtype
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)


def test_replaced_models():
    module = torch.nn.Sequential(torch.nn.Conv2d(2, 4, 3), torch.nn.MaxPool2d(2))
    assert repr(bridge.from_torch(bridge.replace(module))) == repr(bridge.from_torch(module))


def test_modules_with_a_forward_of_their_own():
    class Own(torch.nn.Conv2d):
        pass

    with pytest.raises(TypeError, match="from_torch: module must have a counterpart"):
        bridge.from_torch(Own(2, 4, 3))


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_local_layers_know_the_cells_of_x(layout):
    module = bridge.nn.LocalConv2d(1, 1, 1, stride=2, input_size=4, layout=layout)
    channels = layout.index("C")
    right, wrong = (torch.ones(2, n, n, 1).movedim(-1, channels) for n in (4, 3))
    for run in (module, torch.compile(module, backend="eager", fullgraph=True)):
        assert torch.equal(run(right), module(right))
        assert torch.equal(run(right[0]), module(right)[0])
        with pytest.raises(Exception, match=r"x must have \(4, 4\) cells"):
            run(wrong)
