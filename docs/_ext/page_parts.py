"""What the pages that compute have in common: the words of a language, and a compiled module."""

from pathlib import Path

import explorer_wasm
from sphinx.errors import ExtensionError

STATIC = explorer_wasm.DOCS / "_static"


def words_of(page, language):
    """Return the name of the script with a page's words; English where a language has none."""
    name = f"{page}-words.{language}.js"
    return name if (STATIC / name).exists() else f"{page}-words.en.js"


def module_of(app, page, wrapper=None):
    """Return a page's module. Compiled files of the library are kept for all pages."""
    try:
        return explorer_wasm.build(
            Path(app.doctreedir, page), wrapper, Path(app.doctreedir, "objects")
        )
    except explorer_wasm.CompileError as error:
        raise ExtensionError(str(error)) from error
