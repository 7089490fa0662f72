"""What sphinx-gallery asks of us: the order of the examples and how their pictures look."""

import re
from pathlib import Path

import matplotlib.pyplot as plt
from drawing import rc

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
