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
    GROUPED,
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
    TOO_MANY_WEIGHTS,
    UNDIVIDED,
    Module,
    both,
    channels,
    compiled,
    compute,
    input_shape,
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


def output_shape(module):
    """Return the shape of the output of settings that are planned."""
    return module.fact("channels_out"), *module.both("outputs")


def run(module, settings, rng):
    """Run on whole numbers, and return the input, the weights and the output."""
    shape, outputs = weight_shape(settings), output_shape(module)
    x = rng.integers(-99, 100, input_shape(settings)).astype(float)
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
        c, k, groups = channels(settings)
        assert [module.fact(name) for name in ("channels_in", "channels_out", "groups")] == [
            c,
            k,
            groups,
        ]
        usage = np.multiply.outer(*geometry.input_usage(**where)) * (k // groups)
        assert (module.whole("usage", *where["n"]) == usage).all(), settings
        assert geometry.input_usage(**explicit) == geometry.input_usage(**where)
        if operator not in POOLS:
            continue  # geometry.windows() refuses windows without a cell, a convolution has them
        windows = geometry.windows(**where)
        for at in np.ndindex(*module.both("outputs")):
            terms = look(module, settings, (0, *at))
            real = terms[terms[:, 2] == 0]
            for axis in range(2):
                window, cells = windows[axis][at[axis]], np.unique(real[:, axis])
                assert (cells[0], cells[-1], len(cells)) == window[:3], settings


def look(module, settings, at):
    """Return the terms of one output: row, column, kind, value, weight, product, winner."""
    module.call("explorer_look", *map(int, at))
    count = module.fact("seen") * np.prod(both(settings, "kernel"))
    return module.real("terms", count, TERM)


def seen_channels(settings, channel):
    """Return the input channels that an output channel sees."""
    c, k, groups = channels(settings)
    first = channel // (k // groups) * (c // groups)
    return list(range(first, first + c // groups))


def some(rng, shape, count):
    """Return some of the places of an array, the first and the last among them."""
    at = list(np.ndindex(*shape))
    chosen = rng.choice(len(at), min(count, len(at)), replace=False)
    return [at[i] for i in sorted({0, len(at) - 1, *chosen.tolist()})]


@pytest.mark.parametrize("operator", SEEN)
def test_terms_add_up_to_the_output(module, operator):
    for settings, rng in accepted(module, operator, 40):
        x, _, output = run(module, settings, rng)
        starts, steps = both(settings, "stride"), both(settings, "dilation")
        before = module.both("padded_before")
        taps = list(np.ndindex(*both(settings, "kernel")))
        for at in some(rng, output.shape, 150):
            terms = look(module, settings, at)
            total, divisor, *of_channels = module.real("sums", 2 + module.fact("seen"))
            seen = seen_channels(settings, at[0])
            cells = np.multiply(at[1:], starts) + np.multiply(taps, steps) - before
            cells = np.concatenate([cells] * len(seen))
            assert (terms[:, :2] == cells).all()
            assert terms[:, 10].tolist() == np.repeat(seen, len(taps)).tolist()
            inside = ((cells >= 0) & (cells < x.shape[1:])).all(axis=1)
            assert ((terms[:, 2] == 0) == inside).all()
            values = x[tuple(terms[inside][:, [10, 0, 1]].astype(int).T)]
            assert of_channels == terms[:, 5].reshape(len(seen), -1).sum(axis=1).tolist()
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
        for at in some(rng, output.shape, 150):
            terms = look(module, settings, at)
            assert module.real("sums", 2)[0] == output[at] == (terms[:, 3] * terms[:, 4]).sum()
            on = terms[:, 2] == 0
            taps = list(np.ndindex(*both(settings, "kernel"))) * module.fact("seen")
            cells = terms[on, :2].astype(int)
            assert (cells * starts + np.array(taps)[on] * steps - before == at[1:]).all()
            assert (terms[on, 3] == x[tuple(terms[on][:, [10, 0, 1]].astype(int).T)]).all()
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
            at = [n - 1 for n in output_shape(module)]
            module.call("explorer_trace_output", *at)
            traced = module.whole("traced_outputs", *output_shape(module))
            assert (traced[:-1] == 0).all()
            assert (traced[-1] == (kernel == kernel[-1, -1])).all()
            assert module.fact("traced") == traced.sum()


def takers(module, settings, one):
    """Return how many outputs take a slice of the weights: by the shape that convcore says."""
    c, k, groups = channels(settings)
    kernel = module.whole("kernel_of", *module.both("outputs")).ravel()
    kernels = np.prod(module.both("kernels"))
    channel, its_kernel, its_input = np.unravel_index(one, (k, kernels, c // groups))
    first = seen_channels(settings, int(channel))[0]
    found = module.call("explorer_slice", int(channel), int(its_kernel), first + int(its_input))
    assert found == one
    between = [module.call("explorer_between", one, which) for which in range(3)]
    assert between == [channel, its_kernel, first + its_input]
    assert module.call("explorer_first_seen", int(channel)) == first
    return (kernel == its_kernel).sum()


def test_a_weight_and_a_cell_are_traced(module):
    """By the definition: change the weight or the cell, and see which outputs change."""
    for operator in LAYERS:
        for settings, rng in accepted(module, operator, 60):
            outputs, shape = output_shape(module), weight_shape(settings)
            x = rng.integers(1, 10, input_shape(settings)).astype(float)
            weight = rng.integers(1, 10, shape).astype(float)
            z = compute(settings, x, weight)

            cell = tuple(int(rng.integers(n)) for n in x.shape)
            module.call("explorer_trace_cell", *cell)
            traced = module.whole("traced_outputs", *outputs)
            more = x.copy()
            more[cell] += 1
            assert (traced == (compute(settings, more, weight) != z)).all()
            assert module.fact("traced") == traced.sum()
            assert traced.sum() == module.whole("usage", *x.shape[1:])[cell[1:]]

            tap = tuple(int(rng.integers(k)) for k in shape[-2:])
            slices = weight.reshape(-1, *shape[-2:])
            one = int(rng.integers(len(slices)))
            module.call("explorer_trace_weight", one, *tap)
            traced = module.whole("traced_outputs", *outputs)
            slices[one][tap] += 1  # a view of weight
            changed = compute(settings, x, weight) - z
            assert ((traced == 1) == (changed != 0)).all()
            if operator != "transposed":  # where a weight may fall on no cell
                assert (traced != 0).sum() == takers(module, settings, one)
            else:
                out, kernel, into = (module.call("explorer_between", one, i) for i in range(3))
                assert module.call("explorer_slice", out, kernel, into) == one
                assert {channel for channel, *_ in np.argwhere(traced)} <= {out}
                assert into in seen_channels(settings, out)
                assert out >= module.call("explorer_first_seeing", into)
            assert module.fact("traced") == (traced != 0).sum()
            cells = module.whole("traced_cells", *x.shape)
            assert (cells * x).sum() == changed.sum()


def test_values_come_from_the_seed(module):
    """Python's twin of the generator."""
    for operator in OPERATORS:
        for settings, _ in accepted(module, operator, 10):
            module.call("explorer_fill")
            state, numbers = settings["seed"], []
            n, weights = np.prod(input_shape(settings)), module.fact("weights")
            g = np.prod(output_shape(module))
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
    channels_in = 2
    for name, expected in {
        "edge": np.where(columns >= 2, 9, 0),
        "ramp": rows + columns,
        "impulse": (rows == 1) & (columns == 2),
    }.items():
        settings = {"input_preset": INPUTS.index(name), "input_rows": 3, "input_columns": 4}
        settings["channels_in"] = channels_in
        assert module.plan(settings) == FITS
        module.call("explorer_fill")
        assert (module.real("input", channels_in, 3, 4) == expected).all()


def test_numbers_out_of_range_are_refused(module):
    for name, (least, most) in module.ranges.items():
        for number in least - 1, most + 1, -(2**31), 2**31 - 1:
            assert module.plan({name: number}) == OUT_OF_RANGE
            assert module.settings[module.fact("field")] == name
            assert module.call("explorer_run") == OUT_OF_RANGE
        assert least <= module.first[name] <= most
    assert module.plan({}) == FITS


def test_transposed_outputs_that_do_not_fit(module):
    rng, seen = np.random.default_rng(8), {FITS: 0, NO_OUTPUT: 0, TOO_MANY: 0, UNDIVIDED: 0}
    for _ in range(1000):
        settings = random_settings(rng, module.ranges, "transposed")
        status, ones = module.plan(settings), np.ones(input_shape(settings))
        seen[status] += 1
        if status == UNDIVIDED:
            continue
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
    seen = {FITS: 0, TOO_LARGE: 0, EMPTY_WINDOW: 0, UNDIVIDED: 0}
    for _ in range(1000):
        settings = random_settings(rng, module.ranges, operator)
        status = module.plan(settings)
        seen[status] += 1
        if status == UNDIVIDED:
            c, k, groups = channels(settings)
            assert c % groups or k % groups
            continue
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
    assert (seen[UNDIVIDED] > 0) == (operator in GROUPED)


def test_more_weights_than_a_local_layer_of_one_channel_has_are_refused(module):
    local, rng = {"operator": OPERATORS.index("local")}, np.random.default_rng(9)
    seen = {FITS: 0, TOO_MANY_WEIGHTS: 0}
    for _ in range(60):
        settings = {**module.first, **local}
        for axis in AXES:
            settings[f"input_{axis}"] = int(rng.integers(12, 17))
            settings[f"kernel_{axis}"] = int(rng.integers(4, 8))
        settings["channels_in"], settings["channels_out"] = map(int, rng.integers(1, 5, 2))
        settings["padding"] = PADDINGS.index("full")
        status = module.plan(settings)
        seen[status] += 1
        assert module.fact("weights") == np.prod(weight_shape(settings))
        assert (status == TOO_MANY_WEIGHTS) == (module.fact("weights") > 78400)
        if status == FITS:
            x, weight, output = run(module, settings, rng)
            assert (output == compute(settings, x, weight)).all()
    assert min(seen.values()) > 5


def test_groups_that_convcore_refuses_are_refused(module):
    x = np.ones((4, 5, 5))
    for name in GROUPED:
        for c, k, groups in np.ndindex(4, 4, 4):
            settings = {"operator": OPERATORS.index(name), "channels_in": c + 1}
            settings |= {"channels_out": k + 1, "groups": groups + 1}
            settings = {**module.first, **settings}
            status = module.plan(settings)
            weight = np.ones(weight_shape(settings))
            if status == FITS:
                compute(settings, x[: c + 1], weight)
                continue
            assert status == UNDIVIDED
            assert (c + 1) % (groups + 1) or (k + 1) % (groups + 1)
            # A transposed weight tells the output channels: there are no others to refuse.
            if all(weight.shape) and (name == "convolution" or (c + 1) % (groups + 1)):
                with pytest.raises(ValueError, match="group"):
                    compute(settings, x[: c + 1], weight)


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
    own = sorted(explorer_wasm.WRAPPER.parent.glob("*.c"))
    compiled, wrapper = explorer_wasm.sources()[: -len(own)], explorer_wasm.sources()[-len(own) :]
    assert wrapper == own
    assert explorer_wasm.WRAPPER in own
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
