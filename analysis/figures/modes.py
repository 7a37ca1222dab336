"""The 1000 modes of stacked digits as a map: which are missing."""

from collections.abc import Mapping
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from analysis.figures.layout import add_legend, legend_height, wrapped
from analysis.figures.style import FAINT, ONE_COLUMN, SMALL, STYLE, TEXT, TWO_COLUMNS

SIDE = 10  # digits
MODES = SIDE**3
GAP = 1  # squares between blocks
BLOCKS_PER_ROW = {TWO_COLUMNS: 10, ONE_COLUMN: 5}
BESIDE = 0.45  # inches at the left of the blocks
TITLE, BLOCK_LABEL = 0.16, 0.14  # heights of a line
FAINTEST = 0.25  # grey of a mode that few seeds lack
BELOW = 0.36  # of the labels under the lowest blocks of a variant


def draw_modes(shown: Mapping[str, np.ndarray], width: float = TWO_COLUMNS) -> Figure:
    """A map for each variant, below each other. shown: for each of 1000 modes (100 red + 10 green + blue digit) the
    share of seeds that lack it, 0..1.

    White: every seed has the mode; black: none has it.
    """
    in_a_row = BLOCKS_PER_ROW[width]
    rows = SIDE // in_a_row
    square = (width - BESIDE) / (in_a_row * (SIDE + GAP))
    with matplotlib.rc_context(STYLE):
        titles = [wrapped(title_of(variant, missing), width - BESIDE, TEXT) for variant, missing in shown.items()]
        heights = [TITLE * (1 + title.count("\n")) + rows * (square * SIDE + BLOCK_LABEL) + BELOW for title in titles]
        legend = handles()
        size = (width, sum(heights) + legend_height(legend, width))
        figure = Figure(size, layout=ConstrainedLayoutEngine(h_pad=0.02, w_pad=0.02))
        axes = figure.subplots(len(shown), 1, squeeze=False, height_ratios=heights).ravel()
        add_legend(figure, legend)
        for ax, title, missing in zip(axes, titles, shown.values(), strict=True):
            draw_blocks(ax, missing, in_a_row, BLOCK_LABEL / square)
            ax.set_title(title)
    return figure


def title_of(variant: str, missing: np.ndarray) -> str:
    """With how many modes a seed lacks on average."""
    return f"{variant}: {round(missing.sum(), 1):g} missing"


def draw_blocks(ax: Axes, missing: np.ndarray, in_a_row: int, label: float) -> None:
    """Ten blocks of 10 x 10 squares, each with its digits along its sides. label: height of their names, in squares."""
    down = SIDE + label
    for red, block in enumerate(missing.reshape(SIDE, SIDE, SIDE)):
        left, top = red % in_a_row * (SIDE + GAP), red // in_a_row * down
        grey = np.where(block > 0, FAINTEST + (1 - FAINTEST) * block, 0)
        place = (left, left + SIDE, top + SIDE, top)
        ax.imshow(grey, cmap="Greys", vmin=0, vmax=1, extent=place, interpolation="nearest")
        ax.add_patch(Rectangle((left, top), SIDE, SIDE, fill=False, edgecolor=FAINT, linewidth=0.5))
        ax.text(left + SIDE / 2, top - label * 0.12, f"red {red}", ha="center", va="bottom", fontsize=SMALL)
    rows, ends = SIDE // in_a_row, (0.5, SIDE - 0.5)
    ax.set_xlim(-GAP / 2, in_a_row * (SIDE + GAP) - GAP / 2)
    ax.set_ylim((rows - 1) * down + SIDE, -label)
    ax.set_yticks([row * down + end for row in range(rows) for end in ends], ["0", "9"] * rows)
    ax.set_xticks([block * (SIDE + GAP) + end for block in range(in_a_row) for end in ends], ["0", "9"] * in_a_row)
    ax.tick_params(length=0, pad=1)
    ax.set_xlabel("blue", labelpad=1)
    ax.set_ylabel("green")
    ax.spines[:].set_visible(False)


def handles() -> list[Line2D]:
    """What white, grey and black mean."""
    square: dict[str, Any] = {"linestyle": "", "marker": "s", "markersize": 6, "markeredgecolor": FAINT}
    said = {"1.0": "in every seed", "0.5": "missing in some", "0.0": "missing in all"}
    return [Line2D([], [], **square, markerfacecolor=grey, label=text) for grey, text in said.items()]
