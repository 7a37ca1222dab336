"""Charts as pictures."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from r3gan.exploration.parts import Picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE, DPI = (6.4, 4.4), 100
DOTS = 12  # area of a point


def lines(x: Sequence[float], series: Mapping[str, Sequence[float]], x_label: str, caption: str) -> Picture:
    """Shares (0..1) over x, one line a name."""
    figure, axes = _axes()
    for name, values in series.items():
        axes.plot(x, values, marker="o", label=name)
    axes.set_xlabel(x_label)
    axes.set_ylim(-0.03, 1.03)
    axes.grid(alpha=0.3)
    axes.legend()
    return _picture(figure, caption)


def clouds(groups: Mapping[str, np.ndarray], caption: str) -> Picture:
    """Points [N, 2] of each name in a colour; the axes mean nothing and have no numbers."""
    figure, axes = _axes()
    for name, places in groups.items():
        axes.scatter(places[:, 0], places[:, 1], s=DOTS, alpha=0.6, linewidths=0, label=name)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.legend(markerscale=3)  # dots as small as in the cloud cannot be told apart
    return _picture(figure, caption)


def named_points(places: np.ndarray, names: Sequence[str], labels: tuple[str, str], caption: str) -> Picture:
    """Points [N, 2] with their names."""
    figure, axes = _axes()
    axes.scatter(places[:, 0], places[:, 1], s=DOTS)
    for (x, y), name in zip(places, names, strict=True):
        axes.annotate(name, (x, y), xytext=(3, 3), textcoords="offset points", fontsize=8, parse_math=False)
    axes.set_xlabel(labels[0])
    axes.set_ylabel(labels[1])
    axes.set_aspect("equal", adjustable="datalim")
    axes.grid(alpha=0.3)
    return _picture(figure, caption)


def _axes() -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure  # takes a second to load

    figure = Figure(figsize=SIZE, dpi=DPI, layout="constrained")
    return figure, figure.subplots()


def _picture(figure: Figure, caption: str) -> Picture:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return Picture(buffer.getvalue(), caption)
