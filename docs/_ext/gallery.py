"""What sphinx-gallery asks of us: the order of the examples and how their pictures look."""

import re
from pathlib import Path

import matplotlib.pyplot as plt
from drawing import rc
from pictures import fewer_colours
from PIL import Image

LARGE = 100_000  # bytes of a picture
EXAMPLES = Path(__file__).parents[2] / "examples"


def order(filename):
    """Sort the examples as the table in examples/README.md lists them."""
    listed = re.findall(r"^\| `(\w+\.py)` \|", (EXAMPLES / "README.md").read_text("utf-8"), re.M)
    return listed.index(Path(filename).name)


before = set()
WRITTEN = {".safetensors", ".png"}


def tidy(gallery_conf, filename, when):
    """Remove what an example has written beside itself: it is run in the sources' folder."""
    if when == "before":
        before.update(EXAMPLES.iterdir())
    else:
        for path in set(EXAMPLES.iterdir()) - before:
            if path.suffix in WRITTEN:  # a script that is being added meanwhile stays
                path.unlink()


def shrink(app):
    """Reduce the gallery's pictures to 256 colours: a photograph is then a third as large."""
    for path in Path(app.srcdir, "gallery", "images").glob("*.png"):
        if path.stat().st_size > LARGE:
            with Image.open(path) as image:
                fewer_colours(image).save(path, optimize=True)


def setup(app):
    """Register with Sphinx: pictures are there once the examples have been run."""
    app.connect("builder-inited", shrink, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def style(gallery_conf, filename, when):
    """Set matplotlib's defaults before each example: the site's light theme, on paper.

    Photographs are drawn once, not once a theme, so the paper is part of the picture.
    """
    plt.rcdefaults()
    plt.rcParams.update(rc("light"))
    plt.rcParams.update(
        {
            "figure.facecolor": "white",
            "savefig.facecolor": "white",
            "figure.constrained_layout.use": True,
            "image.cmap": "gray",
            "image.interpolation": "none",
            "savefig.bbox": "tight",
            "savefig.pad_inches": 0.12,
        }
    )
