"""A page of the site on paper: what stands on its sheets, and what is lost."""

import io
import unicodedata
from itertools import pairwise

import pytest

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
                 !node.matches("mjx-container, script, style, noscript, .headerlink," +
                               " .sd-hide-link-text")) // what a card's link is called
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
