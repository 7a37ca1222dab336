"""A test without assumptions on the distribution: every way to deal the seeds to the two sides."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import permutation_test

from analysis.statistics.welch import why_not

SPLITS = 20_000
SEED = 0
LARGEST = 1e300  # stands for infinity, of which scipy cannot take differences


@dataclass(frozen=True, kw_only=True)
class Permutation:
    """NaN and a note where there is no test."""

    p: float  # two-sided
    smallest_p: float  # that so many seeds can give; no data are significant at a level below it
    exact: bool  # whether all splits were counted, else SPLITS random ones
    note: str = ""


def permutation(values: ArrayLike, baseline: ArrayLike) -> Permutation:
    """Permutation test of Welch's statistic, which holds its level for unequal spreads too, in the limit.

    Janssen, Statistics & Probability Letters 1997; 36:9-21. All C(m + n, m) splits where they are at most SPLITS (8
    and 8 seeds), else as many random ones of a fixed seed. All numbers must be finite.
    """
    a, b = np.asarray(values, dtype=float), np.asarray(baseline, dtype=float)
    splits = math.comb(len(a) + len(b), len(a))
    exact = splits <= SPLITS
    if len(a) < 2 or len(b) < 2 or np.ptp(np.concatenate([a, b])) == 0:
        note = f"No permutation test: {why_not(a, b)}"
        return Permutation(p=math.nan, smallest_p=math.nan, exact=exact, note=note)
    test = permutation_test(
        (a, b),
        studentised,
        n_resamples=splits if exact else SPLITS,
        vectorized=True,
        batch=2_000,
        axis=-1,
        random_state=SEED,
    )
    smallest = 2 / splits if exact else 2 / (SPLITS + 1)
    return Permutation(p=float(test.pvalue), smallest_p=min(1.0, smallest), exact=exact)


def studentised(a: np.ndarray, b: np.ndarray, axis: int = -1) -> np.ndarray:
    """Difference of means by its standard error. a: [..., m], b: [..., n]; ± LARGEST where the error is zero."""
    difference = a.mean(axis) - b.mean(axis)
    error = np.sqrt(a.var(axis, ddof=1) / a.shape[axis] + b.var(axis, ddof=1) / b.shape[axis])
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nan_to_num(difference / error, nan=0.0, posinf=LARGEST, neginf=-LARGEST)
