"""Scores of runs in units of the baseline, their interquartile mean and performance profile, with a bootstrap.

Interquartile mean, stratified bootstrap and profiles: Agarwal et al., arXiv 2108.13264, section 4.
"""

import math
from collections.abc import Mapping

import numpy as np
from scipy.stats import trim_mean

from analysis.statistics.interval import NO_INTERVAL, Interval
from r3gan.tables.metrics import Better

Scores = list[np.ndarray]  # of one variant: for each dataset [seeds], or [resamples, seeds]


def why_no_scores(used: Mapping[str, Mapping[str, np.ndarray]], better: Better, baseline: str) -> str:
    """Why values cannot be normalised; empty if they can."""
    for dataset, cells in used.items():
        unit = float(np.median(cells[baseline]))
        if not 0 < unit < math.inf:
            return f"the baseline's median in {dataset} is {unit:g}, which is no unit"
        for variant, runs in cells.items():
            usable = runs > 0 if better == "lower" else ((runs >= 0) & (runs < math.inf)) | np.isneginf(runs)
            if not usable.all():
                return f"{variant} has values in {dataset} ({runs[~usable][0]:g}) that have no ratio to the baseline's"
    return ""


def scores_of(runs: np.ndarray, unit: float, better: Better) -> np.ndarray:
    """unit / value where lower is better, else value / unit; the worst infinity scores 0."""
    return unit / runs if better == "lower" else np.maximum(runs, 0.0) / unit


def resampled(runs: Scores, resamples: int, rng: np.random.Generator) -> Scores:
    """For each dataset [resamples, seeds], drawn with replacement; no draws if a dataset has one seed."""
    if min(map(len, runs)) < 2:
        return []
    return [own[rng.integers(len(own), size=(resamples, len(own)))] for own in runs]


def interquartile_mean(runs: Scores) -> np.ndarray:
    """The mean of the middle half of all scores of a variant: [..., seeds] for each dataset -> [...].

    As many are left out at each end as a quarter of them, rounded down.
    """
    return np.asarray(trim_mean(np.concatenate(runs, axis=-1), 0.25, axis=-1))


def share_at_least(runs: Scores, tau: float) -> np.ndarray:
    """The share of runs with score >= tau, averaged over datasets: [..., seeds] for each dataset -> [...]."""
    return np.mean([(own >= tau).mean(axis=-1) for own in runs], axis=0)


def percentiles(draws: np.ndarray, confidence: float) -> Interval:
    """Of a bootstrap's draws; none if all draws are equal."""
    low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(low), float(high)) if draws.min() < draws.max() else NO_INTERVAL
