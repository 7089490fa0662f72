"""The pages that compute beside the explorer: the walk through LeNet-5 and the stack of layers.

The walk's numbers are the library's C files and ``docs/walk/walk.c``, compiled as the explorer's
are; its weights are ``docs/walk/lenet5.npz``, which ``tools/walk_weights.py`` writes. The words of
a page are one script for each language; a language without one has the English words.
"""

import base64
from pathlib import Path

import numpy as np
from explorer_wasm import DOCS
from page_parts import module_of, words_of

FOLDER = DOCS / "walk"
LAYERS = "C1", "S2", "C3", "S4", "C5", "F6", "output"
COMPILED = "walk-wasm.js"
# In the order in which they need each other; the words of the page's language come first.
SCRIPTS = {
    "walk": ["walk-core.js", "walk-pad.js", "walk-view.js", COMPILED, "walk.js"],
    "stack": ["stack-core.js", "stack-link.js", "stack-view.js", "stack.js"],
}


def packed(arrays):
    """Return the weights as bytes, in the order in which ``walk_load()`` of walk.c reads them."""
    parts = []
    for name in LAYERS:
        for part in "weight", "scale", "bias":
            if f"{name}.{part}" in arrays:
                values = arrays[f"{name}.{part}"]
                parts.append(values.astype("<f4" if values.dtype != np.int8 else "i1").tobytes())
    return b"".join(parts)


def compile_walk(app):
    """Write module and weights as a script: pages opened as files can't fetch anything else."""
    if app.builder.format != "html":
        return
    code = module_of(app, "walk", FOLDER / "walk.c")
    with np.load(FOLDER / "lenet5.npz") as arrays:
        texts = {"wasm": code, "weights": packed(arrays)}
    target = Path(app.outdir, "_static", COMPILED)
    target.parent.mkdir(parents=True, exist_ok=True)
    lines = [f'walk.{name} = "{base64.b64encode(data).decode()}";' for name, data in texts.items()]
    target.write_text("\n".join(["window.walk = window.walk || {};", *lines, ""]), "utf-8")


def add_files(app, pagename, templatename, context, doctree):
    """Load a page's scripts and style sheets on that page alone."""
    if pagename not in SCRIPTS:
        return
    app.add_css_file("walk.css")
    for script in [words_of(pagename, app.config.language), *SCRIPTS[pagename]]:
        app.add_js_file(script, loading_method="defer")


def setup(app):
    """Register with Sphinx."""
    app.connect("builder-inited", compile_walk)
    app.connect("html-page-context", add_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
