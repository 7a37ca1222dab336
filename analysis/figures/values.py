"""Values of single seeds: one point each, by variant; and beside the baseline's with the same seeds."""

from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from analysis.figures.axes import Scale, use_log_axis
from analysis.figures.layout import LINE, POINTS_PER_INCH, panels, panels_per_row, text_width, wrapped
from analysis.figures.outlying import draw_beyond, with_room_at_edges
from analysis.figures.style import FAINT, SMALL, STYLE, TWO_COLUMNS, Look
from analysis.metrics import Column

ROW_HEIGHT, AROUND_ROWS = 0.24, 0.62
NAME_WIDTH = 1.15
SPREAD = 0.5  # of the seeds of a row, in rows
PAIR_PANEL_HEIGHT = 1.75
PAIR_WIDTH = (0.5, 0.9)  # least and most that a pair asks for, by the length of the names below
PAIR_AXIS = 0.55  # width of the axis beside the pairs
UPRIGHT_NAME = 1.2  # length of a line of names that stand upright, where there is no room beside each other
APART = 0.22  # of the two sides of a pair from its middle
Values = tuple[Column, pd.DataFrame]  # rows of variant, seed, value, collapsed


def draw_values(shown: Sequence[Values], styles: Mapping[str, Look], width: float = TWO_COLUMNS) -> Figure:
    """One panel per metric: a point for each seed, in the row of its variant; bar = median of the seeds that did not
    collapse, cross = a seed that did. Crosses far from all points stand at the edge, with their values.
    """
    variants = present(shown, styles)
    with matplotlib.rc_context(STYLE):
        labels = [wrapped(variant, NAME_WIDTH, SMALL) for variant in variants]
        lines = max(label.count("\n") + 1 for label in labels)
        height = AROUND_ROWS + len(variants) * max(ROW_HEIGHT, LINE * lines + 0.06)
        figure, axes = panels(len(shown), width=width, height=height, legend=notes_on_marks(shown))
        for i, (ax, (metric, rows)) in enumerate(zip(axes, shown, strict=True)):
            draw_rows(ax, metric, rows, {variant: styles[variant] for variant in variants})
            ax.set_yticks(range(len(variants)), labels if i % panels_per_row(width) == 0 else [])
            ax.tick_params(axis="y", length=0)
            ax.set_ylim(len(variants) - 0.4, -0.6)
            ax.set_xlabel(metric.axis_title)
    return figure


def draw_rows(ax: Axes, metric: Column, rows: pd.DataFrame, styles: Mapping[str, Look]) -> None:
    """The points of one metric."""
    scale = with_room_at_edges(rows, metric.log)
    ax.set_xlim(scale.low, scale.high)
    if scale.log:
        use_log_axis(ax, "x")
    else:
        ax.xaxis.set_major_locator(MaxNLocator(4))
    seeds = sorted(rows["seed"].unique())
    for place, (variant, look) in enumerate(styles.items()):
        own = rows[rows["variant"] == variant]
        own = own.assign(at=place + SPREAD * ((own["seed"].map(seeds.index) + 0.5) / len(seeds) - 0.5))
        fine, collapsed = own[~own["collapsed"]], own[own["collapsed"]]
        ax.plot(fine["value"], fine["at"], look.marker, color=look.colour, markeredgecolor="white", zorder=3)
        inside = collapsed[scale.holds(collapsed["value"])]
        ax.plot(inside["value"], inside["at"], **cross(look.colour))
        draw_beyond(ax, "x", collapsed["value"], place, scale, cross(look.colour))
        if len(fine):
            ax.plot([fine["value"].median()] * 2, [place - 0.38, place + 0.38], color=look.colour, linewidth=1.6)


def draw_pairs(
    shown: Sequence[Values], styles: Mapping[str, Look], baseline: str, width: float = TWO_COLUMNS
) -> Figure:
    """One panel per metric: each variant beside the baseline, with a thin line between the two of each seed.

    Seeds that only one of the two has are points without a line. Crosses and edges are as in `draw_values`.
    """
    others = [variant for variant in present(shown, styles) if variant != baseline]
    with matplotlib.rc_context(STYLE):
        pair_width = min(max(max(text_width(variant, SMALL) for variant in others) / 2.2, PAIR_WIDTH[0]), PAIR_WIDTH[1])
        in_a_row = max(1, min(3, int(width / (PAIR_AXIS + pair_width * len(others)))))
        room = (width / panels_per_row(width, in_a_row) - PAIR_AXIS) / len(others)
        labels = [wrapped(variant, room * 0.92, SMALL) for variant in others]
        upright = max(label.count("\n") for label in labels) > 2
        if upright:
            labels = upright_labels(others, room)
        below = max(text_width(label, SMALL) if upright else LINE * label.count("\n") for label in labels)
        left = Line2D([], [], linestyle="", marker="o", color=styles[baseline].colour, label=f"left: {baseline}")
        legend = [left, *notes_on_marks(shown)[:-1]]
        figure, axes = panels(
            len(shown), width=width, height=PAIR_PANEL_HEIGHT + below, legend=legend, in_a_row=in_a_row
        )
        for ax, (metric, rows) in zip(axes, shown, strict=True):
            scale = with_room_at_edges(rows, metric.log)
            ax.set_ylim(scale.low, scale.high)
            if scale.log:
                use_log_axis(ax)
            for place, variant in enumerate(others):
                pair = {name: rows[rows["variant"] == name].set_index("seed") for name in (baseline, variant)}
                draw_pair(ax, place, pair, styles, scale)
            size = min(SMALL, room * POINTS_PER_INCH * 0.9) if upright else SMALL
            ax.set_xticks(range(len(others)), labels, rotation=90 if upright else 0, fontsize=size)
            ax.tick_params(axis="x", length=0)
            ax.set(title=metric.axis_title, xlim=(-0.5, len(others) - 0.5))
    return figure


def upright_labels(variants: Sequence[str], room: float) -> list[str]:
    """Names broken into lines that find room beside each other in so many inches, as short as that allows."""
    length = UPRIGHT_NAME
    while True:
        labels = [wrapped(variant, length, SMALL) for variant in variants]
        if LINE * max(label.count("\n") + 1 for label in labels) <= max(room, LINE):
            return labels
        length *= 1.2


def draw_pair(ax: Axes, place: int, pair: Mapping[str, pd.DataFrame], styles: Mapping[str, Look], scale: Scale) -> None:
    """The baseline at the left, the variant at the right."""
    left, right = pair.values()
    common = left.index.intersection(right.index)
    ends = np.array([left.loc[common, "value"], right.loc[common, "value"], np.full(len(common), np.nan)])
    sides = [place - APART, place + APART, np.nan]  # with gaps, as a line: one line for each seed takes long
    ax.plot(np.tile(sides, len(common)), ends.T.ravel(), color="0.6", linewidth=0.6, zorder=1)
    for (variant, table), at in zip(pair.items(), (place - APART, place + APART), strict=True):
        look = styles[variant]
        fine, collapsed = table[~table["collapsed"]], table[table["collapsed"]]
        ax.plot([at] * len(fine), fine["value"], look.marker, color=look.colour, markeredgecolor="white", zorder=3)
        inside = collapsed[scale.holds(collapsed["value"])]
        ax.plot([at] * len(inside), inside["value"], **cross(look.colour))
        draw_beyond(ax, "y", collapsed["value"], at, scale, cross(look.colour))


def present(shown: Sequence[Values], styles: Mapping[str, Look]) -> list[str]:
    """The variants that have a value, in the order of the styles."""
    found = {variant for _, rows in shown for variant in rows["variant"]}
    return [variant for variant in styles if variant in found]


def cross(colour: str) -> dict:
    """How a collapsed seed is drawn."""
    return {"marker": "X", "linestyle": "", "color": colour, "markerfacecolor": "white", "markersize": 5, "zorder": 4}


def notes_on_marks(shown: Sequence[Values]) -> list[Line2D]:
    """What crosses (if any) and bars mean."""
    handles = [Line2D([], [], **cross(FAINT), label="collapsed seed")]
    bar = Line2D([], [], linestyle="", marker="|", markersize=8, markeredgewidth=1.6, color=FAINT, label="median")
    return [*(handles if any(rows["collapsed"].any() for _, rows in shown) else []), bar]
