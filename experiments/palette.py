"""The colours of variants, the same in figures and in MLflow."""

from collections.abc import Mapping

from experiments.names import BASELINE

# Okabe and Ito (2008), black first and without the yellow, which is too light for lines.
COLOURS = ("#000000", "#E69F00", "#56B4E9", "#009E73", "#CC79A7", "#0072B2", "#D55E00")


def in_order(first_start: Mapping[str, float]) -> list[str]:
    """Variants, the baseline first, the others by their first run: adding one leaves the others' colours alone.

    first_start: when the first run of each variant began.
    """
    return sorted(first_start, key=lambda variant: (variant != BASELINE, first_start[variant], variant))


def colours(first_start: Mapping[str, float]) -> dict[str, str]:
    """A colour for each variant by its place; the eighth has that of the first."""
    return {variant: COLOURS[i % len(COLOURS)] for i, variant in enumerate(in_order(first_start))}
