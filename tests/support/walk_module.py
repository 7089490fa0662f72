"""The walk's WebAssembly module as the site ships it, run without a browser, with its weights."""

import base64
import re
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "docs" / "_ext"))

NAMES = "image", "C1", "S2", "C3", "S4", "C5", "F6", "output"
WEIGHTS = ROOT / "docs" / "walk" / "lenet5.npz"


def shipped(site):
    """Return the module and the weights that the page loads, as bytes."""
    text = (site / "_static" / "walk-wasm.js").read_text(encoding="utf-8")
    return [base64.b64decode(re.search(rf'walk\.{name} = "(.*)";', text)[1])
            for name in ("wasm", "weights")]  # fmt: skip


class Module:
    """One instance of the module with its weights loaded."""

    def __init__(self, code, weights):
        import wasmtime

        self.store = wasmtime.Store()
        module = wasmtime.Module(self.store.engine, code)
        self.imports = [found.name for found in module.imports]
        self.exports = wasmtime.Instance(self.store, module, []).exports(self.store)
        self.call("_initialize")
        self.exports["memory"].write(self.store, weights, self.call("walk_packed"))
        self.taken = self.call("walk_load")

    def call(self, name, *arguments):
        return self.exports[name](self.store, *arguments)

    def read(self, at, *shape, dtype="<f8"):
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        memory = self.exports["memory"].read(self.store, at, at + size)
        return np.frombuffer(bytes(memory), dtype).reshape(shape)

    def shape(self, layer):
        """Return channels and cells a side."""
        _, channels, size, _, _ = self.read(self.call("walk_shape", layer), 5, dtype="<i4").tolist()
        return channels, size, size

    def values(self, layer):
        return self.read(self.call("walk_values", layer), *self.shape(layer))

    def run(self, image):
        """Compute every layer of an image; return the scores."""
        at = self.call("walk_values", 0)
        self.exports["memory"].write(self.store, image.astype("<f8").tobytes(), at)
        assert self.call("walk_run") == 1
        return self.values(len(NAMES) - 1).ravel()

    def look(self, layer, channel, row, column):
        """Return the terms of an output: channel, row, column, value, weight, product, sum."""
        count = self.call("walk_look", layer, channel, row, column)
        return self.read(self.call("walk_terms"), count, 7)
