"""`convcore.torch`: derivatives, backward and forward, of first and higher order."""

import math

import numpy as np
import pytest

from convcore.spec.registry import OPERATORS
from tests.tables.bridge_calls import CALLS, FIRST
from tests.tables.bridges import having

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
bridge = pytest.importorskip("convcore.torch")
gradcheck, gradgradcheck = torch.autograd.gradcheck, torch.autograd.gradgradcheck

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit")

FIRST_ORDER = [call for call in CALLS if call.kind in having("torch", "gradient")]
SECOND_ORDER = [call for call in CALLS if call.kind in having("torch", "second gradient")]


def leaves_and_function(call, **more):
    """The operands that have gradients, and the function of them."""
    arrays = call.arrays()
    window = arrays.pop("window", None)
    options = {**call.options, **more}
    if window is not None:
        options["window"] = torch.tensor(window)
    leaves = tuple(torch.tensor(array, requires_grad=True) for array in arrays.values())
    function = getattr(bridge, call.name)
    return leaves, lambda *given: function(**dict(zip(arrays, given, strict=True)), **options)


def fast(call):
    """Whether random directions are compared, not each number: for volumes."""
    return call.axes == 3 or (call.axes == 2 and call.kind in ("local_conv", "tiled_conv"))


@pytest.mark.parametrize("call", FIRST_ORDER, ids=str)
def test_gradients(call):
    leaves, function = leaves_and_function(call)
    assert gradcheck(
        function, leaves, fast_mode=fast(call), check_forward_ad=True, check_batched_grad=True
    )


@pytest.mark.parametrize("call", SECOND_ORDER, ids=str)
def test_second_gradients(call):
    leaves, function = leaves_and_function(call)
    quick = call.axes == 1
    assert gradgradcheck(function, leaves, fast_mode=True, check_fwd_over_rev=quick,
                         check_batched_grad=quick)  # fmt: skip


@pytest.mark.parametrize("kind", OPERATORS)
def test_third_derivatives(kind):
    """Gradients are operators, so there is no last order."""
    call = FIRST[kind, 1]
    leaves, function = leaves_and_function(call)

    def first(*given):
        y = function(*given).pow(3).sum()
        return torch.autograd.grad(y, given, create_graph=True)

    assert gradgradcheck(first, leaves, fast_mode=True)


def test_the_sign_of_zero_norms():
    """A window of zeros has norm 0 and gradient 0, of second order too."""
    x = torch.zeros(1, 1, 4, dtype=torch.float64, requires_grad=True)
    for p in (1.5, 2.0, 3.0):
        (dx,) = torch.autograd.grad(bridge.lp_pool1d(x, 2, p=p).sum(), x, create_graph=True)
        (again,) = torch.autograd.grad(dx.sum(), x)
        assert not dx.any()
        assert not again.any()


@pytest.mark.parametrize("kind", [kind for kind in OPERATORS if OPERATORS[kind].missing])
@pytest.mark.parametrize("normalize", [True, False])
def test_gradients_with_missing_cells(kind, normalize):
    call = FIRST[kind, 2]
    names = [option.name for option in (*OPERATORS[kind].options, *OPERATORS[kind].missing)]
    if "normalize" not in names and not normalize:
        pytest.skip("nothing to divide by")
    mask = torch.from_numpy(np.random.default_rng(3).random(call.x[2:]) > 0.3)
    more = {"normalize": normalize} if "normalize" in names else {}
    leaves, function = leaves_and_function(call, mask=mask, fill=0.0, **more)
    if kind == "conv":  # weights whose sum is far from 0
        leaves = (leaves[0], (leaves[1].detach().abs() + 0.5).requires_grad_(), leaves[2])
    assert gradcheck(function, leaves)
    (dx,) = torch.autograd.grad(function(*leaves).square().sum(), leaves[:1], create_graph=True)
    with pytest.raises(ValueError, match=f"{call.name}: gradients must be of the first order"):
        dx.sum().backward()


def test_indices_and_shares_have_no_gradient():
    x = torch.randn(1, 1, 6, requires_grad=True)
    weight = torch.rand(1, 1, 2, requires_grad=True)
    _, indices = bridge.max_pool1d(x, 2, return_indices=True)
    y, share = bridge.conv1d(x, weight, nan="ignore", return_weight=True)
    assert y.requires_grad
    assert not indices.requires_grad
    assert not share.requires_grad


def test_nan_that_is_ignored_has_gradient_zero():
    x = torch.tensor([[[1.0, math.nan, 3.0, 4.0]]], requires_grad=True)
    bridge.avg_pool1d(x, 2, nan="ignore").sum().backward()
    assert x.grad.tolist() == [[[1.0, 0.0, 0.5, 0.5]]]


@pytest.mark.parametrize("kind", [kind for kind in OPERATORS if OPERATORS[kind].has_weight])
def test_only_what_is_asked_for(kind, monkeypatch):
    from convcore.torch.roles import ROLES

    called, dw = [], ROLES[f"{kind}_dw"].run
    call = FIRST[kind, 1]
    given = {name: torch.tensor(array) for name, array in call.arrays().items()}
    given["x"].requires_grad_()
    object.__setattr__(ROLES[f"{kind}_dw"], "run", lambda *a: called.append(1) or dw(*a))
    try:
        getattr(bridge, call.name)(**given, **call.options).sum().backward()
    finally:
        object.__setattr__(ROLES[f"{kind}_dw"], "run", dw)
    assert not called
    assert given["weight"].grad is None


def test_gradients_that_arrive_expanded():
    x = torch.randn(2, 3, 6, 6, requires_grad=True)
    weight = torch.randn(4, 3, 3, 3, requires_grad=True)
    bias = torch.randn(4, requires_grad=True)
    theirs = [t.detach().clone().requires_grad_() for t in (x, weight, bias)]
    bridge.conv2d(x, weight, bias).sum().backward()
    torch.nn.functional.conv2d(*theirs).sum().backward()
    for one, other in zip((x, weight, bias), theirs, strict=True):
        torch.testing.assert_close(one.grad, other.grad)


def test_a_float16_weight_has_a_float16_gradient():
    x = torch.randn(1, 1, 6, requires_grad=True)
    weight = torch.randn(1, 1, 3).half().requires_grad_()
    bridge.conv1d(x, weight).sum().backward()
    assert (x.grad.dtype, weight.grad.dtype) == (torch.float32, torch.float16)


def test_ties_have_one_gradient():
    x = torch.tensor([[[1.0, 3.0, 3.0, 2.0]]], requires_grad=True)
    bridge.max_pool1d(x, 4).sum().backward()
    assert x.grad.tolist() == [[[0.0, 1.0, 0.0, 0.0]]]


def test_a_layer_learns_what_pytorchs_learns():
    torch.manual_seed(0)
    x, y = torch.randn(16, 1, 8, 8), torch.randint(0, 3, (16,))
    ours = torch.nn.Sequential(
        bridge.nn.Conv2d(1, 4, 3), torch.nn.ReLU(), bridge.nn.MaxPool2d(2), torch.nn.Flatten(),
        torch.nn.Linear(36, 3),
    )  # fmt: skip
    theirs = torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU(), torch.nn.MaxPool2d(2), torch.nn.Flatten(),
        torch.nn.Linear(36, 3),
    )  # fmt: skip
    theirs.load_state_dict(ours.state_dict())
    losses = []
    for model in (ours, theirs):
        optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
        for _ in range(10):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
        losses.append(loss.item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_missing_cells_without_a_bias_have_gradients():
    def loss(x, weight, bias=None):
        return (bridge.conv2d(x, weight, bias, nan="ignore") ** 2).sum()

    cells = torch.rand(2, 1, 2, 5, 5, dtype=torch.float64)
    cells[0, 0, 0, 1, 1] = torch.nan
    weight = torch.rand(2, 2, 3, 3, dtype=torch.float64)
    none = torch.zeros(2, dtype=torch.float64)
    for x in cells:
        given = [x.clone().requires_grad_(), weight.clone().requires_grad_()]
        found = torch.autograd.grad(loss(*given), given)
        assert all(map(torch.equal, found, torch.autograd.grad(loss(*given, none), given)))
    mapped = torch.vmap(torch.func.grad(loss), (0, None))(cells, weight)
    assert torch.equal(mapped[1], found[0])
