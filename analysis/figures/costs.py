"""What variants cost: bars from zero."""

from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.figures.layout import LINE, panels, panels_per_row, text_width, wrapped
from analysis.figures.style import FAINT, SMALL, STYLE, TWO_COLUMNS, Look

ROW_HEIGHT, AROUND_ROWS = 0.22, 0.55
NAME_WIDTH = 1.15
GAP = 0.08  # inches between a bar and its number


def draw_costs(
    shown: Sequence[tuple[str, pd.DataFrame]], styles: Mapping[str, Look], width: float = TWO_COLUMNS
) -> Figure:
    """Bars from zero, a panel per cost (its axis title), a row per variant.

    shown: rows of variant, value, low, high (NaN: no interval), in their order from above; the same variants in all.
    """
    with matplotlib.rc_context(STYLE):
        variants = shown[0][1]["variant"].tolist()
        names = [wrapped(variant, NAME_WIDTH, SMALL) for variant in variants]
        lines = max(name.count("\n") + 1 for name in names)
        height = AROUND_ROWS + len(names) * max(ROW_HEIGHT, LINE * lines + 0.06)
        figure, axes = panels(len(shown), width=width, height=height)
        for i, (ax, (title, rows)) in enumerate(zip(axes, shown, strict=True)):
            colours = [styles[variant].colour for variant in rows["variant"]]
            ax.barh(range(len(rows)), rows["value"], color=colours, height=0.6)
            for place, (_, row) in enumerate(rows.iterrows()):
                ax.plot([row["low"], row["high"]], [place] * 2, color=FAINT, linewidth=1)
                ax.annotate(
                    three_digits(row["value"]), (np.nanmax([row["value"], row["high"]]), place), xytext=(3, 0),
                    textcoords="offset points", va="center", fontsize=SMALL,
                )  # fmt: skip
            top = np.nanmax(rows[["value", "high"]].to_numpy())
            number = max(text_width(three_digits(value), SMALL) for value in rows["value"]) + GAP
            across = (width if len(shown) > 1 else figure.get_figwidth()) / panels_per_row(width) - NAME_WIDTH
            ax.set_xlim(0, top / max(0.3, 1 - number / max(across, 0.8)))
            ax.set_yticks(range(len(rows)), names if i % panels_per_row(width) == 0 else [])
            ax.set_ylim(len(rows) - 0.4, -0.6)
            ax.tick_params(axis="y", length=0)
            ax.set_xlabel(title)
            ax.xaxis.set_major_locator(MaxNLocator(3))
    return figure


def three_digits(value: float) -> str:
    """`0.0118`, `1.00`, `564`, `1,234`."""
    return f"{value:,.0f}" if value >= 100 else f"{value:#.3g}"
