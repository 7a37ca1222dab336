"""What every switch of the network keeps: resuming, averages, files of weights, bfloat16, shared draws, costs."""

import copy
from dataclasses import replace

import pytest
import torch

from r3gan.computation import Computation
from r3gan.config import AttentionConfig, StyleConfig, TransformerConfig
from r3gan.distributed import World
from r3gan.jobdir import JobDir
from r3gan.model.networks import Discriminator, Generator, initialise
from r3gan.snapshot import load_snapshot
from r3gan.training.batches import Batch
from r3gan.training.checkpoint import load_checkpoint, save_checkpoint
from r3gan.training.cost import Workload
from r3gan.training.estimate import estimate
from r3gan.training.loop import step_options
from r3gan.training.penalties import FIRST_ORDER, TWICE, form_in_use
from r3gan.training.penalty_check import check_penalty
from r3gan.training.state import fresh_state
from r3gan.training.steps import discriminator_step, generator_step, schedule_adam, update_ema
from tests.r3gan.small import small_config, small_network

AXES = {
    "relu": ({"activation": "relu"}, FIRST_ORDER),
    "smu": ({"activation": "smu"}, TWICE),
    "smu in G alone": ({"activation": "smu", "activation_networks": ("generator",)}, FIRST_ORDER),
    "group norm": ({"normalisation": "group-norm"}, TWICE),
    "group norm in G alone": ({"normalisation": "group-norm", "normalisation_networks": ("generator",)}, FIRST_ORDER),
    "magnitude-preserving": ({"normalisation": "magnitude-preserving"}, FIRST_ORDER),
    "spectral": ({"normalisation": "spectral"}, FIRST_ORDER),
    "pixel shuffle": ({"resampling": "pixel-shuffle"}, FIRST_ORDER),
    "pixel shuffle, low-pass": ({"resampling": "pixel-shuffle-low-pass"}, FIRST_ORDER),
    "strided": ({"resampling": "strided"}, FIRST_ORDER),
    "strided and spectral": ({"resampling": "strided", "normalisation": "spectral"}, FIRST_ORDER),
    "kernel 5": ({"kernel": 5}, FIRST_ORDER),
    "axial attention": ({"attention": AttentionConfig(resolutions=(4, 8), kind="axial")}, FIRST_ORDER),
    "positions": ({"attention": AttentionConfig(resolutions=(8,), position="learned")}, FIRST_ORDER),
    "styles": ({"style": StyleConfig(mapping_layers=2, modulation="blocks", noise=True)}, FIRST_ORDER),
    "a transformer stage": ({"transformer": TransformerConfig(resolutions=(8,))}, FIRST_ORDER),
    "transformers in D, smooth": (
        {"transformer": TransformerConfig(resolutions=(4,), networks=("discriminator",)), "activation": "gelu"},
        TWICE,
    ),
    "dropout": ({"dropout": 0.2}, FIRST_ORDER),
    "minibatch discrimination": ({"minibatch_kernels": 4, "minibatch_group": 4}, TWICE),
    "nothing after the mix": ({"activation_after_mix": "none"}, FIRST_ORDER),
}
CPU = torch.device("cpu")
every_axis = pytest.mark.parametrize(("changes", "form"), AXES.values(), ids=AXES)


def config_of(changes):
    return replace(small_config(), network=small_network(**changes))


def train(state, config, steps):
    """Steps on images and latents that the image counter names."""
    world = World(0, 1, CPU)
    for _ in range(steps):
        draw = torch.Generator().manual_seed(state.images)
        resolution = config.network.resolution
        batch = Batch(
            real=torch.rand(8, 3, resolution, resolution, generator=draw),
            latents=torch.randn(8, state.generator.latent_dim, generator=draw),
        )
        schedule_adam(state, 2e-3, 0.9)
        options = step_options(config, Computation(), 4, state.images)
        discriminator_step(state, batch, world, options)
        generator_step(state, batch, world, options)
        update_ema(state, 0.9)
        state.images += 8


def tensors_of(state):
    return {
        f"{n}.{k}": v for n in ("generator", "discriminator", "ema") for k, v in getattr(state, n).state_dict().items()
    }


@every_axis
def test_a_resumed_training_ends_with_the_same_bits_and_its_file_makes_the_averages_images(changes, form, tmp_path):
    config, job = config_of(changes), JobDir(tmp_path)
    through = fresh_state(config, 0, CPU)
    begun = tensors_of(copy.deepcopy(through))
    assert form_in_use(through.discriminator, config.penalties) == form
    train(through, config, 2)
    save_checkpoint(through, config, job, keep=1)
    resumed = fresh_state(config, 0, CPU)
    load_checkpoint(resumed, job.last_checkpoint(), config)
    train(through, config, 2)
    train(resumed, config, 2)
    theirs = tensors_of(resumed)
    for name, value in tensors_of(through).items():
        assert torch.equal(value, theirs[name]), name
        assert not torch.equal(value, begun[name]), f"{name} was not trained"

    save_checkpoint(through, config, job, keep=1)
    loaded = load_snapshot(job.last_checkpoint() / "ema.safetensors", CPU).generator
    z = torch.randn(3, loaded.latent_dim)
    assert torch.equal(loaded(z), through.ema(z))


@every_axis
def test_the_check_before_training_finds_both_forms_equal(changes, form):
    check = check_penalty(fresh_state(config_of(changes), 0, CPU).discriminator, config_of(changes), "auto")
    assert (check is None) == (form == TWICE)


@every_axis
def test_a_network_starts_with_the_baselines_draws_where_it_has_the_baselines_parameters(changes, form):
    for cls, name in ((Generator, "generator"), (Discriminator, "discriminator")):
        plain, other = cls(small_network()), cls(small_network(**changes))
        initialise(plain, 3, name)
        initialise(other, 3, name)
        ours, theirs = dict(plain.named_parameters()), dict(other.named_parameters())
        shared = [key for key in ours if key in theirs and ours[key].shape == theirs[key].shape and ours[key].any()]
        assert len(shared) >= 5
        for key in shared:
            assert torch.allclose(ours[key] / ours[key].norm(), theirs[key] / theirs[key].norm(), atol=1e-6), key


@every_axis
def test_stages_run_in_bfloat16_and_come_near_float32(changes, form):
    state = fresh_state(config_of(changes), 0, CPU)
    train(state, config_of(changes), 1)
    x = torch.randn(4, 8, 8, 8)
    for stage in (state.discriminator.trunk.stages[0].blocks, state.generator.stages[1].blocks):
        exact, low = stage(x), stage(x.bfloat16())
        assert low.dtype == torch.bfloat16
        assert (exact - low.float()).norm() < 0.03 * exact.norm()


@every_axis
def test_its_cost_is_counted_and_names_double_backward(changes, form):
    config = config_of(changes)
    cost = estimate(Workload.of(config, 0), 8, False)
    assert cost.double_backward == (form == TWICE)
    for count, cls in ((cost.generator_parameters, Generator), (cost.discriminator_parameters, Discriminator)):
        assert count == sum(p.numel() for p in cls(config.network).parameters())
    assert cost.flops_per_image > 0
