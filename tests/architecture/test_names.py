"""Old names are gone: what the package calls things is what the field calls them.

The tables say old and new. `REMAIN` is what is left; it may only become shorter.
"""

import ast
from collections import defaultdict
from pathlib import Path

from tests.support import c_source

SOURCE = Path(__file__).resolve().parents[2] / "src" / "convcore"

# C identifiers. A name with a dot in front is looked for as a part: `.strip` is in `cc_strip_fill`.
C_NAMES = {
    ".strip": "input tile",
    ".strips": "input tiles",
    ".drain": "scatter_add",
    "cc_strip_fill": "pack",
    "cc_taps_list": "tap offsets",
    "lead": "front_pad",
    "slack": "readable_past_end",
    "CC_PIXELS": "direct_igemm",
    "CC_LANES": "depthwise",
    "CC_MAPS": "direct_ow",
    "CC_ROWS": "direct_ow",
    ".dots": "gemm_dot",
    ".spread": "axpy",
    ".turn": "gather_transpose",
    ".firsts": "argmax",
    ".slope": "lp_grad",
    "numbers": "convert_to_f64",
    ".fold": "reduce",
    ".folds": "reduce",
    ".folding": "reduce_args",
    ".lift": "map",
    ".finish": "finalize",
    ".ladder": "doubling",
    ".climb": "doubling",
    ".climbed": "doubling",
    ".course": "loop_bounds",
    "many": "unrolled",
    "inside": "body",
    "spare": "tail",
    "CHAIN": "PAIRWISE_BLOCK",
    "held": "keep_in_register",
    "load_few": "load_partial",
    "store_few": "store_partial",
    "choose": "select",
    "seen": "has_nan",
    "looked_at": "has_nan",
    ".share": "partition",
    ".shares": "partition",
    ".unit": "work item",
    ".chunk": "split-K slice",
    ".claim": "arena_reserve",
    "cc_scratch_take": "acquire",
    "cc_scratch_give": "release",
    ".sound": "valid",
    "rest": "remainder",
    "place": "offset",
    "places": "offsets",
    "init": "bias",
}
# Words that stay, although house.md has others for them: a `cell` is one place of the input, which
# has an element for each channel, so that pooling with channels last needs both; `sums` are the
# results of a reduction by addition, which in doubling and norms are no accumulators.
C_FILES = {
    "strip": "input_tile",
    "taps": "tap_offsets",
    "connected": "connectivity",
    "scratch": "arena",
    "whole": "integers",
    "dots": "gemm_dot",
    "spread": "axpy",
    "first": "argmax",
    "pixels": "direct_igemm",
    "rows": "direct_ow",
    "fold": "reduce",
    "pool_ladder": "doubling",
}
# Python functions and classes of a module, methods not among them; and modules.
FUNCTIONS = {
    "flag": "as_bool",
    "whole": "as_int",
    "number": "as_float",
    "choice": "check_choice",
    "listed": "to_list",
    "shown": "short_repr",
    "ready": "as_contiguous",
    "target": "prepare_out",
    "delivered": "finalize_out",
}
MODULES = {"_linear": "plan", "_unshared": "local", "_args": "options", "sharing": "local"}
# One meaning each; the reference stands for itself and has names of its own.
ONCE = ("read", "Problem", "Window", "Windows", "Sizes")

REMAIN = set()


def c_words():
    """{name or .part: the first file that has it}"""
    found = {}
    for path in sorted((SOURCE / "csrc").rglob("*")):
        if path.suffix in (".c", ".h", ".def"):
            for word in c_source.read(path).words:
                for name in (word, *(f".{part}" for part in word.lower().split("_"))):
                    found.setdefault(name, f"{path.relative_to(SOURCE)}: {word}")
    return found


def python_definitions():
    """{name of a function or class: the modules that define it}"""
    found = defaultdict(list)
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found[node.name].append(path.relative_to(SOURCE).as_posix())
    return found


def old_names():
    """{what is found: where}, of all tables."""
    words, definitions = c_words(), python_definitions()
    assert len(words) > 1000
    assert len(definitions) > 300
    found = {f"C {name}": words[name] for name in C_NAMES if name in words}
    for path in sorted(SOURCE.rglob("*")):
        if path.suffix in (".c", ".h", ".def") and path.stem in C_FILES:
            found[f"file {path.stem}"] = path.relative_to(SOURCE).as_posix()
        if path.suffix == ".py" and path.stem in MODULES:
            found[f"module {path.stem}"] = path.relative_to(SOURCE).as_posix()
    found |= {f"def {name}": definitions[name] for name in FUNCTIONS if name in definitions}
    for name in ONCE:
        where = [module for module in definitions[name] if not module.startswith("reference/")]
        if len(where) > 1:
            found[f"once {name}"] = where
    return found


def test_old_names_are_gone():
    found = old_names()
    new = {name: found[name] for name in found.keys() - REMAIN}
    assert not new, "\n".join(f"{name}: {where}" for name, where in sorted(new.items()))
    gone = REMAIN - found.keys()
    assert not gone, f"take these out of REMAIN: {sorted(gone)}"
