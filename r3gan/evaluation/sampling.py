"""Samples of a generator from fixed latents.

Shapes: N samples, B at once, R resolution, Z latent dimension, K classes.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import one_hot
from torchvision.utils import save_image

from r3gan.model.networks import Generator
from r3gan.streams import stream

GRID_SIDE = 8
SAMPLE_BATCH = 100  # at most; small enough for a CPU's cache


def save_grid(generator: Generator, histogram: Tensor, seed: int, path: Path, at_once: int = SAMPLE_BATCH) -> None:
    """An 8x8 grid of samples from the job's fixed grid latents, as a PNG without borders."""
    inputs = fixed_inputs(generator, histogram, seed, "grid", GRID_SIDE**2)
    images = torch.cat(list(generate(generator, *inputs, at_once=at_once)))
    save_image(images, path, nrow=GRID_SIDE, padding=0, normalize=True, value_range=(-1, 1), format="png")


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
    latents = torch.randn(count, generator.latent_dim, generator=stream(seed, purpose, "latents"))
    if not generator.classes:
        return latents, None
    draws = stream(seed, purpose, "labels")
    if classes == "balanced":
        labels = (torch.arange(count) % generator.classes)[torch.randperm(count, generator=draws)]
    else:
        shares = histogram.double().cumsum(0) / histogram.sum()
        labels = torch.searchsorted(shares, torch.rand(count, dtype=torch.float64, generator=draws), right=True)
    return latents, one_hot(labels, generator.classes).float()


@torch.no_grad()
def generate(
    generator: Generator, latents: Tensor, labels: Tensor | None = None, *, at_once: int = SAMPLE_BATCH
) -> Iterator[Tensor]:
    """Images in batches [<=100, 3, R, R], clamped to -1..1."""
    device, size = generator.basis.device, min(at_once, SAMPLE_BATCH)
    for start in range(0, len(latents), size):
        part = slice(start, start + size)
        yield generator(latents[part].to(device), None if labels is None else labels[part].to(device)).clamp(-1, 1)
