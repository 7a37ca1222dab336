"""R3GAN's training step as it is usually written: the reference that `benchmarks.iteration` measures against.

The same networks and the same numbers, but NCHW tensors, resampling on N*C single channels, one convolution call, one
bias and one activation after the other, R1 and R2 by two separate double backward passes of the library, Adam and the
moving average as they come. `replace_layers` lets the networks of r3gan/model/networks.py run that way.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from r3gan.model.conv import Conv
from r3gan.model.resampling import kernel_of
from r3gan.model.resampling_layers import Downsample, Upsample
from r3gan.tables.activations import LEAKY_SLOPE
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


class PlainSteps:
    """See `benchmarks.steps.Steps`: with NCHW weights and the library's default Adam."""

    def __init__(self, state: TrainState, loss: Loss, gamma: float):
        self.generator, self.discriminator, self.ema = state.generator, state.discriminator, state.ema
        for network in (self.generator, self.discriminator, self.ema):
            replace_layers(network, "plain")
            network.to(memory_format=torch.contiguous_format)
        self._loss, self._gamma = loss, gamma
        self._adams = [torch.optim.Adam(n.parameters()) for n in (self.generator, self.discriminator)]

    def discriminator_gradients(self, batch: Batch) -> None:
        """D's gradients, from zero."""
        self.discriminator.zero_grad()
        with torch.no_grad():
            fake = self.generator(batch.latents, batch.labels)
        logits, penalties = [], []
        for images in (batch.real.contiguous(), fake):
            leaf = images.detach().requires_grad_()
            logits.append(self.discriminator(leaf, batch.labels))
            (gradient,) = torch.autograd.grad(logits[-1].sum(), leaf, create_graph=True)
            penalties.append(gradient.square().sum((1, 2, 3)))
        (self._loss.discriminator(*logits) + self._gamma / 2 * sum(penalties)).mean().backward()

    def generator_gradients(self, batch: Batch) -> None:
        """G's gradients, from zero."""
        self.generator.zero_grad()
        self.discriminator.requires_grad_(False)
        fake = self.generator(batch.latents, batch.labels)
        real_logits = self.discriminator(batch.real.contiguous(), batch.labels)
        self._loss.generator(real_logits, self.discriminator(fake, batch.labels)).mean().backward()
        self.discriminator.requires_grad_(True)

    def step_discriminator(self, lr: float, beta2: float) -> None:
        """Change D's weights."""
        self._step(1, lr, beta2)

    def step_generator(self, lr: float, beta2: float) -> None:
        """Change G's weights."""
        self._step(0, lr, beta2)

    @torch.no_grad()
    def update_ema(self, decay: float) -> None:
        """ema <- decay * ema + (1 - decay) * generator."""
        for ema, new in zip(self.ema.parameters(), self.generator.parameters(), strict=True):
            ema.copy_(new.lerp(ema, decay))

    def _step(self, which: int, lr: float, beta2: float) -> None:
        self._adams[which].param_groups[0].update(lr=lr, betas=(0.0, beta2))
        self._adams[which].step()
