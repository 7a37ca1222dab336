"""What a job shows of its last weights: the training images nearest to samples, and ways between samples.

Shapes: N samples, R resolution.
"""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from r3gan.data.dataset import Dataset
from r3gan.evaluation.nearest import nearest, rows_to_search
from r3gan.evaluation.reference import all_indices, drawn_rows
from r3gan.files import replace_file
from r3gan.generation.images import images_of, tiled, to_pixels
from r3gan.generation.inputs import as_one_hot, classes_of, latents_of
from r3gan.generation.paths import path_through
from r3gan.jobdir import JobDir
from r3gan.model.networks import Generator

SAMPLES = 8  # seeds 0 to 7
NEAREST = 5  # training images beside each
STEPS = 8  # from one seed to the next; a row shows both
AT_ONCE = 500


def save_pictures(generator: Generator, data: Dataset, job: JobDir, at_once: int) -> None:
    """Write both; neither says anything of points of the plane. Raises OSError."""
    if generator.makes_points:
        return
    z = latents_of(range(SAMPLES), generator.latent_dim, generator.noise_dim)
    labels = as_one_hot(classes_of(range(SAMPLES), generator.classes), generator.classes) if generator.classes else None
    save_neighbours(to_pixels(torch.cat(list(images_of(generator, z, labels, at_once)))), data, job.neighbours)
    mixed = None if labels is None else ways(labels, "linear")
    frames = torch.cat(list(images_of(generator, ways(z, "spherical"), mixed, at_once)))
    save_png(tiled(to_pixels(frames), STEPS), job.interpolation)


def ways(keys: Tensor, way: str) -> Tensor:
    """From each even row of [N, Z] to the next one, STEPS rows each, both ends among them: [N / 2 * STEPS, Z]."""
    return torch.cat([path_through(keys[i : i + 2], STEPS - 1, way, loop=False) for i in range(0, len(keys), 2)])


def save_neighbours(samples: np.ndarray, data: Dataset, path: Path) -> None:
    """A row for each sample, uint8 [N, R, R, 3]: itself, then the training images nearest to it by their pixels."""
    indices = all_indices(data)
    indices = indices[drawn_rows(len(indices), rows_to_search(len(indices), data.resolution))]
    parts = indices.split(AT_ONCE)
    queries = torch.from_numpy(samples).permute(0, 3, 1, 2)
    _, places = nearest(coordinates(queries), (coordinates(real(data, part)) for part in parts), NEAREST)
    rows = [torch.cat([queries[i : i + 1], real(data, indices[row])]) for i, row in enumerate(places)]
    pixels = torch.cat(rows).permute(0, 2, 3, 1).contiguous().numpy()
    save_png(tiled(pixels, 1 + places.shape[1]), path)


def coordinates(images: Tensor) -> Tensor:
    """Images uint8 [N, 3, R, R] as float [N, 3 R R]."""
    return images.flatten(1).float()


def real(data: Dataset, indices: Tensor) -> Tensor:
    """Training images uint8 [N, 3, R, R], on the CPU."""
    return data.gather(indices)[0].cpu()


def save_png(pixels: np.ndarray, path: Path) -> None:
    """An image uint8 [H, W, 3]. Raises OSError."""
    replace_file(path, lambda temporary: Image.fromarray(pixels).save(temporary, "png"))
