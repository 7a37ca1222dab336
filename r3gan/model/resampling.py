"""Bilinear resampling by 2 with the kernel [1,2,1]*[1,1], zero beyond the border, as in the official release.

Each direction is the other's transpose up to a factor, so each one's gradient is the other: differentiable any number
of times, without the per-channel work of the library's second gradient of depthwise convolutions.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import conv2d, conv_transpose2d


def bilinear_kernel(x: Tensor, gain: float = 1.0) -> Tensor:
    """The 4x4 kernel with the sum `gain`, one copy per channel of x [B, C, H, W]: [C, 1, 4, 4]."""
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=x.dtype, device=x.device) / 8
    return (gain * torch.outer(taps, taps)).expand(x.shape[1], 1, 4, 4)


class _Shrink(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, gain: float) -> Tensor:
        ctx.gain = gain
        return conv2d(x, bilinear_kernel(x, gain), stride=2, padding=1, groups=x.shape[1])

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, None]:
        return _Spread.apply(dy, ctx.gain), None


class _Spread(torch.autograd.Function):
    """The transpose of _Shrink."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, gain: float) -> Tensor:
        ctx.gain = gain
        return conv_transpose2d(x, bilinear_kernel(x, gain), stride=2, padding=1, groups=x.shape[1])

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, None]:
        return _Shrink.apply(dy, ctx.gain), None


def downsample(x: Tensor) -> Tensor:
    """[B, C, H, W] -> [B, C, H/2, W/2]."""
    return _Shrink.apply(x, 1.0)


def upsample(x: Tensor) -> Tensor:
    """[B, C, H, W] -> [B, C, 2H, 2W]."""
    return _Spread.apply(x, 4.0)


def transposed_downsample(dy: Tensor) -> Tensor:
    """The gradient of `downsample` with respect to its input: [B, C, H/2, W/2] -> [B, C, H, W]."""
    return _Spread.apply(dy, 1.0)


def transposed_upsample(dy: Tensor) -> Tensor:
    """The gradient of `upsample` with respect to its input: [B, C, 2H, 2W] -> [B, C, H, W]."""
    return _Shrink.apply(dy, 4.0)
