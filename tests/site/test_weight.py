"""What a page makes the browser fetch, measured by a server of files, and its large figures."""

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.support.browser import Opened
from tests.support.pages import PHONE, state_of

MOST = 1_500_000  # bytes of a page when it is opened, without compression
PAGES = [
    "index.html",
    "explorer.html",
    "search.html?q=pooling",
    "learn/convolution.html",
    "learn/pooling.html",
    "learn/coverage.html",
    "reference/index.html",
    "gallery/edges.html",
]


class Quiet(SimpleHTTPRequestHandler):
    """Serves files, and counts what it has sent of their contents."""

    def log_message(self, *_):
        """Keep what is served out of the tests' output."""

    def copyfile(self, source, outputfile):
        """Send a file."""
        content = source.read()
        self.server.sent[self.path.partition("?")[0]] = len(content)
        outputfile.write(content)


@pytest.fixture(scope="module")
def served(site):
    """Return a server of the site."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site)))
    server.sent = {}
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_below_its_weight(browser, served, site, name):
    if not (site / name.partition("?")[0]).is_file():
        pytest.skip(f"the site has no {name}")
    served.sent.clear()
    opened = Opened(browser, f"http://127.0.0.1:{served.server_port}/{name}")
    state_of(opened.page)
    opened.page.wait_for_load_state("networkidle")
    opened.context.close()
    heaviest = sorted(served.sent.items(), key=lambda one: -one[1])[:8]
    assert sum(served.sent.values()) < MOST, (sum(served.sent.values()), heaviest)


def test_drawings_of_photographs_are_small(site):
    """Each is of 256 colours; one of all colours has up to 850 kB."""
    sizes = {path.name: path.stat().st_size for path in (site / "_images").glob("*_draw.svg")}
    assert len(sizes) > 80
    assert {name: size for name, size in sizes.items() if size > 400_000} == {}


@pytest.mark.parametrize(("theme", "other"), [("light", "dark"), ("dark", "light")])
def test_one_theme_s_figures_are_fetched_and_leave_their_room_before(open_page, theme, other):
    opened = open_page("learn/stacks.html", theme=theme)
    page = opened.page
    state_of(page)
    height = page.evaluate("document.documentElement.scrollHeight")
    page.evaluate("""async () => {
        for (const image of document.querySelectorAll(".bd-article img")) {
            if (!image.checkVisibility()) continue;
            image.scrollIntoView();
            await image.decode();
        }
    }""")
    assert page.evaluate("document.documentElement.scrollHeight") == height
    drawn = [url for url in opened.requests if url.endswith("_draw.svg")]
    assert len(drawn) > 1
    assert all(f"-{theme}_" in url for url in drawn)
    assert not any(f"-{other}_" in url for url in drawn)


def test_a_figure_opens_large_by_the_keyboard(open_page):
    page = open_page("learn/transposed.html", width=PHONE).page
    state_of(page)
    figure = page.locator(".zoom-open").locator("visible=true").first
    shown = figure.locator("img").bounding_box()["width"]
    figure.focus()
    page.keyboard.press("Enter")
    large = page.locator("dialog.zoom[open] img")
    large.wait_for()
    assert shown <= PHONE
    assert large.bounding_box()["width"] > 2 * shown  # and its text likewise
    assert large.get_attribute("alt") == figure.locator("img").get_attribute("alt")
    page.keyboard.press("Escape")
    assert page.locator("dialog.zoom[open]").count() == 0
    assert page.evaluate("document.activeElement.className") == "zoom-open"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_large_figure_is_accessible(open_page, theme):
    opened = open_page("learn/transposed.html", theme=theme)
    state_of(opened.page)
    opened.page.locator(".zoom-open").locator("visible=true").first.click()
    assert opened.axe(within=("dialog.zoom",)) == []
    opened.page.get_by_role("button", name="Close").click()
    assert opened.page.locator("dialog.zoom[open]").count() == 0
