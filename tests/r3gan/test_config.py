import json
from dataclasses import asdict, fields, replace

import pytest

from r3gan.availability import availability_problems
from r3gan.config import AttentionConfig, LossPhase, OptimiserConfig, PenaltyConfig, Schedule, TrainConfig
from r3gan.config_checks import find_problems
from r3gan.config_json import from_dict
from r3gan.presets import PRESETS, preset_tree
from tests.r3gan.small import small_config, small_network


def problem_keys(config):
    return {".".join(map(str, problem.path)) for problem in find_problems(config)}


def test_a_sound_configuration_has_no_problems_and_survives_json():
    config = small_config(
        loss=(LossPhase(), LossPhase("relativistic-hinge", from_fraction=0.5)),
        network=small_network(attention=AttentionConfig(resolutions=(4,), heads=2, networks=("generator",))),
    )
    assert find_problems(config) == []
    assert from_dict(TrainConfig, json.loads(json.dumps(asdict(config)))) == config


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"network": small_network(attention=AttentionConfig(resolutions=(16,)))}, "network.attention.resolutions.0"),
        ({"network": small_network(attention=AttentionConfig(resolutions=(8,), heads=3))}, "network.attention.heads"),
        (
            {"network": small_network(attention=AttentionConfig(resolutions=(8,), networks=()))},
            "network.attention.networks",
        ),
        ({"network": small_network(groups=(4,))}, "network.groups"),
        ({"network": small_network(groups=(5, 2))}, "network.groups.0"),
        ({"network": small_network(blocks=(1, 0))}, "network.blocks.1"),
        ({"network": small_network(bf16_stages=3)}, "network.bf16_stages"),
        ({"loss": ()}, "loss"),
        ({"loss": (LossPhase(from_fraction=0.5),)}, "loss.0.from_fraction"),
        ({"loss": (LossPhase(), LossPhase("non-saturating"))}, "loss.1"),
        ({"loss": (LossPhase(), LossPhase(from_fraction=1.0))}, "loss.1.from_fraction"),
        ({"loss": (LossPhase(), LossPhase(from_kimg=0.2))}, "loss.1.from_kimg"),
        (
            {"loss": (LossPhase(), LossPhase(from_fraction=0.5), LossPhase(from_fraction=0.4))},
            "loss.2.from_fraction",
        ),
        ({"total_kimg": 0}, "total_kimg"),
        ({"total_kimg": float("nan")}, "total_kimg"),
        ({"batch_size": -1}, "batch_size"),
        ({"seed": -1}, "seed"),
        ({"optimiser": OptimiserConfig(beta1=1.0)}, "optimiser.beta1"),
        ({"optimiser": OptimiserConfig(lr_ratio=0.0)}, "optimiser.lr_ratio"),
        ({"penalties": PenaltyConfig(every=0)}, "penalties.every"),
        ({"penalties": PenaltyConfig(finite_difference_sigma=0.0)}, "penalties.finite_difference_sigma"),
    ],
)
def test_what_cannot_work_is_found_with_its_key(changes, key):
    assert key in problem_keys(small_config(**changes))


@pytest.mark.parametrize(
    ("name", "schedule", "key"),
    [
        ("beta2", Schedule(0.9, 1.0, 10), "schedules.beta2.end"),
        ("lr", Schedule(-1, -1), "schedules.lr.start"),
        ("gamma", Schedule(1, 2), "schedules.gamma"),
        ("gamma", Schedule(1, 2, 10, 10), "schedules.gamma.warmup_img"),
        ("gamma", Schedule(1, 1, 0, float("inf")), "schedules.gamma.warmup_img"),
        ("gamma", Schedule(1, 2, 10, 20), "schedules.gamma.warmup_img"),
        ("gamma", Schedule(1, 2, -10), "schedules.gamma.decay_img"),
        ("gamma", Schedule(1, 2, 10, shape="inverse-sqrt"), "schedules.gamma.end"),
        ("gamma", Schedule(2, 1, shape="inverse-sqrt"), "schedules.gamma"),
        ("gamma", Schedule(2, 1, 10, 20, shape="inverse-sqrt"), "schedules.gamma.warmup_img"),
        ("gamma", Schedule(2, 1, 10, shape="linear"), "schedules.gamma.shape"),
    ],
)
def test_impossible_schedules_are_found_with_their_key(name, schedule, key):
    config = small_config()
    assert key in problem_keys(replace(config, schedules=replace(config.schedules, **{name: schedule})))


@pytest.mark.parametrize(
    "schedule", [Schedule(2, 0, 10, 10, shape="inverse-sqrt"), Schedule(2, 2, 0, 10, shape="inverse-sqrt")]
)
def test_an_inverse_square_root_may_end_at_0_or_be_constant(schedule):
    assert problem_keys(replace(small_config(), schedules=replace(small_config().schedules, gamma=schedule))) == set()


def test_a_network_of_another_resolution_than_the_data_is_refused():
    config = small_config(network=small_network(widths=(8, 8, 8), groups=(2, 2, 2), blocks=(1, 1, 1)))
    (problem,) = availability_problems(config)
    assert problem.path == ("network", "widths")
    assert "16x16" in problem.message
    assert "8x8" in problem.message


def test_unknown_keys_are_refused_when_a_job_reads_its_configuration():
    data = asdict(small_config()) | {"bach_size": 3}
    with pytest.raises(TypeError, match="bach_size"):
        from_dict(TrainConfig, data)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_sound_configuration(name):
    tree = preset_tree(name) | {"dataset": "any", "seed": 0}
    config = from_dict(TrainConfig, tree)
    assert find_problems(config) == []
    assert {f.name for f in fields(TrainConfig)} >= set(tree)


def test_released_presets_hold_the_papers_schedules():
    cifar = from_dict(TrainConfig, preset_tree("cifar10") | {"dataset": "cifar10", "seed": 0})
    assert cifar.batch_size == 512
    assert cifar.schedules.gamma == Schedule(0.05, 0.005, 20e6)
    assert cifar.schedules.lr == Schedule(2e-4, 5e-5, 20e6)
    assert cifar.schedules.beta2 == Schedule(0.9, 0.99, 20e6)
    assert cifar.schedules.ema_half_life_img == Schedule(0, 5e6, 20e6)
    ffhq = from_dict(TrainConfig, preset_tree("ffhq256") | {"dataset": "ffhq256", "seed": 0})
    assert (ffhq.network.resolution, ffhq.network.groups[-1], ffhq.schedules.gamma.start) == (256, 12, 150)


def test_training_ends_on_a_whole_batch():
    assert small_config(total_kimg=0.1, batch_size=64).total_img == 128
    assert small_config(total_kimg=0.128, batch_size=64).total_img == 128


def test_an_augmentation_that_always_happens_is_sound_and_one_that_happens_more_often_is_not():
    def problems(p):
        schedules = replace(small_config().schedules, augment_p=Schedule(p, p))
        return [problem.path for problem in find_problems(small_config(schedules=schedules))]

    assert problems(1.0) == []
    assert problems(1.1) == [("schedules", "augment_p", "start"), ("schedules", "augment_p", "end")]


def test_words_that_a_bare_configuration_may_have_wrong_are_problems():
    """A study's types are checked when it is read; `r3gan train` is given plain JSON."""
    config = small_config(loss=(LossPhase("wasserstein"),))
    config = replace(config, evaluation=replace(config.evaluation, weights="average", labels="all"))
    found = {problem.path for problem in find_problems(config)}
    assert found == {("loss", 0, "kind"), ("evaluation", "weights"), ("evaluation", "labels")}
