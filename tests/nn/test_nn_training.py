"""Training: the same bits again, interruptions, files, progress, and what is refused."""

import contextlib
import io
import json
import os
import sys

import numpy as np
import pytest

import convcore
from convcore import nn

pytest.importorskip("safetensors", reason="safetensors is not installed")


def bars(n=120, seed=0):
    """Images of 8 x 8 with an upright (0) or a lying (1) bar, and noise."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 0.3, (n, 1, 8, 8)).astype(np.float32)
    y = np.arange(n) % 2
    for i, place in enumerate(rng.integers(0, 8, n)):
        x[i, 0, place] += y[i]
        x[i, 0, :, place] += 1 - y[i]
    return x, y


def model(seed=0, dropout=0.2):
    rng = np.random.default_rng(seed)
    return nn.Sequential(
        {
            "conv": nn.Conv2d(1, 4, 3, rng=rng),
            "relu": nn.ReLU(),
            "pool": nn.MaxPool2d(2),
            "flat": nn.Flatten(),
            "drop": nn.Dropout(dropout),
            "out": nn.Linear(36, 2, rng=rng),
        }
    )


def rule():
    return nn.SGD(0.1, momentum=0.9, weight_decay=1e-4)


def fitted(epochs=3, seed=7, optimizer=None, into=None, **options):
    net = into or model()
    x, y = bars()
    history = nn.fit(
        net,
        x,
        y,
        optimizer=optimizer or rule(),
        epochs=epochs,
        batch_size=16,
        rng=seed,
        progress=False,
        **options,
    )
    return net, history


def equal(one, other):
    mine, yours = one.parameters(), other.parameters()
    return mine.keys() == yours.keys() and all((mine[k] == yours[k]).all() for k in mine)


# The same bits


def test_it_learns():
    net, history = fitted(8, validation=bars(60, 1))
    assert [epoch.epoch for epoch in history] == list(range(1, 9))
    assert history[-1].loss < history[0].loss
    assert history[-1].validation_accuracy > 0.8
    found = nn.evaluate(net, *bars(60, 1), batch_size=16)
    assert found.loss == pytest.approx(history[-1].validation_loss, rel=1e-6)
    assert found.accuracy == history[-1].validation_accuracy
    assert found.confusion.shape == (2, 2)
    assert found.confusion.sum(axis=1).tolist() == [30, 30]
    assert np.trace(found.confusion) == round(found.accuracy * 60)


def moved(x, rng):
    return np.roll(x, rng.integers(-1, 2), axis=3)


def test_the_same_rng_gives_the_same_bits():
    one, first = fitted(augment=moved)
    for threads in (1, 2, 3):
        with convcore.threads(threads):
            other, second = fitted(augment=moved)
        assert equal(one, other)
        assert first == second
    assert not equal(one, fitted(augment=moved, seed=8)[0])
    assert not equal(one, fitted()[0])
    assert equal(one, fitted(augment=moved, seed=np.random.default_rng(7))[0])


def test_the_same_bits_in_another_process(run_python):
    code = (
        "from tests.nn.test_nn_training import fitted\nnet, history = fitted()\n"
        "print(history[-1].loss.hex(), float(net['out'].weight.sum()).hex())"
    )
    outs = {run_python(code, CONVCORE_NUM_THREADS=n).stdout for n in ("1", "2")}
    net, history = fitted()
    assert outs == {f"{history[-1].loss.hex()} {float(net['out'].weight.sum()).hex()}\n"}


def test_dropout_gets_its_own_generator_back():
    net = model()
    own = net["drop"].rng
    fitted(into=net)
    assert net["drop"].rng is own
    assert not any(layer.training for layer in net.layers())


def test_numbers_instead_of_classes():
    x = np.linspace(-1, 1, 40)[:, np.newaxis]
    net = nn.Linear(1, 1, rng=0, dtype=np.float64)
    history = nn.fit(
        net,
        x,
        3 * x - 1,
        optimizer=nn.Adam(0.1),
        loss=nn.mse,
        epochs=60,
        rng=0,
        progress=False,
        validation=(x, 3 * x - 1),
    )
    assert history[-1].accuracy is None
    assert history[-1].validation_accuracy is None
    assert history[-1].validation_loss < 1e-3
    np.testing.assert_allclose([net.weight[0, 0], net.bias[0]], [3, -1], atol=0.05)
    assert nn.evaluate(net, x, 3 * x - 1, loss=nn.mse).confusion is None


def test_a_learning_rate_that_changes():
    rates = []

    def rate(steps):
        rates.append(steps)
        return 0.1 / (1 + steps)

    fitted(2, optimizer=nn.SGD(rate))
    assert rates == list(range(16))
    assert "<function>" in repr(nn.SGD(rate))


def test_a_loss_of_ones_own():
    def doubled(scores, labels):
        value, gradient = nn.cross_entropy(scores, labels)
        return nn.Loss(2 * value, 2 * gradient)

    _, history = fitted(1, loss=doubled, optimizer=nn.SGD(0.0))
    assert history[0].loss == pytest.approx(2 * fitted(1, optimizer=nn.SGD(0.0))[1][0].loss)


# Interruptions


class Stopped(Exception):
    pass


@contextlib.contextmanager
def stopping(batches):
    """Stop training after some batches, as a key does."""
    left = [batches]
    step = nn.Optimizer.step

    def counted(self, net):
        if not left[0]:
            raise Stopped
        left[0] -= 1
        step(self, net)

    nn.Optimizer.step = counted
    try:
        yield
    finally:
        nn.Optimizer.step = step


@pytest.mark.parametrize(
    "make", [rule, lambda: nn.Adam(0.01), lambda: nn.SGD(0.1)], ids=["momentum", "Adam", "SGD"]
)
def test_interrupted_training_ends_with_the_same_bits(tmp_path, make):
    whole, history = fitted(5, optimizer=make(), augment=moved, validation=bars(20, 2))
    path, more = tmp_path / "run.safetensors", {"validation": bars(20, 2), "augment": moved}
    with stopping(20), pytest.raises(Stopped):
        fitted(5, optimizer=make(), checkpoint=path, **more)
    assert path.exists()
    again, second = fitted(5, optimizer=make(), checkpoint=path, **more)
    assert equal(whole, again)
    assert second == history
    finished, third = fitted(5, optimizer=make(), checkpoint=path, **more)
    assert equal(whole, finished)
    assert third == history
    longer = fitted(7, optimizer=make(), checkpoint=path, **more)
    assert equal(longer[0], fitted(7, optimizer=make(), **more)[0])
    assert [name.name for name in tmp_path.iterdir()] == ["run.safetensors"]


@pytest.mark.parametrize("kind", ["MT19937", "Philox", "SFC64", "PCG64DXSM"])
def test_every_kind_of_generator(tmp_path, kind):
    def rng():
        return np.random.Generator(getattr(np.random, kind)(5))

    path = tmp_path / "run"
    whole, _ = fitted(3, rng())
    fitted(2, rng(), checkpoint=path)
    assert equal(whole, fitted(3, rng(), checkpoint=path)[0])


def test_a_killed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "run"
    fitted(1, checkpoint=path)
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        fitted(2, checkpoint=path)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert [name.name for name in tmp_path.iterdir()] == ["run"]
    assert len(fitted(2, checkpoint=path)[1]) == 2


def test_a_checkpoint_is_a_model_too(tmp_path):
    net, _ = fitted(1, checkpoint=tmp_path / "run")
    assert equal(net, nn.load(model(3), tmp_path / "run"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seed": 8}, "its rng is another one"),
        ({"optimizer": nn.SGD(0.2)}, r"its optimizer is SGD\(0.1, .*, not SGD\(0.2\)"),
        ({"into": nn.Sequential([nn.Flatten(), nn.Linear(64, 2)])}, "its model is another one"),
        ({"epochs": 1}, "epochs must be at least 2, .* got 1"),
    ],
)
def test_a_checkpoint_of_another_run(tmp_path, change, words):
    fitted(2, checkpoint=tmp_path / "run")
    with pytest.raises(ValueError, match="fit: .*" + words):
        fitted(**{"epochs": 2, "checkpoint": tmp_path / "run", **change})


def test_a_checkpoint_of_other_data(tmp_path):
    x, y = bars()
    options = {"optimizer": nn.SGD(0.1), "progress": False, "checkpoint": tmp_path / "run"}
    nn.fit(model(), x, y, **options)
    with pytest.raises(ValueError, match="its data is another one"):
        nn.fit(model(), x[::-1], y, **options)
    with pytest.raises(ValueError, match="its batch_size is 32, not 8"):
        nn.fit(model(), x, y, batch_size=8, **options)
    nn.save(model(), tmp_path / "run")
    with pytest.raises(ValueError, match="must be a file of fit"):
        nn.fit(model(), x, y, **options)


# Files


def test_saved_and_loaded_are_equal_in_bits(tmp_path):
    net, _ = fitted(1)
    path = tmp_path / "net.safetensors"
    nn.save(net, path)
    other = model(seed=5)
    arrays = list(other.parameters().values())
    assert nn.load(other, str(path)) is other
    assert equal(net, other)
    assert all(a is b for a, b in zip(arrays, other.parameters().values(), strict=True))
    x, _ = bars()
    assert (net.forward(x) == other.forward(x)).all()
    from safetensors.numpy import load_file

    assert load_file(path).keys() == net.parameters().keys()
    nn.save(net, path)  # in place of the old one
    assert [name.name for name in tmp_path.iterdir()] == ["net.safetensors"]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_every_dtype_is_kept(tmp_path, dtype):
    net = nn.Conv2d(3, 4, 3, rng=0, dtype=dtype)
    net.weight = np.asfortranarray(net.weight)
    nn.save(net, tmp_path / "net")
    other = nn.Conv2d(3, 4, 3, rng=1, dtype=dtype)
    nn.load(other, tmp_path / "net")
    assert other.weight.dtype == dtype
    assert equal(net, other)


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        nn.save(model(), tmp_path / "nowhere" / "net")
    assert caught.value.filename == str(tmp_path / "nowhere" / "net")


def test_a_file_has_the_rights_that_others_have(tmp_path):
    nn.save(model(), tmp_path / "net")
    (tmp_path / "plain").write_bytes(b"")
    assert (tmp_path / "net").stat().st_mode == (tmp_path / "plain").stat().st_mode


def refused(path, net=None):
    net = net or model(5)
    before = {name: array.copy() for name, array in net.parameters().items()}
    with pytest.raises(ValueError, match="load: ") as caught:
        nn.load(net, path)
    assert all((array == before[name]).all() for name, array in net.parameters().items())
    return str(caught.value)


def test_a_truncated_file(tmp_path):
    path = tmp_path / "net"
    nn.save(model(), path)
    whole = path.read_bytes()
    for size in [*range(0, 300, 7), len(whole) // 2, len(whole) - 1]:
        path.write_bytes(whole[:size])
        assert "is not a safetensors file, or truncated" in refused(path)
    path.write_bytes(whole + b"\0")
    assert "is not a safetensors file" in refused(path)
    rng = np.random.default_rng(0)
    for _ in range(100):  # a header with a byte that is wrong
        broken = bytearray(whole)
        broken[rng.integers(0, 400)] = rng.integers(0, 256)
        path.write_bytes(broken)
        with contextlib.suppress(ValueError):
            nn.load(model(), path)


def test_a_foreign_file(tmp_path):
    import pickle

    from safetensors.numpy import save_file

    path = tmp_path / "net"
    for data in (b"", b"hello", pickle.dumps({"conv.weight": 1}), bytes(64), b"\xff" * 64):
        path.write_bytes(data)
        assert "is not a safetensors file" in refused(path)
    save_file(model().parameters(), path)  # ours, by another program
    assert equal(nn.load(model(5), path), model())
    np.savez(tmp_path / "net.npz", **model().parameters())
    assert "got an archive of another kind" in refused(tmp_path / "net.npz")
    with pytest.raises(FileNotFoundError):
        nn.load(model(), tmp_path / "nothing")
    with pytest.raises(OSError, match="directory"):
        nn.load(model(), tmp_path)


def test_the_file_of_another_model(tmp_path):
    path = tmp_path / "net"
    nn.save(nn.Sequential({"conv": nn.Conv2d(1, 4, 3), "last": nn.Linear(36, 2)}), path)
    text = refused(path)
    assert "lacks out.weight, out.bias and has last" in text
    nn.save(nn.Sequential({"conv": nn.Conv2d(1, 4, 5), "out": nn.Linear(36, 2)}), path)
    assert "conv.weight in" in refused(path)
    assert "must have the model's shape (4, 1, 3, 3), got (4, 1, 5, 5)" in refused(path)
    nn.save(nn.Linear(3, 2, dtype=np.float64), path)
    assert "must have the model's dtype float32, got float64" in refused(path, nn.Linear(3, 2))
    frozen = nn.Linear(3, 2, dtype=np.float64)
    frozen.freeze()
    assert "is frozen" in refused(path, frozen)
    with pytest.raises(TypeError, match="save: model must be a layer"):
        nn.save({}, path)


def test_without_safetensors(run_python, tmp_path):
    code = (
        "import sys\nsys.modules['safetensors'] = None\nfrom convcore import nn\n"
        "try:\n    nn.save(nn.Linear(2, 2), sys.argv[1])\n"
        "except ImportError as error:\n    print(error)\n"
        "nn.fit(nn.Linear(1, 2), [[1.0]], [0], optimizer=nn.SGD(), progress=False)"
    )
    done = run_python(code, str(tmp_path / "net"))
    assert done.stdout == (
        'save: safetensors is not installed; pip install "convcore[nn]" installs it\n'
    )


# Progress


def shown(capsys, **options):
    x, y = bars()
    nn.fit(model(), x, y, optimizer=rule(), epochs=2, rng=0, **options)
    printed = capsys.readouterr()
    assert printed.out == ""
    return printed.err


def test_progress_as_lines(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    lines = shown(capsys, validation=bars(20, 1)).splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("epoch 2/2: loss 0.")
    assert " % right; validation: loss " in lines[1]


def test_progress_as_a_bar(capsys):
    pytest.importorskip("tqdm")
    text = shown(capsys)
    assert "epoch 2/2" in text
    assert "4/4" in text  # batches
    assert text.endswith("\n")


def test_no_progress(capsys):
    assert shown(capsys, progress=False) == ""


# Refusals


X, Y = bars(8)


def broken(array, place, value):
    array = array.copy()
    array[place] = value
    return array


REFUSED = {
    "NaN": (
        {"x": broken(X, (3, 0, 1, 2), np.nan)},
        ValueError,
        r"fit: x must be finite, got nan at \[3, 0, 1, 2\]",
    ),
    "Inf": (
        {"x": broken(X, (0, 0, 0, 0), np.inf)},
        ValueError,
        "x must be finite, got inf at",
    ),
    "no examples": (
        {"x": X[:0], "y": Y[:0]},
        ValueError,
        "x must not be empty, got shape",
    ),
    "no pixels": ({"x": X[:, :, :0]}, ValueError, "x must not be empty"),
    "text": ({"x": "abc"}, TypeError, "x must have dtype"),
    "complex": ({"x": X.astype(complex)}, TypeError, "x must have dtype .* got complex128"),
    "one number": ({"x": 3.0}, ValueError, "x must not be empty|x must have 4 axes"),
    "lengths": ({"y": Y[:7]}, ValueError, "x and y must have equally many examples, got 8 and 7"),
    "label too large": (
        {"y": broken(Y, 5, 2)},
        ValueError,
        r"fit: y, from example 0 on: cross_entropy: labels must be from 0 to 1, got 2 at \[5\]",
    ),
    "label negative": ({"y": broken(Y, 5, -1)}, ValueError, r"got -1 at \[5\]"),
    "label in a later batch": (
        {"y": broken(Y, 7, 9), "batch_size": 3},
        ValueError,
        r"from example 6 on: .* got 9 at \[1\]",
    ),
    "labels as floats": ({"y": Y / 2}, TypeError, "labels must be integers, got dtype"),
    "NaN labels": (
        {"y": broken(Y.astype(float), 0, np.nan)},
        ValueError,
        "y must be finite, got nan",
    ),
    "labels of two axes": ({"y": Y[:, None]}, ValueError, "labels must have shape"),
    "another image": ({"x": X[:, :, :6, :6]}, ValueError, "layer 5 'out', .* does not fit"),
    "channels": ({"x": np.repeat(X, 2, 1)}, ValueError, "layer 0 'conv', .* must have 1 channels"),
    "no batch": ({"x": X[0]}, ValueError, "examples, got 1 and 8|x must have 4 axes"),
    "epochs": ({"epochs": 0}, ValueError, "epochs must be at least 1, got 0"),
    "batch_size": ({"batch_size": 0}, ValueError, "batch_size must be at least 1"),
    "optimizer": ({"optimizer": "adam"}, TypeError, "optimizer must be SGD or Adam, got 'adam'"),
    "rng": ({"rng": "seed"}, TypeError, "fit: rng must be"),
    "progress": ({"progress": 2}, TypeError, "progress must be True or False"),
    "model": ({"model": 5}, TypeError, r"model must be a layer of convcore\.nn"),
    "no parameters": (
        {"model": nn.Sequential([nn.Flatten()])},
        ValueError,
        "must have parameters, got a Seq",
    ),
    "validation": ({"validation": 3}, TypeError, r"validation must be a pair \(x, y\), got 3"),
    "validation NaN": (
        {"validation": (broken(X, (0, 0, 0, 0), np.nan), Y)},
        ValueError,
        r"validation x must be finite, got nan",
    ),
    "validation labels": ({"validation": (X, Y + 1)}, ValueError, "validation y, from example 0"),
    "mse": ({"loss": nn.mse}, ValueError, r"mse: target must have .* \(8, 2\), got \(8,\)"),
    "augment": ({"augment": lambda x, rng: x[:, :, 1:]}, ValueError, "does not fit"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name):
    change, kind, words = REFUSED[name]
    net = model()
    before = {k: array.copy() for k, array in net.parameters().items()}
    options = {"model": net, "x": X, "y": Y, "optimizer": nn.SGD(0.1), "progress": False, **change}
    arguments = [options.pop(key) for key in ("model", "x", "y")]
    with pytest.raises(kind, match=words):
        nn.fit(*arguments, **options)
    assert all((array == before[k]).all() for k, array in net.parameters().items())


def test_a_frozen_model_is_not_trained():
    net = model()
    net.freeze()
    with pytest.raises(ValueError, match=r"fit: parameter 'conv\.weight' is frozen"):
        fitted(into=net)


def test_a_loss_that_runs_away():
    with (
        pytest.raises(ValueError, match=r"diverged: the loss is (nan|inf) in epoch 1, batch \d+"),
        np.errstate(all="ignore"),
    ):
        fitted(5, optimizer=nn.SGD(1e30))


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda: nn.SGD(-1), ValueError, "SGD: learning_rate must be at least 0"),
        (lambda: nn.SGD("fast"), TypeError, "learning_rate must be a number"),
        (lambda: nn.SGD(0.1, 1), ValueError, "momentum must be at least 0 and less than 1"),
        (lambda: nn.SGD(0.1, weight_decay=np.inf), ValueError, "weight_decay must be at least 0"),
        (lambda: nn.Adam(0.1, (0.9, 1)), ValueError, "betas must be"),
        (lambda: nn.Adam(0.1, 0.9), TypeError, "betas must be two numbers"),
        (lambda: nn.Adam(0.1, eps=-1), ValueError, "eps must be"),
        (
            lambda: nn.SGD(0.1).step(model()),
            ValueError,
            r"SGD: parameter 'conv\.weight' has no gradient",
        ),
        (lambda: nn.cross_entropy([1.0, 2.0], [0]), ValueError, r"shape \(N, classes\)"),
        (lambda: nn.cross_entropy(np.zeros((0, 3)), []), ValueError, "not empty, got"),
        (lambda: nn.cross_entropy([[1.0, 2.0]], [2]), ValueError, r"got 2 at \[0\]"),
        (lambda: nn.cross_entropy([["a", "b"]], [0]), TypeError, "scores must have dtype"),
        (
            lambda: nn.mse([1.0], [1.0, 2.0]),
            ValueError,
            r"target must have .* \(1,\), got \(2,\)",
        ),
        (lambda: nn.mse([], []), ValueError, "result must not be empty"),
        (lambda: nn.evaluate(model(), X[:0], Y[:0]), ValueError, "evaluate: x must not be empty"),
        (lambda: nn.evaluate(model(), X, Y + 5), ValueError, "evaluate: y, from example 0 on"),
        (lambda: nn.evaluate(5, X, Y), TypeError, "evaluate: model must be a layer"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_other_refusals(call, kind, words):
    with pytest.raises(kind, match=words):
        call()


def test_scores_without_bounds():
    value, gradient = nn.cross_entropy([[1e30, -1e30], [-1e30, 1e30]], [0, 1])
    assert value == 0
    assert not gradient.any()
    assert nn.cross_entropy([[1000.0, 0.0]], [1]).value == 1000
    half = nn.cross_entropy(np.zeros((1, 2), np.float16), [0])
    assert half.gradient.dtype == np.float16


def test_json_of_a_checkpoint(tmp_path):
    # what other programs can read of it
    fitted(1, checkpoint=tmp_path / "run")
    data = (tmp_path / "run").read_bytes()
    header = json.loads(io.BytesIO(data[8:]).read(int.from_bytes(data[:8], "little")))
    assert header["__metadata__"]["format"] == "convcore 1"
    assert json.loads(header["__metadata__"]["facts"])["history"][0][0] == 1
