"""Quality against what it costs, and what can be seen against the seeds that it takes."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from analysis.figures.axes import scale_of, use_log_axis
from analysis.figures.curves import places_of_markers
from analysis.figures.layout import panels
from analysis.figures.style import FAINT, STYLE, TWO_COLUMNS, Look
from analysis.metrics import Column

RING: dict[str, Any] = {"marker": "o", "markersize": 8, "markerfacecolor": "none", "linestyle": "", "color": FAINT}
NONE = pd.Series([], dtype=float)


def draw_front(
    shown: Sequence[tuple[str, Column, pd.DataFrame]], styles: Mapping[str, Look], width: float = TWO_COLUMNS
) -> Figure:
    """A panel per cost (its axis title) and metric: a mark for each variant; those of the Pareto front are joined.

    shown: rows of variant, cost, quality, low, high (of the quality; NaN: no interval), on_front (bool).
    """
    drawn = {variant for _, _, rows in shown for variant in rows["variant"]}
    with matplotlib.rc_context(STYLE):
        legend = [
            Line2D([], [], color=look.colour, marker=look.marker, linestyle="", markersize=5, label=variant)
            for variant, look in styles.items()
            if variant in drawn
        ]
        legend.append(Line2D([], [], color=FAINT, linestyle="--", linewidth=0.8, label="Pareto front"))
        figure, axes = panels(len(shown), width=width, legend=legend)
        for ax, (title, metric, rows) in zip(axes, shown, strict=True):
            front = rows[rows["on_front"]].sort_values("cost")
            ax.plot(front["cost"], front["quality"], color=FAINT, linestyle="--", linewidth=0.8, zorder=1)
            for _, row in rows.iterrows():
                look = styles[row["variant"]]
                ax.plot([row["cost"]] * 2, [row["low"], row["high"]], color=look.colour, linewidth=1)
                ax.plot(row["cost"], row["quality"], look.marker, color=look.colour, markersize=5)
            scale = scale_of(rows[["quality", "low", "high"]].stack(), NONE, metric.log)
            ax.set_ylim(scale.low, scale.high)
            if scale.log:
                use_log_axis(ax)
            costs = scale_of(rows["cost"], NONE, may_be_log=False)
            ax.set_xlim(costs.low, costs.high)
            ax.xaxis.set_major_locator(MaxNLocator(4))
            ax.set(xlabel=title, ylabel=metric.axis_title)
    return figure


def draw_power(
    shown: Sequence[tuple[Column, pd.DataFrame]], styles: Mapping[str, Look], width: float = TWO_COLUMNS
) -> Figure:
    """A panel per metric: the smallest difference to the baseline that so many seeds per variant show; ring = that of
    the seeds that there are.

    shown: rows of variant, seeds, difference (in the metric's unit), is_here (bool: a ring, and no point of the curve).
    """
    drawn = {variant for _, rows in shown for variant in rows["variant"]}
    with matplotlib.rc_context(STYLE):
        legend = [
            Line2D([], [], color=look.colour, marker=look.marker, linestyle=look.dash, label=variant)
            for variant, look in styles.items()
            if variant in drawn
        ]
        legend.append(Line2D([], [], label="seeds of this study", **RING))
        figure, axes = panels(len(shown), width=width, legend=legend)
        for ax, (metric, rows) in zip(axes, shown, strict=True):
            present = [variant for variant in styles if variant in set(rows["variant"])]
            for place, variant in enumerate(present):
                own, look = rows[rows["variant"] == variant], styles[variant]
                curve, here = own[~own["is_here"]].sort_values("seeds"), own[own["is_here"]]
                ax.plot(
                    curve["seeds"], curve["difference"], color=look.colour, linestyle=look.dash, marker=look.marker,
                    markevery=places_of_markers(len(curve), place, len(present)),
                )  # fmt: skip
                ax.plot(here["seeds"], here["difference"], **RING | {"color": look.colour})
            scale = scale_of(rows["difference"], NONE, may_be_log=True)
            ax.set_ylim(scale.low, scale.high)
            if scale.log:
                use_log_axis(ax)
            ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
            ax.set(title=f"Detectable: {metric.plot_label or metric.label}", xlabel="seeds per variant")
    return figure
