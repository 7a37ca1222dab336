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
    found = []
    for start in range(0, len(z), at_once):
        inputs = inputs_there(generator, z, labels, slice(start, start + at_once))
        x = generator.modulated(*inputs)
        for stage, styles in list(zip(generator.stages, generator.styles(*inputs), strict=True))[:point]:
            x = stage(x, styles)
        found.append(x.float().cpu().contiguous())
    return torch.cat(found)


@torch.no_grad()
def images_from(generator: Generator, x: Tensor, point: int, z: Tensor, labels: Tensor | None, at_once: int) -> Tensor:
    """Images [N, 3, R, R], about -1..1, on the CPU, of activations at a point.

    z, labels: of each activation, or one row for all of them: where G has styles, they say those of the later stages.
    """
    found = []
    z, labels = z.expand(len(x), -1), None if labels is None else labels.expand(len(x), -1)
    for start in range(0, len(x), at_once):
        rows = slice(start, start + at_once)
        part = x[rows].to(generator.basis).contiguous(memory_format=torch.channels_last)
        styles = generator.styles(*inputs_there(generator, z, labels, rows))
        for stage, own in list(zip(generator.stages, styles, strict=True))[point:]:
            part = stage(part, own)
        found.append(generator.to_rgb(part).to(generator.basis.dtype).cpu())
    return torch.cat(found)


def inputs_there(generator: Generator, z: Tensor, labels: Tensor | None, rows: slice) -> tuple[Tensor, Tensor | None]:
    """Rows of latents and labels on the generator's device."""
    device = generator.basis.device
    return z[rows].to(device), None if labels is None else labels[rows].to(device)
