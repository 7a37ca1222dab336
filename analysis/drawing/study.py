"""All figures of a study."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from analysis.drawing.curves import draw_curves
from analysis.drawing.drawn import Drawn
from analysis.drawing.samples import LoadGrids, draw_samples
from analysis.drawing.schedules import draw_schedules
from analysis.drawing.values import draw_values
from analysis.selection import GROUP


def draw_all(
    compared: pd.DataFrame, variants: Sequence[str], points: pd.DataFrame, load_grids: LoadGrids, folder: Path
) -> list[Drawn]:
    """Draw every figure for every profile and dataset that has data for it, in the order of the report.

    compared: the runs, rows of `load.load_jobs`; a column `collapsed` (bool) says which have collapsed, none has
    without it. variants: all of the study, in order. points: long form (see `load.load_points`). load_grids: from a
    row of the runs, and how many are wanted at most, to its sample grids by kimg (see `load.load_grids`).
    """
    if "collapsed" not in compared:
        compared = compared.assign(collapsed=False)
    drawn = []
    for _, group in compared.groupby(GROUP):
        drawn += draw_curves(group, variants, points, folder)
        drawn += draw_schedules(group, variants, points, folder)
        drawn += draw_values(group, variants, folder)
        drawn += draw_samples(group, variants, load_grids, folder)
    return drawn
