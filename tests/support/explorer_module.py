"""The explorer's WebAssembly module, run without a browser, and what convcore says of its settings.

Settings are a dict of small integers with the names that ``explorer.c`` gives them.
"""

import sys
from pathlib import Path

import numpy as np
import pytest

import convcore
from convcore import geometry

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "docs" / "_ext"))

AXES = "rows", "columns"
OPERATORS = "convolution", "local", "tiled", "transposed", "max", "average", "l2", "weighted"
PADDINGS = "valid", "same", "same_lower", "full", "causal", "explicit"
INPUTS = "random", "edge", "ramp", "impulse"
KERNELS = "random", "identity", "blur", "sobel", "sharpen", "laplace"
LAYERS, POOLS = OPERATORS[:4], OPERATORS[4:]
GROUPED = "convolution", "transposed"
(
    FITS,
    OUT_OF_RANGE,
    TOO_LARGE,
    EMPTY_WINDOW,
    NO_OUTPUT,
    TOO_MANY,
    FAILED,
    UNDIVIDED,
    TOO_MANY_WEIGHTS,
) = range(9)
TERM, SHARE = 11, 6  # numbers of a tap that is looked at, and of an output's part in a gradient


def compiled(tmp_path_factory):
    """Return the module as the page's extension compiles it, once for all test files of a run."""
    for name in "ziglang", "wasmtime", "explorer_wasm":
        pytest.importorskip(name, reason="the explorer is compiled by ziglang, run by wasmtime")
    import explorer_wasm

    return explorer_wasm.build(tmp_path_factory.getbasetemp() / "explorer-module")


class Module:
    """One instance of the module: settings in, numbers out."""

    def __init__(self, code):
        import wasmtime

        self.store = wasmtime.Store()
        module = wasmtime.Module(self.store.engine, code)
        self.imports = [found.name for found in module.imports]
        instance = wasmtime.Instance(self.store, module, [])
        self.exports = instance.exports(self.store)
        self.call("_initialize")
        self.settings = self._names("setting")
        self.facts = self._names("fact")
        self.first = dict(
            zip(self.settings, self.whole("settings", len(self.settings)).tolist(), strict=True)
        )
        self.ranges = {
            name: (self.call("explorer_least", i), self.call("explorer_most", i))
            for i, name in enumerate(self.settings)
        }

    def call(self, name, *arguments):
        return self.exports[name](self.store, *arguments)

    def _names(self, kind):
        names = []
        for i in range(self.call(f"explorer_{kind}_count")):
            at = self.call(f"explorer_{kind}_name", i)
            text = self.exports["memory"].read(self.store, at, at + 64)
            names.append(bytes(text).split(b"\0")[0].decode())
        return names

    def _read(self, name, count, dtype):
        at = self.call(f"explorer_{name}")
        size = np.dtype(dtype).itemsize
        return np.frombuffer(self.exports["memory"].read(self.store, at, at + size * count), dtype)

    def whole(self, name, *shape):
        return self._read(name, np.prod(shape), "<i4").reshape(shape)

    def real(self, name, *shape):
        return self._read(name, np.prod(shape), "<f8").reshape(shape)

    def write(self, name, values):
        self.exports["memory"].write(self.store, values.tobytes(), self.call(f"explorer_{name}"))

    def fact(self, name):
        return int(self.whole("facts", len(self.facts))[self.facts.index(name)])

    def both(self, name):
        return tuple(self.fact(f"{name}_{axis}") for axis in AXES)

    def plan(self, settings):
        numbers = [{**self.first, **settings}[name] for name in self.settings]
        assert set(settings) <= set(self.settings)
        self.write("settings", np.array(numbers, "<i4"))
        return self.call("explorer_plan")


def both(settings, name):
    """Return a setting of both axes."""
    return tuple(settings[f"{name}_{axis}"] for axis in AXES)


def channels(settings):
    """Return the numbers of input channels, output channels and groups that the operator has."""
    operator = OPERATORS[settings["operator"]]
    c, k, groups = (settings[name] for name in ("channels_in", "channels_out", "groups"))
    if operator in POOLS:
        return c, c, c
    return c, k, groups if operator in GROUPED else 1


def input_shape(settings):
    """Return the shape of the input."""
    return settings["channels_in"], *both(settings, "input")


def random_settings(rng, ranges, operator):
    """Return settings within their ranges, mostly small ones, which are mostly accepted."""
    settings = {name: int(rng.integers(least, most + 1)) for name, (least, most) in ranges.items()}
    settings["operator"] = OPERATORS.index(operator)
    settings["seed"] = int(rng.integers(10000))
    if rng.random() < 0.7:
        for axis in AXES:
            settings[f"input_{axis}"] = int(rng.integers(4, 17))
            settings[f"kernel_{axis}"] = int(rng.integers(1, 5))
            settings[f"dilation_{axis}"] = int(rng.integers(1, 3))
            for side in "before", "after":
                settings[f"{side}_{axis}"] = int(rng.integers(0, 3))
    if rng.random() < 0.8:  # groups that divide the channels
        groups = int(rng.choice([1, 1, 2, 3, 4]))
        settings["groups"] = groups
        for name in "channels_in", "channels_out":
            settings[name] = groups * int(rng.integers(1, 4 // groups + 1))
    if rng.random() < 0.3:
        settings.update(channels_in=1, channels_out=1, groups=1)
    return settings


def options(settings):
    """Return the options of convcore's functions that the settings stand for."""
    word = PADDINGS[settings["padding"]]
    pairs = tuple(zip(both(settings, "before"), both(settings, "after"), strict=True))
    stride, dilation = both(settings, "stride"), both(settings, "dilation")
    if word == "causal":  # the package has no word for it
        spans = zip(dilation, both(settings, "kernel"), strict=True)
        pairs, word = tuple((d * (k - 1), 0) for d, k in spans), "explicit"
    return {
        "stride": stride,
        "padding": pairs if word == "explicit" else word,
        "dilation": dilation,
    }


def rounds_up(settings):
    """Whether a partial last window counts."""
    return OPERATORS[settings["operator"]] in POOLS and bool(settings["ceil"])


def sizes(settings):
    """Return n, kernel and options of ``geometry``'s functions."""
    return {
        "n": both(settings, "input"),
        "kernel": both(settings, "kernel"),
        **options(settings),
        "ceil_mode": rounds_up(settings),
    }


def weight_shape(settings):
    """Return the shape of the operator's weights, or None."""
    kernel, operator = both(settings, "kernel"), OPERATORS[settings["operator"]]
    c, k, groups = channels(settings)
    if operator == "local":
        return (k, *geometry.output_size(**sizes(settings)), c, *kernel)
    if operator == "tiled":
        return (k, *both(settings, "period"), c, *kernel)
    return {
        "convolution": (k, c // groups, *kernel),
        "transposed": (c, k // groups, *kernel),
        "weighted": kernel,
    }.get(operator)


def function(settings):
    """Return the name of convcore's function."""
    return {
        "convolution": "conv2d",
        "local": "local_conv2d",
        "tiled": "tiled_conv2d",
        "transposed": "conv_transpose2d",
        "average": "avg_pool2d",
    }.get(OPERATORS[settings["operator"]], f"{OPERATORS[settings['operator']]}_pool2d")


def arguments(settings, weight):
    """Return what follows the input in a call of convcore, and its options."""
    operator, more = OPERATORS[settings["operator"]], options(settings)
    if operator in POOLS:
        more["ceil_mode"] = rounds_up(settings)
    if operator in GROUPED:
        more["groups"] = settings["groups"]
    if operator == "average":
        more["count_include_pad"] = bool(settings["count_padding"])
    return both(settings, "kernel") if weight is None else weight, more


def compute(settings, x, weight):
    """Return convcore's output for an input of (channels, rows, columns)."""
    second, more = arguments(settings, weight)
    return getattr(convcore, function(settings))(x, second, **more)


def compute_back(settings, grad, x, weight):
    """Return convcore's gradients of the input and of the weights; None for those of a pooling."""
    second, more = arguments(settings, weight)
    found = getattr(convcore, f"{function(settings)}_backward")(grad, x, second, **more)
    return found[:2] if OPERATORS[settings["operator"]] in LAYERS else (found, None)
