r"""The words of figures in the language of the build.

Scripts write English. In a translated edition every text of a drawing is looked up in
``locales/<language>/figures.toml``. There ``{}`` stands for what a script fills in; what was filled
in is looked up too, where it has words. A text with words that the file lacks is a warning, and so
ends a build with ``-W``. A script needs no function of ours for this, and none can be forgotten.
"""

import re
import tomllib
from logging import getLogger
from pathlib import Path

import drawing
from matplotlib import font_manager, rcParams
from matplotlib.text import Text
from sphinx.errors import ExtensionError
from sphinx.util import logging

LOCALES = Path(__file__).parents[1] / "locales"
# Files of fonts with Chinese characters; the system's first one serves what DejaVu Sans lacks.
FONTS = {"zh_CN": ["wqy-zenhei", "NotoSansCJK-Regular", "NotoSansSC-Regular"]}
FORMULA = re.compile(r"\$[^$]*\$")
WORD = re.compile(r"[A-Za-z]{3,}")


class Words:
    """The words of one language."""

    def __init__(self, table, same):
        self.exact = {text: new for text, new in table.items() if "{}" not in text}
        filled = {text: new for text, new in table.items() if "{}" in text}
        filled.update(dict.fromkeys([text for text in same if "{}" in text]))
        self.exact.update((text, text) for text in same if "{}" not in text)
        # Of two that fit, the one that says more is meant.
        self.filled = [
            (re.compile("(.+?)".join(map(re.escape, text.split("{}"))), re.DOTALL), filled[text])
            for text in sorted(filled, key=lambda text: -len(text))
        ]

    def find(self, text):
        """Return a text in this language, or None if the file lacks it."""
        if text in self.exact:
            return self.exact[text]
        for pattern, new in self.filled:
            if match := pattern.fullmatch(text):
                parts = [self.find(part) for part in match.groups()]
                if None not in parts:
                    return text if new is None else new.format(*parts)
        return None if WORD.search(FORMULA.sub("", text)) else text


def load(language):
    """Return the words of a language."""
    with (LOCALES / language / "figures.toml").open("rb") as file:
        content = tomllib.load(file)
    return Words(content["words"], content["same"])


def installed_font(language):
    """Return the name of the system's first font that has the characters of a language."""
    # Matplotlib's own list may be older than the font.
    found = {Path(path).stem: path for path in font_manager.findSystemFonts()}
    for name in FONTS[language]:
        if name in found:
            font_manager.fontManager.addfont(found[name])
            return font_manager.FontProperties(fname=found[name]).get_name()
    raise ExtensionError(f"figures need one of the fonts {', '.join(FONTS[language])}")


def translate(language):
    """Let matplotlib write the texts of drawings in a language, in this process."""
    words, plain = load(language), Text.set_text
    # The one weight of these fonts is called medium, which matplotlib would remark on every time.
    getLogger("matplotlib.font_manager").setLevel("ERROR")
    drawing.FONTS[:] = ["DejaVu Sans", installed_font(language)]

    def set_text(text, written):
        # Other pictures, such as the social card, have other fonts and keep their words.
        if written is not None and rcParams["font.family"] == drawing.FONTS:
            found = words.find(str(written))
            if found is None:
                logging.getLogger(__name__).warning("figures.toml lacks %r", str(written))
            else:
                written = found
        plain(text, written)

    Text.set_text = set_text
