"""`convcore.torch`: the operators as PyTorch's dispatcher, compiler and transforms see them."""

import pytest

from convcore.spec.registry import OPERATORS
from tests.tables.bridge_calls import CALLS, FIRST
from tests.tables.bridges import having

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
bridge = pytest.importorskip("convcore.torch")
roles = pytest.importorskip("convcore.torch.roles")
encoding = pytest.importorskip("convcore.torch.call")

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*torch.jit"),
    pytest.mark.filterwarnings("ignore:.*_pytree"),
    pytest.mark.filterwarnings("ignore:The .grad attribute"),  # opcheck itself reads it
]

COMPILED = [call for call in CALLS if call.kind in having("torch", "jit") and call.axes == 2]
MAPPED = having("torch", "vmap")
ALL_SUCCEED = {"SUCCESS"}


def given(call, requires_grad=False):
    """The operands as tensors, and the options."""
    arrays = call.arrays()
    options = dict(call.options)
    if "connections" in options:
        options["connections"] = torch.tensor(options["connections"])
    return {
        name: torch.tensor(array).requires_grad_(requires_grad and name != "window")
        for name, array in arrays.items()
    }, options


def test_each_role_is_an_operator():
    for name, role in roles.ROLES.items():
        assert role.op is getattr(torch.ops.convcore, name).default
        assert torch.Tag.pt2_compliant_tag in role.op.tags
    assert {kind for kind in OPERATORS if kind in roles.ROLES} == {*OPERATORS}


def arguments(role, call, requires_grad):
    """Arguments for one role of a call."""
    tensors, options = given(call)
    kind = call.kind
    extra = options.pop("connections", tensors.get("window"))
    if "_masked" in role:
        options["fill"] = 0.0  # opcheck takes no NaN for equal
    whole = encoding.Call(call.name, options)
    x, weight = tensors["x"], tensors.get("weight")
    if weight is not None:
        forward = (x, weight, tensors["bias"], extra)
    else:
        forward = (x, extra) if OPERATORS[kind].pools == "mean" else (x,)
    y = roles.ROLES[kind](whole, *forward)
    indices = None
    if isinstance(y, tuple):
        y, indices = y
    grad = torch.randn_like(y)
    mask = torch.rand(call.x[2:]) > 0.2
    window = extra if weight is None else None
    table = extra if weight is not None else None
    shape = list(x.shape)
    found = {
        "": forward,
        "_values": (x,),
        "_dw": (grad, x, table, [] if weight is None else list(weight.shape)),
        "_masked": (x, weight, tensors.get("bias"), extra, mask),
        "_masked_dx": (grad, x, weight, extra, mask),
        "_dx": (grad, x),
    }
    if weight is not None:
        found["_dx"] = (grad, weight, table, shape)
    elif OPERATORS[kind].pools == "mean":
        found["_dx"] = (grad, window, shape)
    elif indices is not None:
        found["_dx"] = (grad, indices, shape)
    derived = [
        t.requires_grad_() if requires_grad and isinstance(t, torch.Tensor)
        and t.is_floating_point() and t is not window else t
        for t in found[role.removeprefix(kind)]
    ]  # fmt: skip
    return (*derived, call.name, whole.text)


ROLE_NAMES = [
    (name, kind) for name in sorted(roles.ROLES) for kind in OPERATORS
    if name.startswith(kind) and name.removeprefix(kind) in
    ("", "_values", "_dx", "_dw", "_masked", "_masked_dx")
]  # fmt: skip


@pytest.mark.parametrize("requires_grad", [False, True])
@pytest.mark.parametrize(("name", "kind"), ROLE_NAMES)
def test_opcheck(name, kind, requires_grad):
    """Schema, fake result, registered derivative, and what the compiler makes of it."""
    for call in (FIRST[kind, 1], FIRST[kind, 2]):
        if name.endswith("_masked_dx") and requires_grad:
            pytest.skip("it has no derivative, and says so")
        values = arguments(name, call, requires_grad)
        if name.endswith("_masked") and requires_grad:
            tests = ("test_schema", "test_faketensor", "test_autograd_registration")
        else:
            tests = ("test_schema", "test_faketensor", "test_autograd_registration",
                     "test_aot_dispatch_dynamic")  # fmt: skip
        found = torch.library.opcheck(roles.ROLES[name].op, values, test_utils=tests)
        assert {*found.values()} == ALL_SUCCEED


@pytest.mark.parametrize("options", [{}, {"layout": "NHWC"}])
@pytest.mark.parametrize("kind", OPERATORS)
def test_opcheck_of_channels_last(kind, options):
    call = FIRST[kind, 2]
    tensors, more = given(call)
    x = tensors["x"].to(memory_format=torch.channels_last)
    whole = encoding.Call(call.name, {**more, **options})
    x = x.permute(0, 2, 3, 1) if options else x
    operands = [x, tensors.get("weight"), tensors.get("bias"), None]
    if not OPERATORS[kind].has_weight:
        operands = [x, tensors.get("window")] if OPERATORS[kind].pools == "mean" else [x]
    found = torch.library.opcheck(roles.ROLES[kind].op, (*operands, call.name, whole.text))
    assert {*found.values()} == ALL_SUCCEED


@pytest.mark.parametrize("call", COMPILED, ids=str)
def test_the_compiler_breaks_no_graph(call):
    torch._dynamo.reset()
    function = getattr(bridge, call.name)
    ours, options = given(call, requires_grad=True)
    theirs, _ = given(call, requires_grad=True)
    compiled = torch.compile(
        lambda tensors: function(**tensors, **options), fullgraph=True, backend="aot_eager"
    )
    found, wanted = compiled(ours), function(**theirs, **options)
    torch.testing.assert_close(found, wanted)
    found.square().sum().backward()
    wanted.square().sum().backward()
    for name in {*ours} - {"window"}:
        torch.testing.assert_close(ours[name].grad, theirs[name].grad)
    with torch.no_grad():
        torch.testing.assert_close(compiled(ours), wanted)


def network(x, weight, bias):
    y = bridge.conv2d(x, weight, bias, padding=1, border=("wrap", 0.5)).relu()
    y = bridge.max_pool2d(y, 2)
    return bridge.adaptive_avg_pool2d(bridge.lp_pool2d(y, (2, 2), 1, p=3.0), 1)


@pytest.mark.parametrize("dynamic", [None, True])
def test_batches_of_any_size_are_compiled_once_or_twice(dynamic):
    torch._dynamo.reset()
    weight, bias = torch.randn(4, 3, 3, 3), torch.randn(4)
    seen = []

    def backend(graph, example):
        seen.append(graph)
        return graph

    compiled = torch.compile(network, fullgraph=True, backend=backend, dynamic=dynamic)
    for n in (2, 3, 5, 7):
        x = torch.randn(n, 3, 8, 8)
        torch.testing.assert_close(compiled(x, weight, bias), network(x, weight, bias))
    assert len(seen) <= 2


def test_options_that_change_are_compiled_anew():
    torch._dynamo.reset()
    compiled = torch.compile(
        lambda x, k: bridge.max_pool2d(x, k), fullgraph=True, backend="aot_eager"
    )
    x = torch.randn(1, 2, 9, 9)
    for k in (2, 3, 4):
        assert torch.equal(compiled(x, k), bridge.max_pool2d(x, k))


def test_missing_cells_are_compiled():
    torch._dynamo.reset()
    x, mask = torch.randn(1, 2, 5, 5), torch.rand(5, 5) > 0.3
    weight = torch.rand(2, 2, 3, 3)

    def function(x):
        return bridge.conv2d(x, weight, mask=mask, padding=1, return_weight=True)

    compiled = torch.compile(function, fullgraph=True, backend="aot_eager")
    for one, other in zip(compiled(x), function(x), strict=True):
        torch.testing.assert_close(one, other)


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = bridge.nn.Conv2d(3, 4, 3, padding="same", rng=0)
        self.pool = bridge.nn.MaxPool2d(2)
        self.local = bridge.nn.LocalConv2d(4, 2, 3, input_size=4, rng=1)

    def forward(self, x):
        return self.local(self.pool(self.conv(x)))


@pytest.mark.parametrize("strict", [False, True])
def test_export(strict):
    torch._dynamo.reset()
    model = Model()
    n = torch.export.Dim("n", min=2, max=64)
    program = torch.export.export(
        model, (torch.randn(4, 3, 8, 8),), dynamic_shapes={"x": {0: n}}, strict=strict
    )
    x = torch.randn(7, 3, 8, 8)
    exported = program.module()
    torch.testing.assert_close(exported(x), model(x))
    exported(x).sum().backward()
    assert all(parameter.grad is not None for parameter in exported.parameters())


def test_export_of_any_image_size():
    class Sliding(torch.nn.Module):
        def forward(self, x, weight):
            y = bridge.conv2d(x, weight, stride=2, padding="same")
            y = bridge.avg_pool2d(y, 3, 2, 1, ceil_mode=True)
            return bridge.conv_transpose2d(y, weight, stride=2)

    dims = {0: torch.export.Dim("n", min=2, max=64), 2: torch.export.Dim("h", min=8, max=64),
            3: torch.export.Dim("w", min=8, max=64)}  # fmt: skip
    weight = torch.randn(4, 3, 3, 3)
    program = torch.export.export(
        Sliding(), (torch.randn(4, 3, 16, 16), weight), dynamic_shapes={"x": dims, "weight": None}
    )
    for size in ((2, 3, 11, 20), (3, 3, 16, 9)):
        x = torch.randn(size)
        torch.testing.assert_close(program.module()(x, weight), Sliding()(x, weight))


# torch.func


@pytest.mark.parametrize("kind", MAPPED)
@pytest.mark.parametrize("axes", [1, 2])
def test_vmap_over_images_is_exact(kind, axes):
    call = FIRST[kind, axes]
    tensors, options = given(call)
    function = getattr(bridge, call.name)
    x = torch.randn(2, 3, *call.x[1:], dtype=torch.float64)
    others = {name: t for name, t in tensors.items() if name != "x"}

    def one(x):
        return function(x, **others, **options)

    wanted = torch.stack([one(each) for each in x])
    assert torch.equal(torch.vmap(one)(x), wanted)
    assert torch.equal(torch.vmap(one, in_dims=2)(x.movedim(0, 2)), wanted)
    assert torch.equal(torch.vmap(torch.vmap(one))(x), wanted)


def test_vmap_over_empty_batches():
    assert torch.vmap(lambda x: bridge.max_pool1d(x, 2))(torch.ones(3, 0, 2, 6)).shape == (
        3,
        0,
        2,
        3,
    )


@pytest.mark.parametrize("kind", MAPPED)
@pytest.mark.parametrize("every", [False, True], ids=["images", "every operand"])
def test_vmap_over_no_examples(kind, every):
    call = FIRST[kind, 2]
    tensors, options = given(call)
    function = getattr(bridge, call.name)
    wanted = function(**tensors, **options)
    names = [name for name in tensors if every or name == "x"]
    mapped = [torch.ones(0, *tensors[name].shape, requires_grad=name == "x") for name in names]

    def one(*given):
        return function(**{**tensors, **dict(zip(names, given, strict=True))}, **options)

    found = torch.vmap(one)(*mapped)
    assert found.shape == (0, *wanted.shape)
    found.sum().backward()
    assert mapped[names.index("x")].grad.shape == mapped[names.index("x")].shape
    gradients = torch.vmap(torch.func.grad(lambda *given: one(*given).sum()))(*mapped)
    assert gradients.shape == mapped[0].shape


def test_vmap_over_no_examples_of_one_and_more_results():
    x = torch.rand(0, 1, 3, 8, 8)
    values, indices = torch.vmap(lambda t: bridge.max_pool2d(t, 2, return_indices=True))(x)
    assert values.shape == indices.shape == (0, 1, 3, 4, 4)
    assert indices.dtype is torch.int64
    masks = torch.ones(0, 8, 8, dtype=torch.bool)
    shares = torch.vmap(lambda t, m: bridge.avg_pool2d(t, 2, mask=m, return_weight=True))(x, masks)
    assert [each.shape for each in shares] == [values.shape] * 2


@pytest.mark.parametrize("kind", [kind for kind in MAPPED if OPERATORS[kind].has_weight])
def test_vmap_over_weights_is_exact(kind):
    call = FIRST[kind, 2]
    tensors, options = given(call)
    function = getattr(bridge, call.name)
    weights = torch.randn(3, *call.weight, dtype=torch.float64)
    for x, dims in ((tensors["x"], (None, 0)), (torch.stack([tensors["x"]] * 3), (0, 0))):
        found = torch.vmap(lambda x, w: function(x, w, **options), dims)(x, weights)
        wanted = torch.stack([function(tensors["x"], w, **options) for w in weights])
        assert torch.equal(found, wanted)


def test_gradients_of_each_example():
    torch.manual_seed(0)
    x, weight = torch.randn(5, 2, 6, 6), torch.randn(3, 2, 3, 3)

    def loss(weight, x):
        return bridge.conv2d(x, weight, padding=1).square().sum()

    found = torch.vmap(torch.func.grad(loss), (None, 0))(weight, x)
    wanted = torch.stack([torch.func.grad(loss)(weight, each) for each in x])
    torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("kind", OPERATORS)
def test_every_way_to_the_second_derivative(kind):
    """Backward and forward mode in any order, compared with backward twice of plain autograd."""
    call = FIRST[kind, 1]
    tensors, options = given(call)
    function = getattr(bridge, call.name)
    others = {name: t for name, t in tensors.items() if name != "x"}

    def loss(x):
        return function(x, **others, **options).pow(3).sum()

    x = tensors["x"].detach()
    wanted = torch.autograd.functional.hessian(loss, x)
    func = torch.func
    for outer in (func.jacrev, func.jacfwd):
        for inner in (func.jacrev, func.jacfwd):
            torch.testing.assert_close(outer(inner(loss))(x), wanted)


def test_the_compiler_sees_through_transforms():
    torch._dynamo.reset()
    x, weight = torch.randn(5, 2, 6, 6), torch.randn(3, 2, 3, 3)

    def loss(weight, x):
        return bridge.conv2d(x, weight, padding=1).square().sum()

    each = torch.vmap(torch.func.grad(loss), (None, 0))
    found = torch.compile(each, fullgraph=True, backend="aot_eager")(weight, x)
    torch.testing.assert_close(found, each(weight, x))


def test_tracers_see_operators():
    weight, bias = torch.randn(4, 3, 3, 3), torch.randn(4)
    x = torch.randn(2, 3, 8, 8)
    graph = torch.fx.experimental.proxy_tensor.make_fx(network)(x, weight, bias)
    assert "convcore.conv.default" in graph.code
    torch.testing.assert_close(graph(2 * x, weight, bias), network(2 * x, weight, bias))


def test_a_subclass_of_tensors_is_asked():
    """A tensor with a ``__torch_dispatch__`` of its own sees the operator."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode() as mode:
        x = mode.from_tensor(torch.randn(2, 3, 8, 8))
        weight = mode.from_tensor(torch.randn(4, 3, 3, 3))
        assert bridge.conv2d(x, weight).shape == (2, 4, 6, 6)


def test_autocast_changes_no_dtype():
    x, weight = torch.randn(1, 1, 5, 5), torch.randn(1, 1, 3, 3)
    with torch.autocast("cpu", torch.bfloat16):
        assert bridge.conv2d(x, weight).dtype is torch.float32
        assert bridge.conv2d(x.bfloat16(), weight).dtype is torch.float32


def test_text_of_options():
    text = encoding.encode("conv2d", (("padding", 1), ("border", (("edge", 0.5), "wrap"))))
    call = encoding.decode("conv2d", text)
    assert call is encoding.decode("conv2d", text)
    assert call.options == {"border": (("edge", 0.5), ("wrap", "wrap")), "padding": (1, 1)}
    assert call.text == text
    assert call.linear.options["border"] == (("edge", 0.0), ("wrap", "wrap"))
    assert encoding.encode("conv2d", (("stride", 1), ("layout", "NCHW"))) == '{"layout":"NCHW"}'
    nan = encoding.decode("conv2d", encoding.encode("conv2d", [("border", float("nan"))]))
    assert nan.options["border"] != nan.options["border"]
    with pytest.raises(ValueError, match="conv2d: stride must be at least 1"):
        encoding.encode("conv2d", [("stride", 0)])
