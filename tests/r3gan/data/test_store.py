"""A prepared dataset: what it hands out, in which order, from where, and how fast it opens."""

import json
import threading
import time
from dataclasses import asdict

import numpy as np
import pytest
import torch

from r3gan.data.dataset import Dataset
from r3gan.data.load import load_dataset
from r3gan.data.manifest import Manifest, read_manifest
from r3gan.data.prepare import Options, write_prepared
from r3gan.data.recognise import open_source
from r3gan.data.store import ImageSet, open_prepared, permutation
from r3gan.distributed import World
from r3gan.training.batches import Batches
from tests.r3gan.conftest import as_folder, class_files, flat_files
from tests.r3gan.small import small_config, small_network

CPU = torch.device("cpu")
NETWORK = small_network(widths=(8, 8, 8, 8), groups=(2,) * 4, blocks=(1,) * 4, conditional=True)


@pytest.fixture(scope="module")
def root(crops, tmp_path_factory):
    """A data folder with the crops as `crops`, and without labels as `bare`."""
    folder = tmp_path_factory.mktemp("data")
    write_prepared(open_source([as_folder(folder / "raw" / "tree", class_files(crops))]), folder / "crops", Options())
    write_prepared(open_source([as_folder(folder / "raw" / "flat", flat_files(crops))]), folder / "bare", Options())
    return folder


@pytest.fixture
def data(root):
    return open_prepared(root / "crops", "crops")


def test_the_set_says_what_it_is(data):
    described: Dataset = data
    assert (described.name, described.source, len(described)) == ("crops", "folder tree", 48)
    assert (described.resolution, described.classes) == (32, 2)
    assert described.label_histogram.tolist() == [24, 24]
    assert described.label_histogram.dtype == torch.int64
    assert len(described.content_hash) == 16


def test_gathered_images_are_the_indexed_ones_in_channels_last_memory(data, crops):
    images, labels = data.gather(torch.tensor([47, 0, 5, 47]))
    assert (images.dtype, images.shape, labels.dtype) == (torch.uint8, (4, 3, 32, 32), torch.int64)
    assert np.array_equal(images.numpy(), crops.images[[47, 0, 5, 47]].transpose(0, 3, 1, 2))
    assert images.is_contiguous(memory_format=torch.channels_last)
    assert labels.tolist() == [1, 0, 0, 1]


@pytest.mark.parametrize("batch", [7, 16, 48, 100])
def test_every_image_comes_once_per_epoch_whatever_the_batch(data, batch):
    order = torch.cat(
        [data.indices(3, "discriminator", position, batch) for position in range(0, 4 * 48 * batch, batch)]
    )
    epochs = order.view(-1, 48)
    assert all(torch.equal(epoch.sort().values, torch.arange(48)) for epoch in epochs)
    assert not torch.equal(epochs[0], epochs[1])


def test_the_order_does_not_depend_on_the_batch_and_can_be_entered_anywhere(data):
    whole = data.indices(0, "generator", 0, 400)
    for position, count in ((0, 1), (47, 2), (40, 100), (96, 48), (399, 1)):
        assert torch.equal(data.indices(0, "generator", position, count), whole[position : position + count])
    assert not torch.equal(whole, data.indices(0, "discriminator", 0, 400))
    assert not torch.equal(whole, data.indices(1, "generator", 0, 400))


def test_ranks_share_each_batch_and_go_through_each_epoch_together(data):
    config = small_config(network=NETWORK)
    whole = Batches(config, data, World(0, 1, CPU))
    halves = [Batches(config, data, World(rank, 2, CPU)) for rank in (0, 1)]
    seen = []
    for position in range(0, 48, config.batch_size):
        one, parts = whole.get("discriminator", position), [half.get("discriminator", position) for half in halves]
        assert torch.equal(one.real, torch.cat([part.real for part in parts]))
        assert torch.equal(one.labels, torch.cat([part.labels for part in parts]))
        assert one.labels.shape == (config.batch_size, 2)
        seen += [image.numpy().tobytes() for image in one.real]
    assert len(set(seen)) == 48


def test_threads_share_the_permutations(data):
    def orders():
        return [data.indices(9, "discriminator", 48 * epoch + 20, 48) for epoch in range(6)]

    expected, found = orders(), []
    permutation.cache_clear()
    threads = [threading.Thread(target=lambda: found.append(orders())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(torch.equal(ours, theirs) for some in found for ours, theirs in zip(some, expected, strict=True))
    assert len(found) == 4


def test_an_unlabelled_set_has_zeros_for_labels(root):
    data = open_prepared(root / "bare")
    assert (data.classes, data.label_histogram.tolist()) == (0, [])
    assert data.gather(torch.tensor([1, 2, 3]))[1].tolist() == [0, 0, 0]
    moved = data.to(CPU)
    assert torch.equal(moved.gather(torch.tensor([4]))[0], data.gather(torch.tensor([4]))[0])


def test_a_million_images_open_in_milliseconds_without_being_read(tmp_path):
    count, shape = 1_000_000, (1_000_000, 32, 32, 3)
    with (tmp_path / "images.npy").open("wb") as file:  # sparse: three gigabytes that take no space
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        file.truncate(file.tell() + count * 32 * 32 * 3)
    np.save(tmp_path / "labels.npy", np.zeros(count, np.int64))
    Manifest(
        name="big",
        source="test",
        count=count,
        resolution=32,
        classes=2,
        label_histogram=(count, 0),
        content_hash="0" * 16,
    ).write(tmp_path)
    open_prepared(tmp_path)
    started = time.perf_counter()
    data = open_prepared(tmp_path)
    assert time.perf_counter() - started < 0.1
    assert len(data) == count
    assert data.gather(data.indices(0, "generator", 0, 8))[0].shape == (8, 3, 32, 32)


def test_writing_into_an_opened_set_does_not_reach_the_disk(data, root):
    before = (root / "crops" / "images.npy").read_bytes()
    data.images[0] = 255 - data.images[0]
    assert (root / "crops" / "images.npy").read_bytes() == before


def test_the_manifest_survives_being_written_and_read(root, tmp_path):
    manifest = read_manifest(root / "crops")
    manifest.write(tmp_path)
    assert read_manifest(tmp_path) == manifest
    assert json.loads((tmp_path / "manifest.json").read_text())["format"] == 1
    assert set(asdict(manifest)) == set(json.loads((tmp_path / "manifest.json").read_text())) - {"format"}


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("free", [2**40, 0])
def test_a_set_on_the_gpu_or_beside_it_gives_the_images_of_the_host(root, data, free, monkeypatch):
    device = torch.device("cuda", 0)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free, free))
    monkeypatch.setenv("R3GAN_DATA", str(root))
    there: ImageSet = load_dataset("crops", root, device)
    assert there.is_on(device) == (free > 0)
    config = small_config(network=NETWORK, x_flip=True)
    ours, theirs = Batches(config, there, World(0, 1, device)), Batches(config, data, World(0, 1, CPU))
    for position in range(0, 96, 8):
        one, other = ours.get("discriminator", position), theirs.get("discriminator", position)
        assert torch.equal(one.real.cpu(), other.real)
        assert torch.equal(one.labels.cpu(), other.labels)
    ours.close()
