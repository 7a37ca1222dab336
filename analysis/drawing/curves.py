"""The figures over training: quality, losses, penalties."""

from collections.abc import Sequence
from functools import partial

import pandas as pd

from analysis.drawing.drawn import Drawn, Omitted, collapsed_runs, figure_of, omit
from analysis.figures import curves as figures
from analysis.figures.curves import CurvePanel
from analysis.figures.style import looks
from analysis.metrics import FIGURES, Column, FigureName, shown_columns
from analysis.statistics.curves import LEAST_FOR_QUARTILES, over_seeds
from experiments import names

NO_POINTS = "no points of it were recorded"
OVER_TRAINING: tuple[FigureName, ...] = ("quality", "losses", "penalties")
FLOOR_CAPTION = "Dotted, where the panel reaches so far: what a perfect generator shows with as many samples."


def draw_curves(group: pd.DataFrame, variants: Sequence[str], points: pd.DataFrame) -> list[Drawn | Omitted]:
    """The figures over training of one profile and dataset."""
    drawn: list[Drawn | Omitted] = []
    for kind in OVER_TRAINING:
        panels = curve_panels(shown_columns(group.columns, kind), group, points)
        if panels:
            keys = {panel.metric.key: panel.metric.floor for panel in panels}
            floors = {key: group[floor].mean() for key, floor in keys.items() if floor in group and group[floor].any()}
            parts = [FIGURES[kind], lines_caption(panels, group), FLOOR_CAPTION if floors else ""]
            draw = partial(figures.draw_curves, panels, looks(variants), floors)
            drawn.append(figure_of(draw, group, kind, parts))
        else:
            drawn.append(omit(group, kind, NO_POINTS))
    return drawn


def curve_panels(metrics: Sequence[Column], group: pd.DataFrame, points: pd.DataFrame) -> list[CurvePanel]:
    """The metrics that this group of runs has points of, each with its curves: bands over the seeds that did not
    collapse, and the others one by one."""
    runs = group[["run_id", names.VARIANT, names.SEED, "collapsed"]]
    panels = []
    for metric in metrics:
        rows = points[points["metric"] == metric.key].merge(runs, on="run_id")
        if len(rows) and not metric.at_end:
            panels.append(CurvePanel(metric, over_seeds(rows[~rows["collapsed"]]), rows[rows["collapsed"]]))
    return panels


def lines_caption(panels: Sequence[CurvePanel], group: pd.DataFrame) -> str:
    """What line, band and thin lines are in these panels."""
    seeds = pd.concat([panel.bands["seeds"] for panel in panels])
    kinds = []
    if (seeds >= LEAST_FOR_QUARTILES).any():
        kinds.append("middle half (25th to 75th percentile)")
    if (seeds < LEAST_FOR_QUARTILES).any():
        kinds.append(f"range{f' (with fewer than {LEAST_FOR_QUARTILES} seeds)' if kinds else ''}")
    collapsed = group["collapsed"].any()
    who = "the seeds that did not collapse" if collapsed else "the seeds"
    caption = f"Line and band: median and {' or '.join(kinds)} of {who}." if kinds else ""
    thin = f"Thin, up to a cross: collapsed seeds ({collapsed_runs(group)}); far from all bands they leave the panel."
    return " ".join(filter(None, (caption, thin if collapsed else "")))
