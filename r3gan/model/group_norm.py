"""Group normalisation: "Group Normalization" (arXiv 1803.08494)."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

CHANNELS_PER_GROUP = 16  # or the largest common divisor with the channels


class GroupNorm(nn.Module):
    """[B, C, H, W] -> the same, each group of channels of an image with mean 0 and variance 1, times a learned gain.

    It is not piecewise linear and declares no passes: D is then differentiated twice.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.groups = channels // math.gcd(channels, CHANNELS_PER_GROUP)
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor, bias: Tensor | None) -> Tensor:
        """With the bias [C] that would follow anyway."""
        return F.group_norm(x, self.groups, self.weight.to(x.dtype), bias)
