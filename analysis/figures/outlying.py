"""Values so far from all others that an axis with them would show nothing of the others: they stand at its edge."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis.figures.axes import Scale, scale_of
from analysis.figures.style import SMALL

INSIDE = 0.04  # how far from the edge the marks are, as a share of the axis
EDGE_ROOM = 0.4  # more range, as a share, at an edge where values stand


def with_room_at_edges(rows: pd.DataFrame, may_be_log: bool) -> Scale:
    """A scale for rows of value, collapsed: with room at the edges where collapsed seeds are beyond it."""
    collapsed = rows.loc[rows["collapsed"], "value"]
    scale = scale_of(rows.loc[~rows["collapsed"], "value"], collapsed, may_be_log)
    forward, back = (np.log10, lambda x: 10**x) if scale.log else (float, float)
    low, high = forward(scale.low), forward(scale.high)
    room = EDGE_ROOM * (high - low)
    low = low - room if (collapsed < scale.low).any() else low
    high = high + room if (collapsed > scale.high).any() else high
    return Scale(float(back(low)), float(back(high)), scale.log)


def draw_beyond(
    ax: Axes, side: Literal["x", "y"], values: pd.Series, at: float, scale: Scale, mark: Mapping[str, Any]
) -> None:
    """A mark at the edge for the values beyond it, with their numbers. at: the place on the other axis."""
    for beyond, edge, toward in ((values < scale.low, INSIDE, 1), (values > scale.high, 1 - INSIDE, -1)):
        if not beyond.any():
            continue
        where = (edge, at) if side == "x" else (at, edge)
        to = ax.get_yaxis_transform() if side == "x" else ax.get_xaxis_transform()
        ax.plot(*where, transform=to, clip_on=False, **mark)
        shift = (5 * toward, 0) if side == "x" else (0, 5 * toward)
        horizontal = {1: "left", -1: "right"}[toward] if side == "x" else "center"
        vertical = "center" if side == "x" else {1: "bottom", -1: "top"}[toward]
        ax.annotate(
            in_two_lines(values[beyond]), where, xycoords=to, xytext=shift,
            textcoords="offset points", ha=horizontal, va=vertical, fontsize=SMALL - 1,
        )  # fmt: skip


def in_two_lines(values: pd.Series) -> str:
    """One or two numbers below each other; of more, the ends and how many."""
    if len(values) > 2:
        return f"{values.min():.4g} to\n{values.max():.4g} ({len(values)})"
    return "\n".join(f"{value:.4g}" for value in sorted(values))
