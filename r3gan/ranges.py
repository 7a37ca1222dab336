"""What a number of the configuration may be: a range that stands in its field's type, `Annotated[int, Range(1, 64)]`.

The ends lie far beyond what anybody trains with, and short of what only fails late: numbers that float32 cannot tell
from 0 or infinity, and networks of which not even the shapes can be counted. What depends on other keys, or on the
machine, is checked elsewhere.
"""

import dataclasses
import types
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Range:
    """From `least` to `most`; with `above` or `below`, without that end. Of a schedule: its start and its end."""

    least: float
    most: float
    above: bool = False
    below: bool = False

    def __contains__(self, value: float) -> bool:
        low = self.least < value if self.above else self.least <= value
        return low and (value < self.most if self.below else value <= self.most)

    def __str__(self) -> str:
        low, high = (f"{end:g}" if isinstance(end, float) else str(end) for end in (self.least, self.most))
        if self.above:
            return f"above {low} and {'below' if self.below else 'at most'} {high}"
        return f"from {low} to {'below ' if self.below else ''}{high}"


def outside(value: Any, place: Place = ()) -> Iterator[tuple[Place, str]]:
    """Every number in a configuration that is outside its range: where it stands, and what was expected."""
    cls: Any = type(value)
    for key, (limits, inner, optional) in ranged(cls).items():
        for where, entry in entries(getattr(value, key), (*place, key)):
            if dataclasses.is_dataclass(entry):
                yield from outside(entry, where)
                ends = [(name, getattr(entry, name)) for name in ("start", "end")] if limits else []
                yield from [((*where, name), said) for name, end in ends if (said := refusal(end, limits))]
            elif inner in (int, float) and entry is not None and (said := refusal(entry, limits)):
                yield where, f"{said}, or left out" if optional else said


def entries(item: Any, place: Place) -> list[tuple[Place, Any]]:
    """What a tuple holds, each with its place; anything else as it is."""
    return [((*place, i), entry) for i, entry in enumerate(item)] if isinstance(item, tuple) else [(place, item)]


def refusal(value: float, limits: Range | None) -> str:
    """What is said of a number outside these limits; nothing of others."""
    return "" if limits is None or value in limits else f"{shown(value)} must be {limits}"


def shown(value: float) -> str:
    """A number of any size in a few digits."""
    return str(value) if isinstance(value, int) and abs(value) < 10**20 else f"{_as_float(value):g}"


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # a whole number beyond all floats
        return float("inf") if value > 0 else float("-inf")


@cache
def ranged(cls: Any) -> dict[str, tuple[Range | None, Any, bool]]:
    """Of each key of a configuration class: its range if its type has one, that type, and whether it may be left out.

    The type of a tuple's entries stands for the tuple.
    """
    return {field.name: _parts(_hints(cls)[field.name]) for field in dataclasses.fields(cls)}


@cache
def _hints(cls: Any) -> dict[str, Any]:
    return get_type_hints(cls, include_extras=True)


def _parts(kind: Any) -> tuple[Range | None, Any, bool]:
    origin, args = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return next((limits for limits in args[1:] if isinstance(limits, Range)), None), args[0], False
    if origin is tuple:
        return _parts(args[0])
    if origin in (Union, types.UnionType):
        limits, inner, _ = _parts(next(each for each in args if each is not types.NoneType))
        return limits, inner, True
    return None, kind, False
