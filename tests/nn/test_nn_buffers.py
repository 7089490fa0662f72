"""Buffers: running statistics belong to a model's state and are no parameters."""

import copy
import pickle

import numpy as np
import pytest

from convcore import nn
from tests.nn.test_nn_training import Stopped, bars, stopping

safetensors = pytest.importorskip("safetensors", reason="safetensors is not installed")
from safetensors import numpy as st  # noqa: E402

NAMES = [f"norm.running_{word}" for word in ("mean", "var")]


def model(seed=0, **more):
    rng = np.random.default_rng(seed)
    layers = {
        "conv": nn.Conv2d(1, 4, 3, rng=rng, bias=False),
        "norm": nn.BatchNorm2d(4, **more),
        "relu": nn.ReLU(),
        "pool": nn.MaxPool2d(2),
        "flat": nn.Flatten(),
        "out": nn.Linear(36, 2, rng=rng),
    }
    return nn.Sequential(layers)


def fitted(net, epochs=2, seed=3, **more):
    options = {"optimizer": nn.SGD(0.1, 0.9, 0.01), "batch_size": 16, "progress": False, **more}
    return nn.fit(net, *bars(), epochs=epochs, rng=seed, **options)


def equal(one, other):
    mine, yours = one.state(), other.state()
    return mine.keys() == yours.keys() and all((mine[k] == yours[k]).all() for k in mine)


@pytest.fixture(scope="module")
def trained():
    net = model()
    fitted(net, 6)
    return net


def test_names():
    net = model()
    assert list(net.buffers()) == NAMES
    assert list(net.parameters()) == [
        "conv.weight", "norm.weight", "norm.bias", "out.weight", "out.bias"
    ]  # fmt: skip
    assert list(net.state())[:5] == ["conv.weight", "norm.weight", "norm.bias", *NAMES]
    assert net.buffers()[NAMES[0]] is net["norm"].running_mean
    assert nn.Linear(1, 1).buffers() == {}
    assert list(nn.Residual(nn.BatchNorm1d(1)).state())[-1] == "body.0.running_var"


def test_training_moves_them_and_no_optimizer_does():
    net = model()
    before = copy.deepcopy(net)
    x, y = bars()
    net.forward(x)  # not in training
    assert equal(net, before)
    net.train()
    scores = net.forward(x)
    moved = copy.deepcopy(net.buffers())
    assert all((array != before.buffers()[name]).any() for name, array in moved.items())
    net.backward(nn.cross_entropy(scores, y).gradient)
    assert net.gradients.keys() == net.parameters().keys()
    nn.Adam(0.1, weight_decay=0.5).step(net)
    assert all((array == moved[name]).all() for name, array in net.buffers().items())


def test_fit_trains_and_evaluate_uses(trained):
    assert not any(layer.training for layer in trained.layers())
    before = copy.deepcopy(trained)
    found = nn.evaluate(trained, *bars(60, 1))
    assert found.accuracy > 0.8
    assert equal(trained, before)
    assert trained["norm"].running_var.min() > 0
    assert (trained["norm"].running_mean != 0).all()


def test_files(tmp_path, trained):
    path = tmp_path / "net"
    nn.save(trained, path)
    assert st.load_file(path).keys() == trained.state().keys()
    other = model(5)
    assert not equal(other, trained)
    assert equal(nn.load(other, path), trained)
    x, _ = bars(20, 4)
    assert (other.forward(x) == trained.forward(x)).all()


def test_a_file_without_them_is_of_another_model(tmp_path, trained):
    path, net = tmp_path / "net", model()
    st.save_file(trained.parameters(), path)
    before = copy.deepcopy(net)
    with pytest.raises(ValueError, match=r"it lacks norm\.running_mean, norm\.running_var$"):
        nn.load(net, path)
    assert equal(net, before)


def test_pytorchs_counter_of_batches_is_left_out(tmp_path, trained):
    path = tmp_path / "net"
    counter = np.array(7, np.int64)
    st.save_file({**trained.state(), "norm.num_batches_tracked": counter}, path)
    assert equal(nn.load(model(), path), trained)
    st.save_file({**trained.state(), "out.num_batches_tracked": counter}, path)
    with pytest.raises(ValueError, match=r"it has out\.num_batches_tracked, which the model lacks"):
        nn.load(model(), path)


def test_what_is_not_finite_is_no_file(tmp_path):
    net = model()
    net["norm"].running_var[2] = np.inf
    with pytest.raises(
        ValueError, match=r"save: buffer 'norm\.running_var' must be finite, got inf at \[2\]"
    ):
        nn.save(net, tmp_path / "net")


def test_a_training_whose_statistics_diverge():
    net = nn.Sequential(nn.BatchNorm1d(1, affine=False), nn.Linear(1, 2, rng=0))
    x = np.array([[-3e38], [3e38]] * 8, np.float32)  # their variance is beyond float32
    with pytest.raises(ValueError, match=r"diverged: buffer '0\.running_var' is not finite after"):
        nn.fit(net, x, [0, 1] * 8, optimizer=nn.SGD(0.0), rng=0, progress=False)


def test_a_checkpoint_continues_with_the_same_bits(tmp_path):
    path, whole = tmp_path / "run", model()
    history = fitted(whole, 4)
    net = model()
    fitted(net, 2, checkpoint=path)
    assert equal(nn.load(model(), path), net)
    again = model()
    assert fitted(again, 4, checkpoint=path) == history
    assert equal(again, whole)


def test_an_interruption_restores_them(tmp_path):
    path, net = tmp_path / "run", model()
    with stopping(20), pytest.raises(Stopped):
        fitted(net, 4, checkpoint=path)
    assert equal(net, nn.load(model(), path))
    fitted(net, 4, checkpoint=path)
    whole = model()
    fitted(whole, 4)
    assert equal(net, whole)


@pytest.mark.parametrize("change", ["momentum", "eps", "running_mean"])
def test_a_checkpoint_of_others_is_refused(tmp_path, change):
    path = tmp_path / "run"
    fitted(model(), 1, checkpoint=path)
    net = model(**{} if change == "running_mean" else {change: 0.01})
    if change == "running_mean":
        net["norm"].running_mean += 1
    words = "initial weights are other ones" if change == "running_mean" else "its model is"
    with pytest.raises(ValueError, match=words):
        fitted(net, 2, checkpoint=path)


TWINS = {"deepcopy": copy.deepcopy, "pickle": lambda net: pickle.loads(pickle.dumps(net))}


@pytest.mark.parametrize("twin", TWINS)
def test_frozen(twin, trained):
    net = copy.deepcopy(trained)
    net.freeze()
    for one in (net, TWINS[twin](net)):
        assert not any(array.flags.writeable for array in one.state().values())
        with pytest.raises(ValueError, match="read-only"):
            one["norm"].running_mean += 1
        one.train()  # a frozen layer uses what it has
        x, _ = bars(20, 4)
        close = {"rtol": 1e-5, "atol": 1e-5}  # normalisations may be part of convolutions now
        np.testing.assert_allclose(one.forward(x), trained.forward(x), **close)
        maps = trained["conv"].forward(x)
        found = one["norm"].forward(maps)
        np.testing.assert_allclose(found, trained["norm"].forward(maps), **close)
        with pytest.raises(ValueError, match=r"fit: parameter 'conv\.weight' is frozen"):
            fitted(one)
    net.unfreeze()
    fitted(net)
    assert not equal(net, trained)


def test_buffers_alone_can_be_frozen(tmp_path):
    norm = nn.BatchNorm1d(2, affine=False)
    nn.save(norm, tmp_path / "norm")
    norm.freeze()
    with pytest.raises(ValueError, match="load: buffer 'running_mean' is frozen"):
        nn.load(norm, tmp_path / "norm")


@pytest.mark.parametrize("twin", TWINS)
def test_copies_share_nothing(twin, trained):
    other = TWINS[twin](trained)
    assert equal(other, trained)
    for name, array in other.state().items():
        assert not np.shares_memory(array, trained.state()[name])


def test_a_layer_of_ones_own():
    class Running(nn.Layer):
        arrays, untrained = ("scale",), ("seen",)

        def __init__(self):
            super().__init__()
            self.scale, self.seen = np.ones(1), np.zeros(1)

    layer = Running()
    assert list(layer.parameters()) == ["scale"]
    assert list(layer.buffers()) == ["seen"]
    assert layer.count((3,)).parameters == 1
    layer.freeze()
    assert not layer.seen.flags.writeable
