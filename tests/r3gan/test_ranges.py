"""Every number of the configuration has a range; whatever is asked is refused with its key, or can be costed."""

from dataclasses import fields, is_dataclass, replace

import pytest

from r3gan.config import (
    AttentionConfig,
    CapacityConfig,
    LossPhase,
    OptimiserConfig,
    PenaltyConfig,
    PostHocConfig,
    Schedule,
    StyleConfig,
    TrainConfig,
    TransformerConfig,
)
from r3gan.config_checks import find_problems
from r3gan.identity import configuration_identity, state_identity
from r3gan.ranges import Range, entries, ranged, refusal
from r3gan.training.capacity import solved
from r3gan.training.cost import Workload
from r3gan.training.estimate import default_micro_batch, estimate
from tests.r3gan.small import small_config, small_network

INF = float("inf")
WHOLE = (0, 1, -1, 10**6, 10**9, -(10**9), 10**12, 10**40, 10**400)
BROKEN = (0.5, 1e-40, -1e-40, 1e40, INF, -INF, float("nan"))


PLAIN, MOVED = CapacityConfig(), CapacityConfig(blocks=(1, 1))


def rich_config(capacity=PLAIN):
    """With every key that takes a number in use, so that each has an effect."""
    return small_config(
        network=small_network(
            widths=(16, 16),
            groups=(4, 4),
            conditional=True,
            class_head="projection",
            fp16_stages=-1,
            dropout=0.1,
            minibatch_kernels=4,
            attention=AttentionConfig(resolutions=(8,)),
            transformer=TransformerConfig(resolutions=(4,), networks=("discriminator",)),
            capacity=capacity,
            style=StyleConfig(mapping_layers=1, modulation="blocks", mixing=0.5),
        ),
        loss=(LossPhase(), LossPhase("relativistic-hinge", from_fraction=0.5), LossPhase(from_kimg=0.12)),
        optimiser=OptimiserConfig(loss_scale=1024.0),
        penalties=PenaltyConfig(every=2),
        post_hoc=PostHocConfig(every_kimg=0.08),
        label_dropout=0.1,
    )


def numbers(value, path=()):
    """Path, range and type of every number in a configuration."""
    for field in fields(value):
        limits, inner, _ = ranged(type(value))[field.name]
        for place, entry in entries(getattr(value, field.name), (*path, field.name)):
            if isinstance(entry, Schedule):
                yield from [((*place, name), limits, float) for name in ("start", "end")]
            if is_dataclass(entry):
                own = ("start", "end") if isinstance(entry, Schedule) else ()  # whose range is the schedule's
                yield from [found for found in numbers(entry, place) if found[0][-1] not in own]
            elif inner in (int, float):
                yield place, limits, inner


def changed(value, path, number):
    if not path:
        return number
    if isinstance(value, tuple):
        return tuple(changed(item, path[1:], number) if i == path[0] else item for i, item in enumerate(value))
    return replace(value, **{path[0]: changed(getattr(value, path[0]), path[1:], number)})


NUMBERS = {".".join(map(str, path)): (path, limits, kind) for path, limits, kind in numbers(rich_config(MOVED))}


def test_every_number_of_the_configuration_is_found_and_has_a_range():
    assert find_problems(rich_config()) == []
    assert [key for key, (_, limits, _) in NUMBERS.items() if not isinstance(limits, Range)] == []
    assert {"batch_size", "network.widths.1", "schedules.gamma.end", "loss.2.from_kimg", "seed"} <= set(NUMBERS)
    declared = {key for cls in classes() for key, (_, kind, _) in ranged(cls).items() if kind in (int, float)}
    assert declared == {[part for part in path if isinstance(part, str)][-1] for path, _, _ in NUMBERS.values()}


def classes(cls=TrainConfig):
    """The configuration class and all classes that its keys are of."""
    inner = {kind for _, kind, _ in ranged(cls).values() if is_dataclass(kind)}
    return {cls}.union(*(classes(kind) for kind in inner))


@pytest.mark.parametrize("key", NUMBERS)
def test_any_number_is_refused_with_its_key_or_can_be_costed(key):
    path, limits, kind = NUMBERS[key]
    ends = [end for end in (limits.least, limits.most) if kind is float or float(end).is_integer()]
    sound = rich_config(MOVED if "capacity" in path else PLAIN)
    for number in (*WHOLE, *(BROKEN if kind is float else ()), *map(kind, ends)):
        config = changed(sound, path, number)
        problems = find_problems(config)
        if number not in limits:
            (problem,) = [each for each in problems if each.path == path]
            assert str(limits) in problem.message
            assert len(problem.message) < 100
        elif not problems:
            assert len(configuration_identity(config)) == len(state_identity(config, config.total_img)) == 10
            config = replace(config, network=solved(config.network))
            work = Workload.of(config, classes=10)
            assert estimate(work, default_micro_batch(work, 0), on_gpu=True).memory_bytes > 0


def test_a_range_says_which_ends_it_has():
    assert [n in Range(0, 1) for n in (0, 1, -1e-9, float("nan"))] == [True, True, False, False]
    assert [n in Range(0, 1, above=True, below=True) for n in (0, 1e-9, 1)] == [False, True, False]
    assert str(Range(0, 1)) == "from 0 to 1"
    assert str(Range(0, 1, below=True)) == "from 0 to below 1"
    assert str(Range(0, 1e9, above=True)) == "above 0 and at most 1e+09"
    assert str(Range(0, 12**-0.5, above=True, below=True)) == "above 0 and below 0.288675"
    assert refusal(10**400, Range(1, 8)) == "inf must be from 1 to 8"
    assert refusal(3, Range(1, 8)) == refusal(3, None) == ""
