"""A design of two factors: the means of its four cells."""

import matplotlib
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from analysis.figures.axes import scale_of, use_log_axis
from analysis.figures.layout import panels
from analysis.figures.style import DASHES, STYLE, TWO_COLUMNS, Dash
from analysis.metrics import Column
from experiments.palette import COLOURS

ASIDE = 0.04  # of the two lines' marks, so that their intervals do not cover each other
LINES: tuple[tuple[bool, str, str, Dash], ...] = (
    (False, COLOURS[0], "o", DASHES[0]),
    (True, COLOURS[5], "s", DASHES[1]),
)  # without and with the second factor


def draw_interaction(
    shown: list[tuple[Column, pd.DataFrame]], factors: tuple[str, str], width: float = TWO_COLUMNS
) -> Figure:
    """A panel per metric: the first factor off and on along x, a line for the second one off and one for on.

    shown: four rows of first, second (bool: whether the factor is in), estimate, low, high (NaN: no interval).
    Parallel lines: the factors add up.
    """
    with matplotlib.rc_context(STYLE):
        legend = [
            Line2D([], [], color=colour, marker=marker, linestyle=dash, label=f"{word} {factors[1]}")
            for word, (_, colour, marker, dash) in zip(("without", "with"), LINES, strict=True)
        ]
        figure, axes = panels(len(shown), width=width, legend=legend)
        for ax, (metric, cells) in zip(axes, shown, strict=True):
            for on, colour, marker, dash in LINES:
                rows = cells[cells["second"] == on].sort_values("first")
                at = rows["first"].astype(float) + (ASIDE if on else -ASIDE)
                ax.vlines(at, rows["low"], rows["high"], color=colour, linewidth=1)
                ax.plot(at, rows["estimate"], color=colour, marker=marker, linestyle=dash, markersize=5)
            scale = scale_of(cells[["estimate", "low", "high"]].stack(), pd.Series(dtype=float), metric.log)
            ax.set_ylim(scale.low, scale.high)
            if scale.log:
                use_log_axis(ax)
            else:
                ax.yaxis.set_major_locator(MaxNLocator(5))
            ax.set_xticks([0, 1], ["without", "with"])
            ax.set(title=metric.axis_title, xlabel=factors[0], xlim=(-0.4, 1.4))
    return figure
