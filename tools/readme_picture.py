"""Write the README's picture, ``docs/_static/overview.png``: the figure of the site's first page.

    python -m tools.readme_picture

Needs the extra ``docs``. Paper is white: a README has one picture for both themes.
"""

import io
import sys
from pathlib import Path

import matplotlib as mpl
from PIL import Image

DOCS = Path(__file__).parents[1] / "docs"


def main():
    """Draw, reduce to 128 colours, write."""
    sys.path[:0] = [str(DOCS / "_ext"), str(DOCS / "figures")]
    import drawing
    import overview

    mpl.use("Agg")
    mpl.rcParams.update(drawing.rc("light"))
    with io.BytesIO() as file:
        overview.draw().savefig(file, dpi=120, facecolor="white")
        picture = Image.open(file).convert("RGB").quantize(128, dither=Image.Dither.NONE)
    picture.save(DOCS / "_static" / "overview.png", optimize=True)


if __name__ == "__main__":
    main()
