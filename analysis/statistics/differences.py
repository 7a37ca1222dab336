"""The difference of a variant to the baseline in one metric, with all that is said of it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from analysis.statistics.families import holm, simultaneous_level
from analysis.statistics.interval import CONFIDENCE, Interval
from analysis.statistics.paired import Paired, paired
from analysis.statistics.pairing import pairing
from analysis.statistics.permutation import permutation
from analysis.statistics.ranks import superiority
from analysis.statistics.welch import Welch, welch
from r3gan.tables.metrics import Better


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Variant minus baseline. Numbers that the seeds do not allow are NaN, intervals NO_INTERVAL; `note` says why."""

    value: float  # difference of the means, in the metric's unit (paired: over the common seeds)
    interval: Interval  # of `value`, at CONFIDENCE
    simultaneous: Interval  # of `value`; those of all comparisons hold together at CONFIDENCE
    p: float  # two-sided, of `method`, uncorrected
    p_holm: float  # corrected over a family by `with_holm`; NaN before
    method: Literal["Welch", "paired"]
    paired_sd: float  # of the differences within seeds, if `method` is paired, else NaN
    count: int  # the variant's seeds in `value` and `p`
    baseline_count: int
    correlation: float  # with the baseline, over common seeds
    correlation_interval: Interval
    variance_ratio: float  # paired by unpaired variance of the difference; below 1, pairing takes noise away
    permutation_p: float  # two-sided, shown beside p
    smallest_permutation_p: float  # that these counts can give
    better_probability: float  # that a seed of the variant is better than one of the baseline, 0 to 1
    better_interval: Interval  # of `better_probability`, at CONFIDENCE
    note: str


def difference(
    values: pd.Series,
    baseline: pd.Series,
    better: Better,
    *,
    comparisons: int,
    all_values: pd.Series | None = None,
    all_baseline: pd.Series | None = None,
) -> Difference:
    """Compare a variant with the baseline; both are indexed by seed, each seed once.

    The method is "paired" where the correlation over seeds pays for the lost degrees of freedom (`pairing`), which
    does not look at the difference, else "Welch". comparisons: how many intervals shall hold together. all_values and
    all_baseline: every seed, also collapsed ones, and infinity for diverged ones; of them is `better_probability`.

    Raises ValueError if a value is not finite (of the sides with every seed: NaN), or a seed stands twice.
    """
    all_values = values if all_values is None else all_values
    all_baseline = baseline if all_baseline is None else all_baseline
    _check(values, baseline, all_values, all_baseline)
    pairs = pairing(values, baseline)
    level = simultaneous_level(comparisons)
    test: Welch | Paired
    if pairs.pays:
        test = paired(values, baseline, CONFIDENCE)
        simultaneous = paired(values, baseline, level).interval
        count = baseline_count = pairs.common
        note = _left_out(values, baseline)
    else:
        test = welch(values, baseline, CONFIDENCE)
        simultaneous = welch(values, baseline, level).interval
        count, baseline_count = len(values), len(baseline)
        note = test.note
    dealt = permutation(values, baseline)
    ranks = superiority(all_values, all_baseline, better)
    return Difference(
        value=test.difference,
        interval=test.interval,
        simultaneous=simultaneous,
        p=test.p,
        p_holm=math.nan,
        method="paired" if pairs.pays else "Welch",
        paired_sd=test.sd if isinstance(test, Paired) else math.nan,
        count=count,
        baseline_count=baseline_count,
        correlation=pairs.correlation,
        correlation_interval=pairs.interval,
        variance_ratio=pairs.variance_ratio,
        permutation_p=dealt.p,
        smallest_permutation_p=dealt.smallest_p,
        better_probability=ranks.probability,
        better_interval=ranks.interval,
        note=" ".join(filter(None, (note, ranks.note))),
    )


def with_holm(differences: Sequence[Difference]) -> list[Difference]:
    """The same differences, their `p_holm` corrected over them as one family (one metric, all variants).

    A difference without p keeps NaN and does not count in the family.
    """
    corrected = holm([one.p for one in differences])
    return [replace(one, p_holm=p) for one, p in zip(differences, corrected, strict=True)]


def _left_out(values: pd.Series, baseline: pd.Series) -> str:
    """What a paired test does not see."""
    alone = values.index.symmetric_difference(baseline.index)
    seeds = ", ".join(map(str, alone))
    return f"Paired by seed, so without the seeds that one side lacks: {seeds}." if len(alone) else ""


def _check(values: pd.Series, baseline: pd.Series, all_values: pd.Series, all_baseline: pd.Series) -> None:
    sides = {"values": values, "baseline": baseline, "all_values": all_values, "all_baseline": all_baseline}
    for name, side in sides.items():
        if not side.index.is_unique:
            raise ValueError(f"{name}: seed {side.index[side.index.duplicated()][0]} stands twice, expected once")
        bad = side.isna() if name.startswith("all_") else ~np.isfinite(side.astype(float))
        if bad.any():
            raise ValueError(f"{name}: seed {side.index[bad][0]} is {side[bad].iloc[0]}, expected a number")
