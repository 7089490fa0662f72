"""The explorer's page: its compiled numbers, its words and scripts, and links to it.

``:explore:`text <op=max&n=1x6>``` is a link to the explorer with settings, from any page. What the
settings are called is on the page itself; the tests follow every such link.
"""

import html
import json
import re
from pathlib import Path

from docutils import nodes
from packing import zipped
from page_parts import STATIC, module_of, words_of
from sphinx import addnodes
from sphinx.util.docutils import ReferenceRole, SphinxDirective

DOCS = Path(__file__).resolve().parents[1]
TEMPLATE = DOCS / "explorer" / "explorer.html"
FRAME = DOCS / "explorer" / "bundle.html"
PAGE = "explorer"
COMPILED = "explorer-wasm.js"
BUNDLE = "explorer-bundle.js"
STYLES = "explorer-grids.css", "explorer.css"


def scripts(language):
    """Return the names of the scripts, in the order in which they need each other."""
    return [
        "explorer-core.js",
        "explorer-format.js",
        words_of(PAGE, language),
        "explorer-values.js",
        "explorer-link.js",
        "explorer-channels.js",
        "explorer-view.js",
        "explorer-editor.js",
        "explorer-code.js",
        "explorer-share.js",
        COMPILED,
        "explorer.js",
    ]


def labels_of(language):
    """Return the labels, which are JSON in the file of words."""
    text = (STATIC / words_of(PAGE, language)).read_text(encoding="utf-8")
    return json.loads(re.search(r"^explorer\.labels = (\{.*?^\});", text, re.M | re.S)[1])


def fragment(language):
    """Return the template filled with the labels of a language."""
    labels = {key: html.escape(text) for key, text in labels_of(language).items()}
    return TEMPLATE.read_text(encoding="utf-8").format(**labels, lang=language.replace("_", "-"))


class Explorer(SphinxDirective):
    """The explorer itself, in the language of the site."""

    def run(self):
        """Return the filled template."""
        for path in TEMPLATE, STATIC / words_of(PAGE, self.config.language):
            self.env.note_dependency(str(path))
        return [nodes.raw("", fragment(self.config.language), format="html")]


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


def bundle(language, compiled):
    """Return the explorer as one page that needs nothing else: scripts and styles are in it."""
    parts = [
        compiled if name == COMPILED else (STATIC / name).read_text(encoding="utf-8")
        for name in scripts(language)
    ]
    code = "\n".join(["window.explorer = {isFile: true};", *parts]).replace("</", "<\\/")
    page = fragment(language).replace('id="explorer-root"', 'id="explorer-root" data-fragment=""')
    frame = FRAME.read_text(encoding="utf-8").replace("LANGUAGE", language.replace("_", "-"))
    style = "\n".join((STATIC / name).read_text(encoding="utf-8") for name in STYLES)
    return frame.replace("STYLE", style).replace("PAGE", page).replace("CODE", code)


def compile_page(app):
    """Write the compiled module as a script: pages opened as files can't fetch anything else."""
    if app.builder.format != "html":
        return
    code = module_of(app, PAGE)
    target = Path(app.outdir, "_static")
    target.mkdir(parents=True, exist_ok=True)
    text = f'window.explorer = window.explorer || {{}};\nexplorer.wasm = "{zipped(code)}";\n'
    (target / COMPILED).write_text(text, encoding="utf-8")
    page = json.dumps(bundle(app.config.language, text)).replace("</", "<\\/")
    (target / BUNDLE).write_text(f"explorer.bundle = {page};\n", encoding="utf-8")


def add_files(app, pagename, templatename, context, doctree):
    """Load scripts and style sheet on the explorer's page alone."""
    if pagename == PAGE:
        for style in STYLES:
            app.add_css_file(style)
        for script in scripts(app.config.language):
            app.add_js_file(script, loading_method="defer")


def setup(app):
    """Register with Sphinx."""
    app.add_role("explore", Explore())
    app.add_directive("explorer", Explorer)
    app.connect("missing-reference", resolve)
    app.connect("builder-inited", compile_page)
    app.connect("html-page-context", add_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
