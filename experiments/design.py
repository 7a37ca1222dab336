"""What a study declares before anything runs: how its results are to be judged. A run carries it along as JSON."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class CollapseRule:
    """When a seed has collapsed, by its last value of the primary metric. Both `factor` and `spreads` must be exceeded.

    How the rule is applied: analysis/statistics/collapse.py. Raises ValueError for a factor below 1, negative spreads,
    and what is not finite.
    """

    factor: float = 2.0  # how many times worse than the reference; says nothing where the reference is not positive
    spreads: float = 5.0  # how many of the baseline's spreads worse than the reference
    worse_than: float | None = None  # a last value worse than this is a collapse, whatever else holds

    def __post_init__(self) -> None:
        if not 1 <= self.factor < math.inf:
            raise ValueError(f"the factor of collapse is {self.factor}: it must be a number of at least 1")
        if not 0 <= self.spreads < math.inf:
            raise ValueError(f"the spreads of collapse are {self.spreads}: they must be a number of at least 0")
        if self.worse_than is not None and not math.isfinite(self.worse_than):
            raise ValueError(f"the bound of collapse is {self.worse_than}: it must be a finite number, or none")


@dataclass(frozen=True, kw_only=True)
class Design:
    """How a dataset's jobs are judged, and how the study's variants are made of each other."""

    primary: str = ""  # the recorded name of the primary metric; empty: the study file names none
    collapse: CollapseRule = CollapseRule()
    includes: Mapping[str, Sequence[str]] = field(default_factory=dict)  # variant -> variants that it includes
    pure: Sequence[str] = ()  # variants that consist of what they include, and change nothing else

    def as_text(self) -> str:
        """JSON, for a tag."""
        return json.dumps(asdict(self), sort_keys=True)


def design_from(data: Mapping[str, Any]) -> Design:
    """From what `asdict` made of it. Raises TypeError for other data."""
    return Design(**{**data, "collapse": CollapseRule(**data.get("collapse", {}))})
