"""Adaptive seeds: what was concluded of each variant, at which look, and how many seeds it is to have now.

A conclusion is a pure function of the seeds up to its look, of the variant and of the baseline, and stands: what is
trained later, for other variants, does not enter it. Which seeds have collapsed is judged by the same seeds alone.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from analysis.judgement import Judgement, collapses_of, with_collapsed
from analysis.outcomes import outcomes_of
from analysis.statistics.differences import Difference
from analysis.statistics.interval import NO_INTERVAL
from analysis.statistics.looks import Ending, Look, ended_by, take_look
from experiments import names
from experiments.design import SeedRule


@dataclass(frozen=True, kw_only=True)
class Conclusion:
    """What is known of one variant's difference to the baseline."""

    looks: tuple[Look, ...]  # those taken, in order: the last one concludes, if it has ended the variant
    ending: Ending | None  # None: open, the next look waits for seeds
    seeds: int  # that variant and baseline are to have by now
    waits_for: tuple[str, ...]  # VARIANT/SEED of the next look's jobs that have not ended
    unused: int  # finished seeds of the variant beyond the look that ended it

    @property
    def last(self) -> Look | None:
        """The newest look; None: none was taken."""
        return self.looks[-1] if self.looks else None


def conclude(
    group: pd.DataFrame, left_out: pd.DataFrame, points: pd.DataFrame, judgement: Judgement
) -> dict[str, Conclusion]:
    """By variant, in no order. Empty where seeds are fixed, and without a primary metric.

    group: the compared runs of one profile and dataset; left_out: rows of the selection; points: of `load.load_points`.
    """
    rule = judgement.design.seed_rule
    if rule is None or judgement.primary is None:
        return {}
    jobs = outcomes_of(with_collapsed(group, judgement), left_out)
    ended = {v: set(rows[names.SEED]) for v, rows in jobs[jobs["outcome"] != "unfinished"].groupby(names.VARIANT)}
    samples = [_good_values(group[group[names.SEED] < seeds], points, judgement) for seeds in rule.looks]
    finished = {v: set(rows[names.SEED]) for v, rows in group.groupby(names.VARIANT)}
    variants = [variant for variant in jobs[names.VARIANT].unique() if variant != names.BASELINE]
    return {variant: _conclude(rule, variant, samples, ended, finished.get(variant, set())) for variant in variants}


def _conclude(
    rule: SeedRule,
    variant: str,
    samples: Sequence[Mapping[str, pd.Series]],
    ended: Mapping[str, set[int]],
    finished: set[int],
) -> Conclusion:
    looks: list[Look] = []
    for number, (seeds, values) in enumerate(zip(rule.looks, samples, strict=True), 1):
        missing = [
            f"{side}/{seed}"
            for side in (names.BASELINE, variant)
            for seed in range(seeds)
            if seed not in ended.get(side, set())
        ]
        if missing:
            return Conclusion(looks=tuple(looks), ending=None, seeds=seeds, waits_for=tuple(missing), unused=0)
        none = pd.Series(dtype=float)
        looks.append(take_look(rule, number, values.get(variant, none), values.get(names.BASELINE, none)))
        ending = ended_by(rule, looks[-1])
        if ending is not None:
            break
    unused = sum(seed >= seeds for seed in finished)
    return Conclusion(looks=tuple(looks), ending=ending, seeds=seeds, waits_for=(), unused=unused)


def _good_values(runs: pd.DataFrame, points: pd.DataFrame, judgement: Judgement) -> dict[str, pd.Series]:
    """By variant: the primary metric of the runs that did not collapse, as far as these runs can tell."""
    assert judgement.primary is not None
    judged = replace(judgement, collapses=collapses_of(runs, points, judgement.primary, judgement.design.collapse))
    good = with_collapsed(runs, judged).loc[lambda rows: ~rows["collapsed"].astype(bool)]
    good = good[good[judgement.primary.key].abs() < math.inf]
    return {str(variant): rows[judgement.primary.key] for variant, rows in good.groupby(names.VARIANT)}


def at_its_look(found: Difference, conclusion: Conclusion) -> Difference:
    """The difference as it was concluded: value, interval and p of the newest look, corrected for looks and comparisons
    (`p_holm` stands for the corrected p). Before the first look there is no test and no interval."""
    look = conclusion.last
    if look is None:
        return replace(found, interval=NO_INTERVAL, simultaneous=NO_INTERVAL, p=math.nan, p_holm=math.nan)
    return replace(
        found,
        value=look.value,
        interval=look.interval,
        simultaneous=look.interval,
        p=look.p,
        p_holm=look.p_corrected,
        method="Welch",
        count=look.count,
        baseline_count=look.baseline_count,
        note=look.note,
    )


def wanted(conclusions: Mapping[str, Conclusion]) -> dict[str, int]:
    """How many seeds each variant is to have by now; the baseline as many as any of them."""
    seeds = {variant: conclusion.seeds for variant, conclusion in conclusions.items()}
    return {names.BASELINE: max(seeds.values()), **seeds} if seeds else {}
