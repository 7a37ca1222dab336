"""R3GAN's training step as it is usually written: the reference that `benchmarks.iteration` measures against.

The same networks and the same numbers, but NCHW tensors, resampling on N*C single channels, one convolution call, one
bias and one activation after the other, R1 and R2 by two separate double backward passes of the library, Adam and the
moving average as they come. `replace_layers` lets the networks of r3gan/model/networks.py run that way.
"""

from collections.abc import Callable
from functools import cached_property, partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from r3gan.model.conv import Conv
from r3gan.model.resampling import kernel_of
from r3gan.model.resampling_layers import Downsample, Upsample
from r3gan.tables.activations import LEAKY_SLOPE
from r3gan.training.adam import Adam
from r3gan.training.batches import Batch
from r3gan.training.losses import Loss
from r3gan.training.state import TrainState


def conv2d(layer: Conv, x: Tensor) -> Tensor:
    """The library's convolution in NCHW, then the bias, then the activation."""
    y = F.conv2d(x.contiguous(), layer.weight, padding=layer.weight.shape[-1] // 2, groups=layer.geometry[0])
    return y if layer.bias is None else F.leaky_relu(y + layer.bias.view(1, -1, 1, 1), LEAKY_SLOPE)


def single_channels(x: Tensor) -> Tensor:
    """[N, C, H, W] -> [N*C, 1, H, W]."""
    return x.reshape(-1, 1, *x.shape[2:])


def downsample(layer: Downsample, x: Tensor) -> Tensor:
    """As r3gan.model.resampling.downsample."""
    y = F.conv2d(single_channels(x), kernel_of(layer.taps, x)[:1], stride=2, padding=1)
    return y.view(*x.shape[:2], *y.shape[2:])


def upsample(layer: Upsample, x: Tensor) -> Tensor:
    """As r3gan.model.resampling.upsample."""
    y = F.conv_transpose2d(single_channels(x), kernel_of(layer.taps, x, 4.0)[:1], stride=2, padding=1)
    return y.view(*x.shape[:2], *y.shape[2:])


def library_conv2d(layer: Conv, x: Tensor) -> Tensor:
    """The library's convolution, differentiated by the library."""
    y = F.conv2d(x, layer.weight, layer.bias, padding=layer.weight.shape[-1] // 2, groups=layer.geometry[0])
    return y if layer.activation is None else layer.activation.function(y)


def library_downsample(layer: Downsample, x: Tensor) -> Tensor:
    """The library's depthwise convolution, differentiated by the library."""
    return F.conv2d(x, kernel_of(layer.taps, x), stride=2, padding=1, groups=x.shape[1])


def library_upsample(layer: Upsample, x: Tensor) -> Tensor:
    """The transposed one."""
    return F.conv_transpose2d(x, kernel_of(layer.taps, x, 4.0), stride=2, padding=1, groups=x.shape[1])


LAYERS: dict[str, dict[type, Callable[..., Tensor]]] = {
    "plain": {Conv: conv2d, Downsample: downsample, Upsample: upsample},
    "library": {Conv: library_conv2d, Downsample: library_downsample, Upsample: library_upsample},
}


def replace_layers(network: nn.Module, form: str) -> None:
    """Let a network's layers run as the form does; it then declares no first-order passes any more."""
    for module in network.modules():
        for kind, forward in LAYERS[form].items():
            if isinstance(module, kind):
                module.forward = partial(forward, module)  # type: ignore[method-assign]


class LibraryAdam(Adam):
    """The library's class, with its defaults."""

    def step(self) -> None:
        """See Adam."""
        self._library.param_groups[0].update(lr=self.lr, betas=(0.0, self.beta2))
        self._library.step()

    @cached_property
    def _library(self) -> torch.optim.Adam:
        return torch.optim.Adam(self.parameters)


def make_plain(state: TrainState) -> None:
    """Give a state NCHW weights and the library's default Adam."""
    for network in (state.generator, state.discriminator, state.ema):
        network.to(memory_format=torch.contiguous_format)
    for name in ("generator", "discriminator"):
        setattr(state, f"{name}_adam", LibraryAdam(getattr(state, name).parameters()))


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
