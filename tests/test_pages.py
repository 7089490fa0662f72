"""Every page of the site in a browser: no faults, formulas set, nothing wider than a phone."""

from pathlib import Path

import pytest
from browser import faults_of_access, open_page

pytest.importorskip("playwright")

PHONE = 380


def pages(site):
    """Return the pages of the built site: all but the theme's own templates."""
    return sorted(path for path in site.rglob("*.html") if "_static" not in path.parts)


def state_of(page):
    """What is asked of a page once it has been set."""
    page.evaluate("() => window.MathJax && MathJax.startup.promise.then(() => true)")
    return page.evaluate("""() => ({
        width: document.documentElement.scrollWidth,
        formulas: document.querySelectorAll(".math").length,
        typeset: document.querySelectorAll(".math mjx-container").length,
        wrong: document.querySelectorAll("[data-mml-node=merror]").length,
        images: [...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src),
    })""")


def test_every_page_is_whole_on_a_phone(site, browser):
    faults, seen, formulas = {}, 0, 0
    for path in pages(site):
        with open_page(browser, path, width=PHONE) as (page, trouble):
            state = state_of(page)
            if state["width"] > PHONE:
                trouble.append(f"{state['width']} pixels wide")
            if state["typeset"] != state["formulas"] or state["wrong"]:
                trouble.append(f"{state['typeset']} of {state['formulas']} formulas set, "
                               f"{state['wrong']} with an error")
            trouble += [f"no image {source}" for source in state["images"]]
            if trouble:
                faults[str(path.relative_to(site))] = list(trouble)
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
                "convcore.conv2d", "convcore.nn.Conv2d"):
            continue
        with open_page(browser, path, width=PHONE, theme=theme) as (page, _):
            state_of(page)
            found = faults_of_access(page)
            if found:
                faults[name] = found
    assert faults == {}


def test_search_finds_tiled(site, browser):
    with open_page(browser, site / "search.html", query="q=tiled") as (page, trouble):
        page.wait_for_selector("#search-results ul.search a")
        page.wait_for_function(
            "() => /finished|found/i.test(document.querySelector('#search-results').textContent)")
        found = page.eval_on_selector_all("#search-results li a", "links => links.map(a => a.href)")
        names = {Path(address.split("#")[0].split("?")[0]).name for address in found}
        assert {"unshared.html", "convcore.tiled_conv2d.html"} <= names
        assert trouble == []


def test_pages_follow_the_reader_s_theme(site, browser):
    for theme in "light", "dark":
        with open_page(browser, site / "index.html", theme=theme) as (page, _):
            assert page.evaluate("document.documentElement.dataset.theme") == theme
            shown = page.evaluate("""() => [...document.querySelectorAll("figure img")].map(
                i => getComputedStyle(i.closest("figure")).display !== "none"
                     ? i.className : "").filter(Boolean)""")
            assert all(f"only-{theme}" in name for name in shown if "only-" in name)
