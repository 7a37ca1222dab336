"""Samples beside the training images that are nearest to them."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from r3gan.evaluation.nearest import MOST_BYTES, nearest
from r3gan.evaluation.sampling import to_uint8
from r3gan.exploration.features import all_pixels
from r3gan.exploration.parts import Part, Parts, Text
from r3gan.exploration.pictures import pixel_grid
from r3gan.exploration.subject import Subject, real_images

NEAREST = 5  # training images beside each sample
REAL_QUERIES = 50  # training images whose own neighbours say what is near


def neighbours(subject: Subject) -> Parts:
    """By pixels, and by features of a network if there is one."""
    if subject.real is None:
        yield Text(f"Left out: {subject.missing}")
        return
    rows = subject.real_rows(MOST_BYTES // (3 * subject.real.resolution**2))
    yield Text(
        f"Of each seed (left) the {NEAREST} nearest of {sum(map(len, rows)):,} images of {subject.real.name}, as they "
        "are, not mirrored. What is learned by heart lies far nearer than real images lie to each other."
    )
    yield nearest_grid(subject, rows, all_pixels, "pixels")
    if subject.space.learned:
        yield nearest_grid(subject, rows, subject.space.of, subject.space.name)
    else:
        yield Text("By features: left out, no feature network for these images is at hand without a download.")


def nearest_grid(subject: Subject, rows: tuple[Tensor, ...], of: Callable[[Tensor], Tensor], name: str) -> Part:
    """Samples with their neighbours, and how far those are."""
    samples = to_uint8(subject.images(*subject.shown))
    indices = torch.cat(rows)
    some = indices[torch.linspace(0, len(indices) - 1, min(REAL_QUERIES, len(indices))).long()]
    queries = torch.cat([of(samples), of(real_images(subject.real, some))])
    found, places = nearest(queries, (of(real_images(subject.real, part)) for part in rows), NEAREST)
    scale = queries.shape[1] ** 0.5
    own = (found[: len(samples), 0] / scale).median()
    others = (found[len(samples) :, 1] / scale).median() if found.shape[1] > 1 else torch.tensor(torch.nan)
    beside = [real_images(subject.real, indices[row]) for row in places[: len(samples)]]
    pixels = np.concatenate([_shown(torch.cat([samples[i : i + 1], beside[i]])) for i in range(len(samples))])
    return pixel_grid(
        pixels,
        1 + found.shape[1],
        f"By {name}. The nearest is at {own:.3g} (root mean square, median of the seeds), the nearest other training "
        f"image of a training image at {others:.3g} (median of {len(some)}).",
    )


def _shown(images: Tensor) -> np.ndarray:
    return np.ascontiguousarray(images.permute(0, 2, 3, 1).numpy())
