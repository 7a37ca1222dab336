"""How the runs of one profile and dataset learned: over training, and at their best."""

import math
from collections.abc import Sequence

import pandas as pd

from analysis import tables
from analysis.comparison import Comparison
from analysis.learning import target_of
from analysis.markdown import DASH, bullets, markdown_table
from analysis.metrics import Column
from analysis.statistics.learning import POINTS_BEFORE, SPIKE
from experiments import names

MOST_JOBS = 60  # that are listed one by one; all of them are in learning.csv
BIAS_NOTE = (
    "The best of many noisy evaluations is too good to be true: it is not what is reported. Measured again are the "
    "weights that `evaluation.keep_best` kept, on samples that this choice has not seen."
)
NOT_REMEASURED = (
    "No run kept its best weights (`evaluation.keep_best`): the best could not be measured again on fresh samples, and "
    "the gap to the last value is what choosing the best evaluation would add."
)


def learning_parts(learning: Sequence[tuple[Comparison, pd.DataFrame]]) -> list[str]:
    """Of each comparison with the learning of its runs (`learning.learning_of`); nothing if no curve was recorded."""
    known = [(comparison, own) for comparison, own in learning if own["best"].notna().any()]
    parts = [part for comparison, own in known for part in _of_one(comparison, own)]
    return ["## Learning\n", *parts] if parts else []


def _of_one(comparison: Comparison, learning: pd.DataFrame) -> list[str]:
    metric = comparison.primary
    assert metric is not None
    where = f"{comparison.dataset} (profile {comparison.profile})"
    return [
        f"### Over training: {where}, {metric.label}\n",
        over_training(comparison, metric, learning),
        bullets(_notes(metric, target_of(comparison))),
        f"### The bias of the best evaluation: {where}, {metric.label}\n",
        best_and_last(metric, learning),
        bullets(_bias_notes(learning)),
    ]


def over_training(comparison: Comparison, metric: Column, learning: pd.DataFrame) -> str:
    """A row per variant: medians over its seeds."""
    header = ["Variant", "Mean level over training", "Reached the target", "kimg to it", "Device-hours to it",
              "First sign of divergence"]  # fmt: skip
    rows = []
    for variant in comparison.variants:
        own = learning[learning[names.VARIANT] == variant]
        reached = own["kimg_to_target"].dropna()
        rows.append([
            variant, tables.format_number(own["mean_level"].median(), metric.spec),
            f"{(reached < math.inf).sum()} of {len(reached)}" if len(reached) else DASH,
            _until(reached, ",g"), _until(own["hours_to_target"].dropna(), ".3g"), signs(own),
        ])  # fmt: skip
    return markdown_table(header, rows)


def signs(own: pd.DataFrame) -> str:
    """`seed 3 at 6.624 kimg (collapsed)`."""
    found = own[own["first_sign_kimg"].notna()]
    texts = [
        f"seed {seed} at {kimg:g} kimg{' (collapsed)' if collapsed else ''}"
        for seed, kimg, collapsed in found[[names.SEED, "first_sign_kimg", "collapsed"]].itertuples(index=False)
    ]
    return "; ".join(texts) or DASH


def best_and_last(metric: Column, learning: pd.DataFrame) -> str:
    """A row per run, or with many runs the medians of each variant."""
    columns = ["best", "best_kimg", "last", "remeasured", "remeasured_kimg"]
    measured = learning.assign(gap=learning["last"] - learning["best"])
    heads = ["Best on the way", "at kimg", "Last", "Last − best", "Best, measured again", "of the weights at kimg"]
    if len(learning) > MOST_JOBS:
        medians = measured.groupby(names.VARIANT, sort=False)[[*columns, "gap"]].median()
        return markdown_table(
            ["Variant (medians)", *heads], [[str(variant), *_cells(metric, row)] for variant, row in medians.iterrows()]
        )
    rows = [[row[names.VARIANT], str(row[names.SEED]), *_cells(metric, row)] for _, row in measured.iterrows()]
    return markdown_table(["Variant", "Seed", *heads], rows)


def _cells(metric: Column, row: "pd.Series[float]") -> list[str]:
    number = tables.format_number
    return [
        number(row["best"], metric.spec), number(row["best_kimg"], "g"), number(row["last"], metric.spec),
        number(row["gap"], f"+{metric.spec}"), number(row["remeasured"], metric.spec),
        number(row["remeasured_kimg"], "g"),
    ]  # fmt: skip


def _until(values: "pd.Series[float]", spec: str) -> str:
    """The median; a run that never reaches the target is later than any."""
    middle = values.median() if len(values) else math.nan
    return "not reached" if middle == math.inf else tables.format_number(middle, spec)


def _notes(metric: Column, target: float) -> list[str]:
    described = "All seeds that are compared, medians; described, not concluded from."
    level = "The mean level is the area under the curve (trapezoids, first to last evaluation) divided by its kimg."
    aim = (
        f"The target is the median of the baseline's last values, {tables.format_number(target, metric.spec)}; it is "
        "reached at the first evaluation that is as good, so that evaluations set how finely it is told. A seed that "
        "never reaches it counts as later than any."
        if math.isfinite(target)
        else "Without a baseline that ended on a number there is no target."
    )
    sign = (
        f"A sign of divergence is the first recorded loss of D that is not finite, or more than {SPIKE:g} times the "
        f"median of all points before it ({POINTS_BEFORE} at least). A seed may recover from it."
    )
    return [described, level, aim, sign]


def _bias_notes(learning: pd.DataFrame) -> list[str]:
    many = (
        f"Medians of more than {MOST_JOBS} runs; each of them is in learning.csv." if len(learning) > MOST_JOBS else ""
    )
    known = BIAS_NOTE if learning["remeasured"].notna().any() else NOT_REMEASURED
    return list(filter(None, (many, known)))
