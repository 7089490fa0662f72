"""MathJax from an installed package, made small: one file in the site, none is downloaded.

The package ``sphinx-mathjax-offline`` carries all of MathJax 3. Used as an extension it would copy
24 MB into every build. Its ready-made ``tex-svg.js`` is 2.1 MB, of which the menu and alphabets
that no formula uses are the larger part. So the site has MathJax's own parts, those glyphs of its
SVG font that formulas here can ask for, and all that compressed. It loads nothing further: SVG
needs no font files, which Firefox refuses to a page that is opened as a file.
"""

import base64
import gzip
import re
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

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
LOADER = """// MathJax, compressed: unpacked here, so that any server and any folder sends a third.
"use strict";
{
  const packed = Uint8Array.from(atob("%s"), (letter) => letter.charCodeAt(0));
  const text = new Response(
    new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))
  ).text();
  // Whoever waits for formulas waits for this first.
  MathJax.startup = {
    promise: text.then((code) => {
      delete MathJax.startup;
      document.head.append(Object.assign(document.createElement("script"), {textContent: code}));
      return MathJax.startup.promise;
    }),
  };
}
"""

# Whole alphabets of the font. What formulas here use is among the plain glyphs, the operators and
# the sizes; of letters there are upright, italic, bold, double-struck, \\mathsf and Greek ones.
UNUSED = re.compile("bold|fraktur|script|sansSerif|monospace|texOldstyle|texCalligraphic|texMathit")
# Letters of other alphabets among the plain glyphs, by code point.
UNUSED_LETTERS = [
    range(0x1D468, 0x1D538),  # bold italic, script, Fraktur
    range(0x1D56C, 0x1D5A0),  # bold Fraktur
    range(0x1D5D4, 0x1D6A4),  # bold and italic sans serif, monospace
    range(0x1D6A8, 0x1D6E2),  # bold Greek
    range(0x1D71C, 0x1D7CE),  # bold italic and sans serif Greek
    range(0x1D7D8, 0x1D800),  # digits of the same
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
        used = not any(int(glyph[1]) in letters for letters in UNUSED_LETTERS)
        return glyph[0] if used else ""

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
    code = "\n".join([BEFORE, *parts.values(), AFTER]).encode()
    return LOADER % base64.b64encode(gzip.compress(code, 9, mtime=0)).decode()


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
    return {"parallel_read_safe": True, "parallel_write_safe": True}
