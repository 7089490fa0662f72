"""What a page says of itself to programs: description, social card, icons, links to edit it.

A description is the page's first paragraph, on the cover its line of words. The card is drawn
here: the logo, the name and three lines. Programs that read a page's head want whole addresses.
These are known where ``html_baseurl`` is set, and else are relative.
"""

import re
from html import escape, unescape
from pathlib import Path

import matplotlib
from docutils import nodes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from sphinx import addnodes
from sphinx.util.osutil import relative_uri

CARD = "_static/card.png"
LONGEST = 160  # characters of a description that search engines show
GENERATED = ("gallery/", "reference/generated/")  # pages without a source to edit
SHORTEST = 20
HOLDERS = nodes.section, addnodes.desc_content  # of text, and of a function's docstring
TITLES = {  # behind the name, on the cover
    "en": "convolution layers for NumPy arrays",
    "zh_CN": "面向 NumPy 数组的卷积层",
}
LINE = "Convolution layers for NumPy arrays: fast C kernels, every formula derived and proved."


def description(doctree, holders):
    """Return the first paragraph in one of the holders, cut after a word, or the project's line."""
    for paragraph in doctree.findall(nodes.paragraph) if doctree else ():
        text = " ".join(paragraph.astext().split())
        if isinstance(paragraph.parent, holders) and len(text) > SHORTEST:
            return text if len(text) <= LONGEST else re.sub(r"\W*\s\S*$", " ...", text[:LONGEST])
    return LINE


def add_meta(app, pagename, templatename, context, doctree):
    """Add the description and the card to a page; take the link to edit from made-up pages."""
    cover = pagename == app.config.root_doc
    words = escape(description(doctree, nodes.Element if cover else HOLDERS))
    here = app.builder.get_target_uri(pagename)
    base = app.config.html_baseurl.rstrip("/")
    context["site"] = base  # for the page of errors
    card = f"{base}/{CARD}" if base else relative_uri(here, CARD)
    title = re.sub(r"<[^>]+>", "", context.get("title") or app.config.project)
    title = escape(unescape(title))
    if cover:
        context["docstitle"] = TITLES.get(app.config.language, TITLES["en"])
    properties = {"title": title, "description": words, "type": "website", "image": card}
    if base:
        properties["url"] = f"{base}/{here}"
    context["metatags"] = "\n".join(
        [
            context.get("metatags", ""),
            f'<meta name="description" content="{words}"/>',
            *(f'<meta property="og:{key}" content="{text}"/>' for key, text in properties.items()),
            '<meta name="twitter:card" content="summary_large_image"/>',
        ]
    )
    if pagename.startswith(GENERATED):
        context["page_source_suffix"] = ""  # by which the theme knows that there is a source


def draw_card(app):
    """Draw the social card, 1200 x 630 pixels."""
    if app.builder.format != "html":
        return
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # the gallery has a style of its own, which crops
        draw_on(Path(app.outdir, CARD))


def draw_on(target):
    """Draw the card into a file."""
    figure = Figure(figsize=(12, 6.3), dpi=100, facecolor="#12243a")
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, 1200), ylim=(630, 0))
    axes.axis("off")
    for row in range(5):
        for column in range(5):
            inside = 1 <= row <= 3 and 1 <= column <= 3
            axes.add_patch(
                Rectangle(
                    (90 + 62 * column, 160 + 62 * row), 56, 56,
                    facecolor="#ffb454" if inside else "#4a83c4",
                )
            )  # fmt: skip
    axes.text(460, 250, "convcore", color="white", fontsize=66, fontweight="bold")
    for line, text in enumerate(["Convolution layers for NumPy arrays.", "Fast C kernels.",
                                 "Every formula derived and proved."]):  # fmt: skip
        axes.text(464, 330 + 58 * line, text, color="#d5e2f0", fontsize=25)
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target, metadata={"Software": None})


def setup(app):
    """Register with Sphinx."""
    app.connect("builder-inited", draw_card)
    app.connect("html-page-context", add_meta, priority=900)  # behind the theme's own
    return {"parallel_read_safe": True, "parallel_write_safe": True}
