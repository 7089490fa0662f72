"""The moving pictures: drawn when the site is built, and shown by the ``moving`` directive.

.. code-block:: rst

   .. moving:: stride

shows ``_static/moving/stride.svg`` with its text, and a link to the page that says how to reuse it.
With ``:embed:`` the lines that embed it stand below, instead of the link; with ``:bare:``, nothing.
The scripts are in ``docs/moving``, the words of a language in ``film_words.py`` there.
"""

import shutil
import sys
from html import escape
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx import addnodes
from sphinx.util.docutils import SphinxDirective
from sphinx.util.osutil import relative_uri

SCRIPTS = Path(__file__).parents[1] / "moving"
sys.path.insert(0, str(SCRIPTS))

import film  # noqa: E402
import film_words  # noqa: E402
import sliding  # noqa: E402
import stamping  # noqa: E402

FILMS = {**sliding.FILMS, **stamping.FILMS}
PAGE = "learn/moving"
LICENCE = "LICENSE.txt"


def draw(name, language):
    """Return the text of a picture's file."""
    labels, texts = film_words.words(language)
    return film.draw(FILMS[name](labels), texts[name][0])


def draw_all(app):
    """Write the pictures and their licence among the site's static files."""
    if app.builder.format != "html":
        return
    folder = Path(app.outdir, "_static", "moving")
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILMS:
        (folder / f"{name}.svg").write_text(draw(name, app.config.language), encoding="utf-8")
    shutil.copyfile(SCRIPTS / LICENCE, folder / LICENCE)


class picture(nodes.General, nodes.Element):
    """An image among the static files; `name` and `alt` say which."""


def visit_picture(self, node):
    """Write the image with its size, so that nothing moves when it comes.

    The theme puts no background behind a ``dark-light`` image.
    """
    here = self.builder.get_target_uri(self.builder.current_docname)
    address = relative_uri(here, f"_static/moving/{node['name']}.svg")
    loading = "" if node["first"] else ' loading="lazy"'
    self.body.append(
        f'<p class="moving"><img class="dark-light" src="{address}" alt="{escape(node["alt"])}" '
        f'width="{node["width"]}" height="{node["height"]}"{loading}/></p>'
    )
    raise nodes.SkipNode


def skip(self, node):
    """Leave the picture out where there are no files beside the text."""
    raise nodes.SkipNode


class Moving(SphinxDirective):
    """``moving``, one picture by its name."""

    required_arguments = 1
    option_spec = {  # noqa: RUF012 (docutils' own form)
        "embed": directives.flag,
        "bare": directives.flag,
    }

    def run(self):
        """Return the picture and what stands below it."""
        name = self.arguments[0]
        if name not in FILMS:
            raise self.error(f"moving: name must be one of {', '.join(FILMS)}, got {name}")
        for path in SCRIPTS.glob("*.py"):
            self.env.note_dependency(str(path))
        labels, texts = film_words.words(self.config.language)
        alt = texts[name][1]
        width, height = film.size(FILMS[name](labels))
        shown = picture(
            name=name, alt=alt, width=width, height=height, first="bare" in self.options
        )
        if "bare" in self.options:
            return [shown]
        if "embed" in self.options:
            html = f'<img src="{name}.svg" width="{width}" alt="{escape(alt)}">'
            blocks = [("html", html), ("markdown", f"![{alt}]({name}.svg)")]
            return [shown, *(self.block(kind, text) for kind, text in blocks)]
        below = nodes.paragraph("", classes=["moving-reuse"])
        below += addnodes.pending_xref(
            "",
            nodes.inline("", labels["reuse"]),
            refdomain="std",
            reftype="doc",
            reftarget=f"/{PAGE}",
            refdoc=self.env.docname,
            refexplicit=True,
            refwarn=True,
        )
        below["translatable"] = False  # the table of words has it in each language
        return [shown, below]

    def block(self, kind, text):
        """Return one line of code, which is wrapped and not translated."""
        block = nodes.literal_block(text, text, language=kind, classes=["embed"])
        block["translatable"] = False
        return block


def setup(app):
    """Register with Sphinx."""
    others = dict.fromkeys(("latex", "man", "texinfo", "text"), (skip, None))
    app.add_node(picture, html=(visit_picture, None), **others)
    app.add_directive("moving", Moving)
    app.connect("builder-inited", draw_all)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
