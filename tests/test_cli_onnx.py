"""ONNX files at the command line: `summary`, `explain` and `run`, and how each failure ends."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from convcore import nn, onnx
from convcore.__main__ import main
from convcore.graph.node import Graph, Node, Value
from convcore.onnx.writer import write_model

FLOAT32 = np.dtype(np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model, others that are none, and inputs."""
    to = tmp_path_factory.mktemp("models")
    model = nn.Sequential({
        "C1": nn.Conv2d(3, 4, 3, rng=0), "R": nn.ReLU(), "S": nn.MaxPool2d(2), "F": nn.Flatten(),
        "D": nn.Linear(36, 7, rng=0), "P": nn.Softmax(),
    })  # fmt: skip
    data = onnx.export(model, (3, 8, 8), to / "model.onnx")
    (to / "no-suffix").write_bytes(data)
    (to / "truncated.onnx").write_bytes(data[: len(data) // 2])
    (to / "text.onnx").write_text("not a model")
    (to / "empty.onnx").write_bytes(b"")
    unknown = Graph(
        [Node("Nonsense", ("x",), ("y",), {}, "first")],
        {}, [Value("x", FLOAT32, (4,))], [Value("y", FLOAT32, (4,))], 21,
    )  # fmt: skip
    (to / "unknown.onnx").write_bytes(write_model(unknown))
    rng = np.random.default_rng(0)
    np.save(to / "x.npy", rng.random((1, 3, 8, 8), np.float32))
    np.save(to / "double.npy", rng.random((1, 3, 8, 8)))
    np.save(to / "objects.npy", np.array([None]))
    with (to / "several.npy").open("wb") as file:
        np.savez(file, a=np.ones(3))
    (to / "text.npy").write_text("not an array")
    (to / "text.png").write_text("not a picture")
    return to


@pytest.fixture(scope="module")
def open_sizes(folder):
    """A model whose sizes are open, with a scalar that changes the result."""
    inputs = [Value("x=1", FLOAT32, ("N", "C", "T")), Value("x", FLOAT32, ())]
    inputs.append(Value("n", np.dtype(np.int64), ()))
    nodes = [
        Node("Mul", ("x=1", "x"), ("z",)),
        Node("Cast", ("n",), ("m",), {"to": 1}),
        Node("Add", ("z", "m"), ("y",)),
        Node("Greater", ("y", "x"), ("above",)),
    ]
    outputs = [Value("y", FLOAT32, None), Value("above", np.dtype(bool), None)]
    path = folder / "open.onnx"
    path.write_bytes(write_model(Graph(nodes, {}, inputs, outputs, 21)))
    return path


@pytest.fixture
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)
    return folder


def printed(capsys, *arguments):
    """What a command that succeeds prints."""
    code = main(list(map(str, arguments)))
    out, err = capsys.readouterr()
    assert (code, err) == (0, "")
    return out


# Summary and explain


@pytest.mark.parametrize("name", ["model.onnx", "no-suffix"])
def test_summary(name, folder, capsys):
    text = printed(capsys, "summary", folder / name)
    assert text == f"{onnx.load(folder / name).summary()}\n"
    assert re.search(r"^C1\.Conv +Conv +1x4x6x6 +112 +3,888 +3x3$", text, re.MULTILINE)


def test_summary_with_a_shape(here, capsys):
    text = printed(capsys, "summary", "model.onnx", "--input", "input=5x3x8x8")
    assert re.search(r"Conv +5x4x6x6 +112 +19,440", text)


def test_summary_as_json(here, capsys):
    numbers = json.loads(printed(capsys, "summary", "model.onnx", "--json"))
    assert numbers["parameters"] == 3 * 4 * 9 + 4 + 36 * 7 + 7
    assert [row["name"] for row in numbers["rows"]][:2] == ["C1.Conv", "R.Relu"]


def test_explain(here, capsys):
    text = printed(capsys, "explain", "model.onnx", "--threads", "1", "--input", "input=2x3x8x8")
    lines = text.splitlines()
    assert lines[0].split()[:4] == ["step", "operator", "algorithm", "result"]
    assert re.match(r"C1\.Conv +Conv \+ relu +\S+ +2x4x6x6 ", lines[1])
    assert lines[-1].startswith("all ")


def test_the_known_words_keep_their_meaning(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("lenet5", "conv2d", "1x1x8x8"):
        Path(name).write_text("a file")
    assert "C3" in printed(capsys, "summary", "lenet5")
    assert "* direct" in printed(capsys, "explain", "conv2d", "1x1x8x8", "1x1x3x3")


def test_help_says_how_pictures_are_read(capsys):
    for arguments in (["run", "--help"], ["explain", "x.onnx", "--help"], ["summary", "--help"]):
        words = " ".join(printed(capsys, *arguments).split())
        assert "float32 in [0, 1], channels first, with a batch axis" in words


# Run


def test_run(here, tmp_path, capsys):
    out = tmp_path / "scores"
    text = printed(
        capsys, "run", "model.onnx", "--input", "input=x.npy", "--output", f"output={out}"
    )
    (y,) = onnx.load("model.onnx").run(np.load("x.npy")).values()
    np.testing.assert_array_equal(np.load(out), y)
    lines = text.splitlines()
    assert lines[0].split() == ["output", "shape", "dtype", "minimum", "mean", "maximum"]
    name, shape, dtype, *numbers = lines[1].split()
    assert (name, shape, dtype) == ("output", "1x7", "float32")
    assert list(map(float, numbers)) == pytest.approx([y.min(), y.mean(), y.max()], rel=1e-5)
    order = np.argsort(-y[0])[:5]
    listed = re.findall(r"(\d+) \(([\d.e-]+)\)", lines[2])
    assert [int(place) for place, _ in listed] == order.tolist()
    assert [float(score) for _, score in listed] == pytest.approx(y[0, order], rel=1e-3)


def test_random_inputs_are_the_same_at_every_call(here, capsys):
    texts = {printed(capsys, "run", "model.onnx", "--input", "input=random:1x3x8x8")
             for _ in range(2)}  # fmt: skip
    texts.add(printed(capsys, "run", "model.onnx", "--input", "input=random:1x3x8x8",
                      "--threads", "1"))  # fmt: skip
    zeros = printed(capsys, "run", "model.onnx", "--input", "input=1x3x8x8")
    assert len(texts) == 1
    assert zeros not in texts


def test_scores_are_of_one_example(here, capsys):
    text = printed(capsys, "run", "model.onnx", "--input", "input=random:2x3x8x8")
    assert len(text.splitlines()) == 2


def test_numbers_for_inputs_without_axes(open_sizes, tmp_path, capsys):
    arguments = ["--input", "x=1=random:1x2x3", "--input", "x=0.5", "--input", "n=3"]
    out = tmp_path / "y.npy"
    text = printed(capsys, "run", open_sizes, *arguments, "--output", f"y={out}")
    y = np.load(out)
    x = np.random.default_rng(0).random((1, 2, 3)).astype(np.float32)
    np.testing.assert_allclose(y, x / 2 + 3, rtol=1e-6)
    assert re.search(r"^above +1x2x3 +bool +\S+ +1 +\S+$", text, re.MULTILINE)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_pictures(suffix, here, tmp_path, capsys):
    image = pytest.importorskip("PIL.Image", reason="pictures need Pillow")
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    path, out = tmp_path / f"x{suffix}", tmp_path / "y.npy"
    image.fromarray(pixels).save(path)
    with image.open(path) as read:
        x = np.asarray(read, np.float32).transpose(2, 0, 1)[np.newaxis] / 255
    printed(capsys, "run", "model.onnx", "--input", f"input={path}", "--output", f"output={out}")
    np.testing.assert_allclose(
        np.load(out), next(iter(onnx.load("model.onnx").run(x).values())), rtol=1e-5
    )


def test_a_picture_has_the_channels_of_the_input(tmp_path, capsys):
    image = pytest.importorskip("PIL.Image", reason="pictures need Pillow")
    for channels in (1, 3):
        model = nn.Sequential(nn.Identity(), nn.ReLU())
        path = tmp_path / f"{channels}.onnx"
        onnx.export(model, (channels, 4, 5), path)
        for mode in ("L", "RGB", "RGBA"):
            picture = tmp_path / f"{mode}.png"
            image.new(mode, (5, 4), "white").save(picture)
            text = printed(capsys, "run", path, "--input", f"input={picture}")
            assert re.search(rf"1x{channels}x4x5 +float32 +1 +1 +1\n", text)


# Failures


def fails(capsys, code, words, *arguments):
    """One sentence on standard error, with some words."""
    assert main(list(arguments)) == code
    out, err = capsys.readouterr()
    assert re.fullmatch(r"convcore[^\n]+\n", err), err
    assert words in err
    assert ("--help" in err) == (code == 2)
    return out


@pytest.mark.parametrize("command", ["summary", "explain", "run"])
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing.onnx", "cannot read missing.onnx: No such file"),
        ("text.onnx", "must be an ONNX model"),
        ("empty.onnx", "must be an ONNX model"),
        ("truncated.onnx", "must be an ONNX model"),
        ("unknown.onnx", "operators must be known, got Nonsense (1, first at node 'first')"),
        ("x.npy", "must be an ONNX model"),
    ],
)
def test_files_that_are_no_models(command, name, words, here, capsys):
    assert fails(capsys, 1, words, command, name) == ""


@pytest.mark.parametrize(
    ("value", "code", "words"),
    [
        ("missing.npy", 1, "cannot read missing.npy: No such file"),
        ("text.npy", 1, "cannot read text.npy: not an array"),
        ("objects.npy", 1, "cannot read objects.npy: not an array"),
        ("several.npy", 1, "cannot read several.npy: not an array"),
        ("double.npy", 2, "must be float32, got float64"),
        ("photo.bmp", 2, "must be a .npy, .png or .jpg file"),
        ("random:1x3x9x9", 2, "must have shape (N, 3, 8, 8), got (1, 3, 9, 9)"),
        ("1x3", 2, "must have shape (N, 3, 8, 8), got (1, 3)"),
        ("random:many", 2, "must be as random:1x3x224x224, got 'random:many'"),
        ("9" * 5000, 2, "limit"),
        ("1x3x" + "9" * 20, 2, ""),
    ],
    ids=lambda value: str(value)[:20],
)
def test_inputs_that_do_not_fit(value, code, words, here, capsys):
    assert fails(capsys, code, words, "run", "model.onnx", "--input", f"input={value}") == ""


@pytest.mark.parametrize("name", ["text.png", "missing.jpg"])
def test_pictures_that_are_none(name, here, capsys):
    pytest.importorskip("PIL.Image", reason="pictures need Pillow")
    fails(capsys, 1, f"cannot read {name}: ", "run", "model.onnx", "--input", f"input={name}")


def test_pillow_is_named_where_it_is_missing(here, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "PIL", None)
    fails(capsys, 1, "pip install Pillow", "run", "model.onnx", "--input", "input=text.png")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "model.onnx"], "inputs must be ['input'], got []"),
        (["run", "model.onnx", "--input", "x=1x3x8x8"], "with a name of ['input']"),
        (["run", "model.onnx", "--input", "x.npy"], "with a name of ['input']"),
        (["run", "model.onnx", *(2 * ["--input", "input=x.npy"])], "must name 'input' once"),
        (["run", "model.onnx", "--output", "y=y.npy", "--input", "input=x.npy"], "['output']"),
        (["run", "model.onnx", "--output", "output=", "--input", "input=x.npy"], "name of a file"),
        (["run", "model.onnx", "--input", "input=x.npy", "--threads", "0"], "1 or more, got '0'"),
        (["run"], "required: MODEL"),
        (["explain", "model.onnx", "--stride", "2"], "unrecognized arguments: --stride"),
        (["explain", "conv2d", "1x1x8x8", "1x1x3x3", "--input", "x=1"], "unrecognized"),
        (["summary", "model.onnx", "--groups"], "--groups is for alexnet, got model.onnx"),
        (["summary", "lenet5", "--input", "x=1"], "--input is for ONNX files, got lenet5"),
        (["summary", "resnet"], "must be alexnet, lenet5 or an ONNX file, got 'resnet'"),
        (["summary", "a" * 5000], "or an ONNX file"),
    ],
)  # fmt: skip
def test_wrong_arguments(arguments, words, here, capsys):
    assert fails(capsys, 2, words, *arguments) == ""


@pytest.mark.parametrize("command", ["summary", "explain"])
def test_open_sizes_are_asked_for(command, open_sizes, capsys):
    words = "--input: inputs must give the shape of 'x=1' (N, C, T), got none"
    fails(capsys, 2, words, command, str(open_sizes))
    assert "1x2x5" in printed(capsys, command, open_sizes, "--input", "x=1=1x2x5")


@pytest.mark.parametrize("target", ["missing/y.npy", "folder.npy"])
def test_an_output_that_cannot_be_written(target, here, tmp_path, capsys):
    (tmp_path / "folder.npy").mkdir()
    path = str(tmp_path / target)
    out = fails(
        capsys, 1, f"cannot write {path}: ", "run", "model.onnx", "--input", "input=x.npy",
        "--output", f"output={path}",
    )  # fmt: skip
    assert "1x7" in out  # what was computed is printed


def test_importing_the_command_line_imports_no_models(run_python):
    done = run_python("import convcore.cli.main\nprint(*(m for m in sys.modules if 'onnx' in m))")
    assert done.stdout.split() == ["convcore.cli.onnx"]
