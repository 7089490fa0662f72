"""The explorer in a browser: what it shows is what convcore computes, by keys, links and mouse."""

import re

import numpy as np
import pytest
from browser import faults_of_access, open_page

from convcore import distance_window, geometry

pytest.importorskip("playwright")

READY = "() => !document.querySelector('#explorer-form').hidden"


@pytest.fixture
def explorer(site, browser):
    """The page, open; at its end nothing may have gone wrong on it."""
    with open_page(browser, site / "explorer.html") as (page, trouble):
        page.wait_for_function(READY)
        yield page
        assert trouble == []


def visit(page, fragment):
    """Follow a link to settings."""
    page.evaluate("""to => new Promise(done => {
        addEventListener("hashchange", () => setTimeout(done), {once: true});
        location.hash = to;
    })""", fragment)


def grid(page, name):
    """The cells of a grid as texts."""
    return page.eval_on_selector_all(
        f'[data-grid="{name}"] tr',
        "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))")


def as_numbers(cells):
    return np.array([[float(text.replace("\u2212", "-")) for text in row] for row in cells])


def error(page):
    return page.text_content("#explorer-error") if page.is_visible("#explorer-error") else ""


def python(page):
    """Run the page's Python code; return its names."""
    names = {}
    exec(page.text_content("#explorer-python"), names)
    return names


def drawn(rng):
    """A random link."""
    operator = rng.choice(["conv", "local", "tiled", "max", "average", "l2", "weighted"])
    mode = rng.choice(["valid", "same", "same_lower", "full", "explicit"])
    of = lambda low, high, n=2: "x".join(str(v) for v in rng.integers(low, high, n))  # noqa: E731
    link = f"op={operator}&mode={mode}&in={of(3, 12)}&k={of(1, 5)}&s={of(1, 4)}&d={of(1, 3)}"
    return link + (f"&t={of(1, 4)}&p={of(0, 3, 4)}&seed={rng.integers(1, 9999)}"
                   f"&ceil={rng.integers(2)}&count={rng.integers(2)}")


def test_what_it_shows_is_what_convcore_computes(explorer):
    rng, compared, refused = np.random.default_rng(1), 0, 0
    while compared < 250:
        link = drawn(rng)
        visit(explorer, link)
        if error(explorer):
            refused += 1
            assert not explorer.is_visible("#explorer-results")
            continue
        explorer.click('[data-step="last"]')
        y = python(explorer)["y"]
        shown = as_numbers(grid(explorer, "output"))
        assert shown.shape == y.shape, link
        assert (abs(shown - y) <= (0.005 + 1e-9) * (y != np.round(y))).all(), link
        sizes = [int(text) for text in explorer.eval_on_selector_all(
            "#explorer-formula strong", "found => found.map(s => s.textContent)")]
        assert tuple(sizes) == y.shape
        result = explorer.text_content("#explorer-terms").rpartition(" = ")[2]
        assert float(result.replace("\u2212", "-")) == shown[-1, -1]
        compared += 1
    assert refused > 5


def test_it_refuses_what_convcore_refuses(explorer):
    visit(explorer, "op=conv&mode=valid&in=3x3&k=4x1")
    assert "larger than the padded input" in error(explorer)
    assert not explorer.is_visible("#explorer-results")
    visit(explorer, "op=max&mode=explicit&in=3x3&k=2x2&p=3x0x0x0")
    assert "in the padding alone" in error(explorer)
    explorer.fill('[name="padding-0-0"]', "1")
    assert error(explorer) == ""
    assert explorer.is_visible("#explorer-results")
    explorer.fill('[name="stride-1"]', "0")
    assert error(explorer) == "stride along columns: expected a whole number from 1 to 5."
    assert not explorer.is_visible("#explorer-results")


def test_usage_and_windows(explorer):
    visit(explorer, "op=conv&mode=same&in=6x7&k=3x4&s=2x1&d=1x2")
    usage = [geometry.input_usage(*axis, "same", d)
             for axis, d in (((6, 3, 2), 1), ((7, 4, 1), 2))]
    assert (as_numbers(grid(explorer, "usage")) == np.multiply.outer(*usage)).all()
    explorer.click('[data-grid="input"] td:not(.pad) >> nth=10')
    marked = explorer.locator('[data-grid="output"] td.marked').count()
    assert marked == as_numbers(grid(explorer, "usage")).ravel()[10]
    assert f"seen by {marked} outputs" in explorer.text_content("#explorer-sentence")


def test_shared_weights_have_one_colour(explorer):
    visit(explorer, "op=tiled&mode=valid&in=8x8&t=2x3")
    tints = np.array(explorer.eval_on_selector_all(
        '[data-grid="output"] td', "cells => cells.map(c => c.style.getPropertyValue('--tint'))")
    ).reshape(6, 6)
    assert len(set(tints.ravel())) == 6
    assert (tints == np.tile(tints[:2, :3], (3, 2))).all()
    assert "6 outputs use this one" in explorer.text_content("#explorer-shared")


def test_the_distance_window_is_the_library_s(explorer):
    visit(explorer, "op=weighted&mode=valid&in=8x8&k=3x5")
    weights = as_numbers(grid(explorer, "kernel"))
    assert np.allclose(weights / weights.sum(),
                       distance_window((3, 5), "binomial") / distance_window(
                           (3, 5), "binomial").sum(), rtol=1e-6)


def test_keys_move_the_window(explorer):
    visit(explorer, "op=conv&mode=valid&in=5x6")
    output = explorer.locator('[data-grid="output"]')
    output.focus()

    def place():
        return tuple(map(int, re.search(r"\((\d+), (\d+)\)",
                                        explorer.text_content("#explorer-sentence")).groups()))

    assert place() == (0, 0)
    for key, at in [("ArrowRight", (0, 1)), ("ArrowDown", (1, 1)), ("ArrowLeft", (1, 0)),
                    ("ArrowUp", (0, 0)), ("ArrowUp", (0, 0)), ("End", (2, 3)),
                    ("ArrowRight", (2, 3)), ("Home", (0, 0))]:
        output.press(key)
        assert place() == at
    assert "at=" not in explorer.url
    output.press("ArrowDown")
    assert explorer.url.endswith("at=1x0")
    filled = [text for row in grid(explorer, "output") for text in row]
    assert all(filled)  # End has filled them
    explorer.locator('[data-grid="input"]').focus()
    explorer.keyboard.press("ArrowRight")
    explorer.keyboard.press("ArrowRight")
    assert explorer.locator('[data-grid="input"] td.marked').get_attribute("data-column") == "1"
    explorer.keyboard.press("Escape")
    assert explorer.locator("td.marked").count() == 0


def test_it_fills_the_output_as_it_plays(explorer):
    visit(explorer, "op=conv&mode=valid&in=4x4")
    assert [bool(text) for row in grid(explorer, "output") for text in row] == [
        True, False, False, False]
    explorer.locator('[data-grid="output"]').press(" ")
    assert explorer.get_attribute('[data-step="play"]', "aria-pressed") == "true"
    explorer.wait_for_function(
        "() => [...document.querySelectorAll('[data-grid=output] td')].every(c => c.textContent)")
    assert explorer.get_attribute('[data-step="play"]', "aria-pressed") == "false"


def test_a_link_carries_the_settings(explorer):
    explorer.select_option('[name="operator"]', "tiled")
    explorer.select_option('[name="mode"]', "explicit")
    for name, value in (("in-0", "9"), ("kernel-1", "2"), ("period-0", "3"),
                        ("padding-0-1", "2"), ("padding-1-0", "1")):
        explorer.fill(f'[name="{name}"]', value)
    explorer.click('[data-step="numbers"]')
    explorer.click('[data-step="last"]')
    shown, link = grid(explorer, "output"), explorer.url
    explorer.goto("about:blank")
    explorer.goto(link)
    explorer.wait_for_function(READY)
    explorer.click('[data-step="last"]')
    assert grid(explorer, "output") == shown
    assert explorer.input_value('[name="padding-0-1"]') == "2"


def test_a_link_that_is_not_understood_is_told(explorer):
    visit(explorer, "op=conv&mode=valid&in=6x99&k=ax2&who=1&s=2x2")
    assert error(explorer).startswith("Not understood in this link, and left out: in=6x99, k=ax2, "
                                      "who=1")
    assert explorer.input_value('[name="stride-0"]') == "2"
    assert explorer.input_value('[name="in-1"]') == "7"


def test_every_link_of_the_page_works(explorer):
    links = explorer.eval_on_selector_all(
        'a[href^="#op="]', "links => links.map(a => a.getAttribute('href'))")
    assert len(links) > 10
    for link in links:
        visit(explorer, link[1:])
        assert error(explorer) == ""
        assert explorer.is_visible("#explorer-results")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_is_accessible_and_fits_a_phone(site, browser, theme):
    states = ["op=tiled&mode=full&in=16x16&t=3x3&k=7x7", "op=max&mode=same&in=5x5&ceil=1",
              "op=conv&mode=valid&in=2x2"]
    for state in states:
        with open_page(browser, site / "explorer.html", width=380, theme=theme,
                       fragment=state) as (page, trouble):
            page.wait_for_function(READY)
            assert page.evaluate("document.documentElement.scrollWidth") <= 380
            assert faults_of_access(page) == []
            assert trouble == []


def test_without_webassembly_it_says_so(site, browser):
    with open_page(browser, site / "explorer.html",
                   script="delete window.WebAssembly") as (page, trouble):
        page.wait_for_selector("#explorer-error")
        assert "no WebAssembly" in error(page)
        assert not page.is_visible("#explorer-form")
        assert trouble == []
