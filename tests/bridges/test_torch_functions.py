"""`convcore.torch`: the functions give what those of arrays give, for every operator and option."""

import inspect

import numpy as np
import pytest

import convcore
from convcore.engine import execute
from convcore.spec.registry import AXES, EXECUTION, OPERATORS, layer_name
from tests.tables.bridge_calls import CALLS, FIRST
from tests.tables.bridges import having

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
bridge = pytest.importorskip("convcore.torch")

# what PyTorch's tracer says of itself
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*torch.jit"),
    pytest.mark.filterwarnings("ignore:.*constants in the trace"),
]

KINDS = having("torch", "call")
CALLED = [call for call in CALLS if call.kind in KINDS]
DTYPES = (torch.float32, torch.float64, torch.float16, torch.int32, torch.bool)


def tensors(arrays):
    return {name: torch.tensor(array) for name, array in arrays.items()}


def same(found, wanted):
    if isinstance(wanted, tuple):
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted, strict=True):
            same(one, other)
        return
    assert found.dtype == torch.tensor(wanted[..., :0]).dtype
    np.testing.assert_array_equal(found.detach().numpy(), wanted)


def each_way(call, given, **options):
    """The result without and with a gradient, and as PyTorch's operator."""
    function = getattr(bridge, call.name)
    plain = function(**given, **options)
    recorded = {
        name: t.clone().requires_grad_(name in ("x", "weight", "bias") and t.is_floating_point())
        for name, t in given.items()
    }
    traced = torch.jit.trace(lambda x: function(**{**given, "x": x}, **options), (given["x"],),
                             check_trace=False)  # fmt: skip
    return plain, function(**recorded, **options), traced(given["x"])


@pytest.mark.parametrize("call", CALLED, ids=str)
def test_results_are_those_of_arrays(call):
    arrays = call.arrays()
    wanted = getattr(convcore, call.name)(**arrays, **call.options)
    for found in each_way(call, tensors(arrays), **call.options):
        same(found, wanted)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if OPERATORS[kind].missing])
@pytest.mark.parametrize(
    "options",
    [
        {}, {"fill": 1.5, "return_weight": True}, {"return_weight": True, "nan": "ignore"},
        {"nan": "ignore", "border": float("nan"), "padding": 1},
    ],
    ids=str,
)  # fmt: skip
def test_missing_cells(kind, options):
    call = FIRST[kind, 2]
    arrays = call.arrays()
    if "nan" in options:
        arrays["x"][:, :, 1:3, 1:3] = np.nan
    else:
        arrays["mask"] = np.random.default_rng(1).random(call.x[2:]) > 0.4
    wanted = getattr(convcore, call.name)(**arrays, **call.options, **options)
    for found in each_way(call, tensors(arrays), **call.options, **options):
        same(found, wanted)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if OPERATORS[kind].pools == "max"])
@pytest.mark.parametrize("recorded", [False, True])
def test_indices(kind, recorded):
    call = FIRST[kind, 2]
    x = call.arrays()["x"]
    wanted = getattr(convcore, call.name)(x, return_indices=True, **call.options)
    function = getattr(bridge, call.name)
    given = torch.tensor(x, requires_grad=recorded)
    same(function(given, return_indices=True, **call.options), wanted)
    if "mask" in inspect.signature(function).parameters:
        found = function(given, return_indices=True, mask=np.ones(call.x[2:], bool), **call.options)
        same(found, wanted)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_dtypes(kind, dtype):
    call = FIRST[kind, 2]
    arrays = call.arrays()
    given = tensors(arrays)
    given["x"] = (given["x"] * 3).to(dtype)
    arrays["x"] = given["x"].numpy()
    function, options = getattr(bridge, call.name), call.options
    wanted = getattr(convcore, call.name)(**arrays, **options)
    same(function(**given, **options), wanted)
    meta = {name: tensor.to("meta") for name, tensor in given.items()}
    shown = function(**meta, **options)
    assert (shown.shape, shown.dtype) == (wanted.shape, function(**given, **options).dtype)


@pytest.mark.parametrize("kind", KINDS)
def test_bfloat16_is_computed_in_float32(kind):
    call = FIRST[kind, 2]
    given = {name: t.bfloat16() for name, t in tensors(call.arrays()).items()}
    function = getattr(bridge, call.name)
    wanted = function(**{name: t.float() for name, t in given.items()}, **call.options)
    found = function(**given, **call.options)
    assert found.dtype is torch.bfloat16
    assert torch.equal(found, wanted.bfloat16())
    given["x"].requires_grad_()
    function(**given, **call.options).float().sum().backward()
    assert given["x"].grad.dtype is torch.bfloat16


@pytest.mark.parametrize("axes", [2, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_channels_last_stay_last(kind, axes):
    call = FIRST[kind, axes]
    form = torch.channels_last if axes == 2 else torch.channels_last_3d
    given = tensors(call.arrays())
    function, options = getattr(bridge, call.name), call.options
    wanted = function(**given, **options)
    for recorded in (False, True):
        x = given["x"].to(memory_format=form).requires_grad_(recorded)
        found = function(**{**given, "x": x}, **options)
        assert found.is_contiguous(memory_format=form)
        assert not found.is_contiguous()
        torch.testing.assert_close(found, wanted)
        if recorded:
            found.square().sum().backward()
            assert x.grad.is_contiguous(memory_format=form)


@pytest.mark.parametrize("kind", KINDS)
def test_layouts_with_the_channels_last(kind):
    call = FIRST[kind, 2]
    arrays = call.arrays()
    arrays["x"] = np.moveaxis(arrays["x"], 1, -1)
    wanted = getattr(convcore, call.name)(**arrays, **call.options, layout="NHWC")
    for found in each_way(call, tensors(arrays), **call.options, layout="NHWC"):
        same(found, wanted)


@pytest.mark.parametrize("kind", KINDS)
def test_one_image_without_a_batch(kind):
    call = FIRST[kind, 2]
    arrays = call.arrays()
    arrays["x"] = arrays["x"][0]
    wanted = getattr(convcore, call.name)(**arrays, **call.options)
    for found in each_way(call, tensors(arrays), **call.options):
        same(found, wanted)


def test_any_strides_and_views():
    x, weight = torch.randn(2, 3, 8, 9), torch.randn(4, 3, 3, 3)
    for view in (x.mT, x[..., ::2], x[:, :, 2:], x.flip(-1), x[:1].expand(2, 3, 8, 9),
                 torch._neg_view(x)):  # fmt: skip
        wanted = convcore.conv2d(view.clone().resolve_neg().numpy(), weight.numpy())
        same(bridge.conv2d(view, weight), wanted)
    assert bridge.conv2d(x[:0], weight).shape == (0, 4, 6, 7)


def test_pytorchs_number_of_threads(monkeypatch):
    seen, run = [], execute.run

    def spy(*given, **options):
        seen.append(options["threads"])
        return run(*given, **options)

    monkeypatch.setattr(execute, "run", spy)
    x, weight = torch.randn(1, 1, 4, 4), torch.randn(1, 1, 2, 2)
    before = torch.get_num_threads()
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            bridge.conv2d(x, weight)
            bridge.conv2d(x, weight.clone().requires_grad_())
            bridge.conv2d(x, weight, threads=None)
        bridge.conv2d(x, weight, threads=3)
    finally:
        torch.set_num_threads(before)
    assert seen == [1, 1, 1, 2, 2, 2, 3]


@pytest.mark.parametrize("kind", OPERATORS)
@pytest.mark.parametrize("axes", AXES)
def test_signatures(kind, axes):
    name = layer_name(kind, axes)
    function, of_arrays = getattr(bridge, name), getattr(convcore, name)
    wanted = [each for each in inspect.signature(of_arrays).parameters if each != "out"]
    assert list(inspect.signature(function).parameters) == wanted
    assert (function.__name__, function.__qualname__) == (name, name)
    assert function.__module__ == "convcore.torch"
    assert "Examples" in function.__doc__
    defaults = [each.default for each in inspect.signature(of_arrays).parameters.values()]
    theirs = [each.default for each in inspect.signature(function).parameters.values()]
    assert [str(d) for d in theirs] == [str(d) for d in defaults[: len(theirs)]]
    assert {"threads"} == set(wanted) & {*EXECUTION} - {"algorithm"}


def test_public_names():
    names = {layer_name(kind, axes) for kind in OPERATORS for axes in AXES}
    assert {*bridge.__all__} == names | {"replace", "from_torch", "to_torch"}
    assert sorted(bridge.__all__) == bridge.__all__
    assert dir(bridge) == sorted([*bridge.__all__, "nn"])


X, W = torch.ones(1, 2, 5, 5), torch.ones(3, 2, 3, 3)

WRONG = [
    ("conv2d", (X, W), {"stride": 0}, ValueError, "conv2d: stride must be at least 1, got 0"),
    ("conv2d", (X, W), {"stride": -1}, ValueError, "conv2d: stride"),
    ("max_pool2d", (X, 2, 0), {}, ValueError, "max_pool2d: stride"),
    ("conv2d", (X, W), {"groups": 0}, ValueError, "conv2d: groups"),
    ("conv2d", (X, W), {"groups": 2}, ValueError, "conv2d: groups must divide"),
    ("conv2d", (X, W[..., :0]), {}, ValueError, "conv2d: weight"),
    ("conv2d", (X, torch.ones(1, 2, 9, 9)), {}, ValueError, "conv2d: kernel must span"),
    ("max_pool2d", (X, 0), {}, ValueError, "max_pool2d: kernel_size"),
    ("conv2d", (X, W), {"stride": 2**63}, ValueError, "conv2d: stride"),
    ("conv2d", (X, W), {"dilation": 2**62}, ValueError, "conv2d: .*kernel"),
    ("conv2d", (X, W), {"padding": 2**62}, ValueError, "conv2d: padded input"),
    ("adaptive_avg_pool2d", (X, 2**40), {}, ValueError, "adaptive_avg_pool2d: result"),
    ("adaptive_max_pool2d", (X, ()), {}, ValueError, "adaptive_max_pool2d: output_size"),
    ("conv2d", (X, W), {"padding": -1}, ValueError, "conv2d: padding"),
    ("conv2d", (X, W), {"padding": ()}, ValueError, "conv2d: padding"),
    ("conv2d", (X, W[0]), {}, ValueError, "conv2d: weight must have 4 axes"),
    ("conv2d", (X, W, torch.ones(2)), {}, ValueError, "conv2d: bias must have shape"),
    ("conv_transpose2d", (X, W.transpose(0, 1)), {"output_padding": 2}, ValueError,
     "conv_transpose2d: output_padding"),
    ("lp_pool2d", (X, 2), {"p": 0}, ValueError, "lp_pool2d: p must be at least 1"),
    ("lp_pool2d", (X, 2), {"p": float("nan")}, ValueError, "lp_pool2d: p"),
    ("conv2d", (X, W.numpy()), {}, TypeError, "conv2d: weight must be a tensor, got an array"),
    ("conv2d", (None, W), {}, TypeError, "conv2d: x must be a tensor, got None"),
    ("conv2d", (X, [[[[1.0]]]]), {}, TypeError, "conv2d: weight must be a tensor"),
    ("conv2d", (X.to_sparse(), W), {}, TypeError, "conv2d: x must be a dense tensor"),
    ("conv2d", (X.cfloat(), W), {}, TypeError, "conv2d: x must have dtype"),
    ("conv2d", (X.to(torch.float8_e5m2), W), {}, TypeError, "conv2d: x must have dtype"),
    ("conv2d", (X, W), {"out": X}, TypeError, "conv2d: arguments must be among"),
    ("conv2d", (X, W), {"threads": 0}, ValueError, "conv2d: threads must be from 1"),
    ("conv2d", (X, W), {"threads": "a"}, TypeError, "conv2d: threads must be an integer"),
    ("conv2d", (X, W), {"algorithm": "best"}, ValueError, "conv2d: algorithm"),
    ("conv2d", (X, W), {"border": "odd"}, ValueError, "conv2d: border"),
    ("conv2d", (X, W), {"mask": torch.ones(5, 5)}, TypeError, "conv2d: mask must have dtype bool"),
    ("conv2d", (X, W), {"mask": torch.ones(5, 4) > 0}, ValueError, "conv2d: mask"),
    ("conv2d", (X, W), {"nan": "drop"}, ValueError, "conv2d: nan"),
    ("conv2d", (X, W), {"fill": "x"}, TypeError, "conv2d: fill"),
    ("conv2d", (X, W), {"normalize": 3}, TypeError, "conv2d: normalize"),
    ("conv2d", (X, W), {"return_weight": 1}, TypeError, "conv2d: return_weight"),
    ("conv2d", (X, W), {"connections": torch.ones(3, 2)}, TypeError, "conv2d: connections"),
    ("max_pool2d", (X, 2), {"return_indices": 1}, TypeError, "max_pool2d: return_indices"),
    ("weighted_pool2d", (X, torch.ones(2)), {}, ValueError, "weighted_pool2d: window"),
    ("weighted_pool2d", (X, torch.ones(2, 2, requires_grad=True)), {}, ValueError,
     "weighted_pool2d: window must not require a gradient"),
    ("weighted_pool2d", (X,), {"window": torch.ones(2, 2, requires_grad=True)}, ValueError,
     "weighted_pool2d: window must not require a gradient"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "given", "options", "error", "text"), WRONG)
@pytest.mark.parametrize("recorded", [False, True])
def test_what_makes_no_sense(name, given, options, error, text, recorded):
    first = given[0]
    if recorded and isinstance(first, torch.Tensor) and first.layout is torch.strided:
        first = first.clone().requires_grad_()
    with pytest.raises(error, match=text):
        getattr(bridge, name)(first, *given[1:], **options)


def test_another_device():
    if not torch.cuda.is_available():
        pytest.skip("no other device")
    with pytest.raises(TypeError, match="conv2d: x must be a tensor in main memory, got device"):
        bridge.conv2d(X.cuda(), W)


def test_functions_of_arrays_name_this_module():
    with pytest.raises(TypeError, match=r"conv2d: x must .*; convcore\.torch computes gradients"):
        convcore.conv2d(X.clone().requires_grad_(), W)


def test_tensors_of_other_classes():
    """A subclass with a ``__torch_function__`` gets what PyTorch's operators give it."""

    class Image(torch.Tensor):
        pass

    found = bridge.max_pool2d(X.as_subclass(Image), 2)
    assert isinstance(found, Image)
    assert torch.equal(found.as_subclass(torch.Tensor), bridge.max_pool2d(X, 2))


@pytest.mark.parametrize("requires_grad", [False, True])
def test_errors_show_the_axes_of_tensors(requires_grad):
    x = torch.ones(1, 3, 2, 4).to(memory_format=torch.channels_last).requires_grad_(requires_grad)
    with pytest.raises(ValueError, match=r"max_pool2d: .*\(1, 3, 2, 4\)"):
        bridge.max_pool2d(x, 9)
    with pytest.raises(ValueError, match=r"conv2d: .*\(1, 3, 2, 4\)"):
        bridge.conv2d(x, torch.ones(1, 3, 9, 9))


def test_zeros_without_memory():
    zeros = torch._efficientzerotensor((1, *X.shape[1:]))
    assert torch.equal(bridge.conv2d(zeros, W), torch.zeros_like(bridge.conv2d(X[:1], W)))
