"""From the `space` of a `tune` section to the parameters that are searched."""

from collections.abc import Iterable, Iterator
from typing import Any

from experiments.study.problems import StudyError, StudyProblem
from experiments.study.tune_section import ParameterSection, SpaceSection
from experiments.study.yamlfile import Document
from experiments.tuning.parameter import KINDS, Parameter
from experiments.tuning.ready_spaces import READY
from experiments.tuning.space import Space
from experiments.tuning.space_checks import condition_problems, overlap_problems, spec_problems
from r3gan.config import TrainConfig
from r3gan.settings.values import KeyPath
from r3gan.tables.lookup import unknown_message

SPACE: KeyPath = ("tune", "space")


def read_space(section: SpaceSection, config: TrainConfig, document: Document) -> Space:
    """The space of a `tune` section for one configuration. Raises StudyError with all that is wrong with it."""
    problems: list[StudyProblem] = []
    specs: dict[str, tuple[Any, KeyPath]] = {}
    for i, name in enumerate(section.include):
        place = (*SPACE, "include", i)
        if name not in READY:
            problems.append(document.problem(place, unknown_message("space", name, READY)))
            continue
        specs |= {key: (ParameterSection.model_validate(spec), place) for key, spec in READY[name](config).items()}
    for key, spec in (section.__pydantic_extra__ or {}).items():
        if spec is not None:
            ready = {other for other, (_, place) in specs.items() if place[2] == "include"}
            replaced = {o for o in ready if o == key or o.startswith(f"{key}.") or key in specs[o][0].when}
            specs = {other: entry for other, entry in specs.items() if other not in replaced}
            specs[key] = spec, (*SPACE, key)
        elif key not in specs:
            problems.append(document.problem((*SPACE, key), unknown_message("key to take out:", key, specs)))
        else:
            specs = {other: entry for other, entry in specs.items() if other != key and key not in entry[0].when}
    parameters = []
    for key, (spec, place) in specs.items():
        found = [document.problem(place, message) for message in spec_problems(key, spec)]
        problems += found
        if not found:
            parameters.append(_parameter(key, spec, place))
    problems += [*condition_problems(parameters, document), *overlap_problems(parameters, document)]
    if not problems and not any(p.row.is_searched for p in parameters):
        problems.append(document.problem(SPACE, "is empty: name a key to search, or include: [loss-schedule]"))
    if problems:
        raise StudyError(problems)
    return Space(tuple(_parents_first(parameters)))


def _parameter(key: str, spec: Any, place: KeyPath) -> Parameter:
    name = next(name for name, row in KINDS.items() if row.section_key in spec.model_fields_set)
    fields = KINDS[name].fields(getattr(spec, KINDS[name].section_key))
    when = {parent: tuple(v) if isinstance(v, list) else (v,) for parent, v in spec.when.items()}
    return Parameter(key=key, kind=name, step=spec.step, when=when, place=place, **fields)


def _parents_first(parameters: Iterable[Parameter]) -> Iterator[Parameter]:
    """The same parameters, in the file's order but for those that come before what they depend on."""
    waiting, done = list(parameters), set[str]()
    while waiting:
        ready = next(p for p in waiting if set(p.when) <= done)
        waiting.remove(ready)
        done.add(ready.key)
        yield ready
