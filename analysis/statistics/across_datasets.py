"""Variants compared over several datasets, by normalised scores and by ranks."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.statistics.average_ranks import friedman, ranks_of
from analysis.statistics.interval import CONFIDENCE, NO_INTERVAL, Interval
from analysis.statistics.normalised_scores import (
    Scores,
    interquartile_mean,
    percentiles,
    resampled,
    scores_of,
    share_at_least,
    why_no_scores,
)
from r3gan.tables.metrics import Better

RESAMPLES = 10_000
TAUS = tuple(round(0.05 * i, 2) for i in range(41))  # 0 to 2: the baseline's median is at 1

Values = Mapping[str, Mapping[str, Sequence[float]]]  # dataset -> variant -> one value per seed


@dataclass(frozen=True, kw_only=True)
class VariantAcross:
    """One variant over all datasets. Scores: 1 is the baseline's median, higher is better, 0 a diverged run."""

    interquartile_mean: float  # mean of the middle half of all scores; NaN where they cannot be normalised
    interval: Interval
    difference: float  # of interquartile means, variant minus baseline; NaN for the baseline itself
    difference_interval: Interval
    profile: tuple[float, ...]  # for each tau the share of runs with score >= tau, datasets counting alike
    profile_bands: tuple[Interval, ...]  # pointwise, one for each tau
    average_rank: float  # of the medians, 1 is the best, ties share their ranks; mean over datasets


@dataclass(frozen=True, kw_only=True)
class AcrossDatasets:
    """All variants over the datasets that hold all of them."""

    datasets: tuple[str, ...]
    taus: tuple[float, ...]
    variants: Mapping[str, VariantAcross]
    friedman_p: float  # that all variants rank alike; NaN with fewer than three datasets or variants
    note: str  # what is missing and why; empty: nothing is


def across_datasets(
    values: Values,
    better: Better,
    baseline: str,
    *,
    taus: Sequence[float] = TAUS,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> AcrossDatasets | None:
    """Compare variants over datasets by one metric; None if fewer than two datasets hold all variants.

    values: last values of all seeds, collapsed ones too; a diverged run is infinite in the worse direction, NaN is left
    out. The score of a run is the baseline's median in its dataset divided by its value where lower is better,
    and its value divided by that median where higher is better. It needs values above 0 (higher is better: not below
    0) and such a median, else there are ranks alone. Intervals are percentiles of a bootstrap that draws seeds within
    dataset and variant; the normalising medians stay as they are, as units do, and the baseline's own spread is in its
    own interval and in that of the difference. A variant with one seed in some dataset gets no intervals. They are too
    narrow with few seeds: simulated on three datasets, 95% intervals of the difference cover 85% with three seeds, 92%
    with five and 93% with ten (normal logarithms). Profiles have no band where all runs lie on one side of tau.
    """
    cleaned = {dataset: {variant: _known(runs) for variant, runs in cells.items()} for dataset, cells in values.items()}
    names = list(dict.fromkeys(variant for cells in cleaned.values() for variant in cells))
    used = {d: cells for d, cells in cleaned.items() if all(len(cells.get(name, ())) for name in names)}
    if len(used) < 2 or baseline not in names:
        return None
    notes = [f"without {dataset}, which does not hold all variants" for dataset in cleaned if dataset not in used]
    problem = why_no_scores(used, better, baseline)
    scores: dict[str, Scores] = {}
    if problem:
        notes.append(f"no scores: {problem}")
    else:
        units = {dataset: float(np.median(cells[baseline])) for dataset, cells in used.items()}
        scores = {name: [scores_of(cells[name], units[d], better) for d, cells in used.items()] for name in names}
        short = [name for name, runs in scores.items() if min(map(len, runs)) < 2]
        notes += [f"no intervals for {', '.join(short)}: one seed in a dataset"] if short else []
    ranks = ranks_of(used, names, better)
    friedman_p, why = friedman(ranks)
    rng = np.random.default_rng(seed)
    draws = {name: resampled(runs, resamples, rng) for name, runs in scores.items()}
    return AcrossDatasets(
        datasets=tuple(used),
        taus=tuple(taus),
        variants={
            name: _variant(name, baseline, scores, draws, taus, confidence, float(ranks[:, i].mean()))
            for i, name in enumerate(names)
        },
        friedman_p=friedman_p,
        note="; ".join([*notes, why] if why else notes),
    )


def _known(runs: Sequence[float]) -> np.ndarray:
    array = np.asarray(runs, dtype=float)
    return array[~np.isnan(array)]


def _variant(
    name: str,
    baseline: str,
    scores: Mapping[str, Scores],
    draws: Mapping[str, Scores],
    taus: Sequence[float],
    confidence: float,
    average_rank: float,
) -> VariantAcross:
    middle, difference, interval, difference_interval = math.nan, math.nan, NO_INTERVAL, NO_INTERVAL
    profile: list[float] = []
    bands: list[Interval] = []
    if scores:
        middle = float(interquartile_mean(scores[name]))
        profile = [float(share_at_least(scores[name], tau)) for tau in taus]
        bands = [NO_INTERVAL] * len(taus)
        if name != baseline:
            difference = middle - float(interquartile_mean(scores[baseline]))
        if own := draws[name]:
            middles = interquartile_mean(own)
            interval = percentiles(middles, confidence)
            bands = [percentiles(share_at_least(own, tau), confidence) for tau in taus]
            if name != baseline and draws[baseline]:
                difference_interval = percentiles(middles - interquartile_mean(draws[baseline]), confidence)
    return VariantAcross(
        interquartile_mean=middle,
        interval=interval,
        difference=difference,
        difference_interval=difference_interval,
        profile=tuple(profile),
        profile_bands=tuple(bands),
        average_rank=average_rank,
    )
