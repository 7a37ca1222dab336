"""Whether what a figure says can be read: labels neither cut nor over each other."""

import itertools
from collections.abc import Iterator

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from analysis.figures.style import STYLE

SLACK = 1.5  # pixels at 100 per inch: boxes of text have some air


def unreadable(figure: Figure) -> list[str]:
    """Texts that leave the figure, and pairs of texts that overlap."""
    with matplotlib.rc_context(STYLE):
        figure.draw_without_rendering()
    boxes = [(text.get_text(), box) for text, box in _texts(figure)]
    cut = [f"cut: {text}" for text, box in boxes if not _holds(figure.bbox, box)]
    return cut + [f"{a} over {b}" for (a, x), (b, y) in itertools.combinations(boxes, 2) if _overlap(x, y)]


def _texts(figure: Figure) -> list[tuple[Text, Bbox]]:
    hidden = {id(text) for ax in figure.axes for text in _undrawn(ax)}
    shown = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    return [(text, text.get_window_extent()) for text in shown if id(text) not in hidden]


def _undrawn(ax: Axes) -> Iterator[Text]:
    """Labels of ticks beyond the ends of an axis; all of an axis that is off."""
    for axis in (ax.xaxis, ax.yaxis):
        low, high = sorted(axis.get_view_interval())
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
            yield tick.label2
            if not (ax.axison and low <= tick.get_loc() <= high):
                yield tick.label1
        if not ax.axison:
            yield axis.label


def _holds(outer: Bbox, inner: Bbox) -> bool:
    return bool(
        outer.x0 - SLACK <= inner.x0
        and inner.x1 <= outer.x1 + SLACK
        and outer.y0 - SLACK <= inner.y0
        and inner.y1 <= outer.y1 + SLACK
    )


def _overlap(a: Bbox, b: Bbox) -> bool:
    width = min(a.x1, b.x1) - max(a.x0, b.x0)
    height = min(a.y1, b.y1) - max(a.y0, b.y0)
    return bool(width > SLACK and height > SLACK)
