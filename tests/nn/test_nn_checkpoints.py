"""A checkpoint is continued by its own training alone, and checked before anything changes."""

import copy
import functools
import json

import numpy as np
import pytest

from convcore import nn
from convcore.nn.io import files
from convcore.nn.io.disk import File
from tests.nn.test_nn_training import Stopped, bars, equal, fitted, model, moved, rule, stopping

safetensors = pytest.importorskip("safetensors", reason="safetensors is not installed")
from safetensors import numpy as st  # noqa: E402


def refused(path, words, **change):
    """Fit raises ValueError, and changes neither model nor optimizer nor generator."""
    net = change.pop("into", None) or model()
    optimizer = change.pop("optimizer", None) or rule()
    generator = np.random.default_rng(change.pop("seed", 7))
    before = {name: array.copy() for name, array in net.parameters().items()}
    steps, state = optimizer.steps, generator.bit_generator.state
    with pytest.raises(ValueError, match=words):
        fitted(into=net, optimizer=optimizer, seed=generator, checkpoint=path, **change)
    now = net.parameters()
    assert all((array == now[name]).all() for name, array in before.items())
    assert optimizer.steps == steps
    assert generator.bit_generator.state == state


# Another training


def scaled(by):
    return lambda x, rng: x * np.float32(by)


class Turned:
    def __init__(self, by):
        self.by = by

    def __call__(self, x, rng):
        return np.roll(x, self.by, axis=3)


class Doubled(nn.Optimizer):
    factor = 2.0

    def _change(self, name, gradient, rate):
        return self.factor * rate * gradient


class Halved(nn.Optimizer):
    def _change(self, name, gradient, rate):
        return 0.5 * rate * gradient


Halved.__qualname__ = Halved.__name__ = "Doubled"
SIZE = 0.5


def by_a_global(x, rng):
    return x * np.float32(SIZE)


def a_loss(scores, labels):
    return nn.cross_entropy(scores, labels)


def another_loss(scores, labels):
    value, gradient = nn.cross_entropy(scores, labels)
    return value, gradient


def table(last):
    pairs = np.array([[True], [True], [True], [True]])
    pairs[last] = False
    return pairs


def net_with(layer):
    return nn.Sequential(
        {
            "first": layer,
            "flat": nn.Flatten(),
            "out": nn.Linear(
                layer.output_shape((1, 8, 8))[0] * int(np.prod(layer.output_shape((1, 8, 8))[1:])),
                2,
                rng=0,
            ),
        }
    )


def smooth(size, normalize=True):
    return nn.WeightedPool2d(np.array([[1.0, size]]), normalize=normalize)


# What differs: options of fit twice, and what the error says.
OTHERS = {
    "rate": (
        {"optimizer": nn.SGD(0.1234567)},
        {"optimizer": nn.SGD(0.1234568)},
        r"its optimizer is SGD\(0\.1234567\), not SGD\(0\.1234568\)",
    ),
    "a bit of the rate": (
        {"optimizer": nn.SGD(0.1)},
        {"optimizer": nn.SGD(np.nextafter(0.1, 1))},
        r"its optimizer is SGD\(0\.1\), not SGD\(0\.10000000000000002\)",
    ),
    "momentum": (
        {"optimizer": nn.SGD(0.1, 0.9)},
        {"optimizer": nn.SGD(0.1, 0.9 + 1e-12)},
        "its optimizer is SGD",
    ),
    "betas": (
        {"optimizer": nn.Adam(0.1)},
        {"optimizer": nn.Adam(0.1, (0.9, 0.99))},
        "its optimizer is Adam",
    ),
    "eps": (
        {"optimizer": nn.Adam(0.1)},
        {"optimizer": nn.Adam(0.1, eps=1.1e-8)},
        "its optimizer is Adam",
    ),
    "a rate's lambda": (
        {"optimizer": nn.SGD(lambda n: 0.1)},
        {"optimizer": nn.SGD(lambda n: 0.2)},
        "its optimizer is another one",
    ),
    "a rate's closure": (
        {"optimizer": nn.SGD((lambda a: lambda n: a)(0.1))},
        {"optimizer": nn.SGD((lambda a: lambda n: a)(0.2))},
        "its optimizer is another one",
    ),
    "a rate's default": (
        {"optimizer": nn.SGD(lambda n, a=0.1: a)},
        {"optimizer": nn.SGD(lambda n, a=0.2: a)},
        "its optimizer is another",
    ),
    "a rate's code": (
        {"optimizer": nn.SGD(lambda n: 0.1 + n)},
        {"optimizer": nn.SGD(lambda n: 0.1 - n)},
        "its optimizer is another one",
    ),
    "a rule's code": (
        {"optimizer": Doubled(0.1, 0.0)},
        {"optimizer": Halved(0.1, 0.0)},
        "its optimizer is another one",
    ),
    "augment": ({"augment": moved}, {"augment": None}, "its augment is moved, not None"),
    "an augment's closure": ({"augment": scaled(1)}, {"augment": scaled(2)}, "its augment is ano"),
    "an augment's object": ({"augment": Turned(1)}, {"augment": Turned(2)}, "its augment is anoth"),
    "an augment's method": (
        {"augment": Turned(1).__call__},
        {"augment": Turned(2).__call__},
        "its augment is another one",
    ),
    "an augment's partial": (
        {"augment": functools.partial(nn.data.warp, angle=0.1)},
        {"augment": functools.partial(nn.data.warp, angle=0.2)},
        "its augment is another one",
    ),
    "loss": ({}, {"loss": a_loss}, "its loss is cross_entropy, not a_loss"),
    "a loss's code": ({"loss": a_loss}, {"loss": another_loss}, "its loss is a_loss, not another"),
    "weights": ({}, {"into": model(5)}, "its initial weights are other ones"),
    "memory": ({}, {"optimizer": "used"}, "its optimizer's memory is another one"),
    "seed": ({}, {"seed": 8}, "its rng is another one"),
    "dropout": (
        {"into": model(dropout=0.2)},
        {"into": model(dropout=0.2 + 1e-9)},
        "its model is another one",
    ),
    "table": (
        {"into": net_with(nn.Conv2d(1, 4, 3, connections=table(1), rng=0))},
        {"into": net_with(nn.Conv2d(1, 4, 3, connections=table(2), rng=0))},
        "its model is another one",
    ),
    "window": (
        {"into": net_with(smooth(1.0))},
        {"into": net_with(smooth(2.0))},
        "its model is another one",
    ),
    "normalize": (
        {"into": net_with(smooth(1.0))},
        {"into": net_with(smooth(1.0, False))},
        "its model is another one",
    ),
    "border": (
        {"into": net_with(nn.Conv2d(1, 2, 3, padding=1, rng=0))},
        {"into": net_with(nn.Conv2d(1, 2, 3, padding=1, border="wrap", rng=0))},
        "its model is another one",
    ),
    "dtype": (
        {"into": nn.Sequential(nn.Flatten(), nn.Linear(64, 2, rng=0))},
        {"into": nn.Sequential(nn.Flatten(), nn.Linear(64, 2, rng=0, dtype=np.float64))},
        "its initial weights are other ones",
    ),
    "validation": ({"validation": bars(20, 2)}, {"validation": bars(20, 3)}, "its validation is "),
    "no validation": ({"validation": bars(20, 2)}, {"validation": None}, "its validation"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_another_training(tmp_path, name):
    first, other, words = copy.deepcopy(OTHERS[name])
    if other.get("optimizer") == "used":
        other["optimizer"] = rule()
        fitted(2, optimizer=other["optimizer"])
    fitted(1, checkpoint=tmp_path / "run", **first)
    for option in ("optimizer", "into"):  # what the first has changed
        if option in first:
            first[option] = copy.deepcopy(OTHERS[name][0][option])
    refused(tmp_path / "run", words, **{**first, **other})
    if name not in ("weights", "memory"):
        for option in ("optimizer", "into"):
            if option in first:
                first[option] = copy.deepcopy(OTHERS[name][0][option])
        assert len(fitted(2, checkpoint=tmp_path / "run", **first)[1]) == 2


def test_a_global_value_that_a_function_names(tmp_path, monkeypatch):
    fitted(1, checkpoint=tmp_path / "run", augment=by_a_global)
    monkeypatch.setitem(globals(), "SIZE", 0.25)
    refused(tmp_path / "run", "its augment is another one", augment=by_a_global)


def test_a_rule_whose_class_has_changed(tmp_path, monkeypatch):
    fitted(1, checkpoint=tmp_path / "run", optimizer=Doubled(0.1, 0.0))
    monkeypatch.setattr(Doubled, "factor", 3.0)
    refused(tmp_path / "run", "its optimizer is another one", optimizer=Doubled(0.1, 0.0))


def test_functions_of_no_module(tmp_path):
    def made(number):
        names = {}
        exec(
            f"def augment(x, rng):\n    return x * {number}\nclass Two:\n    by = {number}\n"
            "    def __call__(self, x, rng):\n        return x * self.by\ntwo = Two()",
            names,
        )
        return names

    for name in ("augment", "two"):
        fitted(1, checkpoint=tmp_path / name, augment=made(2)[name])
        refused(tmp_path / name, "its augment is another one", augment=made(3)[name])
        fitted(2, checkpoint=tmp_path / name, augment=made(2)[name])


def test_what_cannot_be_compared_is_said_at_once(tmp_path):
    file = (i for i in range(3))

    def augment(x, rng):
        next(file, None)
        return x

    words = "checkpoint must be of a training that can be compared .* augment with an object of gen"
    refused(tmp_path / "run", words, augment=augment)
    assert not (tmp_path / "run").exists()
    fitted(1, augment=augment)  # without a checkpoint


CODE = """
import functools
import numpy as np
from tests.nn.test_nn_training import fitted
from convcore import nn

NAMES = {"left", "right", "up", "down"}

class Rate:
    __slots__ = ("base",)
    def __init__(self, base):
        self.base = base
    def __call__(self, steps):
        return self.base / (1 + steps) if "left" in {"left", "right", "up"} else 0.0

@functools.lru_cache
def factor(name):
    return 2.0 if name in NAMES else 1.0

class Turned(nn.Layer):
    def _forward(self, x):
        return x[..., ::-1], None
    def _backward(self, grad, kept, need_dx):
        return grad[..., ::-1]

noise = np.random.default_rng(3)

def augment(x, rng):
    return (x * factor("up") + noise.normal(size=x.shape)).astype(x.dtype)

net = nn.Sequential(Turned(), nn.Flatten(), nn.Dropout(0.1), nn.Linear(64, 2, rng=0))
print(len(fitted(int(sys.argv[2]), into=net, optimizer=nn.SGD(Rate(0.1)), augment=augment,
                 checkpoint=sys.argv[1])[1]))
"""


def test_the_same_training_in_another_process(run_python, tmp_path):
    path = str(tmp_path / "run")
    for epochs, seed in (("1", "1"), ("2", "2"), ("3", "77")):
        assert run_python(CODE, path, epochs, PYTHONHASHSEED=seed).stdout == f"{epochs}\n"
    changed = CODE.replace('"down"', '"back"')
    done = run_python(changed, path, "4", check=False)
    assert "its augment is another one" in done.stderr


# The same one


def test_the_same_call_again_in_the_same_process(tmp_path):
    whole, history = fitted(5)
    net, optimizer, path = model(), rule(), tmp_path / "run"
    with stopping(20), pytest.raises(Stopped):
        fitted(5, into=net, optimizer=optimizer, checkpoint=path)
    kept = nn.load(model(3), path)
    assert equal(net, kept)  # as the file has it
    assert fitted(5, into=net, optimizer=optimizer, checkpoint=path)[1] == history
    assert equal(net, whole)
    longer, more = fitted(7)
    assert fitted(7, into=net, optimizer=optimizer, checkpoint=path)[1] == more
    assert equal(net, longer)


def test_a_generator_goes_on(tmp_path):
    whole, history = fitted(4, seed=np.random.default_rng(7))
    net, optimizer, generator = model(), rule(), np.random.default_rng(7)
    options = {"into": net, "optimizer": optimizer, "seed": generator, "checkpoint": tmp_path / "r"}
    fitted(2, **options)
    assert fitted(4, **options)[1] == history
    assert equal(net, whole)


def test_no_seed_at_all(tmp_path):
    fitted(1, seed=None, checkpoint=tmp_path / "run")
    assert len(fitted(2, seed=None, checkpoint=tmp_path / "run")[1]) == 2
    with pytest.raises(ValueError, match="its rng is another one"):
        fitted(3, seed=7, checkpoint=tmp_path / "run")


def test_more_epochs_than_asked_change_nothing(tmp_path):
    fitted(3, checkpoint=tmp_path / "run")
    refused(tmp_path / "run", "epochs must be at least 3, .* got 2", epochs=2)


# Malformed ones


def rewritten(path, change, whole=True):
    """Change a checkpoint's arrays and facts; ``whole``: with the sum that says it is undamaged."""
    file = File.of("fit", "checkpoint", path)
    arrays, metadata = files.load_arrays(file)
    facts = json.loads(metadata["facts"])
    change(arrays, facts)
    if whole and isinstance(facts, dict):
        from convcore.nn.training.checkpoint import _sum

        facts.pop("sum", None)
        facts["sum"] = _sum(facts, arrays)
    st.save_file(
        {k: np.ascontiguousarray(a) for k, a in arrays.items()},
        path,
        {"format": "convcore 1", "facts": json.dumps(facts)},
    )


def put(*keys):
    """A change that puts the last one where the others lead."""
    *way, last, value = keys

    def change(arrays, facts):
        place = facts
        for key in way:
            place = place[key]
        place[last] = value

    return change


def without(key):
    return lambda arrays, facts: facts.pop(key)


def array(name, value):
    return lambda arrays, facts: arrays.__setitem__(name, value)


def resized(name, change):
    return lambda arrays, facts: arrays.__setitem__(name, change(arrays[name]))


VELOCITY = "optimizer/velocity.out.bias"
MALFORMED = {
    **{
        f"without {key}": (without(key), words)
        for key, words in {
            "run": "run in .* must be pairs of words, got None",
            "start": "start in .* None",
            "steps": "steps in .* None",
            "history": "history in .* None",
            "rng": "rng in .* None",
            "version": "version in .* None",
            "content": "must be a file of fit",
        }.items()
    },
    "steps of words": (put("steps", "7"), "steps in .* must be an integer of at least 0, got '7'"),
    "steps below 0": (put("steps", -1), "steps in .* -1"),
    "steps beyond all": (put("steps", 10**30), "steps in .* 1000000"),
    "steps true": (put("steps", True), "steps in .* True"),
    "steps of a fraction": (put("steps", 1.5), "steps in .* 1.5"),
    "history of words": (put("history", "abc"), "history in .* 'abc'"),
    "history empty": (put("history", []), r"history in .* \[\]"),
    "history of numbers": (put("history", [1]), "history in .* got 1"),
    "history too short": (put("history", [[1, 0.5]]), "history in .* got"),
    "history of other epochs": (put("history", 0, 0, 9), "must be numbers of epoch 1"),
    "a loss of words": (put("history", 0, 1, "low"), "history in .* got"),
    "a loss of NaN": (put("history", 0, 1, float("nan")), "history in .* got"),
    "an accuracy of words": (put("history", 0, 2, "1"), "history in .* got"),
    "run of words": (put("run", "model"), "run in .* 'model'"),
    "run of numbers": (put("run", "model", [1, 2]), "run in .* {"),
    "run without the model": (lambda a, f: f["run"].pop("model"), "its model is another one"),
    "start of numbers": (put("start", "rng", 5), "start in .* {"),
    "start of others": (put("start", {}), "start in .* {}"),
    "a version of another": (put("version", 1), "version in .* must be 4, .* got 1"),
    "rng of words": (put("rng", "state"), "rng in .* must be a state of PCG64, got 'state'"),
    "rng of another kind": (
        put("rng", "bit_generator", "MT19937"),
        "rng in .* a state of PCG64",
    ),
    "rng of a negative state": (put("rng", "state", "state", -1), "rng in "),
    "rng of too large a state": (put("rng", "state", "state", 2**130), "rng in "),
    "rng of words inside": (put("rng", "state", "inc", "x"), "rng in "),
    "rng without a part": (lambda a, f: f["rng"].pop("uinteger"), "rng in "),
    "rng with a huge half": (put("rng", "has_uint32", 2**80), "rng in "),
    "NaN weights": (
        resized("model/out.bias", lambda a: a * np.nan),
        r"out\.bias in .*run must be finite, got nan at \[0\]",
    ),
    "weights of another shape": (
        resized("model/out.bias", lambda a: a[:1]),
        "must have the model's shape",
    ),
    "weights of another dtype": (
        resized("model/out.bias", lambda a: a.astype("f8")),
        "model's dtype",
    ),
    "no weights": (lambda a, f: [a.pop(k) for k in list(a) if "model" in k], r"lacks conv\.weight"),
    "too many weights": (array("model/more", np.ones(1)), "has more, which the model lacks"),
    "NaN memory": (
        resized(VELOCITY, lambda a: a * np.nan),
        r"velocity\.out\.bias in .* got nan",
    ),
    "memory of another shape": (
        resized(VELOCITY, lambda a: a[:1]),
        r"must have the parameter's shape \(2,\), got \(1,\)",
    ),
    "memory of another dtype": (
        resized(VELOCITY, lambda a: a.astype(int)),
        "dtype float32, got int64",
    ),
    "memory of another rule": (
        array("optimizer/mean.out.bias", np.ones(2)),
        r"one that SGD keeps, got 'mean",
    ),
    "memory of no parameter": (array("optimizer/velocity.x", np.ones(2)), "one that SGD keeps"),
    "memory of nothing": (array("optimizer/", np.ones(2)), "one that SGD keeps"),
    "an array of nothing": (
        array("else", np.ones(2)),
        "an array in .*, got 'else'",
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_checkpoint(tmp_path, name):
    path, (change, words) = tmp_path / "run", MALFORMED[name]
    fitted(1, checkpoint=path)
    rewritten(path, change)
    refused(path, f"^fit: .*{words}")


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (put("rng", "state", "pos", 10**6), "MT19937"),
        (put("rng", "state", "pos", -1), "MT19937"),
        (put("rng", "state", "key", "array", [1] * 623), "MT19937"),
        (put("rng", "state", "key", "array", [-1] * 624), "MT19937"),
        (put("rng", "state", "key", "dtype", "O"), "MT19937"),
        (put("rng", "buffer_pos", 99), "Philox"),
    ],
    ids=["pos", "negative pos", "short", "negative", "objects", "buffer_pos"],
)
def test_generators_that_would_read_elsewhere(tmp_path, change, kind):
    def make():
        return np.random.Generator(getattr(np.random, kind)(5))

    path = tmp_path / "run"
    fitted(1, make(), checkpoint=path)
    rewritten(path, change)
    with pytest.raises(ValueError, match=f"rng in .* must be a state of {kind}"):
        fitted(2, make(), checkpoint=path)


def test_a_damaged_checkpoint(tmp_path):
    path = tmp_path / "run"
    fitted(1, checkpoint=path)
    rewritten(path, resized("model/out.bias", lambda a: a + 1), whole=False)
    refused(path, "is damaged: its checksum differs")


def test_mutated_checkpoints_are_refused(tmp_path):
    from tests.nn.test_nn_files import mutated

    path = tmp_path / "run"

    def train(net, optimizer, epochs=1):
        x = np.ones((4, 3), np.float32)
        return nn.fit(
            net,
            x,
            [0, 1, 0, 1],
            optimizer=optimizer,
            epochs=epochs,
            rng=0,
            progress=False,
            checkpoint=path,
        )

    train(nn.Linear(3, 2, rng=0), nn.Adam())
    whole, rng, refusals = path.read_bytes(), np.random.default_rng(1), 0
    for _ in range(400):
        path.write_bytes(mutated(rng, whole))
        small = nn.Linear(3, 2, rng=0), nn.Adam()
        before = small[0].weight.copy()
        text = None
        try:
            train(*small)
        except ValueError as error:
            text = str(error)
        if text is not None:
            refusals += 1
            assert text.startswith("fit: ")
            assert str(path) in text
            assert (small[0].weight == before).all()
            assert small[1].steps == 0
    assert refusals > 390
