"""Drawing of searches, in the style of `figures`."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from scipy.interpolate import griddata

from analysis.figures.axes import spans_enough_for_log, use_log_axis
from analysis.figures.layout import PANEL_HEIGHT, PANELS_PER_ROW, panels
from analysis.figures.style import STYLE, TWO_COLUMNS, Look
from analysis.metrics import Column
from analysis.searches import SearchResult, choices, short
from experiments.palette import COLOURS

DOT, FAINT, RING = COLOURS[0], "0.6", "#D55E00"
BAR_HEIGHT = 0.2  # of one parameter
CONTOUR_POINTS = 60  # along a side


def draw_history(shown: Sequence[tuple[str, Column, pd.DataFrame, float | None]]) -> Figure:
    """A panel per search and objective: title, metric, rows of `searches.history`, the default's value."""
    with matplotlib.rc_context(STYLE):
        handles = [
            Line2D([], [], color=DOT, marker="o", linestyle="", label="complete"),
            Line2D([], [], color=FAINT, marker="v", linestyle="", label="pruned (last value)"),
            Line2D([], [], color=RING, marker="x", linestyle="", label="diverged or failed"),
            Line2D([], [], color=COLOURS[5], label="best so far"),
            Line2D([], [], color="0.4", linestyle=":", label="the variant's own setting"),
        ]
        figure, axes = panels(len(shown), legend=handles)
        for ax, (title, metric, table, default) in zip(axes, shown, strict=True):
            _draw_trials(ax, metric, table, default)
            ax.set(title=title, xlabel="trial", ylabel=metric.axis_title)
    return figure


def _draw_trials(ax: Axes, metric: Column, table: pd.DataFrame, default: float | None) -> None:
    for state, colour, marker in (("complete", DOT, "o"), ("pruned", FAINT, "v")):
        rows = table[table["state"] == state]
        ax.plot(rows["number"], rows["value"], color=colour, marker=marker, linestyle="", zorder=2)
    ax.step(table["number"], table["best"], where="post", color=COLOURS[5], zorder=3)
    if default is not None:
        ax.axhline(default, color="0.4", linestyle=":", linewidth=1)
    if metric.log and spans_enough_for_log(table["value"]):
        use_log_axis(ax)
    for number in table.loc[table["state"].isin(("diverged", "failed")), "number"]:
        ax.plot(number, 0.98, color=RING, marker="x", clip_on=False, transform=ax.get_xaxis_transform())
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))


def draw_importances(shown: Mapping[str, float]) -> Figure:
    """Parameter -> share, as bars."""
    with matplotlib.rc_context(STYLE):
        figure = Figure((TWO_COLUMNS * 0.6, 0.5 + BAR_HEIGHT * len(shown)), layout="constrained")
        ax = figure.subplots()
        names = [short(key) for key in shown][::-1]
        bars = ax.barh(names, list(shown.values())[::-1], color=COLOURS[5], height=0.6)
        ax.bar_label(bars, fmt="%.2f", padding=2, fontsize=7)
        ax.set(xlabel="importance", xlim=(0, max(shown.values()) * 1.15))
        ax.tick_params(axis="y", length=0)
    return figure


def draw_slices(search: SearchResult, keys: Sequence[str], objective: int) -> Figure:
    """The objective against each of some parameters; colour: the trial's number; ring: the best."""
    metric, best = search.metrics[objective], search.best_in(objective)
    with matplotlib.rc_context(STYLE):
        figure, axes = panels(len(keys))
        drawn = None
        for i, (ax, key) in enumerate(zip(axes, keys, strict=True)):
            trials = [trial for trial in search.complete if key in trial.params]
            x = positions(search, key, [trial.params[key] for trial in trials])
            y = [trial.scores[objective] for trial in trials]
            numbers = [trial.number for trial in trials]
            last = max(len(search.trials) - 1, 1)
            drawn = ax.scatter(x, y, c=numbers, cmap="viridis_r", s=12, linewidths=0, vmin=0, vmax=last, clip_on=False)
            if best is not None and best in trials:
                at = trials.index(best)
                ax.scatter(x[at], y[at], s=45, facecolors="none", edgecolors=RING, linewidths=1.2, clip_on=False)
            if metric.log and spans_enough_for_log(pd.Series([t.scores[objective] for t in search.complete])):
                use_log_axis(ax)
            set_axis(ax, search, key, "x")
            if i % PANELS_PER_ROW == 0:
                ax.set_ylabel(metric.axis_title)
        if drawn is not None:
            bar = figure.colorbar(drawn, ax=list(axes), label="trial", aspect=30, pad=0.01)
            bar.ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
            bar.outline.set_visible(False)
    return figure


def draw_contour(search: SearchResult, keys: tuple[str, str], objective: int) -> Figure:
    """The objective over two numeric parameters, linear between the complete trials, which are the dots."""
    metric, best = search.metrics[objective], search.best_in(objective)
    trials = [trial for trial in search.complete if all(key in trial.params for key in keys)]
    points = np.array([[trial.params[key] for key in keys] for trial in trials], dtype=float)
    values = np.array([trial.scores[objective] for trial in trials])
    scaled = np.column_stack([np.log(p) if search.is_log(k) else p for k, p in zip(keys, points.T, strict=True)])
    low, high = scaled.min(0), scaled.max(0)
    unit = (scaled - low) / np.where(high > low, high - low, 1)
    grid = np.meshgrid(*[np.linspace(0, 1, CONTOUR_POINTS)] * 2)
    surface = griddata(unit, values, tuple(grid), method="linear")
    axes_values = [grid[i] * (high[i] - low[i]) + low[i] for i in range(2)]
    x, y = (np.exp(v) if search.is_log(k) else v for k, v in zip(keys, axes_values, strict=True))
    with matplotlib.rc_context(STYLE):
        figure = Figure((TWO_COLUMNS * 0.6, PANEL_HEIGHT * 1.3), layout="constrained")
        ax = figure.subplots()
        drawn = ax.contourf(x, y, surface, levels=12, cmap="viridis_r" if search.sign(objective) < 0 else "viridis")
        figure.colorbar(drawn, ax=ax, label=metric.axis_title).outline.set_visible(False)
        ax.scatter(points[:, 0], points[:, 1], s=10, color="white", edgecolors="black", linewidths=0.5, clip_on=False)
        if best is not None and best in trials:
            at = trials.index(best)
            ax.scatter(
                points[at, 0], points[at, 1], s=60, facecolors="none", edgecolors=RING, linewidths=1.5, clip_on=False
            )
        set_axis(ax, search, keys[0], "x")
        set_axis(ax, search, keys[1], "y")
    return figure


def draw_survival(shown: Sequence[tuple[str, pd.DataFrame]], styles: Mapping[str, Look]) -> Figure:
    """How many trials reached each rung, a line per search."""
    with matplotlib.rc_context(STYLE):
        figure, (ax,) = panels(1, legend=search_handles([name for name, _ in shown], styles))
        for name, table in shown:
            look = styles[name]
            (line,) = ax.plot(table["kimg"], table["reached"], color=look.colour, clip_on=False)
            line.set(marker=look.marker, linestyle=look.dash)
        ax.set(xlabel="kimg of a trial", ylabel="trials that got there", xlim=(0, None), ylim=(0, None))
        ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    return figure


def draw_progress(
    shown: Sequence[tuple[str, Column, str, pd.DataFrame]], styles: Mapping[str, Look], defaults: Mapping[str, float]
) -> Figure:
    """Best so far against cost: rows of (search, metric, axis title of the cost, `searches.best_so_far`).

    One panel per metric and cost; defaults: metric key -> the variant's own value, dotted.
    """
    places = list(dict.fromkeys((metric.key, unit) for _, metric, unit, _ in shown))
    with matplotlib.rc_context(STYLE):
        own = [Line2D([], [], color="0.4", linestyle=":", label="the variant's own setting")] if defaults else []
        legend = search_handles(list(dict.fromkeys(name for name, _, _, _ in shown)), styles, own)
        figure, axes = panels(len(places), legend=legend, in_a_row=2)
        for ax, place in zip(axes, places, strict=True):
            here = [entry for entry in shown if (entry[1].key, entry[2]) == place]
            metric = here[0][1]
            for name, _, _, table in here:
                look = styles[name]
                known = table.dropna()
                ax.step(known["cost"], known["best"], where="post", color=look.colour, linestyle=look.dash)
                ax.plot(known["cost"][-1:], known["best"][-1:], color=look.colour, marker=look.marker, clip_on=False)
            if metric.key in defaults:
                ax.axhline(defaults[metric.key], color="0.4", linestyle=":", linewidth=1)
            if metric.log and spans_enough_for_log(pd.concat([table["best"] for _, _, _, table in here])):
                use_log_axis(ax)
            ax.set(xlabel=place[1], ylabel=metric.axis_title, xlim=(0, None))
            ax.xaxis.set_major_locator(MaxNLocator(5))
    return figure


def draw_front(search: SearchResult) -> Figure:
    """The complete trials in two objectives, those of the front ringed and joined."""
    x, y = search.metrics[:2]
    front = sorted((t for t in search.complete if t.number in search.best), key=lambda t: t.scores[0])
    with matplotlib.rc_context(STYLE):
        figure, (ax,) = panels(1)
        ax.plot(*zip(*(t.scores[:2] for t in search.complete), strict=True), "o", color=FAINT)
        ax.plot(*zip(*(t.scores[:2] for t in front), strict=True), "o-", color=RING)
        ax.set(xlabel=x.axis_title, ylabel=y.axis_title)
    return figure


def positions(search: SearchResult, key: str, values: Sequence[Any]) -> list[float]:
    """Where values of a parameter lie on its axis."""
    known = [] if search.is_numeric(key) else choices(search, key)
    return [float(value) if search.is_numeric(key) else float(known.index(value)) for value in values]


def set_axis(ax: Axes, search: SearchResult, key: str, side: Literal["x", "y"]) -> None:
    """Name, range and scale of a parameter's axis: all that was searched, not only what was tried."""
    axis = ax.xaxis if side == "x" else ax.yaxis
    axis.set_label_text(short(key))
    if not search.is_numeric(key):
        known = choices(search, key)
        axis.set_ticks(range(len(known)), [str(value) for value in known])
        ax.set_xlim(-0.5, len(known) - 0.5)
        ax.tick_params(axis="x", labelrotation=20 if max(len(str(value)) for value in known) > 6 else 0)
        return
    low, high = search.space[key].low, search.space[key].high
    (ax.set_xlim if side == "x" else ax.set_ylim)(low, high)
    if search.is_log(key):
        use_log_axis(ax, side)
    else:
        axis.set_major_locator(MaxNLocator(4))


def search_handles(names: Sequence[str], styles: Mapping[str, Look], more: Sequence[Line2D] = ()) -> list[Line2D]:
    """The entries of a legend of searches; none if there is nothing to tell apart."""
    handles = [
        Line2D([], [], color=styles[n].colour, marker=styles[n].marker, linestyle=styles[n].dash, label=n)
        for n in names
    ]
    every = [*handles, *more]
    return every if len(every) > 1 else []
