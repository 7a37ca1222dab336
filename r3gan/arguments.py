"""Types of command-line values, for argparse."""

from argparse import ArgumentTypeError


def positive(text: str) -> int:
    """A whole number from 1 up. Raises ArgumentTypeError."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r}: a whole number from 1 up was expected")
    return int(text)
