"""The differences to the baseline in the primary metric, and what more seeds would show."""

import math
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import pandas as pd

from analysis.comparison import Comparison, least_shown
from analysis.drawing.drawn import NOTHING_TO_JUDGE_BY, Drawn, Omitted, figure_of, omit
from analysis.figures.intervals import draw_forest
from analysis.figures.style import looks
from analysis.figures.trade import draw_power as draw_curve
from analysis.metrics import Column
from analysis.statistics.power import POWER, detectable
from analysis.tables import direction, format_number, is_shown, p_is
from experiments import names

FEWEST_SEEDS, MOST_SEEDS = 2, 20  # of the power curve, which goes on to twice the seeds that there are
FOREST_CAPTION = (
    "Difference of the means to the baseline in the primary metric, of the seeds that neither collapsed nor diverged. "
    "All thin intervals of the report hold together."
)
EACH_UP_TO, FURTHER = 40, 20  # seeds, of which a curve is smooth already; each point takes milliseconds
CONCLUDED = (
    "What stands beside a row is concluded by Holm's method, which finds a little more than the intervals show.",
    "What stands beside a row is concluded at the variant's newest look, corrected for looks and comparisons.",
)  # with seeds that are fixed; where a rule adds them
NO_DIFFERENCE = "no variant has a seed to compare with one of the baseline"
NO_SPREAD = "it needs two seeds with different values of the baseline and of a variant"


def draw_differences(comparison: Comparison, variants: Sequence[str], corrected_for: int) -> list[Drawn | Omitted]:
    """The forest plot and the power curve of one profile and dataset.

    corrected_for: how many differences the level is shared by.
    """
    metric = comparison.primary
    if metric is None:
        return [omit(comparison.runs, kind, NOTHING_TO_JUDGE_BY) for kind in ("differences", "power")]
    return [
        _forest(comparison, metric, variants, corrected_for),
        _power(comparison, metric, variants, corrected_for),
    ]


def _forest(comparison: Comparison, metric: Column, variants: Sequence[str], corrected_for: int) -> Drawn | Omitted:
    rows = difference_rows(comparison, metric, corrected_for)
    if rows.empty:
        return omit(comparison.runs, "differences", NO_DIFFERENCE)
    draw = partial(draw_forest, [(metric, rows)], "difference to the baseline", looks(variants))
    return figure_of(draw, comparison.runs, "differences", [FOREST_CAPTION, CONCLUDED[bool(comparison.conclusions)]])


def difference_rows(comparison: Comparison, metric: Column, corrected_for: int) -> pd.DataFrame:
    """A row for each variant that has a difference, as `draw_forest` wants it."""
    rows = []
    for variant in comparison.variants:
        found = comparison.cells[variant, metric.key].difference
        if found is None or math.isnan(found.value):
            continue
        least = math.nan if comparison.conclusions else least_shown(comparison, variant, corrected_for)
        verdict = direction(found, metric)
        shown = "none" if least > metric.largest_difference else format_number(least, metric.spec)
        nothing = f"; {shown} would have been" if math.isfinite(least) else ""
        rows.append({
            "label": variant, "estimate": found.value,
            "low": found.interval.low, "high": found.interval.high,
            "simultaneous_low": found.simultaneous.low, "simultaneous_high": found.simultaneous.high,
            "conclusion": f"{verdict} ({p_is(found.p_holm)})" if is_shown(found) else f"no difference shown{nothing}",
        })  # fmt: skip
    return pd.DataFrame(rows)


def _power(comparison: Comparison, metric: Column, variants: Sequence[str], corrected_for: int) -> Drawn | Omitted:
    rows = pd.DataFrame(list(power_rows(comparison, metric, corrected_for)))
    if rows.empty:
        return omit(comparison.runs, "power", NO_SPREAD)
    shared = f", shared by {corrected_for} differences" if corrected_for > 1 else ""
    caption = (
        f"The smallest true difference to the baseline that Welch's test shows with {POWER:.0%} probability, at level "
        f"0.05{shared}, if variant and baseline have so many seeds each and the spread of these runs. Ring: with the "
        "seeds that there are and did not collapse."
    )
    draw = partial(draw_curve, [(metric, rows)], looks(variants))
    return figure_of(draw, comparison.runs, "power", [caption])


def seed_counts(most: int) -> list[int]:
    """Where the power curve is computed: at each count up to EACH_UP_TO, then at FURTHER ones in equal ratios."""
    each = list(range(FEWEST_SEEDS, min(most, EACH_UP_TO) + 1))
    further = np.geomspace(EACH_UP_TO, max(most, EACH_UP_TO), FURTHER + 1)[1:].round().astype(int)
    return sorted({*each, *further[further <= most].tolist()})


def power_rows(comparison: Comparison, metric: Column, corrected_for: int) -> Iterator[dict[str, object]]:
    """Rows of `draw_power` for each variant whose spread is known."""
    if names.BASELINE not in comparison.variants or comparison.conclusions:
        return
    base = comparison.cells[names.BASELINE, metric.key].mean
    most = max(MOST_SEEDS, 2 * max(comparison.cells[v, metric.key].mean.count for v in comparison.variants))
    for variant in comparison.variants:
        own = comparison.cells[variant, metric.key].mean
        if variant == names.BASELINE:
            continue
        least = detectable(own.sd, own.count, base.sd, base.count, corrected_for)
        if math.isnan(least):
            continue
        for seeds in seed_counts(most):
            value = detectable(own.sd, seeds, base.sd, seeds, corrected_for)
            yield {"variant": variant, "seeds": seeds, "difference": value, "is_here": False}
        yield {"variant": variant, "seeds": own.count, "difference": least, "is_here": True}
