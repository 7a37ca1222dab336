"""An interval of a number, or none."""

import math
from dataclasses import dataclass

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """low <= high; both NaN where the data allow no interval."""

    low: float
    high: float

    @property
    def is_known(self) -> bool:
        return not (math.isnan(self.low) or math.isnan(self.high))

    def excludes(self, value: float) -> bool:
        """Whether the interval lies on one side of the value. False without an interval."""
        return self.is_known and not self.low <= value <= self.high


NO_INTERVAL = Interval(math.nan, math.nan)
