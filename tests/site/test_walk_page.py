"""The walk in a browser: drawing, the answer, and the way in and out by keys."""

import re

import pytest

from tests.support.walk_module import ROOT

PAGE = "walk.html"
READY = "#walk-root[data-ready]"
FIRST_VIEW = 500_000  # bytes that the page's own files may have


@pytest.fixture
def walk(open_page):
    def open_one(**options):
        opened = open_page(PAGE, **options)
        opened.page.wait_for_selector(READY, state="attached")
        return opened

    return open_one


def frame(page):
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))")


def verdict(page):
    frame(page)
    return page.inner_text("#walk-verdict")


def test_each_example_is_read(walk):
    page = walk().page
    for digit in range(10):
        page.click(f".walk-examples button >> nth={digit}")
        assert verdict(page).startswith(f"The network reads a {digit},"), verdict(page)
        first = page.locator("#walk-answer tr.is-first th").all_inner_texts()
        assert first == [str(digit)]
    page.click("#walk-pad > button")
    assert verdict(page).startswith("Nothing is drawn yet")


def test_mouse_and_touch_draw(walk):
    page = walk().page
    page.click("#walk-pad > button")
    box = page.locator("#walk-pad canvas").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"]
    page.mouse.move(x, y + 30)
    page.mouse.down()
    page.mouse.move(x, y + 190, steps=8)
    page.mouse.up()
    page.mouse.move(x + 60, y + 60)  # the pen is up
    assert verdict(page).startswith("The network reads a 1,")


def test_keys_draw(walk):
    page = walk().page
    page.focus("#walk-pad canvas")
    page.keyboard.press("Delete")
    for _ in range(10):
        page.keyboard.press("ArrowUp")
    page.keyboard.press(" ")
    for _ in range(20):
        page.keyboard.press("ArrowDown")
    page.keyboard.press(" ")
    page.keyboard.press("ArrowLeft")  # the pen is up
    assert verdict(page).startswith("The network reads a 1,")


def test_the_walk_by_keys(walk):
    """From the network to a multiply-add and back, the focus with it, in C3 by its table."""
    page = walk().page
    page.focus(".walk-layer[data-layer=C3]")

    def path():
        return page.locator("#walk-path button").all_inner_texts()

    def focused():
        return page.evaluate("document.activeElement.textContent")

    page.keyboard.press("Enter")
    assert path() == ["Network", "C3"]
    assert page.locator(".walk-table td.is-on").count() == 60
    assert focused() == "map 0"
    page.keyboard.press("Enter")
    assert path() == ["Network", "C3", "map 0"]
    assert "sees maps 0, 1 and 2 of S2" in page.inner_text("#walk-sentence")
    for key in "ArrowRight", "ArrowDown":
        page.keyboard.press(key)
    assert "Output (1, 1) is" in page.inner_text("#walk-sentence")
    page.keyboard.press("Enter")
    assert path()[-1] == "output (1, 1)"
    assert page.locator("figure figcaption:text-matches('S2, map')").all_inner_texts() == [
        "S2, map 0", "S2, map 1", "S2, map 2",
    ]  # fmt: skip
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert path()[-1] == "multiply-add 2"
    page.keyboard.press("ArrowDown")
    assert path()[-1] == "multiply-add 3"
    rows = page.locator(".walk-terms tr[data-term]")
    assert rows.count() == 75
    assert page.locator("tr[aria-current] td").first.inner_text() == "3"
    sentence = page.inner_text("#walk-sentence").replace("\u2212", "-")
    numbers = [float(n) for n in re.findall(r"-?\d+\.\d+", sentence)]
    value, weight, product, before, after = numbers
    assert value * weight == pytest.approx(product, abs=2e-3)
    assert before + product == pytest.approx(after, abs=2e-4)
    for back in ["output (1, 1)", "map 0", "C3", "Network"]:
        page.keyboard.press("Escape")
        assert path()[-1] == back
    assert page.evaluate("document.activeElement.dataset.layer") == "C3"


def test_units_have_no_map(walk):
    page = walk().page
    page.click(".walk-layer[data-layer=F6]")
    page.locator("#walk-stage td").nth(5).click()
    assert page.locator("#walk-path button").all_inner_texts() == ["Network", "F6", "unit 5"]
    assert page.locator("#walk-stage td").count() == 120
    page.locator("#walk-stage td").nth(7).click()
    assert page.locator("tr[aria-current] td").nth(1).inner_text() == "unit 7"
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.firstChild.textContent") == "5"


STEPS = [
    [],
    [".walk-layer[data-layer=C3]"],
    [".walk-layer[data-layer=C3]", ".walk-map >> nth=2"],
    [".walk-layer[data-layer=C3]", ".walk-map >> nth=15", ".is-map td >> nth=44"],
    [".walk-layer[data-layer=C3]", ".walk-map >> nth=15", ".is-map td >> nth=44",
     ".is-window td >> nth=30"],
    [".walk-layer[data-layer=output]"],
]  # fmt: skip


def visit(page, steps):
    page.click("#walk-path button >> nth=0")
    for step in steps:
        page.click(step)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(walk, theme):
    pytest.importorskip("axe_playwright_python", reason="the page is examined by axe")
    opened = walk(theme=theme)
    assert opened.axe(within=["#walk-root"]) == []
    for steps in STEPS[1:5:2]:
        visit(opened.page, steps)
        assert opened.axe(within=["#walk-root"]) == [], steps


@pytest.mark.parametrize("width", [380, 1280])
def test_the_page_is_no_wider_than_the_window(walk, width):
    opened = walk(width=width)
    for steps in STEPS:
        visit(opened.page, steps)
        assert opened.overflow() <= 0, steps


def test_its_own_files_are_small(walk, site):
    opened = walk()
    own = {url for url in opened.requests if re.search(r"_static/(walk|stack)", url)}
    assert len(own) == 7
    sizes = [
        (site / "_static" / re.search(r"_static/([^?]*)", url)[1]).stat().st_size for url in own
    ]
    assert sum(sizes) < FIRST_VIEW


def test_without_scripts_the_page_says_so(open_page):
    page = open_page(PAGE, java_script_enabled=False).page
    assert "needs JavaScript" in page.inner_text(".walk-none")
    assert not page.is_visible("#walk-root")


def test_without_webassembly_the_page_says_so(open_page):
    page = open_page(PAGE, script="delete window.WebAssembly").page
    assert "WebAssembly" in page.inner_text(".walk-none")
    assert not page.is_visible("#walk-root")


@pytest.mark.parametrize("page", ["walk", "stack"])
def test_each_language_has_the_same_words(page):
    keys = []
    for path in sorted((ROOT / "docs/_static").glob(f"{page}-words.*.js")):
        words = path.read_text(encoding="utf-8").split(f"{page}.words = {{")[1]
        keys.append(re.findall(r"^    (\w+): ", words, re.MULTILINE))
    assert len(keys) == 2
    assert keys[0] == keys[1]
