"""Ways through the latent space, from one key frame to the next.

Shapes: M key frames, F frames, Z latent dimension, K classes.
"""

from collections.abc import Callable

import torch
from torch import Tensor

PARALLEL = 1e-6  # sine of an angle below which the arc is the straight line


def linear(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """The straight line from a [Z] to b [Z] at the times t [F]: [F, Z]."""
    return a + t[:, None] * (b - a)


def spherical(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """The arc from a [Z] to b [Z] at the times t [F]: [F, Z] (Shoemake 1985; the angle is that of the directions).

    In between it is as long as normal latents are; the straight line is shorter by up to a factor of sqrt(2).
    """
    cosine = torch.dot(a, b) / (a.norm() * b.norm()).clamp(min=torch.finfo(a.dtype).tiny)
    angle = torch.arccos(cosine.clamp(-1, 1))
    sine = torch.sin(angle)
    if sine < PARALLEL:
        return linear(a, b, t)
    return (torch.sin((1 - t) * angle)[:, None] * a + torch.sin(t * angle)[:, None] * b) / sine


WAYS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {"spherical": spherical, "linear": linear}


def frame_count(keys: int, steps: int, loop: bool) -> int:
    """F, of so many key frames: see `path_through`."""
    return keys * steps if loop else (keys - 1) * steps + 1


def path_through(keys: Tensor, steps: int, way: str, loop: bool) -> Tensor:
    """Frames [F, Z] through key frames [M, Z], each `steps` frames after the one before.

    Without `loop` the last one is the last key frame, F = (M - 1) steps + 1. With it the way goes on to the first,
    which is not repeated, so that a film without end passes it once: F = M steps.
    """
    t = torch.arange(steps) / steps
    ends = torch.cat([keys[1:], keys[:1]]) if loop else keys[1:]
    parts = [WAYS[way](a, b, t) for a, b in zip(keys, ends, strict=False)]
    return torch.cat(parts if loop else [*parts, keys[-1:]])
