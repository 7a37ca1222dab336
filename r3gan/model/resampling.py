"""Resampling by 2 with a separable kernel (r3gan/tables/resamplings.py), zero beyond the border.

Each direction is the other's transpose up to a factor, so each one's gradient is the other: differentiable any number
of times, without the per-channel work of the library's second gradient of depthwise convolutions.

Shapes: x [B, C, H, W], with even H and W where it shrinks.
"""

from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import conv2d, conv_transpose2d

Taps = tuple[float, ...]


def kernel_of(taps: Taps, x: Tensor, gain: float = 1.0) -> Tensor:
    """The kernel with the sum `gain`, one copy per channel of x [B, C, H, W]: [C, 1, T, T]."""
    return _kernel(taps, gain, x.dtype, x.device).expand(x.shape[1], 1, len(taps), len(taps))


@cache  # every step asks a dozen times
def _kernel(taps: Taps, gain: float, dtype: torch.dtype, device: torch.device) -> Tensor:
    row = torch.tensor(taps, dtype=dtype, device=device) / sum(taps)
    return gain * torch.outer(row, row)


class _Shrink(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, taps: Taps, gain: float) -> Tensor:
        ctx.options = taps, gain
        return conv2d(x, kernel_of(taps, x, gain), stride=2, padding=len(taps) // 2 - 1, groups=x.shape[1])

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, None, None]:
        return _Spread.apply(dy, *ctx.options), None, None


class _Spread(torch.autograd.Function):
    """The transpose of _Shrink."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, taps: Taps, gain: float) -> Tensor:
        ctx.options = taps, gain
        return conv_transpose2d(x, kernel_of(taps, x, gain), stride=2, padding=len(taps) // 2 - 1, groups=x.shape[1])

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, None, None]:
        return _Shrink.apply(dy, *ctx.options), None, None


class _Smooth(torch.autograd.Function):
    """A symmetric kernel of odd size, which is its own transpose."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, taps: Taps) -> Tensor:
        ctx.taps = taps
        return conv2d(x, kernel_of(taps, x), padding=len(taps) // 2, groups=x.shape[1])

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, None]:
        return _Smooth.apply(dy, ctx.taps), None


def smooth(x: Tensor, taps: Taps) -> Tensor:
    """Low-pass, of the same size; its gradient with respect to its input is the same function."""
    return _Smooth.apply(x, taps)


def downsample(x: Tensor, taps: Taps) -> Tensor:
    """[B, C, H, W] -> [B, C, H/2, W/2]."""
    return _Shrink.apply(x, taps, 1.0)


def upsample(x: Tensor, taps: Taps) -> Tensor:
    """[B, C, H, W] -> [B, C, 2H, 2W]."""
    return _Spread.apply(x, taps, 4.0)


def downsample_vjp(dy: Tensor, taps: Taps) -> Tensor:
    """The gradient of `downsample` with respect to its input: [B, C, H/2, W/2] -> [B, C, H, W]."""
    return _Spread.apply(dy, taps, 1.0)


def upsample_vjp(dy: Tensor, taps: Taps) -> Tensor:
    """The gradient of `upsample` with respect to its input: [B, C, 2H, 2W] -> [B, C, H, W]."""
    return _Shrink.apply(dy, taps, 4.0)
