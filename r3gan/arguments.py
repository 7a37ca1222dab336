"""Types of command-line values, for argparse."""


def positive(text: str) -> int:
    """A whole number from 1 up. Raises ValueError, as argparse expects."""
    if int(text) < 1:
        raise ValueError(text)
    return int(text)
