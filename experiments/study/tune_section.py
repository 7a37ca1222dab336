"""The `tune` section of a study file, as it stands there. What it means is worked out in `search` and `space`."""

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, create_model

from experiments.study.problems import StudyProblem
from experiments.study.search_methods import PRUNERS, SAMPLERS
from experiments.study.yamlfile import Document
from r3gan.settings.values import KeyPath
from r3gan.tables.lookup import unknown_message

if TYPE_CHECKING:
    SamplerName = str
    PrunerName = str
else:  # names of rows
    SamplerName = Literal[tuple(SAMPLERS)]
    PrunerName = Literal[tuple(PRUNERS)]
SHARED = "shared"  # stands for the variants of a search that seeks one setting for all of them
STRICT = ConfigDict(extra="forbid", strict=True)

# Fields named like the built-in types that they are annotated with cannot be written as a class.
ParameterSection: Any = create_model(
    "ParameterSection",
    __config__=STRICT,
    __doc__="One searched key: exactly one of its first six fields says how.",
    uniform=(list[float] | None, None),
    log=(list[float] | None, None),
    int=(list[int] | None, None),
    log_int=(list[int] | None, None),
    choice=(Any, None),  # a list of plain values, or a mapping of names to values of any kind
    value=(Any, None),  # not searched: the same in all trials
    step=(float | None, None),
    when=(dict[str, Any], {}),
)


class SpaceSection(BaseModel):
    """Dotted configuration key -> how it is searched, or null to take it out of the ready-made spaces in `include`."""

    model_config = ConfigDict(extra="allow", strict=True)
    __pydantic_extra__: dict[str, ParameterSection | None]

    include: list[str] = []


class ObjectiveSection(BaseModel):
    """What is optimised."""

    model_config = STRICT

    metric: str
    direction: Literal["minimize", "maximize"] | None = None
    at: Literal["last", "best"] = "last"


class SamplerSection(BaseModel):
    """Which of Optuna's samplers proposes parameters."""

    model_config = STRICT

    kind: SamplerName = "tpe"
    startup_trials: int | None = None
    population: int | None = None
    seed: int = 0


class PrunerSection(BaseModel):
    """Which of Optuna's pruners ends hopeless trials early."""

    model_config = STRICT

    kind: PrunerName = "median"
    startup_trials: int | None = None
    warmup_kimg: float | None = None
    min_kimg: float | None = None
    reduction_factor: int | None = None


class Tuned(BaseModel):
    """Where a variant's values come from."""

    model_config = STRICT

    search: str  # identity
    trial: int
    seeds: list[int]  # on which they were chosen


def _as_kind(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) else value


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


class TuneSection(BaseModel):
    """The section."""

    model_config = STRICT

    profile: str | None = None
    datasets: list[str] | None = None
    variants: list[str] = ["baseline"]
    shared: bool = False
    space: SpaceSection
    objective: Annotated[list[ObjectiveSection], BeforeValidator(_as_list)]
    seeds: Any = 1  # a number of seeds, or a list of them
    sampler: Annotated[SamplerSection, BeforeValidator(_as_kind)] = SamplerSection()
    pruner: Annotated[PrunerSection, BeforeValidator(_as_kind)] = PrunerSection()
    trials: int | None = None
    kimg: float | None = None
    minutes: float | None = None
    workers: int | None = None
    storage: str | None = None
    default_first: bool = True


def section_problems(
    document: Document,
    tune: TuneSection,
    profiles: Collection[str],
    datasets: Collection[str],
    variants: Collection[str],
) -> Iterator[StudyProblem]:
    """Names that the study does not have, and numbers that make no sense."""
    if tune.profile is not None and tune.profile not in profiles:
        yield document.problem(("tune", "profile"), unknown_message("profile", tune.profile, profiles))
    for key, valid in (("datasets", datasets), ("variants", variants)):
        names = getattr(tune, key)
        for i, name in enumerate(names or ()):
            if name not in valid:
                yield document.problem(("tune", key, i), unknown_message(key.removesuffix("s"), name, valid))
        if names is not None and (not names or len(set(names)) != len(names)):
            yield document.problem(("tune", key), "distinct names were expected, at least one")
    if tune.shared and SHARED in variants:
        message = f"a variant is called {SHARED} too, which is the name of the shared search: rename the variant"
        yield document.problem(("tune", "shared"), message)
    if not tune.objective:
        yield document.problem(("tune", "objective"), "at least one is needed")
    if not _are_seeds(tune.seeds):
        message = f"{tune.seeds!r}: a number of seeds was expected, or a list of distinct whole numbers from 0 up"
        yield document.problem(("tune", "seeds"), message)
    yield from _range_problems(document, tune)


def _are_seeds(seeds: Any) -> bool:
    if isinstance(seeds, list):
        whole = all(isinstance(seed, int) and not isinstance(seed, bool) and seed >= 0 for seed in seeds)
        return bool(seeds) and whole and len(set(seeds)) == len(seeds)
    return isinstance(seeds, int) and not isinstance(seeds, bool) and seeds >= 1


def _range_problems(document: Document, tune: TuneSection) -> Iterator[StudyProblem]:
    least: list[tuple[KeyPath, float | None, float]] = [
        (("trials",), tune.trials, 1),
        (("workers",), tune.workers, 1),
        (("sampler", "startup_trials"), tune.sampler.startup_trials, 0),
        (("sampler", "population"), tune.sampler.population, 2),
        (("sampler", "seed"), tune.sampler.seed, 0),
        (("pruner", "startup_trials"), tune.pruner.startup_trials, 0),
        (("pruner", "warmup_kimg"), tune.pruner.warmup_kimg, 0),
        (("pruner", "reduction_factor"), tune.pruner.reduction_factor, 2),
    ]
    for path, value, bound in least:
        if value is not None and value < bound:
            yield document.problem(("tune", *path), f"{value:g} must be {bound:g} or more")
    above: list[tuple[KeyPath, float | None]] = [
        (("kimg",), tune.kimg),
        (("minutes",), tune.minutes),
        (("pruner", "min_kimg"), tune.pruner.min_kimg),
    ]
    for path, value in above:
        if value is not None and not 0 < value < float("inf"):
            yield document.problem(("tune", *path), f"{value:g} must be above 0")
    if tune.trials is None and tune.kimg is None and tune.minutes is None:
        yield document.problem(("tune",), "needs a budget: trials, kimg or minutes")
    chosen = (
        ("sampler", tune.sampler, SAMPLERS[tune.sampler.kind]),
        ("pruner", tune.pruner, PRUNERS[tune.pruner.kind]),
    )
    for name, spec, row in chosen:
        for key in spec.model_fields_set - {"kind", *row.options}:
            yield document.problem(("tune", name, key), f"{key} is not for {spec.kind}")
