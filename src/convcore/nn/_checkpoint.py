"""A training in a file: all that its next epoch depends on, and what it was started with."""

import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from convcore._args import Array
from convcore.nn import _files
from convcore.nn._base import Layer
from convcore.nn._optimizers import Optimizer


def state_of(generator: np.random.Generator) -> Any:
    """A generator's state in JSON's kinds."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, np.ndarray):
            return {"array": value.tolist(), "dtype": str(value.dtype)}
        return value if isinstance(value, str) else int(value)

    return plain(generator.bit_generator.state)


def _set_state(generator: np.random.Generator, state: Any) -> None:
    def full(value: Any) -> Any:
        if isinstance(value, dict) and set(value) == {"array", "dtype"}:
            return np.array(value["array"], value["dtype"])
        return {k: full(v) for k, v in value.items()} if isinstance(value, dict) else value

    generator.bit_generator.state = full(state)


def print_of(array: Array) -> list[Any]:
    """What tells one array from another."""
    return [list(array.shape), str(array.dtype), zlib.crc32(np.ascontiguousarray(array).data)]


class Checkpoint:
    """A run of fit in a file: all that the rest of it depends on."""

    def __init__(
        self, path: _files.Name, model: Layer, optimizer: Optimizer,
        generator: np.random.Generator, run: dict[str, Any],
    ) -> None:  # fmt: skip
        self.path, self.model, self.optimizer = path, model, optimizer
        self.generator, self.run = generator, run
        _files.safetensors_for("fit")  # or say at once that it is missing
        handle, probe = _files.temporary_beside(Path(path))  # or that the folder cannot be written
        os.close(handle)
        probe.unlink()

    def write(self, history: Sequence[tuple[Any, ...]]) -> None:
        """Write the state after an epoch."""
        arrays = {f"model/{k}": array for k, array in self.model.parameters().items()}
        arrays |= {f"optimizer/{k}": array for k, array in self.optimizer.arrays().items()}
        facts = {
            "content": "checkpoint", "run": self.run, "steps": self.optimizer.steps,
            "history": [tuple(epoch) for epoch in history], "rng": state_of(self.generator),
        }  # fmt: skip
        _files.write("fit", self.path, arrays, facts)

    def resume(self) -> list[list[Any]]:
        """Take back the last state and return the history, empty if there is no file yet."""
        if not Path(self.path).exists():
            return []
        arrays, facts = _files.read("fit", self.path)
        if facts.get("content") != "checkpoint":
            raise ValueError(f"fit: {self.path} has parameters and no checkpoint of a training")
        for name, now in self.run.items():
            before = facts["run"].get(name)
            if before != now:
                long = name in ("rng", "data", "model")
                words = "another one" if long else f"{before}, not {now}"
                raise ValueError(
                    f"fit: checkpoint {self.path} is of another training: its {name} is {words}; "
                    "expected the same, or a new file"
                )
        parts: dict[str, dict[str, Array]] = {"model": {}, "optimizer": {}}
        for key, array in arrays.items():
            part, _, name = key.partition("/")
            parts[part][name] = array
        _files.put("fit", self.path, self.model.parameters(), parts["model"])
        self.optimizer.restore(parts["optimizer"], facts["steps"])
        _set_state(self.generator, facts["rng"])
        history: list[list[Any]] = facts["history"]
        return history
