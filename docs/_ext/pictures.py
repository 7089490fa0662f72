"""Pictures of pages: the browser fetches them when they come near, and leaves their room before.

Every ``<img>`` of a page gets ``loading="lazy"``: what lies far below is fetched on the way there,
and of a drawing's two versions the hidden one never. A picture that comes late must not move the
text, or a link to a section would end beside it: so each also gets its width and height.
"""

import re
from pathlib import Path
from urllib.parse import unquote

from PIL import Image

TAG = re.compile(r"<img\b[^>]*>")
SOURCE = re.compile(r'\bsrc="([^"]+)"')
SVG_SIZE = re.compile(r'<svg\b[^>]*?\bwidth="([\d.]+)(pt|px|)" height="([\d.]+)\2"')
PIXELS = {"pt": 96 / 72, "px": 1, "": 1}


def size(path):
    """Return the width and height of a picture in pixels, or None if its file doesn't say."""
    if path.suffix == ".svg":
        with path.open(encoding="utf-8") as file:
            found = SVG_SIZE.search(file.read(2000))
        return found and tuple(round(float(found[i]) * PIXELS[found[2]]) for i in (1, 3))
    with Image.open(path) as image:
        return image.size


class Pictures:
    """The files of a build's pictures by their names in the site."""

    def __init__(self, app):
        self.app = app
        self.sources = {name: Path(app.srcdir, path) for path, name in app.builder.images.items()}

    def file(self, address):
        """Return the file of an address on a page, or None."""
        name = unquote(address.split("/")[-1])
        places = [self.sources.get(name), Path(self.app.outdir, "_images", name)]
        return next((place for place in places if place and place.is_file()), None)

    def tag(self, found):
        """Return a picture's tag with what it lacks."""
        tag, more = found[0], ""
        if "loading=" not in tag:
            more = ' loading="lazy"'
        file = self.file(SOURCE.search(tag)[1])
        if file and not re.search(r"\b(width|height)\s*[=:]", tag) and (known := size(file)):
            more += f' width="{known[0]}" height="{known[1]}"'
        return tag[:4] + more + tag[4:]


def lighten(app, pagename, templatename, context, doctree):
    """Complete the pictures of one page."""
    if "body" in context:
        context["body"] = TAG.sub(Pictures(app).tag, context["body"])


def setup(app):
    """Register with Sphinx."""
    app.connect("html-page-context", lighten)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
