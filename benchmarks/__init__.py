"""`convcore bench`: this library beside those installed, on the layers of `layers.txt`."""

import argparse
import json
import sys
from fnmatch import fnmatchcase
from pathlib import Path

from .filters import PEERS
from .layers import read_layers, select
from .machine import facts, usable_cpus
from .memory_speed import MEMORY, Memory
from .peak import FmaPeak
from .peers import OURS
from .report import render
from .runner import compare, geometric_means, run_layer

__all__ = ["main"]


class Parser(argparse.ArgumentParser):
    """A parser that answers wrong arguments with one sentence and exit code 2."""

    def error(self, message):
        self.exit(2, f"{self.prog}: {message} (try: {self.prog} --help)\n")


def _threads(text):
    """`1,2` -> [1, 2], each between 1 and the processors that this process may use."""
    try:
        counts = [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of numbers like 1,2") from None
    for count in counts:
        if not 1 <= count <= usable_cpus():
            raise argparse.ArgumentTypeError(
                f"{count} threads asked for, this process may use 1 to {usable_cpus()}"
            )
    return list(dict.fromkeys(counts))


def _above_zero(kind):
    """Return a reader of `kind`, int or float, that refuses what is not above zero."""

    def read(text):
        try:
            value = kind(text)
        except ValueError:
            value = 0
        if not value > 0:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number above zero")
        return value

    return read


def _parser():
    parser = Parser(
        prog="convcore bench",
        description="Time convolution, its gradients, pooling and whole networks beside the other "
        "libraries that are installed.",
    )
    parser.add_argument(
        "--layers",
        nargs="+",
        metavar="PATTERN",
        help="names, groups, conv, pool, variant, gradients or network; * and ? too",
    )
    parser.add_argument(
        "--peers", nargs="+", metavar="PATTERN", help='libraries to measure; "none" for no peer'
    )
    parser.add_argument(
        "--threads", type=_threads, default=[1], metavar="N,N", help="default 1; 1,2 does both"
    )
    parser.add_argument("--rounds", type=_above_zero(int), default=7, help="default 7")
    parser.add_argument(
        "--seconds",
        type=_above_zero(float),
        default=10.0,
        help="budget of a layer's rounds, default 10",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write it all into FILE")
    parser.add_argument("--markdown", action="store_true", help="print Markdown tables")
    parser.add_argument("--list", action="store_true", help="show layers and peers, and stop")
    return parser


def _choose_peers(patterns):
    """Return the peer classes that match; convcore and the memory always take part."""
    optional = (*OURS[1:], *PEERS)
    if patterns is None:
        return [peer for peer in optional if peer.usual]
    patterns = [pattern for pattern in patterns if pattern != "none"]
    for pattern in patterns:
        if not any(fnmatchcase(peer.name, pattern) for peer in optional):
            names = ", ".join(peer.name for peer in optional)
            raise ValueError(f"no peer matches {pattern!r}; there are: {names}")
    return [
        peer for peer in optional if any(fnmatchcase(peer.name, pattern) for pattern in patterns)
    ]


def _load(classes):
    """Return the libraries that are installed, and for each asked for its version or why not."""
    loaded, libraries = [], {}
    for peer in classes:
        entry = {"about": peer.about, "package": peer.package, "version": None, "reason": None}
        try:
            library = peer()
            entry["version"] = library.version
            loaded.append(library)
        except Exception as failure:  # a broken installation may raise anything
            if peer is OURS[0]:
                raise
            entry["reason"] = f"cannot be imported ({failure})".replace("\n", " ")
        libraries[peer.name] = entry
    return loaded, libraries


def _list(layers, classes):
    texts = [(layer.name, layer.group, layer.shape_text) for layer in layers]
    widths = [2 + max(map(len, column)) for column in zip(*texts, strict=True)]
    for layer, cells in zip(layers, texts, strict=True):
        print(
            *(f"{cell:{width}}" for cell, width in zip(cells, widths, strict=True)),
            f"{layer.flops / 1e6:10.5g} MFLOP{layer.bytes_moved / 1e6:10.4g} MB",
            sep="",
        )
    print()
    for peer in classes:
        print(f"{peer.name:22}{peer.about}")


def _listed(layers, classes):
    """Return what `_list` prints, for JSON."""
    return {
        "format": 1,
        "layers": [
            {
                "name": layer.name,
                "group": layer.group,
                "shape": layer.shape_text,
                "flops": layer.flops,
                "bytes_moved": layer.bytes_moved,
            }
            for layer in layers
        ],
        "peers": [{"name": peer.name, "about": peer.about} for peer in classes],
    }


def _fma_probe():
    """Return the extension's probe, or None where a build has none."""
    from convcore import _core

    return getattr(_core, "fma_probe", None)


def _run(options, layers, classes):
    """Measure everything asked for; return the record that the tables and the JSON show."""
    import convcore

    machine = facts(convcore.build_info())
    loaded, libraries = _load(classes)
    ours = [library for library in loaded if isinstance(library, (*OURS, Memory))]
    peers = [library for library in loaded if not isinstance(library, (*OURS, Memory))]
    peak = FmaPeak(_fma_probe(), options.threads)
    records = []
    for number, layer in enumerate(layers, 1):
        print(f"[{number}/{len(layers)}] {layer.name}", file=sys.stderr, flush=True)
        records.append(
            run_layer(layer, ours, peers, options.threads, options.rounds, options.seconds, peak)
        )
    own_names = [library.name for library in ours]
    rows = [
        compare(record, own_names, threads, peak.best.get(threads))
        for record in records
        for threads in options.threads
    ]
    return {
        "format": 2,
        "machine": machine,
        "settings": {
            "threads": options.threads,
            "rounds": options.rounds,
            "seconds": options.seconds,
        },
        "libraries": libraries,
        "fma_peak_gflops": peak.best,
        "layers": records,
        "rows": rows,
        "means": geometric_means(rows),
    }


def main(argv=None):
    """Run the benchmark with command-line arguments `argv`; return the exit code.

    Wrong arguments end with a sentence and exit code 2, as argparse does it.
    """
    parser = _parser()
    options = parser.parse_args(argv)
    try:
        layers = select(read_layers(), options.layers)
        classes = (OURS[0], *_choose_peers(options.peers), *MEMORY)
    except ValueError as error:
        parser.error(str(error))
    if options.json and not options.json.absolute().parent.is_dir():
        parser.error(f"--json {options.json}: its folder does not exist")
    if options.json and options.json.is_dir():
        parser.error(f"--json {options.json}: it is a folder")
    if options.list:
        classes = classes if options.peers else (*OURS, *PEERS, *MEMORY)
        _list(layers, classes)
        found = _listed(layers, classes)
    else:
        found = _run(options, layers, classes)
        print(render(found, options.markdown), flush=True)
    if options.json:
        try:
            options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            print(f"{parser.prog}: --json {options.json}: {error.strerror}", file=sys.stderr)
            return 1
    return 0
