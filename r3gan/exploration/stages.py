"""A generator stopped before one of its stages, and gone on with.

Point p is what stage p takes: point 0 is the modulated basis, point p > 0 what stage p - 1 hands on.

Shapes: N images, Z latent dimension, K classes, R resolution; activations are [N, C, H, W].
"""

import torch
from torch import Tensor

from r3gan.model.networks import Generator


def points(generator: Generator) -> range:
    """Every point of a generator."""
    return range(len(generator.stages))


def point_name(generator: Generator, point: int) -> str:
    """A point in words."""
    base = generator.basis.shape[-1]
    if point == 0:
        return f"the input of {base}x{base}"
    size = base * 2 ** (point - 1)
    return f"after the stage at {size}x{size}"


@torch.no_grad()
def activations_at(generator: Generator, z: Tensor, labels: Tensor | None, point: int, at_once: int) -> Tensor:
    """Activations float32 [N, C, H, W] at a point, on the CPU, of latents [N, Z] and labels [N, K]."""
    found, device = [], generator.basis.device
    for start in range(0, len(z), at_once):
        part = slice(start, start + at_once)
        x = generator.modulated(z[part].to(device), None if labels is None else labels[part].to(device))
        for stage in list(generator.stages)[:point]:
            x = stage(x)
        found.append(x.float().cpu().contiguous())
    return torch.cat(found)


@torch.no_grad()
def images_from(generator: Generator, x: Tensor, point: int, at_once: int) -> Tensor:
    """Images [N, 3, R, R], about -1..1, on the CPU, of activations at a point."""
    found = []
    for part in x.split(at_once):
        part = part.to(generator.basis).contiguous(memory_format=torch.channels_last)
        for stage in list(generator.stages)[point:]:
            part = stage(part)
        found.append(generator.to_rgb(part).to(generator.basis.dtype).cpu())
    return torch.cat(found)
