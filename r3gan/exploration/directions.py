"""Directions of the latent space and of the activations: a strip for each, with its strength."""

import torch
from torch import Tensor

from r3gan.exploration.parts import Parts, Text
from r3gan.exploration.pictures import grid
from r3gan.exploration.principal import modulation_components, moved, sample_components
from r3gan.exploration.stages import activations_at, images_from, point_name, points
from r3gan.exploration.subject import Subject

POSITIONS = torch.arange(-3.0, 4.0)  # standard deviations
ROWS = 2  # images that a strip begins from
OF_MODULATION, OF_ACTIVATIONS = 6, 3  # directions shown
MOST_NUMBERS = 2**26  # of activations that are kept at once
ALONG = "from -3 to 3 standard deviations; rows: the first seeds"


def modulation(subject: Subject) -> Parts:
    """Principal components of what the input layer makes of z."""
    network = subject.loaded.network
    if network.style is not None and len(network.style.mapping):
        yield Text("Left out: this G maps z through layers first, so that no direction of z is the same everywhere.")
        return
    found = modulation_components(network)
    z, labels = subject.shown
    only = "The only thing that G does with z" if network.style is None else "What G's input does with z"
    yield Text(
        f"{only} is to multiply it by a matrix: {len(network.basis)} numbers, one for each "
        "channel of the learned input. The singular vectors of that matrix are the directions of z that move these "
        "numbers most; this is exact and needs no samples. A strip changes z along one of them and leaves all else."
    )
    for i in range(min(OF_MODULATION, len(found.vectors))):
        rows = [moved(start, found.mean, found.vectors[i], POSITIONS) for start in z[:ROWS]]
        caption = f"Direction {i + 1}: a standard deviation moves the modulation by {found.deviations[i]:.3g}"
        yield grid(
            [subject.images(row, repeated(labels, k)) for k, row in enumerate(rows)],
            f"{caption}, {found.shares[i]:.1%} of its variance; {ALONG}.",
        )


def activations(subject: Subject) -> Parts:
    """Principal components of the activations at every point."""
    network = subject.loaded.network
    yield Text(
        "Activations of samples at one place of G, moved along their principal components (as GANSpace does, arXiv "
        "2004.02546); the rest of G makes the image. The later the place, the more local is what changes."
    )
    for point in points(network):
        x, place = sampled_activations(subject, point), point_name(network, point)
        found = sample_components(x.flatten(1), OF_ACTIVATIONS)
        z, labels = subject.shown
        starts = activations_at(network, z[:ROWS], labels if labels is None else labels[:ROWS], point, subject.at_once)
        for i in range(len(found.vectors)):
            rows = [
                moved(start.flatten(), found.mean, found.vectors[i], found.deviations[i] * POSITIONS)
                for start in starts
            ]
            images = [
                images_from(network, row.unflatten(1, x.shape[1:]), point, *one(z, labels, k), at_once=subject.at_once)
                for k, row in enumerate(rows)
            ]
            what = f"{place.capitalize()}, direction {i + 1}: {found.shares[i]:.1%} of the variance"
            yield grid(images, f"{what} of {len(x)} samples (deviation {found.deviations[i]:.3g}); {ALONG}.")


def sampled_activations(subject: Subject, point: int) -> Tensor:
    """Activations [N, C, H, W] of as many of the samples as there is room for."""
    network = subject.loaded.network
    z, labels = subject.drawn
    one = activations_at(network, z[:1], labels if labels is None else labels[:1], point, 1)
    count = max(2, min(len(z), MOST_NUMBERS // one.numel()))
    return activations_at(network, z[:count], labels if labels is None else labels[:count], point, subject.at_once)


def repeated(labels: Tensor | None, row: int) -> Tensor | None:
    """The labels of one image for a whole strip of it."""
    return None if labels is None else labels[row].expand(len(POSITIONS), -1)


def one(z: Tensor, labels: Tensor | None, row: int) -> tuple[Tensor, Tensor | None]:
    """The latent [1, Z] and label [1, K] of one image."""
    return z[row : row + 1], None if labels is None else labels[row : row + 1]
