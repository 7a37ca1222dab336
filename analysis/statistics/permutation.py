"""A test without assumptions on the distribution: every way to deal the seeds to the two sides."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import permutation_test

from analysis.statistics.welch import why_not

MOST_SPLITS = 20_000  # of which all are counted
RANDOM_SPLITS = 10_000  # else; as many as the bootstrap's resamples
BATCH = 2_000  # splits at once
SAME = 1e-12  # relative difference of statistics that rounding alone makes
SEED = 0
LARGEST = 1e300  # stands for infinity, of which scipy cannot take differences


@dataclass(frozen=True, kw_only=True)
class Permutation:
    """NaN and a note where there is no test."""

    p: float  # two-sided
    smallest_p: float  # that so many seeds can give; no data are significant at a level below it
    exact: bool  # whether all splits were counted, else RANDOM_SPLITS random ones
    note: str = ""


def permutation(values: ArrayLike, baseline: ArrayLike) -> Permutation:
    """Permutation test of Welch's statistic, which holds its level for unequal spreads too, in the limit.

    Janssen, Statistics & Probability Letters 1997; 36:9-21. All C(m + n, m) splits up to MOST_SPLITS (8 and 8
    seeds), else RANDOM_SPLITS of a fixed seed. All numbers must be finite.
    """
    a, b = np.asarray(values, dtype=float), np.asarray(baseline, dtype=float)
    splits = math.comb(len(a) + len(b), len(a))
    exact = splits <= MOST_SPLITS
    if len(a) < 2 or len(b) < 2 or np.ptp(np.concatenate([a, b])) == 0:
        note = f"No permutation test: {why_not(a, b)}"
        return Permutation(p=math.nan, smallest_p=math.nan, exact=exact, note=note)
    if exact:
        test = permutation_test((a, b), studentised, n_resamples=splits, vectorized=True, batch=BATCH, axis=-1)
        return Permutation(p=float(test.pvalue), smallest_p=min(1.0, 2 / splits), exact=True)
    return Permutation(p=p_of_random_splits(a, b), smallest_p=2 / (RANDOM_SPLITS + 1), exact=False)


def p_of_random_splits(a: np.ndarray, b: np.ndarray) -> float:
    """As `scipy.stats.permutation_test`, which deals one split after another, at any number of seeds for 0.3 s.

    The observed split counts as one of them: Phipson and Smyth, Stat. Appl. Genet. Mol. Biol. 2010; 9(1):39.
    """
    rng, values = np.random.default_rng(SEED), np.tile(np.concatenate([a, b]), (BATCH, 1))
    dealt = (rng.permuted(values, axis=1) for _ in range(RANDOM_SPLITS // BATCH))
    splits = np.concatenate([studentised(some[:, : len(a)], some[:, len(a) :]) for some in dealt])
    observed = studentised(a, b)
    same = SAME * np.abs(observed)
    beyond = min((splits <= observed + same).sum(), (splits >= observed - same).sum())
    return min(1.0, 2 * (int(beyond) + 1) / (RANDOM_SPLITS + 1))


def studentised(a: np.ndarray, b: np.ndarray, axis: int = -1) -> np.ndarray:
    """Difference of means by its standard error. a: [..., m], b: [..., n]; ± LARGEST where the error is zero."""
    difference = a.mean(axis) - b.mean(axis)
    error = np.sqrt(a.var(axis, ddof=1) / a.shape[axis] + b.var(axis, ddof=1) / b.shape[axis])
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nan_to_num(difference / error, nan=0.0, posinf=LARGEST, neginf=-LARGEST)
