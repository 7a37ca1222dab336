"""What lies between two stages: layers that change the resolution by 2, and the width, in the ways of
r3gan/tables/resamplings.py.
"""

from typing import Literal

from torch import Tensor
from torch.nn import functional as F

from r3gan.config import NormalisationName
from r3gan.model.conv import Conv
from r3gan.model.convolution import transposed_conv2d
from r3gan.model.layers import Layer, Tape
from r3gan.model.resampling import Taps, downsample, downsample_vjp, smooth, upsample, upsample_vjp

Direction = Literal["up", "down"]
Layers = dict[str, Layer]
LEARNED_KERNEL = 4


def filtered(
    taps: Taps, channels_in: int, channels_out: int, direction: Direction, normalisation: NormalisationName
) -> Layers:
    """A fixed kernel, with a 1x1 convolution at the lower resolution where the width changes."""
    convert: Layers = {}
    if channels_in != channels_out:
        convert = {"convert": Conv(channels_in, channels_out, normalisation=normalisation)}
    return {**convert, "resample": Upsample(taps)} if direction == "up" else {"resample": Downsample(taps), **convert}


def shuffled(
    taps: Taps, channels_in: int, channels_out: int, direction: Direction, normalisation: NormalisationName
) -> Layers:
    """Channels to squares of four pixels, or back, with a 1x1 convolution at the lower resolution."""
    low_pass: Layers = {"low_pass": LowPass(taps)} if taps else {}
    if direction == "up":
        convert = Conv(channels_in, 4 * channels_out, normalisation=normalisation)
        return {"convert": convert, "resample": PixelShuffle(), **low_pass}
    convert = Conv(4 * channels_in, channels_out, normalisation=normalisation)
    return {**low_pass, "resample": PixelUnshuffle(), "convert": convert}


def convolved(
    taps: Taps, channels_in: int, channels_out: int, direction: Direction, normalisation: NormalisationName
) -> Layers:
    """A learned kernel that resamples and changes the width at once; `taps` has none."""
    if direction == "up":
        return {"resample": TransposedConv(channels_in, channels_out, normalisation)}
    return {"resample": Conv(channels_in, channels_out, kernel=LEARNED_KERNEL, stride=2, normalisation=normalisation)}


class Filter(Layer):
    """A fixed separable kernel: its taps."""

    first_order = True

    def __init__(self, taps: Taps):
        super().__init__()
        self.taps = taps


class Downsample(Filter):
    """[N, C, H, W] -> [N, C, H/2, W/2]."""

    def forward(self, x: Tensor) -> Tensor:
        return downsample(x, self.taps)

    def vjp(self, dy: Tensor, tape: Tape) -> Tensor:
        return downsample_vjp(dy, self.taps)


class Upsample(Filter):
    """[N, C, H, W] -> [N, C, 2H, 2W]."""

    def forward(self, x: Tensor) -> Tensor:
        return upsample(x, self.taps)

    def vjp(self, dy: Tensor, tape: Tape) -> Tensor:
        return upsample_vjp(dy, self.taps)


class LowPass(Filter):
    """[N, C, H, W] -> the same, by a symmetric kernel."""

    def forward(self, x: Tensor) -> Tensor:
        return smooth(x, self.taps)

    def vjp(self, dy: Tensor, tape: Tape) -> Tensor:
        return smooth(dy, self.taps)


class PixelShuffle(Layer):
    """[N, 4C, H, W] -> [N, C, 2H, 2W]: arXiv 1609.05158, eq. 4."""

    first_order = True

    def forward(self, x: Tensor) -> Tensor:
        return F.pixel_shuffle(x, 2)

    def vjp(self, dy: Tensor, tape: Tape) -> Tensor:
        return F.pixel_unshuffle(dy, 2)


class PixelUnshuffle(Layer):
    """[N, C, H, W] -> [N, 4C, H/2, W/2]: the inverse."""

    first_order = True

    def forward(self, x: Tensor) -> Tensor:
        return F.pixel_unshuffle(x, 2)

    def vjp(self, dy: Tensor, tape: Tape) -> Tensor:
        return F.pixel_shuffle(dy, 2)


class TransposedConv(Conv):
    """[N, C, H, W] -> [N, K, 2H, 2W]. Stored as [K, C, k, k], of which k^2 / 4 taps meet in an output pixel.

    G alone has it: it declares no first-order passes.
    """

    def __init__(self, channels_in: int, channels_out: int, normalisation: NormalisationName):
        super().__init__(channels_in, channels_out, kernel=LEARNED_KERNEL, gain=2.0, normalisation=normalisation)

    def forward(self, x: Tensor) -> Tensor:
        weight, _ = self._cast(x)
        return transposed_conv2d(x, weight.transpose(0, 1), stride=2)
