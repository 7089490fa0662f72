"""MathJax from an installed package, made small: one file in the site, none is downloaded.

The package ``sphinx-mathjax-offline`` carries all of MathJax 3. Used as an extension it would copy
24 MB into every build. Its ready-made ``tex-svg.js`` is 2.1 MB, of which the menu and alphabets
that no formula uses are the larger part. So the site has MathJax's own parts, those glyphs of its
SVG font that formulas here can ask for, and all that packed. It loads nothing further: SVG needs
no font files, which Firefox refuses to a page that is opened as a file.
"""

import re
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from docutils import nodes
from packing import packed
from sphinx.errors import ExtensionError

DISTRIBUTION = "sphinx-mathjax-offline"
TARGET = "mathjax.js"
START, FONT = "startup.js", "output/svg/fonts/tex.js"
PARTS = [
    "core.js",
    "input/tex-base.js",
    "input/tex/extensions/ams.js",
    "output/svg.js",
    FONT,
    "a11y/assistive-mml.js",
]

# The parts are in the file: MathJax must not begin before the last of them has been read.
BEFORE = "MathJax.loader = {ready() {}};"
AFTER = "MathJax.config.startup.ready();"
LOADER = """// MathJax, packed. Whoever waits for formulas waits for the unpacking first.
"use strict";
MathJax.startup = {
  promise: %s.then((code) => {
    delete MathJax.startup;
    document.head.append(Object.assign(document.createElement("script"), {textContent: code}));
    return MathJax.startup.promise;
  }),
};
"""

# Whole alphabets of the font that nothing here uses, and what stays of the plain glyphs, by code
# point. Where a glyph is missing nothing is drawn: the tests of all pages look for such places.
UNUSED = re.compile(
    "bold|italic|fraktur|script|sansSerif|monospace|texOldstyle|texCalligraphic|texMathit"
)
USED = [
    range(0x03E0),  # Latin, accents, Greek
    range(0x2000, 0x2100),  # spaces, dots, primes
    range(0x2100, 0x2150),  # letter-like symbols
    range(0x2190, 0x219A),  # arrows
    range(0x21A6, 0x21A7),
    range(0x21D0, 0x21D5),
    range(0x2200, 0x2238),  # logic, sets, sums, roots
    range(0x223C, 0x2250),  # equal, nearly equal
    range(0x2260, 0x2270),  # comparisons
    range(0x2282, 0x228C),
    range(0x2295, 0x229A),  # operators in circles
    range(0x22A2, 0x22A6),
    range(0x22C0, 0x22C8),
    range(0x22EE, 0x22F2),  # dots
    range(0x2308, 0x230C),  # floor and ceiling
    range(0x2320, 0x23E2),  # parts of braces
    range(0x25A0, 0x25A2),
    range(0x27E6, 0x27EC),
    range(0x2A00, 0x2A10),  # large operators
    range(0xE000, 0xF000),  # parts of what grows
    range(0x1D400, 0x1D468),  # letters: bold, italic
    range(0x1D538, 0x1D56C),  # double-struck
    range(0x1D5A0, 0x1D5D4),  # \\mathsf
    range(0x1D6E2, 0x1D71C),  # italic Greek
    range(0x1D7CE, 0x1D7D8),  # bold digits
]
GLYPH = re.compile(r'(\d+):"[^"]*",?')
ALPHABET = re.compile(r'AddPaths\)\(\w+\.(\w+),\{((?:\d+:"[^"]*",?)*)\}')


def installed_mathjax():
    """Return the folder of MathJax in the installed package."""
    try:
        names = files(DISTRIBUTION) or []
    except PackageNotFoundError:
        names = []
    for name in names:
        if name.name == START:
            return Path(name.locate()).parent
    raise ExtensionError(f"no {START} found: the docs need the package {DISTRIBUTION}")


def trimmed(font):
    """Return the text of the font's file without the glyphs that no formula uses."""

    def kept(glyph):
        return glyph[0] if any(int(glyph[1]) in points for points in USED) else ""

    def alphabet(found):
        name, glyphs = found[1], found[2]
        start = found[0].removesuffix(glyphs + "}")
        left = "" if UNUSED.match(name) else GLYPH.sub(kept, glyphs) if name == "normal" else glyphs
        return f"{start}{left}}}"

    return ALPHABET.sub(alphabet, font)


def bundle():
    """Return the file of the site."""
    folder = installed_mathjax()
    parts = {name: (folder / name).read_text(encoding="utf-8") for name in [START, *PARTS]}
    parts[FONT] = trimmed(parts[FONT])
    code = "\n".join([BEFORE, *parts.values(), AFTER])
    return LOADER % packed(code)


LETTER = re.compile(r"([A-Za-z])(?:_([A-Za-z0-9]))?")


def spell(app, doctree):
    """Where a page's formulas are letters alone, such as n_K, write them without MathJax."""
    formulas = list(doctree.findall(lambda node: isinstance(node, nodes.math | nodes.math_block)))
    found = [LETTER.fullmatch(formula.astext()) for formula in formulas]
    if not all(found) or any(isinstance(formula, nodes.math_block) for formula in formulas):
        return
    for formula, letter in zip(formulas, found, strict=True):
        parts = [nodes.emphasis("", letter[1])]
        if letter[2]:
            parts.append(nodes.subscript("", letter[2]))
        formula.replace_self(parts)


def configure(app, config):
    """Point ``sphinx.ext.mathjax`` at the local file; its default is a content network."""
    config.mathjax_path = TARGET
    config.mathjax3_config = {"tex": {"packages": ["base", "ams"]}}


def write(app):
    """Put the file among the static files before any page is written (its checksum is used)."""
    if app.builder.format == "html":
        target = Path(app.outdir, "_static", TARGET)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(bundle(), encoding="utf-8")


def setup(app):
    """Register with Sphinx."""
    app.connect("config-inited", configure)
    app.connect("builder-inited", write)
    app.connect("doctree-read", spell)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
