"""The explorer's page in a browser: what it shows is what convcore computes."""

import re

import numpy as np
import pytest

from convcore import geometry
from tests.support.explorer_module import (
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
    return (
        f"op={OPERATORS[settings['operator']]}&n={pair('input')}&k={pair('kernel')}"
        f"&s={pair('stride')}&d={pair('dilation')}&t={pair('period')}&pad={pad}"
        f"&ceil={settings['ceil']}&count={settings['count_padding']}&seed={settings['seed']}"
    )


def values(page, what):
    return np.array(page.evaluate(VALUES, what), float)


def move(page, name):
    page.click(f"[data-move={name}]")


def error(page):
    """Return the text of what is wrong with the settings, or None; there are numbers anyway."""
    shown = page.is_visible("#explorer-error")
    assert page.is_visible(".explorer-shown")
    text = page.inner_text("#explorer-error") if shown else None
    assert shown == bool(page.locator(".explorer-shown.is-before").count())  # marked as older
    assert text is None or text.endswith("Shown is still what was set before.")
    return text


def fault(page):
    """Return what is said of the link, or None."""
    shown = page.is_visible("#explorer-link")
    return page.inner_text("#explorer-link") if shown else None


def in_form(page, hidden=True):
    """Return the settings that the form has, those included that don't matter and are hidden."""
    settings = page.evaluate(
        """hidden => Object.fromEntries(
        [...document.querySelector("#explorer-root form").elements]
            .filter(field => field.name && (hidden || field.checkVisibility()))
            .map(({name, type, checked, value}) => [name, type === "checkbox" ? Number(checked)
                                                          : type === "number" ? Number(value)
                                                          : value]))""",
        hidden,
    )
    return {
        **settings,
        "operator": OPERATORS.index(settings["operator"]),
        "padding": PADDINGS.index(settings["padding"]),
    }


def is_at_work(page, module, seed):
    """Check that the page shows what the form says, and that its controls work."""
    assert error(page) is None
    settings = {**in_form(page), "seed": seed}
    for name, (least, most) in module.ranges.items():
        assert least <= settings[name] <= most
    assert module.plan(settings) == FITS
    module.call("explorer_fill")
    x, shape = module.real("input", *both(settings, "input")), weight_shape(settings)
    weight = None if shape is None else module.real("weights", *shape)
    assert (values(page, "input") == x).all()
    page.dispatch_event("[data-move=last]", "click")  # it may be the only one
    assert (values(page, "output") == compute(settings, x, weight)).all(), settings
    move(page, "numbers")
    assert module.plan({**settings, "seed": seed + 1 if seed < 9999 else 0}) == FITS
    module.call("explorer_fill")
    assert (values(page, "input") == module.real("input", *both(settings, "input"))).all()


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
        assert (fault(page) is None) == (status == FITS)
        assert error(page) is None
        if status != FITS:
            continue
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
            "cells => cells.map(cell => [Number(cell.dataset.row), Number(cell.dataset.column)])"
        )
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
    for key, at in [
        ("ArrowRight", (0, 1)),
        ("ArrowDown", (1, 1)),
        ("ArrowDown", (2, 1)),
        ("ArrowDown", (2, 1)),
        ("ArrowUp", (1, 1)),
        ("ArrowLeft", (1, 0)),
        ("ArrowLeft", (1, 0)),
        ("End", (2, 3)),
        ("Home", (0, 0)),
    ]:
        page.keyboard.press(key)
        assert current(page) == at
        assert page.evaluate("document.activeElement.classList.contains('is-current')")
    assert "row 0, column 0 (1 of 12)" in page.inner_text("#explorer-sentence")
    page.locator("[data-move=forward]").focus()
    for key, at in [
        ("ArrowRight", (0, 1)),
        ("ArrowDown", (1, 1)),
        ("End", (2, 3)),
        ("ArrowRight", (2, 3)),
        ("ArrowUp", (1, 3)),
        ("Home", (0, 0)),
    ]:
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
            "cells => cells.map(cell => [Number(cell.dataset.row), Number(cell.dataset.column)])"
        )

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
            taken = page.eval_on_selector(
                target,
                """(element, modifier) => !element.dispatchEvent(
                new KeyboardEvent("keydown", {key: "ArrowRight", bubbles: true, cancelable: true,
                                              [`${modifier}Key`]: true}))""",
                {"Control": "ctrl"}.get(modifier, modifier.lower()),
            )
            assert not taken
            assert current(page) == (1, 1)


# A wrong link, what is said of it, and what is taken: the link that sets the same.
WRONG = [
    ("op=pooling", "“op=pooling” has no meaning; “op=convolution” is taken instead.", ""),
    ("op=", "“op=” has no meaning; “op=convolution” is taken", ""),
    ("op=max&op=l2", "“op” is there twice; the first, “max”, is taken.", "op=max"),
    ("n=3x&k=2", "“n=3x” has no meaning; “n=6x7” is taken instead.", "k=2"),
    ("n=3x3x3", "“n=3x3x3” has no meaning", ""),
    ("n=1.5&op=l2", "“n=1.5” has no meaning", "op=l2"),
    ("n=%ff&op=max", "“n=%ff” can't be decoded and is ignored.", "op=max"),
    ("n=3=4", "“n=3=4” has no meaning", ""),
    ("n=3&n=4", "“n” is there twice; the first, “3x3”, is taken.", "n=3"),
    ("s=", "“s=” has no meaning; “s=1x1” is taken", ""),
    ("pad=1,2", "“pad=1,2” has no meaning; “pad=valid” is taken instead.", ""),
    ("pad=most&n=5", "“pad=most” has no meaning", "n=5"),
    ("colour=red&n=5", "There is no setting “colour”; it is ignored.", "n=5"),
    ("constructor=3", "There is no setting “constructor”; it is ignored.", ""),
    ("__proto__=3x3", "There is no setting “__proto__”; it is ignored.", ""),
    ("=3", "There is no setting “”; it is ignored.", ""),
    ("op=max&&n=3", "There is no setting “”; it is ignored.", "op=max&n=3"),
    ("op=max&k", "“k” has no meaning; “k=3x3” is taken instead.", "op=max"),
    ("ceil=yes", "“ceil=yes” has no meaning; “ceil=0” is taken instead.", ""),
    ("seed=&n=4", "“seed=” has no meaning; “seed=1” is taken instead.", "n=4"),
    ("at=1", "“at=1” has no meaning; “at=0,0” is taken instead.", ""),
    ("%3Cb%3En=4&n=5", "There is no setting “<b>n”; it is ignored.", "n=5"),
    ("n=" + "9" * 400, "must be from 1 to 16", "n=16"),
    (
        "op=convolution&seed=10000",
        "The seed must be from 0 to 9999, not 10000. 9999 is taken instead.",
        "seed=9999",
    ),
    ("seed=-1", "The seed must be from 0 to 9999, not −1. 0 is taken instead.", "seed=0"),
    (
        "op=convolution&n=99",
        "The number of input columns must be from 1 to 16, not 99. 16 is taken instead.",
        "n=16",
    ),
    ("n=17x3", "The number of input rows must be from 1 to 16, not 17.", "n=16x3"),
    ("n=9&k=8x2", "The number of kernel rows must be from 1 to 7, not 8.", "n=9&k=7x2"),
    ("n=0x3", "The number of input rows must be from 1 to 16, not 0. 1 is taken", "n=1x3&k=1x3"),
    ("k=-1", "The number of kernel rows must be from 1 to 7, not −1. 1 is taken", "k=1"),
    ("s=6", "The stride of the rows must be from 1 to 5, not 6.", "s=5"),
    ("d=9x1&n=16", "The dilation of the rows must be from 1 to 4, not 9.", "d=4x1&n=16"),
    ("op=tiled&t=2x5", "The period of the columns must be from 1 to 4, not 5.", "op=tiled&t=2x4"),
    ("op=convolution&t=9", "The period of the rows must be from 1 to 4, not 9.", ""),
    ("op=convolution&ceil=7", "The choice of a partial last window must be from 0 to 1", ""),
    ("op=max&ceil=7", "The choice of a partial last window must be from 0 to 1", "op=max&ceil=1"),
    ("op=average&count=2&pad=same", "must be from 0 to 1, not 2.", "op=average&count=1&pad=same"),
    ("pad=0,0,0,9", "The padding on the right must be from 0 to 8, not 9. 8 is", "pad=0,0,0,8"),
    (
        "n=3&k=5",
        "its rows span 5 cells, more than the padded input has. A kernel with as many rows "
        "as the input is taken instead.",
        "n=3&k=3",
    ),
    (
        "n=4&k=2x3&d=1x3",
        "its columns span 7 cells, more than the padded input has. A dilation of 1 "
        "of the columns is taken instead.",
        "n=4&k=2x3",
    ),
    (
        "op=max&n=4&k=2&pad=2,2,0,0",
        "The windows of output row 0 hold no input cell, only padding, "
        "and a pooling of nothing has no value. No padding is taken instead.",
        "op=max&n=4&k=2",
    ),
    (
        "op=weighted&n=4&k=2&pad=0,0,0,2",
        "The windows of output column 4 hold no input cell",
        "op=weighted&n=4&k=2",
    ),
    ("op=l2&n=1&k=2&d=2&pad=same", "hold no input cell, only padding", "op=l2&n=1&k=1"),
    (
        "op=convolution&n=5x5&k=3x3&at=3,0",
        "There is no output row 3, column 0; the first is taken instead.",
        "n=5&k=3",
    ),
    ("n=5&k=3&at=-1,0", "There is no output row -1, column 0; the first", "n=5&k=3"),
]


@pytest.mark.parametrize(("link", "said", "taken"), WRONG, ids=[link[:40] for link, *_ in WRONG])
def test_a_wrong_link_is_told_and_shows_what_is_taken(explorer, module, link, said, taken):
    page = explorer(link)
    assert fault(page).startswith("The link has a fault. ")
    assert said in fault(page)
    assert current(page) == (0, 0)
    shown, again = in_form(page, hidden=False), explorer(taken or "op=convolution")
    assert fault(again) is None
    assert shown == in_form(again, hidden=False)
    seed = int((re.search(r"seed=(\d+)", taken) or [0, 1])[1])
    is_at_work(page, module, seed)
    page.fill("[name=input_rows]", "9")
    assert fault(page) is None
    assert error(page) is None


def test_no_link_is_a_dead_end(explorer, module):
    """Links put together from settings, sound, wrong and damaged ones."""
    rng, page = np.random.default_rng(0), explorer()
    keys = ["op", "n", "k", "s", "d", "t", "pad", "ceil", "count", "seed", "at", "x", ""]
    texts = [
        *OPERATORS,
        *PADDINGS,
        "",
        "0",
        "1",
        "2",
        "-3",
        "7",
        "16",
        "17",
        "3x5",
        "16x1",
        "0x0",
        "9x9x9",
        "1,2,3,4",
        "8,8,8,8",
        "0,0",
        "99999",
        "1e3",
        "%",
        "%41",
        "=",
        "NaN",
        "x",
        ",",
    ]
    last = None
    for _ in range(300):
        parts = [f"{rng.choice(keys)}={rng.choice(texts)}" for _ in range(rng.integers(1, 6))]
        link = "&".join(["op=" + rng.choice(OPERATORS), *parts])
        if link == last:
            continue
        last = link
        page.evaluate(FOLLOW, link)
        assert error(page) is None, link
        settings = in_form(page)
        for name, (least, most) in module.ranges.items():
            assert name == "seed" or least <= settings[name] <= most, link
        assert module.plan({**settings, "seed": 1}) == FITS, link
        assert len(values(page, "input")) == settings["input_rows"], link
    move(page, "reset")
    is_at_work(page, module, 1)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("kernel_rows", "7", "The kernel doesn't fit: its rows span 7 cells"),
        ("input_rows", "17", "The number of input rows must be from 1 to 16, not 17."),
        ("stride_columns", "0", "The stride of the columns must be from 1 to 5, not 0."),
        ("input_columns", "", "The number of input columns must be an integer."),
    ],
)
def test_wrong_numbers_leave_what_was_shown(explorer, name, text, words):
    page = explorer("op=convolution&n=5x6&k=3x3")
    output = values(page, "input")
    page.fill(f"[name={name}]", text)
    assert words in error(page)
    assert (values(page, "input") == output).all()
    move(page, "last")
    assert current(page) == (2, 3)
    page.locator("#explorer-input td[data-row='0'][data-column='0']").click()
    assert "seen by 1 output" in page.inner_text("#explorer-sentence")
    move(page, "numbers")
    assert error(page)
    assert (values(page, "input") != output).any()
    page.wait_for_function("location.hash === '#op=convolution&n=5x6&k=3x3&seed=2&at=2,3'")
    move(page, "play")
    assert page.inner_text("[data-move=play]") == "Pause"
    move(page, "reset")
    assert error(page) is None
    assert page.input_value(f"[name={name}]") != text


def test_a_number_is_typed_digit_by_digit(explorer):
    page = explorer("op=convolution&n=5x6&k=3x3")
    field = page.locator("[name=input_rows]")
    field.focus()
    for key, rows, refused in [("Backspace", 5, True), ("1", 5, True), ("2", 12, False)]:
        page.keyboard.press("End")
        page.keyboard.press(key)
        assert (error(page) is not None) == refused
        assert len(values(page, "input")) == rows
        assert page.evaluate("document.activeElement.name") == "input_rows"


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
        assert fault(page) is None, words
        assert error(page) is None, words


@pytest.mark.parametrize(
    "script",
    ["delete window.WebAssembly", "WebAssembly.instantiate = () => Promise.reject(new Error())"],
)
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


LOOKS = [
    "op=convolution&pad=same",
    "op=tiled&n=6x8&k=2x2&at=2,3",
    "op=local&n=5x5&at=1,1",
    "op=max&n=1x6&k=1x3&s=1x2&ceil=1&at=0,2",
    "op=weighted&n=6x6&k=3x3&pad=same",
    "op=l2",
    "op=convolution&n=3x16&k=1x7&d=1x4&pad=full&at=1,20",
    "n=3&k=5",
    "op=nothing",
]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(open_page, theme):
    pytest.importorskip("axe_playwright_python", reason="the page is examined by axe")
    opened = open_page(PAGE, theme=theme)
    opened.page.wait_for_selector(READY, state="attached")
    assert opened.page.get_attribute("html", "data-theme") == theme
    assert opened.axe() == []
    for words in LOOKS:
        opened.page.evaluate(FOLLOW, words)
        if opened.page.is_visible("#explorer-weights td.is-cell"):
            opened.page.locator("#explorer-weights td.is-cell").first.click()  # with rings
        assert opened.axe(within=["#explorer-root"]) == [], words


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
