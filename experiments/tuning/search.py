"""A search: which parameters are sought for which variant of which dataset, and by what they are judged. Pure."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import optuna
from optuna.samplers import RandomSampler

from experiments.study.plan import Job, differences
from experiments.study.problems import StudyError, StudyProblem, unknown
from experiments.study.resolve import Node, Origin, leaves, override, resolve, validate, whole_preset
from experiments.study.study import Study, Tree
from experiments.study.tune_section import SHARED, Pruner, Sampler, Tune
from experiments.study.yamlfile import dotted
from experiments.tuning.budget import Budget
from experiments.tuning.space import Parameter, Space, read_space
from r3gan import RESULT_VERSION
from r3gan.config import IMG_PER_KIMG, EvaluationConfig, Schedules, TrainConfig
from r3gan.evaluation.protocol import recorded_key
from r3gan.identity import configuration_identity, short_hash
from r3gan.tables.metrics import judged, metric_of

FIRST_FRESH_SEED = 1000  # where seeds for tuning are taken from, if the file does not list them
PROBES = 16  # random settings that are tried before anything runs, beside the edges of every range


@dataclass(frozen=True)
class Objective:
    """A number that jobs record."""

    key: str  # under which it is recorded
    direction: Literal["minimize", "maximize"]
    at: Literal["last", "best"]  # of the evaluations of a job


@dataclass(frozen=True)
class Search:
    """One Optuna study."""

    study: Study
    profile: str
    dataset: str
    variant: str
    bases: dict[str, Node]  # the variants that a trial trains: their configurations, to be changed
    configs: dict[str, TrainConfig]  # the same, as they are without tuning
    space: Space
    objectives: tuple[Objective, ...]
    seeds: tuple[int, ...]
    sampler: Sampler
    pruner: Pruner
    budget: Budget
    default_first: bool

    @property
    def comparison(self) -> str:
        """Equal for searches whose values may be compared: hash of the configurations, objectives and seeds."""
        return short_hash(self._what_is_measured())

    @property
    def identity(self) -> str:
        """Hash of all that decides the search but its budget: a larger one goes on with the same search."""
        parameters = [{**vars(p), "place": None, "choices": list(p.choices.items())} for p in self.space.parameters]
        specs = [spec.model_dump(exclude_none=True) for spec in (self.sampler, self.pruner)]
        return short_hash([self._what_is_measured(), parameters, specs, self.default_first])

    def _what_is_measured(self) -> list[Any]:
        configs = {name: configuration_identity(config) for name, config in self.configs.items()}
        return [RESULT_VERSION, configs, [asdict(objective) for objective in self.objectives], self.seeds]

    @property
    def method(self) -> str:
        """Sampler and pruner, for people and paths."""
        return self.sampler.kind if self.pruner.kind == "none" else f"{self.sampler.kind}+{self.pruner.kind}"

    @property
    def name(self) -> str:
        """dataset/variant/method, for people."""
        return f"{self.dataset}/{self.variant}/{self.method}"

    @property
    def config(self) -> TrainConfig:
        """The first variant's configuration as it is; all train equally long and are evaluated alike."""
        return next(iter(self.configs.values()))

    @property
    def job_img(self) -> int:
        """Images of one job, in steps of the objective: batch sizes may differ between trials, steps may not."""
        return round(self.config.total_kimg * IMG_PER_KIMG)

    @property
    def trial_img(self) -> int:
        """Images of a trial that is run to its end."""
        return self.job_img * len(self.configs) * len(self.seeds)

    def jobs(self, chosen: dict[str, Any]) -> list[Job]:
        """The jobs of a trial, in the order in which they run: all variants of a seed, then the next seed.

        Raises StudyError if the chosen values do not make a sound configuration.
        """
        configs = {name: self.configured(name, chosen) for name in self.configs}
        return [
            Job(
                study=self.study.name,
                profile=self.profile,
                dataset=self.dataset,
                variant=name,
                seed=seed,
                config=replace(config, seed=seed),
                configuration=configuration_identity(config),
                comparison=configuration_identity(self.configs[name]),
                differences=differences(config, self.configs[name]),
            )
            for seed in self.seeds
            for name, config in configs.items()
        ]

    def configured(self, variant: str, chosen: dict[str, Any]) -> TrainConfig:
        """The configuration of one variant under the chosen values. Raises StudyError if it is not sound."""
        node = self.bases[variant]
        for parameter, value in self.space.settings(chosen):
            node = override(node, parameter.key, value, _origin(self.study, parameter))
        preset = whole_preset(self.study.datasets[self.dataset])
        config, problems = validate(node, preset, self.dataset, self.seeds[0])
        if config is None or problems:
            raise StudyError(problems)
        return config

    def default(self) -> dict[str, Any]:
        """The variant's own values of the searched parameters; without those that the space cannot express."""
        config, chosen = self.config, dict[str, Any]()
        for p in self.space.parameters:
            if p.is_active(chosen):
                value = _own_value(self, p, config)
                if value is not None:
                    chosen[p.key] = value
        return chosen

    def default_is_within(self) -> bool:
        """Whether a trial can be the variant's own setting."""
        chosen = self.default()
        if not all(p.key in chosen for p in self.space.parameters if p.is_active(chosen)):
            return False
        return all(_plain(self.configured(name, chosen)) == _plain(config) for name, config in self.configs.items())


def make_searches(study: Study, tune: Tune, settings: Tree, only: dict[str, str | None]) -> list[Search]:
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
                    study,
                    profile.name,
                    dataset,
                    variant,
                    bases,
                    configs,
                    read_space(tune.space, first, study.document),
                    tuple(_objectives(study, tune, first.evaluation)),
                    seeds,
                    tune.sampler,
                    tune.pruner,
                    Budget(tune.trials, tune.kimg, tune.minutes),
                    tune.default_first,
                )
                problems += [*_probe_problems(search), *_method_problems(search), *_length_problems(search)]
                searches.append(search)
            except StudyError as error:
                problems += error.problems
    if problems:
        raise StudyError(problems)
    return searches


def tuning_seeds(study: Study, tune: Tune) -> tuple[int, ...]:
    """The seeds of every trial: those listed, or so many that no profile of the study uses."""
    if isinstance(tune.seeds, list):
        return tuple(tune.seeds)
    used = {seed for profile in study.profiles.values() for seed in profile.seeds}
    fresh = (seed for seed in range(FIRST_FRESH_SEED, FIRST_FRESH_SEED + len(used) + tune.seeds) if seed not in used)
    return tuple(list(fresh)[: tune.seeds])


def seed_warnings(study: Study, searches: list[Search]) -> Iterator[str]:
    """Tuning seeds that a profile compares with: what is chosen on a seed looks better there than it is."""
    for name, profile in study.profiles.items():
        datasets = {search.dataset for search in searches} & set(profile.datasets)
        shared = sorted({seed for search in searches for seed in search.seeds} & set(profile.seeds))
        if datasets and shared:
            where = study.document.where(("tune", "seeds"))
            yield f"{where}: tune.seeds: profile {name} compares on {shared} too: tuned variants need other seeds there"


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


def _objectives(study: Study, tune: Tune, evaluation: EvaluationConfig) -> Iterator[Objective]:
    for i, objective in enumerate(tune.objective):
        place = ("tune", "objective", i, "metric")
        if objective.metric in [before.metric for before in tune.objective[:i]]:
            raise StudyError([study.document.problem(place, f"{objective.metric} is an objective already")])
        if objective.metric not in judged():
            raise StudyError([study.document.problem(place, unknown("metric", objective.metric, judged()))])
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


def _probe_problems(search: Search) -> Iterator[StudyProblem]:
    """What goes wrong at the edges of the ranges, and at some random settings."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=RandomSampler(seed=0))
    edges = [search.space.activating(p) | {p.key: corner} for p in search.space.searched for corner in p.corners()]
    for fixed in [*edges, *[{}] * PROBES]:
        if fixed:
            study.enqueue_trial(fixed)
        chosen = search.space.suggest(study.ask())
        for variant in search.configs:
            try:
                search.configured(variant, chosen)
            except StudyError as error:
                yield from error.problems
                return  # the first is enough: others are mostly the same with other numbers


def _method_problems(search: Search) -> Iterator[StudyProblem]:
    """Samplers and pruners that cannot do what is asked of them."""
    problem = search.study.document.problem
    if len(search.objectives) > 1:
        if search.pruner.kind != "none":
            message = f"Optuna prunes searches with one objective only, and there are {len(search.objectives)}: none"
            yield problem(("tune", "pruner"), message)
        if search.sampler.kind == "qmc":
            yield problem(("tune", "sampler"), "qmc cannot weigh several objectives: choose another")


def _length_problems(search: Search) -> Iterator[StudyProblem]:
    """A budget, or a pruner, that no trial fits into."""
    trial_kimg, budget, pruner = search.trial_img / IMG_PER_KIMG, search.budget.kimg, search.pruner
    if budget is not None and budget < trial_kimg:
        message = f"{budget:g} is less than the {trial_kimg:g} kimg of one trial on {search.dataset}"
        yield search.study.document.problem(("tune", "kimg"), message)
    if pruner.min_kimg is not None and round(pruner.min_kimg * IMG_PER_KIMG) < 1:
        yield search.study.document.problem(
            ("tune", "pruner", "min_kimg"), f"{pruner.min_kimg:g} is less than an image"
        )
    for key in ("warmup_kimg", "min_kimg"):
        value = getattr(pruner, key)
        if value is not None and value >= trial_kimg:
            message = (
                f"{value:g} is not below the {trial_kimg:g} kimg of a trial on {search.dataset}: nothing is pruned"
            )
            yield search.study.document.problem(("tune", "pruner", key), message)


def rank_problems(search: Search, ranks: int) -> Iterator[StudyProblem]:
    """Batch sizes that the space holds and the ranks cannot share."""
    for p in search.space.searched:
        if p.key != "batch_size":
            continue
        sizes = (
            p.choices.values() if p.kind == "choice" else range(int(p.low or 0), int(p.high or 0) + 1, int(p.step or 1))
        )
        odd = next((size for size in sizes if size % ranks), None)
        if odd is not None:
            message = f"may be {odd}, which {ranks} ranks cannot share evenly"
            yield search.study.document.problem(p.place, message)


def _selection_problems(
    only: dict[str, str | None], datasets: list[str], variants: list[str]
) -> Iterator[StudyProblem]:
    for axis, valid in (("dataset", datasets), ("variant", variants)):
        if only[axis] is not None and only[axis] not in valid:
            yield StudyProblem(f"--{axis}", "", unknown(axis, only[axis], valid))


def _origin(study: Study, parameter: Parameter) -> Any:
    where = Origin(study.document.where(parameter.place), dotted(parameter.place))
    return lambda path: where


def _own_value(search: Search, p: Parameter, config: TrainConfig) -> Any:
    """What a parameter is in a configuration, as Optuna knows it; None if the space does not hold that."""
    if p.kind == "value":
        return p.value
    if p.kind == "choice":
        return next((name for name, value in p.choices.items() if _is_own(search, p, value, config)), None)
    assert p.low is not None
    assert p.high is not None
    schedule = getattr(config.schedules, p.key.split(".")[1], None) if p.key.startswith("schedules.") else None
    if schedule is not None and schedule.start == schedule.end and p.key.endswith(".decay_img"):
        return p.high  # it decays from a value to the same value
    constant = schedule.end if schedule is not None and schedule.start == schedule.end else None
    value = leaves(config).get(p.key, constant if p.key.count(".") == 1 else None)
    if not isinstance(value, (int, float)) or not p.low <= value <= p.high:
        return None
    steps = (value - p.low) / p.step if p.step else 0.0
    return value if abs(steps - round(steps)) < 1e-9 else None


def _is_own(search: Search, p: Parameter, value: Any, config: TrainConfig) -> bool:
    """Whether a choice leaves the first variant as it is, but for what other parameters set."""
    variant = next(iter(search.configs))
    node = override(search.bases[variant], p.key, value, _origin(search.study, p))
    chosen, problems = validate(node, whole_preset(search.study.datasets[search.dataset]), search.dataset, 0)
    if chosen is None or problems:
        return False
    others = {other.key for other in search.space.parameters if other is not p}
    changed = set(differences(_plain(chosen), _plain(replace(config, seed=0)))) - others
    return not any(key == p.key or key.startswith(f"{p.key}.") for key in changed)


def _plain(config: TrainConfig) -> TrainConfig:
    """The same training, with no decay where a schedule is constant."""
    schedules = {
        name: replace(schedule, decay_img=0.0) if schedule.start == schedule.end else schedule
        for name, schedule in vars(config.schedules).items()
    }
    return replace(config, schedules=Schedules(**schedules))
