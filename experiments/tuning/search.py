"""A search: which parameters are sought for which variant of which dataset, and by what they are judged. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from experiments.study.plan import Job, differences
from experiments.study.problems import StudyError
from experiments.study.study import Study
from experiments.study.tune_section import PrunerSection, SamplerSection
from experiments.tuning.budget import Budget
from experiments.tuning.parameter import Parameter
from experiments.tuning.space import Space
from r3gan import RESULT_VERSION
from r3gan.config import IMG_PER_KIMG, TrainConfig
from r3gan.identity import changes, configuration_identity, short_hash
from r3gan.settings.layers import Node, Origin, override
from r3gan.settings.typed import validate, whole_preset
from r3gan.settings.values import KeyPath, dotted


@dataclass(frozen=True)
class Objective:
    """A number that jobs record."""

    key: str  # under which it is recorded
    direction: Literal["minimize", "maximize"]
    at: Literal["last", "best"]  # of the evaluations of a job


@dataclass(frozen=True, kw_only=True)
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
    sampler: SamplerSection
    pruner: PrunerSection
    budget: Budget
    default_first: bool

    @property
    def comparison(self) -> str:
        """Equal for searches whose values may be compared: hash of the configurations, objectives and seeds."""
        configs = {name: configuration_identity(config) for name, config in self.configs.items()}
        return short_hash([RESULT_VERSION, configs, changes(self.objectives), self.seeds])

    @property
    def identity(self) -> str:
        """Hash of all that decides the search but its budget: a larger one goes on with the same search.

        Of parameters and methods, what differs from the declared defaults: see r3gan/identity.py.
        """
        parameters = [changes(replace(p, place=())) for p in self.space.parameters]
        methods = [spec.model_dump(exclude_defaults=True) for spec in (self.sampler, self.pruner)]
        return short_hash([self.comparison, parameters, methods, self.default_first])

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
            node = override(node, parameter.key, value, origin_of(self.study, parameter))
        preset = whole_preset(self.study.datasets[self.dataset])
        config, problems = validate(node, preset, self.dataset, self.seeds[0])
        if config is None or problems:
            raise StudyError(problems)
        return config


def origin_of(study: Study, parameter: Parameter) -> Callable[[KeyPath], Origin]:
    """Where a parameter stands in the study file, for messages about what it sets."""
    where = Origin(study.document.where(parameter.place), dotted(parameter.place))
    return lambda path: where
