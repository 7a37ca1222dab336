"""Identities last: keys that are added later, and keys without effect, do not make another job."""

import dataclasses
import typing
from dataclasses import MISSING, dataclass, fields, is_dataclass, make_dataclass, replace

import pytest

from r3gan import RESULT_VERSION
from r3gan.config import (
    AttentionConfig,
    CapacityConfig,
    LossPhase,
    PenaltyConfig,
    Schedule,
    TrainConfig,
    TransformerConfig,
)
from r3gan.identity import changes, configuration_identity, declared_default, job_identity, state_identity
from tests.r3gan.small import constant, small_config, small_network

# The declared defaults of RESULT_VERSION 4. They are not part of identities: one that changes would give an old
# identity another meaning. A key that is added is added here; a default that changes raises RESULT_VERSION.
VERSION = 4
DEFAULTS = {
    "network.expansion": 2,
    "network.kernel": 3,
    "network.capacity.shape": "as-given",
    "network.capacity.blocks": (),
    "network.capacity.equal": "parameters",
    "network.activation": "leaky-relu",
    "network.activation_after_mix": "same",
    "network.activation_networks": ("generator", "discriminator"),
    "network.normalisation": "none",
    "network.normalisation_networks": ("generator", "discriminator"),
    "network.resampling_networks": ("generator", "discriminator"),
    "network.base_resolution": 4,
    "network.image_channels": 3,
    "network.latent_dim": 64,
    "network.resampling": "bilinear",
    "network.conditional": False,
    "network.class_head": "embedding",
    "network.bf16_stages": 0,
    "network.fp16_stages": 0,
    "network.emulate_precision": False,
    "network.transformer.resolutions": (),
    "network.transformer.heads": 2,
    "network.transformer.networks": ("generator", "discriminator"),
    "network.attention.resolutions": (),
    "network.attention.heads": 2,
    "network.attention.kind": "full",
    "network.attention.position": "none",
    "network.attention.networks": ("generator", "discriminator"),
    "network.style.mapping_layers": 0,
    "network.style.modulation": "none",
    "network.style.noise": False,
    "network.style.mixing": 0.0,
    "network.dropout": 0.0,
    "network.minibatch_kernels": 0,
    "network.minibatch_group": 8,
    "schedules.instance_noise": Schedule(0.0, 0.0),
    "schedules.*.decay_img": 0.0,
    "schedules.*.warmup_img": 0.0,
    "schedules.*.shape": "cosine",
    "evaluation.samples": 10_000,
    "evaluation.metrics": ("digits",),
    "evaluation.at_end": (),
    "evaluation.keep_best": None,
    "evaluation.weights": "ema",
    "evaluation.labels": "dataset",
    "loss": (LossPhase(),),
    "loss.*.kind": "relativistic-softplus",
    "loss.*.margin": 1.0,
    "loss.*.from_fraction": None,
    "loss.*.from_kimg": None,
    "penalties.r1": True,
    "penalties.r2": True,
    "penalties.every": 1,
    "penalties.finite_difference_sigma": None,
    "augmentation.flip": True,
    "augmentation.turn": True,
    "augmentation.shift": True,
    "augmentation.geometry": True,
    "augmentation.colour": True,
    "augmentation.cutout": True,
    "augmentation.filter": "cdf-9-7",
    "optimiser.beta1": 0.0,
    "optimiser.lr_ratio": 1.0,
    "optimiser.loss_scale": None,
    "post_hoc.every_kimg": None,
    "post_hoc.sigma_rel": (0.05, 0.1),
    "x_flip": False,
    "label_dropout": 0.0,
    "log_every_kimg": 1.0,
    "checkpoint_every_kimg": 50.0,
    "init_from": None,
    "init_content": None,
}


def declared(cls=TrainConfig, prefix=""):
    """Dotted key -> declared default, of every key that has one."""
    found, hints = {}, typing.get_type_hints(cls)
    for field in fields(cls):
        kind = hints[field.name]
        inner = typing.get_args(kind)[0] if typing.get_origin(kind) is tuple else kind
        key = f"{prefix}{field.name}"
        if is_dataclass(inner):
            place = f"{prefix}*" if inner is Schedule else f"{key}.*" if inner is not kind else key
            found |= declared(inner, f"{place}.")
        has_keys = is_dataclass(inner) and inner is kind and inner is not Schedule
        if declared_default(field) is not MISSING and not has_keys:
            found[key] = declared_default(field)
    return found


def test_no_default_has_changed_without_a_new_result_version():
    assert RESULT_VERSION == VERSION, "write down the defaults of the new version"
    assert declared() == DEFAULTS


def extended(config, cls, **defaults):
    """The dataclass with further fields, as if they had been declared."""
    further = [(name, type(value), dataclasses.field(default=value)) for name, value in defaults.items()]
    made = make_dataclass(cls.__name__, further, bases=(cls,), frozen=True, kw_only=True)
    return lambda **values: made(**{f.name: getattr(config, f.name) for f in fields(config)}, **values)


def test_a_key_that_is_added_with_a_neutral_default_leaves_every_identity_as_it_is():
    config = small_config()
    network = extended(config.network, type(config.network), norm="none", momentum=0.5)
    phase = extended(LossPhase("relativistic-hinge", from_fraction=0.5), LossPhase, smoothing=0.0)
    before = replace(config, loss=(LossPhase(), LossPhase("relativistic-hinge", from_fraction=0.5)))
    neutral = replace(before, network=network(), loss=(LossPhase(), phase()))
    assert configuration_identity(neutral) == configuration_identity(before)
    assert state_identity(neutral, 80) == state_identity(before, 80)
    for other in (
        replace(before, network=network(norm="group")),
        replace(before, loss=(LossPhase(), phase(smoothing=1.0))),
    ):
        assert configuration_identity(other) != configuration_identity(before)


def test_a_key_that_is_added_to_a_search_with_a_neutral_default_changes_nothing_of_its_data():
    @dataclass(frozen=True)
    class Parameter:
        key: str
        step: float | None = None

    @dataclass(frozen=True)
    class Later(Parameter):
        scale: str = "plain"

    assert changes([Later("x")]) == changes([Parameter("x")]) == [{"key": "x"}]
    assert changes(Later("x", scale="log")) == {"key": "x", "scale": "log"}


HINGE = LossPhase("relativistic-hinge", margin=2.0, from_fraction=0.5)  # from 80 of 160 images, in steps of 8
INERT = {
    "heads without attention": ({}, {"network": small_network(attention=AttentionConfig(heads=4))}),
    "networks without attention": ({}, {"network": small_network(attention=AttentionConfig(networks=("generator",)))}),
    "the order of resolutions": (
        {"network": small_network(attention=AttentionConfig(resolutions=(4, 8)))},
        {"network": small_network(attention=AttentionConfig(resolutions=(8, 4)))},
    ),
    "groups of images that nothing compares": ({}, {"network": small_network(minibatch_group=4)}),
    "heads without transformer blocks": ({}, {"network": small_network(transformer=TransformerConfig(heads=4))}),
    "where widths come from": ({}, {"network": small_network(capacity=CapacityConfig("flat"))}),
    "the order of networks": (
        {
            "network": small_network(
                attention=AttentionConfig(resolutions=(8,), networks=("generator", "discriminator"))
            )
        },
        {
            "network": small_network(
                attention=AttentionConfig(resolutions=(8,), networks=("discriminator", "generator"))
            )
        },
    ),
    "which networks have the default activation": ({}, {"network": small_network(activation_networks=("generator",))}),
    "the order of networks with an activation": (
        {"network": small_network(activation="relu", activation_networks=("discriminator", "generator"))},
        {"network": small_network(activation="relu")},
    ),
    "another name of an activation": (
        {"network": small_network(activation="swish")},
        {"network": small_network(activation="silu")},
    ),
    "a margin on softplus": ({}, {"loss": (LossPhase(margin=3.0),)}),
    "how the start of a phase is written": (
        {"loss": (LossPhase(), HINGE)},
        {"loss": (LossPhase(), replace(HINGE, from_fraction=None, from_kimg=0.08))},
    ),
    "where within a step a phase begins": (
        {"loss": (LossPhase(), HINGE)},
        {"loss": (LossPhase(), replace(HINGE, from_fraction=None, from_kimg=0.0731))},
    ),
    "a phase that goes on as before": ({}, {"loss": (LossPhase(), LossPhase(from_fraction=0.5))}),
    "a phase that no step sees": (
        {"loss": (LossPhase(), HINGE)},
        {
            "loss": (
                LossPhase(),
                LossPhase("non-saturating", from_kimg=0.0781),
                replace(HINGE, from_fraction=None, from_kimg=0.0799),
            )
        },
    ),
    "how penalties that are off would be computed": (
        {"penalties": {"r1": False, "r2": False}},
        {"penalties": {"r1": False, "r2": False, "every": 8, "finite_difference_sigma": 0.1}},
    ),
    "labels of an unconditional evaluation": ({}, {"evaluation": {"labels": "balanced"}}),
    "the order of metrics": ({"evaluation": {"metrics": ("fid", "kid")}}, {"evaluation": {"metrics": ("kid", "fid")}}),
    "a decay between equal ends": ({}, {"schedules": {"gamma": Schedule(1.0, 1.0, 50.0)}}),
    "a shape between equal ends": ({}, {"schedules": {"gamma": Schedule(1.0, 1.0, 50.0, shape="inverse-sqrt")}}),
    "a length within the last step": ({}, {"total_kimg": 0.1599}),
    "checkpoints": ({}, {"checkpoint_every_kimg": 1.0}),
    "whole numbers as fractions": ({"total_kimg": 8.0}, {"total_kimg": 8}),
}


def made(changed):
    """The small configuration with changes, those of nested ones by their keys."""
    config = small_config()
    nested = {k: replace(getattr(config, k), **v) if isinstance(v, dict) else v for k, v in changed.items()}
    return replace(config, **nested)


@pytest.mark.parametrize("case", INERT)
def test_a_difference_without_effect_does_not_make_another_job(case):
    one, other = (made(changed) for changed in INERT[case])
    assert one != other or case == "whole numbers as fractions"
    assert configuration_identity(one) == configuration_identity(other)


COUNTS = {
    "another margin of the hinge": (
        {"loss": (LossPhase(), HINGE)},
        {"loss": (LossPhase(), replace(HINGE, margin=1.0))},
    ),
    "heads of attention": (
        {"network": small_network(attention=AttentionConfig(resolutions=(8,), heads=1))},
        {"network": small_network(attention=AttentionConfig(resolutions=(8,), heads=2))},
    ),
    "labels of a conditional evaluation": (
        {"network": small_network(conditional=True)},
        {"network": small_network(conditional=True), "evaluation": {"labels": "balanced"}},
    ),
    "a phase one step later": (
        {"loss": (LossPhase(), HINGE)},
        {"loss": (LossPhase(), replace(HINGE, from_fraction=None, from_kimg=0.088))},
    ),
    "a transformer stage": ({}, {"network": small_network(transformer=TransformerConfig(resolutions=(4,)))}),
    "dropout": ({}, {"network": small_network(dropout=0.1)}),
    "minibatch discrimination": ({}, {"network": small_network(minibatch_kernels=4)}),
    "instance noise": ({}, {"schedules": {"instance_noise": Schedule(0.1, 0.0, 100.0)}}),
    "a penalty": ({}, {"penalties": {"r2": False}}),
    "lazy penalties": ({}, {"penalties": {"every": 8}}),
    "penalties by finite differences": ({}, {"penalties": {"finite_difference_sigma": 0.1}}),
    "beta1": ({}, {"optimiser": {"beta1": 0.5}}),
    "the ratio of learning rates": ({}, {"optimiser": {"lr_ratio": 4.0}}),
    "a warm-up": ({}, {"schedules": {"lr": Schedule(2e-3, 2e-3, 0.0, 50.0)}}),
    "the shape of a schedule": (
        {"schedules": {"lr": Schedule(2e-3, 1e-3, 50.0)}},
        {"schedules": {"lr": Schedule(2e-3, 1e-3, 50.0, shape="inverse-sqrt")}},
    ),
    "samples": ({}, {"evaluation": {"samples": 2000}}),
    "the dataset": ({}, {"dataset": "stacked-mnist"}),
}


@pytest.mark.parametrize("case", COUNTS)
def test_a_difference_with_an_effect_makes_another_job(case):
    one, other = (made(changed) for changed in COUNTS[case])
    assert configuration_identity(one) != configuration_identity(other)


def test_jobs_of_one_configuration_differ_by_their_seed_alone():
    config = small_config()
    assert configuration_identity(replace(config, seed=7)) == configuration_identity(config)
    assert len({job_identity(configuration_identity(config), seed) for seed in range(100)}) == 100


def test_a_state_is_decided_by_what_came_before_it():
    config = small_config()  # 160 images
    switched, longer = replace(config, loss=(LossPhase(), HINGE)), replace(config, total_kimg=1.6)
    measured = replace(config, evaluation=replace(config.evaluation, samples=5000), log_every_kimg=9.0)
    assert state_identity(config, 80) == state_identity(switched, 80) == state_identity(longer, 80)
    assert state_identity(config, 80) == state_identity(measured, 80)
    assert state_identity(config, 88) != state_identity(switched, 88)  # the first step under the other loss
    assert state_identity(longer, 88) == state_identity(config, 88)
    moved = replace(switched, total_kimg=1.6)  # the switch moves with the length
    assert state_identity(moved, 88) == state_identity(config, 88) != state_identity(moved, 808)
    assert len({state_identity(config, images) for images in (0, 8, 80, 160)}) == 4
    lazy = replace(config, penalties=PenaltyConfig(every=8))
    assert state_identity(lazy, 0) == state_identity(config, 0)
    assert state_identity(lazy, 8) != state_identity(config, 8)  # Adam's correction, from the first step on
    for key in ("seed", "batch_size"):
        assert state_identity(config, 80) != state_identity(replace(config, **{key: 16}), 80)


def test_a_schedule_counts_as_far_as_it_has_come():
    config = small_config()

    def with_lr(schedule):
        return replace(config, schedules=replace(config.schedules, lr=schedule))

    slow, fast = with_lr(Schedule(1e-3, 1e-4, 160, 80)), with_lr(Schedule(1e-3, 1e-5, 120, 80))
    assert state_identity(slow, 80) == state_identity(fast, 80)  # both only warmed up
    assert state_identity(slow, 88) != state_identity(fast, 88)
    assert state_identity(slow, 80) != state_identity(with_lr(constant(1e-3)), 80)
    assert state_identity(slow, 0) == state_identity(with_lr(constant(5e-3)), 0)  # initial weights
    assert state_identity(slow, 0) != state_identity(replace(slow, seed=1), 0)
    held = with_lr(Schedule(1e-3, 0.0, 120, shape="inverse-sqrt"))
    assert state_identity(held, 120) == state_identity(with_lr(constant(1e-3)), 120)  # none has left its start
    assert state_identity(held, 128) != state_identity(with_lr(constant(1e-3)), 128)
    assert state_identity(held, 128) != state_identity(with_lr(replace(held.schedules.lr, end=1e-4)), 128)
    assert state_identity(held, 160) == state_identity(replace(held, total_kimg=1.6), 160)
