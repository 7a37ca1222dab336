import pytest
import torch

from r3gan.config import TrainConfig
from r3gan.config_checks import find_problems
from r3gan.config_json import from_dict
from r3gan.distributed import World
from r3gan.preset_choice import RESOLUTIONS, PresetChoice, choice_problems, derive, extend_stages
from r3gan.presets import PRESETS, row_tree
from r3gan.training.batches import Batch
from r3gan.training.cost import Workload
from r3gan.training.estimate import estimate
from r3gan.training.state import fresh_state
from r3gan.training.steps import discriminator_step, generator_step, schedule_adam
from tests.r3gan.small import step_options

OF_IMAGES = [name for name, row in PRESETS.items() if not row.network]


def differing(row, other):
    return {key for key in row._fields if getattr(row, key) != getattr(other, key)}


def config_of(row, **keys):
    return from_dict(TrainConfig, row_tree(row) | {"dataset": "stacked-digits", "seed": 0} | keys)


@pytest.mark.parametrize("name", OF_IMAGES)
def test_every_row_at_its_own_resolution_is_the_row_itself(name):
    assert derive(PRESETS[name], PRESETS[name].resolution) == PRESETS[name]


@pytest.mark.parametrize(
    ("like", "released", "differences"),
    [
        ("ffhq64", "ffhq256", set()),
        ("ffhq256", "ffhq64", set()),
        ("imagenet32", "imagenet64", {"augment"}),
        ("imagenet64", "imagenet32", {"augment"}),
        ("cifar10", "imagenet64", {"widths", "groups", "gamma", "batch", "ema", "augment", "decay", "family"}),
    ],
)
def test_a_row_derived_like_its_neighbour_is_the_released_one_but_for_what_the_guide_says(like, released, differences):
    assert differing(derive(PRESETS[like], PRESETS[released].resolution), PRESETS[released]) == differences


def test_stages_beyond_a_family_follow_ffhq_and_not_imagenet():
    """FFHQ-256 is what the rule makes of FFHQ-64's stages; ImageNet-64 has a full stage where the rule halves it."""
    for like, released in (("cifar10", "ffhq64"), ("ffhq64", "ffhq256")):
        base, row = PRESETS[like], PRESETS[released]
        assert extend_stages(base.widths, base.groups, len(row.widths)) == (row.widths, row.groups)
    base = PRESETS["imagenet32"]
    assert extend_stages(base.widths, base.groups, 5) == ((1536,) * 4 + (768,), (96,) * 4 + (48,))
    assert PRESETS["imagenet64"].widths[-1] == 1536


@pytest.mark.parametrize(
    ("like", "resolution", "gamma"),
    [
        ("ffhq64", 128, (17.3, 1.73)),  # 2 * 75^(1/2)
        ("ffhq256", 128, (17.3, 1.73)),
        ("ffhq256", 512, (600.0, 60.0)),
        ("ffhq64", 1024, (2400.0, 240.0)),
        ("ffhq64", 32, (0.5, 0.05)),
        ("imagenet32", 128, (4.0, 0.4)),
        ("cifar10", 64, (0.2, 0.02)),
        ("cifar10", 16, (0.0125, 0.00125)),
    ],
)
def test_gamma_lies_between_the_released_ones_and_beyond_them_grows_with_the_square(like, resolution, gamma):
    assert PresetChoice(like, resolution).row().gamma == gamma


def test_stages_are_added_halved_above_32_and_bfloat16_stays_in_four_at_most():
    row = PresetChoice("ffhq64", 1024).row()
    assert row.widths == (768, 768, 768, 768, 384, 192, 96, 48, 24)
    assert row.groups == (96, 96, 96, 96, 48, 24, 12, 6, 3)
    assert (row.bf16, len(row.blocks)) == (4, 9)
    assert [PresetChoice("cifar10", size).row().bf16 for size in (4, 8, 32, 64, 256)] == [0, 1, 3, 4, 4]
    assert PresetChoice("digits-8x8", 64).row().bf16 == 0


@pytest.mark.parametrize("like", OF_IMAGES)
@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_every_derived_preset_is_a_sound_configuration_of_its_resolution(like, resolution):
    config = config_of(PresetChoice(like, resolution).row())
    assert config.network.resolution == resolution
    assert find_problems(config) == []


@pytest.mark.parametrize("like", OF_IMAGES)
@pytest.mark.parametrize("resolution", [4, 16, 128])
def test_every_derived_preset_can_be_stepped_and_has_its_memory_estimated(like, resolution):
    """Both steps run on the library's meta device, with the preset's own widths."""
    cost = estimate(Workload.of(config_of(PresetChoice(like, resolution).row()), 10), 2, on_gpu=True)
    assert cost.memory_bytes > 4 * (cost.generator_parameters + cost.discriminator_parameters)


def test_the_preset_of_points_has_no_other_resolution():
    (problem,) = choice_problems(PresetChoice("plane", 8))
    assert problem == ("resolution", "plane is for points of the plane, which have no other resolution: leave it out")
    assert list(choice_problems(PresetChoice("plane"))) == []


@pytest.mark.parametrize("key", ["like", "resolution"])
def test_what_no_preset_can_be_derived_for_is_told(key):
    wrong = {"like": PresetChoice("ffhq46"), "resolution": PresetChoice("ffhq64", 96)}[key]
    ((found, message),) = choice_problems(wrong)
    assert found == key
    assert ("did you mean ffhq64" if key == "like" else "64, 128, 256, 512, 1024, not 96") in message


@pytest.mark.parametrize(("like", "resolution"), [("ffhq64", 8), ("cifar10", 4), ("digits-8x8", 32)])
def test_derived_networks_make_images_of_the_resolution_and_both_are_trained_by_a_step(like, resolution):
    config = config_of(PresetChoice(like, resolution).row(), batch_size=2)
    state = fresh_state(config, 2, torch.device("cpu"))
    labels = torch.eye(2) if config.network.conditional else None
    latents = torch.randn(2, config.network.latent_dim)
    batch = Batch(real=torch.randn(2, 3, resolution, resolution), latents=latents, labels=labels)
    assert state.generator(latents, labels).shape == batch.real.shape
    schedule_adam(state, 1e-3, 0.9)
    before = [[p.clone() for p in network.parameters()] for network in (state.generator, state.discriminator)]
    world, options = World(0, 1, torch.device("cpu")), step_options(gamma=config.schedules.gamma.start)
    discriminator_step(state, batch, world, options)
    generator_step(state, batch, world, options)
    for old, network in zip(before, (state.generator, state.discriminator), strict=True):
        changed = [not torch.equal(a, b) for a, b in zip(old, network.parameters(), strict=True)]
        assert any(changed)
        assert all(p.isfinite().all() for p in network.parameters())
