"""The ``drawing`` directive: a figure drawn by a script of ours, once for each colour theme.

.. code-block:: rst

   .. drawing:: figures/example.py
      :alt: What a reader who can't see the picture has to know.

      The caption.

The script's ``draw()`` is run by matplotlib's plot directive twice, with the colours below as
matplotlib's defaults. It has no theme of its own: it asks for ``"C0"``, ``"C1"``, ... and for the
default text colour, and the page shows the version that suits the reader's theme.
"""

from pathlib import PurePosixPath

from docutils.statemachine import StringList
from matplotlib import cycler
from matplotlib.sphinxext.plot_directive import PlotDirective

# Contrast of text and of C0-C3 against the theme's two backgrounds is at least 4.5 : 1.
INK = {
    "light": {"text": "#222832", "grid": "#8a94a3", "cycle": "#0a5aa8 #a8470b #0f7040 #7a3fa8"},
    "dark": {"text": "#ced6dd", "grid": "#6b7584", "cycle": "#74b6ff #f2a766 #66d3a0 #cda2f5"},
}
FONTS = ["DejaVu Sans"]  # a translated edition adds one that has its characters


def rc(theme):
    """Return matplotlib's settings for one theme."""
    ink = INK[theme]
    text = dict.fromkeys(
        [
            "text.color",
            "axes.labelcolor",
            "axes.titlecolor",
            "xtick.labelcolor",
            "ytick.labelcolor",
            "legend.labelcolor",
        ],
        ink["text"],
    )
    lines = dict.fromkeys(
        ["axes.edgecolor", "xtick.color", "ytick.color", "grid.color"], ink["grid"]
    )
    return {
        **text,
        **lines,
        "axes.prop_cycle": cycler(color=ink["cycle"].split()),
        "axes.facecolor": "none",
        "figure.facecolor": "none",
        "savefig.facecolor": "none",
        "legend.framealpha": 0.0,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "font.family": list(FONTS),
        "font.size": 11.0,
        "svg.hashsalt": "convcore",  # the same drawing gives the same file
    }


class Drawing(PlotDirective):
    """``plot`` run once a theme, with the script named below the caption."""

    required_arguments = 1
    optional_arguments = 0

    def run(self):
        """Return the nodes of both versions; the theme's style sheet hides one of them."""
        if not self.options.get("alt"):
            raise self.error("a drawing needs an :alt: text")
        script = PurePosixPath(self.arguments[0])
        config = self.state.document.settings.env.config
        kept = dict(self.options, alt=" ".join(self.options["alt"].split())), config.plot_rcparams
        caption = StringList([*self.content, f"Drawn by ``docs/{script}``."], "drawing")
        nodes = []
        self.arguments, self.content = [str(script), "draw"], caption
        for theme in INK:
            self.options = {
                **kept[0],
                "class": [f"only-{theme}"],
                "filename-prefix": f"{script.stem}-{theme}",
            }
            config.plot_rcparams = rc(theme)
            try:
                nodes += super().run()
            finally:
                config.plot_rcparams = kept[1]
        return nodes


def setup(app):
    """Register with Sphinx."""
    app.setup_extension("matplotlib.sphinxext.plot_directive")
    app.add_directive("drawing", Drawing)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
