"""What diagrams are made of: boxes, arrows, brackets, grids and text, measured before they are drawn, written as SVG.

A drawing brings its own light background, so it looks the same on a dark page. It is shown as an `<img>` whose source
is an SVG data address: JupyterLab shows that in a notebook that nobody has trusted yet, which it does not do with raw
SVG.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import matplotlib
import svg
from matplotlib.ft2font import FT2Font

WIDTH = 560  # units; a notebook shows them as pixels, a phone scales them down
MARGIN = 14
SIZE, SMALL = 16, 15  # letters; none is smaller, so that they can be read on a phone
LINE = 1.25  # from line to line, in sizes

INK, SOFT, PAPER, STROKE = "#1f2933", "#4a5763", "#ffffff", "#7b8794"
FAMILY = "Arial, Helvetica, 'Liberation Sans', 'DejaVu Sans', sans-serif"
MONO = "'DejaVu Sans Mono', Menlo, Consolas, 'Liberation Mono', monospace"


@dataclass(frozen=True)
class Tone:
    """A colour in two strengths: a tint on which INK is read, and a line."""

    fill: str
    line: str


TONES = {  # the lines are Okabe and Ito's colours or darker ones: told apart by colour-blind readers
    "plain": Tone(PAPER, STROKE),
    "grey": Tone("#e9edf1", "#7b8794"),
    "blue": Tone("#cfe5f5", "#0072b2"),
    "orange": Tone("#fbdcc5", "#c04e00"),
    "green": Tone("#cdeadd", "#00805d"),
    "pink": Tone("#f3d9e8", "#b0568f"),
    "yellow": Tone("#fbeab5", "#b8860b"),
}

Point = tuple[float, float]


@lru_cache(maxsize=4)
def _font(bold: bool, mono: bool) -> FT2Font:
    """DejaVu's, which matplotlib brings along: wider than what most machines will take, so nothing gets too wide."""
    name = f"DejaVuSans{'Mono' if mono else ''}{'-Bold' if bold else ''}.ttf"
    font = FT2Font(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name))
    font.set_size(100, 72)
    return font


@cache
def _advance(character: str, bold: bool, mono: bool) -> float:
    """Of one character, in sizes; 1 for what the font does not have, such as Chinese."""
    font = _font(bold, mono)
    if not font.get_char_index(ord(character)):
        return 1.0
    return round(font.load_char(ord(character)).linearHoriAdvance / 65536 / 100, 4)


def text_width(words: str, size: float = SIZE, *, bold: bool = False, mono: bool = False) -> float:
    """How wide a line of text becomes at most, in units of the drawing."""
    return size * sum(_advance(character, bold, mono) for character in words)


def wrap(words: str, width: float, size: float = SIZE, *, bold: bool = False, mono: bool = False) -> list[str]:
    """Break a text into lines that are no wider than this; line breaks in it stay.

    Raises:
        ValueError: a single word is wider.
    """
    lines = []
    for paragraph in words.split("\n"):
        line = ""
        for word in paragraph.split(" "):
            longer = f"{line} {word}" if line else word
            if line and text_width(longer, size, bold=bold, mono=mono) > width:
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    widest = max(lines, key=lambda line: text_width(line, size, bold=bold, mono=mono))
    if text_width(widest, size, bold=bold, mono=mono) > width + 0.01:
        raise ValueError(f"{widest!r} does not fit in a width of {width:.0f}: give it more room, or a shorter text")
    return lines


def shortened(words: str, width: float, size: float = SIZE, *, bold: bool = False, mono: bool = False) -> str:
    """The text, or as much of its beginning as fits, with "…" after it."""
    if text_width(words, size, bold=bold, mono=mono) <= width:
        return words
    while words and text_width(words + "…", size, bold=bold, mono=mono) > width:
        words = words[:-1]
    return words.rstrip() + "…"


def _number(value: float) -> float:
    value = round(float(value), 2)
    return int(value) if value == int(value) else value


class Drawing:
    """A diagram in the making: x goes to the right and y down, from 0; its height follows from what is drawn."""

    def __init__(self, alt: str, width: float = WIDTH):
        """
        Args:
            alt: what one learns from the diagram, in a sentence or two, for those who do not see it.
            width: in units.

        Raises:
            ValueError: alt is blank.
        """
        self.alt = " ".join(alt.split())
        if not self.alt:
            raise ValueError(f"alt={alt!r}: say in a sentence or two what the diagram shows")
        self.width, self.height = width, 0.0
        self._elements: list[svg.Element] = []

    # ------------------------------------------------------------------------------------------------------ parts

    def _reach(self, *points: Point) -> None:
        for x, y in points:
            if not (-0.01 <= x <= self.width + 0.01 and y >= -0.01):
                raise ValueError(
                    f"the point ({x:.0f}, {y:.0f}) lies outside of the drawing, which is {self.width} wide"
                )
            self.height = max(self.height, y)

    def _letters(self, x, y, words, size, align, bold, mono, color) -> svg.Text:
        wide = text_width(words, size, bold=bold, mono=mono)
        left = x - wide * {"start": 0, "middle": 0.5, "end": 1}[align]
        self._reach((left, y - 0.62 * size), (left + wide, y + 0.62 * size))
        style = {"font_weight": "bold"} if bold else {}
        if mono:
            style["font_family"] = MONO
        return svg.Text(
            x=_number(x),
            y=_number(y + 0.35 * size),
            text=html.escape(words, quote=False),
            font_size=_number(size),
            text_anchor=align,
            fill=color,
            **style,
        )  # svg.py writes text as it is

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        size: float = SIZE,
        align: str = "middle",
        bold: bool = False,
        mono: bool = False,
        color: str = INK,
    ) -> None:
        """Lines of text; y is the middle of the first one, align "start", "middle" or "end".

        Raises:
            ValueError: a line would leave the drawing.
        """
        for number, line in enumerate(words.split("\n")):
            if not line:
                continue
            place = y + number * LINE * size
            self._elements.append(self._letters(x, place, line, size, align, bold, mono, color))

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        words: str = "",
        tone: str = "plain",
        *,
        size: float = SIZE,
        bold: bool = False,
        mono: bool = False,
        heavy: bool = False,
        dashed: bool = False,
        round_: float = 5,
    ) -> None:
        """A rectangle with its upper left corner at (x, y), and words in its middle, broken into lines that fit.

        Raises:
            ValueError: the words do not fit.
        """
        self._reach((x, y), (x + width, y + height))
        colours = TONES[tone]
        frame = svg.Rect(
            x=_number(x),
            y=_number(y),
            width=_number(width),
            height=_number(height),
            rx=_number(round_),
            fill=colours.fill,
            stroke=colours.line,
            stroke_width=3 if heavy else 1.5,
            stroke_dasharray=[5, 4] if dashed else None,
        )
        inside: list[svg.Element] = [frame]
        if words:
            lines = wrap(words, width - 4, size, bold=bold, mono=mono)
            if (len(lines) - 1) * size * LINE + 1.15 * size > height:
                raise ValueError(f"{words!r} takes {len(lines)} lines, too many for a height of {height:.0f}")
            first = y + height / 2 - (len(lines) - 1) * size * LINE / 2
            for number, line in enumerate(lines):
                if not line:
                    continue
                place = first + number * size * LINE
                inside.append(self._letters(x + width / 2, place, line, size, "middle", bold, mono, INK))
        self._elements.append(svg.G(class_=["box"], elements=inside))

    def line(
        self, *points: Point, tone: str = "plain", heavy: bool = False, dashed: bool = False, width: float | None = None
    ) -> None:
        """A line through these points, as wide as it is said to be, or thick where the story runs (heavy)."""
        self._reach(*points)
        self._elements.append(
            svg.Polyline(
                points=[_number(value) for point in points for value in point],
                fill="none",
                stroke=TONES[tone].line,
                stroke_width=_number(width or (5 if heavy else 1.8)),
                stroke_linejoin="round",
                stroke_dasharray=[5, 4] if dashed else None,
            )
        )

    def arrow(self, *points: Point, tone: str = "plain", heavy: bool = False, dashed: bool = False) -> None:
        """A line through these points, with a head at the last one."""
        (x1, y1), (x2, y2) = points[-2:]
        length = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5 or 1.0
        back, half = (14, 9) if heavy else (9, 5)
        ux, uy = (x2 - x1) / length, (y2 - y1) / length
        neck = (x2 - ux * back, y2 - uy * back)
        self.line(*points[:-1], neck, tone=tone, heavy=heavy, dashed=dashed)
        corners = [(x2, y2), (neck[0] - uy * half, neck[1] + ux * half), (neck[0] + uy * half, neck[1] - ux * half)]
        self._reach((x2, y2))
        self._elements.append(
            svg.Polygon(points=[_number(value) for point in corners for value in point], fill=TONES[tone].line)
        )

    def dot(self, x: float, y: float, radius: float = 6, tone: str = "plain", *, filled: bool = True) -> None:
        """A round mark, in the strong colour, or a ring."""
        self._reach((x - radius, y - radius), (x + radius, y + radius))
        colours = TONES[tone]
        self._elements.append(
            svg.Circle(
                cx=_number(x),
                cy=_number(y),
                r=_number(radius),
                fill=colours.line if filled else PAPER,
                stroke=colours.line,
                stroke_width=2,
            )
        )

    def bracket(
        self,
        x1: float,
        x2: float,
        y: float,
        words: str = "",
        *,
        below: bool = True,
        tone: str = "plain",
        size: float = SMALL,
        bold: bool = False,
        mono: bool = False,
    ) -> None:
        """A bracket from x1 to x2, open towards what it holds: below it stand the words, or above it."""
        towards = -6 if below else 6
        self.line((x1, y + towards), (x1, y), (x2, y), (x2, y + towards), tone=tone)
        if words:
            self.text((x1 + x2) / 2, y + (0.9 if below else -0.9) * size, words, size=size, bold=bold, mono=mono)

    def grid(
        self,
        x: float,
        y: float,
        rows: Sequence[Sequence[str]],
        cell: tuple[float, float],
        *,
        tone: Callable[[int, int], str] = lambda row, column: "plain",
        size: float = SMALL,
        mono: bool = False,
        bold: Callable[[int, int], bool] = lambda row, column: False,
    ) -> None:
        """A table of cells that touch, each with its word, from the upper left corner (x, y).

        Args:
            rows: the words, a row each.
            cell: width and height of a cell.
            tone: of the cell in this row and column.
            bold: whether its word is bold.
        """
        for i, row in enumerate(rows):
            for j, word in enumerate(row):
                place = (x + j * cell[0], y + i * cell[1])
                self.box(*place, *cell, word, tone(i, j), size=size, mono=mono, bold=bold(i, j), round_=0)

    # ----------------------------------------------------------------------------------------------------- the whole

    def svg(self) -> str:
        """The drawing as SVG; the same calls give the same text, on any machine."""
        width, height = _number(self.width), _number(self.height + MARGIN)
        paper = svg.Rect(x=0, y=0, width=width, height=height, rx=6, fill=PAPER, class_=["paper"])
        drawn = svg.G(extra={"font-family": FAMILY}, elements=[paper, *self._elements])
        return str(svg.SVG(viewBox=svg.ViewBoxSpec(0, 0, width, height), width=width, height=height, elements=[drawn]))

    def html(self) -> str:
        """An `<img>` with the drawing as a data address and its text alternative."""
        data = base64.b64encode(self.svg().encode("utf-8")).decode("ascii")
        address = f"data:image/svg+xml;base64,{data}"
        return f'<img alt="{html.escape(self.alt)}" src="{address}" style="max-width:100%;height:auto">'

    def show(self) -> None:
        """Put the diagram into the notebook, with its alternative as plain text for what shows no HTML."""
        from IPython.display import display

        display({"text/html": self.html(), "text/plain": f"Diagram: {self.alt}"}, raw=True)


def listed(words: Sequence[str]) -> str:
    """ "a, b and c"."""
    words = [str(word) for word in words]
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)


def token_widths(tokens: Sequence[str], room: float, *, size: float = SMALL, gap: float = 4, least: float = 28) -> list:
    """Widths for boxes side by side, as wide as their tokens, scaled up to fill the room.

    Raises:
        ValueError: they do not fit.
    """
    wanted = [max(least, text_width(token, size) + 8) for token in tokens]
    left = room - gap * (len(tokens) - 1) - sum(wanted)
    if left < -0.01:
        raise ValueError(f"{len(tokens)} tokens do not fit side by side in {room:.0f}: draw a shorter text")
    return [width + min(left / len(tokens), 26) for width in wanted]
