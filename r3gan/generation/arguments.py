"""Types of the command-line values that say what is generated, for argparse, and what they mean together."""

import argparse
import math
from argparse import ArgumentTypeError
from pathlib import Path

from r3gan.arguments import positive
from r3gan.devices import add_device

MOST = 10_000_000  # images that one command makes


def seed_list(text: str) -> tuple[int, ...]:
    """`0-63,100`: whole numbers and ranges, in this order, none twice. Raises ArgumentTypeError."""
    numbers = number_list(text)
    if len(set(numbers)) < len(numbers):
        raise ArgumentTypeError(f"{text!r}: a seed is named twice")
    return numbers


def number_list(text: str) -> tuple[int, ...]:
    """The same, where numbers may come again. Raises ArgumentTypeError."""
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        ends = (first, last if dash else first)
        if not all(end.isascii() and end.isdecimal() and len(end) < 18 for end in ends) or int(ends[0]) > int(ends[1]):
            raise ArgumentTypeError(f"{text!r}: whole numbers and ranges such as 0-63,100 were expected")
        require_few(text, len(found) + int(ends[1]) - int(ends[0]) + 1)
        found += range(int(ends[0]), int(ends[1]) + 1)
    return tuple(found)


def image_count(text: str) -> int:
    """A whole number from 1 to MOST. Raises ArgumentTypeError."""
    count = positive(text)
    require_few(text, count)
    return count


def require_few(text: str, count: int) -> None:
    """Raises ArgumentTypeError if a text asks for more images than one command makes."""
    if count > MOST:
        raise ArgumentTypeError(
            f"{text!r}: {count:,} are more than {MOST:,}, the most of one command: name a part of them, "
            f"such as --seeds 0-{MOST - 1}, and the others in further commands"
        )


def scale(text: str) -> float:
    """A number from 0 up. Raises ArgumentTypeError."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise ArgumentTypeError(f"{text!r}: a number from 0 up was expected")
    return value


def add_generator(parser: argparse.ArgumentParser) -> None:
    """Which generator, how far its latents reach, where it computes and how much at once."""
    add_source(parser)
    how = "scale of the latents: below 1 less varied (default: 1)"
    parser.add_argument("--truncation", type=scale, default=1.0, help=how)


def add_source(parser: argparse.ArgumentParser) -> None:
    """Which generator, where it computes and how much at once."""
    add = parser.add_argument
    add("source", type=Path, help="job directory, checkpoint folder, or .safetensors file of weights")
    add("--weights", choices=("ema", "raw", "best"), default="ema", help="which of a job's generators (default: ema)")
    add("--batch", type=positive, default=64, help="images computed at once (default: 64)")
    add_device(parser)
