"""One look at a difference to the baseline in a group sequential design, and what it ends."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from analysis.statistics.interval import CONFIDENCE, NO_INTERVAL, Interval
from analysis.statistics.sequential import look_levels
from analysis.statistics.welch import welch
from experiments.design import SeedRule

Ending = Literal["sign", "half_width", "most"]  # why a difference gets no more seeds: see SeedRule; most: of the seeds


@dataclass(frozen=True, kw_only=True)
class Look:
    """Welch's test of variant minus baseline at one look. Without a test NaN and NO_INTERVAL; `note` says why."""

    number: int  # from 1
    seeds: int  # that each side had tried
    level: float  # two-sided, of this one test: its share of CONFIDENCE by looks and comparisons
    value: float  # difference of the means, in the metric's unit
    interval: Interval  # of `value`, at 1 - level; those of all looks and comparisons hold together at CONFIDENCE
    p: float  # two-sided, uncorrected
    p_corrected: float  # p times (1 - CONFIDENCE) / level, at most 1: at most 1 - CONFIDENCE where p is at most level
    count: int  # the variant's seeds in `value`
    baseline_count: int
    sd: float  # of the variant's values (n - 1), in the metric's unit
    baseline_sd: float
    note: str

    @property
    def is_decided(self) -> bool:
        """Whether the sign is."""
        return self.p <= self.level

    @property
    def half_width(self) -> float:
        """Of the interval; infinite without one."""
        return (self.interval.high - self.interval.low) / 2 if self.interval.is_known else math.inf


def levels_of(rule: SeedRule) -> np.ndarray:
    """The level of each look's test of one comparison. Information counts as seeds tried: those that give no number are
    taken to be as frequent at every look."""
    fractions = [seeds / rule.most for seeds in rule.looks]
    return look_levels(fractions, (1 - CONFIDENCE) / rule.comparisons, rule.spending)


def take_look(rule: SeedRule, number: int, values: ArrayLike, baseline: ArrayLike) -> Look:
    """Look `number` (from 1). values, baseline: of those seeds of the look that count, finite.

    The interval is a repeated confidence interval (Jennison and Turnbull, 1989, JRSS B 51:305-361): it holds its level
    whatever ends the study. Bonferroni over the comparisons: Holm's steps would need all of them at the same look.
    """
    level = float(levels_of(rule)[number - 1])
    sides = np.asarray(values, dtype=float), np.asarray(baseline, dtype=float)
    sds = [float(side.std(ddof=1)) if len(side) > 1 else math.nan for side in sides]
    test = welch(values, baseline, 1 - level)
    is_finite = math.isfinite(test.interval.high - test.interval.low)
    return Look(
        number=number,
        seeds=rule.looks[number - 1],
        level=level,
        value=test.difference,
        interval=test.interval if is_finite else NO_INTERVAL,
        p=test.p,
        p_corrected=min(1.0, test.p * (1 - CONFIDENCE) / level) if level and not math.isnan(test.p) else math.nan,
        count=np.size(values),
        baseline_count=np.size(baseline),
        sd=sds[0],
        baseline_sd=sds[1],
        note=test.note,
    )


def ended_by(rule: SeedRule, look: Look) -> Ending | None:
    """What ends the comparison at this look; None: the next look needs more seeds."""
    if rule.sign and look.is_decided:
        return "sign"
    if rule.half_width is not None and look.half_width <= rule.half_width:
        return "half_width"
    return "most" if look.number == len(rule.looks) else None
