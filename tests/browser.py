"""A page of the built site in the system's Chromium, and what goes wrong while it is open."""

from contextlib import contextmanager

# As root in a container; without the browser's own calls home.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--no-first-run"]


@contextmanager
def open_page(browser, path, *, width=1280, theme="light", query="", fragment="", script=None):
    """Open a file; yield the page and a list that fills with its troubles.

    Troubles are errors on the console, uncaught errors and requests to anything but files.
    `script` runs before those of the page.
    """
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=theme)
    page, trouble = context.new_page(), []
    page.on("console", lambda m: trouble.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith(("file:", "data:", "blob:"))
            else trouble.append(request.url))
    if script:
        page.add_init_script(script)
    address = path.as_uri() + (f"?{query}" if query else "") + (f"#{fragment}" if fragment else "")
    try:
        page.goto(address)
        yield page, trouble
    finally:
        context.close()


def faults_of_access(page):
    """Return what axe calls a serious or critical fault of accessibility, one line each."""
    from axe_playwright_python.sync_playwright import Axe

    # preload: axe would fetch style sheets, which no browser allows from a file.
    found = Axe().run(page, options={"preload": False}).response["violations"]
    return [f"{fault['id']}: {fault['nodes'][0]['html'][:200]}" for fault in found
            if fault["impact"] in ("serious", "critical")]
