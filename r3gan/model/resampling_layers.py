"""The layers that change the resolution by 2, between the stages."""

from torch import Tensor

from r3gan.config import ResamplingName
from r3gan.model.layers import Layer, Tape
from r3gan.model.resampling import downsample, downsample_vjp, taps_of, upsample, upsample_vjp


class Downsample(Layer):
    """[N, C, H, W] -> [N, C, H/2, W/2]."""

    first_order = True

    def __init__(self, resampling: ResamplingName):
        super().__init__()
        self.taps = taps_of(resampling)

    def forward(self, x: Tensor) -> Tensor:
        return downsample(x, self.taps)

    def vjp(self, dy: Tensor, tape: Tape) -> Tensor:
        return downsample_vjp(dy, self.taps)


class Upsample(Layer):
    """[N, C, H, W] -> [N, C, 2H, 2W]."""

    first_order = True

    def __init__(self, resampling: ResamplingName):
        super().__init__()
        self.taps = taps_of(resampling)

    def forward(self, x: Tensor) -> Tensor:
        return upsample(x, self.taps)

    def vjp(self, dy: Tensor, tape: Tape) -> Tensor:
        return upsample_vjp(dy, self.taps)
