"""What must hold among the keys of a configuration, whatever the dataset."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any, Literal, get_args, get_origin

from r3gan.config import (
    IMG_PER_KIMG,
    EvaluationConfig,
    Schedule,
    Schedules,
    TrainConfig,
)
from r3gan.network_checks import Path, Problem, network_problems
from r3gan.ranges import entries, outside, ranged
from r3gan.tables.class_heads import CLASS_HEADS
from r3gan.tables.lookup import row_of, unknown_message
from r3gan.tables.metrics import METRICS
from r3gan.tables.schedule_shapes import SCHEDULE_SHAPES


def find_problems(config: TrainConfig) -> list[Problem]:
    """Everything about a well-typed configuration that cannot work, whatever the dataset."""
    ranges, names = _range_problems(config), list(_name_problems(config))
    if names:  # what follows asks the rows of these names
        return ranges + names
    wrong = {problem.path[0] for problem in ranges}
    checked = [check(config) for check, keys in CHECKS.items() if wrong.isdisjoint(keys)]
    return ranges + [problem for problems in checked for problem in problems]


def _name_problems(value: Any, path: Path = ()) -> Iterator[Problem]:
    """Names, anywhere in a configuration, that are not among those of their type."""
    cls: Any = type(value)
    for key, known in _names_of(cls).items():
        for place, entry in entries(getattr(value, key), (*path, key)):
            if known is None:
                yield from _name_problems(entry, place)
            elif entry is not None and entry not in known:
                yield Problem(place, unknown_message("value", entry, known))


@cache
def _names_of(cls: Any) -> dict[str, tuple[str, ...] | None]:
    """The keys of a configuration class that hold names, with those there are; None for a part with keys of its own."""
    return {
        key: None if dataclasses.is_dataclass(kind) else get_args(kind)
        for key, (_, kind, _) in ranged(cls).items()
        if dataclasses.is_dataclass(kind) or get_origin(kind) is Literal
    }


def _range_problems(config: TrainConfig) -> list[Problem]:
    problems = [Problem(place, said) for place, said in outside(config)]
    if config.init_content is not None and config.init_from is None:
        problems.append(Problem(("init_content",), "is of no use without init_from"))
    if not config.post_hoc.sigma_rel:
        problems.append(Problem(("post_hoc", "sigma_rel"), "at least one width is needed"))
    return problems


def _evaluation_problems(evaluation: EvaluationConfig) -> list[Problem]:
    """What cannot be measured as asked, on any dataset."""
    problems = []
    every = [*evaluation.metrics, *evaluation.at_end]
    problems += [
        Problem(("evaluation", key, i), f"{name} is named twice in evaluation.metrics and evaluation.at_end")
        for key, start in (("metrics", 0), ("at_end", len(evaluation.metrics)))
        for i, name in enumerate(getattr(evaluation, key))
        if name in every[: start + i]
    ]
    best = evaluation.keep_best
    if best is not None and best not in evaluation.metrics:
        problems.append(
            Problem(
                ("evaluation", "keep_best"), f"{best} is not among evaluation.metrics, which are measured on the way"
            )
        )
    if best is not None and METRICS[best].best is None:
        problems.append(Problem(("evaluation", "keep_best"), f"{best} is several numbers: choose a metric that is one"))
    return problems


def _class_problems(config: TrainConfig) -> list[Problem]:
    head = config.network.class_head
    if not (config.network.conditional and config.label_dropout):
        return []
    if row_of(CLASS_HEADS, "class head", head).unconditional:
        return []
    message = f"with network.class_head {head}, D's logit without a class is always 0: use projection"
    return [Problem(("label_dropout",), message)]


def _discriminator_problems(config: TrainConfig) -> Iterator[Problem]:
    """What does not go together with dropout and with comparing images in groups."""
    network = config.network
    if network.minibatch_kernels > 0:
        message = group_problem(config, 1)
        yield from [Problem(("network", "minibatch_group"), message)] if message else []
    if config.penalties.finite_difference_sigma is not None:
        for key in ("dropout", "minibatch_kernels"):
            if getattr(network, key) > 0:
                message = f"is not measured with network.{key}: leave one of the two out"
                yield Problem(("penalties", "finite_difference_sigma"), message)


def group_problem(config: TrainConfig, ranks: int) -> str:
    """Why so many ranks, which share the batch evenly, cannot hold whole groups of images; empty if they can."""
    share, group = config.batch_size // ranks, config.network.together
    if share % group == 0:
        return ""
    whose = f"each of {ranks} ranks" if ranks > 1 else "the batch"
    return f"{group} does not divide the {share} images of {whose}, which minibatch discrimination compares in groups"


def _point_problems(config: TrainConfig) -> Iterator[Problem]:
    """What does not apply to points of the plane."""
    network = config.network
    if not network.makes_points:
        return
    if network.resolution != 1:
        size = f"{network.resolution}x{network.resolution}"
        yield Problem(("network", "base_resolution"), f"points are images of 1x1, not {size}")
    if config.schedules.augments:
        yield Problem(("schedules", "augment_p"), "the augmentations are of images, and these are points of the plane")
    if config.x_flip:
        yield Problem(("x_flip",), "mirrors images, and these are points of the plane")


def _loss_problems(config: TrainConfig) -> list[Problem]:
    if not config.loss:
        return [Problem(("loss",), "at least one phase is needed")]
    problems = []
    previous = 0.0
    for i, phase in enumerate(config.loss):
        path: Path = ("loss", i)
        given = [key for key in ("from_fraction", "from_kimg") if getattr(phase, key) is not None]
        if i == 0:
            if given and phase.start_img(config.total_kimg) != 0:
                problems.append(Problem((*path, given[0]), "the first phase starts at 0: leave this key out"))
            continue
        if len(given) != 1:
            problems.append(Problem(path, "a later phase needs exactly one of from_fraction and from_kimg"))
            continue
        start = phase.start_img(config.total_kimg)
        if not start <= config.total_img - config.batch_size:  # where the last step begins
            problems.append(
                Problem(
                    (*path, given[0]),
                    f"starts at {start / IMG_PER_KIMG:g} kimg, but training ends at {config.total_kimg:g} kimg",
                )
            )
        elif start <= previous:
            problems.append(
                Problem((*path, given[0]), f"starts at {start / IMG_PER_KIMG:g} kimg, not after the phase before it")
            )
        previous = start
    return problems


def _augmentation_problems(config: TrainConfig) -> list[Problem]:
    switches = [getattr(config.augmentation, f.name) for f in dataclasses.fields(config.augmentation)]
    if not config.schedules.augments or True in switches:
        return []
    return [Problem(("augmentation",), "every group is off: set schedules.augment_p to 0 to augment nothing")]


def _schedule_problems(schedules: Schedules) -> list[Problem]:
    problems = []
    for f in dataclasses.fields(schedules):
        schedule, path = getattr(schedules, f.name), ("schedules", f.name)
        if schedule.decay_img == 0 and schedule.start != schedule.end:
            problems.append(
                Problem(path, f"needs a decay_img above 0 to go from {schedule.start:g} to {schedule.end:g}")
            )
        if row_of(SCHEDULE_SHAPES, "shape", schedule.shape).holds:
            problems += _hold_problems(schedule, path)
        elif schedule.start != schedule.end and 0 < schedule.decay_img <= schedule.warmup_img:
            problems.append(
                Problem(
                    (*path, "warmup_img"),
                    f"{schedule.warmup_img:g} leaves nothing of the decay, which ends at {schedule.decay_img:g}",
                )
            )
    return problems


def _hold_problems(schedule: Schedule, path: Path) -> Iterator[Problem]:
    """Of a schedule that keeps `start` until `decay_img` and falls from there."""
    if schedule.end > schedule.start:
        message = f"{schedule.end:g} is above the start {schedule.start:g}, from which {schedule.shape} only falls"
        yield Problem((*path, "end"), message)
    elif schedule.start != schedule.end and 0 < schedule.decay_img < schedule.warmup_img:
        message = f"{schedule.warmup_img:g} is beyond decay_img {schedule.decay_img:g}, from where it falls"
        yield Problem((*path, "warmup_img"), message)


CHECKS: dict[Callable[[TrainConfig], Iterable[Problem]], tuple[str, ...]] = {
    _discriminator_problems: ("network", "batch_size", "penalties"),
    lambda config: network_problems(config.network): ("network",),
    lambda config: _evaluation_problems(config.evaluation): ("evaluation",),
    _class_problems: ("network", "label_dropout"),
    _loss_problems: ("loss", "total_kimg", "batch_size"),
    lambda config: _schedule_problems(config.schedules): ("schedules",),
    _augmentation_problems: ("augmentation", "schedules"),
    _point_problems: ("network", "schedules"),
}  # a check: the keys that it computes with, which are within their ranges
