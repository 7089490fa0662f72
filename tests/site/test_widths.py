"""Pages at the widths of a phone, a small and a large screen: nothing is cut off for good."""

import re
from pathlib import Path

import pytest

from tests.support.pages import PHONE, pages, state_of

WIDTHS = (PHONE, 1280, 1920)
PAGES = [
    "learn/convolution.html",
    "learn/stacks.html",
    "learn/transposed.html",
    "learn/unshared.html",
    "learn/coverage.html",
    "reference/index.html",
]
SETTLED = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"

# Formulas that are wider than the part that shows them, and neither scroll nor can be reached.
CUT_FORMULAS = """() => {
 const formulas = [...document.querySelectorAll(".bd-article mjx-container")];
 return formulas.filter(formula => {
  if (!formula.checkVisibility()) return false;
  const drawn = formula.querySelector("svg").getBoundingClientRect();
  for (let part = formula; !part.matches("article"); part = part.parentElement) {
    const {left, right} = part.getBoundingClientRect();
    const style = getComputedStyle(part);
    if (style.overflowX === "auto" && part.scrollWidth > part.clientWidth)
      return !formula.closest("[tabindex='0']") && !formula.closest("table");
    const cut = drawn.right > right + 1 || drawn.left < left - 1;
    if (style.display !== "inline" && cut) return true;
  }
  return false;
 }).map(formula => formula.textContent.slice(0, 60));
}"""

CUT_CODE = """() => [...document.querySelectorAll(".bd-article pre")].filter(
  block => block.checkVisibility() && block.scrollWidth > block.clientWidth
).map(block => block.textContent.split("\\n").sort((a, b) => b.length - a.length)[0])"""

# Cells that leave most of their height empty, or stand outside the window.
BAD_CELLS = """() => [
  ...document.querySelectorAll("table.autosummary td, table.proofs td")
].filter(cell => {
  const range = document.createRange();
  range.selectNodeContents(cell);
  const text = range.getBoundingClientRect();
  const box = cell.getBoundingClientRect();
  return box.height > text.height + 40 || box.right > innerWidth || text.right > innerWidth + 1;
}).map(cell => cell.textContent.trim().slice(0, 40))"""

# Names in the side bar that break elsewhere than after a dot or an underscore.
BROKEN_NAMES = """() => {
  const broken = [];
  for (const link of document.querySelectorAll(".bd-sidebar-primary a.reference")) {
    if (!link.checkVisibility() || /\\s/.test(link.textContent)) continue;
    for (const part of link.childNodes) {
      const range = document.createRange();
      range.selectNodeContents(part);
      const lines = new Set([...range.getClientRects()].map(line => Math.round(line.top)));
      if (lines.size > 1) broken.push(link.textContent);
    }
    if (link.scrollWidth > link.clientWidth) broken.push("too wide: " + link.textContent);
  }
  return broken;
}"""


def whole(page, width):
    """Return what is cut off on a page in a window of some width."""
    page.set_viewport_size({"width": width, "height": 1000})
    page.evaluate(SETTLED)
    found = {
        "too wide": page.evaluate("Math.max(0, document.documentElement.scrollWidth - innerWidth)"),
        "formulas": page.evaluate(CUT_FORMULAS),
        "code": page.evaluate(CUT_CODE) if width > PHONE else [],  # on a phone all code scrolls
        "cells": page.evaluate(BAD_CELLS) if width == PHONE else [],
        "names": page.evaluate(BROKEN_NAMES),
    }
    return {f"{kind} at {width}": what for kind, what in found.items() if what}


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_cut_off(open_page, name):
    page = open_page(name, width=PHONE).page
    state_of(page)
    assert {kind: what for width in WIDTHS for kind, what in whole(page, width).items()} == {}


@pytest.mark.parametrize(
    ("name", "width", "style", "fault"),
    [
        ("learn/transposed.html", PHONE, "mjx-container.wide { overflow: hidden }", "formulas"),
        (
            "learn/stacks.html",
            1280,
            "article pre { white-space: pre !important; width: 20rem }",
            "code",
        ),
        ("reference/index.html", PHONE, "table.autosummary td { min-height: 9rem }", "cells"),
        (
            "reference/index.html",
            1280,
            ".bd-sidebar-primary .reference { word-break: break-all; width: 6rem !important }",
            "names",
        ),
    ],
)
def test_what_is_cut_off_is_found(open_page, name, width, style, fault):
    page = open_page(name, width=width).page
    state_of(page)
    page.add_style_tag(content=style)
    assert f"{fault} at {width}" in whole(page, width)


def test_no_equation_is_named_by_the_number_of_another_page(site):
    """There the number would mean another equation."""
    wrong = []
    for path in pages(site):
        for page, anchor, text in re.findall(
            r'<a class="reference internal" href="([^"#]+)#(equation-[^"]+)">(.*?)</a>',
            path.read_text(encoding="utf-8"),
            re.DOTALL,
        ):
            if re.fullmatch(r"\(\d+\)", re.sub("<[^>]+>", "", text).strip()):
                wrong.append((path.relative_to(site).as_posix(), Path(page).name, anchor))
    assert wrong == []
