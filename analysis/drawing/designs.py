"""The effects of a factorial design, and its interaction."""

from functools import partial
from itertools import product

import pandas as pd

from analysis.answer import effect_name
from analysis.comparison import Comparison
from analysis.drawing.drawn import Drawn, Omitted, figure_of, omit
from analysis.figures.designs import draw_interaction
from analysis.figures.intervals import draw_forest
from analysis.metrics import Column
from analysis.statistics.factorial import Factorial
from analysis.tables import p_is

NO_DESIGN = "the variants form no factorial design"
EFFECTS_CAPTION = (
    "Main effects: the mean difference that a factor makes; interactions: the difference of differences. Of the seeds "
    "that neither collapsed nor diverged; intervals and p are not corrected."
)
CELLS_CAPTION = (
    "Means, with 95% intervals, of the four cells of the design, of the seeds that neither collapsed nor diverged. "
    "Parallel lines: the factors add up."
)


def draw_design(comparison: Comparison) -> list[Drawn | Omitted]:
    """Effects and interaction in the primary metric of one profile and dataset."""
    group, design, metric = comparison.runs, comparison.design, comparison.primary
    if design is None or metric is None:
        return [omit(group, "effects", NO_DESIGN), omit(group, "interaction", NO_DESIGN)]
    return [_effects(comparison, metric), _interaction(comparison, design, metric)]


def _effects(comparison: Comparison, metric: Column) -> Drawn | Omitted:
    rows = effect_rows(comparison)
    if rows.empty:
        return omit(comparison.runs, "effects", "no effect has an interval")
    return figure_of(
        partial(draw_forest, [(metric, rows)], "effect", {}), comparison.runs, "effects", [EFFECTS_CAPTION]
    )


def effect_rows(comparison: Comparison) -> pd.DataFrame:
    """A row for each effect that has an interval, as `draw_forest` wants it."""
    return pd.DataFrame([
        {
            "label": effect_name(effect), "estimate": effect.value, "low": effect.interval.low,
            "high": effect.interval.high, "simultaneous_low": float("nan"), "simultaneous_high": float("nan"),
            "conclusion": p_is(effect.p),
        }
        for effect in comparison.effects
        if effect.interval.is_known
    ])  # fmt: skip


def _interaction(comparison: Comparison, design: Factorial, metric: Column) -> Drawn | Omitted:
    if len(design.factors) != 2:
        return omit(comparison.runs, "interaction", f"it is drawn of two factors, here are {len(design.factors)}")
    cells = cell_rows(comparison, design, metric)
    if cells["estimate"].isna().any():
        return omit(comparison.runs, "interaction", "a cell of the design has no value")
    draw = partial(draw_interaction, [(metric, cells)], design.factors)
    return figure_of(draw, comparison.runs, "interaction", [CELLS_CAPTION])


def cell_rows(comparison: Comparison, design: Factorial, metric: Column) -> pd.DataFrame:
    """The four cells of a design of two factors."""
    rows = []
    for first, second in product((False, True), repeat=2):
        levels = frozenset(f for f, on in zip(design.factors, (first, second), strict=True) if on)
        mean = comparison.cells[design.cells[levels], metric.key].mean
        ends = {"low": mean.interval.low, "high": mean.interval.high}
        rows.append({"first": first, "second": second, "estimate": mean.value, **ends})
    return pd.DataFrame(rows)
