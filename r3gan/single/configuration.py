"""From the command line of a run outside a study to the configuration of its job."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace

from pydantic import TypeAdapter, ValidationError

from r3gan.availability import RESOLUTION_KEY, availability_problems, misfits
from r3gan.config import TrainConfig
from r3gan.config_checks import group_problem
from r3gan.data.catalog import dataset_row
from r3gan.data.facts import Facts
from r3gan.preset_choice import PresetChoice, choice_problems
from r3gan.settings.layers import Origin, annotate, override
from r3gan.settings.options import parse_settings
from r3gan.settings.problems import BadSettings, SettingProblem
from r3gan.settings.typed import validate, whole_preset
from r3gan.settings.validation import explain
from r3gan.settings.values import dotted, parse_value

COMMAND, DATA_OPTION, PRESET_OPTION = "train", "--data", "--preset"
ELSEWHERE = {"seed": "--seed", "dataset": DATA_OPTION, "data": DATA_OPTION, "preset": PRESET_OPTION}
_CHOICE = TypeAdapter(PresetChoice)


def parse_preset(text: str) -> PresetChoice:
    """`ffhq64`, or `{like: ffhq64, resolution: 128}`. Raises BadSettings."""
    try:
        value = parse_value(text)
        tree = value if isinstance(value, dict) else {"like": value}
        choice = _CHOICE.validate_json(json.dumps(tree), strict=True)
    except ValidationError as error:
        problems = [(dotted(path), message) for path, message in explain(error, PresetChoice)]
    except ValueError as error:
        problems = [("", str(error))]
    else:
        problems = list(choice_problems(choice))
    if problems:
        raise BadSettings(SettingProblem(PRESET_OPTION, key, message) for key, message in problems)
    return choice


def configuration(data: str, preset: PresetChoice, settings: Iterable[str], seed: int) -> TrainConfig:
    """The preset with `key=value` settings over it; `data` is only written down. Raises BadSettings."""
    whole = whole_preset(preset)
    node = annotate(whole, lambda path: Origin(PRESET_OPTION, dotted(path)))
    for key, value in parse_settings(settings, ELSEWHERE, COMMAND).items():
        node = override(node, key, value, lambda path: Origin(COMMAND, dotted(path)))
    config, problems = validate(node, whole, data, seed)
    if config is None or problems:
        raise BadSettings(problems)
    return config


def require_fit(config: TrainConfig, preset: PresetChoice, ranks: int, images: Facts | None = None) -> None:
    """Raises BadSettings if the dataset lacks what the configuration asks for, or the ranks cannot share the batch.

    images: what is known of the dataset if it is still to be prepared, for the network's resolution.
    """
    problems = list(_misfits(config, preset, images))
    if config.batch_size % ranks:
        message = f"{ranks} GPUs cannot share the batch_size {config.batch_size} evenly"
        problems.append(SettingProblem("--gpus", "", message))
    elif message := group_problem(config, ranks):
        problems.append(SettingProblem("--gpus", "network.minibatch_group", message))
    if problems:
        raise BadSettings(problems)


def _misfits(config: TrainConfig, preset: PresetChoice, images: Facts | None) -> Iterator[SettingProblem]:
    for problem in availability_problems(config) if images is None else misfits(config, images):
        message = problem.message
        if problem.path == RESOLUTION_KEY:
            theirs = dataset_row(config.dataset).facts.resolution
            advice = preset.advice(theirs, f"{PRESET_OPTION} '", "'")
            message += f": {advice}" if theirs != preset.row().resolution else ""
        yield SettingProblem(DATA_OPTION, dotted(problem.path), message)


def with_dataset(config: TrainConfig, name: str) -> TrainConfig:
    """The same on another dataset."""
    return replace(config, dataset=name)
