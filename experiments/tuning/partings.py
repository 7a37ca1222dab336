"""After how many images the trials of a search part from each other: where one keeps checkpoints for the others. Pure.

What a later trial will be is not known while one trains. What the space makes of it, one parameter changed at a time,
tells where others may part from it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from optuna.distributions import FloatDistribution, IntDistribution

from experiments.study.problems import StudyError
from experiments.tuning.parameter import Parameter
from experiments.tuning.search import Search
from r3gan.beginning import latest_beginning
from r3gan.config import TrainConfig
from r3gan.identity import canonical

MOST = 16  # values of a range that are tried one by one; one of more has its ends, and so many places between


@dataclass(frozen=True)
class Partings:
    """Where other trials may part from a trial."""

    images: tuple[int, ...] = ()
    from_the_start: str = ""  # the key of a range that acts from there: no two trials begin alike


def partings(search: Search, variant: str, chosen: dict[str, Any]) -> Partings:
    """Those of a trial with the chosen values, in its jobs of one variant."""
    own = search.configured(variant, chosen)
    found: set[int] = set()
    for p in search.space.searched:
        values = values_of(p)
        others = other_trials(search, variant, chosen, p, values or p.corners())
        places = {latest_beginning(other, own) for other in others if canonical(other) != canonical(own)}
        if values is None and places == {0} and p.is_active(chosen):
            return Partings(from_the_start=p.key)
        found |= places if values or not places else {*places, *between(min(places), max(places), own.batch_size)}
    return Partings(tuple(sorted(found - {0})))


def values_of(p: Parameter) -> list[Any] | None:
    """What a parameter may be, as Optuna knows it; None if that is too much to be tried one by one."""
    row = p.distribution
    if not isinstance(row, (FloatDistribution, IntDistribution)):
        return p.corners()
    count = round((row.high - row.low) / row.step) + 1 if row.step else MOST + 1
    return [row.low + i * row.step for i in range(count)] if row.step and count <= MOST else None


def other_trials(
    search: Search, variant: str, chosen: dict[str, Any], p: Parameter, values: list[Any]
) -> Iterator[TrainConfig]:
    """What a trial is with other values of one parameter, as far as that is sound.

    Parameters that are searched only then have the first of their values.
    """
    under = {} if p.is_active(chosen) else search.space.activating(p)
    for value in values:
        known, complete = chosen | under | {p.key: value}, dict[str, Any]()
        for other in search.space.parameters:
            if other.is_active(complete):
                complete[other.key] = known.get(other.key, next(iter(other.corners()), other.value))
        try:
            yield search.configured(variant, complete)
        except StudyError:
            continue


def between(low: int, high: int, batch_size: int) -> set[int]:
    """Evenly spread places after low and before high, each after a whole batch."""
    places = (low + (high - low) * i // (MOST + 1) for i in range(1, MOST + 1))
    return {place for place in (place // batch_size * batch_size for place in places) if place > low}
