"""The explorer's page in a browser: what it shows is what convcore computes."""

from functools import partial

import numpy as np
import pytest

from convcore import geometry
from tests.support.explorer_module import (
    FITS,
    LAYERS,
    OPERATORS,
    channels,
    compute,
    input_shape,
    random_settings,
    sizes,
    weight_shape,
)
from tests.support.explorer_page import (
    FOLLOW,
    PAGE,
    READY,
    VALUES,
    channels_of,
    current,
    error,
    fault,
    fragment,
    module_of,
    move,
    opened,
    outputs,
    show_channel,
    values,
)
from tests.support.pages import pages

CASES = 30  # random settings an operator


@pytest.fixture(scope="module")
def module(site):
    return module_of(site)


@pytest.fixture
def explorer(open_page):
    return partial(opened, open_page)


def seen_in(page, what):
    """Return the channels that are marked as those of the current output; none of a single one."""
    return page.locator(f"#explorer-{what}-channels .is-seen").evaluate_all(
        "buttons => buttons.map(button => Number(button.dataset.channel))"
    )


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
        x, shape = module.real("input", *input_shape(settings)), weight_shape(settings)
        weight = None if shape is None else module.real("weights", *shape)
        c, k, groups = channels(settings)
        output = outputs(page, k)
        assert (output == compute(settings, x, weight)).all(), settings
        assert seen_in(page, "output") == ([k - 1] if k > 1 else [])
        seen = seen_in(page, "input")
        assert seen == (list(range(c - c // groups, c)) if c > 1 else [])
        if operator in LAYERS:
            products = []
            for channel in seen or [0]:
                if seen:
                    show_channel(page, "input", channel)
                products.append(values(page, "terms").sum())
            assert sum(products) == output[-1, -1, -1]
        assert (channels_of(page, "input", c) == x).all()
        if operator != "transposed":
            usage = np.multiply.outer(*geometry.input_usage(**sizes(settings))) * (k // groups)
            assert (values(page, "usage") == usage).all()
        _, *numbers = page.locator("#explorer-formula p").all_inner_texts()
        results = [int(line.split(" (the")[0].split("= ")[-1]) for line in numbers]
        weighs = operator in LAYERS and max(c, k) > 1
        assert results == [*output.shape[1:], output.size, *([weight.size] if weighs else [])]


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


def pressed(page, what):
    button = page.locator(f"#explorer-{what}-channels [aria-pressed=true]")
    return int(button.get_attribute("data-channel"))


def test_channels_are_turned_by_keys_and_buttons(explorer):
    page = explorer("op=convolution&n=5x6&k=3x3&c=4&o=4&g=2&at=1,2")
    page.locator("#explorer-output td.is-current").focus()
    for key, channel in ("PageDown", 1), ("PageDown", 2), ("PageDown", 3), ("PageDown", 3):
        page.keyboard.press(key)
        assert pressed(page, "output") == channel
        assert current(page) == (1, 2)
        assert page.evaluate("document.activeElement.classList.contains('is-current')")
        assert seen_in(page, "input") == ([0, 1] if channel < 2 else [2, 3])
        assert pressed(page, "input") == (0 if channel < 2 else 2)
    page.keyboard.press("End")
    page.wait_for_function("location.hash.endsWith('&c=4&o=4&g=2&at=2,3,3')")
    assert "channel 3, row 2, column 3 (48 of 48)" in page.inner_text("#explorer-sentence")
    page.locator("#explorer-input td[tabindex='0']").focus()
    page.keyboard.press("PageUp")  # a channel that output channel 3 doesn't see: 0 does
    assert pressed(page, "input") == 1
    assert pressed(page, "output") == 0
    assert page.evaluate("!!document.activeElement.closest('#explorer-input')")
    button = page.locator("#explorer-output-channels button").nth(1)
    assert button.get_attribute("aria-label") == "Output channel 1"
    button.focus()
    page.keyboard.press("Enter")
    assert pressed(page, "output") == 1
    assert pressed(page, "input") == 1
    move(page, "first")
    assert pressed(page, "output") == 0
    for _ in range(12):
        move(page, "forward")
    assert pressed(page, "output") == 1  # the next channel, from its first output
    assert current(page) == (0, 0)


def test_one_channel_has_no_channels_to_turn(explorer):
    page = explorer()
    assert not page.is_visible("#explorer-input-channels")
    assert not page.is_visible("#explorer-output-channels")
    page.locator("#explorer-output td.is-current").focus()
    taken = page.eval_on_selector(
        "#explorer-output td.is-current",
        """cell => !cell.dispatchEvent(
        new KeyboardEvent("keydown", {key: "PageDown", bubbles: true, cancelable: true}))""",
    )
    assert not taken  # the page scrolls


def test_groups_that_do_not_divide_leave_what_was_shown(explorer):
    page = explorer("op=convolution&c=4&o=2")
    page.fill("[name=groups]", "4")
    assert "4 groups can't share 4 input channels and 2 output channels" in error(page)
    assert page.inner_text("#explorer-weights-title") == "Kernel: output channel 0"
    page.fill("[name=channels_out]", "4")
    assert error(page) is None
    assert seen_in(page, "input") == [0]
    page.select_option("[name=operator]", "max")  # has no groups to refuse
    assert error(page) is None
    assert not page.is_visible("[name=groups]")
    assert not page.is_visible("[name=channels_out]")


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
    assert ringed("output") == ringed("input") == []  # nothing is picked
    move(page, "forward")
    assert ringed("output") == []
    page.locator("#explorer-output td.is-cell").first.click()
    assert ringed("output") == same  # those that take its kernel
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
    assert ringed("output") == ringed("input") == []
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


def test_the_window_stays_when_a_setting_changes(explorer):
    page = explorer("op=convolution&n=6x7&k=3x3&at=2,3")
    page.fill("[name=kernel_rows]", "2")
    assert current(page) == (2, 3)
    page.select_option("[name=operator]", "max")
    assert current(page) == (2, 3)
    page.fill("[name=input_columns]", "5")  # three columns of outputs: none at column 3
    assert current(page) == (0, 0)


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (380, 800)])
@pytest.mark.parametrize("link", ["", "op=max&n=1x6&k=1x3&s=1x2&ceil=1&at=0,2"])
def test_the_grids_are_above_the_fold(open_page, width, height, link):
    opened = open_page("explorer.html" + (f"#{link}" if link else ""), width=width)
    page = opened.page
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_selector(READY, state="attached")
    for grid in "input", "output", *(["weights"] if not link else []):
        top, bottom = page.eval_on_selector(
            f"#explorer-{grid}",
            "e => [e.getBoundingClientRect().top, e.getBoundingClientRect().bottom]",
        )
        assert top >= 0
        assert bottom <= height, grid


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
    "op=convolution&grad=1&at=2,2",
    "op=transposed&n=3x3&s=2x2&in=ramp",
    "op=convolution&c=4&o=4&g=2&pad=same&at=2,2,3",
    "op=tiled&c=3&o=2&grad=1&at=1,1,1",
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
    for path in pages(site):
        loads = "_static/explorer-wasm.js" in path.read_text(encoding="utf-8")
        assert loads == (path in (site / PAGE, site / "zh_CN" / PAGE)), path
