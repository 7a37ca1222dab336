"""Dropout of whole channels in D, image by image: arXiv 1411.4280 (spatial dropout), at the end of each stage's blocks.

Given which channels are kept, dropping is linear in the activations, so that the penalties keep their exact first-order
form; all passes of a step of D see the same channels. Which these are is not drawn here but given for each batch
(`dropping`), from numbers that belong to the images: any number of ranks and parts sees the same. Otherwise nothing is
dropped.

Shapes: N images, C channels, S channels of all stages of D together. Activations [N, C, H, W].
"""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn

from r3gan.model.layers import Layer


class ChannelDropout(Layer):
    """Each channel of each image 0 with probability `share`, else times 1 / (1 - share)."""

    first_order = True

    def __init__(self, channels: int, share: float):
        super().__init__()
        self.channels, self.share = channels, share
        self.factors: Tensor | None = None  # [N, C], 0 or 1 / (1 - share); None: nothing is dropped

    def forward(self, x: Tensor) -> Tensor:
        return x if self.factors is None else x * self.factors.to(x.dtype)[:, :, None, None]

    def vjp(self, dy: Tensor, tape: object) -> Tensor:
        return self(dy)


@contextmanager
def dropping(discriminator: nn.Module, numbers: Tensor | None) -> Iterator[None]:
    """Within, D drops the channels whose number is below the share: numbers [N, S] in 0..1 for the N images that it is
    given, stage by stage as D goes; None: nothing is dropped.
    """
    layers = [module for module in discriminator.modules() if isinstance(module, ChannelDropout)]
    parts = [None] * len(layers) if numbers is None else numbers.split([layer.channels for layer in layers], dim=1)
    for layer, part in zip(layers, parts, strict=True):
        layer.factors = None if part is None else (part >= layer.share).float() / (1 - layer.share)
    try:
        yield
    finally:
        for layer in layers:
            layer.factors = None
