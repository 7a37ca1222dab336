"""Power of Welch's test: what a comparison of so many seeds could have shown."""

import math

from scipy.optimize import brentq
from scipy.stats import nct, t

from analysis.statistics.families import simultaneous_level

POWER = 0.8


def welch_power(
    difference: float, sd: float, count: int, baseline_sd: float, baseline_count: int, comparisons: int = 1
) -> float:
    """The probability, 0..1, that Welch's two-sided test finds a true difference of means at the corrected level.

    difference, sd, baseline_sd: in one unit; the level is 5% shared by `comparisons` (Bonferroni). The statistic is
    taken as noncentral t with Satterthwaite's degrees of freedom at these spreads: exact for equal spreads and counts,
    close to it otherwise. NaN with fewer than two seeds on a side, or without any spread.
    """
    if min(count, baseline_count) < 2 or not sd**2 + baseline_sd**2 > 0:
        return math.nan
    parts = sd**2 / count, baseline_sd**2 / baseline_count
    df = sum(parts) ** 2 / (parts[0] ** 2 / (count - 1) + parts[1] ** 2 / (baseline_count - 1))
    shift = abs(difference) / math.sqrt(sum(parts))
    limit = float(t.ppf((1 + simultaneous_level(comparisons)) / 2, df))
    return float(nct.sf(limit, df, shift) + nct.sf(limit, df, -shift))


def detectable(
    sd: float, count: int, baseline_sd: float, baseline_count: int, comparisons: int = 1, power: float = POWER
) -> float:
    """The smallest difference that Welch's test finds with this power (above the level, below 1); see `welch_power`.

    NaN where that is: with fewer than two seeds on a side, or without any spread.
    """
    if math.isnan(welch_power(0.0, sd, count, baseline_sd, baseline_count, comparisons)):
        return math.nan
    error = math.sqrt(sd**2 / count + baseline_sd**2 / baseline_count)

    def lack(difference: float) -> float:
        return welch_power(difference, sd, count, baseline_sd, baseline_count, comparisons) - power

    high = error
    while lack(high) < 0:
        high *= 2
    return float(brentq(lack, 0.0, high, rtol=1e-6))
