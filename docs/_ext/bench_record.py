"""The recorded runs of ``convcore bench`` that the site shows, in one small file.

``docs/performance/record.json`` keeps of a run what its tables need: medians and errors of every
library, and convcore's own quartiles and rates. Ratios, shares and means are computed from these
by the benchmark's own code. A new run replaces the run of the same name:

.. code-block:: none

   convcore bench --threads 1 --json bench.json
   python docs/_ext/bench_record.py intel bench.json

Of a run on another machine the file keeps the means as they are printed, in a fiftieth of the room:

.. code-block:: none

   python docs/_ext/bench_record.py zen5 bench.json means
"""

import json
import sys
from pathlib import Path

from convcore.benchmarks import report, runner

RECORD = Path(__file__).parents[1] / "performance" / "record.json"

FACTS = ("name", "kind", "group", "image", "shape", "rate_unit", "roof")
MACHINE = ("date", "cpu", "cpus", "system", "python", "numpy")
NAMED = "algorithm"  # kept as well where a layer has one; older runs have none
ALL = ("median_ms", "relative_l2_error")  # kept of every library
OWN = ("q1_ms", "q3_ms", "rate", "max_error_over_rms")  # kept of convcore as well
COPY = ("rate",)


def ours(libraries):
    """Return the names that are no peers: convcore in its forms, a copy, reading."""
    return [name for name in libraries if name.startswith("convcore") or name in ("copy", "read")]


def fields(library):
    """Return the names of the numbers that are kept of a library."""
    return ALL + {"convcore": OWN, "copy": COPY}.get(library, ())


def short(number):
    """Return a number with five digits; other values as they are."""
    return float(f"{number:.5g}") if isinstance(number, float) else number


def facts(layer):
    """Return what is kept of a layer."""
    named = {NAMED: layer[NAMED]} if layer.get(NAMED) else {}
    return {name: layer[name] for name in FACTS} | named


def shortened(run):
    """Return of a run of ``convcore bench`` what the site shows."""
    disturbed = {(row["layer"], row["threads"]): row["disturbed"] for row in run["rows"]}
    layers = []
    for layer in run["layers"]:
        kept = facts(layer)
        for result in layer["results"]:
            place = kept.setdefault(str(result["threads"]), {})
            place[result["library"]] = [short(result[name]) for name in fields(result["library"])]
        for (name, threads), share in disturbed.items():
            if name == layer["name"] and share:
                kept.setdefault("disturbed", {})[str(threads)] = short(share)
        layers.append(kept)
    machine = {name: run["machine"][name] for name in MACHINE}
    build = run["machine"]["convcore"]
    machine["convcore"] = {name: build[name] for name in ("version", "isa")}
    kept = {
        "machine": machine,
        "libraries": {
            name: {"package": library["package"], "version": library["version"]}
            for name, library in run["libraries"].items()
        },
        "fma_peak_gflops": run["fma_peak_gflops"],
        "layers": layers,
    }
    for row, again in zip(run["rows"], expanded(kept)["rows"], strict=True):
        if row["best_peer"] != again["best_peer"]:
            raise ValueError(f"{row['layer']}: the fastest peer is {again['best_peer']}")
    return kept


def expanded(kept):
    """Return a run as ``convcore.benchmarks.report`` reads it."""
    own = ours(kept["libraries"])
    layers = []
    for layer in kept["layers"]:
        results = [
            {
                "library": library,
                "threads": int(threads),
                **dict(zip(fields(library), numbers, strict=True)),
            }
            for threads, place in layer.items()
            if threads.isdecimal()
            for library, numbers in place.items()
        ]
        layers.append(facts(layer) | {"results": results})
    rows = []
    for kept_layer, layer in zip(kept["layers"], layers, strict=True):
        for threads in sorted({result["threads"] for result in layer["results"]}):
            row = runner.ratios(layer, own, threads, kept["fma_peak_gflops"].get(str(threads)))
            row["disturbed"] = kept_layer.get("disturbed", {}).get(str(threads), 0)
            rows.append(row)
    return {**kept, "layers": layers, "rows": rows, "means": runner.geometric_means(rows)}


def load():
    """Return the file: runs by their names, and tables that were printed by older runs."""
    return json.loads(RECORD.read_text(encoding="utf-8"))


def run(name):
    """Return a recorded run as the benchmark's report reads it."""
    return expanded(load()["runs"][name])


def means(run):
    """Return the means of a run, and what was measured, as they are printed."""
    header, rows = report.means_table(run)
    return {"machine": [*report.heading(run)], "means": {"header": header, "rows": [*rows]}}


def lines(value, depth=0):
    """Return JSON with one line for each layer and for each row of a table."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if not any(isinstance(part, (dict, list)) for part in parts):
        return json.dumps(value, ensure_ascii=False)
    inner, outer = "\n" + " " * (depth + 1), "\n" + " " * depth
    if isinstance(value, list):
        items = [json.dumps(item, ensure_ascii=False) for item in value]
        return "[" + inner + ("," + inner).join(items) + outer + "]"
    items = [f"{json.dumps(key)}: {lines(item, depth + 1)}" for key, item in value.items()]
    return "{" + inner + ("," + inner).join(items) + outer + "}"


def save(record):
    """Write the file."""
    RECORD.write_text(lines(record) + "\n", encoding="utf-8")


if __name__ == "__main__":
    _, chosen, source, *words = sys.argv
    record, made = load(), json.loads(Path(source).read_text(encoding="utf-8"))
    if words == ["means"]:
        record["tables"][chosen] = means(made)
    elif words:
        raise SystemExit(f"the third word must be means, got {words}")
    else:
        record["runs"][chosen] = shortened(made)
    save(record)
