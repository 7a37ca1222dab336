"""What is wrong with the search space of a `tune` section."""

from collections.abc import Iterator
from typing import Any

from experiments.study.problems import StudyProblem
from experiments.study.yamlfile import Document
from experiments.tuning.parameter import KINDS, Parameter
from r3gan.settings.layers import split_key
from r3gan.settings.typed import JOB_KEYS
from r3gan.tables.lookup import unknown_message

NOT_SEARCHED = {
    **dict.fromkeys(JOB_KEYS, "comes from the study's datasets and from tune.seeds"),
    "preset": "belongs to the dataset",
    "x_flip": "changes the data: trials on other data cannot be compared",
    "evaluation": "changes how trials are measured: they could not be compared",
    "total_kimg": "changes what a trial costs: set it in the profile that is tuned",
    "log_every_kimg": "does not change the result",
    "checkpoint_every_kimg": "does not change the result",
}


def spec_problems(key: str, spec: Any) -> Iterator[str]:
    """What is wrong with one parameter by itself."""
    first = key.split(".")[0]
    if first in NOT_SEARCHED:
        yield f"cannot be searched: {first} {NOT_SEARCHED[first]}"
    by_key = {row.section_key: row for row in KINDS.values()}
    given = [key for key in by_key if key in spec.model_fields_set]
    if len(given) != 1:
        yield f"needs exactly one of {', '.join(by_key)}, and has {' and '.join(given) or 'none'}"
        return
    row, value = by_key[given[0]], getattr(spec, given[0])
    if spec.step is not None and not row.takes_step:
        stepped = " and ".join(key for key, other in by_key.items() if other.takes_step)
        yield f"step goes with {stepped} only"
    yield from row.problems(value, spec.step)


def overlap_problems(parameters: list[Parameter], document: Document) -> Iterator[StudyProblem]:
    """Two keys that set the same thing: equal but for their spelling, or one a plain value around the other."""
    paths = {p.key: split_key(p.key) for p in parameters}
    for i, p in enumerate(parameters):
        for other in parameters[:i]:
            mine, its = sorted((paths[p.key], paths[other.key]), key=len)
            outer = p if paths[p.key] == mine else other
            plain = not any(isinstance(v, (list, dict)) for v in [*outer.choices.values(), outer.value])
            if its[: len(mine)] == mine and (plain or len(its) == len(mine)):
                yield document.problem(p.place, f"{p.key} and {other.key} set the same: search one of them")


def condition_problems(parameters: list[Parameter], document: Document) -> Iterator[StudyProblem]:
    """Keys that are searched under a condition that cannot be met."""
    by_key = {p.key: p for p in parameters}
    choosing = [p.key for p in parameters if p.row.has_conditions]
    for p in parameters:
        for parent, values in p.when.items():
            if parent not in choosing:
                yield document.problem(p.place, f"when: {unknown_message('searched choice', parent, choosing)}")
                continue
            if not values or any(isinstance(value, (list, dict)) for value in values):
                yield document.problem(p.place, f"when: {parent}: a value was expected, or a list of values")
                continue
            for value in values:
                if value not in by_key[parent].choices:
                    yield document.problem(p.place, f"when: {unknown_message(parent, value, by_key[parent].choices)}")
        if _depends_on_itself(p, by_key):
            yield document.problem(p.place, "when: depends on itself")


def _depends_on_itself(p: Parameter, by_key: dict[str, Parameter]) -> bool:
    seen: set[str] = set()
    waiting = list(p.when)
    while waiting:
        key = waiting.pop()
        if key not in seen and key in by_key:
            seen.add(key)
            waiting += by_key[key].when
    return p.key in seen
