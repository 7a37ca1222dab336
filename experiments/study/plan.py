"""The plan: the list of jobs that a study expands into. Pure, deterministic, and checked as a whole."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from experiments.design import Design, design_from
from experiments.names import BASELINE
from experiments.origin import Origin
from experiments.study.judgement import design_of, primary_problems
from experiments.study.problems import StudyError, StudyProblem
from experiments.study.resolve import below_variants, conflicts, with_variant
from experiments.study.study import Profile, Study
from r3gan.config import TrainConfig
from r3gan.config_json import from_dict
from r3gan.identity import configuration_identity, job_identity
from r3gan.settings.leaves import leaves
from r3gan.settings.typed import Tree, validate, whole_preset
from r3gan.tables.lookup import unknown_message

AXES = ("variant", "dataset", "seed")


@dataclass(frozen=True, kw_only=True)
class Job:
    """One training: dataset x variant x seed."""

    study: str
    profile: str
    dataset: str
    variant: str
    seed: int
    config: TrainConfig
    configuration: str  # the identity without the seed
    comparison: str  # the baseline's `configuration`
    differences: dict[str, Any]  # dotted key -> value, where this job differs from the baseline
    design: Design = field(
        default_factory=Design
    )  # how the study judges it; of searches and of older studies nothing is known
    origin: Origin = field(default_factory=Origin)  # likewise

    @cached_property
    def identity(self) -> str:
        """Hash of all that decides the result."""
        return job_identity(self.configuration, self.seed)

    @property
    def name(self) -> str:
        """dataset/variant/seed, for people."""
        return f"{self.dataset}/{self.variant}/{self.seed}"

    def directory(self, output: Path) -> Path:
        """Where the job's files lie: one folder per identity, so that a changed configuration never overwrites."""
        return output.joinpath(self.study, self.dataset, self.variant, f"seed{self.seed}-{self.identity}")


@dataclass(frozen=True)
class Plan:
    """Every job of a profile, and those of them that were asked for."""

    whole: list[Job]
    jobs: list[Job]

    def with_more(self, jobs: list[Job]) -> "Plan":
        """The plan with further jobs, all of which are asked for."""
        return Plan([*self.whole, *jobs], [*self.jobs, *jobs])


def make_plan(study: Study, profile_name: str | None, only: dict[str, list[str]], settings: Tree) -> Plan:
    """The jobs of a profile; asked for are those that `only` admits (axis -> values; an absent axis admits all).

    The configuration of every dataset and variant of every profile in the file is checked, not only what runs.
    Raises StudyError with all problems at once.
    """
    name = profile_name or study.default_profile
    if name not in study.profiles:
        raise StudyError([StudyProblem("--profile", "", unknown_message("profile", name, study.profiles))])
    profile = study.profiles[name]
    problems = [problem for variant in study.includes for problem in conflicts(study, variant)]
    for other in study.profiles.values():
        if other is not profile:
            problems += _expand(study, other, {})[1]
    jobs, found = _expand(study, profile, settings)
    problems += [*found, *_selection_problems(profile, only)]
    if problems:
        raise StudyError(problems)
    admitted = {axis: set(values) for axis, values in only.items()}
    return Plan(jobs, [job for job in jobs if all(str(getattr(job, axis)) in admitted[axis] for axis in admitted)])


def with_seeds(study: Study, profile_name: str | None, seeds: list[int]) -> Study:
    """The study with other seeds in the profile that runs. Raises StudyError if that has a rule for its seeds."""
    name = profile_name or study.default_profile
    if name not in study.profiles:
        return study  # make_plan says so
    if study.profiles[name].seed_rule is not None:
        message = (
            f"the profile {name} adds seeds until its rule ends them, and a number of one's own would be another look: "
            "change `seeds` in the study file, or run a part by --only seed=..."
        )
        raise StudyError([StudyProblem("--seeds", "", message)])
    return replace(study, profiles=study.profiles | {name: replace(study.profiles[name], seeds=seeds)})


def one_of_each(jobs: list[Job]) -> list[Job]:
    """The first job of every configuration: what holds of a configuration is asked once, not for every seed."""
    return list({job.configuration: job for job in reversed(jobs)}.values())[::-1]


def job_as_json(job: Job) -> dict[str, Any]:
    """The job as plain data, for machines."""
    keys = ("study", "profile", "dataset", "variant", "seed", "identity", "configuration", "comparison", "differences")
    return {key: getattr(job, key) for key in keys} | {
        "design": asdict(job.design),
        "origin": asdict(job.origin),
        "config": asdict(job.config),
    }


def job_from_json(data: dict[str, Any], config: dict[str, Any]) -> Job:
    """The job that `job_as_json` wrote, whose configuration lies apart. Raises ValueError, TypeError and KeyError."""
    if not isinstance(data, dict):
        raise TypeError(f"{data!r:.40} is no object")
    plain = {key: value for key, value in data.items() if key not in ("identity", "design", "origin")}
    design, origin = design_from(data.get("design", {})), Origin(**data.get("origin", {}))
    job = Job(**plain, design=design, origin=origin, config=from_dict(TrainConfig, config))
    if job.identity != data["identity"]:
        raise ValueError(f"the identity is {job.identity}, not {data['identity']}")
    return job


def _expand(study: Study, profile: Profile, settings: Tree) -> tuple[list[Job], list[StudyProblem]]:
    """The jobs of a profile as far as they are sound, and what is wrong with the others."""
    jobs: list[Job] = []
    problems: list[StudyProblem] = []
    for dataset in profile.datasets:
        configs: dict[str, TrainConfig] = {}
        preset, below = whole_preset(study.datasets[dataset]), below_variants(study, dataset, profile.name)
        for variant in dict.fromkeys([BASELINE, *profile.variants]):
            node = with_variant(study, below, variant, settings)
            config, found = validate(node, preset, dataset, profile.seeds[0])
            problems += found
            if config is not None and not found:
                configs[variant] = config
        identities = {variant: configuration_identity(config) for variant, config in configs.items()}
        problems += [*_duplicate_problems(study, identities), *_protocol_problems(study, configs)]
        if BASELINE in configs:
            problems += primary_problems(study, profile, dataset, configs[BASELINE].evaluation)
            origin = Origin(file=study.document.name, content=study.document.content, settings=settings)
            jobs += _jobs(study, profile, dataset, configs, identities, origin)
    return jobs, problems


def _jobs(
    study: Study,
    profile: Profile,
    dataset: str,
    configs: dict[str, TrainConfig],
    identities: dict[str, str],
    origin: Origin,
) -> Iterator[Job]:
    """The jobs of one dataset."""
    design, baseline = design_of(study, profile, configs[BASELINE].evaluation), leaves(configs[BASELINE])
    for variant in profile.variants:
        if variant not in configs:
            continue
        changed = changed_leaves(leaves(configs[variant]), baseline)
        for seed in profile.seeds:
            yield Job(
                study=study.name,
                profile=profile.name,
                dataset=dataset,
                variant=variant,
                seed=seed,
                config=replace(configs[variant], seed=seed),
                configuration=identities[variant],
                comparison=identities[BASELINE],
                differences=changed,
                design=design,
                origin=origin,
            )


def _duplicate_problems(study: Study, identities: dict[str, str]) -> Iterator[StudyProblem]:
    """Another variant with the very same configuration: a comparison of a thing with itself."""
    first: dict[str, str] = {}
    for variant, identity in identities.items():
        other = first.setdefault(identity, variant)
        if other != variant:
            message = f"is the same as {other} once everything is resolved"
            yield study.document.problem(("variants", variant), message)


def _protocol_problems(study: Study, configs: dict[str, TrainConfig]) -> Iterator[StudyProblem]:
    """Variants that are measured otherwise than the baseline."""
    for variant, config in configs.items() if BASELINE in configs else ():
        if config.evaluation != configs[BASELINE].evaluation:
            yield study.document.problem(("variants", variant), "changes `evaluation`: it could not be compared")


def differences(config: TrainConfig, baseline: TrainConfig) -> dict[str, Any]:
    """Dotted key -> the configuration's value, where it is not the baseline's."""
    return changed_leaves(leaves(config), leaves(baseline))


def changed_leaves(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """Of two configurations' leaves, those of ours that are not theirs; None where only they have one."""
    return {key: ours.get(key) for key in {**ours, **theirs} if ours.get(key) != theirs.get(key)}


def _selection_problems(profile: Profile, only: dict[str, list[str]]) -> Iterator[StudyProblem]:
    valid = {"variant": profile.variants, "dataset": profile.datasets, "seed": list(map(str, profile.seeds))}
    for axis, values in only.items():
        unknown = [value for value in values if value not in valid[axis]]
        if axis == "seed" and unknown:
            message = (
                f"the profile has no seed {', '.join(unknown)}, only {', '.join(valid[axis])}: --seeds runs others"
            )
            yield StudyProblem("--only", axis, message)
        else:
            yield from (StudyProblem("--only", axis, unknown_message(axis, value, valid[axis])) for value in unknown)
