"""Every page of the site in a browser: no faults, formulas set, nothing wider than a phone."""

from pathlib import Path

import pytest

from tests.support.browser import Opened

PHONE = 380
PARTS = 8  # of the pages, so that several processes can share them
# Formulas and code look alike on every page, and have so many elements that axe takes ten times as
# long: it looks at them on a few pages.
ALIKE = ("mjx-container", "pre")
WHOLE = ("learn/stacks.html", "use/threads.html", "index.html")
# Of the Chinese edition, whose pages are made as the English ones are, these are opened.
CHINESE = ("index.html", "explorer.html", "learn/sizes.html")


def pages(site, part=0, parts=1):
    """Return the pages of the built site, or a part of them: all but the theme's own templates."""
    chinese = site / "zh_CN"
    found = sorted(
        path
        for path in site.rglob("*.html")
        if "_static" not in path.parts and chinese not in path.parents
    )
    found += [chinese / name for name in CHINESE if chinese.exists()]
    return found[part::parts]


def is_sampled(name):
    """Whether a page is looked at closely: of the reference, made from one template, two are."""
    return not name.startswith("reference/generated/") or Path(name).stem in (
        "convcore.conv2d",
        "convcore.nn.Conv2d",
    )


def state_of(page):
    """What is asked of a page once its formulas are set."""
    page.evaluate("() => window.MathJax && MathJax.startup.promise.then(() => true)")
    return page.evaluate("""() => ({
        formulas: document.querySelectorAll(".math").length,
        typeset: document.querySelectorAll(".math mjx-container").length,
        wrong: document.querySelectorAll("[data-mml-node=merror]").length,
        blank: [...document.querySelectorAll("mjx-container")].filter(formula => {
            const open = formula.querySelectorAll(
                "svg :is([data-mml-node=mi], [data-mml-node=mn], [data-mml-node=mo]):empty");
            const unseen = [...formula.querySelectorAll("math :is(mi, mn, mo)")].filter(
                part => /^[\\u2061-\\u2064]?$/.test(part.textContent));
            return open.length > unseen.length;
        }).map(formula => formula.textContent),
        images: [...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src),
    })""")


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


@pytest.mark.parametrize("part", range(PARTS))
def test_every_page_is_whole_and_accessible_on_a_phone(site, browser, part):
    faults = {}
    for path in pages(site, part, PARTS):
        name = path.relative_to(site).as_posix()
        opened = Opened(browser, path.as_uri(), width=PHONE)
        trouble = troubles(opened)
        if is_sampled(name):
            trouble += opened.axe(leave_out=ALIKE)
        opened.context.close()
        if trouble:
            faults[name] = trouble
    assert faults == {}


@pytest.mark.parametrize("part", range(PARTS))
def test_every_page_has_contrast_in_the_dark(site, browser, part):
    """Nothing but colours differs between the themes."""
    faults = {}
    for path in pages(site, part, PARTS):
        name = path.relative_to(site).as_posix()
        if not is_sampled(name):
            continue
        opened = Opened(browser, path.as_uri(), width=PHONE, theme="dark")
        state_of(opened.page)
        if found := opened.axe("color-contrast", leave_out=ALIKE):
            faults[name] = found
        opened.context.close()
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
