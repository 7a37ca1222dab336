"""The learned 4x4 input: its channels, by how much they put in, and its spatial patterns.

Shapes: C channels, P = 16 positions, Z latent dimension, K classes.
"""

from typing import cast

import torch
from torch import Tensor

from r3gan.exploration.directions import POSITIONS, one
from r3gan.exploration.parts import Parts, Text
from r3gan.exploration.pictures import grid, signed_maps
from r3gan.exploration.stages import activations_at, images_from
from r3gan.exploration.subject import Subject

CHANNELS, STRIPS = 32, 4  # shown
MOST = 0.9  # of the energy


def basis(subject: Subject) -> Parts:
    """The strongest channels, the spatial patterns, and strips of single channels."""
    network = subject.loaded.network
    learned, size = network.basis.detach().cpu(), typical_modulation(subject)
    strength = learned.flatten(1).norm(dim=1) * size
    order = strength.argsort(descending=True)
    shown, side = order[:CHANNELS], learned.shape[-1]
    yield Text(
        f"G begins with {len(learned)} learned maps of {side}x{side}, each multiplied by its number of the modulation. "
        "The strength of a channel is the length of its map times the typical size (root mean square) of that number. "
        "Red is positive, blue negative, each map on its own scale."
    )
    energy = strength**2 / (strength**2).sum()
    caption = f"The {len(shown)} strongest channels, with {energy[shown].sum():.0%} of the energy."
    yield signed_maps(learned[shown], 8, caption)
    patterns, shares = spatial_patterns(learned, size)
    enough = int((shares.cumsum(0) < MOST).sum()) + 1
    yield signed_maps(
        patterns,
        8,
        f"Its {len(patterns)} principal spatial patterns, strongest first "
        f"({', '.join(f'{share:.0%}' for share in shares[:3])}, ...): {enough} carry {MOST:.0%} of the energy.",
    )
    z, labels = subject.shown
    start = activations_at(network, z[:1], labels if labels is None else labels[:1], 0, 1)
    for channel in order[:STRIPS].tolist():
        x = start.repeat(len(POSITIONS), 1, 1, 1)
        x[:, channel] = (POSITIONS * size[channel])[:, None, None] * learned[channel]
        caption = f"Channel {channel} alone, {energy[channel]:.1%} of the energy; from -3 to 3 times its typical size."
        yield grid([images_from(network, x, 0, *one(z, labels, 0), at_once=subject.at_once)], caption)


def typical_modulation(subject: Subject) -> Tensor:
    """The root mean square [C] of each channel's modulation over z, standard normal, and over classes, all alike; where
    G maps z first, over samples."""
    generator = subject.loaded.network
    if generator.style is not None and len(generator.style.mapping):
        device = generator.basis.device
        z, labels = subject.drawn
        with torch.no_grad():
            made = generator.modulation(generator.code(z.to(device), None if labels is None else labels.to(device)))
        return cast(Tensor, made.square().mean(0).sqrt().cpu())
    weight, z_dim = generator.modulation.weight.detach().cpu(), generator.latent_dim - generator.noise_dim
    of_z, of_classes = weight[:, :z_dim], weight[:, z_dim:]
    square = (of_z**2).sum(1)
    if generator.embedding is not None:
        square = square + ((of_classes @ generator.embedding.weight.detach().cpu()) ** 2).mean(1)
    return square.sqrt()


def spatial_patterns(learned: Tensor, size: Tensor) -> tuple[Tensor, Tensor]:
    """Patterns [<=16, 4, 4] of length 1 and their shares of the energy, of maps [C, 4, 4] times sizes [C]."""
    _, values, patterns = torch.linalg.svd(learned.flatten(1) * size[:, None], full_matrices=False)
    energy = values**2 / (values**2).sum().clamp(min=torch.finfo(values.dtype).tiny)
    return patterns.view(-1, *learned.shape[1:]), energy
