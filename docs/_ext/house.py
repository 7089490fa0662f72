"""The ``house`` directive: every source file with the sentence it begins with.

.. code-block:: rst

   .. house:: csrc/pool

lists the files of one folder of the package. A file says itself what it is for, in its first
comment or docstring; a C file without one is listed with its header, and a file that says nothing
ends the build, and so does a folder that no page lists. So the lists hold every file and are never
older than they are.
"""

import ast
import re
from pathlib import Path

from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

PACKAGE = Path(__file__).parents[2] / "src" / "convcore"
SUFFIXES = {".py", ".pyx", ".pxi", ".c", ".h", ".def"}


def opening(path):
    """Return the first sentence of a file, or None if it opens with none."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        comment = ast.get_docstring(ast.parse(text))
    elif path.suffix in (".pyx", ".pxi"):
        found = re.search(r'"""(.*?)"""', text, re.DOTALL)
        comment = found and found[1]
    else:
        found = re.match(r"/\*(.*?)\*/", text, re.DOTALL)
        comment = found and re.sub(r"^ \* ?", "", found[1], flags=re.MULTILINE)
    if not comment:
        return None
    words = " ".join(comment.strip().split("\n\n")[0].split())
    return re.split(r"(?<=\.)\s(?=[A-Z])", words)[0].rstrip(":. ") + "."


def files(folder):
    """Return (names, sentence) of each file of a folder, a header together with its source."""
    paths = sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES)
    names = {path.name for path in paths}
    listed = []
    for path in paths:
        header = path.with_suffix(".h")
        if path.suffix == ".h" and path.with_suffix(".c").name in names:
            continue
        pair = [path, header] if path.suffix == ".c" and header.name in names else [path]
        sentences = [sentence for sentence in map(opening, pair) if sentence]
        listed.append(([file.name for file in pair], sentences[0] if sentences else None))
    return listed


class House(SphinxDirective):
    """``house``, a definition list of the files of one folder."""

    required_arguments = 1

    def run(self):
        """Return the list."""
        folder = PACKAGE / self.arguments[0]
        items = nodes.definition_list()
        for names, sentence in files(folder):
            for name in names:
                self.env.note_dependency(str(folder / name))
            if sentence is None:
                raise self.error(f"{folder / names[0]} doesn't say what it is for")
            term = nodes.term()
            term += nodes.literal("", names[0])
            if len(names) > 1:
                term += [nodes.Text(" and "), nodes.literal("", names[1])]
            body, _ = self.state.inline_text(
                re.sub(r"`+([^`]+)`+", r"``\1``", sentence), self.lineno
            )
            items += nodes.definition_list_item(
                "", term, nodes.definition("", nodes.paragraph("", "", *body))
            )
        return [items]


def check_folders(app):
    """Refuse to build a site on which a folder of the package is not listed."""
    pages = (Path(app.srcdir) / "design").glob("*.rst")
    texts = [page.read_text(encoding="utf-8") for page in pages]
    listed = {name for text in texts for name in re.findall(r"^\.\. house:: (\S+)$", text, re.M)}
    folders = {
        path.parent.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*")
        if path.suffix in SUFFIXES
    }
    if folders != listed:
        wrong = ", ".join(sorted(folders ^ listed))
        raise ExtensionError(f"the pages' lists of files and the package's folders differ: {wrong}")


def setup(app):
    """Register with Sphinx."""
    app.add_directive("house", House)
    app.connect("builder-inited", check_folders)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
