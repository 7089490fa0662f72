"""ONNX files at the command line: `summary`, `explain` and `run` with a model's file."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from convcore.cli.answers import failed, refused
from convcore.spec.operands import FLOAT32, Array

if TYPE_CHECKING:
    from convcore.onnx import Network, Value

SHAPE = re.compile(r"\d+(x\d+)*")
RANDOM = "random:"
IMAGES = (".png", ".jpg", ".jpeg")
MOST_SCORES = 5
# What loading and running may raise; an OSError of a print is the caller's.
ERRORS = (ValueError, TypeError, MemoryError, LookupError, ArithmeticError)
INPUT_HELP = (
    "an input, again for each further one: NAME=x.npy; NAME=photo.png or .jpg, as float32 in "
    "[0, 1], channels first, with a batch axis (needs Pillow); NAME=random:1x3x224x224; "
    "NAME=1x3x224x224, zeros of this shape; NAME=NUMBER if it has no axes"
)


class Failed(Exception):
    """The work cannot be done: exit code 1."""


class Refused(Exception):
    """The arguments are wrong: exit code 2."""


def is_file(word: str) -> bool:
    """Whether a word names a model's file, there or not."""
    try:
        return word.lower().endswith(".onnx") or Path(word).is_file()
    except OSError:  # no file can have this name
        return False


def add_input(parser: argparse.ArgumentParser) -> None:
    """Add the option of a model's inputs."""
    parser.add_argument("--input", action="append", metavar="NAME=VALUE", help=INPUT_HELP)


def explain_parser(kind: type[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """The parser of `explain` with a file, which has none of an operator's options."""
    parser = kind(
        prog="convcore explain",
        description="Each step of an ONNX file with its time, the median of five runs. Inputs that "
        "are not given are zeros.",
    )
    parser.add_argument("model", metavar="MODEL", help="an ONNX file")
    add_input(parser)
    _add_threads(parser)
    parser.set_defaults(run=lambda options: explain(vars(options)))
    return parser


def add_run(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `run`."""
    parser.add_argument("model", metavar="MODEL", help="an ONNX file")
    add_input(parser)
    parser.add_argument(
        "--output",
        action="append",
        metavar="NAME=FILE",
        help="write an output into a .npy file; again for each further one",
    )
    _add_threads(parser)
    parser.set_defaults(run=lambda options: run(vars(options)))


def summary(options: Mapping[str, Any]) -> int:
    """Print the nodes of a model."""

    def work() -> None:
        network = _load(options["network"])
        arrays = _filled(network.inputs, _inputs(network, options["input"]))
        numbers = _done(lambda: network.summary(arrays))
        print(json.dumps(numbers.to_dict(), indent=2) if options["json"] else numbers)

    return _answered("summary", work)


def explain(options: Mapping[str, Any]) -> int:
    """Print the steps of a model with their times."""

    def work() -> None:
        network = _load(options["model"])
        arrays = _filled(network.inputs, _inputs(network, options["input"]))
        print(_done(lambda: network.explain(arrays, threads=options["threads"])))

    return _answered("explain", work)


def run(options: Mapping[str, Any]) -> int:
    """Run a model, print its outputs in numbers and write them."""

    def work() -> None:
        network = _load(options["model"])
        given = _inputs(network, options["input"])
        files = _outputs(network, options["output"])
        values = [value for value in network.inputs if value.name in given]
        arrays = _filled(values, given)
        found = _done(lambda: network.run(arrays, threads=options["threads"]))
        print(_described(found))
        for name, path in files.items():
            _write(path, found[name])

    return _answered("run", work)


def _add_threads(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--threads", metavar="N", type=_threads, help="maximum number of threads of each layer"
    )


def _answered(command: str, work: Callable[[], None]) -> int:
    try:
        work()
    except Failed as error:
        return failed(command, str(error))
    except Refused as error:
        return refused(command, f"{command}: {error}")
    return 0


def _sentence(error: BaseException) -> str:
    """What an error says, and where it was, in one line."""
    parts = [str(error) or type(error).__name__, *getattr(error, "__notes__", ())]
    return " ".join(", ".join(parts).split())


def _reason(error: OSError) -> str:
    return error.strerror or _sentence(error)


def _done(call: Callable[[], Any]) -> Any:
    """A result; errors are of the arguments, for these decide what is computed."""
    try:
        return call()
    except ERRORS as error:
        raise Refused(_sentence(error)) from None


def _load(path: str) -> Network:
    from convcore import onnx

    try:
        return onnx.load(path)
    except OSError as error:
        raise Failed(f"cannot read {path}: {_reason(error)}") from None
    except ERRORS as error:
        raise Failed(f"cannot load {path}: {_sentence(error)}") from None


def _filled(values: Sequence[Value], given: Mapping[str, Any]) -> dict[str, Array]:
    from convcore.graph.filling import filled

    found: dict[str, Array] = _done(lambda: filled("--input", values, given))
    return found


def _threads(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"must be an integer of 1 or more, got {text!r}")
    return int(text)


def _named(option: str, names: Sequence[str], words: Sequence[str] | None) -> dict[str, str]:
    """What each NAME=VALUE says; names may have a = of their own."""
    found: dict[str, str] = {}
    for word in words or ():
        fitting = [name for name in names if word.startswith(f"{name}=")]
        if not fitting:
            raise Refused(f"{option} must be NAME=VALUE with a name of {names}, got {word!r}")
        name = max(fitting, key=len)
        if name in found:
            raise Refused(f"{option} must name {name!r} once, got {word!r} too")
        found[name] = word[len(name) + 1 :]
    return found


def _inputs(network: Network, words: Sequence[str] | None) -> dict[str, Any]:
    """Arrays, and shapes of zeros, by the inputs' names."""
    values = {value.name: value for value in network.inputs}
    named = _named("--input", list(values), words)
    return {name: _input(values[name], text) for name, text in named.items()}


def _input(value: Value, text: str) -> Any:
    if value.shape == ():
        try:
            return np.array(float(text) if "." in text else int(text)).astype(value.dtype)
        except (ValueError, OverflowError):
            pass  # a file, perhaps
    if SHAPE.fullmatch(text):
        return _sizes(text)
    if text.startswith(RANDOM):
        if not SHAPE.fullmatch(text[len(RANDOM) :]):
            raise Refused(f"--input {value.name} must be as random:1x3x224x224, got {text!r}")
        return _done(lambda: _random(value, _sizes(text[len(RANDOM) :])))
    suffix = Path(text).suffix.lower()
    if suffix == ".npy":
        return _read_array(text)
    if suffix in IMAGES:
        return _read_image(text, value)
    raise Refused(
        f"--input {value.name} must be a .npy, .png or .jpg file, a shape or random:SHAPE, got "
        f"{text!r}"
    )


def _sizes(text: str) -> tuple[int, ...]:
    found: tuple[int, ...] = _done(lambda: tuple(map(int, text.split("x"))))
    return found


def _random(value: Value, shape: tuple[int, ...]) -> Array:
    """The same numbers at every call: from 0 to 1, of bytes all, of other integers 0 and 1."""
    rng, dtype = np.random.default_rng(0), value.dtype or FLOAT32
    if dtype.kind == "f":
        return rng.random(shape).astype(dtype)
    return rng.integers(0, 256 if dtype == np.uint8 else 2, shape).astype(dtype)


def _read_array(path: str) -> Array:
    try:
        array = np.load(path, allow_pickle=False)
    except OSError as error:
        raise Failed(f"cannot read {path}: {_reason(error)}") from None
    except (*ERRORS, EOFError, SyntaxError):
        raise Failed(f"cannot read {path}: not an array of numbers in a .npy file") from None
    if not isinstance(array, np.ndarray):  # of several
        raise Failed(f"cannot read {path}: not an array of numbers in a .npy file")
    return array


def _read_image(path: str, value: Value) -> Array:
    """A picture with as many channels as the input, 1 or else 3, and of its dtype."""
    try:
        from PIL import Image
    except ImportError:
        raise Failed(
            f"cannot read {path}: Pillow is needed, which pip install Pillow installs"
        ) from None
    grey = value.shape is not None and len(value.shape) == 4 and value.shape[1] == 1
    try:
        with Image.open(path) as picture:
            pixels = np.asarray(picture.convert("L" if grey else "RGB"), np.float32)
    except OSError as error:
        raise Failed(f"cannot read {path}: {_reason(error)}") from None
    except (*ERRORS, SyntaxError, Image.DecompressionBombError):
        raise Failed(f"cannot read {path}: not a picture") from None
    planes = pixels[np.newaxis] if grey else np.moveaxis(pixels, -1, 0)
    dtype = value.dtype if value.dtype is not None and value.dtype.kind == "f" else FLOAT32
    return np.ascontiguousarray(planes[np.newaxis] / np.float32(255), dtype)


def _outputs(network: Network, words: Sequence[str] | None) -> dict[str, str]:
    """Files, by the outputs' names."""
    files = _named("--output", [value.name for value in network.outputs], words)
    for name, path in files.items():
        if not path:
            raise Refused(f"--output {name} must have the name of a file, got none")
    return files


def _write(path: str, array: Array) -> None:
    try:
        with Path(path).open("wb") as file:  # np.save would add a suffix to the name
            np.save(file, array, allow_pickle=False)
    except OSError as error:
        raise Failed(f"cannot write {path}: {_reason(error)}") from None
    except ValueError as error:  # text
        raise Failed(f"cannot write {path}: {_sentence(error)}") from None


def _described(outputs: Mapping[str, Array]) -> str:
    """A line for each output, and its largest elements where it is a vector of scores."""
    from convcore.graph.table import by, table

    lines = [("output", "shape", "dtype", "minimum", "mean", "maximum")]
    scores = []
    for name, array in outputs.items():
        shape = by(array.shape) or "()"
        lines.append((name, shape, str(array.dtype), *_numbers(array)))
        if array.dtype.kind == "f" and 1 < array.size == max(array.shape):
            flat = array.ravel()
            order = np.argsort(-flat, kind="stable")[:MOST_SCORES]
            listed = ", ".join(f"{place} ({flat[place]:.4g})" for place in order)
            scores.append(f"largest of {name}: {listed}")
    return "\n".join([table(lines, left=3), *scores])


def _numbers(array: Array) -> tuple[str, str, str]:
    if not array.size or array.dtype.kind not in "fiub":
        return "", "", ""
    with np.errstate(all="ignore"):
        mean = float(array.mean(dtype=np.float64))
    least, most = array.min().item(), array.max().item()
    return f"{least:.6g}", f"{mean:.6g}", f"{most:.6g}"
