"""Pages on paper: their colours and figures, and that what is lost is found."""

import pytest

from tests.support.pages import state_of
from tests.support.paper import WIDTH, lost, printed


@pytest.mark.parametrize(
    ("style", "fault"),
    [
        (
            ".bd-container, .bd-container__inner, .bd-main,"
            " .bd-content { display: flex !important }",
            "at the end: ",
        ),
        (".bd-content pre { white-space: pre !important }", "# "),
        ("mjx-container > svg { min-width: 50rem !important }", "too wide: "),
    ],
)
def test_what_is_lost_is_found(open_page, style, fault):
    page = open_page("learn/transposed.html", width=WIDTH).page
    state_of(page)
    assert lost(page) == []
    page.add_style_tag(content=f"@media print {{ {style} }}")
    assert any(fault in part for part in lost(page))


def test_a_dark_page_is_printed_in_light_colours(open_page):
    pytest.importorskip("pypdf", reason="what is printed is read by pypdf")
    page = open_page("learn/stacks.html", theme="dark").page
    page.evaluate("""() => addEventListener("beforeprint", () => {
        window.printed = document.documentElement.dataset.theme;
    })""")
    printed(page)
    assert page.evaluate("printed") == "light"
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_figures_that_nobody_scrolled_to_are_on_paper(open_page):
    """They load when they come near, and those of one theme; paper shows the light ones."""
    pytest.importorskip("pypdf", reason="what is printed is read by pypdf")
    page = open_page("learn/sizes.html", theme="dark").page
    state_of(page)
    light = "[...document.querySelectorAll('img.only-light')].map(image => image.naturalWidth)"
    assert 0 in page.evaluate(light)
    printed(page)
    assert 0 not in page.evaluate(light)
