"""The room on a figure: panels in rows, a legend above them that fits, labels broken where they are too long."""

import textwrap
from collections.abc import Sequence
from functools import cache

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.textpath import TextPath

from analysis.figures.style import ONE_COLUMN, STYLE, TEXT, TWO_COLUMNS

PANEL_HEIGHT = 1.9
PANELS_PER_ROW = 3  # of a figure over two columns
SINGLE = 0.6  # share of the width of two columns that a figure of one panel takes
LEGEND_LINE, LEGEND_EDGE = 0.17, 0.06  # height of a line, and above and below all
HANDLE = 0.62  # width of a legend's entry beside its text
LINE = 0.12  # height of a line of small text
POINTS_PER_INCH = 72


def panels(
    count: int, *, width: float = TWO_COLUMNS, legend: Sequence[Line2D] = (), in_a_row: int = PANELS_PER_ROW,
    height: float = PANEL_HEIGHT,
) -> tuple[Figure, list[Axes]]:  # fmt: skip
    """A figure with so many axes of that height, and a legend above them; a single panel is less wide."""
    columns = min(panels_per_row(width, in_a_row), count)
    rows = -(-count // columns)
    width = width if count > 1 else min(width, SINGLE * TWO_COLUMNS)
    figure = Figure((width, height * rows + legend_height(legend, width)), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes[count:]:
        ax.set_axis_off()
    add_legend(figure, legend)
    return figure, list(axes[:count])


def panels_per_row(width: float, most: int = PANELS_PER_ROW) -> int:
    """One over one column, `most` over two."""
    return max(1, round(most * width / TWO_COLUMNS)) if width > ONE_COLUMN else 1


def add_legend(figure: Figure, handles: Sequence[Line2D]) -> None:
    """A legend above the panels, with as many entries in a line as there is room for."""
    if not handles:
        return
    width = figure.get_figwidth()
    texts = legend_texts(handles, width)
    figure.legend(
        list(handles), texts, loc="outside upper center", ncols=legend_columns(texts, width),
        columnspacing=1.2, borderpad=0.2, labelspacing=0.3,
    )  # fmt: skip


def legend_height(handles: Sequence[Line2D], width: float) -> float:
    """What `add_legend` will take up of a figure's height."""
    if not handles:
        return 0
    texts = legend_texts(handles, width)
    columns = legend_columns(texts, width)
    rows = -(-len(texts) // columns)
    tallest = max(text.count("\n") + 1 for text in texts)
    return LEGEND_LINE * rows * tallest + LEGEND_EDGE


def legend_texts(handles: Sequence[Line2D], width: float) -> list[str]:
    """The labels, broken where one alone would be wider than the figure."""
    return [wrapped(str(handle.get_label()), width - HANDLE, TEXT) for handle in handles]


def legend_columns(texts: Sequence[str], width: float) -> int:
    """How many entries stand side by side, with the rows about equally long."""
    widest = max(text_width(text, TEXT) for text in texts) + HANDLE
    most = min(max(1, int(width / widest)), len(texts))
    return -(-len(texts) // -(-len(texts) // most))


@cache
def text_width(text: str, points: float) -> float:
    """Inches that a text takes, its widest line if it has several."""
    font = FontProperties(family=STYLE["font.family"])
    with matplotlib.rc_context(STYLE):
        paths = [TextPath((0, 0), line, size=points, prop=font) for line in text.split("\n") if line.strip()]
    return max((path.get_extents().x1 for path in paths), default=0.0) / POINTS_PER_INCH


def wrapped(text: str, inches: float, points: float) -> str:
    """The text in lines of at most so many inches, broken at blanks and hyphens, or anywhere if it has none."""
    if text_width(text, points) <= inches or "$" in text:
        return text
    most = min(len(text), 1 + int(2 * inches / text_width(text, points) * len(text)))
    for characters in range(most, 0, -1):
        lines = textwrap.fill(text, characters)
        if text_width(lines, points) <= inches:
            return lines
    return textwrap.fill(text, 1)
