"""Averages over the seeds of one variant, each with its interval at level CONFIDENCE.

In all of them a NaN is a seed without the number, and left out; an infinity is a diverged run. Where the values allow
no interval there is NO_INTERVAL, and a note that says why; no interval has width 0.
"""

import math
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import DegenerateDataWarning, binom, bootstrap, t, trim_mean

from analysis.statistics.interval import CONFIDENCE, NO_INTERVAL, Interval

Numbers = NDArray[np.float64]

RESAMPLES = 10_000
SEED = 0  # of the resamples: the same values always have the same interval
FEW = 10  # below it a BCa interval covers clearly too little (benchmarks/coverage.py)
TRIMMED = 0.25  # cut at each end for an interquartile mean


@dataclass(frozen=True, kw_only=True)
class Average:
    """A middle of a variant's values, in the metric's unit."""

    value: float  # NaN without any value
    interval: Interval
    count: int  # of the values that are not NaN
    sd: float  # with n - 1; NaN with fewer than two values or with an infinite one
    note: str  # a sentence on the interval, or why there is none; may be empty


def mean_t(values: Iterable[float], level: float = CONFIDENCE) -> Average:
    """Mean with the two-sided Student-t interval at `level`: mean ± t((1 + level) / 2, n - 1) * sd / sqrt(n).

    Source: Student, The probable error of a mean, Biometrika 1908. Exact for normal values alone; with an infinite
    value the mean is infinite.
    """
    array = known(values)
    value, reason = mean_of(array), no_mean_interval(array)
    if reason:
        return average(array, value, NO_INTERVAL, reason)
    low, high = t.interval(level, len(array) - 1, loc=value, scale=array.std(ddof=1) / math.sqrt(len(array)))
    return average(array, value, Interval(float(low), float(high)))


def mean_bca(values: Iterable[float]) -> Average:
    """Mean with the BCa bootstrap interval.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, section 14.3, as scipy.stats.bootstrap has it.
    Of few values it is too narrow: 3, 5, 10, 20 normal ones are covered in 71%, 82%, 91%, 91% (benchmarks/coverage.py).
    """
    array = known(values)
    return _bootstrapped(array, mean_of(array), np.mean)


def interquartile_mean(values: Iterable[float]) -> Average:
    """Mean of what is left after cutting int(n / 4) values at each end, with its BCa bootstrap interval.

    Source: arXiv 2108.13264, section 4.3. Of fewer than four values nothing is cut. It is finite as long as fewer
    values diverged than are cut, but has no interval then: some resamples hold more of them.
    """
    array = known(values)
    value = _interquartile_mean(array, axis=0) if len(array) else math.nan
    return _bootstrapped(array, float(value), _interquartile_mean)


def median(values: Iterable[float]) -> Average:
    """Median with the interval between order statistics x(k) and x(n + 1 - k), whose level is exact: at least 95%.

    k is the largest whose error 2 P(B < k), B ~ Binomial(n, 1/2), is at most 5%: there is one from six values on.
    Source: David and Nagaraja, Order Statistics, 2003, section 7.1. Holds for any distribution; an end, or the median
    itself, is infinite where so many runs diverged.
    """
    array = known(values)
    n = len(array)
    value = float(np.median(array)) if n else math.nan
    reason = _too_alike(array)
    if reason:
        return average(array, value, NO_INTERVAL, reason)
    k = int(binom.ppf((1 - CONFIDENCE) / 2, n, 0.5))
    if k == 0:
        return average(array, value, NO_INTERVAL, f"{n} values allow no 95% interval of a median: six do.")
    array = np.sort(array)
    return average(array, value, Interval(float(array[k - 1]), float(array[n - k])))


def known(values: Iterable[float]) -> Numbers:
    """The values that are not NaN. ValueError with infinities of both signs, which have no average."""
    array = np.asarray(list(values), dtype=np.float64)
    array = array[~np.isnan(array)]
    if np.isposinf(array).any() and np.isneginf(array).any():
        raise ValueError("Values of one metric hold both inf and -inf: diverged runs are all the one or all the other.")
    return array


def average(array: Numbers, value: float, interval: Interval, note: str = "") -> Average:
    """The record; an interval of width 0, which ties or rounding may leave, becomes none."""
    if interval.is_known and not interval.low < interval.high:
        interval, note = NO_INTERVAL, "Too many values are equal to say anything about their spread: no interval."
    spread = len(array) > 1 and np.isfinite(array).all()
    sd = float(array.std(ddof=1)) if spread else math.nan
    return Average(value=value, interval=interval, count=len(array), sd=sd, note=note)


def mean_of(array: Numbers) -> float:
    """The mean; NaN of nothing."""
    return float(array.mean()) if len(array) else math.nan


def no_mean_interval(array: Numbers) -> str:
    """Why a mean of these values has no interval; empty if it has one."""
    diverged = int(np.isinf(array).sum())
    return _too_alike(array) or (f"{diverged} of {len(array)} values are infinite: no interval." if diverged else "")


def _too_alike(array: Numbers) -> str:
    if len(array) == 0:
        return "There is no value."
    if len(array) == 1:
        return "One value says nothing about the spread: no interval."
    if (array == array[0]).all():
        return f"All {len(array)} values are equal and say nothing about the spread: no interval."
    return ""


def _interquartile_mean(array: Numbers, axis: int) -> Numbers:
    return trim_mean(array, TRIMMED, axis=axis)


def _bootstrapped(array: Numbers, value: float, statistic: Callable[..., Numbers]) -> Average:
    reason = no_mean_interval(array)
    if reason:
        return average(array, value, NO_INTERVAL, reason)
    with warnings.catch_warnings(), np.errstate(invalid="ignore"):
        warnings.simplefilter("ignore", DegenerateDataWarning)  # it is NaN then, and said in the note
        interval = bootstrap(
            (array,),
            statistic,
            confidence_level=CONFIDENCE,
            n_resamples=RESAMPLES,
            method="BCa",
            random_state=np.random.default_rng(SEED),
        ).confidence_interval
    if math.isnan(interval.low) or math.isnan(interval.high):
        reason = "Too many values are equal for a bootstrap: leaving one out never changes the result: no interval."
        return average(array, value, NO_INTERVAL, reason)
    few = f"A bootstrap interval of {len(array)} values is too narrow: it covers less than 95%."
    return average(array, value, Interval(float(interval.low), float(interval.high)), few if len(array) < FEW else "")
