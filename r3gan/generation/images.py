"""Images whose bits do not depend, on a CPU, on how many are made at once.

A convolution's last bits depend on the shape of its batch. On a CPU every batch is therefore computed in parts of one
shape, the last of them filled up; within such a part the place of an image is without effect.

Shapes: N images, Z latent dimension, K classes, R resolution.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from r3gan.data.dataset import Dataset
from r3gan.data.errors import BadData
from r3gan.evaluation.sampling import generate, to_uint8
from r3gan.generation.inputs import as_one_hot, classes_of, latents_of
from r3gan.generation.scatter import scatter
from r3gan.model.networks import Generator

PART = 16  # images that a CPU computes at once
GRID_SIDE = 8
SCATTERED = 2000  # points of each kind in a scatter plot


def images_of(generator: Generator, latents: Tensor, labels: Tensor | None, at_once: int) -> Iterator[Tensor]:
    """Images [<= at_once, 3, R, R], about -1..1, of latents [N, Z] and, if it is conditional, labels [N, K]."""
    on_cpu = generator.basis.device.type == "cpu"
    for start in range(0, len(latents), at_once):
        z, y = latents[start : start + at_once], None if labels is None else labels[start : start + at_once]
        filled = -(-len(z) // PART) * PART if on_cpu else len(z)
        rows = torch.arange(filled).clamp(max=len(z) - 1)
        made = generate(generator, z[rows], None if y is None else y[rows], at_once=PART if on_cpu else filled)
        yield torch.cat(list(made))[: len(z)]


def save_grid(generator: Generator, path: Path, at_once: int, data: Dataset | None = None) -> None:
    """The images of seeds 0 to 63 as 8x8 in a PNG: what `r3gan generate` makes of the same weights.

    Of points of the plane: a scatter plot of seeds 0 to 1999, above as many real points if `data` has them.
    """
    seeds = range(SCATTERED if generator.makes_points else GRID_SIDE**2)
    labels = as_one_hot(classes_of(seeds, generator.classes), generator.classes) if generator.classes else None
    z = latents_of(seeds, generator.latent_dim, generator.noise_dim)
    images = torch.cat(list(images_of(generator, z, labels, at_once)))
    if not generator.makes_points:
        pixels = tiled(to_pixels(images), GRID_SIDE)
    else:
        rows = None if data is None else data.indices(0, "scatter", 0, SCATTERED)
        real = None if data is None or rows is None else data.gather(rows.to(images.device))[0].flatten(1)
        pixels = scatter(images.flatten(1), real)
    Image.fromarray(pixels).save(path, "png")


def require_images(generator: Generator, what: str) -> None:
    """Raises BadData where the generator makes points of the plane, to which `what` does not apply."""
    if generator.makes_points:
        raise BadData(f"{what} is of images, and this generator makes points of the plane: `r3gan generate` plots them")


def to_pixels(images: Tensor) -> np.ndarray:
    """Images [N, 3, R, R] as uint8 [N, R, R, 3]; what lies outside of -1..1 is clipped."""
    return np.ascontiguousarray(to_uint8(images).permute(0, 2, 3, 1).cpu().numpy())


def tiled(pixels: np.ndarray, columns: int) -> np.ndarray:
    """Images uint8 [N, R, R, 3] row by row in one [rows R, columns R, 3], without borders; black where none is left."""
    count, size = pixels.shape[:2]
    rows = -(-count // columns)
    filled = np.zeros((rows * columns, size, size, 3), np.uint8)
    filled[:count] = pixels
    return filled.reshape(rows, columns, size, size, 3).swapaxes(1, 2).reshape(rows * size, columns * size, 3)
