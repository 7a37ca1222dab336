"""Drawing: curves over training and grids of samples, in one style, from data that is ready to draw.

Sizes are in inches at which the figure is meant to be printed, so that 8-point text is 8-point text in the paper.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Literal

import matplotlib
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from analysis.metrics import Column

TEXT_WIDTH = 6.5
PANEL_HEIGHT = 1.9
LEGEND_HEIGHT = 0.2  # of one row
PANELS_PER_ROW = 3
LEGEND_COLUMNS = 5
GRIDS_PER_ROW = 5
GRID_SIDE = 8  # images along a side of a sample grid
FEW_POINTS = 15  # up to here every point of a curve gets a marker
LEAST_FOR_DECADES = 12  # largest over smallest value from which 1, 3, 10 ... give two labels or more
LOG_RANGE = 5  # largest over smallest value from which a log axis helps
# Okabe and Ito (2008), black first and without the yellow, which is too light for lines.
COLOURS = ("#000000", "#E69F00", "#56B4E9", "#009E73", "#CC79A7", "#0072B2", "#D55E00")
MARKERS = "os^DvPX"  # one per colour, for print without colours
Dash = tuple[float, Sequence[float]]
DASHES: tuple[Dash, ...] = ((0, ()), (0, (4, 1.5)), (0, (1, 1)))
STYLE = sns.axes_style("ticks") | {
    "font.size": 8, "axes.titlesize": 8, "axes.labelsize": 8, "legend.fontsize": 8,
    "xtick.labelsize": 7, "ytick.labelsize": 7, "axes.linewidth": 0.6, "lines.linewidth": 1.2, "lines.markersize": 3,
    "xtick.major.width": 0.6, "ytick.major.width": 0.6, "xtick.major.size": 3, "ytick.major.size": 3,
    "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False, "legend.handlelength": 2.8,
    "pdf.fonttype": 42, "savefig.dpi": 300,
}  # fmt: skip


@dataclass(frozen=True)
class Look:
    """How one variant is drawn, in every figure."""

    colour: str
    marker: str
    dash: Dash


def looks(variants: Sequence[str]) -> dict[str, Look]:
    """A look for each variant by its place; when the colours are used up they come again with another dash."""
    every = [
        Look(colour, marker, dash) for dash, (colour, marker) in product(DASHES, zip(COLOURS, MARKERS, strict=True))
    ]
    return {variant: every[i % len(every)] for i, variant in enumerate(variants)}


def draw_curves(
    panels: Sequence[tuple[Column, pd.DataFrame]], styles: Mapping[str, Look], floors: Mapping[str, float]
) -> Figure:
    """One panel per metric over kimg: line = mean, band = low to high, dotted = the metric's floor.

    panels: metrics with the rows of `curves.over_seeds`; floors: by metric key.
    """
    columns = min(PANELS_PER_ROW, len(panels))
    rows = -(-len(panels) // columns)
    with matplotlib.rc_context(STYLE):
        handles = legend_handles(panels, styles, floors)
        legend_rows = -(-len(handles) // LEGEND_COLUMNS)
        figure = Figure((TEXT_WIDTH, PANEL_HEIGHT * rows + LEGEND_HEIGHT * legend_rows), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for ax, (metric, curves) in zip(axes, panels, strict=False):
            draw_panel(ax, metric, curves, styles, floors.get(metric.key))
        for ax in axes[len(panels) :]:
            ax.set_axis_off()
        figure.legend(handles=handles, loc="outside upper center", ncols=min(LEGEND_COLUMNS, len(handles)))
    return figure


def legend_handles(
    panels: Sequence[tuple[Column, pd.DataFrame]], styles: Mapping[str, Look], floors: Mapping[str, float]
) -> list[Line2D]:
    """One entry per variant that is drawn, and one per floor."""
    shown = {variant for _, curves in panels for variant in curves["variant"]}
    markers = any(has_markers(curves) for _, curves in panels)
    handles = [
        Line2D([], [], color=look.colour, linestyle=look.dash, marker=look.marker if markers else "", label=variant)
        for variant, look in styles.items()
        if variant in shown
    ]
    for metric, _ in panels:
        if metric.key in floors:
            label = f"floor of {metric.plot_label or metric.label}"
            handles.append(Line2D([], [], color="0.4", linestyle=":", label=label))
    return handles


def draw_panel(ax: Axes, metric: Column, curves: pd.DataFrame, styles: Mapping[str, Look], floor: float | None) -> None:
    """The curves of one metric."""
    log = metric.log and spans_enough_for_log(curves["mean"])
    for variant, look in styles.items():
        rows = curves[(curves["variant"] == variant) & ((curves["low"] > 0) | (not log))]
        marker = look.marker if has_markers(curves) else ""
        ax.plot(rows["kimg"], rows["mean"], color=look.colour, linestyle=look.dash, marker=marker)
        ax.fill_between(rows["kimg"], rows["low"], rows["high"], color=look.colour, alpha=0.2, linewidth=0)
    if floor is not None:
        ax.axhline(floor, color="0.4", linestyle=":", linewidth=1)
    if log:
        use_log_axis(ax)
    ax.set(title=metric.axis_title, xlabel="kimg")
    ax.set_xlim(left=0)
    ax.xaxis.set_major_locator(MaxNLocator(5))


def has_markers(curves: pd.DataFrame) -> bool:
    """Whether the points are few enough to be marked one by one."""
    return curves["kimg"].nunique() <= FEW_POINTS


def spans_enough_for_log(values: pd.Series) -> bool:
    """Whether the largest value is more than LOG_RANGE times the smallest positive one."""
    positive = values[values > 0]
    return len(positive) > 0 and bool(positive.max() > LOG_RANGE * positive.min())


def use_log_axis(ax: Axes, side: Literal["x", "y"] = "y") -> None:
    """A logarithmic axis, labelled in plain numbers at 1, 2, 5, 10 ... (x: 1, 3, 10 ..., where labels stand side by
    side) or, over many decades, at powers of ten."""
    (ax.set_yscale if side == "y" else ax.set_xscale)("log")
    low, high = ax.get_ylim() if side == "y" else ax.get_xlim()
    axis, close = (ax.yaxis, (1.0, 2.0, 5.0)) if side == "y" else (ax.xaxis, (1.0, 3.0))
    if side == "x" and high / low < LEAST_FOR_DECADES:  # LogLocator would put labels too close to each other
        axis.set_major_locator(MaxNLocator(3))
    else:
        axis.set_major_locator(LogLocator(subs=close if high / low < (300 if side == "y" else 50) else (1.0,)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(LogLocator(subs=range(2, 10)))
    axis.set_minor_formatter(NullFormatter())


def draw_samples(
    grids: Mapping[tuple[str, int], np.ndarray | None], variants: Sequence[str], seeds: Sequence[int]
) -> Figure:
    """Sample grids side by side: variants as columns (in blocks where they are many), seeds as rows.

    grids: [H, W, 3] in 0..1 by (variant, seed).
    """
    columns = min(GRIDS_PER_ROW, len(variants))
    blocks = [variants[i : i + columns] for i in range(0, len(variants), columns)]
    cell = min(TEXT_WIDTH / columns, 2.2)
    with matplotlib.rc_context(STYLE):
        size = (cell * columns, cell * len(blocks) * len(seeds) + 0.2 * len(blocks))
        figure = Figure(size, layout=ConstrainedLayoutEngine(w_pad=0.04, h_pad=0.03))
        axes = figure.subplots(len(blocks) * len(seeds), columns, squeeze=False)
        for ax in axes.ravel():
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(False)
        for b, block in enumerate(blocks):
            for s, seed in enumerate(seeds):
                row = axes[b * len(seeds) + s]
                row[0].set_ylabel(f"seed {seed}")
                for ax, variant in zip(row, block, strict=False):
                    draw_grid(ax, grids.get((variant, seed)))
                    if s == 0:
                        ax.set_title(variant)
    return figure


def draw_grid(ax: Axes, grid: np.ndarray | None) -> None:
    """One grid with its images set apart by thin white lines, or a word if it is missing."""
    if grid is None:
        ax.text(0.5, 0.5, "no samples", ha="center", va="center", color="0.5", transform=ax.transAxes)
        return
    ax.imshow(separate(enlarge(grid)), interpolation="nearest")


def enlarge(grid: np.ndarray, least: int = 512) -> np.ndarray:
    """Nearest-neighbour upscaling of [H, W, 3] by the smallest whole factor that makes it `least` pixels high."""
    factor = -(-least // grid.shape[0])
    return grid.repeat(factor, 0).repeat(factor, 1)


def separate(grid: np.ndarray, gap: int = 6) -> np.ndarray:
    """White lines of `gap` pixels between the images of a grid [H, W, 3]."""
    edges = [np.arange(1, GRID_SIDE) * (size // GRID_SIDE) for size in grid.shape[:2]]
    wide = np.insert(grid, np.repeat(edges[0], gap), 1.0, axis=0)
    return np.insert(wide, np.repeat(edges[1], gap), 1.0, axis=1)


def save_figure(figure: Figure, folder: Path, name: str) -> None:
    """Write name.png and name.pdf, the same bytes for the same figure."""
    folder.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context(STYLE):
        figure.savefig(folder / f"{name}.png")
        figure.set_layout_engine("none")  # the layout is done and stays
        figure.savefig(folder / f"{name}.pdf", metadata={"CreationDate": None})
