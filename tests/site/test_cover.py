"""The cover, what stands around it, and the moving pictures: their numbers are convcore's."""

import contextlib
import doctest
import gzip
import html
import io
import re
import shlex
import sys
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import convcore
from convcore.cli import main as cli
from tests.support.pages import pages

ROOT = next(path for path in Path(__file__).parents if (path / "pyproject.toml").exists())
DOCS = ROOT / "docs"
SVG = "{http://www.w3.org/2000/svg}"
PAGES = ("install", "cli", "changelog", "licence", "cite")


# --- the pictures ---------------------------------------------------------------------------------

# What each shows, as a call of the numbers read from it.
CALLS = {
    "valid": lambda x, k: convcore.conv2d(x, k),
    "same": lambda x, k: convcore.conv2d(x, k, padding="same"),
    "full": lambda x, k: convcore.conv2d(x, k, padding="full"),
    "stride": lambda x, k: convcore.conv2d(x, k, stride=2),
    "dilation": lambda x, k: convcore.conv2d(x, k, dilation=2),
    "transposed": lambda x, k: convcore.conv_transpose2d(x, k),
    "transposed-stride": lambda x, k: convcore.conv_transpose2d(x, k, stride=2),
    "tiled": convcore.tiled_conv2d,
    "local": convcore.local_conv2d,
    "max-pooling": lambda x, k: convcore.max_pool2d(x, 2),
    "average-pooling": lambda x, k: convcore.avg_pool2d(x, 2),
    "ceil-pooling": lambda x, k: convcore.max_pool2d(x, 2, ceil_mode=True),
}
BORDER = {"same": 1, "full": 2}  # rows and columns of padding that are drawn


def value(text):
    return float(text.replace("\N{MINUS SIGN}", "-"))


class Picture:
    """One file: its grids as arrays, and what each frame says."""

    def __init__(self, path):
        self.root = ET.fromstring(path.read_bytes())
        self.title, self.licence = (self.root.find(SVG + name).text for name in ("title", "desc"))
        self.style = self.root.find(SVG + "style").text
        groups = self.root.findall(SVG + "g")
        self.input, *self.kernels, self.output = (
            self.grid(group) for kind in ("input", "kernel", "output")
            for group in groups if group.get("class") == kind
        )  # fmt: skip
        self.frames = [
            [text.text for text in line.iter(SVG + "text")]
            for line in self.root.iterfind(f".//{SVG}g[@class='line']")
        ]

    @staticmethod
    def grid(group):
        """The numbers at the end of the film; of a cell with several, the last one stays."""
        cells = {
            tuple(map(int, text.get("data-at").split(","))): value(text.text)
            for text in group.iter(SVG + "text")
        }
        grid = np.full(np.max(list(cells), axis=0) + 1, np.nan, np.float32)
        for at, number in cells.items():
            grid[at] = number
        return grid


@pytest.fixture(params=CALLS)
def picture(request, site):
    found = Picture(site / "_static" / "moving" / f"{request.param}.svg")
    found.name = request.param
    return found


def test_the_output_is_convcores(picture):
    border = BORDER.get(picture.name, 0)
    x, weight = picture.input, None
    if border:
        inside = x[border:-border, border:-border]
        assert np.array_equal(np.pad(inside, border), x)
        x = inside
    if len(picture.kernels) == 1:
        weight = picture.kernels[0][None, None]
    elif picture.kernels:
        period = {"tiled": 2, "local": 3}[picture.name]
        weight = np.reshape(picture.kernels, (1, period, period, 1, 2, 2))
    assert np.array_equal(CALLS[picture.name](x[None], weight)[0], picture.output)


def result(lines):
    """Return what the left side of a frame's lines comes to."""
    left = " ".join(lines).split("=")[0].replace("\N{MULTIPLICATION SIGN}", "*")
    return eval(left.replace("\N{MINUS SIGN}", "-"), {"max": lambda *cells: max(cells)})


def test_each_frame_says_how_its_output_comes_about(picture):
    if picture.name.startswith("transposed"):
        assert len(picture.frames) == picture.input.size  # a cell a frame
        for lines, cell in zip(picture.frames, picture.input.flat, strict=True):
            terms = " ".join(lines).split("+")[1:]
            products = [result([term]) for term in terms]
            assert np.array_equal(products, cell * picture.kernels[0].ravel())
        return
    assert len(picture.frames) == picture.output.size
    for lines, output in zip(picture.frames, picture.output.flat, strict=True):
        assert result(lines) == output == value(lines[-1].split("= ")[1])


def test_a_picture_is_small_and_whole_without_motion(site, picture):
    path = site / "_static" / "moving" / f"{picture.name}.svg"
    assert path.stat().st_size < 60_000
    assert "CC BY 4.0" in picture.licence
    assert "prefers-reduced-motion" in picture.style
    assert not list(picture.root.iter(SVG + "script"))
    # What has no class for a time, or one without an end, is seen when nothing moves.
    still = [
        line for line in picture.root.iterfind(f"{SVG}g")
        if line.find(f"{SVG}g[@class='line']") is not None
        and (line.get("class") is None or "-" not in line.get("class"))
    ]  # fmt: skip
    assert len(still) == 1


def test_pictures_are_drawn_alike_twice(site):
    sys.path.insert(0, str(DOCS / "_ext"))
    try:
        moving = pytest.importorskip("moving")
    finally:
        sys.path.pop(0)
    assert set(moving.FILMS) == set(CALLS)
    for name in CALLS:
        drawn = (site / "_static" / "moving" / f"{name}.svg").read_text(encoding="utf-8")
        assert moving.draw(name, "en") == drawn
    labels, texts = moving.film_words.LABELS, moving.film_words.TEXTS
    for language in labels:
        assert set(labels[language]) == set(labels["en"])
        assert set(texts[language]) == set(CALLS)


def test_a_picture_moves_and_stands_still_on_request(site, browser):
    address = (site / "_static" / "moving" / "valid.svg").as_uri()
    seen = {}
    for motion in "no-preference", "reduce":
        page = browser.new_page(reduced_motion=motion)
        page.goto(address)
        seen[motion] = page.evaluate("document.getAnimations().length")
        hidden = page.evaluate(
            "[...document.querySelectorAll('.output text')].filter("
            "one => getComputedStyle(one).opacity === '0').length"
        )
        page.close()
    assert seen["no-preference"] > 9
    assert (seen["reduce"], hidden) == (0, 0)  # all outputs are there


def test_the_page_of_pictures_lists_them_with_their_licence(site):
    page = (site / "learn/moving.html").read_text(encoding="utf-8")
    words = html.unescape(re.sub(r"<[^>]+>", "", page))
    assert "creativecommons.org/licenses/by/4.0/" in page
    assert "CC BY 4.0" in (site / "_static/moving/LICENSE.txt").read_text(encoding="utf-8")
    for name in CALLS:
        image = re.search(rf'<img[^>]*_static/moving/{name}\.svg"[^>]*>', page)[0]
        assert len(re.search(r'alt="([^"]+)"', image)[1]) > 80
        assert words.count(f"]({name}.svg)") == 1  # Markdown
        assert words.count(f'<img src="{name}.svg"') == 1
        assert len(re.findall(rf"moving:: {name}$", sources(), re.MULTILINE)) >= 2  # and in Learn


def sources():
    """The text of all pages of Learn."""
    return "\n".join(path.read_text(encoding="utf-8") for path in (DOCS / "learn").glob("*.rst"))


# --- the cover ------------------------------------------------------------------------------------


def test_the_cover_says_what_it_is_in_the_first_view(open_page):
    page = open_page("index.html").page
    seen = page.evaluate("""() => [...document.querySelectorAll("article *")]
        .filter(one => one.getBoundingClientRect().bottom <= innerHeight)
        .map(one => one.textContent + (one.getAttribute("src") ?? "")).join(" ")""")
    for words in ("every formula derived", "pip install", "conv2d(", "valid.svg", "I teach"):
        assert words in seen, words


def test_the_first_view_is_below_500_kb(open_page):
    """As servers send it, compressed; scripts, style sheets and the search index count too."""
    opened = open_page("index.html")
    opened.page.wait_for_load_state("networkidle")
    paths = {Path(url.split("?")[0].removeprefix("file://")) for url in opened.requests}
    assert len(paths) > 10
    assert sum(len(gzip.compress(path.read_bytes())) for path in paths) < 500_000


def test_the_cover_s_numbers_are_the_record_s():
    sys.path.insert(0, str(DOCS / "_ext"))
    try:
        import bench_record
    finally:
        sys.path.pop(0)
    from convcore.benchmarks import report

    _, rows, *_ = report.means_table(bench_record.run("intel"))
    means = {row[0]: (row[3], row[4]) for row in rows}
    kinds = ("all convolution but image", "all pooling but image", "all training")
    text = " ".join((DOCS / "index.rst").read_text(encoding="utf-8").split())
    assert re.findall(r"\*\*(\d+\.\d+)\*\*", text) == [means[kind][0] for kind in kinds]
    number = r"(\d+\.\d+)"
    peers = re.search(
        rf"closer: {number} times for convolution, {number} for pooling, {number}", text
    )
    assert list(peers.groups()) == [means[kind][1] for kind in kinds]


# --- heads, icons, pages around the cover ---------------------------------------------------------


class Head(HTMLParser):
    """Titles, descriptions, properties and icons of a page."""

    def __init__(self, page):
        super().__init__()
        self.meta, self.icon = {}, None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "meta":
            self.meta[attrs.get("name") or attrs.get("property")] = attrs.get("content", "")
        if tag == "link" and attrs.get("rel") == "icon":
            self.icon = attrs["href"]


def test_every_page_describes_itself(site):
    wrong, descriptions = {}, set()
    for path in pages(site):
        text = path.read_text(encoding="utf-8")
        head, name = Head(text), path.relative_to(site).as_posix()
        words = head.meta.get("description", "")
        descriptions.add(words)
        whole = 20 < len(words) <= 170 and re.search(r"<title>[^<]*convcore", text)
        if name != "404.html":
            card = head.meta.get("og:image", "")
            whole = whole and (path.parent / card).is_file() and (path.parent / head.icon).is_file()
        if not whole:
            wrong[name] = words
    assert wrong == {}
    assert len(descriptions) > 150  # and most of them something of their own


def test_the_icons_are_there_and_small(site):
    for name in ("favicon.svg", "logo-light.svg", "logo-dark.svg"):
        path = site / "_static" / name
        assert ET.fromstring(path.read_bytes()).tag == SVG + "svg"
        assert path.stat().st_size < 5_000
    card = (site / "_static/card.png").read_bytes()
    assert len(card) < 60_000
    assert [int.from_bytes(card[at : at + 4], "big") for at in (16, 20)] == [1200, 630]


def test_the_title_of_the_cover_says_what_it_is(site):
    title = re.search(r"<title>(.+)</title>", (site / "index.html").read_text(encoding="utf-8"))[1]
    assert "convolution" in title
    assert title.count("convcore") == 1


def test_pages_lead_to_their_source_and_made_up_ones_to_none(site):
    pages = {
        "use/cli.html": "/edit/main/docs/use/cli.rst",
        "learn/sizes.html": "/edit/main/docs/learn/sizes.rst",
        "reference/generated/convcore.conv2d.html": None,
        "genindex.html": None,
    }
    for name, end in pages.items():
        found = re.findall(r"https://github\.com/convcore/convcore(/edit/[^\"]+)",
                           (site / name).read_text(encoding="utf-8"))  # fmt: skip
        assert set(found) == ({end} if end else set()), name


def test_the_page_of_errors_needs_no_other_file(open_page):
    opened = open_page("404.html")
    assert len(opened.requests) == 1
    links = opened.page.locator("#above a").evaluate_all("links => links.map(one => one.href)")
    assert links[0] == opened.page.url.replace("404", "index")  # where it lies as a file


@pytest.mark.parametrize("name", PAGES)
def test_pages_around_the_cover_are_reached_from_use(site, name):
    assert f'href="{name}.html"' in (site / "use/index.html").read_text(encoding="utf-8")


def test_the_changelog_is_whole(site):
    page = (site / "use/changelog.html").read_text(encoding="utf-8")
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert page.count("<h3>") == len(re.findall(r"^### ", text, re.MULTILINE)) > 10
    article = page.split("<article", 1)[1].split("</article>")[0]
    assert article.count("<li>") == len(re.findall(r"^- ", text, re.MULTILINE))
    words = re.sub(r"<[^>]+>", "", article)
    assert "`" not in words
    assert " **" not in words  # but 2**26


def test_the_citation_is_the_file_s(site):
    page = re.sub(r"<[^>]+>", "", (site / "use/cite.html").read_text(encoding="utf-8"))
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    fields = dict(re.findall(r"^([\w-]+): \"?(.+?)\"?$", text, re.MULTILINE))
    for key in "title", "version", "repository-code":
        assert f"{{{fields[key]}}}" in page


# --- the command line -----------------------------------------------------------------------------


def sessions():
    """Yield each command of the page with what it prints there."""
    text = (DOCS / "use/cli.rst").read_text(encoding="utf-8")
    for block in re.findall(r"^\.\. code-block:: console\n\n((?:   .*\n|\n)+)", text, re.MULTILINE):
        command, *printed = [line[3:] for line in block.rstrip().split("\n")]
        yield pytest.param(command.removeprefix("$ "), printed, id=command[11:40])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the files that the page's Python writes."""
    text = (DOCS / "use/cli.rst").read_text(encoding="utf-8")
    path = tmp_path_factory.mktemp("cli")
    with contextlib.chdir(path):
        exec("\n".join(re.findall(r"^>>> (.+)$", text, re.MULTILINE)), {})
    return path


@pytest.mark.parametrize(("command", "printed"), list(sessions()))
def test_the_command_line_prints_what_its_page_says(folder, command, printed):
    program, *arguments = shlex.split(command)
    assert program == "convcore"
    if arguments[0] == "demo":
        pytest.importorskip("skimage")
    out = io.StringIO()
    said = contextlib.redirect_stdout(out), contextlib.redirect_stderr(out)
    with contextlib.chdir(folder), said[0], said[1]:
        cli.main(arguments)
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    assert doctest.OutputChecker().check_output("\n".join(printed), out.getvalue(), flags), (
        out.getvalue()
    )
