"""All figures of a study."""

from collections.abc import Sequence

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
) -> list[Drawn | Omitted]:
    """Every figure of every profile and dataset, in the order of the report: drawn, or said why not.

    variants: all of the study, in order. points: long form (see `load.load_points`).
    """
    corrected_for, figures = shown_differences(comparisons), []
    for comparison in comparisons:
        group = comparison.runs
        figures += draw_differences(comparison, variants, corrected_for)
        figures += draw_values(group, variants)
        figures += draw_design(comparison)
        figures += draw_curves(group, variants, points)
        figures += draw_schedules(group, variants, points)
        figures += draw_costs(comparison, variants)
        figures.append(draw_modes(group, variants, artifacts.mode_counts))
        figures += draw_samples(group, variants, artifacts.grids)
        figures += draw_pictures(group, variants, artifacts.picture)
    return figures
