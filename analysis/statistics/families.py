"""Several comparisons to one baseline: what keeps the error of the whole family."""

from collections.abc import Sequence

import numpy as np
from statsmodels.stats.multitest import multipletests

from analysis.statistics.interval import CONFIDENCE


def holm(p: Sequence[float]) -> list[float]:
    """Holm's adjusted p values, in the given order (Holm, Scand J Stat 1979; 6:65-70).

    NaN (no test was possible) stays NaN and does not count as a member of the family.
    """
    adjusted = np.array(p, dtype=float)
    known = ~np.isnan(adjusted)
    if known.any():
        adjusted[known] = multipletests(adjusted[known], method="holm")[1]
    return adjusted.tolist()


def simultaneous_level(comparisons: int, level: float = CONFIDENCE) -> float:
    """The level at which each of so many intervals must be for all of them to hold together at `level` (Bonferroni).

    Raises ValueError for fewer than one comparison.
    """
    if comparisons < 1:
        raise ValueError(f"{comparisons} comparisons: expected at least 1")
    return 1 - (1 - level) / comparisons
