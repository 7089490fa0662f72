"""Moving pictures: grids of numbers in an SVG file, shown frame by frame by its style sheet.

A file needs no script and no font of its own. Every cell has its own background, so that the
pictures can be read on light and on dark pages. Where a reader wants no motion, and on paper, the
last frame stands still.
"""

from dataclasses import dataclass, field
from html import escape

CELL = 36  # a cell's side, in pixels of the picture at its own width
GAP = 40  # between grids, with a sign in it
LABEL = 30  # a label above its grid
LINE = 24  # a line of the sum below
MARGIN = 4
HOLD = 2  # for how many more frames the last one stays

# Fill and line of cells by what they are; the text on them is dark in all.
COLOURS = {
    "input": ("#d9e8fb", "#4a78b0"),
    "padding": ("#f3f5f8", "#8a94a3"),
    "kernel": ("#fbe6cf", "#b3702a"),
    "output": ("#d8f0df", "#3c8a5c"),
}
INK, MARK = "#15202e", "#c2330b"
LICENCE = (
    "convcore moving picture, by the convcore developers, "
    "CC BY 4.0, https://creativecommons.org/licenses/by/4.0/"
)


@dataclass
class Grid:
    """A grid of cells; `texts` are (row, column, text, first frame, frame behind the last)."""

    kind: str
    shape: tuple[int, int]
    cell: int = CELL
    outside: frozenset = frozenset()  # cells of padding
    texts: list = field(default_factory=list)
    marks: dict = field(default_factory=dict)  # by frame, the cells with a mark
    left: float = 0
    top: float = 0

    @property
    def width(self):
        return self.shape[1] * self.cell

    @property
    def height(self):
        return self.shape[0] * self.cell

    def write(self, row, column, value, first=0, end=None):
        """Show a number from one frame on, to the end or to another frame."""
        self.texts.append((row, column, number(value), first, end))

    def path(self, cells):
        """Return the outlines of cells as the data of one path."""
        side = self.cell
        return "".join(
            f"M{self.left + column * side:g} {self.top + row * side:g}h{side}v{side}h-{side}z"
            for row, column in sorted(cells)
        )


@dataclass
class Film:
    """Columns of grids, a label for each, and the lines of text of each frame."""

    columns: list  # of (label, sign behind it, rows of grids)
    lines: list  # by frame, the lines below
    beat: float = 0.8  # seconds a frame


def number(value):
    """Return a number as text, with a minus sign that is as wide as a plus."""
    return f"{round(float(value), 2):g}".replace("-", "\N{MINUS SIGN}")


def factor(value):
    """Return a number as the second factor of a product."""
    return f"({number(value)})" if value < 0 else number(value)


def grid_of(kind, values, **options):
    """Return a grid that shows an array from the first frame on."""
    grid = Grid(kind, values.shape, **options)
    for row, line in enumerate(values):
        for column, value in enumerate(line):
            grid.write(row, column, value)
    return grid


class Spans:
    """Style rules for what is seen in some frames: a class for each (first, end)."""

    def __init__(self, frames):
        self.beats, self.known = frames + HOLD, {}

    def mark(self, first, end=None):
        """Return the attribute for an element that is seen from `first` until before `end`."""
        if first == 0 and end is None:
            return ""
        name = f"v{first}" if end is None else f"v{first}-{end}"
        self.known[name] = first, end
        return f' class="{name}"'

    def rules(self, beat):
        """Return the style sheet's rules."""
        seconds = round(self.beats * beat, 2)
        text = [f"[class^=v]{{animation:{seconds}s step-end infinite}}"]
        for name, (first, end) in sorted(self.known.items(), key=lambda one: one[1][0]):
            steps = {0: 0, first: 1}
            if end is not None:
                steps[end] = 0
            frames = "".join(
                f"{100 * at / self.beats:.4g}%{{opacity:{seen}}}" for at, seen in steps.items()
            )
            hidden = "" if end is None else "opacity:0;"
            text.append(f".{name}{{{hidden}animation-name:{name}}}@keyframes {name}{{{frames}}}")
        text.append("@media print,(prefers-reduced-motion:reduce){[class^=v]{animation:none}}")
        return "\n".join(text)


def place(film):
    """Give each grid its place; return the picture's width and the grids' bottom."""
    sizes = []
    for _, _, rows in film.columns:
        space = 10 if len(rows) * len(rows[0]) > 1 else 0
        width = sum(grid.width for grid in rows[0]) + space * (len(rows[0]) - 1)
        height = sum(row[0].height for row in rows) + space * (len(rows) - 1)
        sizes.append((width, height, space))
    tallest = max(height for _, height, _ in sizes)
    left = MARGIN
    for (_, _, rows), (width, height, space) in zip(film.columns, sizes, strict=True):
        top = LABEL + (tallest - height) / 2
        for row in rows:
            at = left
            for grid in row:
                grid.left, grid.top = at, top
                at += grid.width + space
            top += row[0].height + space
        left += width + GAP
    return left - GAP + MARGIN, LABEL + tallest


def draw_grid(grid, spans):
    """Return the elements of a grid: its cells, its marks and its numbers."""
    every = {(row, column) for row in range(grid.shape[0]) for column in range(grid.shape[1])}
    parts = [f'<g class="{grid.kind}">']
    if grid.outside:
        parts.append(f'<path class="padding" d="{grid.path(grid.outside)}"/>')
    parts.append(f'<path class="cells" d="{grid.path(every - grid.outside)}"/>')
    for frame, cells in sorted(grid.marks.items()):
        end = frame + 1 if frame + 1 < spans.beats - HOLD else None
        parts.append(f'<g{spans.mark(frame, end)}><path class="mark" d="{grid.path(cells)}"/></g>')
    longest = max((len(text[2]) for text in grid.texts), default=0)
    size = ' class="small"' if grid.cell < CELL or longest > 3 else ""
    parts.append(f"<g{size}>")
    for row, column, text, first, end in grid.texts:
        x, y = grid.left + (column + 0.5) * grid.cell, grid.top + (row + 0.5) * grid.cell
        seen = spans.mark(first, end)
        parts.append(f'<text{seen} x="{x:g}" y="{y:g}" data-at="{row},{column}">{text}</text>')
    return "".join([*parts, "</g></g>"])


def plate(x, y, width, height, words, style):
    """Return lines of words on a plate of their own, which any page's colour may surround."""
    lines = "".join(
        f'<text x="{x + width / 2:g}" y="{y + LINE * (i + 0.5):g}">{escape(line)}</text>'
        for i, line in enumerate(words)
    )
    return (
        f'<g class="{style}"><rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" '
        f'rx="5"/>{lines}</g>'
    )


def size(film):
    """Return the width and the height of a picture in pixels."""
    width, bottom = place(film)
    return round(width), round(bottom + 14 + LINE * max(map(len, film.lines)) + MARGIN)


def draw(film, title):
    """Return the text of the SVG file."""
    spans = Spans(len(film.lines))
    width, height = size(film)
    bottom = place(film)[1]
    parts = []
    for label, sign, rows in film.columns:
        first, last = rows[0][0], rows[0][-1]
        middle = (first.left + last.left + last.width) / 2
        wide = sum(14 if ord(letter) > 0x2E80 else 8 for letter in label) + 16
        parts.append(plate(middle - wide / 2, first.top - LINE - 5, wide, LINE, [label], "label"))
        if sign:
            x, y = last.left + last.width + GAP / 2, (LABEL + bottom) / 2
            parts.append(f'<path class="sign" d="{SIGNS[sign].format(x=f"{x:g}", y=f"{y:g}")}"/>')
        parts += [draw_grid(grid, spans) for row in rows for grid in row]
    for frame, lines in enumerate(film.lines):
        end = frame + 1 if frame + 1 < len(film.lines) else None
        body = plate(MARGIN, bottom + 12, width - 2 * MARGIN, LINE * len(lines), lines, "line")
        parts.append(f"<g{spans.mark(frame, end)}>{body}</g>")
    colours = "\n".join(
        f".{kind} .cells{{fill:{fill};stroke:{line}}}" for kind, (fill, line) in COLOURS.items()
    )
    fill, line = COLOURS["padding"]
    return f"""<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" \
viewBox="0 0 {width} {height}" role="img">
<title>{escape(title)}</title>
<desc>{LICENCE}</desc>
<style>
text{{font:17px system-ui,sans-serif;fill:{INK};text-anchor:middle;dominant-baseline:central}}
.small text{{font-size:14px}}
.label text{{font-size:15px}}
.label rect,.line rect{{fill:#e9edf3}}
.sign{{fill:none;stroke:#7a8797;stroke-width:2.5}}
{colours}
.padding{{fill:{fill};stroke:{line};stroke-dasharray:3 3}}
.mark{{fill:#ffd75e;stroke:{MARK};stroke-width:2.5}}
{spans.rules(film.beat)}
</style>
{chr(10).join(parts)}
</svg>
"""


# The sign of an operation and an arrow, around the middle of a gap.
SIGNS = {
    "times": "M{x} {y}m-6 -6l12 12m0 -12l-12 12",
    "arrow": "M{x} {y}m-11 0h20m-7 -7l7 7l-7 7",
}
