"""`convcore.torch.replace`: which modules are swapped, equal outputs, weights that change."""

import copy
import io

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
bridge = pytest.importorskip("convcore.torch")
prune = pytest.importorskip("torch.nn.utils.prune")
nn = torch.nn

pytestmark = pytest.mark.auto  # the user's default algorithm

SWAPPED = [
    nn.Conv2d(4, 8, 3, padding=1), nn.Conv2d(4, 8, 1), nn.Conv2d(4, 8, 3, 2, 1, bias=False),
    nn.Conv2d(4, 4, 3, padding=1, groups=4), nn.Conv2d(4, 4, 3, 2, groups=4),
    nn.Conv2d(4, 8, 3, groups=2), nn.Conv2d(4, 8, 3, padding="same", padding_mode="reflect"),
    nn.Conv2d(4, 8, 3, padding=1, padding_mode="circular"), nn.Conv2d(4, 8, (1, 3), padding=(0, 1)),
    nn.Conv1d(4, 8, 3, padding=1), nn.Conv3d(4, 8, 3, padding=1), nn.Conv3d(4, 8, (1, 3, 3)),
    nn.ConvTranspose2d(4, 8, 3, padding=1), nn.ConvTranspose2d(4, 8, 4),
    nn.ConvTranspose1d(4, 8, 3, groups=2), nn.MaxPool2d(3, 2, 1), nn.MaxPool2d(2, ceil_mode=True),
    nn.MaxPool1d(2), nn.MaxPool3d(2), nn.AvgPool2d(2), nn.AvgPool2d(3, 2, 1),
    nn.AvgPool2d(3, 3, 1, ceil_mode=True), nn.AvgPool2d(3, 1, 1, count_include_pad=False),
    nn.AvgPool1d(4), nn.AvgPool3d(2), nn.AdaptiveAvgPool2d(3), nn.AdaptiveAvgPool2d((2, None)),
    nn.AdaptiveMaxPool2d(1), nn.AdaptiveMaxPool3d(2), nn.AdaptiveAvgPool3d(2),
]  # fmt: skip

KEPT = [
    nn.Conv2d(4, 8, 5), nn.Conv2d(4, 8, 7, 2, 3), nn.Conv2d(4, 8, 3, dilation=2),
    nn.Conv2d(4, 8, 3, 2, groups=2), nn.Conv2d(4, 4, 5, groups=4), nn.Conv2d(4, 8, (1, 7)),
    nn.Conv3d(4, 4, 3, groups=4), nn.ConvTranspose2d(4, 8, 2, 2), nn.ConvTranspose2d(4, 8, 5),
    nn.MaxPool2d(2, return_indices=True), nn.MaxPool2d(2, dilation=2),
    nn.AvgPool2d(2, divisor_override=3), nn.AdaptiveAvgPool2d(1), nn.AdaptiveAvgPool2d((1, 1)),
    nn.AdaptiveAvgPool1d(4), nn.AdaptiveMaxPool1d(4), nn.AdaptiveMaxPool2d(2, return_indices=True),
    nn.Linear(3, 4), nn.BatchNorm2d(4), nn.LPPool2d(2, 2),
]  # fmt: skip


def image(module, size=9):
    axes = int(type(module).__name__[-2])
    return torch.randn(2, 4, *[size] * axes)


def is_swapped(module):
    return type(module).__name__.startswith("Swapped")


@pytest.mark.parametrize("module", SWAPPED, ids=str)
def test_swapped_modules_give_the_same(module):
    fast = bridge.replace(module)
    assert type(fast).__name__ == f"Swapped{type(module).__name__}"
    assert isinstance(fast, type(module))
    assert not is_swapped(module)
    assert list(fast.state_dict()) == list(module.state_dict())
    for x in (image(module), image(module, 10)[:1], image(module)[0]):
        with torch.no_grad():
            torch.testing.assert_close(fast(x), module(x), rtol=1e-5, atol=1e-5)
            exact = copy.deepcopy(module).double()(x.double())
            torch.testing.assert_close(fast.double()(x.double()), exact)
            fast.float()


@pytest.mark.parametrize("module", KEPT, ids=str)
def test_kept_modules(module):
    assert type(bridge.replace(module)) is type(module)


@pytest.mark.parametrize("module", [m for m in SWAPPED if type(m).__name__[-2] != "1"], ids=str)
def test_channels_last(module):
    fast = bridge.replace(module)
    axes = int(type(module).__name__[-2])
    form = torch.channels_last if axes == 2 else torch.channels_last_3d
    x = image(module).to(memory_format=form)
    with torch.no_grad():
        found = fast(x)
        torch.testing.assert_close(found, module(x), rtol=1e-5, atol=1e-5)
    assert found.is_contiguous(memory_format=form)


def test_maxima_are_equal():
    module = nn.MaxPool2d(3, 2, 1)
    x = image(module)
    x[0, 0, 3, 3] = float("nan")
    assert torch.equal(bridge.replace(module)(x).nan_to_num(7), module(x).nan_to_num(7))


def model():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Sequential(nn.Conv2d(8, 8, 5, padding=2), nn.AvgPool2d(2)), nn.AdaptiveAvgPool2d(1),
    ).eval()  # fmt: skip


def test_what_is_swapped():
    original = model()
    both = bridge.replace(original)
    names = [type(module).__name__ for module in both.modules()]
    assert names == ["Sequential", "SwappedConv2d", "BatchNorm2d", "ReLU", "SwappedMaxPool2d",
                     "Sequential", "Conv2d", "SwappedAvgPool2d", "AdaptiveAvgPool2d"]  # fmt: skip
    assert not any(map(is_swapped, original.modules()))
    pools = bridge.replace(original, convolutions=False)
    assert not is_swapped(pools[0])
    assert is_swapped(pools[3])
    convolutions = bridge.replace(original, poolings=False)
    assert is_swapped(convolutions[0])
    assert not is_swapped(convolutions[3])
    assert bridge.replace(original, inplace=True) is original
    assert is_swapped(original[0])
    assert type(bridge.replace(both)[0]) is type(both[0])


def test_modules_of_others_stay():
    class Own(nn.Conv2d):
        pass

    assert type(bridge.replace(Own(4, 8, 3))) is Own
    normed = nn.utils.parametrizations.weight_norm(nn.Conv2d(4, 8, 3))
    assert type(bridge.replace(normed, inplace=True)) is type(normed)


@torch.no_grad()
def test_weights_that_change_are_packed_again():
    theirs = nn.Conv2d(4, 8, 3, padding=1)
    fast = bridge.replace(theirs)
    x = image(theirs)

    def check():
        torch.testing.assert_close(fast(x), theirs(x), rtol=1e-5, atol=1e-5)

    def on_both(change):
        change(theirs)
        change(fast)
        check()

    check()
    on_both(lambda m: m.weight.mul_(2))
    on_both(lambda m: m.bias.add_(1))
    other = nn.Conv2d(4, 8, 3, padding=1)
    on_both(lambda m: m.load_state_dict(other.state_dict()))
    on_both(lambda m: m.load_state_dict(other.double().float().state_dict(), assign=True))
    on_both(lambda m: setattr(m, "weight", nn.Parameter(torch.ones(8, 4, 3, 3))))
    on_both(lambda m: setattr(m, "bias", None))
    for weight in torch.randn(3, 8, 4, 3, 3):  # memory that is freed may be the next weight's
        on_both(lambda m, weight=weight: setattr(m.weight, "data", weight.clone()))


@torch.no_grad()
def test_settings_that_change():
    theirs = nn.Conv2d(4, 8, 3, padding=1)
    fast = bridge.replace(theirs)
    x = image(theirs)
    for name, value in (("stride", (2, 2)), ("dilation", (2, 1)), ("padding", (0, 2))):
        fast(x)
        for module in (theirs, fast):
            setattr(module, name, value)
        torch.testing.assert_close(fast(x), theirs(x), rtol=1e-5, atol=1e-5)
    pools = nn.MaxPool2d(2), nn.AvgPool2d(2)
    for theirs, name, value in zip(pools, ("return_indices", "divisor_override"), (True, 3),
                                   strict=True):  # fmt: skip
        fast = bridge.replace(theirs)
        for module in (theirs, fast):
            setattr(module, name, value)
        torch.testing.assert_close(fast(x), theirs(x))


@torch.no_grad()
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_weights_that_are_no_longer_parameters():
    theirs = nn.Conv2d(4, 8, 3, padding=1)
    fast = bridge.replace(theirs)
    x = image(theirs)
    fast(x)
    for module in (theirs, fast):
        prune.ln_structured(module, "weight", amount=0.5, n=2, dim=0)
        prune.random_unstructured(module, "bias", amount=0.0)
    torch.testing.assert_close(fast(x), theirs(x))
    normed = nn.utils.parametrizations.weight_norm(bridge.replace(nn.Conv2d(4, 8, 3)))
    assert normed(x).shape == (2, 8, 7, 7)


@torch.no_grad()
def test_weights_are_packed_once(monkeypatch):
    fast = bridge.replace(nn.Conv2d(4, 8, 3))
    made, pack = [], type(fast)._prepare
    monkeypatch.setattr(type(fast), "_prepare", lambda *a: made.append(1) or pack(*a))
    for _ in range(3):
        fast(torch.randn(2, 4, 9, 9))
        fast(torch.randn(1, 4, 6, 7))
    assert made == [1]
    fast(torch.randn(2, 4, 9, 9).to(memory_format=torch.channels_last))
    assert made == [1, 1]


def test_copies_and_files():
    fast = bridge.replace(model())
    x = torch.randn(1, 3, 16, 16)
    with torch.no_grad():
        wanted = fast(x)
        assert torch.equal(copy.deepcopy(fast)(x), wanted)
        file = io.BytesIO()
        torch.save(fast, file)
        file.seek(0)
        again = torch.load(file, weights_only=False)
        assert is_swapped(again[0])
        assert torch.equal(again(x), wanted)


def test_gradients_are_pytorchs():
    theirs, x = model(), torch.randn(1, 3, 16, 16)
    fast = bridge.replace(theirs)
    for one in (theirs, fast):
        one(x).square().sum().backward()
    for one, other in zip(fast.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad)


@pytest.mark.parametrize("module", [nn.Conv2d(4, 8, 3), nn.MaxPool2d(2)], ids=str)
def test_what_pytorch_computes(module):
    fast = bridge.replace(module)
    x = image(module)
    with torch.no_grad():
        wanted = module(x)
        torch.testing.assert_close(torch.compile(fast, backend="eager", fullgraph=True)(x), wanted)
        torch.testing.assert_close(torch.vmap(fast)(x[None])[0], wanted)
        assert fast(x.to("meta")).shape == wanted.shape if not fast.state_dict() else True
        with torch.autocast("cpu", torch.bfloat16):
            assert fast(x).dtype is module(x).dtype
        half = copy.deepcopy(fast).bfloat16()
        assert half(x.bfloat16()).dtype is torch.bfloat16
        assert fast(x[:0]).shape == module(x[:0]).shape
        with pytest.raises(Exception, match=r"[Ee]xpected|got"):
            fast(x[0, 0, 0])
    with torch.inference_mode():
        torch.testing.assert_close(bridge.replace(module)(x), wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("given", "options", "error"),
    [
        (3, {}, TypeError), (None, {}, TypeError), (nn.ReLU, {}, TypeError),
        (nn.ReLU(), {"convolutions": 1}, TypeError), (nn.ReLU(), {"inplace": "yes"}, TypeError),
        (nn.ReLU(), {"poolings": None}, TypeError),
    ],
)  # fmt: skip
def test_what_makes_no_sense(given, options, error):
    with pytest.raises(error, match="replace: "):
        bridge.replace(given, **options)


NETWORKS = {"googlenet": 96, "squeezenet1_1": 96, "vgg11": 64, "resnet18": 96,
            "mobilenet_v3_small": 96}  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_known_networks(name):
    models = pytest.importorskip("torchvision.models")
    torch.manual_seed(0)
    more = {"aux_logits": False, "init_weights": False} if name == "googlenet" else {}
    theirs = getattr(models, name)(weights=None, **more).eval()
    fast, pools = bridge.replace(theirs), bridge.replace(theirs, convolutions=False)
    x = torch.randn(1, 3, NETWORKS[name], NETWORKS[name])
    with torch.no_grad():
        wanted, found, pooled = theirs(x), fast(x), pools(x)
    averages = any("Avg" in type(m).__name__ for m in pools.modules() if is_swapped(m))
    assert torch.allclose(pooled, wanted, 1e-5, 1e-6) if averages else torch.equal(pooled, wanted)
    assert any(map(is_swapped, fast.modules()))
    assert (found - wanted).norm() <= 1e-5 * wanted.norm()


@pytest.mark.parametrize("module", [nn.Conv3d(4, 2, 3, padding=1), nn.ConvTranspose3d(4, 2, 3)])
def test_one_volume_that_lies_as_a_batch_of_images_with_the_channels_last(module):
    x = torch.rand(4, 4, 4, 4).to(memory_format=torch.channels_last)
    scan = torch.rand(5, 6, 7)[None].permute(0, 3, 1, 2)
    with torch.no_grad():
        torch.testing.assert_close(bridge.replace(module)(x), module(x))
        one = type(module)(1, 2, 3)
        torch.testing.assert_close(bridge.replace(one)(scan), one(scan))


@pytest.mark.parametrize(
    ("module", "shape"),
    [
        (nn.MaxPool2d(3, 2, ceil_mode=True), (1, 1, 2, 2)),
        (nn.AvgPool2d(3, 2, ceil_mode=True), (1, 1, 2, 2)),
    ],
    ids=str,
)
def test_calls_that_only_pytorch_computes_are_its_own(module, shape):
    x = torch.rand(shape)
    with torch.no_grad():
        assert torch.equal(bridge.replace(module)(x), module(x))


@pytest.mark.parametrize(
    "module",
    [nn.MaxPool2d(3), nn.Conv2d(1, 1, 3), nn.ConvTranspose2d(1, 1, 1, padding=1)],
    ids=str,
)
def test_calls_that_nobody_computes_have_the_errors_of_pytorch(module):
    for run in (module, bridge.replace(module)):
        with torch.no_grad(), pytest.raises(RuntimeError):
            run(torch.rand(1, 1, 2, 2))
