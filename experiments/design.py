"""What a study declares before anything runs: how its results are to be judged. A run carries it along as JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class CollapseRule:
    """When the last value of a seed's primary metric counts as a collapse, and not as one more value.

    It has to be worse than the seed's best value on the way, or than the middle one of its variant, in both ways.
    """

    factor: float = 2.0  # so many times as bad, above 1
    spreads: float = 5.0  # and by so many spreads of the baseline over seeds (1.4826 median absolute deviations)
    worse_than: float | None = None  # beyond this value it is a collapse whatever it was before


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
