"""The explorer's WebAssembly module, run without a browser, and what convcore says of its settings.

Settings are a dict of small integers with the names that ``explorer.c`` gives them.
"""

import sys
from pathlib import Path

import numpy as np

import convcore
from convcore import geometry

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "docs" / "_ext"))

AXES = "rows", "columns"
OPERATORS = "convolution", "local", "tiled", "max", "average", "l2", "weighted"
PADDINGS = "valid", "same", "same_lower", "full", "explicit"
POOLS = OPERATORS[3:]
FITS, OUT_OF_RANGE, TOO_LARGE, EMPTY_WINDOW, FAILED = range(5)


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
    return settings


def options(settings):
    """Return the options of convcore's functions that the settings stand for."""
    word = PADDINGS[settings["padding"]]
    pairs = tuple(zip(both(settings, "before"), both(settings, "after"), strict=True))
    return {
        "stride": both(settings, "stride"),
        "padding": pairs if word == "explicit" else word,
        "dilation": both(settings, "dilation"),
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
    if operator == "local":
        return (1, *geometry.output_size(**sizes(settings)), 1, *kernel)
    if operator == "tiled":
        return (1, *both(settings, "period"), 1, *kernel)
    return {"convolution": (1, 1, *kernel), "weighted": kernel}.get(operator)


def compute(settings, x, weight):
    """Return convcore's output for an input of (rows, columns)."""
    x, more, kernel = x[None], options(settings), both(settings, "kernel")
    operator = OPERATORS[settings["operator"]]
    if operator not in POOLS:
        name = {"convolution": "conv2d", "local": "local_conv2d", "tiled": "tiled_conv2d"}[operator]
        return getattr(convcore, name)(x, weight, **more)[0]
    more["ceil_mode"] = rounds_up(settings)
    if operator == "average":
        more["count_include_pad"] = bool(settings["count_padding"])
    if operator == "weighted":
        return convcore.weighted_pool2d(x, weight, **more)[0]
    name = {"max": "max_pool2d", "average": "avg_pool2d", "l2": "l2_pool2d"}[operator]
    return getattr(convcore, name)(x, kernel, **more)[0]
