"""The languages of the site: English whole, others a part of it that is translated.

A build has one language, ``CONVCORE_DOCS_LANGUAGE``. A translated edition has the pages of
``TRANSLATED`` alone, so that it is quick to build.
"""

import os
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList

DOCS = Path(__file__).parents[1]
SOURCE = "en"
EDITIONS = {"zh_CN": "中文"}  # and what each calls itself
TRANSLATED = {"index", "explorer", "walk", "stack", "learn"}  # pages, and folders of pages
ENGLISH_EXTENSIONS = {"sphinx_gallery.gen_gallery", "bench_tables", "bridges", "house"}
GENERATED = ["gallery"]  # folders that a build of the whole site may have left


def chosen():
    """Return the language of this build."""
    language = os.environ.get("CONVCORE_DOCS_LANGUAGE", SOURCE)
    if language not in (SOURCE, *EDITIONS):
        raise ValueError(f"CONVCORE_DOCS_LANGUAGE must be one of {SOURCE}, {', '.join(EDITIONS)}")
    return language


def excluded(language):
    """Return the pages and folders that an edition leaves out."""
    if language == SOURCE:
        return []
    found = {path.name for path in DOCS.iterdir() if path.is_dir() or path.suffix == ".rst"}
    return sorted({name for name in found if Path(name).stem not in TRANSLATED} | {*GENERATED})


def describe_drawings(app):
    """Extract the words of drawings without running their scripts."""
    if app.builder.name != "gettext":
        return
    import drawing

    class Described(drawing.Drawing):
        """A figure with the alternative text and the caption of a drawing."""

        def run(self):
            """Return the figure."""
            alt = " ".join(self.options["alt"].split())
            source, line = self.state_machine.get_source_and_line(self.lineno)
            figure = nodes.figure("", nodes.image(uri=self.arguments[0], alt=alt))
            script = f"Drawn by ``docs/{self.arguments[0]}``."
            self.state.nested_parse(StringList([*self.content, script], source), 0, figure)
            for node in figure:
                node.source, node.line = source, line  # a node without them has no message
            return [figure]

    app.add_directive("drawing", Described, override=True)


def setup(app):
    """Register with Sphinx."""
    app.connect("builder-inited", describe_drawings)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
