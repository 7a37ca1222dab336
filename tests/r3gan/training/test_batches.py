from dataclasses import replace
from pathlib import Path

import pytest
import torch

from r3gan.config import PenaltyConfig, StyleConfig
from r3gan.data.load import load_dataset
from r3gan.distributed import World
from r3gan.training.batches import Batches
from tests.r3gan.small import constant, small_config, small_network

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data():
    return load_dataset("stacked-digits", Path("nowhere"), CPU)


def get(config, data, rank=0, ranks=1, **options):
    return Batches(config, data, World(rank, ranks, CPU), **options).get("discriminator", 0)


def assert_same(ours, theirs):
    for name, value in vars(ours).items():
        assert value is getattr(theirs, name) is None or torch.equal(value, getattr(theirs, name)), name


def test_images_are_the_indexed_ones_in_minus_one_to_one(data):
    config = small_config()
    batch = get(config, data)
    images, _ = data.gather(data.indices(config.seed, "discriminator", 0, config.batch_size))
    assert torch.equal(batch.real, images.float() / 127.5 - 1)
    assert (batch.real.min(), batch.real.max()) == (-1, 1)
    assert batch.latents.shape == (config.batch_size, config.network.latent_dim)
    assert batch.labels is None


def test_labels_are_one_hot_for_a_conditional_network(data):
    config = small_config(network=small_network(conditional=True))
    _, labels = data.gather(data.indices(config.seed, "discriminator", 0, config.batch_size))
    assert torch.equal(get(config, data).labels.argmax(1), labels)


STYLED = {"style": StyleConfig(modulation="blocks", noise=True, mixing=0.7)}
DIFFERENCES = PenaltyConfig(finite_difference_sigma=0.1)
AUGMENTED = replace(small_config().schedules, augment_p=constant(0.5))
EVERYTHING = {
    "network": small_network(conditional=True, dropout=0.2, **STYLED),
    "schedules": replace(AUGMENTED, instance_noise=constant(0.1)),
    "penalties": DIFFERENCES,
}  # that a batch can hold


def test_the_slices_of_two_ranks_make_the_batch_of_one(data):
    config = small_config(x_flip=True, **EVERYTHING)
    whole, halves = get(config, data), [get(config, data, rank, 2) for rank in (0, 1)]
    for name, value in vars(whole).items():
        assert torch.equal(value, torch.cat([getattr(half, name) for half in halves])), name


def test_parts_are_the_batch_in_order_and_nearly_equal(data):
    batch = get(small_config(**EVERYTHING), data)
    parts = list(batch.parts(3))
    assert [len(part) for part in parts] == [2, 3, 3]
    for name, value in vars(batch).items():
        assert torch.equal(value, torch.cat([getattr(part, name) for part in parts]))


def test_reals_and_generated_images_are_augmented_by_other_draws_and_only_if_asked_to(data):
    assert get(small_config(), data).noise is None
    config = small_config(schedules=AUGMENTED)
    batch, other = get(config, data), get(replace(config, seed=1), data)
    real, generated = batch.noise.unbind(1)
    assert torch.equal(batch.noise_of_both(), torch.cat([real, generated]))
    rows = torch.cat([real, generated, other.noise.flatten(0, 1)])
    assert len(rows.unique(dim=0)) == 4 * config.batch_size


def test_styles_leave_z_as_it_is_and_bring_noise_and_second_latents_of_their_own(data):
    plain, styled = get(small_config(), data), get(small_config(network=small_network(**STYLED)), data)
    assert torch.equal(styled.latents[:, :6], plain.latents)
    assert styled.latents.shape == (8, 6 + 16 + 64)
    rows = torch.cat([plain.latents, styled.second, styled.latents[:, 6:12]])
    assert len(rows.unique(dim=0)) == 3 * 8
    assert plain.generated_from == (plain.latents, None)
    assert (plain.second, plain.crossings) == (None, None)
    assert styled.generated_from == (styled.latents, None, styled.second, styled.crossings)


def test_images_cross_over_at_each_block_alike_as_often_as_asked(data):
    network = small_network(blocks=(2, 2), style=StyleConfig(modulation="blocks", mixing=0.6))
    crossings = get(small_config(network=network, batch_size=10_000), data).crossings
    shares = torch.bincount(crossings) / len(crossings)
    assert shares.tolist() == pytest.approx([0, *[0.6 / 4] * 4, 0.4], abs=0.015)


def test_x_flip_mirrors_about_half_of_the_reals(data):
    config = small_config(batch_size=400, x_flip=True)
    flipped, plain = get(config, data).real, get(replace(config, x_flip=False), data).real
    same = torch.tensor([torch.equal(a, b) for a, b in zip(flipped, plain, strict=True)])
    mirrored = torch.tensor([torch.equal(a, b.flip(2)) for a, b in zip(flipped, plain, strict=True)])
    assert (same | mirrored).all()
    assert 150 < mirrored.sum() < 250


@pytest.mark.parametrize("on_host", [False, True])
def test_batches_drawn_ahead_are_the_same_also_from_the_host_and_after_a_jump(data, on_host, monkeypatch):
    """`on_host` takes the path of a dataset that is too large for the device."""
    config = small_config(network=small_network(conditional=True), x_flip=True)
    plain = Batches(config, data, World(0, 1, CPU))
    ahead = Batches(config, data, World(0, 1, CPU), ahead=True)
    requests = [(phase, position) for position in (0, 8, 16, 800) for phase in ("discriminator", "generator")]
    expected = [plain.get(*request) for request in requests]
    if on_host:
        monkeypatch.setattr(type(data), "is_on", lambda self, device: False)
    for request, batch in zip(requests, expected, strict=True):
        assert_same(ahead.get(*request), batch)
    ahead.close()
    assert plain.seconds > 0


def test_every_batch_is_drawn_once_and_ahead(data, monkeypatch):
    drawn, indices = [], type(data).indices
    monkeypatch.setattr(type(data), "indices", lambda *request: drawn.append(request[2:4]) or indices(*request))
    batches = Batches(small_config(), data, World(0, 1, CPU), ahead=True)
    requests = [(phase, position) for position in (0, 8, 16) for phase in ("discriminator", "generator")]
    for request in requests:
        batches.get(*request)
    batches.close()
    assert drawn[: len(requests)] == requests
    assert len(drawn) <= len(requests) + 1


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("free", [2**40, 0])
def test_batches_on_a_gpu_are_those_of_a_cpu_from_either_home(data, free, monkeypatch):
    device = torch.device("cuda", 0)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free, free))
    there = load_dataset("stacked-digits", Path("nowhere"), device)
    assert there.is_on(device) == (free > 0)
    config = small_config(network=small_network(conditional=True), x_flip=True)
    batches = Batches(config, there, World(0, 1, device))
    expected = vars(get(config, data))
    found = vars(batches.get("discriminator", 0))
    unused = {"noise", "directions", "instance_noise", "dropout", "second", "crossings"}
    assert {name for name, value in found.items() if value is None} == unused
    for name in ("real", "latents", "labels"):
        assert torch.allclose(found[name].cpu(), expected[name]), name
    batches.close()


def test_directions_are_drawn_for_the_steps_of_d_that_use_them(data):
    lazy = PenaltyConfig(every=2, finite_difference_sigma=0.1)
    batches = Batches(small_config(penalties=lazy), data, World(0, 1, CPU))
    shapes = {}
    for network in ("discriminator", "generator"):
        for position in (0, 8, 16):
            directions = batches.get(network, position).directions_of_both()
            shapes[network, position] = None if directions is None else directions.shape
    drawn = (2 * 8, 3, 8, 8)
    assert [shape for (network, _), shape in shapes.items() if network == "generator"] == [None] * 3
    assert [shapes["discriminator", position] for position in (0, 8, 16)] == [drawn, None, drawn]
    assert get(small_config(), data).directions is None
