"""From the layers of a study to one configuration: presets, baseline, dataset, profile, variant, command line.

Later layers win. Every key remembers the layer that set it, so that an error names the line to mend.
"""

from typing import Any

from experiments.study.problems import StudyProblem
from experiments.study.study import Study
from r3gan.settings.layers import Node, Origin, annotate, merge, override
from r3gan.settings.leaves import flatten
from r3gan.settings.options import SET_OPTION
from r3gan.settings.typed import Tree, whole_preset
from r3gan.settings.values import KeyPath, dotted


def resolve(study: Study, dataset: str, profile: str, variant: str, settings: Tree) -> Node:
    """The configuration tree of a job, without its dataset and seed. `settings` are dotted keys from the command line.

    Raises StudyError if a setting points into a list at an entry that is not there.
    """
    return with_variant(study, below_variants(study, dataset, profile), variant, settings)


def below_variants(study: Study, dataset: str, profile: str) -> Node:
    """The layers that every variant lies on."""
    preset = Origin(study.document.where(("datasets", dataset, "preset")), f"datasets.{dataset}.preset")
    node = annotate(whole_preset(study.datasets[dataset]), lambda path: preset)
    for section in (("baseline",), ("datasets", dataset), ("profiles", profile)):
        node = merge(node, _section(study, *section))
    return node


def with_variant(study: Study, below: Node, variant: str, settings: Tree) -> Node:
    """What `resolve` makes, on the layers that are below every variant."""
    node = below
    for name in flatten_includes(study, variant):
        node = merge(node, _section(study, "variants", name))
    for key, value in settings.items():
        node = override(node, key, value, lambda path: Origin(SET_OPTION, dotted(path)))
    return node


def _section(study: Study, *section: str) -> Node:
    """A section of the study file, each key with its line."""
    where = study.document.where
    return annotate(study.section(*section), lambda path: Origin(where((*section, *path)), dotted((*section, *path))))


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
