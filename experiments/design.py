"""What a study declares before anything runs: how its results are to be judged. A run carries it along as JSON."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

Expectation = Literal["worse", "better", "no-better"]
Spending = Literal["pocock", "obrien-fleming"]  # how a level is spent over looks: analysis/statistics/sequential.py
MOST_LOOKS = 5  # at an adaptive study: more of them save hardly a seed, and make each test stricter


@dataclass(frozen=True, kw_only=True)
class CollapseRule:
    """When a seed has collapsed, by its last value of the primary metric: `factor`, `spreads` and `at_least` must all
    be exceeded.

    How the rule is applied: analysis/statistics/collapse.py. Raises ValueError for a factor below 1, negative spreads
    or differences, and what is not finite.
    """

    factor: float = 2.0  # how many times worse than the reference; says nothing where the reference is not positive
    spreads: float = 5.0  # how many of the baseline's spreads worse than the reference
    at_least: float | None = None  # in the metric's unit, worse than the reference; None: what is negligible in it
    worse_than: float | None = None  # a last value worse than this is a collapse, whatever else holds

    def __post_init__(self) -> None:
        if not 1 <= self.factor < math.inf:
            raise ValueError(f"the factor of collapse is {self.factor}: it must be a number of at least 1")
        if not 0 <= self.spreads < math.inf:
            raise ValueError(f"the spreads of collapse are {self.spreads}: they must be a number of at least 0")
        if self.at_least is not None and not 0 <= self.at_least < math.inf:
            raise ValueError(f"the least of collapse is {self.at_least}: it must be a number of at least 0, or none")
        if self.worse_than is not None and not math.isfinite(self.worse_than):
            raise ValueError(f"the bound of collapse is {self.worse_than}: it must be a finite number, or none")


@dataclass(frozen=True, kw_only=True)
class SeedRule:
    """Seeds 0 to `most` - 1, added until each difference to the baseline is concluded. What ends one: `sign`, if it is
    shown to be better or worse; `half_width`, if its interval reaches no farther to each side, in the metric's unit.

    Raises ValueError for numbers of seeds that are none, and where nothing would end it.
    """

    least: int  # seeds before the first look
    most: int  # seeds at the last one
    sign: bool = False
    half_width: float | None = None
    spending: Spending = "pocock"
    comparisons: int = 1  # differences to a baseline that the profile plans, over all datasets: they share the level

    def __post_init__(self) -> None:
        if not 2 <= self.least < self.most:
            raise ValueError(f"from {self.least} to {self.most} seeds: at least 2, and then more, were expected")
        if not self.sign and self.half_width is None:
            raise ValueError("neither a sign nor a half width ends it: at least one was expected")

    @property
    def looks(self) -> tuple[int, ...]:
        """The numbers of seeds at which is looked, as evenly spaced as whole numbers are."""
        count = min(MOST_LOOKS, self.most - self.least + 1)
        step = (self.most - self.least) / (count - 1)
        return tuple(self.least + round(step * i) for i in range(count))


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What is said of a variant beforehand, in comparison with the baseline.

    Raises ValueError for an expectation that is none, and a size that is not above 0.
    """

    says: str  # in words
    expects: Expectation  # what they come to; worse holds too if more seeds collapse
    source: str = "the paper"  # who says it
    at_least: float | None = None  # the smallest difference it speaks of, in the primary metric's unit

    def __post_init__(self) -> None:
        if self.expects not in get_args(Expectation):
            raise ValueError(f"a claim expects {self.expects}: one of {', '.join(get_args(Expectation))} was expected")
        if self.at_least is not None and not 0 < self.at_least < math.inf:
            raise ValueError(f"a claim speaks of differences of {self.at_least}: a number above 0 was expected")


@dataclass(frozen=True, kw_only=True)
class Design:
    """How a dataset's jobs are judged, and how the study's variants are made of each other."""

    primary: str = ""  # the recorded name of the primary metric; empty: the study file names none
    collapse: CollapseRule = CollapseRule()
    includes: Mapping[str, Sequence[str]] = field(default_factory=dict)  # variant -> variants that it includes
    pure: Sequence[str] = ()  # variants that consist of what they include, and change nothing else
    seed_rule: SeedRule | None = None  # None: the study fixes its seeds
    claims: Mapping[str, Claim] = field(default_factory=dict)  # by variant

    def as_text(self) -> str:
        """JSON, for a tag."""
        return json.dumps(asdict(self), sort_keys=True)


def design_from(data: Mapping[str, Any]) -> Design:
    """From what `asdict` made of it. Raises TypeError or ValueError for other data."""
    includes = data.get("includes", {}) if isinstance(data, Mapping) else None
    if not (isinstance(includes, Mapping) and all(isinstance(included, list) for included in includes.values())):
        raise TypeError("a mapping was expected, with a list of variants for each variant of includes")
    rule = data.get("seed_rule")
    parts = {"collapse": CollapseRule(**data.get("collapse", {})), "seed_rule": rule and SeedRule(**rule)}
    claims = {variant: Claim(**claim) for variant, claim in data.get("claims", {}).items()}
    return Design(**{**data, **parts, "claims": claims})
