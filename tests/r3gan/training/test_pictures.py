"""What a job shows of its last weights: the nearest training images, found one by one, and ways between seeds."""

import numpy as np
import pytest
import torch
from PIL import Image

from r3gan.data.load import load_dataset
from r3gan.generation.images import images_of, to_pixels
from r3gan.generation.inputs import classes_of, latents_of
from r3gan.jobdir import JobDir
from r3gan.model.networks import Generator
from r3gan.training.pictures import AT_ONCE, save_neighbours, save_pictures
from tests.r3gan.small import small_network

CPU = torch.device("cpu")


def images(path, size):
    """A grid as [rows, columns, R, R, 3]."""
    grid = np.asarray(Image.open(path))
    rows, columns = grid.shape[0] // size, grid.shape[1] // size
    return grid.reshape(rows, size, columns, size, 3).swapaxes(1, 2)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return load_dataset("stacked-digits", tmp_path_factory.mktemp("data"), CPU)


def test_a_training_image_finds_itself_and_then_the_nearest_of_all_others(data, tmp_path):
    rows = data.indices(0, "reference", 0, 50_000)  # what stands for a set of endless combinations
    queries = data.gather(rows[[AT_ONCE + 3, 41_000]])[0].permute(0, 2, 3, 1).numpy()
    save_neighbours(queries, data, tmp_path / "n.png")
    found = images(tmp_path / "n.png", data.resolution)
    assert found.shape[:2] == (2, 6)
    everything = data.gather(rows)[0].permute(0, 2, 3, 1).numpy().astype(np.int64)
    for query, row in zip(queries.astype(np.int64), found.astype(np.int64), strict=True):
        assert (row[0] == query).all()
        distances = np.sort(((everything - query) ** 2).sum(axis=(1, 2, 3)))[:5]
        assert [((image - query) ** 2).sum() for image in row[1:]] == distances.tolist()
        assert distances[0] == 0


@pytest.mark.parametrize("classes", [0, 5])
def test_ways_begin_and_end_with_the_images_of_seeds(data, tmp_path, classes):
    torch.manual_seed(0)
    generator = Generator(small_network(conditional=bool(classes)), classes).eval().requires_grad_(False)
    for parameter in generator.parameters():
        parameter.normal_(std=0.3)
    job = JobDir(tmp_path)
    save_pictures(generator, data, job, at_once=16)
    shown, beside = images(job.interpolation, 8), images(job.neighbours, 8)
    assert shown.shape[:2] == (4, 8)
    z = latents_of(range(8), generator.latent_dim)
    labels = torch.eye(classes)[classes_of(range(8), classes)] if classes else None
    seeds = to_pixels(torch.cat(list(images_of(generator, z, labels, 16))))
    assert (shown[:, 0] == seeds[0::2]).all()
    assert (shown[:, -1] == seeds[1::2]).all()
    assert (beside[:, 0] == seeds).all()
    assert not (shown[:, 3] == shown[:, 0]).all()
