"""The last values of every seed."""

from collections.abc import Sequence
from functools import partial

import pandas as pd

from analysis.drawing.drawn import Drawn, Omitted, collapsed_runs, figure_of, omit
from analysis.figures import values as figures
from analysis.figures.style import looks
from analysis.metrics import Column, shown_columns
from experiments import names


def draw_values(group: pd.DataFrame, variants: Sequence[str]) -> list[Drawn | Omitted]:
    """Points per seed, and the same beside the baseline's with the same seeds, of one profile and dataset."""
    shown = last_values(group)
    if not shown:
        return [omit(group, kind, "nothing was measured") for kind in ("values", "pairs")]
    crosses = ""
    if group["collapsed"].any():
        crosses = (
            f"Crosses: seeds that collapsed ({collapsed_runs(group)}); far from all others they stand at the edge, "
            "with their values."
        )
    bar = f"Bar: median{' of the seeds that did not collapse' if crosses else ''}."
    drawn: list[Drawn | Omitted] = [
        figure_of(
            partial(figures.draw_values, shown, looks(variants)),
            group, "values", ["Values at the end of training, a point for each seed.", bar, crosses],
        )
    ]  # fmt: skip
    found = set(group[names.VARIANT])
    if names.BASELINE in found and len(found) > 1:
        caption = "Values at the end of training: each variant (right) beside the baseline (left). A line joins a seed."
        draw = partial(figures.draw_pairs, shown, looks(variants), names.BASELINE)
        drawn.append(figure_of(draw, group, "pairs", [caption, crosses]))
    else:
        drawn.append(omit(group, "pairs", "the baseline and another variant are needed"))
    return drawn


def last_values(group: pd.DataFrame) -> list[tuple[Column, pd.DataFrame]]:
    """The metrics that any run of the group has a value of, with rows of variant, seed, value, collapsed."""
    found = []
    for metric in shown_columns(group.columns):
        rows = group.loc[group[metric.key].notna(), [names.VARIANT, names.SEED, metric.key, "collapsed"]]
        if len(rows):
            found.append((metric, rows.rename(columns={metric.key: "value"})))
    return found
