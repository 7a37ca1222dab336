"""How often the seeds of a variant collapse, and whether more often than the baseline's."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from scipy.stats import binomtest, boschloo_exact
from statsmodels.stats.proportion import confint_proportions_2indep

from analysis.statistics.interval import CONFIDENCE, NO_INTERVAL, Interval

Outcome = Literal["well", "collapsed", "diverged", "failed", "unfinished"]
BAD: tuple[Outcome, ...] = ("collapsed", "diverged")  # training itself went wrong
WITH_OUTCOME: tuple[Outcome, ...] = ("well", *BAD)  # a failed job says something of the machine, not of the variant


@dataclass(frozen=True, kw_only=True)
class CollapseRate:
    """The outcomes of a variant's jobs, and the rate of those that collapsed or diverged.

    Rates are 0..1, among the jobs that are well, collapsed or diverged. NaN: there is no such job.
    """

    counts: Mapping[Outcome, int]  # every outcome, 0 where there is none
    rate: float
    interval: Interval  # Clopper and Pearson's exact one
    difference: float  # rate minus the baseline's; NaN for the baseline itself
    difference_interval: Interval  # Newcombe's hybrid score interval (1998, method 10)
    p: float  # two-sided, Boschloo's exact unconditional test; NaN for the baseline itself
    note: str  # why a number is missing or says little; empty: nothing


def collapse_rates(
    outcomes: Mapping[str, Sequence[Outcome]], baseline: str, confidence: float = CONFIDENCE
) -> dict[str, CollapseRate]:
    """One rate per variant, in the order given, each compared with the baseline's; p-values are not corrected.

    outcomes: for each variant one outcome per planned job of one dataset. Boschloo's test (1970; scipy) takes Fisher's
    p-value as its statistic and the worst case over the common rate: exact, and stronger than Fisher's own. Where no
    job at all, or every one, went wrong, p is 1. Raises ValueError for an outcome that does not exist.
    """
    counts = {variant: _count(variant, found) for variant, found in outcomes.items()}
    base = counts.get(baseline, _count(baseline, ()))
    return {
        variant: _rate(found, None if variant == baseline else base, confidence) for variant, found in counts.items()
    }


def _count(variant: str, outcomes: Sequence[Outcome]) -> dict[Outcome, int]:
    found = Counter(outcomes)
    if unknown := sorted(set(found) - set(get_args(Outcome))):
        known = ", ".join(get_args(Outcome))
        raise ValueError(f"{variant} has jobs that ended as {', '.join(unknown)}, which is none of {known}")
    return {outcome: found[outcome] for outcome in get_args(Outcome)}


def _rate(counts: dict[Outcome, int], base: dict[Outcome, int] | None, confidence: float) -> CollapseRate:
    bad, n = _bad_of(counts)
    rate, interval = math.nan, NO_INTERVAL
    note = "" if n else "no job has an outcome yet"
    if n:
        rate = bad / n
        exact = binomtest(bad, n).proportion_ci(confidence, method="exact")
        interval = Interval(float(exact.low), float(exact.high))
    difference, p, difference_interval = math.nan, math.nan, NO_INTERVAL
    if base is not None:
        base_bad, base_n = _bad_of(base)
        if n and base_n:
            difference = rate - base_bad / base_n
            ends = confint_proportions_2indep(bad, n, base_bad, base_n, method="newcomb", alpha=1 - confidence)
            difference_interval = Interval(*map(float, ends))
            p = float(boschloo_exact([[bad, base_bad], [n - bad, base_n - base_bad]]).pvalue)
        elif n:
            note = "no job of the baseline has an outcome yet"
    return CollapseRate(
        counts=counts,
        rate=rate,
        interval=interval,
        difference=difference,
        difference_interval=difference_interval,
        p=p,
        note=note,
    )


def _bad_of(counts: Mapping[Outcome, int]) -> tuple[int, int]:
    return sum(counts[outcome] for outcome in BAD), sum(counts[outcome] for outcome in WITH_OUTCOME)
