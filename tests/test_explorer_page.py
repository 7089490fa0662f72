"""The explorer's page in a browser: what it shows is what convcore computes."""

import re

import numpy as np
import pytest
from explorer_module import (
    FITS,
    OPERATORS,
    PADDINGS,
    Module,
    both,
    compute,
    random_settings,
    sizes,
    weight_shape,
)

from convcore import geometry

PAGE = "explorer.html"
CASES = 30  # random settings an operator
READY = "#explorer-root[data-ready]"

FOLLOW = """fragment => new Promise(done => {
  addEventListener("hashchange", () => done(), {once: true});
  location.hash = fragment;
})"""
VALUES = """id => [...document.querySelectorAll(`#explorer-${id} tr`)]
  .map(row => [...row.querySelectorAll("td.is-cell")]
    .filter(cell => cell.dataset.value !== undefined).map(cell => Number(cell.dataset.value)))
  .filter(row => row.length)"""


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    pytest.importorskip("wasmtime", reason="the module's weights are read by wasmtime")
    pytest.importorskip("ziglang", reason="the explorer is compiled by ziglang")
    explorer_wasm = pytest.importorskip("explorer_wasm")
    return Module(explorer_wasm.build(tmp_path_factory.mktemp("explorer")))


@pytest.fixture
def explorer(open_page):
    """Opens the explorer, with settings or without, and returns the playwright page."""

    def open_one(fragment="", **options):
        page = open_page(f"{PAGE}#{fragment}" if fragment else PAGE, **options).page
        page.wait_for_selector(READY, state="attached")
        return page

    return open_one


def fragment(settings):
    """Return the settings as the fragment of a link."""
    def pair(name):
        return "x".join(map(str, both(settings, name)))

    word = PADDINGS[settings["padding"]]
    sides = "before_rows", "after_rows", "before_columns", "after_columns"
    pad = ",".join(str(settings[side]) for side in sides) if word == "explicit" else word
    return (f"op={OPERATORS[settings['operator']]}&n={pair('input')}&k={pair('kernel')}"
            f"&s={pair('stride')}&d={pair('dilation')}&t={pair('period')}&pad={pad}"
            f"&ceil={settings['ceil']}&count={settings['count_padding']}&seed={settings['seed']}")


def values(page, what):
    return np.array(page.evaluate(VALUES, what), float)


def move(page, name):
    page.click(f"[data-move={name}]")


def error(page):
    """Return the text of what is wrong with the settings, or None."""
    shown = page.is_visible("#explorer-error")
    assert shown != page.is_visible(".explorer-shown")  # never numbers beside an error
    return page.inner_text("#explorer-error") if shown else None


def current(page):
    cell = page.locator("#explorer-output td.is-current")
    return int(cell.get_attribute("data-row")), int(cell.get_attribute("data-column"))


@pytest.mark.parametrize("operator", OPERATORS)
def test_the_output_is_convcores(explorer, module, operator):
    rng, page, shown = np.random.default_rng(OPERATORS.index(operator)), explorer(), 0
    while shown < CASES:
        settings = random_settings(rng, module.ranges, operator)
        status = module.plan(settings)
        page.evaluate(FOLLOW, fragment(settings))
        assert not page.is_visible("#explorer-link")
        if status != FITS:
            assert error(page)
            continue
        assert error(page) is None
        shown += 1
        module.call("explorer_fill")
        x, shape = module.real("input", *both(settings, "input")), weight_shape(settings)
        weight = None if shape is None else module.real("weights", *shape)
        assert (values(page, "input") == x).all()
        move(page, "last")
        output = values(page, "output")
        assert output.shape == geometry.output_size(**sizes(settings))
        assert (output == compute(settings, x, weight)).all(), settings
        usage = np.multiply.outer(*geometry.input_usage(**sizes(settings)))
        assert (values(page, "usage") == usage).all()
        _, *numbers = page.locator("#explorer-formula p").all_inner_texts()
        results = [int(line.split(" (the")[0].split("= ")[-1]) for line in numbers]
        assert results == [*output.shape, output.size]
        if operator in ("convolution", "tiled", "local"):
            assert values(page, "terms").sum() == output[-1, -1]


def test_the_output_fills_in(explorer):
    page = explorer("op=convolution&n=4x5&k=2x2")
    for seen in range(1, 13):
        at = divmod(seen - 1, 4)
        assert current(page) == at
        cells = page.evaluate(VALUES, "output")
        assert sum(map(len, cells)) == seen
        taps = page.locator("#explorer-input td.is-tap").evaluate_all(
            "cells => cells.map(cell => [Number(cell.dataset.row), Number(cell.dataset.column)])")
        assert taps == [[at[0] + m, at[1] + n] for m in range(2) for n in range(2)]
        if seen < 12:
            move(page, "forward")
    assert page.get_attribute("[data-move=forward]", "aria-disabled") == "true"
    move(page, "back")
    assert current(page) == (2, 2)
    move(page, "first")
    assert current(page) == (0, 0)


def test_the_keys_move_the_window(explorer):
    page = explorer("op=convolution&n=5x6&k=3x3")
    page.locator("#explorer-output td.is-current").focus()
    for key, at in [("ArrowRight", (0, 1)), ("ArrowDown", (1, 1)), ("ArrowDown", (2, 1)),
                    ("ArrowDown", (2, 1)), ("ArrowUp", (1, 1)), ("ArrowLeft", (1, 0)),
                    ("ArrowLeft", (1, 0)), ("End", (2, 3)), ("Home", (0, 0))]:
        page.keyboard.press(key)
        assert current(page) == at
        assert page.evaluate("document.activeElement.classList.contains('is-current')")
    assert "row 0, column 0 (1 of 12)" in page.inner_text("#explorer-sentence")
    page.locator("[data-move=forward]").focus()
    for key, at in [("ArrowRight", (0, 1)), ("ArrowDown", (1, 1)), ("End", (2, 3)),
                    ("ArrowRight", (2, 3)), ("ArrowUp", (1, 3)), ("Home", (0, 0))]:
        page.keyboard.press(key)
        assert current(page) == at


def test_it_plays_and_pauses(explorer):
    page = explorer("op=convolution&n=3x3&k=2x2")
    page.locator("#explorer-output td.is-current").focus()
    page.keyboard.press(" ")
    assert page.inner_text("[data-move=play]") == "Pause"
    assert page.get_attribute("#explorer-sentence", "aria-live") == "off"
    page.wait_for_selector("#explorer-output td.is-current[data-row='0'][data-column='1']")
    page.keyboard.press(" ")
    assert page.inner_text("[data-move=play]") == "Play"
    assert page.get_attribute("#explorer-sentence", "aria-live") == "polite"
    at = current(page)
    page.wait_for_timeout(900)
    assert current(page) == at
    move(page, "play")
    page.wait_for_selector("[data-move=play][aria-pressed=false]")
    assert current(page) == (1, 1)
    move(page, "play")  # from the end: once more from the beginning
    assert current(page) == (0, 0)


def test_what_belongs_together_gets_a_ring(explorer):
    page = explorer("op=tiled&n=5x5&k=2x2&t=2x2&pad=1,0,0,0")

    def ringed(what):
        return page.locator(f"#explorer-{what} td.is-traced").evaluate_all(
            "cells => cells.map(cell => [Number(cell.dataset.row), Number(cell.dataset.column)])")

    same = [[row, column] for row in (0, 2, 4) for column in (0, 2)]
    assert ringed("output") == same  # those that take the current output's kernel
    page.locator("#explorer-weights table td.is-cell").first.click()
    assert ringed("output") == same
    assert ringed("input") == [[1, 0], [1, 2], [3, 0], [3, 2]]  # row -1 is padding
    words = page.inner_text("#explorer-sentence")
    assert "kernel A is taken by 6 outputs, 2 of which take it in the padding" in words
    page.locator("#explorer-input td[data-row='0'][data-column='0']").click()
    assert ringed("output") == [[0, 0], [1, 0]]
    assert "seen by 2 outputs" in page.inner_text("#explorer-sentence")
    page.keyboard.press("ArrowRight")
    assert ringed("output") == [[0, 0], [0, 1], [1, 0], [1, 1]]
    page.keyboard.press("Escape")
    assert ringed("output") == same
    letters = page.locator("#explorer-output td small").all_inner_texts()
    assert letters == list("ABABCDCDABABCDCDABAB")


def test_the_address_follows_the_settings(explorer):
    page = explorer()
    page.select_option("[name=operator]", "max")
    page.fill("[name=input_columns]", "9")
    page.check("[name=ceil]")
    page.fill("[name=stride_columns]", "2")
    page.select_option("[name=padding]", "same")
    page.select_option("[name=padding]", "explicit")
    sides = "before_rows", "after_rows", "before_columns", "after_columns"
    found = [page.input_value(f"[name={side}]") for side in sides]
    assert found == ["1", "1", "1", "1"]  # it begins with the padding that there was
    page.fill("[name=after_rows]", "0")
    move(page, "numbers")
    move(page, "last")
    words = "op=max&n=6x9&k=3x3&s=1x2&pad=1,0,1,1&ceil=1&seed=2&at=4,4"
    page.wait_for_function("words => location.hash === '#' + words", arg=words)
    output, sentence = values(page, "output"), page.inner_text("#explorer-sentence")
    again = explorer(words)
    assert (values(again, "output") == output).all()
    assert again.inner_text("#explorer-sentence") == sentence
    move(again, "reset")
    again.wait_for_function("location.hash === '#op=convolution&n=6x7&k=3x3'")


def test_links_and_the_way_back(explorer):
    page = explorer("op=convolution&n=5x5&k=2x2")
    page.click("a[href^='#op=max&n=1x6']")
    page.wait_for_function("document.querySelector('[name=operator]').value === 'max'")
    assert current(page) == (0, 2)
    page.go_back()
    page.wait_for_function("document.querySelector('[name=operator]').value === 'convolution'")
    assert page.input_value("[name=input_rows]") == "5"
    page.evaluate(FOLLOW, "the-keys")  # the link of a heading: no settings, no fault
    assert not page.is_visible("#explorer-link")
    assert page.input_value("[name=input_rows]") == "5"


def test_a_link_works_again_after_a_wrong_number(explorer):
    """The address stays where it was, so following the same link again is no change of it."""
    page = explorer()
    link = page.locator("a[href^='#op=']").first
    link.click()
    page.wait_for_function("location.hash.includes('op=')")
    rows = page.input_value("[name=input_rows]")
    page.fill("[name=input_rows]", "99")
    assert error(page) is not None
    page.select_option("[name=operator]", "max")  # another change leaves the fault told
    assert error(page) is not None
    link.click()
    page.wait_for_function(f"document.querySelector('[name=input_rows]').value === '{rows}'")
    assert error(page) is None


def test_keys_of_the_browser_are_left_to_it(explorer):
    page = explorer("op=convolution&n=5x5&k=2x2&at=1,1")
    for target in "[data-move=forward]", "#explorer-output td.is-current":
        for modifier in "Alt", "Control", "Meta":
            taken = page.eval_on_selector(target, """(element, modifier) => !element.dispatchEvent(
                new KeyboardEvent("keydown", {key: "ArrowRight", bubbles: true, cancelable: true,
                                              [`${modifier}Key`]: true}))""",
                                          {"Control": "ctrl"}.get(modifier, modifier.lower()))
            assert not taken
            assert current(page) == (1, 1)


@pytest.mark.parametrize("broken", [
    "op=pooling", "n=3x", "n=3x3x3", "k=-1", "n=1.5", "pad=1,2", "pad=most", "colour=red",
    "n=3&n=4", "op=max&&n=3", "at=1", "n=3=4", "seed=", "n=%ff", "ceil=yes", "n=99999999999",
])  # fmt: skip
def test_a_broken_link_is_told_and_ignored(explorer, broken):
    page = explorer(broken)
    assert "can't be read" in page.inner_text("#explorer-link")
    assert error(page) is None
    assert page.input_value("[name=input_rows]") == "6"
    assert page.input_value("[name=operator]") == "convolution"
    page.fill("[name=input_rows]", "7")
    assert not page.is_visible("#explorer-link")


def test_a_place_that_is_none(explorer):
    page = explorer("op=convolution&n=5x5&k=3x3&at=3,0")
    assert "There is no output row 3, column 0" in page.inner_text("#explorer-link")
    assert current(page) == (0, 0)


@pytest.mark.parametrize(("settings", "words"), [
    ("n=17x3", "The number of input rows must be from 1 to 16, not 17."),
    ("n=9&k=8x2", "The number of kernel rows must be from 1 to 7, not 8."),
    ("n=0x3", "The number of input rows must be from 1 to 16, not 0."),
    ("s=6", "The stride of the rows must be from 1 to 5, not 6."),
    ("op=tiled&t=2x5", "The period of the columns must be from 1 to 4, not 5."),
    ("pad=0,0,0,9", "The padding on the right must be from 0 to 8, not 9."),
    ("n=4&k=2x3&d=1x3", "The kernel doesn't fit: its columns span 7 cells"),
    ("op=max&n=4&k=2&pad=2,2,0,0", "The windows of output row 0 hold no input cell"),
    ("op=weighted&n=4&k=2&pad=0,0,0,2", "The windows of output column 4 hold no input cell"),
])
def test_settings_without_sense_are_told(explorer, settings, words):
    assert words in error(explorer(settings))


def test_numbers_that_are_none(explorer):
    page = explorer()
    for text in "", "1e1", "-2":
        page.fill("[name=kernel_rows]", text)
        assert "The number of kernel rows must be" in error(page)
        assert page.get_attribute("[name=kernel_rows]", "aria-invalid") == "true"
    page.fill("[name=kernel_rows]", "2")
    assert error(page) is None
    assert page.get_attribute("[name=kernel_rows]", "aria-invalid") == "false"
    page.select_option("[name=padding]", "explicit")
    page.fill("[name=after_rows]", "9")
    assert "The padding at the bottom" in error(page)
    page.select_option("[name=padding]", "valid")  # what isn't used can't be wrong
    assert error(page) is None


def test_every_link_to_the_explorer_is_sound(explorer, site):
    found = set()
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        own = r'href="#([^"]*=[^"]*)"' if path.name == PAGE else None
        for pattern in filter(None, [own, r'href="[^"]*explorer\.html#([^"]*=[^"]*)"']):
            found |= {match.replace("&amp;", "&") for match in re.findall(pattern, text)}
    assert len(found) > 10
    page = explorer()
    for words in sorted(found):
        page.evaluate(FOLLOW, words)
        assert not page.is_visible("#explorer-link"), words
        assert error(page) is None, words


@pytest.mark.parametrize("script", ["delete window.WebAssembly",
                                    "WebAssembly.instantiate = () => Promise.reject(new Error())"])
def test_without_webassembly_the_page_says_so(open_page, script):
    page = open_page(PAGE, script=script).page
    page.wait_for_selector("#explorer-none")
    assert "WebAssembly" in page.inner_text("#explorer-none")
    assert not page.is_visible(".explorer-form")
    assert not page.is_visible(".explorer-shown")


def test_without_scripts_the_page_says_so(open_page):
    page = open_page(PAGE, java_script_enabled=False).page
    assert "needs JavaScript" in page.inner_text("#explorer-root noscript")
    assert not page.is_visible(".explorer-form")


LOOKS = ["op=convolution&pad=same", "op=tiled&n=6x8&k=2x2&at=2,3", "op=local&n=5x5&at=1,1",
         "op=max&n=1x6&k=1x3&s=1x2&ceil=1&at=0,2", "op=weighted&n=6x6&k=3x3&pad=same",
         "op=l2", "op=convolution&n=3x16&k=1x7&d=1x4&pad=full&at=1,20", "n=3&k=5", "op=nothing"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(open_page, theme):
    pytest.importorskip("axe_playwright_python", reason="the page is examined by axe")
    opened = open_page(PAGE, theme=theme)
    opened.page.wait_for_selector(READY, state="attached")
    assert opened.page.get_attribute("html", "data-theme") == theme
    for words in LOOKS:
        opened.page.evaluate(FOLLOW, words)
        if opened.page.is_visible("#explorer-weights td.is-cell"):
            opened.page.locator("#explorer-weights td.is-cell").first.click()  # with rings
        assert opened.axe() == [], words


@pytest.mark.parametrize("width", [380, 1280])
def test_the_page_is_no_wider_than_the_window(open_page, width):
    opened = open_page(PAGE, width=width)
    opened.page.wait_for_selector(READY, state="attached")
    for words in LOOKS:
        opened.page.evaluate(FOLLOW, words)
        assert opened.overflow() <= 0, words


def test_its_files_are_on_its_page_alone(site):
    for path in site.rglob("*.html"):
        loads = "_static/explorer-wasm.js" in path.read_text(encoding="utf-8")
        assert loads == (path == site / PAGE), path
