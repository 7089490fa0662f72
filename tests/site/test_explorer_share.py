"""What a reader takes from the explorer: code, links, one file; and its words in each language."""

import contextlib
import html
import io
import re
from functools import partial

import numpy as np
import pytest

from tests.support.browser import Opened
from tests.support.explorer_module import FITS, OPERATORS, POOLS, channels, random_settings
from tests.support.explorer_page import (
    FOLLOW,
    READY,
    error,
    fault,
    fragment,
    module_of,
    move,
    opened,
    outputs,
    values,
)

LANGUAGES = "en", "zh_CN"
LOOKS = [
    "op=convolution&pad=same",
    "op=tiled&n=6x8&k=2x2&at=2,3",
    "op=local&n=5x5&grad=1",
    "op=transposed&n=3x3&s=2x2",
    "op=max&n=1x6&k=1x3&s=1x2&ceil=1&at=0,2",
    "op=average&pad=same",
    "op=l2",
    "op=weighted&n=6x6&k=3x3&pad=same",
    "n=3&k=5",
    "op=nothing&x=1&V=1&n=2&n=3&s=9&%ff",
    "op=max&n=4&k=2&pad=2,2,0,0",
    "op=transposed&n=16x3&s=5",
    "op=transposed&n=2&k=3&pad=2,3,0,0",
    "op=convolution&c=4&o=4&g=2&at=2,2,3",
    "op=tiled&c=3&o=2&grad=1&at=1,1,1&c=2&g=5",
    "op=transposed&c=3&o=2&g=2",
    "op=local&n=16&k=7&pad=full&c=4",
    "op=weighted&c=2&at=9,9,3",
]


@pytest.fixture(scope="module")
def module(site):
    return module_of(site)


@pytest.fixture
def explorer(open_page):
    return partial(opened, open_page)


@pytest.fixture
def bundles(site, tmp_path):
    """The explorer as one file, in each language."""
    import explorer as extension

    compiled = (site / "_static" / extension.COMPILED).read_text(encoding="utf-8")
    paths = {language: tmp_path / f"{language}.html" for language in LANGUAGES}
    for language, path in paths.items():
        path.write_text(extension.bundle(language, compiled), encoding="utf-8")
    return paths


@pytest.fixture
def open_bundle(browser, bundles):
    found = []

    def open_one(language, **options):
        found.append(Opened(browser, bundles[language].as_uri(), **options))
        found[-1].page.wait_for_selector(READY, state="attached")
        return found[-1]

    yield open_one
    for one in found:
        one.context.close()
    assert [fault for one in found for fault in one.faults] == []


@pytest.mark.parametrize(
    ("library", "needs"),
    [
        ("convcore", "convcore"),
        ("scipy", "scipy"),
        ("pytorch", "torch"),
        ("keras", "keras"),
        ("onnx", "onnx"),
    ],
)
def test_the_code_gives_the_output_that_is_shown(explorer, module, library, needs):
    pytest.importorskip(needs, reason="its code is run")
    page, rng = explorer(), np.random.default_rng(3)
    page.select_option("#explorer-library", library)
    ran = set()
    for operator in [name for name in OPERATORS for _ in range(5)]:
        settings = random_settings(rng, module.ranges, operator)
        while module.plan(settings) != FITS:
            settings = random_settings(rng, module.ranges, operator)
        page.evaluate(FOLLOW, fragment(settings))
        code = page.text_content("#explorer-code")
        if "has no operation" in code:
            continue
        count, names = module.fact("channels_out"), {}
        with contextlib.redirect_stdout(io.StringIO()):
            exec(code, names)
        shown, found = outputs(page, count), np.asarray(names["Z"])
        assert found.ndim == (2 if channels(settings)[:2] == (1, 1) else 3)
        assert np.allclose(shown, found.reshape(shown.shape), 1e-5, 1e-4), code
        ran.add(operator)
    assert ran >= {"convolution", "transposed", "max"}
    assert library not in ("convcore", "scipy") or ran == set(OPERATORS)


def test_the_code_of_convcore_gives_the_gradients(explorer):
    page = explorer()
    for operator in OPERATORS:
        for more in "", "&c=2&o=2", "&c=3&o=2":
            page.evaluate(FOLLOW, f"op={operator}&n=5x6&k=2x3&grad=1{more}")
            page.dispatch_event("[data-move=last]", "click")
            names = {}
            with contextlib.redirect_stdout(io.StringIO()):
                exec(page.text_content("#explorer-code"), names)
            found = np.reshape(names["dV"], (-1, 5, 6))
            channel = -1 if operator in POOLS else 0  # the one that is shown
            assert np.allclose(values(page, "input"), found[channel], 1e-9, 1e-9), operator


def test_links_and_frames(explorer):
    page = explorer("op=max&n=5x5&k=2x2")
    page.click("[data-copy=link]")  # a page that is a file may not write to the clipboard
    page.wait_for_function("document.querySelector('#explorer-copied').textContent")
    said = page.inner_text("#explorer-copied")
    assert said == "Copied." or said.endswith("explorer.html#op=max&n=5x5&k=2x2")
    page.evaluate("document.querySelector('#explorer-copied').textContent = ''")
    page.click("[data-copy=frame]")
    page.wait_for_function("document.querySelector('#explorer-copied').textContent")
    said = page.inner_text("#explorer-copied")
    assert said == "Copied." or 'explorer.html?embed#op=max&amp;n=5x5&amp;k=2x2" title=' in said


def test_embedded_it_is_alone(open_page):
    page = open_page("explorer.html?embed#op=max&n=5x5&k=2x2").page
    page.wait_for_selector(READY, state="attached")
    assert page.is_visible("#explorer-input")
    assert page.is_visible("#explorer-output")
    for gone in "header", "footer", "h1", "h2":
        assert not any(found.is_visible() for found in page.locator(gone).all()), gone


def test_the_saved_file_works_in_a_frame(explorer, browser, tmp_path):
    page = explorer("op=tiled&n=4x5&k=2x2&t=2x1&at=1,1")
    shown = values(page, "input")
    with page.expect_download() as saving:
        page.click("[data-copy=save]")
    path = tmp_path / "saved.html"
    saving.value.save_as(path)
    assert path.stat().st_size <= 300_000
    course = tmp_path / "course.html"
    text = html.escape(path.read_text(encoding="utf-8"))
    course.write_text(
        '<title>x</title><iframe src="saved.html" width="900" height="700"></iframe>'
        f'<iframe srcdoc="{text}"></iframe>',  # as notebooks do
        encoding="utf-8",
    )
    course_page = Opened(browser, course.as_uri())
    frame = course_page.page.frames[1]
    frame.wait_for_selector(READY, state="attached")
    assert (values(frame, "input") == shown).all()
    assert frame.locator("#explorer-output td.is-current").get_attribute("data-column") == "1"
    frame.click("[data-move=gradient]")
    assert frame.inner_text("#explorer-input-title") == "Gradient: input (4 × 5)"
    notebook = course_page.page.frames[2]
    notebook.wait_for_selector(READY, state="attached")
    notebook.click("[data-move=forward]")
    course_page.page.wait_for_timeout(300)  # after which the address would be written
    assert course_page.faults == []
    assert {url.split("/")[-1].split("#")[0] for url in course_page.requests} == {
        "course.html",
        "saved.html",
    }
    course_page.context.close()


SHAPE = """text => {
  const shape = (value) => typeof value === "function" ? value.length
    : typeof value === "object" ? Object.fromEntries(
        Object.keys(value).sort().map((key) => [key, shape(value[key])])) : typeof value;
  (0, eval)(text);
  return [shape(explorer.labels), shape(explorer.words)];
}"""


def test_each_language_has_the_same_words(explorer):
    import explorer as extension

    page = explorer()
    shapes = [
        page.evaluate(
            SHAPE,
            (extension.STATIC / extension.words_of(extension.PAGE, language)).read_text("utf-8"),
        )
        for language in LANGUAGES
    ]
    assert shapes[0] == shapes[1]
    assert len(shapes[0][0]) > 60


def test_the_chinese_page_has_no_english_sentences(open_bundle):
    """Names of libraries and of file formats, and the letters of formulas, are no sentences."""
    opened = open_bundle("zh_CN")
    page = opened.page
    for look in LOOKS:
        page.evaluate(FOLLOW, look)
        page.fill("[name=kernel_columns]", "9")
        for grid in "input", "output":
            page.locator(f"#explorer-{grid} td[tabindex]").first.click()
            text = page.evaluate(
                """() => {
                const root = document.querySelector("#explorer-root").cloneNode(true);
                for (const part of root.querySelectorAll("pre, noscript")) part.remove();
                const labels = [...root.querySelectorAll("[aria-label]")].map(
                  (part) => part.getAttribute("aria-label"));
                return [root.textContent, ...labels].join(" ");
              }"""
            )
            names = "convcore|PyTorch|Keras|SciPy|ONNX|WebAssembly|iframe|count_include_pad|max"
            plain = re.sub(r"“[^”]*”|" + names, " ", text)
            assert re.findall(r"[A-Za-z]{3,}", plain) == [], look


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_chinese(open_bundle, theme):
    pytest.importorskip("axe_playwright_python", reason="the page is examined by axe")
    opened = open_bundle("zh_CN", theme=theme)
    for look in "op=convolution&grad=1&at=1,1", "op=tiled&n=6x8&k=2x2&at=2,3":
        opened.page.evaluate(FOLLOW, look)
        opened.page.locator("#explorer-input td[tabindex]").first.click()
        assert opened.axe() == [], look


def test_the_first_view_is_small(open_page, site):
    """In bytes that are asked for: the page and what it loads, but for the search's index."""
    opened = open_page("explorer.html")
    opened.page.wait_for_selector(READY, state="attached")
    assert fault(opened.page) is error(opened.page) is None
    names = {
        url.removeprefix(site.as_uri() + "/").split("?")[0].split("#")[0] for url in opened.requests
    }
    own = [name for name in names if "explorer" in name]
    assert not any("mathjax" in name or "bundle" in name for name in names)
    assert sum((site / name).stat().st_size for name in own) < 300_000
    move(opened.page, "forward")
