"""Samples of a generator from fixed latents.

Shapes: N samples, B at once, R resolution, Z latent dimension, K classes.
"""

from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from r3gan.model.networks import Generator
from r3gan.quantities import POINT_CHANNELS
from r3gan.streams import stream

SAMPLE_BATCH = 100  # at most; small enough for a CPU's cache


def fixed_inputs(
    generator: Generator,
    histogram: Tensor,
    seed: int,
    purpose: str,
    count: int,
    classes: Literal["dataset", "balanced"] = "dataset",
) -> tuple[Tensor, Tensor | None]:
    """Latents [count, Z] and, for a conditional network, classes [count, K] one-hot.

    classes: drawn as often as the dataset's `histogram` [K] has them, or each equally often (as far as `count` allows).
    """
    z = generator.latent_dim - generator.noise_dim
    latents = torch.randn(count, z, generator=stream(seed, purpose, "latents"))
    if generator.noise_dim:
        noise = torch.randn(count, generator.noise_dim, generator=stream(seed, purpose, "style-noise"))
        latents = torch.cat([latents, noise], dim=1)
    if not generator.classes:
        return latents, None
    labels = fixed_classes(generator.classes, histogram, seed, purpose, count, classes)
    return latents, one_hot(labels, generator.classes).float()


def fixed_classes(
    number: int, histogram: Tensor, seed: int, purpose: str, count: int, classes: Literal["dataset", "balanced"]
) -> Tensor:
    """The same classes as numbers 0..`number` - 1, int64 [count], which a network without classes is not told."""
    draws = stream(seed, purpose, "labels")
    if classes == "balanced":
        return (torch.arange(count) % number)[torch.randperm(count, generator=draws)]
    shares = histogram.double().cumsum(0) / histogram.sum()
    return torch.searchsorted(shares, torch.rand(count, dtype=torch.float64, generator=draws), right=True)


@torch.no_grad()
def generate(
    generator: Generator, latents: Tensor, labels: Tensor | None = None, *, at_once: int = SAMPLE_BATCH
) -> Iterator[Tensor]:
    """Images in batches [<= at_once, 3, R, R], about -1..1, as the network makes them."""
    device = generator.basis.device
    for start in range(0, len(latents), at_once):
        part = slice(start, start + at_once)
        yield generator(latents[part].to(device), None if labels is None else labels[part].to(device))


def as_seen(images: Tensor) -> Tensor:
    """What metrics see of images: of colours the nearest of 0..255, of points the coordinates as they are."""
    return images.float() if images.shape[1] == POINT_CHANNELS else to_uint8(images)


def to_uint8(images: Tensor) -> Tensor:
    """Images to the nearest of 0..255, as they are saved: -1 and below is 0, 1 and above 255."""
    return (images * 127.5 + 128).clamp_(0, 255).to(torch.uint8)
