"""The comparison of a study's variants on one profile and dataset, in numbers: what tables, figures and text show."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from analysis.adaptive import Conclusion, at_its_look, conclude
from analysis.errors import ReportError
from analysis.judgement import Judgement, judge, with_collapsed
from analysis.metrics import Column, shown_columns
from analysis.outcomes import outcomes_of
from analysis.selection import GROUP, Selection
from analysis.statistics.collapse_rates import CollapseRate, collapse_rates
from analysis.statistics.counts import counts
from analysis.statistics.differences import Difference, difference, with_holm
from analysis.statistics.factorial import Factorial, find_factorial
from analysis.statistics.factorial_effects import Effect, effects
from analysis.statistics.mean_interval import mean_interval
from analysis.statistics.means import Average, interquartile_mean, median
from analysis.statistics.power import detectable, detectable_paired
from experiments import names
from r3gan.tables.metrics import Better


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One metric of one variant."""

    mean: Average  # of the seeds that neither collapsed nor diverged
    median: Average  # of all seeds; a diverged one is worse than any number
    interquartile_mean: Average  # of all seeds
    difference: Difference | None  # to the baseline; None for the baseline itself, and without one


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One profile and dataset."""

    profile: str
    dataset: str
    runs: pd.DataFrame  # rows of `load.load_jobs` that are compared, with a column `collapsed`
    judgement: Judgement
    variants: tuple[str, ...]  # in order, those that have a run or an outcome
    metrics: tuple[Column, ...]  # the primary one first
    cells: Mapping[tuple[str, str], Cell]  # by variant and key of the metric
    rates: Mapping[str, CollapseRate]
    design: Factorial | None
    effects: tuple[Effect, ...]  # on the primary metric, of the seeds that did not collapse

    every: Mapping[str, pd.Series]  # by variant: the primary metric of all seeds; infinite where training diverged
    conclusions: Mapping[str, Conclusion]  # by variant, where a rule adds seeds: of its primary difference

    @property
    def primary(self) -> Column | None:
        """The metric that conclusions are drawn from."""
        return self.judgement.primary


def compare_all(selection: Selection, variants: Sequence[str], points: pd.DataFrame) -> list[Comparison]:
    """One comparison for each profile and dataset.

    The level of the primary metric's differences is corrected for all of them that the report shows: Holm's p-values,
    and simultaneous intervals.
    """
    groups = [group for _, group in selection.compared.groupby(GROUP)]
    compared = sum(
        group[names.VARIANT].nunique() - 1 for group in groups if names.BASELINE in set(group[names.VARIANT])
    )
    found = [_compare(group, selection.left_out, variants, points, max(1, compared)) for group in groups]
    return _corrected(found)


def shown_differences(comparisons: Sequence[Comparison]) -> int:
    """How many differences of primary metrics the level is shared by: 1 where there is none, as if all seeds fell."""
    keys = [(c, (variant, c.primary.key)) for c in comparisons if c.primary for variant in c.variants]
    return max(1, sum(comparison.cells[key].difference is not None for comparison, key in keys))


def least_shown(comparison: Comparison, variant: str, comparisons: int) -> float:
    """The smallest difference to the baseline in the primary metric that these seeds show with `POWER`, by the test
    that compares them; NaN: none.

    comparisons: how many differences the level is shared by.
    """
    if comparison.primary is None or not {variant, names.BASELINE} <= set(comparison.variants):
        return math.nan
    own, base = (comparison.cells[name, comparison.primary.key] for name in (variant, names.BASELINE))
    if own.difference is None:
        return math.nan
    if own.difference.method == "paired":
        return detectable_paired(own.difference.paired_sd, own.difference.count, comparisons)
    return detectable(own.mean.sd, own.mean.count, base.mean.sd, base.mean.count, comparisons)


def _compare(
    group: pd.DataFrame, left_out: pd.DataFrame, variants: Sequence[str], points: pd.DataFrame, comparisons: int
) -> Comparison:
    judgement = judge(group, points)
    runs = with_collapsed(group, judgement)
    outcomes = outcomes_of(runs, left_out)
    by_variant = dict(iter(outcomes.groupby(names.VARIANT)))
    present = tuple(variant for variant in variants if variant in by_variant)
    diverged = {v: rows.loc[rows["outcome"] == "diverged", names.SEED].tolist() for v, rows in by_variant.items()}
    metrics = _primary_first(shown_columns([key for key in runs if runs[key].notna().any()]), judgement.primary)
    cells, every = {}, {}
    for metric in metrics:
        require_counts(runs, metric)
        samples = {v: _samples(runs[runs[names.VARIANT] == v], metric, diverged[v]) for v in present}
        for variant in present:
            base = samples.get(names.BASELINE) if variant != names.BASELINE else None
            cells[variant, metric.key] = _cell(metric, samples[variant], base, comparisons)
        if metric == judgement.primary:
            every = {variant: samples[variant].every for variant in present}
    design = find_design(judgement, present)
    good = good_values(runs, judgement.primary)
    return Comparison(
        profile=group[names.PROFILE].iloc[0],
        dataset=group[names.DATASET].iloc[0],
        runs=runs,
        judgement=judgement,
        variants=present,
        metrics=metrics,
        cells=cells,
        every=every,
        rates=collapse_rates({v: by_variant[v]["outcome"].tolist() for v in present}, names.BASELINE),
        design=design,
        effects=tuple(effects(design, good)) if design else (),
        conclusions=conclude(group, left_out, points, judgement) if names.BASELINE in present else {},
    )


def require_counts(runs: pd.DataFrame, metric: Column) -> None:
    """Raises ReportError for a run whose value of a metric that counts is no count."""
    if metric.ceiling is None:
        return
    for place, value in enumerate(runs[metric.key]):
        try:
            counts([value], metric.ceiling)
        except ValueError as error:
            run = runs.iloc[place]
            raise ReportError(
                f"{metric.key} of MLflow's run {run['run_id']} ({run[names.DATASET]}/{run[names.VARIANT]}/"
                f"{run[names.SEED]}): {error} Delete the run and send it anew by `python -m experiments.sync`"
            ) from error


@dataclass(frozen=True)
class _Samples:
    good: pd.Series  # by seed: neither collapsed nor diverged, and finite
    every: pd.Series  # all seeds; infinite in the worse direction where training diverged


def _samples(runs: pd.DataFrame, metric: Column, diverged: Sequence[int]) -> _Samples:
    values = runs.set_index(names.SEED)[metric.key].dropna()
    good = runs.loc[~runs["collapsed"]].set_index(names.SEED)[metric.key].dropna()
    good = good[good.abs() < math.inf]
    worst = -math.inf if metric.better == "higher" else math.inf
    return _Samples(good, pd.concat([values, pd.Series(worst, index=diverged, dtype=float)]))


def _cell(metric: Column, own: _Samples, base: _Samples | None, comparisons: int) -> Cell:
    better: Better = metric.better or "lower"
    found = None
    if base is not None and len(own.good) and len(base.good):
        found = difference(
            own.good, base.good, better, comparisons=comparisons, all_values=own.every, all_baseline=base.every
        )
    return Cell(
        mean=mean_interval(own.good.to_numpy(), metric.ceiling),
        median=median(own.every.to_numpy()),
        interquartile_mean=interquartile_mean(own.every.to_numpy()),
        difference=found,
    )


def _primary_first(metrics: Sequence[Column], primary: Column | None) -> tuple[Column, ...]:
    return tuple(sorted(metrics, key=lambda metric: primary is None or metric.key != primary.key))


def find_design(judgement: Judgement, variants: Sequence[str]) -> Factorial | None:
    """The factorial design that the variants form, if something is measured on it."""
    includes = judgement.design.includes
    own = {variant for variant in includes if variant not in judgement.design.pure} - {names.BASELINE}
    return find_factorial(includes, variants, own, names.BASELINE) if includes and judgement.primary else None


def good_values(runs: pd.DataFrame, metric: Column | None) -> dict[str, pd.Series]:
    """By variant: the values by seed of the runs that did not collapse, as far as they are finite."""
    if metric is None:
        return {}
    good = runs[~runs["collapsed"] & (runs[metric.key].abs() < math.inf)]
    return {variant: rows.set_index(names.SEED)[metric.key] for variant, rows in good.groupby(names.VARIANT)}


def _corrected(found: Sequence[Comparison]) -> list[Comparison]:
    """With Holm's p-values of the primary metric, over all datasets and variants at once; where a rule adds seeds, with
    the differences of the looks that conclude."""
    places = [
        (i, (variant, comparison.primary.key))
        for i, comparison in enumerate(found)
        for variant in comparison.variants
        if comparison.primary and comparison.cells[variant, comparison.primary.key].difference
    ]
    before = [found[i].cells[key].difference for i, key in places]
    after = with_holm([entry for entry in before if entry is not None])
    cells = [dict(comparison.cells) for comparison in found]
    for (i, key), corrected in zip(places, after, strict=True):
        conclusion = found[i].conclusions.get(key[0])
        concluded = at_its_look(corrected, conclusion) if conclusion else corrected
        cells[i][key] = replace(cells[i][key], difference=concluded)
    return [replace(comparison, cells=own) for comparison, own in zip(found, cells, strict=True)]
