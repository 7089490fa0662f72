"""The Chinese edition: its catalogues are whole, its pages lead to English ones and back.

The pages are tested where ``CONVCORE_SITE_ZH`` names the built edition, as ``.ci/site`` does; the
tests of the English site look at its pages too, as they lie in a folder of that site.
"""

import ast
import os
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.support.browser import Opened
from tools.markup import faults

polib = pytest.importorskip("polib", reason="the docs need polib")
catalogues = pytest.importorskip("tools.catalogues")

DOCS = Path(__file__).parents[2] / "docs"
LANGUAGE = "zh_CN"
LOCALE = DOCS / "locales" / LANGUAGE


@pytest.fixture(scope="module")
def ext():
    """Let modules of docs/_ext be imported."""
    sys.path.insert(0, str(DOCS / "_ext"))
    yield
    sys.path.remove(str(DOCS / "_ext"))


@pytest.fixture(scope="module")
def chinese():
    """The folder of the built Chinese edition."""
    if "CONVCORE_SITE_ZH" not in os.environ:
        pytest.skip("the Chinese edition is not built")
    return Path(os.environ["CONVCORE_SITE_ZH"]).resolve()


# --- catalogues --------------------------------------------------------------------------------


def test_every_message_has_its_translation():
    """A change of English text must change the catalogues: ``python -m tools.catalogues``."""
    pytest.importorskip("sphinx", reason="the docs need sphinx")
    found = [
        f"{name}: {fault}" for name, of in catalogues.missing(LANGUAGE).items() for fault in of
    ]
    assert not found, "\n".join(found)


CATALOGUES = sorted(LOCALE.rglob("*.po"))


@pytest.mark.parametrize(
    "path", CATALOGUES, ids=lambda path: path.relative_to(LOCALE).with_suffix("").as_posix()
)
def test_translations_keep_what_must_be_kept(path):
    found = catalogues.page_faults(polib.pofile(path))
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("message", "translation", "found"),
    [
        ("With :math:`n` cells.", "有 :math:`n` 个单元格。", []),
        ("With :math:`n` cells.", "有 n 个单元格。", ["lacks :math:`n`"]),
        ("See :doc:`sizes`.", "见 :doc:`大小 <sizes>`。", []),
        ("See :ref:`it <note-f07>`.", "见 :ref:`它 <note-f08>`。", 2),
        ("``conv2d`` does it.", "由 ``conv3d`` 完成。", 2),
        ("A *kernel* has 9 weights.", "*核* 有 9 个权重。", []),
        ("A *kernel* has 9 weights.", "*核* 有九个权重。", ["lacks the number 9"]),
        ("A 2-D kernel, 62 million weights.", "二维的核，6200 万个权重。", []),
        ("A **kernel** is flipped here.", "*核* 被翻转。", 2),
        (r"a \quad\text{for all } b", r"a \quad\text{对所有 } b", []),
        (r"a \le b", r"a \ge b", 2),
        ("The kernel is flipped here.", "The kernel is flipped here.", ["is not Chinese"]),
        ("`Paper <https://a.example/b>`_", "`论文 <https://a.example/c>`_", 2),
    ],
)
def test_the_check_sees_what_is_lost(message, translation, found):
    seen = faults(message, translation)
    assert len(seen) == found if isinstance(found, int) else seen == found


def page(*entries):
    """Return a catalogue with messages and translations."""
    made = polib.POFile()
    made.extend(polib.POEntry(msgid=a, msgstr=b, flags=list(flags)) for a, b, *flags in entries)
    return made


def test_a_translation_follows_its_message():
    old = catalogues.translations({"a": page(("One.", "一。"), ("Two.", ""))})
    assert catalogues.entry_for("One.", old, []).msgstr == "一。"
    assert catalogues.entry_for("Two.", old, []).msgstr == ""


@pytest.mark.parametrize(
    ("message", "translation"),
    [
        (r"\sum_{m=0}^{n_K-1} V(o+m)\,K(m)", r"\sum_{m=0}^{n_K-1} V(o+m)\,K(m)"),
        (r"a \quad\text{for all } b", ""),
        (r"The size is :math:`\le n`.", ""),
        ("Two.", ""),
    ],
)
def test_a_formula_is_its_own_translation(message, translation):
    assert catalogues.entry_for(message, {}, []).msgstr == translation


def test_a_finished_translation_goes_before_a_draft():
    pages = {"a": page(("One.", "一。")), "b": page(("One.", "草稿", "fuzzy"))}
    assert catalogues.translations(pages)["One."].msgstr == "一。"


def test_a_page_keeps_its_own_translation(tmp_path, monkeypatch):
    for name, word in ("glossary", "padding"), ("sizes", "填充"):
        page(("padding", word)).save(str(tmp_path / f"{name}.po"))
    monkeypatch.setattr(catalogues, "folder", lambda language: tmp_path)
    names = ["glossary.po", "sizes.po", "stride.po"]
    monkeypatch.setattr(catalogues, "extracted", lambda language: {n: ["padding"] for n in names})
    catalogues.update(LANGUAGE)
    after = [polib.pofile(str(tmp_path / name))[0].msgstr for name in names]
    assert after[:2] == ["padding", "填充"]
    assert after[2]


def test_a_head_word_may_stay_english():
    entry = polib.POEntry(msgid="infinitely strong prior", msgstr="infinitely strong prior")
    assert catalogues.page_faults([entry])[0].startswith("is not Chinese")
    entry.tcomment = catalogues.ENGLISH
    assert not catalogues.page_faults([entry])


def test_a_changed_message_keeps_a_draft():
    old = catalogues.translations({"a": page(("The window moves by one cell.", "窗口移动一格。"))})
    entry = catalogues.entry_for("The window moves by two cells.", {}, list(old.values()))
    assert (entry.msgstr, entry.fuzzy) == ("窗口移动一格。", True)
    assert catalogues.page_faults([entry])[0].startswith("is fuzzy")
    assert not catalogues.entry_for("Something else.", {}, list(old.values())).msgstr


def test_the_words_of_directives_are_translated():
    said = set()
    for path in (DOCS / "_ext").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "_":
                said.add(ast.literal_eval(node.args[0]))
    assert said
    assert said <= {entry.msgid for entry in polib.pofile(LOCALE / "LC_MESSAGES/convcore.po")}


# --- figures and search ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("input", "输入"),
        ("stride 2", "步幅 2"),
        ("filter 0, red kernel", "过滤器 0，红色通道的核"),
        ("layer 2: sees 5 cells", "第 2 层：看到 5 个单元格"),
        ("at 26, 58", "位于 26, 58"),
        ("x3", "x3"),
        ("$norm$", "$norm$"),
        ("Conv-3", "Conv-3"),
        ("words that nobody has translated", None),
        ("stride of these words", None),
    ],
)
def test_the_words_of_figures(ext, text, found):
    pytest.importorskip("matplotlib", reason="the docs need matplotlib")
    import figure_words

    assert figure_words.load(LANGUAGE).find(text) == found


def test_formulas_of_figures_have_no_chinese_beside_them(ext):
    """Matplotlib sets a text with a formula in one font, which has no Chinese."""
    pytest.importorskip("matplotlib", reason="the docs need matplotlib")
    import figure_words

    words = figure_words.load(LANGUAGE)
    written = [*words.exact.values(), *(new for _, new in words.filled if new)]
    assert not [text for text in written if "$" in text]


def test_figures_write_chinese_and_miss_no_word(ext, monkeypatch, caplog):
    matplotlib = pytest.importorskip("matplotlib", reason="the docs need matplotlib")
    import drawing
    import figure_words
    from matplotlib.text import Text

    monkeypatch.setattr(Text, "set_text", Text.set_text)
    monkeypatch.setattr(drawing, "FONTS", ["DejaVu Sans"])
    figure_words.translate(LANGUAGE)
    assert len(drawing.FONTS) == 2
    assert Text(0, 0, "stride 2").get_text() == "stride 2"  # no drawing
    with matplotlib.rc_context(drawing.rc("light")):
        assert Text(0, 0, "stride 2").get_text() == "步幅 2"
        assert not caplog.records
        assert Text(0, 0, "words of nobody").get_text() == "words of nobody"
    assert "words of nobody" in caplog.text


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # jieba's files
def test_terms_are_whole_words_of_the_search():
    pytest.importorskip("jieba", reason="the docs need jieba")
    from sphinx.search.zh import SearchChinese

    lines = (LOCALE / "terms.txt").read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(set(lines))
    search = SearchChinese({"dict": str(LOCALE / "terms.txt")})
    for line in lines:
        term = line.split()[0]
        assert term in search.split(f"这里的{term}是"), term


# --- pages -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "language", "english", "chinese"),
    [
        ("index", "en", "index.html", "zh_CN/index.html"),
        ("learn/sizes", "en", "../learn/sizes.html", "../zh_CN/learn/sizes.html"),
        ("learn/sizes", "zh_CN", "../../learn/sizes.html", "../../zh_CN/learn/sizes.html"),
        ("use/index", "en", "../use/index.html", "../zh_CN/index.html"),
        ("design/adr/index", "en", "../../design/adr/index.html", "../../zh_CN/index.html"),
    ],
)
def test_addresses_in_other_languages(ext, page, language, english, chinese):
    pytest.importorskip("sphinx", reason="the docs need sphinx")
    import languages

    assert languages.addresses(page, language) == {"en": english, "zh_CN": chinese}


class Page(HTMLParser):
    """The links, targets and sessions of a page."""

    def __init__(self, path):
        super().__init__()
        self.links, self.alternates, self.ids = [], {}, set()
        self.language = None
        text = path.read_text(encoding="utf-8")
        self.feed(text)
        sessions = re.findall(r'<div class="highlight-pycon[^"]*">(.*?)</div>', text, re.DOTALL)
        self.sessions = [re.sub(r"<[^>]*>", "", session) for session in sessions]

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.ids.add(attrs.get("id"))
        if tag == "html":
            self.language = attrs.get("lang")
        if tag == "a" and attrs.get("href"):
            self.links.append(attrs["href"])
        if tag == "link" and attrs.get("rel") == "alternate":
            self.alternates[attrs["hreflang"]] = attrs["href"]


def documents(chinese):
    """Return the paths of the edition's pages, below its folder."""
    found = [path.relative_to(chinese) for path in sorted(chinese.rglob("*.html"))]
    return [path for path in found if path.parts[0] in ("learn", "index.html", "explorer.html")]


def test_links_lead_somewhere(chinese):
    pages = {}
    lost = []
    for name in documents(chinese):
        path = chinese / name
        for link in Page(path).links:
            address = urlsplit(link)
            if address.scheme or (name.stem == "explorer" and not address.path):
                continue
            target = (path.parent / unquote(address.path)).resolve() if address.path else path
            if not target.is_file():
                lost.append(f"{name}: {link}")
            elif address.fragment and target.stem != "explorer":
                if target not in pages:
                    pages[target] = Page(target).ids
                if unquote(address.fragment) not in pages[target]:
                    lost.append(f"{name}: {link}")
    assert not lost, "\n".join(lost)


def test_pages_are_those_of_the_english_site(chinese):
    """The same pages, with the same sessions and the same targets."""
    for name in documents(chinese):
        ours, theirs = Page(chinese / name), Page(chinese.parent / name)
        assert (ours.language, theirs.language) == ("zh-CN", "en")
        assert ours.sessions == theirs.sessions, name
        missing = {i for i in theirs.ids - ours.ids if i and re.match("note-|equation-", i)}
        assert not missing, name
        for one, place in (ours, chinese), (theirs, chinese.parent):
            found = {key: (place / name).parent / link for key, link in one.alternates.items()}
            assert found["en"].resolve() == chinese.parent / name
            assert found["zh-CN"].resolve() == chinese / name


def test_a_page_has_a_link_to_the_same_place_in_the_other_language(chinese, browser):
    address = (chinese.parent / "learn/stacks.html").as_uri()
    opened = Opened(browser, f"{address}#note-f09")
    try:
        for language in "zh-CN", "en":
            opened.page.click(f".bd-header a.edition[hreflang={language}] >> visible=true")
            opened.page.wait_for_load_state()
            assert opened.page.evaluate("document.documentElement.lang") == language
            assert opened.page.url.endswith("/learn/stacks.html#note-f09")
        opened.page.goto((chinese.parent / "design/accuracy.html").as_uri())
        opened.page.click(".bd-header a.edition >> visible=true")
        opened.page.wait_for_load_state()
        assert opened.page.url == (chinese / "index.html").as_uri()
        assert not opened.faults
    finally:
        opened.context.close()


@pytest.mark.parametrize(
    ("query", "page"),
    [("等变", "stacks"), ("平铺卷积", "unshared"), ("LeNet", "lenet5"), ("转置卷积", "transposed")],
)
def test_the_search_finds_chinese(chinese, browser, query, page):
    opened = Opened(browser, f"{(chinese / 'search.html').as_uri()}?q={query}")
    try:
        opened.page.wait_for_selector("#search-results li a")
        found = opened.page.eval_on_selector_all("#search-results li a", "a => a.map(x => x.href)")
        assert any(re.search(rf"/learn/{page}\.html", link) for link in found[:5]), found[:5]
        assert not opened.faults
    finally:
        opened.context.close()
