"""Every page of the site in a browser: no faults, formulas set, nothing wider than a phone."""

from pathlib import Path

import pytest

from tests.support.browser import Opened

PHONE = 380


def pages(site):
    """Return the pages of the built site: all but the theme's own templates."""
    return sorted(path for path in site.rglob("*.html") if "_static" not in path.parts)


def state_of(page):
    """What is asked of a page once its formulas are set."""
    page.evaluate("() => window.MathJax && MathJax.startup.promise.then(() => true)")
    return page.evaluate("""() => ({
        formulas: document.querySelectorAll(".math").length,
        typeset: document.querySelectorAll(".math mjx-container").length,
        wrong: document.querySelectorAll("[data-mml-node=merror]").length,
        images: [...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src),
    })""")


def test_every_page_is_whole_on_a_phone(site, browser):
    faults, seen, formulas = {}, 0, 0
    for path in pages(site):
        opened = Opened(browser, path.as_uri(), width=PHONE)
        state = state_of(opened.page)
        trouble = [*opened.faults, *(url for url in opened.requests if not url.startswith("file:"))]
        if opened.overflow() > 0:
            trouble.append(f"{opened.overflow()} pixels too wide")
        if state["typeset"] != state["formulas"] or state["wrong"]:
            trouble.append(
                f"{state['typeset']} of {state['formulas']} formulas set, "
                f"{state['wrong']} with an error"
            )
        trouble += [f"no image {source}" for source in state["images"]]
        opened.context.close()
        if trouble:
            faults[str(path.relative_to(site))] = trouble
        seen, formulas = seen + 1, formulas + state["formulas"]
    assert faults == {}
    assert seen > 200
    assert formulas > 1000


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_are_accessible(site, browser, theme):
    """All but the reference, whose pages are made from one template: two of them."""
    faults = {}
    for path in pages(site):
        name = path.relative_to(site).as_posix()
        if name.startswith("reference/generated/") and path.stem not in (
            "convcore.conv2d",
            "convcore.nn.Conv2d",
        ):
            continue
        opened = Opened(browser, path.as_uri(), width=PHONE, theme=theme)
        state_of(opened.page)
        if found := opened.axe():
            faults[name] = found
        opened.context.close()
    assert faults == {}


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
