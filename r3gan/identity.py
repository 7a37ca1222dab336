"""Identities: short hashes of what decides a result, and of nothing else.

An identity is made of what differs from the declared defaults (`changes`), so that a key that is added later with a
neutral default leaves every identity as it is. A default or a computation that changes its meaning is what
RESULT_VERSION is for. Two configurations that differ only in keys without any effect have one identity (`canonical`).
"""

import hashlib
import json
from dataclasses import MISSING, Field, fields, is_dataclass, replace
from functools import lru_cache
from typing import Any

from r3gan import RESULT_VERSION
from r3gan.config import (
    BOTH,
    IMG_PER_KIMG,
    PER_NETWORK,
    AttentionConfig,
    AugmentationConfig,
    CapacityConfig,
    EvaluationConfig,
    LossPhase,
    NetworkConfig,
    NetworkName,
    PenaltyConfig,
    PostHocConfig,
    Schedule,
    TrainConfig,
    TransformerConfig,
)
from r3gan.tables.activations import ACTIVATIONS
from r3gan.tables.lookup import row_of
from r3gan.tables.losses import LOSSES

PER_JOB = ("seed",)  # what jobs of one configuration differ in
NOT_IN_RESULT = ("checkpoint_every_kimg",)  # keys that do not change what a job yields
GROUP_CHANNELS = 16  # of the grouped convolutions as most released networks have them
NOT_IN_STATE = ("total_kimg", "evaluation", "log_every_kimg", "post_hoc")  # what is looked at, and when training ends


def configuration_identity(config: TrainConfig) -> str:
    """What decides the result of a job, but for its seed."""
    return short_hash([RESULT_VERSION, _without(changes(canonical(config)), PER_JOB + NOT_IN_RESULT)])


def job_identity(configuration: str, seed: int) -> str:
    """What decides the result of a job, from its `configuration_identity` and its seed."""
    return short_hash([configuration, seed])


def state_identity(config: TrainConfig, images: int) -> str:
    """What decides the state of training (weights, optimisers) after so many images: two jobs with equal ones are then
    in equal states.

    Not in it: phases of the loss that begin later, the total length where nothing before depends on it, evaluation.
    """
    config = canonical(config)
    if images == 0:
        begun = [config.init_content] if config.init_content else []
        return short_hash([RESULT_VERSION, 0, config.dataset, config.seed, changes(config.network), *begun])
    phases = tuple(phase for phase in config.loss if phase.start_img(config.total_kimg) < images)
    schedules = replace(config.schedules, **{n: _until(s, images) for n, s in vars(config.schedules).items()})
    data = changes(replace(config, loss=phases, schedules=schedules))
    return short_hash([RESULT_VERSION, images, _without(data, NOT_IN_RESULT + NOT_IN_STATE)])


def changes(value: Any) -> Any:
    """What of a dataclass, or of dataclasses in lists and mappings, differs from its declared defaults: plain data.

    A mapping is the list of its pairs, because JSON knows text as keys only.
    """
    if is_dataclass(value):
        kept = ((field, getattr(value, field.name)) for field in fields(value))
        return {field.name: changes(item) for field, item in kept if item != declared_default(field)}
    if isinstance(value, (list, tuple)):
        return [changes(item) for item in value]
    if isinstance(value, dict):
        return [[key, changes(item)] for key, item in value.items()]
    return int(value) if isinstance(value, float) and value.is_integer() else value  # 24.0 is 24


def declared_default(field: "Field[Any]") -> Any:
    """What a field is unless it is given; MISSING if it must be given."""
    return field.default if field.default_factory is MISSING else field.default_factory()


def short_hash(data: Any) -> str:
    """Ten hexadecimal digits that stand for plain data."""
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:10]


@lru_cache(maxsize=1024)
def canonical(config: TrainConfig) -> TrainConfig:
    """The same training, with every key that has no effect at its default, and what has several spellings in one."""
    schedules = replace(config.schedules, **{name: plain_schedule(s) for name, s in vars(config.schedules).items()})
    return replace(
        config,
        total_kimg=config.total_img / IMG_PER_KIMG,
        network=_network(config.network),
        label_dropout=config.label_dropout if config.network.conditional else 0.0,
        loss=_phases(config),
        penalties=config.penalties if config.penalties.is_on else PenaltyConfig(r1=False, r2=False),
        augmentation=_augmentation(config),
        schedules=schedules,
        optimiser=config.optimiser if config.network.fp16_stages else replace(config.optimiser, loss_scale=None),
        post_hoc=_post_hoc(config.post_hoc),
        evaluation=_evaluation(config.evaluation, config.network.conditional),
        init_from=None,  # the hash of the weights stands for them, wherever they lie
    )


def _network(network: NetworkConfig) -> NetworkConfig:
    """One name for each activation; what no network has or can use does not count, nor which have a default."""
    activation = row_of(ACTIVATIONS, "activation", network.activation).same_as or network.activation
    capacity = CapacityConfig()  # widths, groups and blocks stand for it
    group = network.minibatch_group if network.minibatch_kernels else NetworkConfig.minibatch_group
    network = replace(
        network,
        activation=activation,
        attention=_attention(network.attention),
        capacity=capacity,
        transformer=_transformer(network.transformer),
        minibatch_group=group,
    )
    if not network.low_stages:
        network = replace(network, emulate_precision=False)
    elif network.fp16_stages:
        network = replace(network, fp16_stages=network.low_stages)
    network = _residual_blocks(network)
    defaults = {field.name: declared_default(field) for field in fields(network)}
    if not network.conditional:
        network = replace(network, class_head=defaults["class_head"])
    for key, theirs in PER_NETWORK.items():
        had = ordered(getattr(network, key))
        is_default = not had or all(getattr(network, name) == defaults[name] for name in theirs)
        same = {name: defaults[name] for name in (key, *theirs)} if is_default else {key: had}
        network = replace(network, **same)
    return network


def _residual_blocks(network: NetworkConfig) -> NetworkConfig:
    """What is of residual blocks alone counts where any are left beside transformer blocks.

    Groups have no default: where they do not count, they are those of 16 channels each, as most presets have them.
    """
    transformer, had = network.transformer, network.activation_networks
    are_replaced = set(network.resolutions) <= set(transformer.resolutions)
    without = [name for name in transformer.networks if are_replaced]
    if set(without) == set(BOTH):
        expansion, kernel = NetworkConfig.expansion, NetworkConfig.kernel
        groups = tuple(max(1, width * expansion // GROUP_CHANNELS) for width in network.widths)
        network = replace(network, expansion=expansion, kernel=kernel, groups=groups)
    if set(had) <= set(without):
        return replace(network, activation_after_mix=NetworkConfig.activation_after_mix)
    if network.activation == NetworkConfig.activation:  # then they say where nothing follows the grouped convolution
        return replace(network, activation_networks=ordered((*had, *without)))
    return network


def _attention(attention: AttentionConfig) -> AttentionConfig:
    """Heads count only where there is attention, the order of resolutions and networks nowhere."""
    if not attention.resolutions:
        return AttentionConfig()
    resolutions = tuple(sorted(set(attention.resolutions)))
    return replace(attention, resolutions=resolutions, networks=ordered(attention.networks))


def _transformer(transformer: TransformerConfig) -> TransformerConfig:
    """The same of transformer blocks."""
    if not transformer.resolutions:
        return TransformerConfig()
    resolutions = tuple(sorted(set(transformer.resolutions)))
    return replace(transformer, resolutions=resolutions, networks=ordered(transformer.networks))


def _augmentation(config: TrainConfig) -> AugmentationConfig:
    """Counts only where images are augmented, the filter only where they are moved."""
    augmentation = config.augmentation
    if not config.schedules.augments:
        return AugmentationConfig()
    return augmentation if augmentation.moves else replace(augmentation, filter=AugmentationConfig.filter)


def _post_hoc(post_hoc: PostHocConfig) -> PostHocConfig:
    """Widths count only where something is stored, in any order."""
    if post_hoc.every_kimg is None:
        return PostHocConfig()
    return replace(post_hoc, sigma_rel=tuple(sorted(set(post_hoc.sigma_rel))))


def ordered(networks: tuple[NetworkName, ...]) -> tuple[NetworkName, ...]:
    """Each once, G first."""
    return tuple(name for name in BOTH if name in networks)


def _phases(config: TrainConfig) -> tuple[LossPhase, ...]:
    """Phases by the step in which they begin, in kimg; without those that no step sees, and options of other losses."""
    begun: dict[int, LossPhase] = {}
    for phase in config.loss:
        steps = -(-phase.start_img(config.total_kimg) // config.batch_size)
        begun[int(steps) * config.batch_size] = phase
    found: list[LossPhase] = []
    for start, phase in begun.items():
        plain = replace(phase, **_unused_options(phase.kind), from_fraction=None, from_kimg=None)
        if not found or replace(found[-1], from_kimg=None) != plain:
            found.append(replace(plain, from_kimg=start / IMG_PER_KIMG if start else None))
    return tuple(found)


def _unused_options(kind: str) -> dict[str, Any]:
    """The options of other losses, at their defaults."""
    every = {key for row in LOSSES.values() for key in row.options}
    unused = every - set(row_of(LOSSES, "loss", kind).options)
    return {field.name: declared_default(field) for field in fields(LossPhase) if field.name in unused}


def plain_schedule(schedule: Schedule) -> Schedule:
    """No decay and no shape where start and end are equal, no warm-up to 0."""
    schedule = replace(schedule, warmup_img=schedule.warmup_img if schedule.start else 0.0)
    return schedule if schedule.start != schedule.end else constant_from(schedule)


def constant_from(schedule: Schedule) -> Schedule:
    """The same warm-up, and then `start` for ever."""
    return replace(schedule, end=schedule.start, decay_img=Schedule.decay_img, shape=Schedule.shape)


def _until(schedule: Schedule, images: int) -> Schedule:
    """What decides a schedule's values before `images`: before it leaves `start`, not where it leads to after that."""
    return schedule if images > schedule.decays_from_img else constant_from(schedule)


def _evaluation(evaluation: EvaluationConfig, conditional: bool) -> EvaluationConfig:
    """The order of metrics does not count, nor how classes are drawn where there are none."""
    labels = evaluation.labels if conditional else EvaluationConfig.labels
    metrics, at_end = (tuple(sorted(names)) for names in (evaluation.metrics, evaluation.at_end))
    return replace(evaluation, metrics=metrics, at_end=at_end, labels=labels)


def _without(data: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key not in keys}
