"""The mean of a variant's seeds as tables show it, with the interval that suits the metric."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from analysis.statistics.counts import count_mean, counts
from analysis.statistics.interval import Interval
from analysis.statistics.means import Average, mean_t

NEAR = 0.9  # of the ceiling: above it the binomial variance of what is missing is within 10% of Poisson's


def mean_interval(values: Iterable[float], ceiling: float | None) -> Average:
    """Mean and 95% interval: `mean_t` of an ordinary number (ceiling None), `count_mean` of counts near their ceiling.

    ceiling: the largest possible count, of a metric that counts from 0. Near it are counts of which every one reaches
    NEAR * ceiling; a collapsed or diverged seed is not near, and the t interval, cut off at 0 and at the ceiling, is
    taken. NaN is left out, and infinite values leave no interval, as `mean_t` says. ValueError: see `counts`.
    """
    if ceiling is None:
        return mean_t(values)
    array = counts(values, ceiling)
    if (array >= NEAR * ceiling).all() and np.isfinite(array).all():
        return count_mean(array, ceiling)
    found = mean_t(array)
    if not found.interval.is_known:
        return found
    return replace(found, interval=Interval(max(0.0, found.interval.low), min(ceiling, found.interval.high)))
