"""The spread of one variant over seeds, as a plan for more seeds takes it."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.stats import median_abs_deviation

FAR = 5.0  # robust spreads from the median: a value beyond is no part of the usual spread
LEAST_TO_TELL = 8  # seeds; of three normal values one lies beyond FAR in 21% of samples, of eight in 5% (tests)


@dataclass(frozen=True, kw_only=True)
class Spread:
    """NaN where it is unknown; `used` is one of sd and robust, 0 if all values are equal."""

    count: int
    middle: float  # the mean; the median where `used` is robust
    sd: float  # standard deviation (n - 1)
    robust: float  # 1.4826 times the median absolute deviation, which estimates the SD of normal values
    used: float
    note: str  # a sentence without its end on what is special about the values; empty: nothing


def find_spread(values: Iterable[float]) -> Spread:
    """The spread of the values that are not NaN: the SD, or where values lie far off, the robust one.

    Robust: Rousseeuw and Croux (1993, JASA 88, equation 1.2). It stands for the SD where a value lies farther than FAR
    of it from the median, if there are LEAST_TO_TELL values or more: of fewer, ordinary ones often lie that far, and
    then the robust spread is many times too small. Infinite values (diverged runs) leave the robust one only.
    """
    array = np.asarray(list(values), dtype=float)
    array = array[~np.isnan(array)]
    count = len(array)
    if count < 2:
        middle = float(array[0]) if count else math.nan
        note = f"{'one value' if count else 'no value'}, a spread needs two"
        return Spread(count=count, middle=middle, sd=math.nan, robust=math.nan, used=math.nan, note=note)
    with np.errstate(over="ignore", invalid="ignore"):  # an infinite value, or one so large that its square is
        mean, sd, median = float(array.mean()), float(array.std(ddof=1)), float(np.median(array))
        robust = float(median_abs_deviation(array, scale="normal"))
        far = int(np.sum(np.abs(array - median) > FAR * robust))
    if not math.isfinite(sd):
        sd = math.nan
    if not math.isfinite(robust):
        robust = math.nan
    use_robust, note = _choose(count, sd, robust, far)
    middle, used = (median, robust) if use_robust else (mean, sd)
    return Spread(count=count, middle=middle, sd=sd, robust=robust, used=used, note=note)


def _choose(count: int, sd: float, robust: float, far: int) -> tuple[bool, str]:
    """Whether the robust spread is the one to use, and why."""
    if math.isnan(sd):
        if not robust > 0:
            return True, "infinite values, and no spread of the others"
        return True, "infinite values have no SD: median and robust spread are used"
    if sd == 0:
        return False, f"all {count} values are equal, which is no evidence that more of them would be"
    if robust == 0:
        return False, f"half of {count} values or more are equal, so that the robust spread is 0: the SD is used"
    if not far:
        return False, ""
    found = f"{far} of {count} values lie{'s' if far == 1 else ''} farther than {FAR:g} robust spreads from the median"
    if count < LEAST_TO_TELL:
        return False, f"{found}, as happens by chance among fewer than {LEAST_TO_TELL}: the SD is used"
    return True, f"{found}: median and robust spread are used, and tell nothing of how often that happens"
