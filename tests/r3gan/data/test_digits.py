import gzip
import struct
from importlib.machinery import ModuleSpec
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from r3gan.data.catalog import DatasetUnavailable
from r3gan.data.digits import stacked_label
from r3gan.data.facts import MNIST_FILES
from r3gan.data.load import load_dataset

CPU = torch.device("cpu")
REAL_MNIST = Path(__file__).parents[4] / "shared" / "data"


def write_idx(path, array, compress=False):
    header = struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(f">{array.ndim}i", *array.shape)
    data = header + array.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(data) if compress else data)


@pytest.fixture
def fake_mnist(tmp_path):
    rng = np.random.default_rng(0)
    for name, count in zip(MNIST_FILES, (40, 40, 20, 20), strict=True):
        array = rng.integers(0, 256, (count, 28, 28)) if "images" in name else np.arange(count) % 10
        path = tmp_path / (f"{name}.gz" if "labels" in name else name)
        write_idx(path, array, compress="labels" in name)
    return tmp_path


def test_embedded_digits_cover_all_modes_and_hold_out_every_fifth():
    data = load_dataset("stacked-digits", Path("nowhere"), CPU)
    assert (data.resolution, data.classes) == (8, 1000)
    assert (len(data.train.images), len(data.test.images)) == (1438, 359)
    assert data.train.labels.unique().tolist() == list(range(10))
    assert data.train.images.dtype == torch.uint8
    assert data.train.images.max() == 255


def test_embedded_digits_are_those_that_scikit_learn_loads():
    data, bunch = load_dataset("stacked-digits", Path("nowhere"), CPU), load_digits()
    images = torch.from_numpy(np.round(bunch.images * (255 / 16)).astype(np.uint8))
    held_out = np.arange(len(images)) % 5 == 4
    for part, chosen in ((data.train, ~held_out), (data.test, held_out)):
        assert torch.equal(part.images, images[chosen])
        assert part.labels.tolist() == bunch.target[chosen].tolist()


def test_a_scikit_learn_that_keeps_its_digits_elsewhere_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr("r3gan.data.digits.find_spec", lambda name: ModuleSpec(name, None, origin=str(tmp_path / "x")))
    with pytest.raises(DatasetUnavailable, match=r"this scikit-learn has no .*digits\.csv\.gz"):
        load_dataset("stacked-digits", Path("nowhere"), CPU)
    monkeypatch.setattr("r3gan.data.digits.find_spec", lambda name: None)
    with pytest.raises(DatasetUnavailable, match="pip install scikit-learn"):
        load_dataset("stacked-digits", Path("nowhere"), CPU)


def test_stacked_images_hold_the_indexed_digits_channel_by_channel():
    data = load_dataset("stacked-digits", Path("nowhere"), CPU)
    indices = torch.tensor([[3, 700, 12]])
    images, labels = data.gather(indices)
    for channel, index in enumerate(indices[0]):
        assert torch.equal(images[0, channel], data.train.images[index])
    digits = data.train.labels[indices[0]].tolist()
    assert labels.tolist() == [100 * digits[0] + 10 * digits[1] + digits[2]]
    assert images.dtype == torch.uint8
    assert stacked_label(torch.tensor([[9, 8, 7]])).tolist() == [987]


def test_data_order_depends_on_seed_phase_and_position_only():
    data = load_dataset("stacked-digits", Path("nowhere"), CPU)
    first = data.indices(0, "discriminator", 64, 32)
    assert torch.equal(first, data.indices(0, "discriminator", 64, 32))
    for other in (("discriminator", 96), ("generator", 64)):
        assert not torch.equal(first, data.indices(0, *other, 32))
    assert not torch.equal(first, data.indices(1, "discriminator", 64, 32))


def test_idx_files_are_read_plain_and_compressed_and_padded(fake_mnist):
    data = load_dataset("stacked-mnist", fake_mnist, CPU)
    assert data.resolution == 32
    assert data.train.images.shape == (40, 32, 32)
    assert not data.train.images[:, :2].any()
    assert not data.train.images[:, :, -2:].any()
    assert data.test.labels.tolist() == [n % 10 for n in range(20)]


def test_missing_mnist_names_the_files_and_the_folder(tmp_path):
    with pytest.raises(DatasetUnavailable, match=r"train-images-idx3-ubyte.*R3GAN_DATA"):
        load_dataset("stacked-mnist", tmp_path, CPU)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-5]), "its header promises"),
        (lambda path: path.write_bytes(b"no IDX at all"), "not an IDX file"),
        (lambda path: path.write_bytes(b"\0\0\x08\x03\0"), "not an IDX file"),
    ],
)
def test_damaged_idx_file_is_named(fake_mnist, damage, message):
    path = fake_mnist / MNIST_FILES[0]
    damage(path)
    with pytest.raises(DatasetUnavailable, match=message) as caught:
        load_dataset("stacked-mnist", fake_mnist, CPU)
    assert str(path) in str(caught.value)


def test_truncated_gzip_is_named(fake_mnist):
    path = fake_mnist / f"{MNIST_FILES[1]}.gz"
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(DatasetUnavailable, match="cut off") as caught:
        load_dataset("stacked-mnist", fake_mnist, CPU)
    assert str(path) in str(caught.value)


@pytest.mark.skipif(not (REAL_MNIST / "mnist").exists(), reason="the real MNIST is not here")
def test_real_mnist_has_its_known_counts():
    data = load_dataset("stacked-mnist", REAL_MNIST, CPU)
    assert (len(data.train.images), len(data.test.images)) == (60_000, 10_000)
    assert torch.bincount(data.train.labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
