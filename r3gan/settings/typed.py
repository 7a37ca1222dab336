"""From layers of settings to the typed configuration of a job, or to all that is wrong with them."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from r3gan.config import CapacityConfig, TrainConfig
from r3gan.config_checks import find_problems
from r3gan.config_json import from_dict
from r3gan.network_checks import Problem
from r3gan.preset_choice import PresetChoice
from r3gan.presets import row_tree
from r3gan.settings.layers import Node
from r3gan.settings.problems import SettingProblem
from r3gan.settings.validation import explain, restore
from r3gan.settings.values import KeyPath, dotted

JOB_KEYS = ("dataset", "seed")  # of TrainConfig, set for each job and in no layer
Tree = dict[str, Any]
_ADAPTER = TypeAdapter(TrainConfig)


def whole_preset(choice: PresetChoice) -> Tree:
    """The preset with every default filled in."""
    config = asdict(from_dict(TrainConfig, row_tree(choice.row()) | dict.fromkeys(JOB_KEYS)))
    return {key: value for key, value in config.items() if key not in JOB_KEYS}


def validate(node: Node, preset: Tree, dataset: str, seed: int) -> tuple[TrainConfig | None, list[SettingProblem]]:
    """The typed configuration of a job, or what is wrong with it, each with its origin. `preset` is sound itself."""
    taken = [key for key in JOB_KEYS if key in node.value]
    if taken:
        return None, [_problem(node, (key,), f"comes from the study's {key}s: it cannot be set here") for key in taken]
    weights, found = weights_keys(node.plain())
    fixed = {"dataset": dataset, "seed": seed} | weights
    early = [_problem(node, problem.path, problem.message) for problem in found]
    try:
        config = _parse(node.plain() | fixed)
    except ValidationError as error:
        mistakes = list(explain(error, TrainConfig, JOB_KEYS))
        tree = node.plain()
        for path, _ in mistakes:
            tree = restore(tree, preset, path)
        problems = [_problem(node, path, message) for path, message in mistakes]
        return None, early + problems + _deeper_problems(node, _parse(tree | fixed))
    problems = early + _deeper_problems(node, config)
    return (config if problems else _with_capacity(config)), problems


def _with_capacity(config: TrainConfig) -> TrainConfig:
    """With the widths that are solved for, if capacity is moved."""
    if config.network.capacity == CapacityConfig():
        return config
    from r3gan.training.capacity import solved  # loads torch

    return replace(config, network=solved(config.network))


def weights_keys(tree: Tree) -> tuple[Tree, list[Problem]]:
    """Place and hash of the weights that a tree says training begins with, if any; and what is wrong with them.

    Where the hash is given, the weights may be gone: a training that has begun can go on without.
    """
    path, expected = tree.get("init_from"), tree.get("init_content")
    if not isinstance(path, str):
        return {}, []
    from r3gan.initial_weights import BadWeights, weights_content  # loads torch

    source, none = Path(path).resolve(), {"init_from": None, "init_content": None}
    if isinstance(expected, str) and not source.exists():
        return {"init_from": str(source)}, []
    try:
        content = weights_content(source)
    except BadWeights as error:
        return none, [Problem(("init_from",), str(error))]
    if expected not in (None, content):
        return none, [Problem(("init_content",), f"{expected} was expected, but {source} holds {content}")]
    return {"init_from": str(source), "init_content": content}, []


def _parse(tree: Tree) -> TrainConfig:
    return _ADAPTER.validate_json(json.dumps(tree), strict=True)


def _deeper_problems(node: Node, config: TrainConfig) -> list[SettingProblem]:
    """What cannot work in a tree of the right types, which gives this configuration."""
    return [_problem(node, problem.path, problem.message) for problem in find_problems(config)]


def _problem(node: Node, path: KeyPath, message: str) -> SettingProblem:
    origin = node.origin_at(path)
    named = f".{origin.key}".endswith(f".{dotted(path)}")
    return SettingProblem(origin.where, origin.key, message if named else f"{dotted(path)} {message}")
