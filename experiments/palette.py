"""The colours of variants, the same in figures and in MLflow."""

from collections.abc import Mapping

from experiments.names import BASELINE

# Okabe and Ito (2008), black first and without the yellow, which is too light for lines; the last is Tol's wine.
COLOURS = ("#000000", "#E69F00", "#56B4E9", "#009E73", "#CC79A7", "#0072B2", "#D55E00", "#882255")


def in_order(first_start: Mapping[str, float]) -> list[str]:
    """Variants, the baseline first, the others by their first run: adding one leaves the others' colours alone.

    first_start: when the first run of each variant began.
    """
    return sorted(first_start, key=lambda variant: (variant != BASELINE, first_start[variant], variant))


def colour_at(place: int) -> str:
    """Of the variant at a place from 0: black is the baseline's alone, the ninth has the colour of the second."""
    return COLOURS[1 + (place - 1) % (len(COLOURS) - 1)] if place else COLOURS[0]


def colours(first_start: Mapping[str, float]) -> dict[str, str]:
    """A colour for each variant by its place."""
    return {variant: colour_at(i) for i, variant in enumerate(in_order(first_start))}
