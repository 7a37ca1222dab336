"""Types of command-line values, for argparse."""

import math
from argparse import ArgumentTypeError

from r3gan.long_numbers import with_short_numbers
from r3gan.tables.metrics import FEWEST

MOST_DIGITS = 18  # of a number that is meant: Python reads no more than some thousands, and says so in its own words


def positive(text: str) -> int:
    """A whole number from 1 up. Raises ArgumentTypeError."""
    if not text.isdecimal() or len(text) > MOST_DIGITS or int(text) < 1:
        raise ArgumentTypeError(with_short_numbers(f"{text!r}: a whole number from 1 up was expected"))
    return int(text)


def seed_number(text: str) -> int:
    """A whole number from 0 up. Raises ArgumentTypeError."""
    if not (text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS):
        raise ArgumentTypeError(with_short_numbers(f"{text!r}: a whole number from 0 up was expected"))
    return int(text)


def sample_count(text: str) -> int:
    """A whole number of samples that every metric can do with. Raises ArgumentTypeError."""
    if positive(text) < FEWEST:
        raise ArgumentTypeError(f"{text} is too few: at least {FEWEST} are needed")
    return int(text)


def minutes(text: str) -> float:
    """A number from 0 up. Raises ArgumentTypeError."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise ArgumentTypeError(with_short_numbers(f"{text!r}: a number of minutes from 0 up was expected"))
    return value
