"""Files of the repository's root as pages: the ``changelog`` and the ``citation`` directive.

``changelog`` shows ``CHANGELOG.md``. It reads the little Markdown that the file has: headings,
lists, paragraphs, code in backticks, bold words and links. ``citation`` shows ``CITATION.cff`` as a
BibTeX entry.
"""

import re
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).parents[2]
INLINE = re.compile(
    r"(?P<code>`[^`]+`)|(?P<bold>\*\*[^*]+\*\*)|\[(?P<text>[^\]]+)\]\((?P<to>[^)]+)\)"
)


def inline(text):
    """Return a line of Markdown as reStructuredText."""
    parts, end = [], 0
    for found in INLINE.finditer(text):
        parts.append(re.sub(r"([\\*`|_])", r"\\\1", text[end : found.start()]))
        if found["code"]:
            whole = f"`{found['code']}`"
        elif found["bold"]:
            whole = found["bold"]
        else:
            whole = f"`{found['text']} <{found['to']}>`__"
        before = text[found.start() - 1 : found.start()]
        after = text[found.end() : found.end() + 1]
        # Markup has to end where a word does; an escaped blank is none.
        parts += ["\\ " if before.strip() else "", whole, "\\ " if after.strip() else ""]
        end = found.end()
    return "".join([*parts, re.sub(r"([\\*`|_])", r"\\\1", text[end:])])


def sections(text):
    """Yield the headings below the title, as (depth, title, reStructuredText of the body)."""
    pieces = re.split(r"^(#{2,3}) (.+)$", text, flags=re.MULTILINE)
    yield 1, None, inline_lines(pieces[0].split("\n", 1)[1])
    for marks, title, body in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        yield len(marks), title, inline_lines(body)


def inline_lines(body):
    """Return paragraphs and lists with one line each, as reStructuredText."""
    whole = re.sub(r"\n(?!\n|- )[ ]*", " ", body.strip())
    return re.sub(r"\n(?=- )", "\n\n", "\n".join(map(inline, whole.split("\n")))).split("\n")


class Changelog(SphinxDirective):
    """``changelog``, all sections of the file."""

    def run(self):
        """Return the opening words and a section for each version."""
        path = ROOT / "CHANGELOG.md"
        self.env.note_dependency(str(path))
        result, version = [], None
        for depth, title, lines in sections(path.read_text(encoding="utf-8")):
            holder = nodes.section()
            self.state.nested_parse(StringList(lines, str(path)), 0, holder)
            if title is None:
                result += holder.children
                continue
            holder.insert(0, nodes.title("", title))
            holder["names"] = [nodes.fully_normalize_name(title)]
            holder["ids"] = [nodes.make_id(f"change-{title}")]
            if depth == 2:
                version = holder
                result.append(holder)
            else:
                version += holder
        for holder in result:  # the file is in English in every edition
            for node in holder.findall(nodes.TextElement):
                node["translatable"] = False
        return result


def bibtex(text):
    """Return a BibTeX entry for a CITATION.cff of one author that is a group."""
    field = dict(re.findall(r"^(?:  - )?([\w-]+): \"?([^\"\n]+?)\"?$", text, re.MULTILINE))
    rows = {
        "title": field["title"],
        "author": f"{{{field['name']}}}",
        "version": field["version"],
        "url": field["repository-code"],
    }
    body = ",\n".join(f"  {key:<8}= {{{value}}}" for key, value in rows.items())
    return f"@software{{convcore,\n{body}\n}}"


class Citation(SphinxDirective):
    """``citation``, the BibTeX entry."""

    def run(self):
        """Return a block of code."""
        path = ROOT / "CITATION.cff"
        self.env.note_dependency(str(path))
        entry = bibtex(path.read_text(encoding="utf-8"))
        return [nodes.literal_block(entry, entry, language="bibtex")]


def setup(app):
    """Register with Sphinx."""
    app.add_directive("changelog", Changelog)
    app.add_directive("citation", Citation)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
