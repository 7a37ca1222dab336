"""Two latents mixed at every point of G.

Shapes: activations [C, H, W].
"""

from collections.abc import Callable

import torch
from torch import Tensor

from r3gan.exploration.directions import one
from r3gan.exploration.parts import Parts, Text
from r3gan.exploration.pictures import grid
from r3gan.exploration.stages import activations_at, images_from, point_name, points
from r3gan.exploration.subject import Subject

EPS = 1e-6


def average(a: Tensor, b: Tensor) -> Tensor:
    """Half of each."""
    return (a + b) / 2


def halves(a: Tensor, b: Tensor) -> Tensor:
    """The left half of a, the right half of b."""
    half = a.shape[-1] // 2
    return torch.cat([a[..., :half], b[..., half:]], dim=-1)


def restyled(a: Tensor, b: Tensor) -> Tensor:
    """The pattern of a with the mean and the deviation over space that every channel has in b (AdaIN, 1703.06868)."""
    (deviation_a, mean_a), (deviation_b, mean_b) = (
        torch.std_mean(x, dim=(-2, -1), correction=0, keepdim=True) for x in (a, b)
    )
    return (a - mean_a) / (deviation_a + EPS) * deviation_b + mean_b


MIXES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "half of each": average,
    "left half of the first, right half of the second": halves,
    "the first with the second's mean and deviation in every channel": restyled,
}
WITHOUT_STYLES = (
    "R3GAN gives z to its input alone and has no style for each stage, so there is no style mixing as in StyleGAN, "
    "and to swap the whole activations at a stage is to swap the images. What can be mixed is a part of the "
    "activations."
)
OF_STYLES = (
    "This G has styles in its blocks: those after the mixture are the first image's, but for the column of style "
    "mixing as in StyleGAN (arXiv 1812.04948)."
)
SWAPPED = "the first one's activations, with the second one's styles from there on"


def mixing(subject: Subject) -> Parts:
    """A grid for each pair of seeds: rows are points, columns the ways to mix."""
    network = subject.loaded.network
    z, labels = subject.shown
    if len(z) < 2:
        yield Text("One seed was named, and two are needed to mix.")
        return
    styled = network.style is not None and len(network.style.scales) > 0
    yield Text(
        f"{OF_STYLES if styled else WITHOUT_STYLES} Columns: the first image; {'; '.join(MIXES)}; "
        f"{f'{SWAPPED}; ' if styled else ''}the second image. Rows, from above: "
        f"{'; '.join(point_name(network, point) for point in points(network))}."
    )
    whole = subject.images(z, labels)
    for first in range(0, len(z) - 1, 2):
        pair = slice(first, first + 2)
        rows = []
        for point in points(network):
            a, b = activations_at(network, z[pair], labels if labels is None else labels[pair], point, subject.at_once)
            mixed = torch.stack([mix(a, b) for mix in MIXES.values()])
            made = images_from(network, mixed, point, *one(z, labels, first), at_once=subject.at_once)
            if styled:
                others = one(z, labels, first + 1)
                made = torch.cat([made, images_from(network, a[None], point, *others, at_once=subject.at_once)])
            rows.append(torch.cat([whole[first : first + 1], made, whole[first + 1 : first + 2]]))
        yield grid(rows, f"Seeds {subject.seeds[first]} and {subject.seeds[first + 1]}.")
