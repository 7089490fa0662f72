"""The command line, `python -m convcore`: `info`, `summary`, `explain`, `run`, `demo`, `bench`.

Each command imports what it needs when it is run. Exit codes: 0; 1 if a command cannot do its
work, 2 for wrong arguments, each with a sentence on standard error; 130 after Ctrl-C.
"""

import argparse
import io
import json
import os
import re
import sys
import textwrap
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from convcore import build_info, explain
from convcore.cli import onnx
from convcore.cli.answers import failed, refused
from convcore.spec.registry import ALGORITHM, OPERATORS

NETWORKS = {"alexnet": (3, 227, 227), "lenet5": (1, 32, 32)}  # and an image for each
OPTIONS = {"alexnet": "groups", "lenet5": "modern"}

LABELS = {
    "version": "version",
    "python": "Python",
    "compiler": "compiler",
    "flags": "flags",
    "isa": "instruction set",
    "isa_compiled": "compiled for",
    "isa_available": "available here",
    "openmp": "OpenMP",
    "threads": "threads",
}


class Parser(argparse.ArgumentParser):
    """A parser that answers wrong arguments with one sentence instead of the usage."""

    def error(self, message: str) -> NoReturn:
        """Say what was wrong and where help is, and stop with exit code 2."""
        self.exit(2, f"{self.prog}: {message} (try: {self.prog} --help)\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; `argv` is the command line without its name."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A folder may have a name that the terminal's encoding can't express.
        sys.stdout.reconfigure(errors="backslashreplace")
    elif sys.stdout is None:  # closed before Python began: there is nobody to write to
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("convcore: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader, `head` say, has what it wanted.
        _forget_output()
        return 1
    except OSError as error:
        _forget_output()
        print(f"convcore: cannot write the output: {error.strerror}", file=sys.stderr)
        return 1
    return code


def _forget_output() -> None:
    """Discard the remaining standard output, so that it does not fail again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(arguments: list[str]) -> int:
    if arguments[:1] == ["bench"]:  # before argparse: the bench has options and help of its own
        return _bench(arguments[1:])
    try:
        if arguments[:1] == ["explain"] and _names_model(arguments[1:]):
            options = onnx.explain_parser(Parser).parse_args(arguments[1:])
        else:
            options = _parser().parse_args(arguments)
    except SystemExit as stop:  # argparse has said why: --help, --version or an error
        return int(stop.code or 0)
    return int(options.run(options))


def _names_model(words: list[str]) -> bool:
    """Whether an ONNX file is among the words, and no operator of this library."""
    plain = [word for word in words if word[:1] != "-"]
    return any(map(onnx.is_file, plain)) and not any(word[:-2] in OPERATORS for word in plain)


def _parser() -> Parser:
    """Return the parser of all commands; the bench has its own."""
    parser = Parser(prog="convcore", description="Convolution layers for NumPy arrays.")
    version = f"convcore {build_info()['version']}"
    parser.add_argument("--version", action="version", version=version)
    commands = parser.add_subparsers(metavar="command", required=True, parser_class=Parser)

    info = commands.add_parser("info", help="what this build is and what it runs on")
    info.add_argument("--json", action="store_true", help="print JSON")
    info.set_defaults(run=_info)

    numbers = commands.add_parser(
        "summary", help="a known network or an ONNX file in numbers, layer by layer"
    )
    numbers.add_argument(
        "network",
        metavar="NETWORK",
        type=_network,
        help=f"{', '.join(sorted(NETWORKS))} or an ONNX file",
    )
    onnx.add_input(numbers)
    numbers.add_argument(
        "--groups",
        action="store_true",
        help="AlexNet as trained on two processors, in two groups of channels",
    )
    numbers.add_argument("--modern", action="store_true", help="LeNet-5 with ReLU and max pooling")
    numbers.add_argument("--json", action="store_true", help="print JSON")
    numbers.set_defaults(run=_summary)

    why = commands.add_parser(
        "explain",
        help="each algorithm for a layer, with its cost or its reason for refusing; or each step "
        "of an ONNX file, with its time",
        description="VALUE is a number, a word, or one for each axis, as 1,2; of padding also 1:2, "
        "before and after. An ONNX file in place of OPERATOR has other options: see "
        "convcore explain model.onnx --help.",
        argument_default=argparse.SUPPRESS,
    )
    why.add_argument(
        "operator", metavar="OPERATOR", help="a function's name, conv2d, or an ONNX file"
    )
    why.add_argument("x_shape", metavar="X", type=_value, help="its shape: 1x64x56x56")
    why.add_argument("weight_shape", metavar="WEIGHT", type=_value, nargs="?")
    why.add_argument("--dtype")
    known = [option for kind in OPERATORS.values() for option in kind.options]
    for option in {option.name: option for option in [*known, ALGORITHM]}.values():
        flag = f"--{option.name.replace('_', '-')}"
        if isinstance(option.default, bool):
            why.add_argument(flag, action=argparse.BooleanOptionalAction)
        elif option.name != "connections":  # a table
            why.add_argument(flag, metavar="VALUE", type=_value)
    why.set_defaults(run=_explain)

    model = commands.add_parser("run", help="the outputs of an ONNX file, in numbers and as .npy")
    onnx.add_run(model)

    demo = commands.add_parser(
        "demo",
        help="a photograph through convolutions and poolings, and "
        "LeNet-5 trained on digits, as PNGs",
    )
    demo.add_argument("--only", choices=("photo", "digits"), help="one of the two parts")
    demo.add_argument(
        "--gigapixel",
        action="store_true",
        help="another demo: an image of 40,000 x 40,000 pixels is made, filtered and pooled in "
        "bounded memory; needs convcore[dask] and 4 GB in FOLDER",
    )
    demo.add_argument(
        "--size",
        metavar="N",
        default=40_000,
        type=_pixels,
        help="with --gigapixel, N x N pixels (default: %(default)s)",
    )
    demo.add_argument(
        "--output",
        metavar="FOLDER",
        default="convcore-demo",
        type=_folder,
        help="write the PNGs into FOLDER (default: %(default)s)",
    )
    demo.add_argument("--quiet", action="store_true", help="write the PNGs and print nothing")
    demo.set_defaults(run=_demo)

    commands.add_parser(
        "bench", help="convcore's speed beside that of what is installed", add_help=False
    )
    return parser


def _network(text: str) -> str:
    """Refuse what is neither a known network nor a model's file."""
    if text not in NETWORKS and not onnx.is_file(text):
        raise argparse.ArgumentTypeError(
            f"must be {', '.join(sorted(NETWORKS))} or an ONNX file, got {text!r}"
        )
    return text


def _folder(text: str) -> str:
    """Refuse an empty name, which would mean the current folder."""
    if not text:
        raise argparse.ArgumentTypeError("must not be empty")
    return text


def _pixels(text: str) -> int:
    """Read the size of a large image, and refuse one that is none or too large to number."""
    try:
        size = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be an integer, got {text!r}") from None
    if not 1 <= size <= 1_000_000:
        raise argparse.ArgumentTypeError(f"must be from 1 to 1,000,000, got {size}")
    return size


def _value(text: str) -> Any:
    """Return a number, a word or a pair, or one of these for each axis."""
    parts = [_number(part) for part in re.split(r"(?<=\d)x|,", text.removesuffix(","))]
    return tuple(parts) if len(parts) > 1 or text[-1:] == "," or ":" in text else parts[0]


def _number(text: str) -> Any:
    if ":" in text:
        return tuple(map(_number, text.split(":")))
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    return text


def _info(options: argparse.Namespace) -> int:
    """Print the facts about this build and this machine."""
    facts = build_info()
    if options.json:
        print(json.dumps(facts, indent=2))
        return 0
    for key, value in facts.items():
        label = f"{LABELS.get(key, key):<16}"
        print(textwrap.fill(_words(value), 98, initial_indent=label, subsequent_indent=" " * 16))
    return 0


def _words(value: object) -> str:
    """Return a fact as text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, (list, tuple)) else str(value)


def _summary(options: argparse.Namespace) -> int:
    """Print a network's table."""
    name = options.network
    for network, option in OPTIONS.items():
        if getattr(options, option) and network != name:
            return refused("summary", f"summary: --{option} is for {network}, got {name}")
    if name not in NETWORKS:
        return onnx.summary(vars(options))
    if options.input is not None:
        return refused("summary", f"summary: --input is for ONNX files, got {name}")
    from convcore import nn

    build = getattr(nn.models, name)
    model = build(getattr(options, OPTIONS[name]), rng=0)
    numbers = nn.summary(model, NETWORKS[name])
    print(numbers.to_json(indent=2) if options.json else numbers.text(layers=False))
    return 0


def _explain(options: argparse.Namespace) -> int:
    """Print the table of a layer's algorithms."""
    given = vars(options)
    del given["run"]
    try:
        print(explain(**given))
    except (TypeError, ValueError, MemoryError) as error:
        return refused("explain", str(error))
    return 0


def _demo(options: argparse.Namespace) -> int:
    """Run the demo, or report in one sentence which packages are missing."""
    folder = Path(options.output)
    parts: list[Callable[[], None]] = []

    def say(line: str) -> None:
        if not options.quiet:
            print(line, flush=True)

    if options.gigapixel:
        return _gigapixel(options, folder, say)
    try:
        if options.only != "digits":
            from convcore.cli import demo

            photo = demo.photograph()
            parts.append(lambda: demo.run(photo, folder, say))
        if options.only != "photo":
            from convcore.cli import demo_digits as lenet5
            from convcore.nn.data import digits

            images = digits()
            parts.append(lambda: lenet5.run(images, folder, say, not options.quiet))
    except (ImportError, OSError) as error:
        return _lacks(
            "scikit-image, Pillow and mlxtend are needed, which pip install "
            '"convcore[demo]" (in a checkout ".[demo]")',
            error,
        )
    return _draw(parts, say, f"\nThe pictures are in this folder:\n{folder}")


def _gigapixel(options: argparse.Namespace, folder: Path, say: Callable[[str], None]) -> int:
    """Run the demo of a large image, or report what is missing."""
    try:
        from convcore.cli import demo_gigapixel
    except ImportError as error:
        return _lacks(
            'dask, zarr and Pillow are needed, which pip install "convcore[dask,demo]"', error
        )
    run = partial(demo_gigapixel.run, options.size, folder, say, not options.quiet)
    return _draw([run], say, f"\nThe arrays and the picture are in this folder:\n{folder}")


def _lacks(needed: str, error: Exception) -> int:
    """Report which packages a demo needs, and why they cannot be had."""
    return failed("demo", f"{needed} installs ({textwrap.shorten(str(error), 200)})")


def _draw(parts: Sequence[Callable[[], object]], say: Callable[[str], None], end: str) -> int:
    """Run the parts of a demo; report a file that cannot be written."""
    try:
        for part in parts:
            part()
        say(end)
    except OSError as error:
        if error.filename is None:  # it was the terminal, not a picture
            raise
        return failed("demo", f"cannot write {error.filename}: {error.strerror}")
    return 0


def _bench(arguments: list[str]) -> int:
    """Pass the remaining arguments to the benchmarks."""
    benchmarks = import_module("convcore.benchmarks")
    return int(benchmarks.main(arguments) or 0)
