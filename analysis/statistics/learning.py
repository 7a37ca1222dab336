"""What one seed's curve over training says. Arrays are in the order of kimg; NaN is an evaluation that gave nothing."""

import math

import numpy as np
import pandas as pd

from r3gan.tables.metrics import Better

SPIKE = 5.0  # times the median of the points before it
POINTS_BEFORE = 5  # that it takes to tell a spike


def mean_level(kimg: np.ndarray, values: np.ndarray) -> float:
    """Area under the curve by the trapezoid rule, divided by the kimg that it spans: in the metric's unit.

    NaN with fewer than two values; infinite if one is.
    """
    known = ~np.isnan(values)
    x, y = kimg[known], values[known]
    return float(np.trapezoid(y, x) / (x[-1] - x[0])) if len(x) > 1 else math.nan


def kimg_to(target: float, kimg: np.ndarray, values: np.ndarray, better: Better) -> float:
    """The first evaluation that is as good as the target; infinity if none is, NaN without a target or any value."""
    if math.isnan(target) or np.isnan(values).all():
        return math.nan
    reached = values <= target if better == "lower" else values >= target
    return float(kimg[reached.argmax()]) if reached.any() else math.inf


def best_of(kimg: np.ndarray, values: np.ndarray, better: Better) -> tuple[float, float]:
    """The best value and its kimg, the first of equal ones; NaN without any value."""
    if np.isnan(values).all():
        return math.nan, math.nan
    at = int(np.nanargmin(values) if better == "lower" else np.nanargmax(values))
    return float(values[at]), float(kimg[at])


def first_sign(kimg: np.ndarray, losses: np.ndarray) -> float:
    """Where a loss is not finite, or beyond SPIKE times the median of all points before it, for the first time.

    Spikes are told from the point on that has POINTS_BEFORE others before it. NaN if there is none.
    """
    before = pd.Series(losses).expanding(POINTS_BEFORE).median().shift().to_numpy()
    signs = ~np.isfinite(losses) | (losses > SPIKE * before)
    return float(kimg[signs.argmax()]) if signs.any() else math.nan
