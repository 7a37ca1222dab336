"""The plan: the list of jobs that a study expands into. Pure, deterministic, and checked as a whole."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from experiments.names import BASELINE
from experiments.study.problems import StudyError, StudyProblem, unknown
from experiments.study.resolve import conflicts, leaves, resolve, validate, whole_preset
from experiments.study.study import Profile, Study, Tree
from experiments.study.yamlfile import dotted
from r3gan import RESULT_VERSION
from r3gan.availability import availability_problems
from r3gan.config import TrainConfig

AXES = ("variant", "dataset", "seed")
NOT_IN_IDENTITY = ("checkpoint_every_kimg",)  # keys that do not change what a job yields


@dataclass(frozen=True)
class Job:
    """One training: dataset x variant x seed."""

    study: str
    profile: str
    dataset: str
    variant: str
    seed: int
    config: TrainConfig
    comparison: str  # the baseline's `configuration`
    differences: dict[str, Any]  # dotted key -> value, where this job differs from the baseline

    @property
    def identity(self) -> str:
        """Hash of all that decides the result."""
        return fingerprint(self.config)

    @property
    def configuration(self) -> str:
        """The identity without the seed."""
        return fingerprint(replace(self.config, seed=0))

    @property
    def name(self) -> str:
        """dataset/variant/seed, for people."""
        return f"{self.dataset}/{self.variant}/{self.seed}"

    def directory(self, output: Path) -> Path:
        """Where the job's files lie: one folder per identity, so that a changed configuration never overwrites."""
        return output / self.study / self.dataset / self.variant / f"seed{self.seed}-{self.identity}"


def fingerprint(config: TrainConfig) -> str:
    """A short hash of a configuration and of the version of the code that would run it."""
    data = {key: value for key, value in asdict(config).items() if key not in NOT_IN_IDENTITY}
    return hashed([RESULT_VERSION, data])


def hashed(data: Any) -> str:
    """Ten hexadecimal digits that stand for plain data."""
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:10]


def make_plan(study: Study, profile_name: str | None, only: dict[str, list[str]], settings: Tree) -> list[Job]:
    """Every job of a profile that `only` admits (axis -> admitted values; an absent axis admits all).

    The configuration of every dataset and variant of every profile in the file is checked, not only what runs.
    Raises StudyError with all problems at once.
    """
    name = profile_name or study.default_profile
    if name not in study.profiles:
        raise StudyError([StudyProblem("--profile", "", unknown("profile", name, study.profiles))])
    problems = [problem for variant in study.includes for problem in conflicts(study, variant)]
    for other in study.profiles.values():
        if other.name != name:
            problems += _expand(study, other, {})[1]
    profile = study.profiles[name]
    jobs, more = _expand(study, profile, settings)
    problems += more + _selection_problems(profile, only)
    if problems:
        raise StudyError(problems)
    return [job for job in jobs if all(str(getattr(job, axis)) in only[axis] for axis in only)]


def run_problems(study: Study, jobs: list[Job], ranks: int) -> list[StudyProblem]:
    """Why these jobs cannot run here and now: what this version lacks, and batches that the ranks cannot share."""
    problems = []
    for job in jobs:
        for problem in availability_problems(job.config):
            message = f"{dotted(problem.path)} {problem.message}"
            problems.append(study.document.problem(("datasets", job.dataset), message))
        if job.config.batch_size % ranks:
            message = f"{ranks} ranks cannot share the batch_size {job.config.batch_size} of {job.variant} evenly"
            problems.append(StudyProblem("--ranks", job.dataset, message))
    return list(dict.fromkeys(problems))


def chosen_not_measured(study: Study, jobs: list[Job]) -> list[str]:
    """One sentence for each tuned variant that is compared on a seed on which it was tuned."""
    seeds: dict[str, set[int]] = {}
    for job in jobs:
        seeds.setdefault(job.variant, set()).add(job.seed)
    reused = {name: sorted(used & study.tuning_seeds.get(name, set())) for name, used in seeds.items()}
    return [
        f"{study.document.where(('variants', name))}: variants.{name}: was tuned on {_seeds(found)}, which "
        "the comparison uses too: an advantage there is chosen, not measured; use other seeds"
        for name, found in reused.items()
        if found
    ]


def _seeds(seeds: list[int]) -> str:
    return f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"


def job_as_json(job: Job) -> dict[str, Any]:
    """The job as plain data, for machines."""
    keys = ("study", "profile", "dataset", "variant", "seed", "identity", "configuration", "comparison", "differences")
    return {key: getattr(job, key) for key in keys} | {"config": asdict(job.config)}


def _expand(study: Study, profile: Profile, settings: Tree) -> tuple[list[Job], list[StudyProblem]]:
    jobs: list[Job] = []
    problems: list[StudyProblem] = []
    for dataset in profile.datasets:
        configs: dict[str, TrainConfig] = {}
        for variant in dict.fromkeys([BASELINE, *profile.variants]):
            node = resolve(study, dataset, profile.name, variant, settings)
            config, found = validate(node, whole_preset(study.datasets[dataset]), dataset, profile.seeds[0])
            problems += found
            if config is not None and not found:
                problems += _twin_problems(study, variant, config, configs)
                problems += _protocol_problems(study, variant, config, configs.get(BASELINE))
                configs[variant] = config
        if BASELINE not in configs:
            continue
        baseline = configs[BASELINE]
        for variant in profile.variants:
            for seed in profile.seeds if variant in configs else ():
                jobs.append(
                    Job(
                        study.name,
                        profile.name,
                        dataset,
                        variant,
                        seed,
                        replace(configs[variant], seed=seed),
                        fingerprint(replace(baseline, seed=0)),
                        differences(configs[variant], baseline),
                    )
                )
    return jobs, problems


def _twin_problems(
    study: Study, variant: str, config: TrainConfig, configs: dict[str, TrainConfig]
) -> list[StudyProblem]:
    """Another variant with the very same configuration: a comparison of a thing with itself."""
    return [
        study.document.problem(("variants", variant), f"is the same as {other} once everything is resolved")
        for other, there in configs.items()
        if fingerprint(there) == fingerprint(config)
    ]


def _protocol_problems(
    study: Study, variant: str, config: TrainConfig, baseline: TrainConfig | None
) -> list[StudyProblem]:
    """A variant that is measured otherwise than the baseline."""
    if baseline is None or config.evaluation == baseline.evaluation:
        return []
    return [study.document.problem(("variants", variant), "changes `evaluation`: it could not be compared")]


def differences(config: TrainConfig, baseline: TrainConfig) -> dict[str, Any]:
    """Dotted key -> the configuration's value, where it is not the baseline's."""
    ours, theirs = leaves(config), leaves(baseline)
    keys = [key for key in {**ours, **theirs} if ours.get(key) != theirs.get(key)]
    return {key: ours.get(key) for key in keys}


def _selection_problems(profile: Profile, only: dict[str, list[str]]) -> list[StudyProblem]:
    valid = {"variant": profile.variants, "dataset": profile.datasets, "seed": list(map(str, profile.seeds))}
    return [
        StudyProblem("--only", axis, unknown(axis, value, valid[axis]))
        for axis, values in only.items()
        for value in values
        if value not in valid[axis]
    ]
