"""The explorer's page: its form, its scripts, and the library compiled for it."""

import base64
from pathlib import Path

from docutils import nodes
from explorer_wasm import DOCS, compiled
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

PAGE = "explorer"
SCRIPTS = ("explorer-wasm.js", "explorer-engine.js", "explorer-link.js", "explorer.js")


class Explorer(SphinxDirective):
    """``.. explorer::``, the form and the grids, which ``explorer.js`` fills."""

    def run(self):
        """Return the HTML; other builders have no explorer."""
        form = DOCS / "explorer" / "explorer.html"
        self.env.note_dependency(str(form))
        return [nodes.raw("", form.read_text(encoding="utf-8"), format="html")]


def write_module(app):
    """Put the compiled library among the static files: as text, for a file may not be fetched."""
    if app.builder.format == "html":
        try:
            code = compiled(Path(app.doctreedir) / "explorer")
        except RuntimeError as error:
            raise ExtensionError(str(error)) from None
        target = Path(app.outdir, "_static", SCRIPTS[0])
        target.parent.mkdir(parents=True, exist_ok=True)
        text = base64.b64encode(code).decode()
        target.write_text(f'window.explorerWasm = "{text}";\n', encoding="ascii")


def add_scripts(app, pagename, templatename, context, doctree):
    """Load them on one page alone."""
    if pagename == PAGE:
        app.add_css_file("explorer.css")
        for script in SCRIPTS:
            app.add_js_file(script)


def setup(app):
    """Register with Sphinx."""
    app.add_directive("explorer", Explorer)
    app.connect("builder-inited", write_module)
    app.connect("html-page-context", add_scripts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
