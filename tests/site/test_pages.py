"""Every page of the site in a browser: no faults, formulas set, whole on a phone and on paper."""

from itertools import cycle
from pathlib import Path

import pytest

from tests.support.browser import Opened
from tests.support.pages import PHONE, is_sampled, pages, state_of
from tests.support.paper import WIDTH, lost

PARTS = 16  # of the pages, so that several processes can share them
# Formulas and code look alike on every page, and have so many elements that axe takes ten times as
# long: it looks at them on a few pages.
ALIKE = ("mjx-container", "pre")
WHOLE = ("learn/stacks.html", "use/threads.html", "index.html")


def troubles(opened):
    """Return what is wrong with an opened page."""
    state = state_of(opened.page)
    trouble = [*opened.faults, *(url for url in opened.requests if not url.startswith("file:"))]
    if opened.overflow() > 0:
        trouble.append(f"{opened.overflow()} pixels too wide")
    if state["typeset"] != state["formulas"] or state["wrong"]:
        trouble.append(
            f"{state['typeset']} of {state['formulas']} formulas set, "
            f"{state['wrong']} with an error"
        )
    trouble += [f"a letter that MathJax has no glyph for: {text}" for text in state["blank"]]
    return trouble + [f"no image {source}" for source in state["images"]]


def test_there_are_all_pages(site):
    found = pages(site)
    assert len(found) > 200
    assert 50 < sum(is_sampled(path.relative_to(site).as_posix()) for path in found) < 150
    assert sum(path.read_text("utf-8").count('class="math ') for path in found) > 1000


def closely(opened):
    """Return what is wrong with a page for readers with little sight, and on paper."""
    page = opened.page
    trouble = opened.axe(leave_out=ALIKE)
    if page.query_selector("article.bd-article"):
        page.set_viewport_size({"width": WIDTH, "height": 1000})
        trouble += [f"not on paper: {part}" for part in lost(page)]
    return trouble


@pytest.mark.parametrize("part", range(PARTS))
def test_every_page_is_whole_and_accessible(site, browser, part):
    """Light and dark by turns: only colours differ, by styles that pages share."""
    faults = {}
    for path, theme in zip(pages(site, part, PARTS), cycle(["light", "dark"])):
        name = path.relative_to(site).as_posix()
        opened = Opened(browser, path.as_uri(), width=PHONE, theme=theme)
        trouble = troubles(opened)
        if is_sampled(name):
            trouble += closely(opened)
        opened.context.close()
        if trouble:
            faults[name] = trouble
    assert faults == {}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", WHOLE)
def test_formulas_and_code_are_accessible(open_page, name, theme):
    opened = open_page(name, width=PHONE, theme=theme)
    state_of(opened.page)
    assert opened.axe() == []


def test_a_letter_without_a_glyph_is_found(open_page):
    """The site's MathJax has the glyphs that formulas here use, not all."""
    page = open_page("learn/stacks.html").page
    assert state_of(page)["blank"] == []
    page.evaluate(r"document.body.append(MathJax.tex2svg(String.raw`\mathfrak{A} + x`))")
    assert len(state_of(page)["blank"]) == 1


def test_search_finds_tiled(open_page):
    page = open_page("search.html?q=tiled").page
    page.wait_for_selector("#search-results ul.search a")
    page.wait_for_function(
        "() => /finished|found/i.test(document.querySelector('#search-results').textContent)"
    )
    found = page.eval_on_selector_all("#search-results li a", "links => links.map(a => a.href)")
    names = {Path(address.split("#")[0].split("?")[0]).name for address in found}
    assert {"unshared.html", "convcore.tiled_conv2d.html"} <= names


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_follow_the_reader_s_theme(open_page, theme):
    page = open_page("learn/convolution.html", theme=theme).page
    assert page.evaluate("document.documentElement.dataset.theme") == theme
    shown = page.evaluate("""() => [...document.querySelectorAll("figure img")].filter(
        image => getComputedStyle(image.closest("figure")).display !== "none"
    ).map(image => image.className)""")
    assert len(shown) > 3
    assert all(f"only-{theme}" in name for name in shown)
