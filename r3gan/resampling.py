"""Bilinear resampling by 2 with the kernel [1,2,1]*[1,1], zero beyond the border, as in the official release.

Each direction is the other's transpose up to a factor, so each one's gradient is the other: differentiable any number
of times, without the per-channel work of the library's second gradient of depthwise convolutions.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import conv2d, conv_transpose2d


def bilinear_kernel(x: Tensor) -> Tensor:
    """The 4x4 kernel, sum 1, one copy per channel of x [B, C, H, W]: [C, 1, 4, 4]."""
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=x.dtype, device=x.device) / 8
    return torch.outer(taps, taps).expand(x.shape[1], 1, 4, 4)


class _Downsample(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return conv2d(x, bilinear_kernel(x), stride=2, padding=1, groups=x.shape[1])

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> Tensor:
        return upsample(dy) / 4


class _Upsample(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return conv_transpose2d(x, 4 * bilinear_kernel(x), stride=2, padding=1, groups=x.shape[1])

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> Tensor:
        return 4 * downsample(dy)


def downsample(x: Tensor) -> Tensor:
    """[B, C, H, W] -> [B, C, H/2, W/2]."""
    return _Downsample.apply(x)


def upsample(x: Tensor) -> Tensor:
    """[B, C, H, W] -> [B, C, 2H, 2W]."""
    return _Upsample.apply(x)
