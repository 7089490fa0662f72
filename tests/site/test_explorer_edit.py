"""Values that a reader changes, and gradients, as the explorer's page shows them."""

import base64
from functools import partial

import numpy as np
import pytest

from convcore import conv2d
from tests.support.explorer_module import (
    FITS,
    GROUPED,
    LAYERS,
    OPERATORS,
    channels,
    compute,
    compute_back,
    input_shape,
    random_settings,
    weight_shape,
)
from tests.support.explorer_page import (
    FOLLOW,
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


@pytest.fixture(scope="module")
def module(site):
    return module_of(site)


@pytest.fixture
def explorer(open_page):
    return partial(opened, open_page)


def cell(page, grid, row, column):
    return page.locator(f"#explorer-{grid} td.is-cell[data-row='{row}'][data-column='{column}']")


def test_values_are_typed(explorer):
    page = explorer("op=convolution&n=4x5&k=2x3")
    x, weight = values(page, "input"), values(page, "weights")
    cell(page, "input", 1, 2).click()
    assert page.inner_text("#explorer-edit-label") == "Value: Input row 1, column 2"
    page.keyboard.type("-2.5")
    x[1, 2] = -2.5
    page.keyboard.press("Enter")  # back to the cell, and on by an arrow
    page.keyboard.press("ArrowRight")
    page.keyboard.type("100")
    x[1, 3] = 100
    cell(page, "weights", 1, 0).click()
    page.fill("#explorer-value", "7")
    weight[1, 0] = 7
    move(page, "last")
    assert (values(page, "input") == x).all()
    assert (values(page, "weights") == weight).all()
    expected = np.array(
        [[(x[r : r + 2, c : c + 3] * weight).sum() for c in range(3)] for r in range(3)]
    )
    assert (values(page, "output") == expected).all()
    listed = ",".join(f"{value:g}" for value in x.ravel())
    page.wait_for_function("words => location.hash.includes(`V=${words}&K=`)", arg=listed)
    again = explorer(page.evaluate("location.hash.slice(1)"))
    assert fault(again) is None
    assert (values(again, "output") == expected).all()
    again.fill("[name=input_rows]", "5")  # what was changed stays, and new cells come below
    assert (values(again, "input")[:4] == x).all()
    move(again, "numbers")
    assert (values(again, "input")[:4] != x).any()
    move(again, "reset")
    again.wait_for_function("location.hash === '#op=convolution&n=6x7&k=3x3'")


def test_values_of_channels_are_typed(explorer):
    page = explorer("op=convolution&n=3x3&k=2x2&c=2&o=2&at=0,0,1")
    show_channel(page, "input", 1)
    cell(page, "input", 1, 2).click()
    assert page.inner_text("#explorer-edit-label") == "Value: Input channel 1, row 1, column 2"
    page.keyboard.type("-2.5")
    page.locator("#explorer-weights table").nth(0).locator("td.is-cell").nth(3).click()
    label = "Weight: The weight in row 1, column 1 from input channel 0 to output channel 1"
    assert page.inner_text("#explorer-edit-label") == label
    assert "input-channels" in page.eval_on_selector(
        "[aria-pressed=true][data-channel='0']", "button => button.parentElement.id"
    )  # the channel on which the weight lies is shown
    page.keyboard.type("7")
    x = channels_of(page, "input", 2)
    assert x[1, 1, 2] == -2.5
    page.wait_for_function("location.hash.includes('K=')")
    words = dict(part.split("=") for part in page.evaluate("location.hash.slice(1)").split("&"))
    weight = np.array(words["K"].split(","), float).reshape(2, 2, 2, 2)
    assert weight[1, 0, 1, 1] == 7
    assert np.array(words["V"].split(","), float).tolist() == x.ravel().tolist()
    again = explorer("&".join(f"{key}={value}" for key, value in words.items()))
    assert (outputs(again, 2) == conv2d(x, weight)).all()


@pytest.mark.parametrize("text", ["x", "", "1e3", "10000", "-", "0.12345", "1,5"])
def test_a_value_that_is_none_leaves_the_last(explorer, text):
    page = explorer("op=convolution&n=4x5&k=2x3")
    x = values(page, "input")
    cell(page, "input", 0, 0).click()
    page.fill("#explorer-value", text)
    assert "must be a number" in page.inner_text("#explorer-edit-error")
    assert page.get_attribute("#explorer-value", "aria-invalid") == "true"
    assert (values(page, "input") == x).all()
    page.fill("#explorer-value", "55")
    assert page.inner_text("#explorer-edit-error") == ""
    assert values(page, "input")[0, 0] == 55
    page.locator("#explorer-value").press("Escape")  # takes it back
    assert (values(page, "input") == x).all()


def test_weights_that_divide_stay_positive(explorer):
    page = explorer("op=weighted&n=4x4&k=2x2")
    cell(page, "weights", 0, 0).click()
    page.fill("#explorer-value", "-3")
    assert "greater than 0" in page.inner_text("#explorer-edit-error")
    page.fill("#explorer-value", "3")
    assert values(page, "weights")[0, 0] == 3
    page.select_option("[name=operator]", "convolution")
    cell(page, "weights", 0, 0).click()
    page.fill("#explorer-value", "-3")
    page.select_option("[name=operator]", "weighted")  # where it can't be
    assert error(page) is None
    assert (values(page, "weights") == 1).all()


def test_presets(explorer):
    page = explorer()
    cell(page, "weights", 0, 0).click()
    page.fill("#explorer-value", "50")
    page.select_option("[name=input_preset]", "edge")
    page.select_option("[name=kernel_preset]", "sobel")
    assert values(page, "weights").tolist() == [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
    move(page, "last")
    output = values(page, "output")
    assert (output[:, [0, -1]] == 0).all()
    assert output.max() == 36
    page.wait_for_function("location.hash.endsWith('in=edge&w=sobel&at=3,4')")
    move(page, "numbers")
    assert page.input_value("[name=kernel_preset]") == "random"


def test_a_picture_becomes_the_input(explorer):
    page = explorer("op=convolution&n=4x4&k=2x2")
    picture = (  # the left half white, the right half black
        '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40">'
        '<rect width="40" height="40"/><rect width="20" height="40" fill="white"/></svg>'
    )
    script = """async svg => {
      const image = new Image();
      image.src = "data:image/svg+xml," + encodeURIComponent(svg);
      await image.decode();
      const canvas = Object.assign(document.createElement("canvas"), {width: 40, height: 40});
      canvas.getContext("2d").drawImage(image, 0, 0);
      return canvas.toDataURL("image/png").split(",")[1];
    }"""
    data = base64.b64decode(page.evaluate(script, picture))
    file = {"name": "half.png", "mimeType": "image/png", "buffer": data}
    page.set_input_files("#explorer-picture", file)
    page.wait_for_function("document.querySelector('#explorer-shade').checked")
    x = values(page, "input")
    assert (x[:, 0] == 9).all()
    assert (x[:, 3] == 0).all()
    assert (np.diff(x) <= 0).all()  # between them it may be smoothed
    page.fill("[name=channels_in]", "3")
    data = base64.b64decode(page.evaluate(script, picture.replace("white", "red")))
    page.set_input_files("#explorer-picture", {**file, "name": "red.png", "buffer": data})
    page.wait_for_function("document.querySelectorAll('#explorer-input-channels button').length")
    red, *others = channels_of(page, "input", 3)
    assert (red[:, 0] == 9).all()
    assert (red[:, 3] == 0).all()
    assert not np.any(others)
    page.set_input_files("#explorer-picture", {**file, "buffer": b"no picture"})
    page.wait_for_selector("#explorer-error:not([hidden])")
    assert "no picture" in page.inner_text("#explorer-error")


@pytest.mark.parametrize("operator", OPERATORS)
def test_the_page_shows_convcores_gradients(explorer, module, operator):
    rng, page, shown = np.random.default_rng([2, OPERATORS.index(operator)]), explorer(), 0
    while shown < 4:
        settings = random_settings(rng, module.ranges, operator)
        if module.plan(settings) != FITS:
            continue
        shown += 1
        module.call("explorer_fill")
        x, shape = module.real("input", *input_shape(settings)), weight_shape(settings)
        weight = None if shape is None else module.real("weights", *shape)
        grad = module.real("gradient", *compute(settings, x, weight).shape)
        page.evaluate(FOLLOW, fragment(settings) + "&grad=1")
        assert fault(page) is None
        page.dispatch_event("[data-move=last]", "click")
        expected, weights = compute_back(settings, grad, x, weight)
        c, k, groups = channels(settings)
        if operator in GROUPED:  # the tables of the last output channel, one under the other
            of_last = weights[-1] if operator == "convolution" else weights[-(c // groups) :, -1]
            tables = np.array(page.evaluate(VALUES, "weights"), float)
            assert (tables == of_last.reshape(tables.shape)).all()
        # An input's channel takes the window to the outputs that see it: back to the last of all.
        for channel in range(c):
            page.dispatch_event("[data-move=last]", "click")
            last = page.locator(f"#explorer-input-channels .is-seen[data-channel='{channel}']")
            if c == 1 or last.count():
                if c > 1:
                    last.dispatch_event("click")
                assert values(page, "input") == pytest.approx(expected[channel], abs=1e-9)
        assert (channels_of(page, "output", k) == grad).all()


def test_gradients_gather_in_a_cell_and_in_a_weight(explorer):
    page = explorer("op=convolution&n=5x5&k=3x3&at=1,1")
    assert page.get_attribute("[data-move=gradient]", "aria-pressed") == "false"
    move(page, "gradient")
    assert current(page) == (1, 1)
    assert page.inner_text("#explorer-input-title") == "Gradient: input (5 × 5)"
    move(page, "last")
    gradients = values(page, "input")
    cell(page, "input", 2, 2).click()
    sentence = page.inner_text("#explorer-sentence")
    assert "sums the gradients of 9 outputs" in sentence
    assert sentence.endswith(f"= {gradients[2, 2]:g}.".replace("-", "−"))
    weights = values(page, "weights")
    cell(page, "weights", 0, 1).click()
    sentence = page.inner_text("#explorer-sentence")
    assert sentence.endswith(f"= {weights[0, 1]:g}.".replace("-", "−"))
    cell(page, "output", 0, 0).click()  # a gradient is changed like any value
    page.keyboard.type("9")
    assert values(page, "output")[0, 0] == 9
    page.wait_for_function("location.hash.includes('G=9,')")
    move(page, "gradient")
    assert page.inner_text("#explorer-input-title") == "Input (5 × 5)"
    assert LAYERS[0] == page.input_value("[name=operator]")
