"""Every page of the site on paper: all of its words, and nothing cut off at the right."""

import io
import unicodedata
from itertools import pairwise

import pytest

from tests.site.test_pages import PARTS, is_sampled, pages, state_of
from tests.support.browser import Opened

SHEET = {"format": "A4", "margin": dict.fromkeys(("top", "bottom", "left", "right"), "1cm")}
WIDTH = 718  # pixels of the sheet between its margins, at 96 pixels an inch

# The page's words in their order: lines of code whole, other text by the node. Formulas have none.
WORDS = r"""() => {
  const found = [];
  const read = (element) => {
    for (const node of element.childNodes) {
      if (node.nodeType === Node.TEXT_NODE) {
        if (element.checkVisibility({visibilityProperty: true})) found.push(node.data);
      } else if (node.nodeName === "PRE") {
        if (node.checkVisibility()) found.push(...node.textContent.split("\n"));
      } else if (node.nodeType === Node.ELEMENT_NODE &&
                 !node.matches("mjx-container, script, style, noscript, .headerlink"))
        read(node);
    }
  };
  read(document.querySelector("article.bd-article"));
  return found.filter(text => text.trim());
}"""

WIDE = """() => {
  const article = document.querySelector("article.bd-article");
  const right = article.getBoundingClientRect().right + 1;
  return [...article.querySelectorAll("mjx-container > svg, img, table, pre")].filter(
    part => part.checkVisibility() && part.getBoundingClientRect().right > right
  ).map(part => (part.closest("mjx-container") || part).textContent.slice(0, 60) || part.src);
}"""


def packed(text):
    """Return a text without what paper changes: spaces, and letters joined to one."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def is_on(sheets, text):
    """Whether a text stands on one of the sheets, or begins on one and ends on the next."""
    return any(text in sheet for sheet in sheets) or any(
        text[:cut] in sheet and text[cut:] in following
        for sheet, following in pairwise(sheets)
        for cut in range(1, len(text))
    )


def printed(page):
    """Return what stands on each sheet of a page, without spaces."""
    pypdf = pytest.importorskip("pypdf", reason="what is printed is read by pypdf")
    sheets = pypdf.PdfReader(io.BytesIO(page.pdf(**SHEET))).pages
    return [packed(sheet.extract_text()) for sheet in sheets]


def lost(page):
    """Return what of a page isn't on its sheets."""
    sheets = printed(page)
    page.emulate_media(media="print")  # boxes that are opened for the paper are open to this too
    words = page.evaluate(WORDS)
    missing = [text for text in words if not is_on(sheets, packed(text))]
    if words and not is_on(sheets[-2:], packed(words[-1])):
        missing.append(f"at the end: {words[-1]}")
    return missing + [f"too wide: {part}" for part in page.evaluate(WIDE)]


@pytest.mark.parametrize("part", range(PARTS))
def test_every_page_is_whole_on_paper(site, browser, part):
    faults = {}
    for path in pages(site, part, PARTS):
        name = path.relative_to(site).as_posix()
        if not is_sampled(name):
            continue
        opened = Opened(browser, path.as_uri(), width=WIDTH)
        state_of(opened.page)
        if opened.page.query_selector("article.bd-article") and (missing := lost(opened.page)):
            faults[name] = f"{len(missing)} parts: {missing[:5]}"
        opened.context.close()
    assert faults == {}


@pytest.mark.parametrize(
    ("style", "fault"),
    [
        (
            ".bd-container, .bd-container__inner, .bd-main,"
            " .bd-content { display: flex !important }",
            "at the end: ",
        ),
        (".bd-content pre { white-space: pre !important }", "# "),
        ("mjx-container > svg { min-width: 50rem !important }", "too wide: "),
    ],
)
def test_what_is_lost_is_found(open_page, style, fault):
    page = open_page("learn/transposed.html", width=WIDTH).page
    state_of(page)
    assert lost(page) == []
    page.add_style_tag(content=f"@media print {{ {style} }}")
    assert any(fault in part for part in lost(page))


def test_a_dark_page_is_printed_in_light_colours(open_page):
    pytest.importorskip("pypdf", reason="what is printed is read by pypdf")
    page = open_page("learn/stacks.html", theme="dark").page
    page.evaluate("""() => addEventListener("beforeprint", () => {
        window.printed = document.documentElement.dataset.theme;
    })""")
    printed(page)
    assert page.evaluate("printed") == "light"
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_figures_that_nobody_scrolled_to_are_on_paper(open_page):
    """They load when they come near, and those of one theme; paper shows the light ones."""
    pytest.importorskip("pypdf", reason="what is printed is read by pypdf")
    page = open_page("learn/sizes.html", theme="dark").page
    state_of(page)
    light = "[...document.querySelectorAll('img.only-light')].map(image => image.naturalWidth)"
    assert 0 in page.evaluate(light)
    printed(page)
    assert 0 not in page.evaluate(light)
