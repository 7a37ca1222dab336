"""Whether pairing by seed pays: decided by the correlation over seeds, never by the difference itself.

A paired test gains 1 - correlation in variance and loses degrees of freedom: n - 1 in place of about 2 n - 2.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm, pearsonr, t

from analysis.statistics.interval import CONFIDENCE, NO_INTERVAL, Interval

ROUNDING = 1e-12  # a share of the variance that is nothing but rounding


@dataclass(frozen=True, kw_only=True)
class Pairing:
    """What common seeds have in common. NaN and no interval with fewer than three, or where a side does not vary."""

    common: int  # seeds that both have
    correlation: float  # Pearson's, over the common seeds, -1 to 1
    interval: Interval  # of the correlation, at CONFIDENCE; none with fewer than four common seeds
    variance_ratio: float  # variance of the differences within a seed by that of independent seeds; below 1 is a gain
    needed: float  # pairing pays above this correlation; infinity: never
    pays: bool


def pairing(values: pd.Series, baseline: pd.Series) -> Pairing:
    """Compare two sides indexed by seed, each seed once; finite values. Shifting either side changes nothing."""
    common = values.index.intersection(baseline.index)
    a, b = values.loc[common].to_numpy(dtype=float), baseline.loc[common].to_numpy(dtype=float)
    needed = needed_correlation(len(common), len(values), len(baseline))
    if len(common) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return Pairing(
            common=len(common),
            correlation=math.nan,
            interval=NO_INTERVAL,
            variance_ratio=math.nan,
            needed=needed,
            pays=False,
        )
    correlation = float(pearsonr(a, b).statistic)
    ratio = float((a - b).var(ddof=1) / (a.var(ddof=1) + b.var(ddof=1)))
    return Pairing(
        common=len(common),
        correlation=correlation,
        interval=fisher(correlation, len(common)),
        variance_ratio=ratio,
        needed=needed,
        pays=correlation > needed and ratio > ROUNDING,
    )


def fisher(correlation: float, count: int, level: float = CONFIDENCE) -> Interval:
    """Interval of a correlation over `count` pairs: tanh(artanh(r) ± z / sqrt(n - 3)) (Fisher, Metron 1921; 1:3-32).

    None with fewer than four pairs.
    """
    if count < 4:
        return NO_INTERVAL
    centre = np.arctanh(np.clip(correlation, -1 + ROUNDING, 1 - ROUNDING))
    reach = norm.ppf((1 + level) / 2) / math.sqrt(count - 3)
    return Interval(float(np.tanh(centre - reach)), float(np.tanh(centre + reach)))


def break_even(common: int, count: int, baseline_count: int) -> float:
    """The correlation from which a paired interval is shorter than Welch's, for equal spreads.

    Half widths: t_{c-1} s sqrt(2 (1 - r) / c) over c common seeds, t_{m+n-2} s sqrt(1/m + 1/n) over all of both. With
    the same n seeds on both sides that is 1 - (t_{2n-2} / t_{n-1})^2. Infinity with fewer than two common seeds.
    """
    if common < 2:
        return math.inf
    upper = (1 + CONFIDENCE) / 2
    ratio = t.ppf(upper, count + baseline_count - 2) / t.ppf(upper, common - 1)
    return float(1 - ratio**2 * common * (1 / count + 1 / baseline_count) / 2)


def needed_correlation(common: int, count: int, baseline_count: int) -> float:
    """The measured correlation whose lower limit (`fisher`) is the break-even; infinity with three seeds or fewer."""
    if common < 4:
        return math.inf
    reach = norm.ppf((1 + CONFIDENCE) / 2) / math.sqrt(common - 3)
    return float(np.tanh(np.arctanh(break_even(common, count, baseline_count)) + reach))
