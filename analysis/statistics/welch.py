"""The difference of two means whose spreads may differ."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import t

from analysis.statistics.interval import NO_INTERVAL, Interval


@dataclass(frozen=True, kw_only=True)
class Welch:
    """Welch's t test. Where it cannot be made, p, df and se are NaN, there is no interval, and `note` says why."""

    difference: float  # mean of the values minus mean of the baseline, in the metric's unit; NaN if either is empty
    interval: Interval  # of the difference
    p: float  # two-sided, that the means are equal
    df: float  # degrees of freedom
    se: float  # standard error of the difference, in the metric's unit
    note: str = ""


def welch(values: ArrayLike, baseline: ArrayLike, level: float) -> Welch:
    """Mean of the values minus mean of the baseline, with the interval of Welch's t test at `level` (0 to 1).

    se^2 = s1^2 / n1 + s2^2 / n2, with the degrees of freedom of Welch and Satterthwaite (Welch, Biometrika 1947;
    34:28-35). All numbers must be finite.
    """
    a, b = np.asarray(values, dtype=float), np.asarray(baseline, dtype=float)
    difference = float(a.mean() - b.mean()) if len(a) and len(b) else math.nan
    reason = why_not(a, b)
    if reason:
        note = f"No t test: {reason}"
        return Welch(difference=difference, interval=NO_INTERVAL, p=math.nan, df=math.nan, se=math.nan, note=note)
    parts = a.var(ddof=1) / len(a), b.var(ddof=1) / len(b)
    se = math.sqrt(sum(parts))
    df = sum(parts) ** 2 / (parts[0] ** 2 / (len(a) - 1) + parts[1] ** 2 / (len(b) - 1))
    reach = t.ppf((1 + level) / 2, df) * se
    return Welch(
        difference=difference,
        interval=Interval(float(difference - reach), float(difference + reach)),
        p=float(2 * t.sf(abs(difference) / se, df)),
        df=float(df),
        se=se,
    )


def why_not(values: np.ndarray, baseline: np.ndarray) -> str:
    """Why these samples can be given no test of their means; empty if they can."""
    if len(values) < 2 or len(baseline) < 2:
        return f"it needs two seeds on each side, and there are {len(values)} and {len(baseline)}."
    if np.ptp(values) == 0 and np.ptp(baseline) == 0:
        return "neither side varies over its seeds, so that nothing says how large chance is."
    return ""
