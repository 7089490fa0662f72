"""Stacks, the two networks of the notes and their numbers."""

import json

import numpy as np
import pytest

import convcore
from convcore import geometry, nn
from convcore.connections import lenet5_c3
from convcore.nn import models
from tests.nn.test_nn_layers import slope


@pytest.fixture(scope="module")
def lenet5():
    return models.lenet5(rng=0)


@pytest.fixture(scope="module")
def alexnet():
    return models.alexnet(rng=0)


# f31-f34: LeCun et al. (1998): output, weights, biases, parameters, connections
LENET5 = {
    "C1": ((6, 28, 28), 150, 6, 156, 122_304),
    "S2": ((6, 14, 14), 6, 6, 12, 5_880),
    "C3": ((16, 10, 10), 1_500, 16, 1_516, 151_600),
    "S4": ((16, 5, 5), 16, 16, 32, 2_000),
    "C5": ((120, 1, 1), 48_000, 120, 48_120, 48_120),
    "F6": ((84,), 10_080, 84, 10_164, 10_164),
    "output": ((10,), 840, 10, 850, 850),
}

# f35-f37: the table of the notes: output, weights, biases
ALEXNET = {
    "Conv-1": ((96, 55, 55), 34_848, 96),
    "MaxPool-1": ((96, 27, 27), 0, 0),
    "Conv-2": ((256, 27, 27), 614_400, 256),
    "MaxPool-2": ((256, 13, 13), 0, 0),
    "Conv-3": ((384, 13, 13), 884_736, 384),
    "Conv-4": ((384, 13, 13), 1_327_104, 384),
    "Conv-5": ((256, 13, 13), 884_736, 256),
    "MaxPool-3": ((256, 6, 6), 0, 0),
    "FC-1": ((4096,), 37_748_736, 4_096),
    "FC-2": ((4096,), 16_777_216, 4_096),
    "FC-3": ((1000,), 4_096_000, 1_000),
}


@pytest.mark.item("f31", "f32", "f33", "f34")
@pytest.mark.parametrize("name", LENET5)
def test_lenet5_row(lenet5, name):
    row = nn.summary(lenet5, (1, 32, 32))[name]
    assert (row.output_shape, row.weights, row.biases, row.parameters, row.connections) == (
        LENET5[name]
    )


@pytest.mark.item("f35", "f36", "f37")
@pytest.mark.parametrize("name", ALEXNET)
def test_alexnet_row(alexnet, name):
    row = nn.summary(alexnet, (3, 227, 227))[name]
    shape, weights, biases = ALEXNET[name]
    assert (row.output_shape, row.weights, row.biases) == (shape, weights, biases)
    assert row.parameters == weights + biases


@pytest.mark.item("f37")
def test_totals(lenet5, alexnet):
    assert nn.summary(alexnet, (3, 227, 227)).parameters == 62_378_344
    assert nn.summary(lenet5, (1, 32, 32)).parameters == 60_850
    grouped = nn.summary(models.alexnet(groups=True, rng=0), (3, 227, 227))
    assert grouped.parameters == 60_965_224  # the paper's "60 million"
    assert grouped["Conv-2"].weights == 307_200
    assert sum(a.size for a in alexnet.parameters().values()) == 62_378_344
    assert alexnet.count((3, 227, 227)).parameters == 62_378_344


def test_modern_lenet5():
    modern = nn.summary(models.lenet5(modern=True), (1, 32, 32))
    assert modern["S2"].parameters == 0
    assert modern["S2"].output_shape == (6, 14, 14)
    assert modern.parameters == 60_850 - 12 - 32
    assert "ReLU" in repr(models.lenet5(modern=True))


@pytest.mark.item("f34")
def test_c5_is_the_dense_layer_on_a_map_of_its_size(lenet5):
    # f34: a convolution that happens to be fully connected, on 5 x 5 cells and not on more
    c5 = lenet5["C5"]
    dense = nn.Linear(400, 120, rng=0)
    dense.weight[...] = c5.weight.reshape(120, 400)
    dense.bias[...] = c5.bias
    x = np.random.default_rng(0).normal(size=(7, 16, 5, 5)).astype(np.float32)
    np.testing.assert_allclose(c5(x)[..., 0, 0], dense(x.reshape(7, -1)), rtol=1e-5, atol=1e-6)
    assert c5.output_shape((16, 9, 7)) == (120, 5, 3)
    with pytest.raises(ValueError, match="Linear: x must have 400 features, got 1008"):
        dense.output_shape((16 * 9 * 7,))


@pytest.mark.item("f34")
def test_lenet5_on_a_larger_image_is_refused(lenet5):
    with pytest.raises(
        ValueError,
        match=r"layer 11 'F6', Linear\(120, 84\), does not fit what "
        r"layer 10 'flat', Flatten\(\), gives, shape \(480,\): Linear: x must have 120 features, "
        "got 480",
    ):
        lenet5.forward(np.zeros((1, 1, 36, 36), np.float32))


@pytest.mark.item("f33")
def test_c3_leaves_out_what_its_table_leaves_out(lenet5):
    assert not lenet5["C3"].weight[~lenet5_c3()].any()
    assert (lenet5["C3"].options["connections"] == lenet5_c3()).all()


def test_the_same_seed_gives_the_same_network():
    for build in (models.lenet5, lambda rng: models.lenet5(True, rng=rng)):
        mine, yours, other = (build(rng=seed).parameters() for seed in (3, 3, 4))
        assert all((mine[name] == yours[name]).all() for name in mine)
        assert any((mine[name] != other[name]).any() for name in mine)


def test_alexnet_runs(alexnet):
    x = np.random.default_rng(0).normal(size=(2, 3, 227, 227)).astype(np.float32)
    y = alexnet.forward(x)
    assert y.shape == (2, 1000)
    assert 0.1 < y.std() < 10
    np.testing.assert_allclose(alexnet.forward(x[1]), y[1], rtol=1e-4, atol=1e-5)


def test_an_image_without_a_batch(lenet5):
    x = np.random.default_rng(0).normal(size=(3, 1, 32, 32)).astype(np.float32)
    y = lenet5.forward(x)
    assert lenet5.forward(x[1]).shape == (10,)
    np.testing.assert_allclose(lenet5.forward(x[1]), y[1], rtol=1e-5, atol=1e-6)
    assert lenet5.output_shape((1, 32, 32)) == (10,)
    assert lenet5.output_shape((5, 1, 32, 32)) == (5, 10)


@pytest.mark.item("f07")
def test_receptive_fields_are_what_moves_the_output():
    stack = nn.Sequential(
        [
            nn.Conv2d(1, 1, 3, bias=False),
            nn.AvgPool2d(2),
            nn.ReLU(),
            nn.Conv2d(1, 1, (3, 2), (2, 1), 1, bias=False),
            nn.Subsample2d(1, 2),
        ]
    )
    for layer in stack:
        if "weight" in layer.parameters():
            layer.weight[...] = 1
    row = nn.summary(stack, (1, 20, 20))[-1]
    x = np.eye(400, dtype=np.float32).reshape(400, 1, 20, 20)
    moved = stack.forward(x)[:, 0].reshape(20, 20, *row.output_shape[1:]) != 0
    for j, k in np.ndindex(*row.output_shape[1:]):
        cells = np.argwhere(moved[:, :, j, k])
        first = [row.offset[0] + j * row.jump[0], row.offset[1] + k * row.jump[1]]
        last = [f + size - 1 for f, size in zip(first, row.receptive_field, strict=True)]
        assert cells.min(axis=0).tolist() == np.clip(first, 0, 19).tolist()
        assert cells.max(axis=0).tolist() == np.clip(last, 0, 19).tolist()


def test_receptive_field_of_the_stack_is_geometry_s():
    stack = nn.Sequential([nn.Conv2d(1, 4, 5), nn.MaxPool2d(2), nn.Conv2d(4, 8, 5, padding=2)])
    fields = geometry.receptive_field(list(stack))
    for field, row in zip(fields, nn.summary(stack, (1, 28, 28)).rows, strict=True):
        assert (row.receptive_field, row.jump, row.offset) == tuple(field)


def test_where_fields_differ_there_is_none():
    stack = nn.Sequential([nn.AdaptiveAvgPool2d(3), nn.Conv2d(1, 2, 2)])
    assert nn.summary(stack, (1, 8, 8))[1].receptive_field is None
    assert nn.summary(stack, (1, 9, 9))[1].receptive_field == (6, 6)
    up = nn.summary(nn.ConvTranspose2d(1, 1, 4, 2), (1, 8, 8))
    assert up[0].receptive_field is None
    assert nn.summary(nn.Linear(4, 2), (4,))[0].receptive_field is None


# The summary as a value


def test_summary_exports(lenet5):
    numbers = nn.summary(lenet5, (1, 32, 32))
    again = json.loads(numbers.to_json())
    assert again["parameters"] == 60_850
    assert [row["name"] for row in again["rows"]] == list(lenet5.names)
    assert again["rows"][0]["connections"] == 122_304
    assert json.loads(json.dumps(numbers.to_dict())) == again
    assert numbers == nn.summary(lenet5, (64, 1, 32, 32))  # a batch is left out
    assert numbers != nn.summary(lenet5["C1"], (1, 32, 32))
    assert hash(numbers) == hash(nn.summary(lenet5, (1, 32, 32)))
    assert len(numbers) == len(lenet5) == 14
    with pytest.raises(KeyError, match="no layer 'C9'"):
        numbers["C9"]


def test_summary_as_html(lenet5):
    text = nn.summary(lenet5, (1, 32, 32))._repr_html_()
    assert text.startswith("<table>")
    assert text.count("<tr>") == text.count("</tr>") == 14 + 3
    assert "122,304" in text
    assert "&lt;table of shape (16, 6), 60 of 96 pairs&gt;" in text


def test_summary_as_text(alexnet):
    numbers = nn.summary(alexnet, (3, 227, 227))
    assert str(numbers) == repr(numbers)
    narrow = numbers.text(layers=False)
    assert max(map(len, narrow.splitlines())) <= 100
    assert "Conv2d" not in narrow
    assert "62,378,344" in narrow
    assert [line.split()[0] for line in narrow.splitlines()[3:-2]] == list(alexnet.names)


def test_summary_of_stacks_in_stacks():
    inner = nn.Sequential({"conv": nn.Conv2d(1, 2, 3), "relu": nn.ReLU()})
    model = nn.Sequential({"first": inner, "pool": nn.MaxPool2d(2)})
    numbers = nn.summary(model, (1, 8, 8))
    assert [row.name for row in numbers.rows] == ["first.conv", "first.relu", "pool"]
    assert list(model.parameters()) == ["first.conv.weight", "first.conv.bias"]
    assert numbers["pool"].receptive_field == (4, 4)
    assert numbers.parameters == model.count((1, 8, 8)).parameters == 20


def test_summary_refuses():
    with pytest.raises(TypeError, match=r"summary: model must be a layer of convcore\.nn, got 3"):
        nn.summary(3, (1, 8, 8))
    with pytest.raises(ValueError, match=r"layer 0 'layer', Conv2d\(1, 2, 3\), does not fit the"):
        nn.summary(nn.Conv2d(1, 2, 3), (2, 8, 8))


# Stacks


def stack():
    return nn.Sequential(
        [nn.Conv2d(1, 2, 3, rng=0), nn.ReLU(), nn.Flatten(), nn.Linear(72, 3, rng=1)]
    )


def test_a_stack_is_a_list():
    model = stack()
    assert len(model) == 4
    assert [type(layer).__name__ for layer in model] == ["Conv2d", "ReLU", "Flatten", "Linear"]
    assert model[0] is model["0"]
    assert model[-1] is model[3]
    assert list(model[:2].parameters()) == ["0.weight", "0.bias"]
    assert model[1:].names == ("0", "1", "2")  # places, not words of their own
    assert model[:2][0] is model[0]
    model.insert(1, nn.AvgPool2d(2), "pool")
    assert model.names == ("0", "pool", "2", "3", "4")
    del model["pool"]
    model[1] = nn.Tanh()
    assert isinstance(model[1], nn.Tanh)
    model.append(nn.Softmax(), "chances")
    np.testing.assert_allclose(model(np.ones((2, 1, 8, 8), np.float32)).sum(axis=1), 1, rtol=1e-6)
    assert model["chances"] is model[4]
    for key, kind in ((9, IndexError), (-6, IndexError), ("nine", KeyError)):
        with pytest.raises(kind, match="no layer"):
            model[key]
    with pytest.raises(TypeError, match=r"key must be an integer, a name or a slice, got 1\.5"):
        model[1.5]
    assert "0: Conv2d(1, 2, 3)," in repr(model)
    assert repr(nn.Sequential()) == "Sequential()"


def test_an_empty_stack_changes_nothing():
    x = np.ones((2, 3))
    model = nn.Sequential()
    assert (model.forward(x) == x).all()
    assert (model.backward(x) == x).all()
    assert model.output_shape((3,)) == (3,)
    assert model.count((3,)) == (0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("layers", "kind", "words"),
    [
        ([nn.Conv2d(1, 2, 3), 5], TypeError, "layer 1 must be a layer of convcore.nn, got 5"),
        (5, TypeError, "layers must be layers, a list of layers or a mapping"),
        ({"a.b": nn.ReLU()}, ValueError, "name must be a new word without dots that is no number"),
        ({"": nn.ReLU()}, ValueError, "is no number, got ''"),
        ({1: nn.ReLU()}, ValueError, "is no number, got 1"),
    ],
    ids=str,
)
def test_what_no_stack_is_made_of(layers, kind, words):
    with pytest.raises(kind, match="Sequential: .*" + words):
        nn.Sequential(layers)


def test_a_layer_has_one_place():
    layer = nn.ReLU()
    model = nn.Sequential([layer])
    with pytest.raises(ValueError, match=r"layers must be distinct objects, got ReLU\(\) twice"):
        model.append(layer)
    with pytest.raises(ValueError, match="must be distinct objects"):
        model.append(nn.Sequential([nn.Tanh(), layer]))
    with pytest.raises(ValueError, match="name must be a new word"):
        model.append(nn.Tanh(), "0")
    model[0] = layer  # its own place again


@pytest.mark.item("f00")
def test_a_wrong_stack_names_layer_place_and_shapes():
    layers = {"C1": nn.Conv2d(1, 6, 5), "S2": nn.MaxPool2d(2), "C3": nn.Conv2d(4, 8, 5)}
    words = (
        r"Sequential: layer 2 'C3', Conv2d\(4, 8, 5\), does not fit what layer 1 'S2', "
        r"MaxPool2d\(2\), gives, shape \(6, 14, 14\): Conv2d: x must have 4 channels, "
        r"got 6 in shape \(6, 14, 14\)"
    )
    with pytest.raises(ValueError, match=words):
        nn.Sequential(layers, input_shape=(1, 32, 32))
    model = nn.Sequential(layers)
    with pytest.raises(ValueError, match=words):
        model.forward(np.zeros((2, 1, 32, 32)))
    with pytest.raises(ValueError, match=words):
        nn.summary(model, (1, 32, 32))
    flat = nn.Sequential([nn.Conv2d(1, 6, 5), nn.Linear(784, 10)])
    with pytest.raises(ValueError, match=r"layer 1, Linear\(784, 10\), .*must have 1 axes"):
        flat.forward(np.zeros((2, 1, 32, 32)))
    with pytest.raises(ValueError, match="x must have 4 axes, the batch first, or 3 without"):
        flat.forward(np.zeros((2, 32)))
    with pytest.raises(ValueError, match=r"layer 0 .* does not fit the input, shape"):
        model.forward(np.zeros((2, 3, 32, 32)))


# Gradients through whole stacks


STACKS = {
    "plain": lambda: [
        nn.Conv2d(1, 3, 3, dtype=np.float64, rng=0),
        nn.Tanh(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(27, 4, dtype=np.float64, rng=1),
    ],
    "unshared": lambda: [
        nn.LocalConv2d(1, 2, 3, input_size=8, dtype=np.float64, rng=0),
        nn.Sigmoid(),
        nn.TiledConv2d(2, 3, 3, period=2, dtype=np.float64, rng=1),
        nn.LpPool2d(2),
        nn.ConvTranspose2d(3, 1, 2, 2, dtype=np.float64, rng=2),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
    ],
    "nested": lambda: [
        nn.Sequential([nn.AvgPool2d(2), nn.Conv2d(1, 2, 2, dtype=np.float64, rng=3)]),
        nn.Sequential([nn.Tanh(scaled=True), nn.Subsample2d(2, 3, dtype=np.float64)]),
        nn.Flatten(),
    ],
}


@pytest.mark.parametrize("name", STACKS)
def test_gradients_of_stacks(name):
    model = nn.Sequential(STACKS[name]())
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(3, 1, 8, 8)), np.array([0, 1, 0])

    def value():
        return nn.cross_entropy(model.forward(x), labels).value

    dx = model.backward(nn.cross_entropy(model.forward(x), labels).gradient)
    gradients = model.gradients
    np.testing.assert_allclose(dx, slope(value, x), rtol=1e-5, atol=1e-8)
    assert gradients.keys() == model.parameters().keys()
    for key, array in model.parameters().items():
        np.testing.assert_allclose(gradients[key], slope(value, array), rtol=1e-5, atol=1e-8)
    model.forward(x)
    assert model.backward(np.ones((3, model.output_shape((1, 8, 8))[0])), need_dx=False) is None


@pytest.mark.parametrize("modern", [False, True])
def test_gradients_of_lenet5(modern):
    model = models.lenet5(modern, rng=0, dtype=np.float64)
    rng = np.random.default_rng(1)
    x, labels = rng.normal(size=(2, 1, 32, 32)), np.array([3, 8])

    def value():
        return nn.cross_entropy(model.forward(x), labels).value

    dx = model.backward(nn.cross_entropy(model.forward(x), labels).gradient)
    gradients = model.gradients
    arrays = {**model.parameters(), "x": x}
    for key, array in arrays.items():  # a few entries of each
        flat = array.reshape(-1)
        found = (dx if key == "x" else gradients[key]).reshape(-1)
        for place in rng.choice(flat.size, min(flat.size, 12), replace=False):
            old = flat[place]
            flat[place] = old + 1e-6
            up = value()
            flat[place] = old - 1e-6
            down = value()
            flat[place] = old
            if key == "C3.weight" and not lenet5_c3().reshape(-1)[place // 25]:
                assert found[place] == 0
                continue
            np.testing.assert_allclose(found[place], (up - down) / 2e-6, rtol=1e-4, atol=1e-8)


def test_lenet5_bits_do_not_depend_on_threads(lenet5):
    x = np.random.default_rng(0).normal(size=(40, 1, 32, 32)).astype(np.float32)
    results = []
    for threads in (1, 2, 4):
        with convcore.threads(threads):
            y = lenet5.forward(x)
            dx = lenet5.backward(nn.cross_entropy(y, np.arange(40) % 10).gradient)
            results.append([y, dx, *lenet5.gradients.values()])
    for other in results[1:]:
        assert all((a == b).all() for a, b in zip(results[0], other, strict=True))


def test_freezing_a_stack():
    model = models.lenet5(rng=0)
    x = np.zeros((1, 1, 32, 32), np.float32)
    y = model.forward(x)
    model.freeze()
    assert (model.forward(x) == y).all()
    assert not any(array.flags.writeable for array in model.parameters().values())
    with pytest.raises(ValueError, match=r"Sequential: backward must .* the layer is frozen"):
        model.backward(y)
    model.unfreeze()
    assert all(array.flags.writeable for array in model.parameters().values())
    model.forward(x)
    model.backward(y)
