"""Checkpoints: all that the next epoch depends on, and what the training was started with."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from convcore.nn.io import files
from convcore.nn.io.disk import File, Name
from convcore.nn.layers.activations import Dropout
from convcore.nn.layers.base import Layer
from convcore.nn.training.fingerprint import IncomparableError, called, fingerprint
from convcore.nn.training.optimizers import Optimizer
from convcore.spec.errors import short_repr
from convcore.spec.operands import FLOATS, Array
from convcore.spec.options import MAX_SIZE

VERSION = 4

# Attributes of a layer that fit and its last call change; they make no other training.
PASSING = ("_kept", "_fitting", "_frozen", "gradients", "training")


def state_of(generator: np.random.Generator) -> Any:
    """A generator's state as JSON."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, np.ndarray):
            return {"array": value.tolist(), "dtype": str(value.dtype)}
        return value if isinstance(value, str) else int(value)

    return plain(generator.bit_generator.state)


def _full(value: Any) -> Any:
    """A state of JSON as generators take it."""
    if isinstance(value, dict) and set(value) == {"array", "dtype"}:
        return np.array(value["array"], value["dtype"])
    return {k: _full(v) for k, v in value.items()} if isinstance(value, dict) else value


def _is_state(state: Any, like: Any) -> bool:
    """Whether a state of JSON has the form of another one, and valid positions.

    Generators do not check positions, and read memory there.
    """
    if isinstance(like, str):
        return bool(state == like)
    if not isinstance(like, dict):
        return type(state) is int and state >= 0
    if not isinstance(state, dict) or state.keys() != like.keys():
        return False
    if set(like) == {"array", "dtype"}:
        array = state["array"]
        return (
            state["dtype"] == like["dtype"] and isinstance(array, list)
            and len(array) == len(like["array"]) and all(type(n) is int and n >= 0 for n in array)
        )  # fmt: skip
    arrays = [v["array"] for v in like.values() if isinstance(v, dict) and "array" in v]
    longest = max(map(len, arrays), default=0)
    return all(
        _is_state(state[key], value) and not (key.endswith("pos") and state[key] > longest)
        for key, value in like.items()
    )


def start_of(model: Layer, optimizer: Optimizer, generator: np.random.Generator) -> dict[str, str]:
    """What training changes, as it is now."""
    return {
        "initial weights": _print_of(model.state()),
        "optimizer's memory": _print_of(optimizer.arrays(), optimizer.steps),
        "rng": fingerprint(state_of(generator)),
    }


def run_of(model: Layer, optimizer: Optimizer, **given: object) -> dict[str, list[str]]:
    """What training does not change: words for errors, and a fingerprint of each."""
    layers, arrays = list(model.layers()), list(model.state().values())
    options = {k: v for k, v in vars(optimizer).items() if k not in ("steps", "state")}
    forms = [[type(layer), _form(layer)] for layer in layers]
    parts: dict[str, tuple[str, object]] = {
        "model": ("", [repr(model), forms]),
        "optimizer": (repr(optimizer), [type(optimizer), options]),
    }
    for name, value in given.items():
        said = value is None or type(value) is int
        parts[name] = called(value) if callable(value) else str(value) if said else "", value
    run = {}
    for name, (words, value) in parts.items():
        known = [*layers, *arrays] if name == "model" else []  # compared by themselves
        try:
            run[name] = [words, fingerprint(value, known)]
        except IncomparableError as error:
            raise ValueError(
                f"fit: checkpoint must be of a training that can be compared with others, got "
                f"{name} with {error} in it"
            ) from None
    return run


def _form(layer: Layer) -> dict[str, Any]:
    lent = (*PASSING, "rng") if isinstance(layer, Dropout) else PASSING
    return {name: value for name, value in vars(layer).items() if name not in lent}


class Checkpoint:
    """A run of fit in a file."""

    def __init__(
        self, path: Name, model: Layer, optimizer: Optimizer, generator: np.random.Generator,
        seeded: bool, given: Mapping[str, object],
    ) -> None:  # fmt: skip
        self.file = File.of("fit", "checkpoint", path)
        self.model, self.optimizer, self.generator = model, optimizer, generator
        files.safetensors_for("fit")  # if it is missing, say so before training
        self.file.try_folder()  # likewise
        self.run = run_of(model, optimizer, **given)
        self.start = start_of(model, optimizer, generator)
        if not seeded:
            self.start["rng"] = ""

    def write(self, history: Sequence[tuple[Any, ...]]) -> None:
        """Write the state after an epoch."""
        arrays = {f"model/{k}": array for k, array in self.model.state().items()}
        arrays |= {f"optimizer/{k}": array for k, array in self.optimizer.arrays().items()}
        facts = {
            "content": "checkpoint", "version": VERSION, "run": self.run, "start": self.start,
            "steps": self.optimizer.steps, "history": [tuple(epoch) for epoch in history],
            "rng": state_of(self.generator),
        }  # fmt: skip
        files.save_arrays(self.file, arrays, {**facts, "sum": _sum(facts, arrays)})

    def resume(self, epochs: int) -> list[list[Any]]:
        """Restore the last state and return the history, empty if there is no file yet.

        Everything is checked before anything changes.
        """
        if self.file.status() is None:
            return []
        arrays, facts = self._read()
        self._compare(arrays, facts)
        history: list[list[Any]] = facts["history"]
        if len(history) > epochs:
            raise ValueError(
                f"fit: epochs must be at least {len(history)}, as in checkpoint {self.file.name}, "
                f"got {epochs}"
            )
        self._put(arrays, facts)
        self.start = facts["start"]
        return history

    def rewind(self) -> None:
        """Restore model, optimizer and generator from the file, if there is one.

        Then the same call continues, in the same process too.
        """
        with suppress(Exception):  # an exception is already on its way
            if self.file.status() is not None:
                self._put(*self._read())

    def _read(self) -> tuple[dict[str, dict[str, Array]], dict[str, Any]]:
        """Return the arrays of model and optimizer, and the facts, checked."""
        arrays, metadata = files.load_arrays(self.file)
        facts = files.facts_of(self.file, metadata)
        if facts.get("content") != "checkpoint":
            raise ValueError(
                f"fit: checkpoint must be a file of fit, got {self.file.name}, a file of save"
            )
        if facts.get("version") != VERSION:
            wanted = f"{VERSION}, that of this version of convcore"
            raise self._broken("version", wanted, facts.get("version"))
        try:
            whole = facts.pop("sum", None) == _sum(facts, arrays)
        except RecursionError:  # lists nested too deep
            whole = False
        if not whole:
            raise ValueError(f"fit: checkpoint {self.file.name} is damaged: its checksum differs")
        self._check(facts)
        parts: dict[str, dict[str, Array]] = {"model": {}, "optimizer": {}}
        for key, array in arrays.items():
            part, _, name = key.partition("/")
            if part not in parts:
                raise self._broken("an array", "model/... or optimizer/...", key)
            parts[part][name] = array
        return parts, facts

    def _compare(self, arrays: Mapping[str, Mapping[str, Array]], facts: dict[str, Any]) -> None:
        """Refuse the file of another training."""
        for name, now in self.run.items():
            before = facts["run"].get(name)
            if before != now:
                known = before is not None and before[0] != now[0] and "" not in (before[0], now[0])
                words = f"{before[0]}, not {now[0]}" if known else "another one"
                raise self._another(name, f"is {words}", "expected the same, or a new file")
        left = {
            "initial weights": _print_of(arrays["model"]),
            "optimizer's memory": _print_of(arrays["optimizer"], facts["steps"]),
            "rng": fingerprint(facts["rng"]),
        }
        for name, begun in self.start.items():
            if begun not in (facts["start"][name], left[name]):
                raise self._another(
                    name,
                    "is another one" if name != "initial weights" else "are other ones",
                    "expected that of the first call, or what the file has, or a new file",
                )
        parameters = self.model.parameters()
        files.check(self.file, self.model, arrays["model"])
        for key, array in arrays["optimizer"].items():
            kind, _, name = key.partition(".")
            if kind not in self.optimizer.memory or name not in parameters:
                raise self._broken("an array", f"one that {self.optimizer.op} keeps", key)
            dtype = array.dtype if array.dtype in FLOATS else parameters[name].dtype
            files.check_array(
                self.file, f"optimizer/{key}", array, parameters[name].shape, dtype,
                "the parameter's",
            )  # fmt: skip

    def _check(self, facts: Mapping[str, Any]) -> None:
        """Refuse facts that write() does not write."""
        run, start, steps = facts.get("run"), facts.get("start"), facts.get("steps")
        if not isinstance(run, dict) or not all(
            isinstance(v, list) and len(v) == 2 and all(isinstance(w, str) for w in v)
            for v in run.values()
        ):
            raise self._broken("run", "pairs of words", run)
        if (
            not isinstance(start, dict)
            or start.keys() != self.start.keys()
            or not all(isinstance(v, str) for v in start.values())
        ):
            raise self._broken("start", "words", start)
        if type(steps) is not int or not 0 <= steps <= MAX_SIZE:
            raise self._broken("steps", "an integer of at least 0", steps)
        history = facts.get("history")
        if not isinstance(history, list) or not history:
            raise self._broken("history", "a list of epochs", history)
        for number, epoch in enumerate(history, 1):
            if not (
                isinstance(epoch, list) and len(epoch) == 5 and type(epoch[0]) is int
                and epoch[0] == number and _is_finite(epoch[1])
                and all(value is None or _is_finite(value) for value in epoch[2:])
            ):  # fmt: skip
                raise self._broken("history", f"numbers of epoch {number}", epoch)
        self._check_generator(facts.get("rng"))

    def _check_generator(self, state: Any) -> None:
        """Refuse a state that is not one of the generator."""
        made = copy.deepcopy(self.generator.bit_generator)
        fits = _is_state(state, state_of(self.generator))
        if fits:
            try:
                made.state = _full(state)
                fits = state_of(np.random.Generator(made)) == state
            except Exception:  # every generator raises its own
                fits = False
        if not fits:
            kind = type(made).__name__
            raise self._broken("rng", f"a state of {kind}", state)

    def _put(self, arrays: Mapping[str, dict[str, Array]], facts: Mapping[str, Any]) -> None:
        files.put(self.model.state(), arrays["model"])
        self.optimizer.restore(arrays["optimizer"], facts["steps"])
        self.generator.bit_generator.state = _full(facts["rng"])

    def _broken(self, name: str, wanted: str, got: object) -> ValueError:
        return ValueError(
            f"fit: {name} in checkpoint {self.file.name} must be {wanted}, got {short_repr(got)}"
        )

    def _another(self, name: str, words: str, expected: str) -> ValueError:
        return ValueError(
            f"fit: checkpoint {self.file.name} is of another training: its {name} {words}; "
            f"{expected}"
        )


def _is_finite(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]


def _sum(facts: Mapping[str, Any], arrays: Mapping[str, Array]) -> str:
    """The checksum of a file's facts and arrays."""
    return _print_of(arrays, json.dumps(facts, sort_keys=True))


def _print_of(arrays: Mapping[str, Array], *more: object) -> str:
    """A fingerprint of named arrays that does not depend on their order."""
    return fingerprint([*more, *((name, arrays[name]) for name in sorted(arrays))])
