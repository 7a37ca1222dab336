"""Resampling by 2 between the stages."""

from dataclasses import dataclass

from r3gan.deferred import Deferred

FILTER = Deferred("r3gan.model.resampling_layers:filtered")
SHUFFLE = Deferred("r3gan.model.resampling_layers:shuffled")
CONVOLUTION = Deferred("r3gan.model.resampling_layers:convolved")


@dataclass(frozen=True, kw_only=True)
class ResamplingRow:
    """The layers between two stages, which change resolution and width, and the taps of a fixed separable kernel in
    them: the outer product of the taps, over the square of their sum.
    """

    text: str
    taps: tuple[float, ...] = ()  # of even number where the kernel itself resamples, else of odd number
    layers: Deferred = FILTER  # names and layers, from taps, widths and normalisation


RESAMPLINGS = {
    "bilinear": ResamplingRow(
        taps=(1.0, 3.0, 3.0, 1.0), text="the kernel [1, 2, 1] * [1, 1] in both directions; as released"
    ),
    "nearest": ResamplingRow(taps=(1.0, 1.0), text="repeats pixels, averages squares of four"),
    "pixel-shuffle": ResamplingRow(
        layers=SHUFFLE,
        text="up: 1x1 to four times the channels, which become squares of four pixels; down: squares of four become "
        "channels, and 1x1 from them; 4 C C' more weights for each change; among the paper's negative results",
    ),
    "pixel-shuffle-low-pass": ResamplingRow(
        taps=(1.0, 2.0, 1.0),
        layers=SHUFFLE,
        text="the same with the kernel [1, 2, 1] at the higher resolution: after it going up, before it going down; "
        "among the paper's negative results",
    ),
    "strided": ResamplingRow(
        layers=CONVOLUTION,
        text="learned: 4x4 transposed convolution up, 4x4 convolution of stride 2 down (arXiv 1511.06434), which also "
        "change the width; 16 C C' more weights for each change",
    ),
}
