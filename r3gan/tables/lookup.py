"""Looking a name up in a table, and what is said of a name that is not in it."""

import difflib
from collections.abc import Iterable, Mapping
from typing import TypeVar

Row = TypeVar("Row")


class UnknownChoice(ValueError):
    """A name that is not in its table; the message lists those that are."""


def row_of(table: Mapping[str, Row], kind: str, name: str) -> Row:
    """The row of a name. Raises UnknownChoice with the nearest name and all others."""
    if name not in table:
        raise UnknownChoice(unknown_message(kind, name, table))
    return table[name]


def unknown_message(kind: str, name: object, known: Iterable[object]) -> str:
    """What is said of a name that is not among the known ones of its kind."""
    return f"unknown {kind} {name}; {hint_message(name, known)}"


def hint_message(name: object, known: Iterable[object]) -> str:
    """The nearest of the known names, if one is near, and all of them."""
    names = [str(other) for other in known]
    near = difflib.get_close_matches(str(name), names, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"{hint}valid: {', '.join(names) or 'none'}"
