"""Statistics over seeds: means, Student-t intervals, and paired differences.

Seeds are the only source of spread here: every value is one finished run's.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import t

from analysis.statistics.interval import CONFIDENCE


@dataclass(frozen=True)
class Estimate:
    """A mean with its confidence interval, mean ± half_width; half_width is NaN with fewer than two values."""

    mean: float
    half_width: float
    count: int

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval lies on one side of 0. False without an interval, and for one of no width:
        equal differences in a few seeds (counts of modes do that) are no evidence of no spread."""
        return 0 < self.half_width < abs(self.mean)


def estimate(values: Iterable[float]) -> Estimate:
    """Mean and two-sided Student-t interval at level CONFIDENCE of the values that are not NaN.

    half_width = t(1 - (1 - CONFIDENCE) / 2, n - 1) * s / sqrt(n), with s the sample standard deviation (n - 1).
    """
    array = np.asarray(list(values), dtype=float)
    array = array[~np.isnan(array)]
    n = len(array)
    if n < 2:
        return Estimate(float(array[0]) if n else math.nan, math.nan, n)
    quantile = t.ppf((1 + CONFIDENCE) / 2, n - 1)
    return Estimate(float(array.mean()), float(quantile * array.std(ddof=1) / math.sqrt(n)), n)


def paired_difference(values: pd.Series, baseline: pd.Series) -> Estimate:
    """Mean of `values - baseline` over the seeds that both have, with the interval of a paired t-test.

    Both are indexed by seed, each seed once. Runs with the same seed share their random streams, so differences
    within a seed vary less than the runs themselves.
    """
    common = values.index.intersection(baseline.index)
    return estimate(values.loc[common] - baseline.loc[common])
