"""From the `tune` section of a study to its searches."""

from collections.abc import Iterator
from typing import Literal

from experiments.study.problems import StudyError, StudyProblem
from experiments.study.resolve import resolve
from experiments.study.study import Study
from experiments.study.tune_section import SHARED, TuneSection
from experiments.tuning.budget import Budget
from experiments.tuning.read_space import read_space
from experiments.tuning.search import Objective, Search
from experiments.tuning.search_checks import search_problems
from r3gan.config import EvaluationConfig, TrainConfig
from r3gan.evaluation.protocol import recorded_key
from r3gan.settings.layers import Node
from r3gan.settings.typed import Tree, validate, whole_preset
from r3gan.tables.lookup import unknown_message
from r3gan.tables.metrics import judged, metric_of

FIRST_FRESH_SEED = 1000  # where seeds for tuning are taken from, if the file does not list them


def make_searches(study: Study, tune: TuneSection, settings: Tree, only: dict[str, str | None]) -> list[Search]:
    """Every search that the section asks for, of the dataset and variant in `only` (None: all).

    `settings` are dotted keys from the command line. Raises StudyError with every problem found.
    """
    profile = study.profiles[tune.profile or study.default_profile]
    seeds = tuning_seeds(study, tune)
    targets = [(SHARED, tune.variants)] if tune.shared else [(name, [name]) for name in tune.variants]
    datasets = tune.datasets or profile.datasets
    problems = list(_selection_problems(only, datasets, [name for name, _ in targets]))
    searches = []
    for dataset in datasets:
        for variant, members in targets:
            if only["dataset"] not in (None, dataset) or only["variant"] not in (None, variant):
                continue
            try:
                bases = {name: resolve(study, dataset, profile.name, name, settings) for name in members}
                configs = dict(_base_configs(study, dataset, bases, seeds[0]))
                problems += _member_problems(study, configs)
                first = next(iter(configs.values()))
                search = Search(
                    study=study,
                    profile=profile.name,
                    dataset=dataset,
                    variant=variant,
                    bases=bases,
                    configs=configs,
                    space=read_space(tune.space, first, study.document),
                    objectives=tuple(_objectives(study, tune, first.evaluation)),
                    seeds=seeds,
                    sampler=tune.sampler,
                    pruner=tune.pruner,
                    budget=Budget(tune.trials, tune.kimg, tune.minutes),
                    default_first=tune.default_first,
                )
                problems += search_problems(search)
                searches.append(search)
            except StudyError as error:
                problems += error.problems
    if problems:
        raise StudyError(problems)
    return searches


def tuning_seeds(study: Study, tune: TuneSection) -> tuple[int, ...]:
    """The seeds of every trial: those listed, or so many that no profile of the study uses."""
    if isinstance(tune.seeds, list):
        return tuple(tune.seeds)
    used = {seed for profile in study.profiles.values() for seed in profile.seeds}
    fresh = (seed for seed in range(FIRST_FRESH_SEED, FIRST_FRESH_SEED + len(used) + tune.seeds) if seed not in used)
    return tuple(list(fresh)[: tune.seeds])


def _base_configs(study: Study, dataset: str, bases: dict[str, Node], seed: int) -> Iterator[tuple[str, TrainConfig]]:
    for name, node in bases.items():
        config, problems = validate(node, whole_preset(study.datasets[dataset]), dataset, seed)
        if config is None or problems:
            raise StudyError(problems)
        yield name, config


def _member_problems(study: Study, configs: dict[str, TrainConfig]) -> Iterator[StudyProblem]:
    """Variants of a shared search whose values cannot be averaged."""
    first = next(iter(configs))
    for i, (name, config) in enumerate(configs.items()):
        for key in ("evaluation", "total_kimg"):
            if getattr(config, key) != getattr(configs[first], key):
                message = f"{name} changes `{key}`: it cannot share a search with {first}"
                yield study.document.problem(("tune", "variants", i), message)


def _objectives(study: Study, tune: TuneSection, evaluation: EvaluationConfig) -> Iterator[Objective]:
    for i, objective in enumerate(tune.objective):
        place = ("tune", "objective", i, "metric")
        if objective.metric in [before.metric for before in tune.objective[:i]]:
            raise StudyError([study.document.problem(place, f"{objective.metric} is an objective already")])
        if objective.metric not in judged():
            raise StudyError([study.document.problem(place, unknown_message("metric", objective.metric, judged()))])
        number, metric = judged()[objective.metric], metric_of(objective.metric)
        if metric not in evaluation.metrics:
            measured = ", ".join(evaluation.metrics)
            message = f"{objective.metric} is not measured on the way: add {metric} to evaluation.metrics "
            raise StudyError([study.document.problem(place, f"{message}(now {measured})")])
        direction: Literal["minimize", "maximize"] = "minimize" if number.better == "lower" else "maximize"
        if objective.direction not in (None, direction):
            message = f"{objective.metric} is better when {number.better}: {direction}"
            raise StudyError([study.document.problem(("tune", "objective", i, "direction"), message)])
        yield Objective(recorded_key(objective.metric, evaluation), direction, objective.at)


def _selection_problems(
    only: dict[str, str | None], datasets: list[str], variants: list[str]
) -> Iterator[StudyProblem]:
    for axis, valid in (("dataset", datasets), ("variant", variants)):
        if only[axis] is not None and only[axis] not in valid:
            yield StudyProblem(f"--{axis}", "", unknown_message(axis, only[axis], valid))
