"""From the layers of a study to one configuration: presets, baseline, dataset, profile, variant, command line.

Later layers win. Every key remembers the layer that set it, so that an error names the line to mend.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from experiments.study.problems import StudyError, StudyProblem
from experiments.study.study import JOB_KEYS, Study, Tree
from experiments.study.validation import explain, restore
from experiments.study.yamlfile import KeyPath, dotted
from r3gan.config import TrainConfig
from r3gan.config_checks import find_problems
from r3gan.config_json import from_dict
from r3gan.preset_choice import PresetChoice
from r3gan.presets import row_tree

SET_OPTION = "--set"
_ADAPTER = TypeAdapter(TrainConfig)


@dataclass(frozen=True)
class Origin:
    """Where a key was set, for the user: "ablations.yaml:12" or an option, and the key as it stands there."""

    where: str
    key: str


@dataclass(frozen=True)
class Node:
    """A value and where it was set: a mapping of further nodes, or anything else as a whole."""

    value: Any
    origin: Callable[[KeyPath], Origin]  # of a path below this node

    def plain(self) -> Any:
        """The value without origins."""
        return {key: node.plain() for key, node in self.value.items()} if isinstance(self.value, dict) else self.value

    def origin_at(self, path: KeyPath) -> Origin:
        """Where the value at a path, or what holds it, was set."""
        if path and isinstance(self.value, dict) and path[0] in self.value:
            return self.value[path[0]].origin_at(path[1:])
        return self.origin(path)


def annotate(tree: Any, origin: Callable[[KeyPath], Origin], path: KeyPath = ()) -> Node:
    """A layer as nodes; `origin` says where a path of the layer was set."""
    tree = _constant_schedule(path, tree)
    value = {k: annotate(v, origin, (*path, k)) for k, v in tree.items()} if isinstance(tree, dict) else tree
    return Node(value, lambda rest: origin((*path, *rest)))


def merge(below: Node, above: Node) -> Node:
    """Two layers as one: mappings key by key, everything else as a whole, the upper one wins."""
    if not (isinstance(below.value, dict) and isinstance(above.value, dict)):
        return above
    merged = {key: merge(below.value[key], node) if key in below.value else node for key, node in above.value.items()}
    return Node({**below.value, **merged}, above.origin)


def resolve(study: Study, dataset: str, profile: str, variant: str, settings: Tree) -> Node:
    """The configuration tree of a job, without its dataset and seed. `settings` are dotted keys from the command line.

    Raises StudyError if a setting points into a list at an entry that is not there.
    """
    doc = study.document

    def in_file(*section: str) -> Callable[[KeyPath], Origin]:
        return lambda path: Origin(doc.where((*section, *path)), dotted((*section, *path)))

    preset = Origin(doc.where(("datasets", dataset, "preset")), f"datasets.{dataset}.preset")
    node = annotate(whole_preset(study.datasets[dataset]), lambda path: preset)
    sections = [("baseline",), ("datasets", dataset), ("profiles", profile)]
    sections += [("variants", name) for name in flatten_includes(study, variant)]
    for section in sections:
        node = merge(node, annotate(study.section(*section), in_file(*section)))
    for key, value in settings.items():
        node = override(node, key, value, lambda path: Origin(SET_OPTION, dotted(path)))
    return node


def override(node: Node, key: str, value: Any, origin: Callable[[KeyPath], Origin]) -> Node:
    """The tree with the value at a dotted key replaced; a number in the key is a position in a list.

    Raises StudyError if the key points into a list at an entry that is not there.
    """
    layer = _nested(node.plain(), split_key(key), value, key, origin)
    return merge(node, annotate(layer, origin))


def split_key(key: str) -> KeyPath:
    """The path of a dotted key: loss.1.margin is ("loss", 1, "margin")."""
    return tuple(int(part) if part.isascii() and part.isdecimal() else part for part in key.split("."))


def whole_preset(choice: PresetChoice) -> Tree:
    """The preset with every default filled in."""
    config = asdict(from_dict(TrainConfig, row_tree(choice.row()) | dict.fromkeys(JOB_KEYS)))
    return {key: value for key, value in config.items() if key not in JOB_KEYS}


def flatten_includes(study: Study, variant: str) -> list[str]:
    """The variant and all that it includes, each once, included ones first."""
    order: list[str] = []
    for name in study.includes[variant]:
        order += [n for n in flatten_includes(study, name) if n not in order]
    return [*order, variant] if variant in study.document.data.get("variants", {}) else order


def conflicts(study: Study, variant: str) -> list[StudyProblem]:
    """Keys that two included variants set differently, where the variant itself does not decide."""
    own = _whole_values(study.section("variants", variant)) if study.includes[variant] else {}
    seen: dict[KeyPath, tuple[str, Any]] = {}
    problems = []
    for name in flatten_includes(study, variant)[:-1]:
        for path, value in _whole_values(study.section("variants", name)).items():
            other, before = seen.setdefault(path, (name, value))
            if before != value and path not in own and other not in flatten_includes(study, name):
                problems.append(
                    study.document.problem(
                        ("variants", variant, "include"),
                        f"{other} and {name} set {dotted(path)} differently: set it in {variant} itself",
                    )
                )
    return problems


def _whole_values(section: Tree) -> dict[KeyPath, Any]:
    """What merging replaces as a whole, by path: lists too, and the parts of schedules given as a number."""
    expanded = annotate(section, lambda path: Origin("", "")).plain()
    leaves: dict[KeyPath, Any] = {}
    for path, value in flatten(expanded).items():
        short = next((path[:i] for i, key in enumerate(path) if isinstance(key, int)), path)
        leaves.setdefault(short, []).append((path, value))
    return leaves


def validate(node: Node, preset: Tree, dataset: str, seed: int) -> tuple[TrainConfig | None, list[StudyProblem]]:
    """The typed configuration of a job, or what is wrong with it, each with its origin. `preset` is sound itself."""
    taken = [key for key in JOB_KEYS if key in node.value]
    if taken:
        return None, [_problem(node, (key,), f"comes from the study's {key}s: it cannot be set here") for key in taken]
    fixed = {"dataset": dataset, "seed": seed}
    try:
        config = _parse(node.plain() | fixed)
    except ValidationError as error:
        mistakes = list(explain(error, TrainConfig))
        tree = node.plain()
        for path, _ in mistakes:
            tree = restore(tree, preset, path)
        problems = [_problem(node, path, message) for path, message in mistakes]
        return None, problems + _deeper_problems(node, tree | fixed)
    return config, _deeper_problems(node, node.plain() | fixed)


def _parse(tree: Tree) -> TrainConfig:
    return _ADAPTER.validate_json(json.dumps(tree), strict=True)


def _deeper_problems(node: Node, tree: Tree) -> list[StudyProblem]:
    """What cannot work in a tree of the right types."""
    return [_problem(node, problem.path, problem.message) for problem in find_problems(_parse(tree))]


def flatten(tree: Any, path: KeyPath = ()) -> dict[KeyPath, Any]:
    """Nested mappings, and lists of mappings, as {path: leaf}; other lists are leaves."""
    if isinstance(tree, dict) and tree:
        items: Any = tree.items()
    elif isinstance(tree, (list, tuple)) and tree and isinstance(tree[0], dict):
        items = enumerate(tree)
    else:
        return {path: list(tree) if isinstance(tree, tuple) else tree}
    return {p: leaf for key, value in items for p, leaf in flatten(value, (*path, key)).items()}


def leaves(config: TrainConfig) -> dict[str, Any]:
    """A configuration as {dotted key: value}, without the keys that are not set."""
    return {dotted(path): value for path, value in flatten(asdict(config)).items() if value is not None}


def _problem(node: Node, path: KeyPath, message: str) -> StudyProblem:
    origin = node.origin_at(path)
    named = f".{origin.key}".endswith(f".{dotted(path)}")
    return StudyProblem(origin.where, origin.key, message if named else f"{dotted(path)} {message}")


def _nested(tree: Any, path: KeyPath, value: Any, key: str, origin: Callable[[KeyPath], Origin]) -> Any:
    """The layer that sets one path: mappings around the value, and whole copies of the lists on the way."""
    if not path:
        return value
    first, rest = path[0], path[1:]
    if isinstance(tree, (list, tuple)):
        if not isinstance(first, int) or first >= len(tree):
            place = origin(split_key(key))
            message = f"{first} is not an entry of the list of {len(tree)}"
            raise StudyError([StudyProblem(place.where, place.key, message)])
        entry = _nested(tree[first], rest, value, key, origin)
        if isinstance(entry, dict) and isinstance(tree[first], dict):
            entry = tree[first] | entry
        return [entry if i == first else item for i, item in enumerate(tree)]
    return {first: _nested(tree.get(first) if isinstance(tree, dict) else None, rest, value, key, origin)}


def _constant_schedule(path: KeyPath, value: Any) -> Any:
    """A schedule given as one number is constant."""
    if len(path) == 2 and path[0] == "schedules" and isinstance(value, (int, float)) and not isinstance(value, bool):
        return {"start": value, "end": value, "decay_img": 0, "warmup_img": 0}
    return value
