"""Axes: when one is logarithmic, how it is labelled, and what of it is shown."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

LEAST_FOR_DECADES = 12  # largest over smallest value from which 1, 3, 10 ... give two labels or more
LOG_RANGE = 5  # largest over smallest value from which a log axis helps
ROOM = 1  # how many times the range of the other values the outlying ones may add at either end
MARGIN = 0.06  # beyond the outermost value, as a share of the range


def spans_enough_for_log(values: pd.Series) -> bool:
    """Whether the largest value is more than LOG_RANGE times the smallest positive one."""
    positive = values[values > 0]
    return len(positive) > 0 and bool(positive.max() > LOG_RANGE * positive.min())


def use_log_axis(ax: Axes, side: Literal["x", "y"] = "y") -> None:
    """A logarithmic axis, labelled in plain numbers at 1, 2, 5, 10 ... (x: 1, 3, 10 ..., where labels stand side by
    side) or, over many decades, at powers of ten."""
    (ax.set_yscale if side == "y" else ax.set_xscale)("log")
    low, high = ax.get_ylim() if side == "y" else ax.get_xlim()
    upwards = (1.0, 2.0, 3.0, 5.0) if high / low < LEAST_FOR_DECADES else (1.0, 2.0, 5.0)
    axis, close = (ax.yaxis, upwards) if side == "y" else (ax.xaxis, (1.0, 3.0))
    if side == "x" and high / low < LEAST_FOR_DECADES:  # LogLocator would put labels too close to each other
        axis.set_major_locator(MaxNLocator(3))
    else:
        axis.set_major_locator(LogLocator(subs=close if high / low < (300 if side == "y" else 50) else (1.0,)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(LogLocator(subs=range(2, 10)))
    axis.set_minor_formatter(NullFormatter())


@dataclass(frozen=True)
class Scale:
    """The range of an axis, and whether it is logarithmic."""

    low: float
    high: float
    log: bool

    def holds(self, values: pd.Series) -> pd.Series:
        """Which values lie on the axis."""
        return values.between(self.low, self.high)


def scale_of(values: pd.Series, outlying: pd.Series, may_be_log: bool) -> Scale:
    """A scale that shows all values, and those of the outlying that leave the others room to be told apart.

    Logarithmic if that is allowed and the range is worth it. Values that are not finite, or not positive on a
    logarithmic axis, do not count.
    """
    if may_be_log:
        low, high = (10**end for end in _ends(values, outlying, log=True))
        if high > LOG_RANGE * low:
            return Scale(float(low), float(high), True)
    low, high = _ends(values, outlying, log=False)
    return Scale(float(low), float(high), False)


def _ends(values: pd.Series, outlying: pd.Series, log: bool) -> tuple[float, float]:
    main, others = _on_axis(values, log), _on_axis(outlying, log)
    if not len(main):
        main, others = others, main
    if not len(main):
        return 0.0, 1.0
    low, high = main.min(), main.max()
    span = high - low or (0.1 if log else abs(high) * 0.1) or 1.0
    near = others[(others >= low - ROOM * span) & (others <= high + ROOM * span)]
    low, high = near.min(initial=low), near.max(initial=high)
    margin = MARGIN * ((high - low) or span)
    return low - margin, high + margin


def _on_axis(values: pd.Series, log: bool) -> np.ndarray:
    array = values.to_numpy(dtype=float)
    array = array[np.isfinite(array) & ((array > 0) | (not log))]
    return np.log10(array) if log else array
