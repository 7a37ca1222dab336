"""R3GAN's training step as it is usually written: the reference that `benchmarks.iteration` measures against.

The same networks and the same numbers, but NCHW tensors, resampling on N*C single channels, one convolution call, one
bias and one activation after the other, R1 and R2 by two separate double backward passes of the library, Adam and the
moving average as they come. `plain_layers` lets the networks of r3gan/model/networks.py run that way.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import torch
from torch import Tensor
from torch.nn import functional as F

from r3gan.model.activations import ACTIVATIONS, LEAKY_SLOPE, Activation
from r3gan.model.resampling import bilinear_kernel
from r3gan.training.batches import Batch
from r3gan.training.losses import Loss
from r3gan.training.state import TrainState


def conv2d(x: Tensor, weight: Tensor, bias: Tensor | None, groups: int) -> Tensor:
    """The library's convolution in NCHW, then the bias."""
    y = F.conv2d(x.contiguous(), weight, padding=weight.shape[-1] // 2, groups=groups)
    return y if bias is None else y + bias.view(1, -1, 1, 1)


def single_channels(x: Tensor) -> Tensor:
    """[N, C, H, W] -> [N*C, 1, H, W]."""
    return x.reshape(-1, 1, *x.shape[2:])


def downsample(x: Tensor) -> Tensor:
    """As r3gan.model.resampling.downsample."""
    y = F.conv2d(single_channels(x), bilinear_kernel(x)[:1], stride=2, padding=1)
    return y.view(*x.shape[:2], *y.shape[2:])


def upsample(x: Tensor) -> Tensor:
    """As r3gan.model.resampling.upsample."""
    y = F.conv_transpose2d(single_channels(x), bilinear_kernel(x, 4.0)[:1], stride=2, padding=1)
    return y.view(*x.shape[:2], *y.shape[2:])


def library_conv2d(x: Tensor, weight: Tensor, bias: Tensor | None, groups: int) -> Tensor:
    """The library's convolution, differentiated by the library."""
    return F.conv2d(x, weight, bias, padding=weight.shape[-1] // 2, groups=groups)


def library_downsample(x: Tensor) -> Tensor:
    """The library's depthwise convolution, differentiated by the library."""
    return F.conv2d(x, bilinear_kernel(x), stride=2, padding=1, groups=x.shape[1])


def library_upsample(x: Tensor) -> Tensor:
    """The transposed one."""
    return F.conv_transpose2d(x, bilinear_kernel(x, 4.0), stride=2, padding=1, groups=x.shape[1])


@contextmanager
def library_gradients() -> Iterator[None]:
    """Within, the layers keep their channels_last layout, and the library takes every gradient."""
    with patch.multiple(
        "r3gan.model.layers", conv2d=library_conv2d, downsample=library_downsample, upsample=library_upsample
    ):
        yield


@contextmanager
def plain_layers() -> Iterator[None]:
    """Within, the layers of r3gan/model/layers.py run the plain way."""
    leaky = Activation(lambda x: F.leaky_relu(x, LEAKY_SLOPE), ACTIVATIONS["leaky-relu"].gain)
    with (
        patch.multiple("r3gan.model.layers", conv2d=conv2d, downsample=downsample, upsample=upsample),
        patch.dict(ACTIVATIONS, {"leaky-relu": leaky}),
    ):
        yield


def make_plain(state: TrainState) -> None:
    """Give a state NCHW weights and the library's default Adam."""
    for network in (state.generator, state.discriminator, state.ema):
        network.to(memory_format=torch.contiguous_format)
    for name in ("generator", "discriminator"):
        parameters = getattr(state, name).parameters()
        setattr(state, f"{name}_adam", torch.optim.Adam(parameters, lr=0.0, betas=(0.0, 0.9)))


def discriminator_gradients(state: TrainState, batch: Batch, loss: Loss, gamma: float) -> None:
    """D's gradients, from zero."""
    state.discriminator.zero_grad()
    with torch.no_grad():
        fake = state.generator(batch.latents, batch.labels)
    logits, penalties = [], []
    for images in (batch.real.contiguous(), fake):
        leaf = images.detach().requires_grad_()
        logits.append(state.discriminator(leaf, batch.labels))
        (gradient,) = torch.autograd.grad(logits[-1].sum(), leaf, create_graph=True)
        penalties.append(gradient.square().sum((1, 2, 3)))
    (loss.discriminator(*logits) + gamma / 2 * sum(penalties)).mean().backward()


def generator_gradients(state: TrainState, batch: Batch, loss: Loss) -> None:
    """G's gradients, from zero."""
    state.generator.zero_grad()
    state.discriminator.requires_grad_(False)
    fake = state.generator(batch.latents, batch.labels)
    real_logits = state.discriminator(batch.real.contiguous(), batch.labels)
    loss.generator(real_logits, state.discriminator(fake, batch.labels)).mean().backward()
    state.discriminator.requires_grad_(True)


def update_ema(state: TrainState, decay: float) -> None:
    """ema <- decay * ema + (1 - decay) * generator."""
    with torch.no_grad():
        for ema, new in zip(state.ema.parameters(), state.generator.parameters(), strict=True):
            ema.copy_(new.lerp(ema, decay))
