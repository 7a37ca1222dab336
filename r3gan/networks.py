"""R3GAN's generator and discriminator, as released, with optional self-attention.

Source: "The GAN is dead; long live the GAN! A Modern Baseline GAN" (arXiv 2501.05441), section 4 and appendix,
and the official release. Attention follows "Self-Attention Generative Adversarial Networks" (arXiv 1805.08318),
with the library's scaled dot product and several heads.

Shapes: B batch, C channels, H W height and width, Z latent dimension, K classes, E class-embedding dimension,
R image resolution. Activations are [B, C, H, W].
"""

import math
from contextlib import nullcontext

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from r3gan.config import NetworkConfig, NetworkName
from r3gan.convolution import conv2d
from r3gan.resampling import downsample, upsample
from r3gan.streams import stream

LEAKY_SLOPE = 0.2
LEAKY_GAIN = math.sqrt(2 / (1 + LEAKY_SLOPE**2))  # keeps the variance through a leaky ReLU (He et al. 2015, eq. 15)
BASE_RESOLUTION = 4
LINEAR_LAYERS_PER_BLOCK = 3
IMAGE_CHANNELS = 3


class Conv(nn.Conv2d):
    """A stride-1 convolution without bias, same-size unless `padding` is given; its weights follow the input's dtype.

    `init_std` is gain / sqrt(fan-in); `initialise` draws the weights with it.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        kernel: int = 1,
        groups: int = 1,
        gain: float = 1.0,
        padding: int | None = None,
    ):
        padding = kernel // 2 if padding is None else padding
        super().__init__(channels_in, channels_out, kernel, padding=padding, groups=groups, bias=False)
        self.kernel_padding = padding
        self.init_std = gain / math.sqrt(self.weight[0].numel())

    def forward(self, x: Tensor) -> Tensor:
        return conv2d(x, self.weight.to(x.dtype), self.kernel_padding, self.groups)


class Linear(nn.Linear):
    """A matrix without bias, whose weights follow the input's dtype; `init_std` as in `Conv`."""

    def __init__(self, features_in: int, features_out: int, gain: float = 1.0):
        super().__init__(features_in, features_out, bias=False)
        self.init_std = gain / math.sqrt(features_in)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight.to(x.dtype))


class BiasedActivation(nn.Module):
    """leaky_relu(x + bias), slope 0.2."""

    def __init__(self, channels: int):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(x + self.bias.to(x.dtype).view(1, -1, 1, 1), LEAKY_SLOPE)


class ResidualBlock(nn.Module):
    """x + project(act(mix(act(expand(x))))): 1x1 C->2C, grouped 3x3, 1x1 2C->C that starts at zero.

    The gain is the leaky ReLU's times L^(-1/(2m-2)) with L blocks in the network and m = 3 layers in a block
    (Fixup, arXiv 1901.09321, as the paper uses it).
    """

    def __init__(self, channels: int, groups: int, expansion: int, blocks_in_network: int):
        super().__init__()
        expanded = channels * expansion
        gain = LEAKY_GAIN * blocks_in_network ** (-1 / (2 * LINEAR_LAYERS_PER_BLOCK - 2))
        self.expand = Conv(channels, expanded, gain=gain)
        self.expand_activation = BiasedActivation(expanded)
        self.mix = Conv(expanded, expanded, kernel=3, groups=groups, gain=gain)
        self.mix_activation = BiasedActivation(expanded)
        self.project = Conv(expanded, channels, gain=0.0)

    def forward(self, x: Tensor) -> Tensor:
        h = self.expand_activation(self.expand(x))  # [B, 2C, H, W]
        h = self.mix_activation(self.mix(h))  # [B, 2C, H, W]
        return x + self.project(h)


class SelfAttention(nn.Module):
    """x + project(attention(qkv(x))) over the H*W positions; `project` starts at zero, so the block starts as identity.

    twice_differentiable: use the library's math kernel, the only one whose gradient has a gradient (R1 and R2 need it).
    """

    def __init__(self, channels: int, heads: int, twice_differentiable: bool):
        super().__init__()
        self.heads = heads
        self.twice_differentiable = twice_differentiable
        self.qkv = Conv(channels, 3 * channels)
        self.project = Conv(channels, channels, gain=0.0)

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        tokens = self.qkv(x).reshape(b, 3, self.heads, c // self.heads, h * w).transpose(3, 4)
        q, k, v = tokens.unbind(1)  # each [B, heads, H*W, C/heads]
        with sdpa_kernel(SDPBackend.MATH) if self.twice_differentiable else nullcontext():
            attended = F.scaled_dot_product_attention(q, k, v)
        return x + self.project(attended.transpose(2, 3).reshape(b, c, h, w))


class Stage(nn.Module):
    """The residual blocks (and the attention, if any) of one resolution, and the 1x1 to the stage after or before.

    `low_precision` stages run in bfloat16 on a GPU; the parameters stay in float32.
    """

    def __init__(self, config: NetworkConfig, index: int, network: NetworkName):
        super().__init__()
        width, resolution = config.widths[index], BASE_RESOLUTION * 2**index
        blocks: list[nn.Module] = [
            ResidualBlock(width, config.groups[index], config.expansion, sum(config.blocks))
            for _ in range(config.blocks[index])
        ]
        if network in config.attention.networks and resolution in config.attention.resolutions:
            blocks.append(SelfAttention(width, config.attention.heads, twice_differentiable=network == "discriminator"))
        self.blocks = nn.Sequential(*blocks)
        self.low_precision = index >= len(config.widths) - config.bf16_stages
        self.is_lowest = index == 0
        ends = (config.widths[index - 1], width)[:: 1 if network == "generator" else -1]
        self.convert = nn.Identity() if self.is_lowest or ends[0] == ends[1] else Conv(*ends)


class GeneratorStage(Stage):
    """[B, C', H/2, W/2] to [B, C, H, W]; the lowest stage keeps its size."""

    def forward(self, x: Tensor) -> Tensor:
        x = to_stage_dtype(x, self)
        return self.blocks(x if self.is_lowest else upsample(self.convert(x)))


class DiscriminatorStage(Stage):
    """[B, C, H, W] to [B, C', H/2, W/2]; the lowest stage keeps its size."""

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(to_stage_dtype(x, self))
        return x if self.is_lowest else self.convert(downsample(x))


def to_stage_dtype(x: Tensor, stage: nn.Module) -> Tensor:
    """x in the dtype that the stage computes in on x's device."""
    return x.to(torch.bfloat16 if stage.low_precision and x.is_cuda else next(stage.parameters()).dtype)


class Generator(nn.Module):
    """Latents (and classes) to images.

    forward(z, labels): z [B, Z] standard normal; labels [B, K] one-hot, only for a conditional network.
    Returns images [B, 3, R, R], about -1..1, in the parameters' dtype.
    """

    def __init__(self, config: NetworkConfig, classes: int = 0):
        super().__init__()
        width = config.widths[0]
        self.latent_dim = config.latent_dim
        self.classes = classes if config.conditional else 0
        self.embedding = Linear(classes, config.latent_dim) if self.classes else None
        self.modulation = Linear(config.latent_dim * (2 if self.classes else 1), width)
        self.basis = nn.Parameter(torch.zeros(width, BASE_RESOLUTION, BASE_RESOLUTION))
        self.stages = nn.Sequential(*(GeneratorStage(config, i, "generator") for i in range(len(config.widths))))
        self.to_rgb = Conv(config.widths[-1], IMAGE_CHANNELS)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        if self.embedding is not None:
            z = torch.cat([z, self.embedding(labels)], dim=1)
        x = self.basis * self.modulation(z)[:, :, None, None]  # [B, C, 4, 4]
        return self.to_rgb(self.stages(x)).to(self.basis.dtype)


class Discriminator(nn.Module):
    """Images (and classes) to logits.

    forward(x, labels): x [B, 3, R, R]; labels [B, K] one-hot, only for a conditional network. Returns logits [B].
    Linear between its leaky ReLUs, unless it holds attention.
    """

    def __init__(self, config: NetworkConfig, classes: int = 0):
        super().__init__()
        width = config.widths[0]
        self.classes = classes if config.conditional else 0
        self.from_rgb = Conv(IMAGE_CHANNELS, config.widths[-1])
        top_down = reversed(range(len(config.widths)))
        self.stages = nn.Sequential(*(DiscriminatorStage(config, i, "discriminator") for i in top_down))
        self.basis = Conv(width, width, kernel=BASE_RESOLUTION, groups=width, padding=0)
        self.head = Linear(width, width if self.classes else 1)
        self.embedding = Linear(classes, width, gain=1 / math.sqrt(width)) if self.classes else None

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        x = self.stages(self.from_rgb(to_stage_dtype(x, self.stages[0])))  # [B, C, 4, 4]
        x = self.head(self.basis(x).flatten(1))  # [B, 1] or [B, E]
        if self.embedding is not None:
            x = (x * self.embedding(labels)).sum(dim=1)
        return x.flatten()


def initialise(network: nn.Module, seed: int, name: NetworkName) -> None:
    """Draw every weight from a stream of its own, named by seed, network and parameter.

    A parameter that two variants share by name and shape therefore starts equal in both (common random numbers),
    whatever else either network holds.
    """
    with torch.no_grad():
        for path, module in network.named_modules():
            std = getattr(module, "init_std", None)
            if std is not None:
                draw = torch.randn(module.weight.shape, generator=stream(seed, "init", name, path))
                module.weight.copy_(std * draw)
        if isinstance(network, Generator):
            network.basis.copy_(torch.randn(network.basis.shape, generator=stream(seed, "init", name, "basis")))
