"""Pages in the system's browser: opened as files, with everything noted that goes wrong."""

import shutil

PROGRAMS = ("chromium-headless-shell", "chromium")  # without windows it takes half as long
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def executable():
    """Return the path of Chromium, or None."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


class Opened:
    """A page in a context of its own; `faults` are its errors, `requests` what it asked for."""

    def __init__(self, browser, address, width=1280, theme="light", script=None, **context):
        self.context = browser.new_context(
            viewport={"width": width, "height": 1000}, color_scheme=theme, **context
        )
        self.page = self.context.new_page()
        self.faults, self.requests = [], []
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        if script:
            self.page.add_init_script(script)
        self.page.goto(address)

    def _note(self, message):
        if message.type in ("error", "warning"):
            self.faults.append(message.text)

    def overflow(self):
        """Return by how many pixels the page is wider than the window."""
        return self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")

    def axe(self, *rules, within=(), leave_out=()):
        """Return what axe finds that is serious or critical, as (rule, elements).

        By all rules or by some, on the whole page, or within and without elements of selectors.
        """
        from axe_playwright_python.sync_playwright import Axe

        # Preloading would ask for style sheets by scripts, which files are not allowed to.
        options = {"preload": False, "resultTypes": ["violations"]}
        if rules:
            options["runOnly"] = list(rules)
        context = {
            word: [[selector] for selector in selectors]
            for word, selectors in (("include", within), ("exclude", leave_out))
            if selectors
        }
        found = (
            Axe().run(self.page, context=context or None, options=options).response["violations"]
        )
        return [
            (rule["id"], [node["target"] for node in rule["nodes"]])
            for rule in found
            if rule["impact"] in ("serious", "critical")
        ]
