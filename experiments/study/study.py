"""The study file: its sections, and everything about them that can be checked without expanding it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from experiments.design import Claim, CollapseRule, Expectation, SeedRule
from experiments.names import BASELINE
from experiments.study.execution_section import Resources, resource_problems
from experiments.study.problems import StudyError, StudyProblem
from experiments.study.seeds import SeedsSection, read_seeds, rule_problems
from experiments.study.tune_section import Tuned, TuneSection, section_problems
from experiments.study.yamlfile import Document, read_document
from r3gan.preset_choice import PresetChoice, choice_problems
from r3gan.settings.typed import Tree
from r3gan.settings.validation import explain, restore
from r3gan.settings.values import KeyPath
from r3gan.tables.lookup import unknown_message
from r3gan.tables.metrics import judged

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
NAME_RULE = "a name holds only letters, digits, dots, dashes and underscores"
NAMED = ("variants", "datasets", "profiles")  # sections whose keys are names that others refer to
LONGEST_NAME = 200  # file systems take 255, and seeds and identities are added


class _Section(BaseModel):
    """A section whose other keys are configuration keys (`r3gan.config.TrainConfig`)."""

    model_config = ConfigDict(extra="allow", strict=True)


class _Variant(_Section):
    include: list[str] = []
    tuned: Tuned | None = None


class _Preset(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    like: str
    resolution: int | None = None


def _as_preset(value: Any) -> Any:
    return value if isinstance(value, dict) else {"like": value}


class _Dataset(_Section):
    preset: Annotated[_Preset, BeforeValidator(_as_preset)]  # a name alone is that row as it is


class _Profile(_Section):
    datasets: list[str]
    variants: list[str] | None = None
    seeds: Any = None  # read by experiments/study/seeds.py


class _Collapse(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    factor: float = Field(default=CollapseRule.factor, ge=1, allow_inf_nan=False)
    spreads: float = Field(default=CollapseRule.spreads, ge=0, allow_inf_nan=False)
    at_least: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    worse_than: float | None = Field(default=None, allow_inf_nan=False)


class _Claim(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    says: str
    expects: Expectation
    source: str = Claim.source
    at_least: float | None = Field(default=None, gt=0, allow_inf_nan=False)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    study: str
    primary: str | list[str] = []
    collapse: _Collapse = _Collapse()
    claims: dict[str, _Claim] = {}
    profile: str
    baseline: dict[str, Any] | None = None
    variants: dict[str, _Variant] = {}
    datasets: dict[str, _Dataset]
    seeds: Any = [0]  # read by experiments/study/seeds.py
    profiles: dict[str, _Profile]
    tune: TuneSection | None = None
    execution: Resources = Resources()


@dataclass(frozen=True, kw_only=True)
class Study:
    """A study file that is sound in itself. Its configuration keys are checked when a plan resolves them."""

    document: Document
    name: str
    default_profile: str
    datasets: dict[str, PresetChoice]
    includes: dict[str, list[str]]  # variant -> variants it includes; the baseline first, including nothing
    profiles: dict[str, "Profile"]
    primary: list[str]  # names of numbers; a dataset is judged by the first that its jobs record
    collapse: CollapseRule
    claims: dict[str, Claim]  # by variant
    tuning_seeds: dict[str, set[int]]  # variant -> seeds on which it, or a variant that it includes, was tuned
    tune: TuneSection | None  # the section as it stands; see experiments/tuning
    execution: Resources  # what its jobs ask of a machine

    def section(self, *path: str) -> Tree:
        """The configuration keys that the section at this path sets."""
        node: Any = self.document.data
        for key in path:
            node = (node or {}).get(key)
        return {key: value for key, value in (node or {}).items() if key not in SPECIAL_KEYS.get(path[0], ())}


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Which part of the study runs."""

    name: str
    datasets: list[str]
    variants: list[str]
    seeds: list[int]  # with a rule: as many as there can be
    seed_rule: SeedRule | None  # None: all of the seeds run
    rule_metric: str | None  # the number that the rule names


SPECIAL_KEYS = {
    "variants": tuple(_Variant.model_fields),
    "datasets": tuple(_Dataset.model_fields),
    "profiles": tuple(_Profile.model_fields),
}


def read_study(file: Path | str) -> Study:
    """Read and check a study file. Raises StudyError with every problem found."""
    document = read_document(Path(file))
    problems: list[StudyProblem] = []
    try:
        parsed = _File.model_validate(document.data)
    except ValidationError as error:
        mistakes = list(explain(error, _File))
        problems = [document.problem(path, message) for path, message in mistakes]
        if any(len(path) == 1 and path[0] in NAMED for path, _ in mistakes):  # too little is left to look further
            raise StudyError(problems) from error
        tree = document.data
        for path, _ in mistakes:
            tree = restore(tree, {}, path)
        try:
            parsed = _File.model_validate(tree)
        except ValidationError:
            raise StudyError(problems) from error
    problems += dict.fromkeys(_reference_problems(document, parsed))  # profiles may share a rule for seeds
    if problems:
        raise StudyError(problems)
    includes: dict[str, list[str]] = {BASELINE: []} | {
        name: variant.include for name, variant in parsed.variants.items()
    }
    profiles = {name: _profile(document, parsed, name, list(includes)) for name in parsed.profiles}
    return Study(
        document=document,
        name=parsed.study,
        default_profile=parsed.profile,
        datasets={name: _choice(dataset) for name, dataset in parsed.datasets.items()},
        includes=includes,
        profiles=profiles,
        primary=[parsed.primary] if isinstance(parsed.primary, str) else parsed.primary,
        collapse=CollapseRule(**parsed.collapse.model_dump()),
        claims={variant: Claim(**claim.model_dump()) for variant, claim in parsed.claims.items()},
        tuning_seeds={name: set(_tuning_seeds(name, parsed.variants)) for name in parsed.variants},
        tune=parsed.tune,
        execution=parsed.execution,
    )


def _choice(dataset: _Dataset) -> PresetChoice:
    return PresetChoice(dataset.preset.like, dataset.preset.resolution)


def _profile(document: Document, parsed: _File, name: str, all_variants: list[str]) -> Profile:
    section = parsed.profiles[name]
    seeds = read_seeds(*_seeds_of(document, parsed, name))[0]
    variants = all_variants if section.variants is None else section.variants
    section_of_seeds = seeds if isinstance(seeds, SeedsSection) else None
    return Profile(
        name=name,
        datasets=section.datasets,
        variants=variants,
        seeds=list(range(seeds.max)) if isinstance(seeds, SeedsSection) else seeds,
        seed_rule=section_of_seeds.rule(section.datasets, variants) if section_of_seeds else None,
        rule_metric=section_of_seeds.metric if section_of_seeds else None,
    )


def _seeds_of(document: Document, parsed: _File, profile: str) -> tuple[Any, Document, KeyPath]:
    """The profile's own, or the file's."""
    own = parsed.profiles[profile].seeds
    return (parsed.seeds, document, ("seeds",)) if own is None else (own, document, ("profiles", profile, "seeds"))


def name_problem(name: str) -> str:
    """Why a name cannot stand for a folder; empty if it can."""
    if len(name) > LONGEST_NAME:
        return f"a name of {len(name)} characters is too long for a folder: {LONGEST_NAME} at most"
    return "" if NAME.fullmatch(name) else NAME_RULE


def shown(name: str) -> str:
    """A name that may be of any length, and hold anything."""
    return name if name.isprintable() and len(name) <= LONGEST_NAME else f"{name[:40]!r}{'...' * (len(name) > 40)}"


def _reference_problems(document: Document, parsed: _File) -> Iterator[StudyProblem]:
    """Names that are none, or not those of sections in the file: also of sections in which something else is wrong."""

    def check(path: KeyPath, kind: str, name: object, valid: Any) -> Iterator[StudyProblem]:
        if name not in valid:
            yield document.problem(path, unknown_message(kind, name, valid))

    names = {section: list(document.data.get(section) or ()) for section in NAMED}
    variants, datasets, profiles = [BASELINE, *names["variants"]], names["datasets"], names["profiles"]
    if BASELINE in parsed.variants:
        yield document.problem(("variants", BASELINE), "the baseline has a section of its own: `baseline`")
    for section in NAMED:
        for name in getattr(parsed, section):
            if problem := name_problem(name):
                yield StudyProblem(document.where((section, name)), f"{section}.{shown(name)}", problem)
    if problem := name_problem(parsed.study):
        yield document.problem(("study",), problem)
    yield from check(("profile",), "profile", parsed.profile, profiles)
    for i, number in enumerate([parsed.primary] if isinstance(parsed.primary, str) else parsed.primary):
        at: KeyPath = ("primary",) if isinstance(parsed.primary, str) else ("primary", i)
        yield from check(at, "metric", number, judged())
    for name in parsed.claims:
        yield from check(("claims", name), "variant", name, names["variants"])
    yield from read_seeds(parsed.seeds, document, ("seeds",))[1]
    for name, dataset in parsed.datasets.items():
        for key, message in choice_problems(_choice(dataset)):
            yield document.problem(("datasets", name, "preset", key), message)
    for name, variant in parsed.variants.items():
        for i, included in enumerate(variant.include):
            yield from check(("variants", name, "include", i), "variant", included, names["variants"])
        if name in _reachable(name, parsed.variants):
            yield document.problem(("variants", name, "include"), f"{name} includes itself")
    yield from resource_problems(document, parsed.execution)
    if parsed.tune is not None:
        yield from section_problems(document, parsed.tune, profiles, datasets, variants)
    for name, profile in parsed.profiles.items():
        path: KeyPath = ("profiles", name)
        for i, dataset_name in enumerate(profile.datasets):
            yield from check((*path, "datasets", i), "dataset", dataset_name, datasets)
        for i, variant_name in enumerate(profile.variants or ()):
            yield from check((*path, "variants", i), "variant", variant_name, variants)
        for key in ("datasets", "variants"):
            values = getattr(profile, key)
            if values is not None and len(set(values)) != len(values):
                yield document.problem((*path, key), "a name is given twice")
            if values == []:
                yield document.problem((*path, key), "at least one is needed")
        given, _, place = _seeds_of(document, parsed, name)
        seeds, found = read_seeds(given, document, place)
        if profile.seeds is not None:
            yield from found
        if isinstance(seeds, SeedsSection):
            primary = [parsed.primary] if isinstance(parsed.primary, str) else parsed.primary
            those = variants if profile.variants is None else profile.variants
            yield from rule_problems(seeds, document, place, primary, those)


def _tuning_seeds(name: str, variants: dict[str, _Variant]) -> Iterator[int]:
    for part in {name, *_reachable(name, variants)}:
        tuned = variants[part].tuned
        yield from tuned.seeds if tuned else ()


def _reachable(name: str, variants: dict[str, _Variant]) -> set[str]:
    """All variants that `name` includes, directly or through others."""
    seen: set[str] = set()
    open_names = list(variants[name].include)
    while open_names:
        current = open_names.pop()
        if current in seen or current not in variants:
            continue
        seen.add(current)
        open_names += variants[current].include
    return seen
