"""Style injection in G as StyleGAN has it (arXiv 1812.04948, 1912.04958), each part by itself; R3GAN left it out.

A mapping network makes w of z (and of the class's embedding). w multiplies the learned input, as z does without it.
With modulation, every channel of what a residual block computes from is multiplied by 1 + A w. Noise is added there, a
map for each block, times a strength for each channel. A and the strengths start at zero, so that only the mapping
network changes what an untrained G computes. Blocks of attention have no styles.

Shapes: B images, Z latent dimension, W entries of w, C channels and S size of a block.
"""

import math
from collections.abc import Iterable
from itertools import islice, repeat
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from r3gan.config import NetworkConfig
from r3gan.model.layers import Linear
from r3gan.tables.activations import ACTIVATIONS, LEAKY_SLOPE

LR_MULTIPLIER = 0.01  # of the mapping network, as in StyleGAN


class BlockStyle(NamedTuple):
    """A residual block adds to x what it computes from x * scale + noise."""

    scale: Tensor | None  # [B, C, 1, 1]
    noise: Tensor | None  # [B, C, S, S]

    def of(self, x: Tensor) -> Tensor:
        """The styled input, in the dtype of x [B, C, S, S]."""
        if self.scale is not None:
            x = x * self.scale.to(x.dtype)
        return x if self.noise is None else x + self.noise.to(x.dtype)


class MappingLayer(nn.Module):
    """leaky_relu(m (W x + b)) with m the factor by which a step of Adam counts less: [B, F] -> [B, K].

    `init_std` is that of W; m W has the variance that keeps that of x (He, arXiv 1502.01852).
    """

    def __init__(self, features_in: int, features_out: int):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(features_out, features_in))
        self.bias = nn.Parameter(torch.zeros(features_out))
        self.init_std = ACTIVATIONS["leaky-relu"].gain / math.sqrt(features_in) / LR_MULTIPLIER

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(F.linear(x, LR_MULTIPLIER * self.weight, LR_MULTIPLIER * self.bias), LEAKY_SLOPE)


class Style(nn.Module):
    """What turns latents into the styles of G's residual blocks, in their order from 4x4 up.

    features: entries of z with the class's embedding, if any. `width` is W.
    """

    def __init__(self, config: NetworkConfig, features: int):
        super().__init__()
        layers, style = config.style.mapping_layers, config.style
        sizes = [features] + [config.latent_dim] * layers
        self.width = sizes[-1]
        self.mapping = nn.Sequential(*(MappingLayer(*sizes[i : i + 2]) for i in range(layers)))
        stages = zip(config.widths, config.resolutions, config.blocks, strict=True)
        blocks = [(width, side) for width, side, count in stages for _ in range(count)]
        self.counts, self.sizes = config.blocks, [size for _, size in blocks]
        modulates = style.modulation == "blocks"
        self.scales = nn.ModuleList(Linear(self.width, width, gain=0.0) for width, _ in blocks if modulates)
        self.strengths = nn.ParameterList(nn.Parameter(torch.zeros(width)) for width, _ in blocks if style.noise)

    def stages(
        self, w: Tensor, noise: Tensor, second: Tensor | None = None, crossings: Tensor | None = None
    ) -> list[list[BlockStyle]]:
        """Of w [B, W], and noise [B, N] with a map for each block if there are strengths: the styles of every stage.

        second [B, W], crossings [B]: the w that an image takes from the block of that number on, counted from 1 (the
        learned input is 0).
        """
        scales, offsets = self._scales(w, second, crossings), self._offsets(noise)
        styles = map(BlockStyle, scales, offsets)
        return [list(islice(styles, count)) for count in self.counts]

    def _scales(self, w: Tensor, second: Tensor | None, crossings: Tensor | None) -> Iterable[Tensor | None]:
        for number, affine in enumerate(self.scales, 1):
            own = w if second is None or crossings is None else torch.where((crossings <= number)[:, None], second, w)
            yield 1 + affine(own)[:, :, None, None]
        if not len(self.scales):
            yield from repeat(None, len(self.sizes))

    def _offsets(self, noise: Tensor) -> Iterable[Tensor | None]:
        if not len(self.strengths):
            return repeat(None, len(self.sizes))
        maps = noise.split([size**2 for size in self.sizes], dim=1)
        return (
            strength[:, None, None] * one.view(-1, 1, size, size)
            for strength, one, size in zip(self.strengths, maps, self.sizes, strict=True)
        )
