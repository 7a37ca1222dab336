"""Metrics over training: a line and a band for each variant, and thin lines for the seeds that collapsed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from analysis.figures.axes import scale_of, use_log_axis
from analysis.figures.layout import panels
from analysis.figures.style import FAINT, STYLE, TWO_COLUMNS, Look
from analysis.metrics import Column

SINGLE_WIDTH = 0.5  # points: of the line of a single seed
MARKS = 6  # markers along a line, about


def no_seeds() -> pd.DataFrame:
    """No seed that is drawn by itself."""
    return pd.DataFrame({"variant": [], "seed": [], "kimg": [], "value": []})


@dataclass(frozen=True)
class CurvePanel:
    """What one panel shows.

    bands: rows of variant, kimg, middle, low, high. single: seeds drawn as lines of their own: rows of variant, seed,
    kimg, value.
    """

    metric: Column
    bands: pd.DataFrame
    single: pd.DataFrame = field(default_factory=no_seeds)


def draw_curves(
    shown: Sequence[CurvePanel], styles: Mapping[str, Look], floors: Mapping[str, float], width: float = TWO_COLUMNS
) -> Figure:
    """One panel per metric over kimg: line = middle, band = low to high, thin = a single seed, dotted = the metric's
    floor.

    floors: by metric key. Thin lines and floors far beyond all bands are outside their panel: the bands stay readable.
    """
    with matplotlib.rc_context(STYLE):
        figure, axes = panels(len(shown), width=width, legend=legend_handles(shown, styles, floors))
        for ax, panel in zip(axes, shown, strict=True):
            draw_panel(ax, panel, styles, floors.get(panel.metric.key))
    return figure


def legend_handles(
    shown: Sequence[CurvePanel], styles: Mapping[str, Look], floors: Mapping[str, float]
) -> list[Line2D]:
    """One entry per variant that is drawn, one for single seeds, and one per floor."""
    drawn = {variant for panel in shown for rows in (panel.bands, panel.single) for variant in rows["variant"]}
    handles = [
        Line2D([], [], color=look.colour, linestyle=look.dash, marker=look.marker, label=variant)
        for variant, look in styles.items()
        if variant in drawn
    ]
    if any(len(panel.single) for panel in shown):
        handles.append(Line2D([], [], color=FAINT, linewidth=SINGLE_WIDTH, marker="x", label="collapsed seed"))
    for panel in shown:
        if panel.metric.key in floors:
            label = f"floor of {panel.metric.plot_label or panel.metric.label}: {floors[panel.metric.key]:.3g}"
            handles.append(Line2D([], [], color=FAINT, linestyle=":", label=label))
    return handles


def draw_panel(ax: Axes, panel: CurvePanel, styles: Mapping[str, Look], floor: float | None) -> None:
    """The curves of one metric."""
    bands, single = panel.bands, panel.single
    optional = pd.concat([single["value"], pd.Series([] if floor is None else [floor], dtype=float)])
    scale = scale_of(pd.concat([bands["middle"], bands["low"], bands["high"]]), optional, panel.metric.log)
    drawn = [variant for variant in styles if variant in set(bands["variant"])]
    for variant, look in styles.items():
        for _, line in single[single["variant"] == variant].groupby("seed"):
            line = line[(line["value"] > 0) | (not scale.log)].sort_values("kimg")
            ax.plot(
                line["kimg"], line["value"], color=look.colour, linestyle=look.dash, linewidth=SINGLE_WIDTH, marker="x",
                markevery=[len(line) - 1] if len(line) else None,
            )  # fmt: skip
        if variant not in drawn:
            continue
        rows = bands[(bands["variant"] == variant) & ((bands["low"] > 0) | (not scale.log))]
        ax.plot(
            rows["kimg"], rows["middle"], color=look.colour, linestyle=look.dash, marker=look.marker,
            markevery=places_of_markers(len(rows), drawn.index(variant), len(drawn)),
        )  # fmt: skip
        ax.fill_between(rows["kimg"], rows["low"], rows["high"], color=look.colour, alpha=0.2, linewidth=0)
    if floor is not None:
        ax.axhline(floor, color=FAINT, linestyle=":", linewidth=1)
    ax.set_ylim(scale.low, scale.high)
    if scale.log:
        use_log_axis(ax)
    ax.set(title=panel.metric.axis_title, xlabel="kimg")
    ax.set_xlim(left=0)
    ax.xaxis.set_major_locator(MaxNLocator(5))


def places_of_markers(points: int, place: int, of: int) -> tuple[int, int]:
    """First and step of the marked points: about MARKS of them, elsewhere for each variant where points are many."""
    step = max(1, points // MARKS)
    return (step * place // of, step)
