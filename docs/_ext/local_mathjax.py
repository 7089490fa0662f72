"""MathJax from an installed package: one file is copied into the site, none is downloaded.

The package ``sphinx-mathjax-offline`` carries all of MathJax 3. Used as an extension it would copy
24 MB into every build; ``tex-svg.js`` alone (2.1 MB) needs no fonts and loads nothing further.
"""

import shutil
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from sphinx.errors import ExtensionError

DISTRIBUTION = "sphinx-mathjax-offline"
NAME = "tex-svg.js"
TARGET = f"mathjax/{NAME}"


def installed_mathjax():
    """Return the path of ``tex-svg.js`` in the installed package."""
    try:
        names = files(DISTRIBUTION) or []
    except PackageNotFoundError:
        names = []
    for name in names:
        if name.name == NAME:
            return Path(name.locate())
    raise ExtensionError(f"no {NAME} found: the docs need the package {DISTRIBUTION}")


def configure(app, config):
    """Point ``sphinx.ext.mathjax`` at the local file; its default is a content network."""
    config.mathjax_path = TARGET
    # The menu offers a zoom and a speech engine that would be loaded from elsewhere.
    config.mathjax3_config = {"options": {"enableMenu": False}}


def copy(app):
    """Put the file among the static files before any page is written (its checksum is used)."""
    if app.builder.format == "html":
        target = Path(app.outdir, "_static", TARGET)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(installed_mathjax(), target)


def setup(app):
    """Register with Sphinx."""
    app.connect("config-inited", configure)
    app.connect("builder-inited", copy)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
