"""The stack of layers in a browser: its arithmetic is convcore's, its link and its picture work."""

import re

import numpy as np
import pytest

from convcore import matrix
from convcore.geometry import Layer, count, receptive_field

PAGE = "stack.html"
READY = "#stack-root[data-ready]"
KINDS = "conv", "max", "average", "transposed"
STACKS = 300

ANALYSE = """([stacks, units]) => stacks.map((settings, i) => {
  const found = stack.analyse(settings);
  if (found.fault) return { layer: found.fault.layer };
  const unit = units[i] % found.maps.at(-1).n;
  return { rows: found.rows, unit, cells: stack.trace(found, settings.layers.length - 1, unit)[0] };
})"""


@pytest.fixture
def open_stack(open_page):
    def open_one(fragment="", **options):
        opened = open_page(f"{PAGE}#{fragment}" if fragment else PAGE, **options)
        opened.page.wait_for_selector(READY, state="attached")
        return opened

    return open_one


def random_layer(rng):
    return {
        "kind": str(rng.choice(KINDS, p=[0.5, 0.15, 0.15, 0.2])),
        "kernel": int(rng.integers(1, 6)),
        "stride": int(rng.integers(1, 4)),
        "dilation": int(rng.integers(1, 4)),
        "padding": int(rng.integers(0, 4)),
        "channels": int(rng.integers(1, 20)),
    }


def layer_of(one, channels):
    """Return convcore's description of a layer, and its output channels."""
    options = {name: one[name] for name in ("stride", "dilation", "padding")}
    square = (one["kernel"], one["kernel"])
    if one["kind"] == "conv":
        out = one["channels"]
        return Layer("conv2d", (out, channels, *square), (out,), **options), out
    if one["kind"] == "transposed":
        out = one["channels"]
        return Layer("conv_transpose2d", (channels, out, *square), (out,), **options), out
    operator = {"max": "max_pool2d", "average": "avg_pool2d"}[one["kind"]]
    return Layer(operator, kernel_size=square, **options), channels


def matrix_of(one, n):
    """Return the matrix of a layer with weights of one, along one axis: what depends on what."""
    options = {name: one[name] for name in ("stride", "dilation", "padding")}
    ones = np.ones((1, 1, one["kernel"]))
    make = matrix.conv_transpose_matrix if one["kind"] == "transposed" else matrix.conv_matrix
    return make(ones, (1, n), **options).toarray()


def expected(settings):
    """Return (rows, who depends on whom) by convcore, or the number of the layer it refuses."""
    layers, rows = [], []
    channels, n, reach = settings["channels"], settings["n"], np.eye(settings["n"])
    for number, one in enumerate(settings["layers"]):
        layer, out = layer_of(one, channels)
        try:
            counted = count(layer, (channels, n, n))
        except ValueError:
            return number
        reach = matrix_of(one, n) @ reach > 0
        layers.append(layer)
        try:
            field = receptive_field(layers, (settings["channels"], settings["n"], settings["n"]))[
                -1
            ]
        except ValueError:
            field = None  # outputs see different numbers of cells
        n, channels = len(reach), out
        rows.append((n, channels, counted, field))
    return rows, reach


def test_numbers_are_convcores(open_stack):
    rng = np.random.default_rng(20)
    stacks, refused, uneven = [], 0, 0
    for _ in range(STACKS):
        layers = [random_layer(rng) for _ in range(rng.integers(1, 7))]
        n, channels = int(rng.integers(8, 65)), int(rng.integers(1, 5))
        stacks.append({"n": n, "channels": channels, "layers": layers})
    units = rng.integers(0, 1000, STACKS).tolist()
    results = open_stack().page.evaluate(ANALYSE, [stacks, units])
    for settings, result in zip(stacks, results, strict=True):
        found = expected(settings)
        if isinstance(found, int):
            assert result.get("layer") == found, settings
            refused += 1
            continue
        rows, reach = found
        for row, (n, channels, counted, field) in zip(result["rows"], rows, strict=True):
            assert (row["n"], row["channels"]) == (n, channels), settings
            assert row["parameters"] == counted.parameters
            assert row["multiplyAdds"] == counted.multiply_adds
            if field:
                assert row["field"] == [field.size[0]] * 2, settings
                assert row["jump"] == [field.jump[0], 1]
            else:
                uneven += 1
        assert result["cells"] == np.nonzero(reach[result["unit"]])[0].tolist(), settings
        assert max(map(extent, reach)) <= result["rows"][-1]["field"][1]
    assert refused > 30
    assert STACKS - refused > 100
    assert uneven > 30


def test_uneven_fields_are_those_of_the_outputs_inside(open_stack):
    """Behind transposed layers with a stride: the extents of outputs far from the borders."""
    rng, stacks = np.random.default_rng(7), []
    while len(stacks) < 30:
        layers = [random_layer(rng) | {"padding": 0, "dilation": 1} for _ in range(3)]
        layers[0]["kind"] = "conv"
        layers[1] |= {"kind": "transposed", "stride": 2, "kernel": int(rng.integers(2, 5))}
        settings = {"n": 128, "channels": 1, "layers": layers}
        if not isinstance(expected(settings), int):
            stacks.append(settings)
    results = open_stack().page.evaluate(ANALYSE, [stacks, [0] * len(stacks)])
    for settings, result in zip(stacks, results, strict=True):
        reach = expected(settings)[1]
        third = len(reach) // 3
        seen = [extent(line) for line in reach[third : 2 * third]]
        assert result["rows"][-1]["field"] == [min(seen), max(seen)], settings


def extent(line):
    """Return the cells from the first to the last that is true."""
    (cells,) = np.nonzero(line)
    return int(np.ptp(cells)) + 1 if len(cells) else 0


def results(page, name):
    return page.locator(f"[data-result={name}]").all_inner_texts()


def test_presets_show_what_the_papers_say(open_stack):
    page = open_stack().page
    assert results(page, "size")[-2:] == ["120 \u00d7 1 \u00d7 1", "84 \u00d7 1 \u00d7 1"]
    assert results(page, "field")[-1] == "32 \u00d7 32"
    page.click("#stack-presets button >> nth=1")
    assert results(page, "field")[-1] == "16 \u00d7 16"
    assert results(page, "parameters")[0] == "1,792"
    page.click("#stack-presets button >> nth=2")
    assert "depends on 32 cells" in page.inner_text("#stack-sentence")
    page.click("#stack-presets button >> nth=3")
    assert results(page, "jump") == ["2", "4", "4", "2", "1"]
    assert " to " in results(page, "field")[-1]


def test_settings_are_kept_in_the_link(open_stack):
    page = open_stack("n=20&c=2&layers=conv:3:1:2:0:8,max:2:2:1:0&at=1:5").page
    assert results(page, "size") == ["8 \u00d7 16 \u00d7 16", "8 \u00d7 8 \u00d7 8"]
    assert "Unit 5 of layer 1 depends on 3 cells" in page.inner_text("#stack-sentence")
    page.fill("[data-name=kernel1]", "4")
    assert page.evaluate("document.activeElement.dataset.name") == "kernel1"
    page.select_option("#stack-pick select", "2")
    page.fill("#stack-pick input", "3")
    page.wait_for_function("location.hash === '#n=20&c=2&layers=conv:4:1:2:0:8,max:2:2:1:0&at=2:3'")
    page.click("text=Add a layer")
    assert page.evaluate("document.activeElement.dataset.name") == "kind3"
    page.click("[aria-label='Remove layer 1']")
    assert len(results(page, "size")) == 2


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("kernel1", "9", "Layer 1: the kernel does not fit. It spans 9 cells; its map has 8 cells"),
        ("padding2", "3", "Layer 2: window 0 holds padding only"),
        ("padding3", "8", "Layer 3: the padding leaves no output"),
        ("stride1", "", "Layer 1: stride must be from 1 to 4."),
        ("n0", "999", "Input: rows and columns must be from 1 to 256."),
    ],
)
def test_wrong_numbers_are_told(open_stack, name, text, words):
    page = open_stack("n=8&c=1&layers=conv:3:1:1:0:4,max:2:2:1:0,transposed:2:2:1:0:1&at=2:0").page
    before = page.inner_html("#stack-picture")
    page.fill(f"[data-name={name}]", text)
    assert words in page.inner_text("#stack-fault")
    assert page.inner_html("#stack-picture") == before
    page.fill(f"[data-name={name}]", {"n0": "8"}.get(name, "1"))
    assert not page.is_visible("#stack-fault")


@pytest.mark.parametrize(
    "fragment",
    ["n=0&c=1&layers=conv:3:1:1:0:4", "n=8", "n=8&c=1&layers=conv:9:1:1:0:4", "n=8&c=1&layers=x:1",
     "n=8&c=1&layers=max:2:2:1", "n=%&c=="],
)  # fmt: skip
def test_a_wrong_link_shows_the_first_preset(open_stack, fragment):
    page = open_stack(fragment).page
    assert "describes no stack" in page.inner_text("#stack-fault")
    assert len(results(page, "size")) == 6


def test_a_click_picks_a_unit(open_stack):
    page = open_stack("n=12&c=1&layers=conv:3:1:1:0:4&at=1:0").page
    row = page.locator(".stack-target").nth(1).bounding_box()
    page.mouse.click(row["x"] + row["width"] / 2, row["y"] + 10)
    chosen = int(re.search(r"Unit (\d+) of layer 1", page.inner_text("#stack-sentence"))[1])
    assert 3 <= chosen <= 6
    assert page.input_value("#stack-pick input") == str(chosen)


def test_the_links_of_the_page_are_sound(open_stack, site):
    text = (site / PAGE).read_text(encoding="utf-8")
    links = re.findall(r'href="#(n=[^"]*)"', text)
    assert len(links) == 5
    opened = open_stack()
    for link in links:
        opened.page.evaluate("link => { location.hash = link; }", link.replace("&amp;", "&"))
        opened.page.wait_for_timeout(20)
        assert not opened.page.is_visible("#stack-fault"), link
        assert len(results(opened.page, "size")) == link.count(",") + 1


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(open_stack, theme):
    pytest.importorskip("axe_playwright_python", reason="the page is examined by axe")
    opened = open_stack(theme=theme)
    assert opened.axe(within=["#stack-root"]) == []
    opened.page.fill("[data-name=kernel1]", "0")
    assert opened.axe(within=["#stack-root"]) == []


@pytest.mark.parametrize("width", [380, 1280])
def test_the_page_is_no_wider_than_the_window(open_stack, width):
    opened = open_stack(width=width)
    for preset in range(4):
        opened.page.click(f"#stack-presets button >> nth={preset}")
        assert opened.overflow() <= 0
