"""Print a finished run as aligned plain text or as Markdown; everything comes from its record."""

from itertools import groupby

from .layers import WORDS


def _number(value, digits=3):
    """Three significant digits without an exponent; a dash for what was not measured."""
    if value is None:
        return "-"
    if value >= 100:
        return f"{value:.0f}"
    if value >= 10:
        return f"{value:.{digits - 2}f}"
    if value >= 1:
        return f"{value:.{digits - 1}f}"
    return f"{value:.{digits}f}" if value >= 0.1 else f"{value:.{digits + 1}f}"


def _percent(value):
    return "-" if value is None else f"{100 * value:.0f}%"


def _ratio(value):
    return "-" if value is None else f"{value:.2f}" if value < 100 else f"{value:.0f}"


def _disturbed(row):
    """Tell whether the cores were taken away in more than a quarter of a row's measurements."""
    return row["disturbed"] > 0.25


def _error(value):
    return "-" if value is None else f"{value:.1e}"


def _aligned(header, rows, left):
    """Make columns as wide as their widest cell, the first `left` flush left, the rest right."""
    cells = [header, *rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    lines = []
    for row in cells:
        parts = [
            cell.ljust(width) if i < left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(parts).rstrip())
    lines.insert(1, "-" * max(map(len, lines)))
    return lines


def _markdown(header, rows, left):
    """Format the same cells as a Markdown table."""
    rule = [":--" if i < left else "--:" for i in range(len(header))]
    return ["| " + " | ".join(row) + " |" for row in (header, rule, *rows)]


def _results(run):
    """Yield (layer record, comparison row, {library: result}) for every layer and thread count."""
    layers = {layer["name"]: layer for layer in run["layers"]}
    for row in run["rows"]:
        layer = layers[row["layer"]]
        results = {
            result["library"]: result
            for result in layer["results"]
            if result["threads"] == row["threads"]
        }
        yield layer, row, results


def comparison_table(run, kind):
    """Set convcore beside PyTorch and the best peer: the answer in one line a layer of `kind`.

    Kinds differ in what limits them, so in the unit of their rate and in what it is a share of.
    """
    chosen = [result for result in _results(run) if result[0]["kind"] == kind]
    rate, roof = chosen[0][0]["rate_unit"], chosen[0][0]["roof"]
    read = ["read"] * any(row["read_share"] for _, row, _ in chosen)
    every = ["all"] * any(row["all_ratio"] for _, row, _ in chosen)
    header = ["layer", "shape", "t", "ms", "+-", "x1t", rate, roof, *read, *every, "torch", "best"]
    header += ["best peer", "rel L2", "max/rms", "its L2"]
    named = ["algorithm"] * any(layer.get("algorithm") for layer, *_ in chosen)
    header += named
    rows = []
    for layer, row, results in chosen:
        own, best = results["convcore"], results.get(row["best_peer"])
        rows.append(
            [
                layer["name"],
                layer["shape"],
                str(row["threads"]),
                _number(own["median_ms"]),
                _percent((own["q3_ms"] - own["q1_ms"]) / own["median_ms"]) + "!" * _disturbed(row),
                _ratio(row["speedup"]),
                _number(own["rate"]),
                _percent(row["roof_share"]),
                *(_percent(row["read_share"]) for _ in read),
                *(_ratio(row["all_ratio"]) for _ in every),
                _ratio(row["torch_ratio"]),
                _ratio(row["best_ratio"]),
                row["best_peer"] or "-",
                _error(own["relative_l2_error"]),
                _error(own["max_error_over_rms"]),
                _error(best and best["relative_l2_error"]),
                *(layer.get("algorithm") or "-" for _ in named),
            ]
        )
    return header, rows


def _times_table(run):
    """List median milliseconds of every library that measured at least one of the layers."""
    measured = {result["library"] for layer in run["layers"] for result in layer["results"]}
    names = [name for name in run["libraries"] if name in measured]
    rows = []
    for layer, row, results in _results(run):
        times = [_number(results[name]["median_ms"]) if name in results else "-" for name in names]
        rows.append([layer["name"], str(row["threads"]), *times])
    return ["layer", "t", *names], rows


def means_table(run):
    rows = [
        [
            mean["group"],
            str(mean["threads"]),
            str(mean["layers"]),
            _ratio(mean["torch_ratio"]),
            _ratio(mean["best_ratio"]),
        ]
        for mean in run["means"]
    ]
    return ["group", "t", "layers", "torch", "best"], rows


def _notes(run):
    """Yield what the tables do not show: libraries and layers left out, doubtful numbers."""
    disturbed = sum(map(_disturbed, run["rows"]))
    if disturbed:
        yield (
            f"WARNING the cores were not free for {disturbed} of {len(run['rows'])} rows, "
            "marked !: these and the means say little; repeat the run on an idle machine"
        )
    for name, library in run["libraries"].items():
        if library["version"] is None:
            yield f"{name} not measured: {library['reason']}"
    refusals = [
        (name, reason, layer["name"])
        for layer in run["layers"]
        for name, reason in layer["refused"].items()
    ]
    for (name, reason), group in groupby(sorted(refusals), key=lambda refusal: refusal[:2]):
        layers = [layer for *_, layer in group]
        where = ", ".join(layers) if len(layers) <= 3 else f"{len(layers)} layers"
        yield f"{name} {reason}: left out of {where}"
    for layer in run["layers"]:
        check = layer["reference_check"]
        if check["max_over_rms"] is not None and check["max_over_rms"] > 1e-12:
            yield (
                f"WARNING {layer['name']}: the float64 reference differs from "
                f"{check['against']} by {check['max_over_rms']:.1e} of its rms"
            )


def heading(run):
    """Yield the machine and the versions, one fact a line."""
    machine, build = run["machine"], run["machine"]["convcore"]
    yield f"{machine['cpu']}, {machine['cpus']} CPUs, {machine['system']}, {machine['date']}"
    peaks = [f"{rate:.0f} GFLOP/s on {t}" for t, rate in run["fma_peak_gflops"].items()]
    peaks = f"float32 FMA peak {', '.join(peaks)} threads" if peaks else "FMA peak not measured"
    yield f"convcore {build['version']}, {build['isa']}; {peaks}"
    versions = {"python": machine["python"], "numpy": machine["numpy"]}
    for name, library in run["libraries"].items():
        if library["version"] and not name.startswith("convcore"):
            versions.setdefault(library["package"].partition(".")[0], library["version"])
    yield ", ".join(f"{name} {version.split('-')[0]}" for name, version in versions.items())


LEGEND = """\
t threads; ms median time of a convcore call (NCHW) and +- its interquartile range (!: the cores
were not free); x1t speed-up over one thread; GFLOP/s of the direct sum; peak its share of the FMA
peak of t threads; GB/s of input and result, each moved once; copy its share of a plain copy's, so
time of that copy / time of convcore; read: time of reading a local layer's weights / time of
convcore; all: time of all three gradients in one call / time of the one; torch and best: time of
PyTorch eager NCHW and of the fastest peer / time of convcore (above 1: convcore is faster); errors
against float64 (relative L2, largest over rms), and the best peer's relative L2; algorithm: the
one that convcore chose."""

TITLES = {kind: f"{word.capitalize()}: convcore and its peers" for kind, word in WORDS.items()}


def render(run, markdown=False):
    """Return the whole report as text."""
    table = _markdown if markdown else _aligned
    # Markdown runs on from line to line; a list keeps the facts apart.
    bullet = "- " if markdown else ""
    lines = [bullet + line for line in heading(run)]
    kinds = {layer["kind"] for layer in run["layers"]}
    sections = (
        *((TITLES[kind], comparison_table(run, kind), 2) for kind in TITLES if kind in kinds),
        ("Milliseconds, median", _times_table(run), 1),
        ("Geometric means of the ratios", means_table(run), 1),
    )
    for title, (header, rows), left in sections:
        lines += ["", f"### {title}" if markdown else title, ""]
        lines += table(header, rows, left)
    lines += ["", LEGEND]
    notes = list(_notes(run))
    if notes:
        lines += ["", *(bullet + note for note in notes)]
    return "\n".join(lines)
