"""Pictures of pages: the browser fetches them when they come near, and leaves their room before.

Every ``<img>`` of a page gets ``loading="lazy"``: what lies far below is fetched on the way there,
and of a drawing's two versions the hidden one never. A picture that comes late must not move the
text, or a link to a section would end beside it: so each also gets its width and height.

Photographs within drawings get 256 colours: that makes them a third as large.
"""

import base64
import io
import re
from pathlib import Path
from urllib.parse import unquote

from PIL import Image

TAG = re.compile(r"<img\b[^>]*>")
SOURCE = re.compile(r'\bsrc="([^"]+)"')
SVG_SIZE = re.compile(r'<svg\b[^>]*?\bwidth="([\d.]+)(pt|px|)" height="([\d.]+)\2"')
PHOTOGRAPH = re.compile(r"(?<=data:image/png;base64,)\s*([^\"]+)")
SMALL = 20_000  # letters of a photograph in a drawing that may stay as it is
PIXELS = {"pt": 96 / 72, "px": 1, "": 1}


def size(path):
    """Return the width and height of a picture in pixels, or None if its file doesn't say."""
    if path.suffix == ".svg":
        with path.open(encoding="utf-8") as file:
            found = SVG_SIZE.search(file.read(2000))
        return found and tuple(round(float(found[i]) * PIXELS[found[2]]) for i in (1, 3))
    with Image.open(path) as image:
        return image.size


def fewer_colours(image):
    """Return an image with 256 colours; one with transparent parts is returned as it is."""
    if image.mode == "P" or (image.mode == "RGBA" and image.getextrema()[3][0] < 255):
        return image
    return image.convert("RGB").quantize(256)


def smaller(found):
    """Return a photograph of a drawing with fewer colours, in base64."""
    if len(found[1]) < SMALL:
        return found[0]
    written = io.BytesIO()
    with Image.open(io.BytesIO(base64.b64decode(found[1]))) as image:
        fewer_colours(image).save(written, "png", optimize=True)
    text = base64.b64encode(written.getvalue()).decode()
    return min(text, found[0], key=len)


def shrink(app, error):
    """Make the drawings of the site smaller that hold photographs."""
    if error or app.builder.format != "html":
        return
    for path in Path(app.outdir, "_images").glob("*_draw.svg"):
        text = path.read_text(encoding="utf-8")
        if (less := PHOTOGRAPH.sub(smaller, text)) != text:
            path.write_text(less, encoding="utf-8")


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
    app.connect("build-finished", shrink)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
