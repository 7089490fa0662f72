"""The explorer's WebAssembly module gives what convcore gives, and refuses what makes no sense."""

import re
import shutil

import numpy as np
import pytest

from convcore import distance_window, geometry
from tests.support.explorer_module import (
    AXES,
    EMPTY_WINDOW,
    FITS,
    INPUTS,
    KERNELS,
    LAYERS,
    NO_OUTPUT,
    OPERATORS,
    OUT_OF_RANGE,
    PADDINGS,
    POOLS,
    ROOT,
    TERM,
    TOO_LARGE,
    TOO_MANY,
    Module,
    both,
    compiled,
    compute,
    options,
    random_settings,
    sizes,
    weight_shape,
)

CSRC = ROOT / "src" / "convcore" / "csrc"
CASES = 150  # settings an operator


@pytest.fixture(scope="module")
def code(tmp_path_factory):
    return compiled(tmp_path_factory)


@pytest.fixture(scope="module")
def module(code):
    return Module(code)


def accepted(module, operator, count=CASES):
    """Yield settings that are accepted, planned."""
    rng = np.random.default_rng(OPERATORS.index(operator))
    while count:
        settings = random_settings(rng, module.ranges, operator)
        if module.plan(settings) == FITS:
            count -= 1
            yield settings, rng


def run(module, settings, rng):
    """Run on whole numbers, and return the input, the weights and the output."""
    shape, outputs = weight_shape(settings), module.both("outputs")
    x = rng.integers(-99, 100, both(settings, "input")).astype(float)
    weight = None
    if shape is not None:
        low = 1 if OPERATORS[settings["operator"]] == "weighted" else -99
        weight = rng.integers(low, 100, shape).astype(float)
        assert module.fact("weights") == weight.size
        module.write("weights", weight)
    module.write("input", x)
    assert module.call("explorer_run") == FITS
    return x, weight, module.real("output", *outputs)


@pytest.mark.parametrize("operator", OPERATORS)
def test_outputs_are_convcores(module, operator):
    for settings, rng in accepted(module, operator):
        x, weight, output = run(module, settings, rng)
        expected = compute(settings, x, weight)
        assert output.shape == expected.shape, settings
        # Sums of whole numbers are exact, and a quotient or a square root of exact numbers is
        # rounded in one way: the bits are equal, whatever instructions computed them.
        assert (output == expected).all(), settings


SEEN = [operator for operator in OPERATORS if operator != "transposed"]  # by windows of the input


@pytest.mark.parametrize("operator", SEEN)
def test_sizes_windows_and_usage_are_geometrys(module, operator):
    for settings, _ in accepted(module, operator, 60):
        where = sizes(settings)
        assert module.both("outputs") == geometry.output_size(**where)
        pairs = zip(module.both("padded_before"), module.both("padded_after"), strict=True)
        explicit = {**where, "padding": tuple(pairs)}
        assert geometry.output_size(**explicit) == module.both("outputs")
        usage = np.multiply.outer(*geometry.input_usage(**where))
        assert (module.whole("usage", *where["n"]) == usage).all(), settings
        assert geometry.input_usage(**explicit) == geometry.input_usage(**where)
        if operator not in POOLS:
            continue  # geometry.windows() refuses windows without a cell, a convolution has them
        windows = geometry.windows(**where)
        for at in np.ndindex(*module.both("outputs")):
            terms = look(module, settings, at)
            real = terms[terms[:, 2] == 0]
            for axis in range(2):
                window, cells = windows[axis][at[axis]], np.unique(real[:, axis])
                assert (cells[0], cells[-1], len(cells)) == window[:3], settings


def look(module, settings, at):
    """Return the terms of one output: row, column, kind, value, weight, product, winner."""
    module.call("explorer_look", *map(int, at))
    return module.real("terms", np.prod(both(settings, "kernel")), TERM)


@pytest.mark.parametrize("operator", SEEN)
def test_terms_add_up_to_the_output(module, operator):
    for settings, rng in accepted(module, operator, 40):
        x, _, output = run(module, settings, rng)
        starts, steps = both(settings, "stride"), both(settings, "dilation")
        before = module.both("padded_before")
        taps = list(np.ndindex(*both(settings, "kernel")))
        for at in np.ndindex(*output.shape):
            terms = look(module, settings, at)
            total, divisor = module.real("sums", 2)
            cells = np.multiply(at, starts) + np.multiply(taps, steps) - before
            assert (terms[:, :2] == cells).all()
            inside = ((cells >= 0) & (cells < x.shape)).all(axis=1)
            assert ((terms[:, 2] == 0) == inside).all()
            values = np.array([x[tuple(cell)] for cell in cells[inside]])
            assert (terms[inside, 3] == values).all()
            assert (terms[~inside, 3] == 0).all()
            assert (terms[:, 6] == 0).all() or operator == "max"
            if operator in ("convolution", "tiled", "local"):
                assert total == output[at] == (terms[:, 3] * terms[:, 4]).sum()
            elif operator == "max":
                assert terms[:, 6].sum() == 1
                assert terms[:, 3][terms[:, 6] == 1] == output[at]
            elif operator == "l2":
                assert np.sqrt(total) == output[at]
            else:
                assert total / divisor == output[at]


def test_terms_of_a_transposed_convolution(module):
    """Each input cell that the output sees gives its value times one weight."""
    for settings, rng in accepted(module, "transposed", 20):
        x, _, output = run(module, settings, rng)
        starts, steps = both(settings, "stride"), both(settings, "dilation")
        before = module.both("padded_before")
        for at in np.ndindex(*output.shape):
            terms = look(module, settings, at)
            assert module.real("sums", 2)[0] == output[at] == (terms[:, 3] * terms[:, 4]).sum()
            on = terms[:, 2] == 0
            places = np.array(list(np.ndindex(*both(settings, "kernel"))))[on]
            cells = terms[on, :2].astype(int)
            assert (cells * starts + places * steps - before == at).all()
            assert (terms[on, 3] == [x[tuple(cell)] for cell in cells]).all()
            assert (terms[~on, 3] == 0).all()


def test_kernels_are_shared_as_the_period_says(module):
    for operator in LAYERS:
        for settings, _ in accepted(module, operator, 40):
            outputs = module.both("outputs")
            period = {"local": outputs, "tiled": both(settings, "period")}.get(operator, (1, 1))
            kernel = module.whole("kernel_of", *outputs)
            expected = [
                row % period[0] * period[1] + column % period[1]
                for row, column in np.ndindex(*outputs)
            ]
            assert kernel.ravel().tolist() == expected
            at = np.array(outputs) - 1
            module.call("explorer_trace_output", *at.tolist())
            traced = module.whole("traced_outputs", *outputs)
            assert (traced == (kernel == kernel[tuple(at)])).all()
            assert module.fact("traced") == traced.sum()


def test_a_weight_and_a_cell_are_traced(module):
    """By the definition: change the weight or the cell, and see which outputs change."""
    for operator in LAYERS:
        for settings, rng in accepted(module, operator, 40):
            outputs, shape = module.both("outputs"), weight_shape(settings)
            x = rng.integers(1, 10, both(settings, "input")).astype(float)
            weight = rng.integers(1, 10, shape).astype(float)
            z = compute(settings, x, weight)

            cell = tuple(int(rng.integers(n)) for n in x.shape)
            module.call("explorer_trace_cell", *cell)
            traced = module.whole("traced_outputs", *outputs)
            more = x.copy()
            more[cell] += 1
            assert (traced == (compute(settings, more, weight) != z)).all()
            assert module.fact("traced") == traced.sum() == module.whole("usage", *x.shape)[cell]

            tap = tuple(int(rng.integers(k)) for k in shape[-2:])
            kernels = weight.reshape(-1, *shape[-2:])
            kernel = int(rng.integers(len(kernels)))
            module.call("explorer_trace_weight", kernel, *tap)
            traced = module.whole("traced_outputs", *outputs)
            kernels[kernel][tap] += 1  # a view of weight
            changed = compute(settings, x, weight) - z
            assert ((traced == 1) == (changed != 0)).all()
            if operator != "transposed":  # where a weight may fall on no cell
                assert ((traced != 0) == (module.whole("kernel_of", *outputs) == kernel)).all()
            assert module.fact("traced") == (traced != 0).sum()
            cells = module.whole("traced_cells", *x.shape)
            assert (cells * x).sum() == changed.sum()


def test_values_come_from_the_seed(module):
    """Python's twin of the generator."""
    for operator in OPERATORS:
        for settings, _ in accepted(module, operator, 10):
            module.call("explorer_fill")
            state, numbers = settings["seed"], []
            n, weights = np.prod(both(settings, "input")), module.fact("weights")
            g = np.prod(module.both("outputs"))
            for choices in [10] * n + [7] * weights + [5] * g:
                state = (state * 1664525 + 1013904223) % 2**32
                numbers.append((state >> 16) % choices)
            if settings["input_preset"] == INPUTS.index("random"):
                assert module.real("input", n).tolist() == numbers[:n]
            gradient = module.real("gradient", g).tolist()
            assert gradient == [number - 2 for number in numbers[n + weights :]]
            found = module.real("weights", weights)
            if operator == "weighted":
                window = distance_window(both(settings, "kernel"), "binomial")
                assert found / found.sum() == pytest.approx(window.ravel(), rel=1e-14)
            elif settings["kernel_preset"] == KERNELS.index("random"):
                assert found.tolist() == [number - 3 for number in numbers[n : n + weights]]


# Of 3 x 3, as books print them, and of other sizes.
PRESETS = [
    ("identity", (3, 3), [0, 0, 0, 0, 1, 0, 0, 0, 0]),
    ("identity", (2, 2), [1, 0, 0, 0]),
    ("blur", (3, 3), [v / 16 for v in (1, 2, 1, 2, 4, 2, 1, 2, 1)]),
    ("sobel", (3, 3), [-1, 0, 1, -2, 0, 2, -1, 0, 1]),
    ("sobel", (1, 5), [-1, -2, 0, 2, 1]),
    ("sobel", (3, 1), [-1, 0, 1]),
    ("laplace", (3, 3), [0, 1, 0, 1, -4, 1, 0, 1, 0]),
    ("laplace", (1, 3), [1, -2, 1]),
    ("sharpen", (3, 3), [0, -1, 0, -1, 5, -1, 0, -1, 0]),
]


@pytest.mark.parametrize(("name", "size", "weights"), PRESETS)
def test_presets_of_kernels(module, name, size, weights):
    sizes = dict(zip(("kernel_rows", "kernel_columns"), size, strict=True))
    assert module.plan({"kernel_preset": KERNELS.index(name), **sizes}) == FITS
    module.call("explorer_fill")
    assert module.real("weights", len(weights)).tolist() == weights


def test_presets_of_inputs(module):
    rows, columns = np.indices((3, 4))
    for name, expected in {
        "edge": np.where(columns >= 2, 9, 0),
        "ramp": rows + columns,
        "impulse": (rows == 1) & (columns == 2),
    }.items():
        settings = {"input_preset": INPUTS.index(name), "input_rows": 3, "input_columns": 4}
        assert module.plan(settings) == FITS
        module.call("explorer_fill")
        assert (module.real("input", 3, 4) == expected).all()


def test_numbers_out_of_range_are_refused(module):
    for name, (least, most) in module.ranges.items():
        for number in least - 1, most + 1, -(2**31), 2**31 - 1:
            assert module.plan({name: number}) == OUT_OF_RANGE
            assert module.settings[module.fact("field")] == name
            assert module.call("explorer_run") == OUT_OF_RANGE
        assert least <= module.first[name] <= most
    assert module.plan({}) == FITS


def test_transposed_outputs_that_do_not_fit(module):
    rng, seen = np.random.default_rng(8), {FITS: 0, NO_OUTPUT: 0, TOO_MANY: 0}
    for _ in range(1000):
        settings = random_settings(rng, module.ranges, "transposed")
        status, ones = module.plan(settings), np.ones(both(settings, "input"))
        seen[status] += 1
        weight = np.ones(weight_shape(settings))
        if status == NO_OUTPUT:
            with pytest.raises(ValueError, match="output must have at least 1 cell"):
                compute(settings, ones, weight)
        elif status == TOO_MANY:
            a = module.fact("axis")
            n, k, s, d = (both(settings, w)[a] for w in ("input", "kernel", "stride", "dilation"))
            removed = module.both("padded_before")[a] + module.both("padded_after")[a]
            assert (n - 1) * s + d * (k - 1) + 1 - removed == module.both("outputs")[a] > 40
    assert min(seen.values()) > 10


@pytest.mark.parametrize("operator", SEEN)
def test_what_convcore_refuses_is_refused(module, operator):
    rng = np.random.default_rng(7)
    seen = {FITS: 0, TOO_LARGE: 0, EMPTY_WINDOW: 0}
    for _ in range(1000):
        settings = random_settings(rng, module.ranges, operator)
        status = module.plan(settings)
        seen[status] += 1
        where = sizes(settings)
        check = geometry.windows if operator in POOLS else geometry.output_size
        if status == FITS:
            check(**where)
            continue
        axis = module.fact("axis")
        one = {
            key: value[axis] if isinstance(value, tuple) else value for key, value in where.items()
        }
        words = "kernel must span" if status == TOO_LARGE else "window must hold an input"
        with pytest.raises(ValueError, match=words):
            check(**one)
        assert module.call("explorer_run") == status
    assert seen[FITS] > 200
    assert seen[TOO_LARGE] > 10
    assert (seen[EMPTY_WINDOW] > 0) == (operator in POOLS)


def test_the_formula_has_the_numbers_of_the_sizes(module):
    for operator in "convolution", "max":
        for settings, _ in accepted(module, operator, 100):
            where = sizes(settings)
            for a, axis in enumerate(AXES):
                n, k, s, d = (where[key][a] for key in ("n", "kernel", "stride", "dilation"))
                room = n + module.both("padded_before")[a] + module.both("padded_after")[a]
                room -= d * (k - 1) + 1
                assert module.fact(f"span_{axis}") == d * (k - 1) + 1
                assert module.fact(f"room_{axis}") == room
                rounded = -(-room // s) if where["ceil_mode"] else room // s
                assert module.fact(f"rounded_{axis}") == rounded
                outputs = rounded + 1 - module.fact(f"dropped_{axis}")
                assert module.fact(f"outputs_{axis}") == outputs


def test_the_names_are_those_of_the_wrapper(module):
    assert both(module.first, "kernel") == (3, 3)
    assert module.ranges["operator"] == (0, len(OPERATORS) - 1)
    assert module.ranges["padding"] == (0, len(PADDINGS) - 1)
    assert module.imports == []
    assert options(module.first)["padding"] == "valid"


def test_the_files_are_those_of_the_wheel():
    """Operators and kernels: each file that CMake names is compiled, and no other but the wrapper.

    Left out are dispatch/, which chooses between tables by the processor (there is one table), and
    xla/, which XLA calls.
    """
    explorer_wasm = pytest.importorskip("explorer_wasm")
    cmake = (ROOT / "CMakeLists.txt").read_text()
    folders = re.findall(r"\$\{csrc\}/(\w+)/\*\.c", cmake)
    kernels = [
        name
        for line in re.findall(r"(?:set\(|APPEND )sources ([a-z_ ]+)\)", cmake)
        for name in line.split()
    ]
    wheel = {CSRC / "kernels" / f"{name}.c" for name in kernels}
    wheel |= {path for folder in folders for path in (CSRC / folder).glob("*.c")}
    assert wheel == set(CSRC.rglob("*.c"))
    *compiled, wrapper = explorer_wasm.sources()
    assert wrapper == explorer_wasm.WRAPPER
    left_out = {path for folder in ("dispatch", "xla") for path in (CSRC / folder).glob("*.c")}
    assert wheel - set(compiled) == left_out
    assert set(compiled) <= wheel


def test_nothing_of_the_machine_is_in_it(code):
    assert b"/" + ROOT.parts[1].encode() + b"/" not in code
    assert len(code) < 200_000


def test_a_build_is_kept_until_a_source_changes(code, tmp_path, monkeypatch):
    explorer_wasm = pytest.importorskip("explorer_wasm")
    kept = tmp_path / f"{explorer_wasm.fingerprint()}.wasm"
    kept.write_bytes(b"kept")
    assert explorer_wasm.build(tmp_path) == b"kept"
    shutil.copytree(explorer_wasm.WRAPPER.parent, tmp_path / "explorer")
    wrapper = tmp_path / "explorer" / "explorer.c"
    header = wrapper.with_name("fill.h")
    header.write_text(header.read_text() + "/* changed */\n")
    monkeypatch.setattr(explorer_wasm, "WRAPPER", wrapper)
    assert explorer_wasm.build(tmp_path)[:4] == b"\0asm"
    assert not kept.exists()


def test_faults_are_told(tmp_path, monkeypatch):
    explorer_wasm = pytest.importorskip("explorer_wasm")
    wrapper = tmp_path / "explorer.c"
    wrapper.write_text("this is no C\n")
    monkeypatch.setattr(explorer_wasm, "WRAPPER", wrapper)
    if explorer_wasm.find_spec("ziglang"):
        with pytest.raises(explorer_wasm.CompileError, match="this is no C"):
            explorer_wasm.build(tmp_path)
    monkeypatch.setattr(explorer_wasm, "find_spec", lambda name: None)
    with pytest.raises(explorer_wasm.CompileError, match="package ziglang"):
        explorer_wasm.build(tmp_path)


def test_the_page_on_the_design_says_how_large_the_module_is(code):
    """In thousands of bytes, of some ten thousand that compilers differ by."""
    page = (ROOT / "docs/design/explorer.rst").read_text(encoding="utf-8")
    assert len(code) / 1000 == pytest.approx(
        float(re.search(r"The module has (\d+) kB", page)[1]), abs=10
    )
