"""What a generator is fed for a seed: always the same, whatever else is made with it.

Shapes: N images, Z latent dimension, K classes.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from r3gan.streams import stream


def latents_of(seeds: Sequence[int], latent_dim: int, noise_dim: int = 0) -> Tensor:
    """Standard normal latents [N, Z], each from streams of its own seed.

    The last `noise_dim` of the `latent_dim` entries are from one of their own: a seed's z is the same without noise.
    """
    sizes = {"latent": latent_dim - noise_dim, "noise": noise_dim}
    drawn = [
        torch.cat([torch.randn(size, generator=stream(seed, "image", name)) for name, size in sizes.items() if size])
        for seed in seeds
    ]
    return torch.stack(drawn) if drawn else torch.zeros(0, latent_dim)


def classes_of(seeds: Sequence[int], classes: int, among: Sequence[int] = ()) -> Tensor:
    """Classes [N] of seeds: each draws its own, all classes alike.

    With `among`, seed s has number s mod their count instead, which divides consecutive seeds evenly.
    """
    if among:
        return torch.tensor([among[seed % len(among)] for seed in seeds], dtype=torch.int64)
    drawn = [int(torch.randint(classes, (), generator=stream(seed, "image", "class"))) for seed in seeds]
    return torch.tensor(drawn, dtype=torch.int64)


def as_one_hot(labels: Tensor, classes: int) -> Tensor:
    """Classes [N] as rows [N, K] of float32."""
    return one_hot(labels, classes).float()
