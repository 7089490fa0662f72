"""The explorer's page as tests drive it: its settings, its numbers, what it says."""

import base64
import gzip
import re

import numpy as np
import pytest

from tests.support.explorer_module import (
    FITS,
    INPUTS,
    KERNELS,
    OPERATORS,
    PADDINGS,
    Module,
    both,
    compute,
    input_shape,
    weight_shape,
)

PAGE = "explorer.html"
READY = "#explorer-root[data-ready]"

FOLLOW = """fragment => new Promise(done => {
  addEventListener("hashchange", () => done(), {once: true});
  location.hash = fragment;
})"""
VALUES = """id => [...document.querySelectorAll(`#explorer-${id} tr`)]
  .map(row => [...row.querySelectorAll("td.is-cell")]
    .filter(cell => cell.dataset.value !== undefined).map(cell => Number(cell.dataset.value)))
  .filter(row => row.length)"""


def module_of(site):
    """Return the module of a built site, to be run without a browser."""
    pytest.importorskip("wasmtime", reason="the module is run by wasmtime")
    text = (site / "_static" / "explorer-wasm.js").read_text(encoding="utf-8")
    return Module(gzip.decompress(base64.b64decode(re.search(r'wasm = "([^"]+)"', text)[1])))


def opened(open_page, fragment="", **options):
    """Open the explorer, with settings or without, and return the playwright page."""
    page = open_page(f"{PAGE}#{fragment}" if fragment else PAGE, **options).page
    page.wait_for_selector(READY, state="attached")
    return page


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
        f"&c={settings['channels_in']}&o={settings['channels_out']}&g={settings['groups']}"
        f"&in={INPUTS[settings['input_preset']]}&w={KERNELS[settings['kernel_preset']]}"
    )


def values(page, what):
    return np.array(page.evaluate(VALUES, what), float)


def show_channel(page, what, channel):
    """Press the button of a channel of the input or the output."""
    page.dispatch_event(f"#explorer-{what}-channels [data-channel='{channel}']", "click")


def channels_of(page, what, count):
    """Return the values of each channel, shown one by one by its button."""
    found = []
    for channel in range(count):
        if count > 1:
            show_channel(page, what, channel)
        found.append(values(page, what))
    return np.array(found)


def outputs(page, count):
    """Return all outputs: of each channel, with the window at its last one."""
    page.dispatch_event("[data-move=last]", "click")  # it may be the only one
    return channels_of(page, "output", count)


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
        "input_preset": INPUTS.index(settings["input_preset"]),
        "kernel_preset": KERNELS.index(settings.get("kernel_preset", "random")),
        "gradient": 0,
    }


def is_at_work(page, module, seed):
    """Check that the page shows what the form says, and that its controls work."""
    assert error(page) is None
    settings = {**in_form(page), "seed": seed}
    for name, (least, most) in module.ranges.items():
        assert least <= settings[name] <= most
    assert module.plan(settings) == FITS
    module.call("explorer_fill")
    x, shape = module.real("input", *input_shape(settings)), weight_shape(settings)
    weight = None if shape is None else module.real("weights", *shape)
    count = module.fact("channels_out")
    assert (outputs(page, count) == compute(settings, x, weight)).all(), settings
    assert (channels_of(page, "input", len(x)) == x).all()
    move(page, "numbers")
    settings.update(seed=seed + 1 if seed < 9999 else 0, input_preset=0, kernel_preset=0)
    assert module.plan(settings) == FITS
    module.call("explorer_fill")
    x = module.real("input", *input_shape(settings))
    assert (channels_of(page, "input", len(x)) == x).all()


def current(page):
    cell = page.locator("#explorer-output td.is-current")
    return int(cell.get_attribute("data-row")), int(cell.get_attribute("data-column"))
