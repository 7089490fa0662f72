"""The explorer's page: its compiled numbers, its scripts, and links to it.

``:explore:`text <op=max&n=1x6>``` is a link to the explorer with settings, from any page. What the
settings are called is on the page itself; the tests follow every such link.
"""

import base64
from pathlib import Path

import explorer_wasm
from docutils import nodes
from sphinx import addnodes
from sphinx.errors import ExtensionError
from sphinx.util.docutils import ReferenceRole

PAGE = "explorer"
COMPILED = "explorer-wasm.js"
# In the order in which they need each other.
SCRIPTS = [
    "explorer-core.js",
    "explorer-words.js",
    "explorer-link.js",
    "explorer-view.js",
    COMPILED,
    "explorer.js",
]


class Explore(ReferenceRole):
    """A link to the explorer; the target is the fragment with the settings."""

    def run(self):
        """Leave the address to :func:`resolve`, when the page's own is known."""
        text = nodes.inline(self.rawtext, self.title)
        reference = addnodes.pending_xref(
            self.rawtext,
            text,
            refdomain="",
            reftype="explore",
            reftarget=self.target,
            refdoc=self.env.docname,
            refexplicit=True,
            refwarn=True,
        )
        self.set_source_info(reference)
        return [reference], []


def resolve(app, env, node, content):
    """Return the link that an ``explore`` role stands for."""
    if node["reftype"] != "explore":
        return None
    page = app.builder.get_relative_uri(node["refdoc"], PAGE)
    return nodes.reference("", "", content, internal=True, refuri=f"{page}#{node['reftarget']}")


def compile_page(app):
    """Write the compiled module as a script: pages opened as files can't fetch anything else."""
    if app.builder.format != "html":
        return
    try:
        code = explorer_wasm.build(
            Path(app.doctreedir, "explorer"), objects=Path(app.doctreedir, "objects")
        )
    except explorer_wasm.CompileError as error:
        raise ExtensionError(str(error)) from error
    target = Path(app.outdir, "_static", COMPILED)
    target.parent.mkdir(parents=True, exist_ok=True)
    text = base64.b64encode(code).decode()
    target.write_text(
        f'window.explorer = window.explorer || {{}};\nexplorer.wasm = "{text}";\n', encoding="utf-8"
    )


def add_files(app, pagename, templatename, context, doctree):
    """Load scripts and style sheet on the explorer's page alone."""
    if pagename == PAGE:
        app.add_css_file("explorer.css")
        for script in SCRIPTS:
            app.add_js_file(script, loading_method="defer")


def setup(app):
    """Register with Sphinx."""
    app.add_role("explore", Explore())
    app.connect("missing-reference", resolve)
    app.connect("builder-inited", compile_page)
    app.connect("html-page-context", add_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
