"""Estimates with their intervals, a row each: differences to the baseline (a forest plot), effects of a design."""

import re
from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from analysis.figures.layout import LINE, add_legend, legend_height, wrapped
from analysis.figures.style import FAINT, ONE_COLUMN, SMALL, STYLE, TWO_COLUMNS, Look
from analysis.metrics import Column
from experiments.palette import COLOURS

ROW_HEIGHT = 0.22
AROUND_ROWS = 0.55
NAME_WIDTH = 1.3
EQUALITY = re.compile(" ([=<]) ")  # is not broken at its blanks
SAID_WIDTH = {TWO_COLUMNS: 2.2, ONE_COLUMN: 0.85}  # of what stands beside a row


def draw_forest(
    shown: Sequence[tuple[Column, pd.DataFrame]], axis: str, styles: Mapping[str, Look], width: float = TWO_COLUMNS
) -> Figure:
    """One panel per metric, below each other; a row per difference or effect, with what is concluded beside it.

    shown: rows of label, estimate, low, high, simultaneous_low, simultaneous_high, conclusion, in their order from
    above; NaN where there is no estimate or interval; a column `dataset`, if there is one, groups the rows. axis: what
    is on the x axis, before the metric. Thick = the interval, thin = the simultaneous one; the mark is filled if the
    simultaneous one (without it, the interval) lies on one side of zero. styles: by label; others are black.
    """
    with matplotlib.rc_context(STYLE):
        prepared = [(metric, laid_out(rows, width)) for metric, rows in shown]
        heights = [AROUND_ROWS + rows["height"].sum() for _, rows in prepared]
        legend = forest_handles([rows for _, rows in shown])
        figure = Figure((width, sum(heights) + legend_height(legend, width)), layout="constrained")
        axes = figure.subplots(len(shown), 1, squeeze=False, height_ratios=heights).ravel()
        add_legend(figure, legend)
        for ax, (metric, rows) in zip(axes, prepared, strict=True):
            draw_rows(ax, rows, styles)
            ax.xaxis.set_major_locator(MaxNLocator(5 if width > ONE_COLUMN else 3))
            ax.axvline(0, color=FAINT, linestyle=":", linewidth=0.8, zorder=0)
            ax.set_xlabel(f"{axis}, {metric.axis_title}")
    return figure


def laid_out(rows: pd.DataFrame, width: float) -> pd.DataFrame:
    """The rows with their names, places from above and heights in inches; a dataset's name is a row of its own."""
    listed = []
    groups = (
        rows.groupby("dataset", sort=False) if "dataset" in rows and rows["dataset"].nunique() > 1 else [("", rows)]
    )
    for dataset, group in groups:
        if dataset:
            listed.append({"label": "", "name": str(dataset), "is_heading": True, "said": "", "height": ROW_HEIGHT})
        for _, row in group.iterrows():
            name = wrapped(row["label"], min(NAME_WIDTH, width * 0.3), SMALL)
            said = wrapped(EQUALITY.sub("\u00a0\\1\u00a0", row["conclusion"]), SAID_WIDTH[width], SMALL)
            lines = max(name.count("\n"), said.count("\n")) + 1
            height = max(ROW_HEIGHT, LINE * lines + 0.06)
            listed.append({**row, "name": name, "said": said, "is_heading": False, "height": height})
    table = pd.DataFrame(listed)
    return table.assign(at=table["height"].cumsum() - table["height"] / 2)


def draw_rows(ax: Axes, rows: pd.DataFrame, styles: Mapping[str, Look]) -> None:
    """Marks and intervals, names at the left, conclusions at the right."""
    for _, row in rows[~rows["is_heading"]].iterrows():
        look = styles.get(row["label"])
        colour, marker = (look.colour, look.marker) if look else (COLOURS[0], "o")
        ax.plot([row["simultaneous_low"], row["simultaneous_high"]], [row["at"]] * 2, color=colour, linewidth=0.7)
        ax.plot([row["low"], row["high"]], [row["at"]] * 2, color=colour, linewidth=2, solid_capstyle="butt")
        fill = colour if excludes_zero(row) else "white"
        ax.plot(row["estimate"], row["at"], marker, color=colour, markersize=5, markerfacecolor=fill, zorder=3)
        ax.annotate(
            row["said"], (1, row["at"]), xycoords=ax.get_yaxis_transform(), xytext=(6, 0), textcoords="offset points",
            va="center", fontsize=SMALL,
        )  # fmt: skip
    ax.set_yticks(rows["at"], rows["name"])
    for label, is_heading in zip(ax.get_yticklabels(), rows["is_heading"], strict=True):
        label.set_fontweight("bold" if is_heading else "normal")
    ax.set_ylim(rows["height"].sum(), 0)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)


def excludes_zero(row: "pd.Series") -> bool:
    """Whether the widest interval that is known lies on one side of zero."""
    ends = [row["simultaneous_low"], row["simultaneous_high"]]
    low, high = ends if np.isfinite(ends).all() else (row["low"], row["high"])
    return bool(low > 0 or high < 0)


def forest_handles(tables: Sequence[pd.DataFrame]) -> list[Line2D]:
    """What thick, thin, filled and open mean; thin only where there are simultaneous intervals."""
    thick = Line2D([], [], color=COLOURS[0], linewidth=2, label="95% interval")
    thin = Line2D([], [], color=COLOURS[0], linewidth=0.7, label="simultaneous 95% interval")
    filled = Line2D([], [], color=COLOURS[0], linestyle="", marker="o", markersize=5, label="filled: 0 is excluded")
    several = any(table["simultaneous_low"].notna().any() for table in tables)
    return [thick, *([thin] if several else []), filled]
