"""Types of command-line values, for argparse."""

import math
from argparse import ArgumentTypeError


def positive(text: str) -> int:
    """A whole number from 1 up. Raises ArgumentTypeError."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r}: a whole number from 1 up was expected")
    return int(text)


def minutes(text: str) -> float:
    """A number from 0 up. Raises ArgumentTypeError."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise ArgumentTypeError(f"{text!r}: a number of minutes from 0 up was expected")
    return value
