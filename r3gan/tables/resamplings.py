"""Resampling between the stages."""

from typing import NamedTuple


class ResamplingRow(NamedTuple):
    """Resampling by 2 with a separable kernel: the outer product of the taps, over the square of their sum."""

    taps: tuple[float, ...]  # of even number
    text: str


RESAMPLINGS = {
    "bilinear": ResamplingRow((1.0, 3.0, 3.0, 1.0), "the kernel [1, 2, 1] * [1, 1] in both directions; as released"),
    "nearest": ResamplingRow((1.0, 1.0), "repeats pixels, averages squares of four"),
}
