"""The table of proofs: which item of the notes is proved where, by what, and with which tests.

Nothing here is a list that somebody has to keep true. While the documents are read, every section
whose target is ``note-fNN`` is searched for interactive sessions; the names of convcore that these
use are found by parsing them; tests say by a marker, ``pytest.mark.item("f04")``, what they prove.
An item without a section, a session, a test or a sentence in ``statements.toml`` ends the build.

``.. proofs::`` shows the table and the tests. ``.. proved-in:: convcore.conv2d`` shows, on a page
of the reference, the sections whose sessions run that name.
"""

import ast
import doctest
import pkgutil
import re
import tomllib
import types
from dataclasses import dataclass, field
from pathlib import Path

import tables
from docutils import nodes
from languages import english_names
from sphinx.errors import ExtensionError
from sphinx.locale import get_translation
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

_ = get_translation("convcore")
ITEMS = [f"f{number:02}" for number in range(39)]
TESTS = Path(__file__).parents[2] / "tests"
STATEMENTS = Path(__file__).parents[1] / "statements.toml"


# --- what the sessions of a document use -------------------------------------------------------


class Names:
    """What the names of a page's sessions mean, in the order in which the page defines them."""

    def __init__(self):
        self.meaning = {}  # a name of the page -> the names of convcore that it stands for

    def used_in(self, source):
        """Return the dotted names of convcore that some statements use; remember new names."""
        found = set()
        for statement in ast.parse(source).body:
            used = self.read(statement)
            found |= used
            self.define(statement, used)
        return found

    def read(self, tree):
        """Return the names of convcore that a piece of code reads."""
        match tree:
            case ast.Attribute() | ast.Name() if isinstance(tree.ctx, ast.Load):
                parts = ast.unparse(tree).split(".")
                if all(part.isidentifier() for part in parts) and parts[0] in self.meaning:
                    return {".".join([name, *parts[1:]]) for name in self.meaning[parts[0]]}
        return set().union(*(self.read(child) for child in ast.iter_child_nodes(tree)))

    def define(self, statement, used):
        """Remember what an import, a function or an assignment of the page stands for."""
        match statement:
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] == "convcore":
                for alias in statement.names:
                    self.meaning[alias.asname or alias.name] = {f"{module}.{alias.name}"}
            case ast.Import():
                for alias in statement.names:
                    if alias.name.split(".")[0] == "convcore":
                        self.meaning["convcore"] = {"convcore"}
            case ast.FunctionDef(name=name):
                self.meaning[name] = used
            case ast.Assign(targets=[ast.Name(id=name)]):
                self.meaning[name] = used if isinstance(statement.value, ast.Lambda) else set()


def public_name(dotted):
    """Return the part of a dotted name that is a function or class of convcore, or None."""
    parts = dotted.split(".")
    for length in range(2, len(parts) + 1):
        name = ".".join(parts[:length])
        try:
            thing = pkgutil.resolve_name(name)
        except (ImportError, AttributeError):
            return None
        if not isinstance(thing, types.ModuleType):
            return name if callable(thing) else None
    return None


def family(name, of_operator=False):
    """Return what is one derivation's: ``conv2d``, ``conv3d``, ``nn.Conv2d``, ``reference.conv2d``.

    ``of_operator``: a gradient's and a matrix's are their operator's.
    """
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.split(".")[-1]).lower()
    if of_operator:
        snake = re.sub(r"_(backward|matrix)$", "", snake)
    return re.sub(r"[123]d(?=_|$)", "", snake)


@dataclass
class Section:
    """One section of a document that has sessions or the target of an item."""

    docname: str
    anchor: str
    title: str
    page: bool  # whether it is the whole document
    items: list
    examples: int = 0
    first: str = ""  # the anchor of the first session
    names: set = field(default_factory=set)


def read_document(app, doctree):
    """Collect the sections of one document with their sessions."""
    names, found = Names(), {}
    for block in doctree.findall(nodes.doctest_block):
        examples = doctest.DocTestParser().get_examples(block.astext())
        used = {public_name(name) for name in names.used_in("".join(e.source for e in examples))}
        holder = block.parent
        while holder is not None:
            if isinstance(holder, nodes.section):
                entry = found.setdefault(id(holder), section_entry(app, holder))
                if not entry.first:
                    entry.first = f"session-{entry.anchor}"
                    block["ids"].append(entry.first)
                entry.examples += len(examples)
                entry.names |= used - {None}
            holder = holder.parent
    for section in doctree.findall(nodes.section):
        entry = section_entry(app, section)
        if entry.items:
            found.setdefault(id(section), entry)
    proofs(app.env)[app.env.docname] = list(found.values())


def section_entry(app, section):
    """Return the entry of a section, without its sessions."""
    targets = [i for i in section["ids"] if re.fullmatch(r"note-f\d\d", i)]
    title = section.next_node(nodes.title).astext()
    anchor = targets[0] if targets else section["ids"][0]
    page = isinstance(section.parent, nodes.document)
    return Section(
        app.env.docname, anchor, title, page, [target.removeprefix("note-") for target in targets]
    )


def proofs(env):
    """Return the sections found so far, by document."""
    if not hasattr(env, "convcore_proofs"):
        env.convcore_proofs = {}
    return env.convcore_proofs


def forget(app, env, docname):
    """Leave out what was found in a document that is read again or gone."""
    proofs(env).pop(docname, None)


def merge(app, env, docnames, other):
    """Take over what a parallel process found."""
    proofs(env).update({name: proofs(other)[name] for name in docnames if name in proofs(other)})


# --- tests -------------------------------------------------------------------------------------


@dataclass
class Test:
    """One test that is marked with items."""

    file: str
    name: str
    items: list
    source: str

    @property
    def title(self):
        """Its name in words."""
        return self.name.removeprefix("test_").replace("_", " ")

    @property
    def anchor(self):
        """The target of its source on the page of proofs."""
        return f"{Path(self.file).stem}-{self.name}".replace("_", "-")


def marked_tests(folder):
    """Return every test of a folder that carries the marker ``item``, by file and line."""
    found = []
    for path in sorted(Path(folder).rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        for node in ast.parse(text).body:
            marks = [
                mark
                for mark in getattr(node, "decorator_list", [])
                if ast.unparse(mark).startswith("pytest.mark.item(")
            ]
            if marks:
                first = min(mark.lineno for mark in node.decorator_list)
                source = "\n".join(text.splitlines()[first - 1 : node.end_lineno])
                items = [argument.value for mark in marks for argument in mark.args]
                found.append(Test(path.relative_to(folder).as_posix(), node.name, items, source))
    return found


def statements(language):
    """Return what each item states, in a language of the site."""
    texts = tomllib.loads(STATEMENTS.read_text(encoding="utf-8"))
    return {item: of.get(language, "") for item, of in texts.items()}


# --- the table ---------------------------------------------------------------------------------


class Placeholder(nodes.General, nodes.Element):
    """Where a table or list goes once all documents are read."""


class Proofs(SphinxDirective):
    """``.. proofs::``, the table of all items."""

    def run(self):
        """Return its place, and remember that this document shows what others say."""
        self.env.note_dependency(str(STATEMENTS))
        self.env.metadata[self.env.docname]["shows proofs"] = True
        return [Placeholder(shows=" ".join(self.arguments))]


class ProvedIn(Proofs):
    """``.. proved-in:: name``, the sections whose sessions use a name."""

    required_arguments = 1


def items_of(env):
    """Return the section of each item that has one."""
    return {
        item: section
        for sections in proofs(env).values()
        for section in sections
        for item in section.items
    }


def learn_sections(env):
    """Return all sections of the pages of Learn that have sessions, page by page."""
    return [
        section
        for document in sorted(proofs(env))
        if document.startswith("learn/")
        for section in proofs(env)[document]
    ]


def check(app, env):
    """End the build if an item lacks its section, a session in it, or a test.

    Return the documents that show proofs: they are written again whatever document has changed.
    """
    sections, tests = items_of(env), marked_tests(TESTS)
    faults = [
        f"{item} has no section with the target note-{item}"
        for item in ITEMS
        if item not in sections
    ]
    faults += [
        f"{item} has no interactive session in its section"
        for item in sections
        if not sections[item].examples
    ]
    faults += [
        f"{item} has no test with the marker item"
        for item in ITEMS
        if not any(item in test.items for test in tests)
    ]
    stated = statements(app.config.language)
    faults += [
        f"{item} has no sentence in {STATEMENTS.name}" for item in ITEMS if not stated.get(item)
    ]
    if faults:
        raise ExtensionError("items of the notes without proof: " + "; ".join(faults))
    return [name for name, of in env.metadata.items() if "shows proofs" in of]


def paragraph(*parts):
    """Return a paragraph of texts and nodes."""
    return nodes.paragraph("", "", *[nodes.Text(p) if isinstance(p, str) else p for p in parts])


def joined(parts):
    """Return nodes with commas between them."""
    return [piece for part in parts for piece in (nodes.Text(", "), part)][1:]


def labelled(label, content):
    """Return a cell's nodes after the name of its column, which narrow windows show there."""
    return [nodes.inline("", f"{label}: ", classes=["cell-label"]), *content]


class Links:
    """References from one page to sections and names."""

    def __init__(self, app, docname):
        self.app, self.docname = app, docname
        self.objects = app.env.domains["py"].objects
        self.english = english_names(app, docname)  # if this edition has no reference

    def section(self, section, anchor=None, text=None):
        """Return a reference to a section or to a place in it."""
        return make_refnode(
            self.app.builder,
            self.docname,
            section.docname,
            anchor or section.anchor,
            nodes.Text(text or section.title),
        )

    def names(self, names):
        """Return references to those names that the reference documents."""
        return [
            make_refnode(
                self.app.builder,
                self.docname,
                self.objects[name].docname,
                self.objects[name].node_id,
                nodes.literal("", name.removeprefix("convcore.")),
            )
            for name in sorted(names)
            if name in self.objects
        ] or [
            nodes.reference(
                "", "", nodes.literal("", name.removeprefix("convcore.")), refuri=self.english[name]
            )
            for name in sorted(names & self.english.keys())
        ]


def proofs_table(app, docname):
    """Return the table of all items and the tests that it names."""
    links, sections, tests = Links(app, docname), items_of(app.env), marked_tests(TESTS)
    stated = statements(app.config.language)
    header = [
        _("Item"),
        _("Statement"),
        _("Derivation"),
        _("Session"),
        _("Names it runs"),
        _("Tests"),
    ]
    rows = []
    for item in ITEMS:
        section = sections[item]
        examples = _("1 example") if section.examples == 1 else _("%d examples")
        number = examples.replace("%d", str(section.examples))
        of_item = [
            nodes.reference("", test.title, refid=test.anchor, internal=True)
            for test in tests
            if item in test.items
        ]
        rows.append(
            [
                item,
                stated[item],
                [links.section(section)],
                [links.section(section, section.first, number)],
                labelled(header[4], joined(links.names(section.names))),
                labelled(header[5], joined(of_item)),
            ]
        )
    total = sum(section.examples for section in learn_sections(app.env) if section.page)
    numbers = {"items": len(rows), "examples": f"{total:,}", "tests": len(tests)}
    lead = paragraph(_("%(items)d items, %(examples)s examples, %(tests)d tests.") % numbers)
    shown = tables.table(header, rows, [5, 29, 18, 9, 19, 20], classes=["proofs"])
    sources = []
    for test in tests:
        head = paragraph(
            nodes.literal("", f"tests/{test.file}::{test.name}"), ": ", ", ".join(test.items)
        )
        head["ids"] = [test.anchor]
        sources += [head, nodes.literal_block(test.source, test.source, language="python")]
    return [lead, shown, nodes.rubric("", _("The tests")), *sources]


def proved_in(app, docname, name):
    """Return a sentence with the sections whose sessions run a name; nothing if there are none."""
    links = Links(app, docname)
    for of_operator in False, True:
        wanted = family(name, of_operator)
        sections = [
            section for section in learn_sections(app.env) if wanted in map(family, section.names)
        ]
        if sections:
            break
    parts = [
        links.section(section, text=f"{section.title} ({', '.join(section.items)})")
        for section in sections
        if section.items
    ]
    parts = parts or [links.section(section) for section in sections if section.page]
    return [nodes.rubric("", "Derived and run in"), paragraph(*joined(parts))] if parts else []


def resolve(app, doctree, docname):
    """Fill the places."""
    for place in list(doctree.findall(Placeholder)):
        shows = place["shows"]
        place.replace_self(proved_in(app, docname, shows) if shows else proofs_table(app, docname))


def setup(app):
    """Register with Sphinx."""
    app.setup_extension("languages")  # has the words of the table
    app.add_node(Placeholder)
    app.add_directive("proofs", Proofs)
    app.add_directive("proved-in", ProvedIn)
    app.connect("doctree-read", read_document)
    app.connect("env-purge-doc", forget)
    app.connect("env-merge-info", merge)
    app.connect("env-updated", check)
    app.connect("doctree-resolved", resolve)
    return {
        "version": "1",
        "env_version": 1,
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
