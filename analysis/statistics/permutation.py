"""A test without assumptions on the distribution: every way to deal the seeds to the two sides."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import permutation_test

from analysis.statistics.welch import why_not

MOST_SPLITS = 20_000  # of which all are counted
RANDOM_SPLITS = 10_000  # else; as many as the bootstrap's resamples
BATCH = 2_000  # splits at once
SAME = 1e-9  # relative difference of statistics that rounding alone makes
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
    """As `scipy.stats.permutation_test`, which deals one split after another: half a second, at any number of seeds.

    The observed split counts as one of them: Phipson and Smyth, Stat. Appl. Genet. Mol. Biol. 2010; 9(1):39.
    """
    values = np.concatenate([a, b])
    values = (values - values.mean()) / np.abs(values - values.mean()).max()  # so that sums of squares lose no digits
    splits = studentised_sums(random_splits(len(a), len(b)).astype(float), values, len(a))
    observed = studentised_sums(np.repeat([[1.0, 0.0]], [len(a), len(b)], axis=1), values, len(a))
    same = SAME * np.abs(observed)
    beyond = min((splits <= observed + same).sum(), (splits >= observed - same).sum())
    return min(1.0, 2 * (int(beyond) + 1) / (RANDOM_SPLITS + 1))


@lru_cache(maxsize=8)
def random_splits(m: int, n: int) -> np.ndarray:
    """Which of m + n values are on the first side, bool [RANDOM_SPLITS, m + n], always the same."""
    sides = np.tile(np.arange(m + n) < m, (RANDOM_SPLITS, 1))
    return np.random.default_rng(SEED).permuted(sides, axis=1)


def studentised_sums(first: np.ndarray, values: np.ndarray, m: int) -> np.ndarray:
    """`studentised` of many splits: first [S, m + n] is 1 for the m values of the first side, else 0."""
    n = len(values) - m
    sums, squares = first @ values, first @ values**2
    rest, rest_squares = values.sum() - sums, (values**2).sum() - squares
    spread = (squares - sums**2 / m) / (m - 1) / m + (rest_squares - rest**2 / n) / (n - 1) / n
    return by_error(sums / m - rest / n, np.sqrt(np.maximum(spread, 0)))


def studentised(a: np.ndarray, b: np.ndarray, axis: int = -1) -> np.ndarray:
    """Difference of means by its standard error. a: [..., m], b: [..., n]; ± LARGEST where the error is zero."""
    difference = a.mean(axis) - b.mean(axis)
    error = np.sqrt(a.var(axis, ddof=1) / a.shape[axis] + b.var(axis, ddof=1) / b.shape[axis])
    return by_error(difference, error)


def by_error(difference: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Their ratio; ± LARGEST where the error is zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nan_to_num(difference / error, nan=0.0, posinf=LARGEST, neginf=-LARGEST)
