"""The search finds what readers call a thing, and shows the section with its words.

``search-words.txt`` names targets (a label such as ``note-f07``, or a document) and the words that
readers type for them; ``search-words.zh_CN.txt`` those of the Chinese edition. Each becomes a main
entry of the index at its target, which Sphinx's search ranks first. A target that no page has is a
warning.

Sphinx's own index knows no sections, and its excerpts are fetched, which no browser allows to a
page opened as a file. So the text of each section goes into ``_static/search-sections.js``, which
``searching.js`` reads on the page of results. Of the reference, where a page is one function, only
the first sentence is kept.
"""

import json
import re
from pathlib import Path

from docutils import nodes
from packing import packed
from sphinx import addnodes
from sphinx.util import logging

logger = logging.getLogger(__name__)
BRIEF = "reference/"  # pages of which the first sentence is enough
TEX = re.compile(r"\\[a-zA-Z]+|\\.|[{}_^]")  # what of a formula is no text


def words_file(app):
    """Return the file of the build's language."""
    language = "" if app.config.language == "en" else f".{app.config.language}"
    return Path(app.srcdir, f"search-words{language}.txt")


def read_words(text):
    """Return the words of each target; a line is ``target: words, words`` or a ``#`` comment."""
    found = {}
    for line in text.splitlines():
        target, colon, words = line.partition("#")[0].partition(":")
        if colon:
            found.setdefault(target.strip(), []).extend(
                word.strip().lower() for word in re.split("[,，]", words) if word.strip()
            )
    return found


def load(app):
    """Read the words before any document is read."""
    path = words_file(app)
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    app.convcore_search_words = read_words(text)


def changed(app, env, added, outdated, removed):
    """Return the documents to be read again: those with targets whose words have changed."""
    new = app.convcore_search_words
    found = state(env)["targets"]
    return [
        name
        for name, targets in found.items()
        if any(new.get(target) != words for target, words in targets.items())
        or name in (new.keys() - targets.keys())
    ]


def state(env):
    """Return what is known of each document: its ``targets`` with words, its ``sections``."""
    if not hasattr(env, "convcore_search"):
        env.convcore_search = {"targets": {}, "sections": {}}
    return env.convcore_search


def read_document(app, doctree):
    """Enter the words of a document's targets, and keep the text of its sections."""
    docname, known = app.env.docname, state(app.env)
    known["sections"][docname] = list(sections(doctree, docname.startswith(BRIEF)))
    known["targets"][docname] = here = {}
    for target, words in app.convcore_search_words.items():
        anchor = "" if target == docname else doctree.nameids.get(target)
        if anchor is None:
            continue
        here[target] = words
        entries = [("single", word, anchor, "main", None) for word in words]
        place = doctree.next_node(nodes.section)
        place.insert(1, addnodes.index(entries=entries))


def sections(doctree, brief):
    """Yield (anchors, title, text) of each section, the document's own first."""
    for section in doctree.findall(nodes.section):
        text = " ".join(prose(section))
        if brief:
            text = re.split(r"(?<=\.)\s", text)[0]
        yield [section["ids"], section.next_node(nodes.title).astext(), text]


def prose(node):
    """Yield the text of a section without its subsections, code and displayed formulas."""
    for child in node.children:
        if isinstance(child, nodes.paragraph | nodes.term):
            parts = [
                TEX.sub("", text) if isinstance(text.parent, nodes.math) else text
                for text in child.findall(nodes.Text)
            ]
            yield re.sub(r"\s+", " ", "".join(parts))
        elif not isinstance(
            child,
            nodes.section
            | nodes.title
            | nodes.literal_block
            | nodes.doctest_block
            | nodes.math_block
            | nodes.comment
            | nodes.raw
            | addnodes.desc_signature
            | addnodes.toctree,
        ):
            yield from prose(child)


def forget(app, env, docname):
    """Leave out what was found in a document that is read again or gone."""
    for part in state(env).values():
        part.pop(docname, None)


def merge(app, env, docnames, other):
    """Take over what a parallel process found."""
    for name, part in state(env).items():
        part.update({doc: state(other)[name][doc] for doc in docnames if doc in state(other)[name]})


def check(app, env):
    """Warn of targets that no page has."""
    found = {target for targets in state(env)["targets"].values() for target in targets}
    for target in sorted(app.convcore_search_words.keys() - found):
        logger.warning("%s: no page has the target %s", words_file(app).name, target)


def write(app, error):
    """Write the sections for the page of results."""
    if error or app.builder.format != "html":
        return
    text = json.dumps(state(app.env)["sections"], ensure_ascii=False, separators=(",", ":"))
    path = Path(app.outdir, "_static", "search-sections.js")
    path.write_text(f"Search.packedSections = {packed(text)};\n", encoding="utf-8")


def setup(app):
    """Register with Sphinx."""
    app.connect("builder-inited", load)
    app.connect("env-get-outdated", changed)
    app.connect("doctree-read", read_document)
    app.connect("env-purge-doc", forget)
    app.connect("env-merge-info", merge)
    app.connect("env-updated", check)
    app.connect("build-finished", write)
    return {
        "version": "1",
        "env_version": 1,
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
