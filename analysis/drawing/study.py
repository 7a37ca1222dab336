"""All figures of a study."""

from collections.abc import Iterator, Sequence

import pandas as pd

from analysis.comparison import Comparison, shown_differences
from analysis.drawing.artifacts import Artifacts
from analysis.drawing.costs import draw_costs
from analysis.drawing.curves import draw_curves
from analysis.drawing.designs import draw_design
from analysis.drawing.differences import draw_differences
from analysis.drawing.drawn import Drawn, Omitted
from analysis.drawing.modes import draw_modes
from analysis.drawing.pictures import draw_pictures
from analysis.drawing.samples import draw_samples
from analysis.drawing.schedules import draw_schedules
from analysis.drawing.values import draw_values


def draw_all(
    comparisons: Sequence[Comparison],
    variants: Sequence[str],
    points: pd.DataFrame,
    artifacts: Artifacts,
) -> Iterator[Drawn | Omitted]:
    """Every figure of every profile and dataset, in the order of the report: drawn, or said why not.

    variants: all of the study, in order. points: long form (see `load.load_points`).
    """
    corrected_for = shown_differences(comparisons)
    for comparison in comparisons:
        group = comparison.runs
        yield from draw_differences(comparison, variants, corrected_for)
        yield from draw_values(group, variants)
        yield from draw_design(comparison)
        yield from draw_curves(group, variants, points)
        yield from draw_schedules(group, variants, points)
        yield from draw_costs(comparison, variants)
        yield draw_modes(group, variants, artifacts.mode_counts)
        yield from draw_samples(group, variants, artifacts.grids)
        yield from draw_pictures(group, variants, artifacts.picture)
