"""The explorer's WebAssembly: made of the wheel's C files, and equal to the package in everything.

All numbers are whole and small, so every comparison is ``==``; of the L2 norm too, whose root is
rounded once in both.
"""

import ctypes
import re
import struct
from pathlib import Path

import numpy as np
import pytest

import convcore
from convcore import geometry

ROOT = Path(__file__).parents[1]
OPERATORS = ("conv", "local", "tiled", "max", "average", "l2", "weighted")
MODES = ("valid", "same", "same_lower", "full", "explicit")
FIELDS = ("in", "kernel", "stride", "dilation", "period", "padding")
FINE, NO_OUTPUT, EMPTY_WINDOW, NO_WEIGHT = 0, 8, 9, 10


@pytest.fixture(scope="session")
def wasm(tmp_path_factory):
    """The compiled module."""
    pytest.importorskip("ziglang")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "docs" / "_ext")
        import explorer_wasm
    return explorer_wasm, explorer_wasm.compiled(tmp_path_factory.mktemp("wasm"))


class Explorer:
    """The module's functions, called as the page calls them."""

    def __init__(self, code):
        import wasmtime

        self.store = wasmtime.Store()
        module = wasmtime.Module(self.store.engine, code)
        assert module.imports == []  # nothing of a system: it runs wherever a page does
        exports = wasmtime.Instance(self.store, module, []).exports(self.store)
        exports["_initialize"](self.store)
        self.memory, self.exports = exports["memory"], exports

    def array(self, name, dtype, *shape, which=()):
        """Return a view of one of the module's arrays."""
        start = self.exports[f"explorer_{name}"](self.store, *which)
        base = ctypes.addressof(self.memory.data_ptr(self.store).contents)
        count = int(np.prod(shape))
        size = np.dtype(dtype).itemsize * count
        return np.frombuffer((ctypes.c_char * size).from_address(base + start),
                             dtype).reshape(shape)

    def run(self, setting, x, weights):
        """Return (problem, sizes) and leave the results in the module's arrays."""
        numbers = [OPERATORS.index(setting["operator"]), MODES.index(setting["mode"]),
                   setting["ceil_mode"], setting["count_padding"]]
        numbers += [int(v) for name in FIELDS for v in np.ravel(setting[name])]
        self.array("settings", "i4", len(numbers))[:] = numbers
        self.array("input", "f8", x.size)[:] = x.ravel()
        self.array("weights", "f8", weights.size)[:] = weights.ravel()
        problem = self.exports["explorer_run"](self.store)
        return problem, [int(v) for v in self.array("sizes", "i4", 10)]


@pytest.fixture(scope="session")
def explorer(wasm):
    pytest.importorskip("wasmtime")
    return Explorer(wasm[1])


def drawn(rng):
    """One random setting."""
    two = lambda low, high: rng.integers(low, high, 2)  # noqa: E731
    return {"operator": str(rng.choice(OPERATORS)), "mode": str(rng.choice(MODES)),
            "ceil_mode": int(rng.integers(2)), "count_padding": int(rng.integers(2)),
            "in": two(1, 13), "kernel": two(1, 6), "stride": two(1, 4), "dilation": two(1, 4),
            "period": two(1, 5), "padding": rng.integers(0, 5, (2, 2))}


def padding_of(setting):
    return [tuple(map(int, p)) for p in setting["padding"]] if setting["mode"] == "explicit" \
        else setting["mode"]


def pairs_of(setting):
    """The cells of padding before and after along each axis."""
    mode = setting["mode"]
    span = (setting["kernel"] - 1) * setting["dilation"] + 1
    if mode == "explicit":
        return [tuple(map(int, p)) for p in setting["padding"]]
    if mode == "valid":
        return [(0, 0)] * 2
    if mode == "full":
        return [(int(s) - 1,) * 2 for s in span]
    out = -(-setting["in"] // setting["stride"])
    sums = np.maximum((out - 1) * setting["stride"] + span - setting["in"], 0)
    return [(int(s) // 2, int(s) - int(s) // 2)[:: 1 if mode == "same" else -1] for s in sums]


def by_package(setting, x, weights):
    """What convcore says of a setting: an array (rows, columns)."""
    operator = setting["operator"]
    stride, dilation = (tuple(map(int, setting[name])) for name in ("stride", "dilation"))
    options = {"stride": stride, "padding": padding_of(setting), "dilation": dilation}
    kernel = tuple(map(int, setting["kernel"]))
    x = x[np.newaxis]
    if operator in ("conv", "local", "tiled"):
        call = {"conv": convcore.conv2d, "local": convcore.local_conv2d,
                "tiled": convcore.tiled_conv2d}[operator]
        return call(x, weights, **options)[0]
    options["ceil_mode"] = bool(setting["ceil_mode"])
    if operator == "max":
        return convcore.max_pool2d(x, kernel, **options)[0]
    if operator == "average":
        return convcore.avg_pool2d(x, kernel, count_include_pad=bool(setting["count_padding"]),
                                   **options)[0]
    if operator == "l2":
        return convcore.l2_pool2d(x, kernel, **options)[0]
    return convcore.weighted_pool2d(x, weights, normalize=not setting["count_padding"],
                                    **options)[0]


def kernels_for(setting, rng):
    """Weights in the package's shape; a local layer's for the outputs that geometry promises."""
    kernel = tuple(map(int, setting["kernel"]))
    if setting["operator"] == "weighted":
        return rng.integers(1, 5, kernel).astype(np.float64)
    sets = {"conv": (), "tiled": tuple(map(int, setting["period"]))}.get(setting["operator"])
    if setting["operator"] == "local":
        sets = geometry.output_size(
            tuple(map(int, setting["in"])), kernel, tuple(map(int, setting["stride"])),
            padding_of(setting), tuple(map(int, setting["dilation"])))
    return rng.integers(-4, 5, (1, *(sets or ()), 1, *kernel)).astype(np.float64)


def test_it_equals_the_package(explorer):
    rng = np.random.default_rng(7)
    met, refused = dict.fromkeys(OPERATORS, 0), 0
    while min(met.values()) < 90:
        setting = drawn(rng)
        x = rng.integers(-9, 10, setting["in"]).astype(np.float64)
        try:
            weights = kernels_for(setting, rng)
            want = by_package(setting, x, weights)
        except ValueError:
            problem, _ = explorer.run(setting, x, np.zeros(1))
            assert problem in (NO_OUTPUT, EMPTY_WINDOW, NO_WEIGHT), setting
            refused += 1
            continue
        problem, sizes = explorer.run(setting, x, weights)
        assert problem == FINE, setting
        out = tuple(sizes[:2])
        assert out == want.shape, setting
        assert (explorer.array("output", "f8", *out) == want).all(), setting
        met[setting["operator"]] += 1
    assert refused > 20


def test_windows_usage_and_kernels_equal_the_package(explorer):
    """Which cell is seen through which tap, counted by geometry; which kernel, by the remainder."""
    rng = np.random.default_rng(8)
    for _ in range(300):
        setting = drawn(rng)
        setting["ceil_mode"] = 0
        n, kernel, stride, dilation = (tuple(map(int, setting[name]))
                                       for name in ("in", "kernel", "stride", "dilation"))
        pairs = pairs_of(setting)
        problem, sizes = explorer.run(setting, np.ones(n), np.ones(kernel))
        try:
            out = geometry.output_size(n, kernel, stride, padding_of(setting), dilation)
        except ValueError:
            assert problem == NO_OUTPUT
            continue
        if problem == EMPTY_WINDOW:
            continue
        assert tuple(sizes[:2]) == out
        assert [tuple(sizes[2:4]), tuple(sizes[4:6])] == pairs
        for i in (0, 1):
            line = n[i] + sum(pairs[i])
            taps = explorer.array("taps", "i4", line, out[i], which=(i,))
            want = np.zeros_like(taps)
            for o, tap in np.ndindex(out[i], kernel[i]):
                want[o * stride[i] + tap * dilation[i], o] = tap + 1
            assert (taps == want).all(), setting
        usage = [geometry.input_usage(n[i], kernel[i], stride[i], padding_of(setting)
                                      if isinstance(padding_of(setting), str) else pairs[i],
                                      dilation[i]) for i in (0, 1)]
        assert (explorer.array("usage", "i4", *n) == np.multiply.outer(*usage)).all(), setting
        period = {"local": out, "tiled": tuple(map(int, setting["period"]))}.get(
            setting["operator"], (1, 1))
        assert tuple(sizes[6:8]) == period
        sets = explorer.array("sets", "i4", *out)
        row, column = np.indices(out)
        assert (sets == row % period[0] * period[1] + column % period[1]).all(), setting


def test_the_terms_of_an_output_are_its_sum(explorer):
    """The products that the page shows add up; the maximum is among the values and is marked."""
    rng = np.random.default_rng(9)
    met = 0
    while met < 200:
        setting = drawn(rng)
        if setting["operator"] in ("average", "l2", "weighted"):
            setting["operator"] = "tiled"
        x = rng.integers(-9, 10, setting["in"]).astype(np.float64)
        try:
            weights = kernels_for(setting, rng)
            want = by_package(setting, x, weights)
        except ValueError:
            continue
        explorer.run(setting, x, weights)
        at = tuple(int(rng.integers(size)) for size in want.shape)
        count = explorer.exports["explorer_look"](explorer.store, *at)
        assert count == np.prod(setting["kernel"])
        *_, place, value, weight, product, chosen = explorer.array("terms", "f8", count, 7).T
        assert (product == value * weight).all()
        if setting["operator"] == "max":
            assert value[chosen == 1].tolist() == [want[at]]
            assert value[place == 0].max() == want[at]
        else:
            assert product.sum() == want[at]
            assert not chosen.any()
        met += 1


@pytest.mark.parametrize(
    ("change", "problem"),
    [({"in": [0, 5]}, 2), ({"in": [5, 17]}, 2), ({"kernel": [8, 1]}, 3), ({"stride": [1, 0]}, 4),
     ({"dilation": [5, 1]}, 5), ({"padding": [[0, 9], [0, 0]]}, 6),
     ({"padding": [[0, 0], [-1, 0]]}, 6),
     ({"operator": "tiled", "period": [0, 1]}, 7), ({"in": [3, 3], "kernel": [4, 1]}, 8),
     ({"operator": "max", "mode": "explicit", "padding": [[4, 0], [0, 0]]}, 9)],
)
def test_it_refuses_with_a_number_for_each_reason(explorer, change, problem):
    setting = {"operator": "conv", "mode": "valid", "ceil_mode": 0, "count_padding": 0,
               "in": [5, 5], "kernel": [3, 3], "stride": [1, 1], "dilation": [1, 1],
               "period": [1, 1], "padding": [[0, 0], [0, 0]], **change}
    x = np.zeros(np.clip(setting["in"], 1, 16))
    assert explorer.run(setting, x, np.ones(9))[0] == problem


def test_it_is_made_of_the_files_of_the_wheel(wasm):
    """All of ops/, and of kernels/ what CMake compiles for real numbers."""
    module, code = wasm
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    ops = set(re.findall(r"ops/(\w+)\.c", re.search(r"set\(operators .*?\)", text, re.DOTALL)[0]))
    common = re.search(r"set\(sources ([\w ]+)\)", text)[1].split()
    reals = re.search(r"list\(APPEND sources ([\w ]+)\)", text)[1].split()
    names = {path.relative_to(ROOT).as_posix() for path in module.sources()}
    csrc = "src/convcore/csrc"
    assert names == {*(f"{csrc}/ops/{name}.c" for name in ops),
                     *(f"{csrc}/kernels/{name}.c" for name in (*common, *reals)),
                     "docs/explorer/explorer.c"}
    assert code[:8] == b"\0asm" + struct.pack("<I", 1)


def test_it_is_compiled_again_when_a_file_changes(wasm, tmp_path, monkeypatch):
    module, code = wasm
    name = module.fingerprint()
    kept = tmp_path / f"explorer-{name}.wasm"
    kept.write_bytes(code)
    monkeypatch.setattr(module.subprocess, "run", lambda *a, **k: pytest.fail("compiled again"))
    assert module.compiled(tmp_path) == code
    monkeypatch.setattr(module, "FLAGS", [*module.FLAGS, "-DCC_OTHER"])
    assert module.fingerprint() != name
