"""R3GAN's generator and discriminator, as released, with optional self-attention and, in G, StyleGAN's styles.

Source: "The GAN is dead; long live the GAN! A Modern Baseline GAN" (arXiv 2501.05441)
and the official release, which decides where the two could differ. The layers are in r3gan/model/layers.py.

Shapes: B batch, C channels, H W height and width, Z latent dimension, K classes, E class-embedding dimension,
R image resolution, I image channels: 3, or 2 of points. Activations are [B, C, H, W].
"""

import math
from collections import OrderedDict
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from r3gan.config import ActivationName, NetworkConfig, NetworkName, StyleConfig
from r3gan.model.attention import SelfAttention
from r3gan.model.conv import Conv, settle_weights
from r3gan.model.dropout import ChannelDropout
from r3gan.model.layers import Chain, Layer, Linear, Precision, Residual, SpatialSum, declares_first_order
from r3gan.model.minibatch import MinibatchHead
from r3gan.model.resampling_layers import Direction
from r3gan.model.style import BlockStyle, Style
from r3gan.streams import stream
from r3gan.tables.activations import ACTIVATIONS
from r3gan.tables.attentions import ATTENTIONS
from r3gan.tables.class_heads import CLASS_HEADS
from r3gan.tables.lookup import row_of
from r3gan.tables.resamplings import RESAMPLINGS

LINEAR_LAYERS_PER_BLOCK = 3
PERCEPTRON_EXPANSION, LINEAR_LAYERS_OF_PERCEPTRON = 4, 2  # as transformers have them (arXiv 1706.03762)


class ResidualBlock(Residual):
    """x + project(mix(expand(x))): 1x1 C->2C, grouped 3x3, both activated, and 1x1 2C->C that starts at zero.

    Of one resolution, the `index`th from the lowest up; `activation_after_mix: none` leaves out the second activation.

    The gain is the activation's times L^(-1/(2m-2)) with L blocks in the network and m = 3 layers in a block
    (Fixup, arXiv 1901.09321, as the paper uses it).
    """

    def __init__(self, config: NetworkConfig, index: int):
        super().__init__()
        channels, expanded = config.widths[index], config.widths[index] * config.expansion
        after_mix = config.activation if config.activation_after_mix == "same" else None
        fixup = sum(config.blocks) ** (-1 / (2 * LINEAR_LAYERS_PER_BLOCK - 2))
        self.expand = Conv(
            channels,
            expanded,
            gain=fixup * activation_gain(config.activation),
            activation=config.activation,
            normalisation=config.normalisation,
        )
        self.mix = Conv(
            expanded,
            expanded,
            kernel=config.kernel,
            groups=config.groups[index],
            gain=fixup * activation_gain(after_mix),
            activation=after_mix,
            normalisation=config.normalisation,
        )
        self.project = Conv(expanded, channels, gain=0.0, normalisation=config.normalisation)


class TransformerBlock(Chain):
    """Attention over all positions, then a perceptron at each: x + project(attend(qkv(x + position))), and
    x + project(activation(expand(x))) with 1x1 C->4C->C. No normalisation of layers; both projections start at zero.

    The perceptron has the gain of residual blocks, for its two layers. Where activations are piecewise linear, D keeps
    the exact first-order form: attention's own second derivative is written by formula (r3gan/model/attention.py).
    """

    def __init__(self, config: NetworkConfig, index: int):
        width, size = config.widths[index], config.resolutions[index]
        attention = SelfAttention(
            width,
            config.transformer.heads,
            twice_differentiable=True,
            size=size,
            normalisation=config.normalisation,
        )
        super().__init__(OrderedDict(attention=attention, perceptron=Perceptron(config, width)))


class Perceptron(Residual):
    """x + project(activation(expand(x))), at each position, see `TransformerBlock`."""

    def __init__(self, config: NetworkConfig, width: int):
        super().__init__()
        fixup = sum(config.blocks) ** (-1 / (2 * LINEAR_LAYERS_OF_PERCEPTRON - 2))
        self.expand = Conv(
            width,
            PERCEPTRON_EXPANSION * width,
            gain=fixup * activation_gain(config.activation),
            activation=config.activation,
            normalisation=config.normalisation,
        )
        self.project = Conv(PERCEPTRON_EXPANSION * width, width, gain=0.0, normalisation=config.normalisation)


def activation_gain(activation: ActivationName | None) -> float:
    """What keeps the variance through a convolution and what follows it."""
    return 1.0 if activation is None else row_of(ACTIVATIONS, "activation", activation).gain


def stage_blocks(config: NetworkConfig, index: int, network: NetworkName) -> Chain:
    """The residual or transformer blocks, and the attention if any, of one resolution."""
    width, resolution = config.widths[index], config.resolutions[index]
    transformer = config.transformer
    block: type[ResidualBlock | TransformerBlock] = ResidualBlock
    if network in transformer.networks and resolution in transformer.resolutions:
        block = TransformerBlock
    blocks: list[Layer] = [block(config, index) for _ in range(config.blocks[index])]
    attention = config.attention
    if network in attention.networks and resolution in attention.resolutions:
        blocks += [
            SelfAttention(
                width,
                attention.heads,
                twice_differentiable=network == "discriminator",
                along=along,
                size=resolution if attention.position == "learned" else None,
                normalisation=config.normalisation,
            )
            for along in row_of(ATTENTIONS, "attention", attention.kind).along
        ]
    return Chain(*blocks)


def stage_precision(config: NetworkConfig, index: int) -> Precision:
    """The stages of the highest resolutions run in a low format on a GPU; the parameters stay in float32."""
    return Precision(is_low(config, index), low_format(config))


def is_low(config: NetworkConfig, index: int) -> bool:
    """Whether the `index`th stage from 4x4 up is one of them."""
    return index >= len(config.widths) - config.low_stages


def low_format(config: NetworkConfig) -> torch.dtype:
    """The format of the stages that are not in float32."""
    return torch.float16 if config.fp16_stages else torch.bfloat16


def emulate(part: nn.Module, config: NetworkConfig, index: int) -> None:
    """Let the convolutions of a stage round to its format, if that is asked for: for CPUs, which are in float32."""
    if config.emulate_precision and is_low(config, index):
        for module in part.modules():
            if isinstance(module, Conv):
                module.format = low_format(config)


def between_stages(config: NetworkConfig, index: int, direction: Direction) -> dict[str, Layer]:
    """What leads up to a stage from the one below it, or down from it."""
    row = row_of(RESAMPLINGS, "resampling", config.resampling)
    ends = (config.widths[index - 1], config.widths[index])
    channels_in, channels_out = ends if direction == "up" else reversed(ends)
    normalisation = config.normalisation
    layers: dict[str, Layer] = row.layers(row.taps, channels_in, channels_out, direction, normalisation)
    return layers


class GeneratorStage(Chain):
    """[B, C', H/2, W/2] to [B, C, H, W]; the lowest stage keeps its size."""

    def __init__(self, config: NetworkConfig, index: int):
        layers: dict[str, Layer] = {"precision": stage_precision(config, index)}
        if index:
            layers |= between_stages(config, index, "up")
        super().__init__(OrderedDict(layers, blocks=stage_blocks(config, index, "generator")))
        emulate(self, config, index)

    def forward(self, x: Tensor, styles: Sequence[BlockStyle] = ()) -> Tensor:
        """styles: of each residual block; none where G has no styles."""
        if not styles:
            return super().forward(x)
        *before, blocks = self.layers
        for layer in before:
            x = layer(x)
        remaining = iter(styles)
        for block in cast(Chain, blocks).layers:
            x = x + Chain.forward(block, next(remaining).of(x)) if isinstance(block, ResidualBlock) else block(x)
        return x


class DiscriminatorStage(Chain):
    """[B, C, H, W] to [B, C', H/2, W/2]; the lowest stage keeps its size."""

    def __init__(self, config: NetworkConfig, index: int):
        blocks = stage_blocks(config, index, "discriminator")
        layers: dict[str, Layer] = {"precision": stage_precision(config, index), "blocks": blocks}
        if config.dropout:
            layers["dropout"] = ChannelDropout(config.widths[index], config.dropout)
        if index:
            layers |= between_stages(config, index, "down")
        super().__init__(OrderedDict(layers))
        emulate(self, config, index)


def discriminator_head(config: NetworkConfig, features: int) -> Linear:
    """From D's last activations, summed over all positions, to its features."""
    width, kernels = config.widths[0], config.minibatch_kernels
    if kernels:
        return MinibatchHead(width, features, kernels=kernels, group=config.minibatch_group)
    return Linear(width, features)


class Generator(nn.Module):
    """Latents (and classes) to images.

    forward(z, labels): z [B, latent_dim] standard normal; labels [B, K] one-hot, only for a conditional network.
    Returns images [B, I, R, R], about -1..1, in the parameters' dtype.
    The last `noise_dim` entries of z are the noise of the residual blocks, if there is any; see r3gan/model/style.py.
    """

    def __init__(self, config: NetworkConfig, classes: int = 0):
        super().__init__()
        config, width = config.of("generator"), config.widths[0]
        self.noise_dim = config.noise_dim
        self.latent_dim = config.latent_dim + self.noise_dim
        self.makes_points = config.makes_points
        self.classes = classes if config.conditional else 0
        self.embedding = Linear(classes, config.latent_dim) if self.classes else None
        features = config.latent_dim * (2 if self.classes else 1)
        self.style = Style(config, features) if config.style != StyleConfig() else None
        self.modulation = Linear(features if self.style is None else self.style.width, width)
        self.basis = nn.Parameter(torch.zeros(width, config.base_resolution, config.base_resolution))
        self.stages = Chain(*(GeneratorStage(config, i) for i in range(len(config.widths))))
        self.to_rgb = Conv(config.widths[-1], config.image_channels, normalisation=config.normalisation)
        emulate(self.to_rgb, config, len(config.widths) - 1)

    def forward(
        self, z: Tensor, labels: Tensor | None = None, second: Tensor | None = None, crossings: Tensor | None = None
    ) -> Tensor:
        """second [B, Z], crossings [B]: styles of a second latent from that block on, see r3gan/model/style.py."""
        x = self.modulated(z, labels)
        for stage, styles in zip(self.stages, self.styles(z, labels, second, crossings), strict=True):
            x = stage(x, styles)
        return self.to_rgb(x).to(self.basis.dtype)

    def modulated(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """The input of the first stage [B, C, 4, 4] (its resolution): each channel of the basis times one number."""
        x = self.basis * self.modulation(self.code(z, labels))[:, :, None, None]
        return x.contiguous(memory_format=torch.channels_last)

    def styles(
        self, z: Tensor, labels: Tensor | None = None, second: Tensor | None = None, crossings: Tensor | None = None
    ) -> Sequence[Sequence[BlockStyle]]:
        """What each stage takes beside its input; nothing without styles."""
        if self.style is None:
            return [()] * len(self.stages)
        other = None if second is None else self.code(second, labels)
        noise = z[:, self.latent_dim - self.noise_dim :]
        return self.style.stages(self.code(z, labels), noise, other, crossings)

    def code(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """What the input, and the styles, are computed from, [B, W]: z with the class's embedding, mapped if there are
        layers for it."""
        z = z[:, : self.latent_dim - self.noise_dim]
        if self.embedding is not None:
            z = torch.cat([z, self.embedding(labels)], dim=1)
        return z if self.style is None else cast(Tensor, self.style.mapping(z))


class Discriminator(nn.Module):
    """Images (and classes) to logits.

    forward(x, labels): x [B, I, R, R]; labels [B, K] one-hot, only for a conditional network. Returns logits [B].
    A logit is the dot product of the trunk's features with the class's direction (without classes: the one feature),
    to which `class_head: projection` adds one that all images share. Labels of zeros leave that alone.
    """

    def __init__(self, config: NetworkConfig, classes: int = 0):
        super().__init__()
        config, width, stages = config.of("discriminator"), config.widths[0], len(config.widths)
        self.classes = classes if config.conditional else 0
        self.together = config.together
        from_rgb = Conv(config.image_channels, config.widths[-1], normalisation=config.normalisation)
        emulate(from_rgb, config, stages - 1)
        self.trunk = Chain(
            OrderedDict[str, nn.Module](
                precision=stage_precision(config, stages - 1),
                from_rgb=from_rgb,
                stages=Chain(*(DiscriminatorStage(config, i) for i in reversed(range(stages)))),
                full_precision=Precision(low=False),
                basis=SpatialSum(width, config.base_resolution),
                head=discriminator_head(config, width if self.classes else 1),
            )
        )
        self.embedding = Linear(classes, width, gain=1 / math.sqrt(width)) if self.classes else None
        shares = self.classes and row_of(CLASS_HEADS, "class head", config.class_head).unconditional
        self.unconditional = Linear(width, 1) if shares else None

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        features = self.trunk(x)
        return (features * self.directions(features, labels)).sum(dim=1)

    def directions(self, features: Tensor, labels: Tensor | None) -> Tensor:
        """What each image's features are projected on: [B, E] with classes, ones [B, 1] without."""
        if self.embedding is None:
            return torch.ones_like(features)
        directions: Tensor = self.embedding(labels)
        return directions if self.unconditional is None else directions + self.unconditional.weight

    @property
    def first_order(self) -> bool:
        """Whether the passes of the first-order form are declared exact for this network, see r3gan/model/layers.py."""
        own = type(self).forward is Discriminator.forward and type(self).directions is Discriminator.directions
        heads = [head for head in (self.embedding, self.unconditional) if head is not None]
        head = all(type(head) is Linear and declares_first_order(head) for head in heads)
        return own and head and declares_first_order(self.trunk)


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
    settle_weights(network)
