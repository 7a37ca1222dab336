"""Power of Welch's test and the paired one: which differences so many seeds could have shown, how many one needs.

The standard deviations are given, not estimated: what is asked is a design, or a study that is over. Levels are
two-sided and corrected for m comparisons by Bonferroni (0.05 / m), the first and strictest step of Holm's correction.
"""

import math
from functools import cache, lru_cache

import numpy as np
from scipy.optimize import brentq
from scipy.special import betaincinv
from scipy.stats import nct, t
from statsmodels.stats.power import TTestPower

from analysis.statistics.interval import CONFIDENCE

NODES = 96  # of the quadrature; 400 change powers by less than 1e-5, for 2 to 1000 seeds and spreads 1:1000 apart
FARTHEST = 1e4  # standard errors; a difference that needs more is not looked for
POWER = 0.8  # power, by convention: Cohen, Statistical Power Analysis for the Behavioral Sciences, 1988, section 2.4


def power(
    difference: float, sd: float, count: int, baseline_sd: float, baseline_count: int, comparisons: int = 1
) -> float:
    """Probability (0..1) that Welch's test finds a true difference of means, for normal values.

    Welch's T = (mean - baseline mean) / S, S² = s²/n + s_b²/n_b, has estimated degrees of freedom: Welch (1947,
    Biometrika 34) and Satterthwaite (1946, Biometrics Bulletin 2), f = S⁴ / (s⁴/n²/(n - 1) + s_b⁴/n_b²/(n_b - 1)).
    With q = (n - 1) s²/sd² and q_b, independent chi-squares, u = q / (q + q_b) is Beta((n - 1)/2, (n_b - 1)/2) and
    independent of q + q_b. Given u, f is known and T is a multiple of a noncentral t with n + n_b - 2 degrees of
    freedom and noncentrality difference / sqrt(sd²/n + baseline_sd²/n_b); the power is its mean over u (see Lee and
    Gurland, 1975, JASA 70). One noncentral t with f of the true spreads is the usual approximation,
    and says 0.39 where 0.20 is true with two seeds each.

    difference, sd, baseline_sd: in units of the metric; the sign of the difference does not matter. counts: seeds.
    NaN where a spread is 0, NaN or infinite (equal values in a few seeds are no evidence of no spread), where the
    difference is NaN, and with fewer than two seeds on a side. Raises ValueError for comparisons < 1 or a spread < 0.
    """
    _check(sd, baseline_sd, comparisons)
    if not _is_known(sd, count, baseline_sd, baseline_count) or math.isnan(difference):
        return math.nan
    standard_error = math.hypot(sd / math.sqrt(count), baseline_sd / math.sqrt(baseline_count))
    share = (sd / standard_error) ** 2 / count
    return _power(abs(difference) / standard_error, share, count, baseline_count, comparisons)


def detectable(
    sd: float, count: int, baseline_sd: float, baseline_count: int, comparisons: int = 1, power: float = POWER
) -> float:
    """The smallest difference of means (> 0, units of the metric) that these seeds show with this power.

    See `power` for the test, the source and the arguments. NaN where a spread is 0, NaN or infinite, with fewer than
    two seeds on a side, and where no difference below FARTHEST standard errors would do. Raises ValueError as `power`
    does, and for a power that is not above the level and below 1.
    """
    _check(sd, baseline_sd, comparisons, power)
    if not _is_known(sd, count, baseline_sd, baseline_count):
        return math.nan
    standard_error = math.hypot(sd / math.sqrt(count), baseline_sd / math.sqrt(baseline_count))
    share = (sd / standard_error) ** 2 / count

    def missing(noncentrality: float) -> float:
        return _power(noncentrality, share, count, baseline_count, comparisons) - power

    high = 1.0
    while missing(high) < 0:
        high *= 2
        if high > FARTHEST:
            return math.nan
    return float(brentq(missing, 0.0, high, xtol=1e-6)) * standard_error


def detectable_paired(sd: float, pairs: int, comparisons: int = 1, power: float = POWER) -> float:
    """The smallest mean difference within so many pairs (> 0, units of the metric) that Student's test shows with this
    power, by statsmodels; sd: of the differences. NaN and ValueError as in `detectable`."""
    _check(sd, sd, comparisons, power)
    if not _is_known(sd, pairs, sd, pairs):
        return math.nan
    level = (1 - CONFIDENCE) / comparisons
    return sd * float(TTestPower().solve_power(nobs=pairs, alpha=level, power=power, alternative="two-sided"))


def seeds_needed(
    difference: float, sd: float, baseline_sd: float, comparisons: int = 1, power: float = POWER, most: int = 1000
) -> int | None:
    """The least number of seeds, for the variant and the baseline each, that show the difference with this power.

    See `power` for the test and the arguments. None if `most` seeds are too few, for a difference of 0 or NaN, and
    where a spread is 0, NaN or infinite. Raises ValueError as `detectable` does.
    """
    _check(sd, baseline_sd, comparisons, power)
    if not _is_known(sd, 2, baseline_sd, 2) or math.isnan(difference) or difference == 0:
        return None

    def suffices(count: int) -> bool:
        standard_error = math.hypot(sd, baseline_sd) / math.sqrt(count)
        share = (sd / math.hypot(sd, baseline_sd)) ** 2
        return _power(abs(difference) / standard_error, share, count, count, comparisons) >= power

    low, high = 1, 2  # too few; perhaps enough
    while high < most and not suffices(high):
        low, high = high, min(2 * high, most)
    if high > most or not suffices(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if suffices(middle) else (middle, high)
    return high


def _check(sd: float, baseline_sd: float, comparisons: int, power: float | None = None) -> None:
    level = 1 - CONFIDENCE
    if comparisons < 1:
        raise ValueError(f"comparisons is {comparisons}, expected 1 or more")
    if sd < 0 or baseline_sd < 0:
        raise ValueError(f"standard deviations are {sd:g} and {baseline_sd:g}, expected none below 0")
    if power is not None and not level < power < 1:
        raise ValueError(f"power is {power:g}, expected more than {level:.2f} and less than 1")


def _is_known(sd: float, count: int, baseline_sd: float, baseline_count: int) -> bool:
    return min(count, baseline_count) >= 2 and all(0 < spread < math.inf for spread in (sd, baseline_sd))


def _power(noncentrality: float, share: float, count: int, baseline_count: int, comparisons: int) -> float:
    """share: of the variant in the squared standard error, 0..1."""
    degrees = count + baseline_count - 2
    weights, limits = _limits(share, count, baseline_count, comparisons)
    rejected = nct.sf(limits, degrees, noncentrality) + nct.sf(limits, degrees, -noncentrality)
    return float(min(weights @ rejected, 1.0))


@lru_cache(maxsize=256)
def _limits(share: float, count: int, baseline_count: int, comparisons: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights of u (Gauss-Legendre over its quantiles), and the limit of |T| at each for the pooled noncentral t."""
    nodes, weights = _gauss_legendre()
    own, other = count - 1, baseline_count - 1
    u = betaincinv(own / 2, other / 2, (1 + nodes) / 2)
    variant, baseline = share * u / own, (1 - share) * (1 - u) / other  # parts of S², in units of q + q_b
    degrees = (variant + baseline) ** 2 / (variant**2 / own + baseline**2 / other)
    level = (1 - CONFIDENCE) / comparisons
    return weights / 2, t.isf(level / 2, degrees) * np.sqrt((variant + baseline) * (own + other))


@cache
def _gauss_legendre() -> tuple[np.ndarray, np.ndarray]:
    return np.polynomial.legendre.leggauss(NODES)
