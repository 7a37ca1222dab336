"""Search spaces: what each searched key may be, what Optuna is told of it, and what a trial then sets."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from experiments.study.problems import StudyError, StudyProblem, unknown
from experiments.study.resolve import split_key
from experiments.study.study import JOB_KEYS
from experiments.study.tune_section import Parameter as Spec
from experiments.study.tune_section import Space as Section
from experiments.study.yamlfile import Document, KeyPath
from experiments.tuning.ready_spaces import READY
from r3gan.config import TrainConfig

Kind = Literal["uniform", "log", "int", "log-int", "choice", "value"]
KINDS: dict[str, Kind] = {
    "uniform": "uniform", "log": "log", "int": "int", "log_int": "log-int", "choice": "choice", "value": "value",
}  # fmt: skip
SPACE: KeyPath = ("tune", "space")
NOT_SEARCHED = {
    **dict.fromkeys(JOB_KEYS, "comes from the study's datasets and from tune.seeds"),
    "preset": "belongs to the dataset",
    "x_flip": "changes the data: trials on other data cannot be compared",
    "evaluation": "changes how trials are measured: they could not be compared",
    "total_kimg": "changes what a trial costs: set it in the profile that is tuned",
    "log_every_kimg": "does not change the result",
    "checkpoint_every_kimg": "does not change the result",
}


@dataclass(frozen=True)
class Parameter:
    """One searched key."""

    key: str
    kind: Kind
    low: float | None
    high: float | None
    step: float | None
    choices: dict[str | float | bool, Any]  # what Optuna knows -> the configuration's value
    when: dict[str, tuple[Any, ...]]  # searched only if each of these other parameters has one of these values
    value: Any  # of kind `value`
    place: KeyPath  # in the study file

    @property
    def distribution(self) -> BaseDistribution | None:
        """What Optuna is told; None for a fixed value."""
        if self.kind == "choice":
            return CategoricalDistribution(tuple(self.choices))
        if self.kind == "value":
            return None
        assert self.low is not None
        assert self.high is not None
        log = self.kind.startswith("log")
        if self.kind in ("int", "log-int"):
            return IntDistribution(int(self.low), int(self.high), log, int(self.step or 1))
        return FloatDistribution(self.low, self.high, log, self.step)

    def is_active(self, chosen: dict[str, Any]) -> bool:
        """Whether it is searched, given the parameters that come before it."""
        return all(chosen.get(key) in values for key, values in self.when.items())

    def setting(self, chosen: Any) -> Any:
        """The configuration's value for a value that Optuna knows."""
        return self.choices[chosen] if self.kind == "choice" else self.value if self.kind == "value" else chosen

    def corners(self) -> list[Any]:
        """The values at the edges of what it may be."""
        return [] if self.kind == "value" else list(self.choices) if self.kind == "choice" else [self.low, self.high]


@dataclass(frozen=True)
class Space:
    """All searched keys, each after those that it depends on."""

    parameters: tuple[Parameter, ...]

    def suggest(self, trial: Any) -> dict[str, Any]:
        """Let a trial choose. Returns the value of every active parameter, as Optuna knows it, fixed values too."""
        chosen: dict[str, Any] = {}
        for p in self.parameters:
            if p.is_active(chosen):
                chosen[p.key] = _suggest(trial, p)
        return chosen

    def settings(self, chosen: dict[str, Any]) -> list[tuple[Parameter, Any]]:
        """What the chosen values set in the configuration, in the order in which it is to be set."""
        found = [(p, p.setting(chosen[p.key])) for p in self.parameters if p.key in chosen]
        return sorted(found, key=lambda entry: entry[0].key.count("."))  # a whole list before its entries

    def activating(self, p: Parameter) -> dict[str, Any]:
        """Choices of other parameters under which a parameter is searched."""
        by_key = {other.key: other for other in self.parameters}
        chosen: dict[str, Any] = {}
        for key, values in p.when.items():
            chosen |= self.activating(by_key[key]) | {key: values[0]}
        return chosen

    @property
    def searched(self) -> tuple[Parameter, ...]:
        """The parameters that Optuna knows."""
        return tuple(p for p in self.parameters if p.kind != "value")


def _suggest(trial: Any, p: Parameter) -> Any:
    if p.kind == "choice":
        return trial.suggest_categorical(p.key, tuple(p.choices))
    if p.kind == "value":
        return p.value
    log = p.kind.startswith("log")
    if p.kind in ("int", "log-int"):
        return trial.suggest_int(p.key, int(p.low or 0), int(p.high or 0), step=int(p.step or 1), log=log)
    return trial.suggest_float(p.key, p.low, p.high, step=p.step, log=log)


def read_space(section: Section, config: TrainConfig, document: Document) -> Space:
    """The space of a `tune` section for one configuration. Raises StudyError with all that is wrong with it."""
    problems: list[StudyProblem] = []
    specs: dict[str, tuple[Any, KeyPath]] = {}
    for i, name in enumerate(section.include):
        place = (*SPACE, "include", i)
        if name not in READY:
            problems.append(document.problem(place, unknown("space", name, READY)))
            continue
        specs |= {key: (Spec.model_validate(spec), place) for key, spec in READY[name](config).items()}
    for key, spec in (section.__pydantic_extra__ or {}).items():
        if spec is not None:
            ready = {other for other, (_, place) in specs.items() if place[2] == "include"}
            replaced = {o for o in ready if o == key or o.startswith(f"{key}.") or key in specs[o][0].when}
            specs = {other: entry for other, entry in specs.items() if other not in replaced}
            specs[key] = spec, (*SPACE, key)
        elif key not in specs:
            problems.append(document.problem((*SPACE, key), unknown("key to take out:", key, specs)))
        else:
            specs = {other: entry for other, entry in specs.items() if other != key and key not in entry[0].when}
    parameters = []
    for key, (spec, place) in specs.items():
        found = [document.problem(place, message) for message in _spec_problems(key, spec)]
        problems += found
        if not found:
            parameters.append(_parameter(key, spec, place))
    problems += [*_condition_problems(parameters, document), *_overlap_problems(parameters, document)]
    if not problems and not any(p.kind != "value" for p in parameters):
        problems.append(document.problem(SPACE, "is empty: name a key to search, or include: [loss-schedule]"))
    if problems:
        raise StudyError(problems)
    return Space(tuple(_parents_first(parameters)))


def _spec_problems(key: str, spec: Any) -> Iterator[str]:
    """What is wrong with one parameter by itself."""
    first = key.split(".")[0]
    if first in NOT_SEARCHED:
        yield f"cannot be searched: {first} {NOT_SEARCHED[first]}"
    given = [name for name in KINDS if name in spec.model_fields_set]
    if len(given) != 1:
        yield f"needs exactly one of {', '.join(KINDS)}, and has {' and '.join(given) or 'none'}"
        return
    kind, value = given[0], getattr(spec, given[0])
    if spec.step is not None and kind not in ("uniform", "int"):
        yield "step goes with uniform and int only"
    if kind == "choice":
        yield from _choice_problems(value)
    elif kind != "value":
        yield from _range_problems(kind, value, spec.step)


def _choice_problems(value: Any) -> Iterator[str]:
    if not isinstance(value, (list, dict)) or not value:
        yield f"choice: {value!r} is not a list of plain values or a mapping of names to values"
    elif not all(isinstance(name, (str, int, float)) for name in value if not isinstance(name, (list, dict))):
        odd = next(name for name in value if not isinstance(name, (str, int, float, list, dict)))
        yield f"choice: {odd!r} is neither text nor a number: put it into quotes"
    elif isinstance(value, list):
        unnamed = [item for item in value if isinstance(item, (list, dict))]
        if unnamed:
            yield f"choice: give {unnamed[0]} a name: `choice: {{NAME: {unnamed[0]}}}`"
        elif len(set(value)) != len(value):
            yield "choice: a value is given twice"


def _range_problems(kind: str, value: Any, step: float | None) -> Iterator[str]:
    if not isinstance(value, list) or len(value) != 2:
        yield f"{kind}: {value} is not a pair [low, high]"
        return
    low, high = value
    if not (math.isfinite(low) and math.isfinite(high)):
        yield f"{kind}: {low:g} to {high:g} is not a finite range"
    elif not low < high:
        yield f"{kind}: the low end {low:g} is not below the high end {high:g}"
    elif kind.startswith("log") and low <= 0:
        yield f"{kind}: the low end {low:g} must be above 0 on a logarithmic scale"
    elif kind == "log_int" and low < 1:
        yield f"{kind}: the low end {low:g} must be 1 or more"
    if step is not None and (not step > 0 or step > high - low or (kind == "int" and step != int(step))):
        yield f"step: {step:g} does not fit between {low:g} and {high:g}"
    elif step is not None and abs((high - low) / step - round((high - low) / step)) > 1e-9:
        reached = low + (high - low) // step * step
        yield f"step: from {low:g} in steps of {step:g}, {reached:g} is reached and {high:g} is not"


def _parameter(key: str, spec: Any, place: KeyPath) -> Parameter:
    name = next(name for name in KINDS if name in spec.model_fields_set)
    value = getattr(spec, name)
    low, high = value if KINDS[name] not in ("choice", "value") else (None, None)
    choices: dict[Any, Any] = {}
    if name == "choice":
        choices = value if isinstance(value, dict) else {item: item for item in value}
    when = {parent: tuple(v) if isinstance(v, list) else (v,) for parent, v in spec.when.items()}
    return Parameter(key, KINDS[name], low, high, spec.step, choices, when, value if name == "value" else None, place)


def _overlap_problems(parameters: list[Parameter], document: Document) -> Iterator[StudyProblem]:
    """Two keys that set the same thing: equal but for their spelling, or one a plain value around the other."""
    paths = {p.key: split_key(p.key) for p in parameters}
    for i, p in enumerate(parameters):
        for other in parameters[:i]:
            mine, its = sorted((paths[p.key], paths[other.key]), key=len)
            outer = p if paths[p.key] == mine else other
            plain = not any(isinstance(v, (list, dict)) for v in [*outer.choices.values(), outer.value])
            if its[: len(mine)] == mine and (plain or len(its) == len(mine)):
                yield document.problem(p.place, f"{p.key} and {other.key} set the same: search one of them")


def _condition_problems(parameters: list[Parameter], document: Document) -> Iterator[StudyProblem]:
    by_key = {p.key: p for p in parameters}
    choosing = [p.key for p in parameters if p.kind == "choice"]
    for p in parameters:
        for parent, values in p.when.items():
            if parent not in choosing:
                yield document.problem(p.place, f"when: {unknown('searched choice', parent, choosing)}")
                continue
            if not values or any(isinstance(value, (list, dict)) for value in values):
                yield document.problem(p.place, f"when: {parent}: a value was expected, or a list of values")
                continue
            for value in values:
                if value not in by_key[parent].choices:
                    yield document.problem(p.place, f"when: {unknown(parent, value, by_key[parent].choices)}")
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


def _parents_first(parameters: Iterable[Parameter]) -> Iterator[Parameter]:
    """The same parameters, in the file's order but for those that come before what they depend on."""
    waiting, done = list(parameters), set[str]()
    while waiting:
        ready = next(p for p in waiting if set(p.when) <= done)
        waiting.remove(ready)
        done.add(ready.key)
        yield ready
