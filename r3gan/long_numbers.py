"""Numbers too long to read, in what is said to people."""

import re

LONG_NUMBER = re.compile(r"\d{50,}")


def with_short_numbers(text: str) -> str:
    """The same text with the first digits alone of each such number, and how many there are."""
    return LONG_NUMBER.sub(lambda found: f"{found[0][:8]}... ({len(found[0])} digits)", text)
