"""The site builds without a warning, names its sections, and loads nothing from elsewhere."""

import ast
import importlib.util
import re
import textwrap
import zlib
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.tables.bridges import LIBRARIES

DOCS = Path(__file__).parents[2] / "docs"
NOTES = [f"note-f{number:02}" for number in range(39)]
LEARN = sorted(
    path.stem
    for path in (DOCS / "learn").glob("*.rst")
    if path.stem not in ("index", "glossary", "cheatsheet", "coverage", "moving")
)

EXTERNAL = re.compile(r"^\s*(https?:)?//", re.IGNORECASE)
# In style sheets and style attributes: url(...) and @import with an address of its own.
CSS_LOAD = re.compile(r"""(?:url\(\s*|@import\s+)["']?\s*((?:https?:)?//[^"')\s]+)""", re.I)
# In scripts: the calls that fetch an address given as text.
JS_LOAD = re.compile(
    r"""(?:\bimport\s*\(?|\bfrom|\bfetch\(|\bimportScripts\(|\bnew\s+Worker\(|\.src\s*=)"""
    r"""\s*["'`]((?:https?:)?//[^"'`]+)"""
)


def targets(inventory, kind):
    """Return the names of all targets of one kind that an objects.inv lists."""
    packed = inventory.read_bytes().split(b"\n", 4)[4]  # four lines of heading come first
    lines = zlib.decompress(packed).decode().splitlines()
    return {line.split(f" {kind}")[0] for line in lines if f" {kind}" in line}


# What a <link> has to be for a browser to load it.
LOADED_LINKS = {"stylesheet", "icon", "preload", "modulepreload", "manifest", "apple-touch-icon"}


class Loads(HTMLParser):
    """Collect every address that a browser loads by itself while it shows a page."""

    def __init__(self):
        super().__init__()
        self.found = []
        self.inside = None

    def handle_starttag(self, tag, attrs):
        attrs = {name: value or "" for name, value in attrs}
        self.inside = tag
        if tag == "link" and LOADED_LINKS & set(attrs.get("rel", "").lower().split()):
            self.found.append(attrs.get("href", ""))
        if tag in {"use", "image"}:
            self.found += [attrs.get("href", ""), attrs.get("xlink:href", "")]
        if tag not in {"a", "link"}:
            self.found += [attrs[name] for name in ("src", "data", "poster") if name in attrs]
        self.found += [part.split()[0] for part in attrs.get("srcset", "").split(",") if part]
        self.found += CSS_LOAD.findall(attrs.get("style", ""))

    def handle_data(self, data):
        pattern = {"style": CSS_LOAD, "script": JS_LOAD}.get(self.inside)
        self.found += pattern.findall(data) if pattern else []

    def handle_endtag(self, tag):
        self.inside = None


def external_loads(path):
    """Return the external addresses that one built file loads."""
    text = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix == ".css":
        return CSS_LOAD.findall(text)
    if path.suffix == ".js":
        return JS_LOAD.findall(text)
    page = Loads()
    page.feed(text)
    return [address for address in page.found if EXTERNAL.match(address)]


def test_words_are_spelled(build_site):
    """By the system's English word list and docs/words.txt."""
    try:
        import sphinxcontrib.spelling  # noqa: F401
    except ImportError as missing:  # also where the system has no enchant
        pytest.skip(str(missing))
    # The gallery's scripts are read, and not run: what they print is no prose.
    build_site("spelling", "-t", "spelling", "-d", "spelling-trees", "-D", "plot_gallery=0")


def test_inventory_names_the_notes(site):
    assert set(NOTES) <= targets(site / "objects.inv", "std:label")


@pytest.mark.parametrize(
    "module",
    [
        "convcore",
        "convcore.connections",
        "convcore.geometry",
        "convcore.matrix",
        "convcore.ndimage",
        "convcore.nn",
        "convcore.nn.data",
        "convcore.nn.models",
        "convcore.reference",
        "convcore.torch.nn",
        *(f"convcore.{name}" for name in LIBRARIES if name != "jax"),  # in prose, by kinds
    ],
)
def test_reference_names_everything_public(site, module):
    for library in set(module.split(".")) & set(LIBRARIES):
        pytest.importorskip(library, reason=f"{library} is not installed")
    names = importlib.import_module(module).__all__
    assert {f"{module}.{name}" for name in names} <= targets(site / "objects.inv", "py:")


def test_nothing_is_loaded_from_elsewhere(site):
    files = [path for path in site.rglob("*") if path.suffix in {".html", ".css", ".js", ".svg"}]
    assert len(files) > 20
    loads = {str(path.relative_to(site)): external_loads(path) for path in files}
    assert {name: found for name, found in loads.items() if found} == {}


@pytest.mark.parametrize("name", LEARN)
def test_formulas_are_set_by_a_local_script(site, name):
    assert (site / "_static" / "mathjax.js").stat().st_size > 300_000
    page = (site / "learn" / f"{name}.html").read_text(encoding="utf-8")
    assert "_static/mathjax.js" in page


def drawings(page):
    """Return the scripts whose figures a page shows, in the page's order."""
    source = (DOCS / f"{page}.rst").read_text(encoding="utf-8")
    return re.findall(r"^\.\. drawing:: figures/(\w+)\.py$", source, re.MULTILINE)


DRAWN = [
    name
    for name in sorted(
        path.relative_to(DOCS).with_suffix("").as_posix() for path in DOCS.rglob("*.rst")
    )
    if drawings(name)
]


@pytest.mark.parametrize("name", DRAWN)
def test_every_figure_has_a_text(site, name):
    page = (site / f"{name}.html").read_text(encoding="utf-8")
    images = re.findall(r"<img\b[^>]*>", page)
    figures = [image for image in images if "plot-directive" in image]
    assert len(figures) == 2 * len(drawings(name))  # a light and a dark one each
    for image in figures:
        assert len(re.search(r'alt="([^"]*)"', image)[1]) > 60


def test_every_example_is_in_the_gallery_with_pictures_and_texts(site):
    for script in (DOCS.parent / "examples").glob("*.py"):
        page = (site / "gallery" / f"{script.stem}.html").read_text(encoding="utf-8")
        images = [image for image in re.findall(r"<img\b[^>]*>", page) if "sphx_glr" in image]
        assert images, script.stem
        for image in images:  # the title of the figure, not its number
            assert len(re.search(r'alt="([^"]*)"', image)[1]) > 30, image


def test_every_page_of_learn_has_a_figure():
    assert {f"learn/{name}" for name in LEARN} <= set(DRAWN)


def test_every_figure_is_shown_once():
    scripts = [path.stem for path in (DOCS / "figures").glob("*.py") if path.stem != "boxes"]
    assert sorted(scripts) == sorted(script for name in DRAWN for script in drawings(name))


@pytest.mark.parametrize(
    "html",
    [
        '<script src="https://cdn.example/x.js"></script>',
        '<link rel="stylesheet" href="//cdn.example/x.css">',
        '<img src="http://example/x.png">',
        '<img srcset="a.png 1x, https://example/x.png 2x">',
        '<p style="background: url(https://example/x.png)">',
        '<style>@import "https://example/x.css";</style>',
        '<script>fetch("https://example/x.json")</script>',
    ],
)
def test_the_search_for_loads_finds_them(html, tmp_path):
    page = tmp_path / "page.html"
    page.write_text(html + '<a href="https://example">a link is fine</a>', encoding="utf-8")
    assert len(external_loads(page)) == 1


# What a table about another library sets side by side: its call and ours, one row a line.
ROW = re.compile(r"^ +``(.+)`` \| ``(.+)``$", re.MULTILINE)


def imported(code):
    """Return the modules that some code imports; Keras is run on JAX."""
    names = [
        alias.name
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Import)
        for alias in node.names
    ]
    names += [node.module for node in ast.walk(ast.parse(code)) if isinstance(node, ast.ImportFrom)]
    found = {name.split(".")[0] for name in names}
    return found | {"jax"} if "keras" in found else found


def comparisons():
    """Yield every Python block about other libraries, rows of tables as assertions behind it.

    A block that a table follows says by a function `same` when two calls of a row are equal.
    """
    pages = [*(DOCS / "learn" / "others").glob("*.rst"), *(DOCS / "use").glob("from-*.rst")]
    for path in sorted(pages):
        blocks = re.split(r"^( *)\.\. code-block:: python\n", path.read_text("utf-8"), flags=re.M)
        for number, (margin, text) in enumerate(zip(blocks[1::2], blocks[2::2], strict=True)):
            block = re.match(rf"(?:(?:{margin}   .*)?\n)+", text)[0]
            rows = [f"assert same({row[0]}, {row[1]}), {row[1]!r}" for row in ROW.findall(text)]
            assert len(rows) == text.count("`` | ``"), f"{path}: rows that are not run"
            code = "\n".join([textwrap.dedent(block), *rows])
            yield pytest.param(code, id=f"{path.stem}-{number}")


@pytest.mark.filterwarnings(
    "ignore:Using padding='same' with even kernel lengths",
    "ignore:__array__ implementation doesn't accept a copy keyword",
)
@pytest.mark.parametrize("code", list(comparisons()))
def test_what_is_said_of_other_libraries(code):
    for name in sorted(imported(code)):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed")
    exec(compile(code, "<page>", "exec"), {})
