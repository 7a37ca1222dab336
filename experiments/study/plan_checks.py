"""What stands in the way of a sound plan here and now, and what its reader should be warned of."""

from collections.abc import Iterator

from experiments.study.plan import Job, one_of_each
from experiments.study.problems import StudyProblem
from experiments.study.study import Study
from r3gan.availability import RESOLUTION_KEY, availability_problems
from r3gan.config_checks import group_problem
from r3gan.data.catalog import dataset_row
from r3gan.network_checks import Problem
from r3gan.preset_choice import PresetChoice
from r3gan.settings.values import dotted


def run_problems(study: Study, jobs: list[Job], ranks: int) -> list[StudyProblem]:
    """Why these jobs cannot run: what a dataset does not have, and batches that the ranks cannot share."""
    problems = []
    for job in one_of_each(jobs):
        for problem in availability_problems(job.config):
            message = f"{dotted(problem.path)} {problem.message}{_way_out(study.datasets[job.dataset], job, problem)}"
            problems.append(study.document.problem(("datasets", job.dataset), message))
        if job.config.batch_size % ranks:
            message = f"{ranks} ranks cannot share the batch_size {job.config.batch_size} of {job.variant} evenly"
            problems.append(StudyProblem("--ranks", job.dataset, message))
        elif message := group_problem(job.config, ranks):
            problems.append(StudyProblem("--ranks", f"{job.dataset} {job.variant}", message))
    return list(dict.fromkeys(problems))


def _way_out(preset: PresetChoice, job: Job, problem: Problem) -> str:
    """What to write where a dataset has another resolution than its preset; empty for other problems."""
    if problem.path != RESOLUTION_KEY:
        return ""
    resolution = dataset_row(job.dataset).facts.resolution
    return f": {preset.advice(resolution)}" if resolution != preset.row().resolution else ""


def derived_presets(study: Study, jobs: list[Job]) -> Iterator[str]:
    """One sentence for each dataset of these jobs whose preset is derived for its resolution."""
    for dataset in dict.fromkeys(job.dataset for job in jobs):
        if text := study.datasets[dataset].derived_text():
            yield f"{dataset}: the preset is derived, {text}"


def reused_tuning_seeds(study: Study, jobs: list[Job]) -> Iterator[str]:
    """One sentence for each tuned variant that is compared on a seed on which it was tuned."""
    seeds: dict[str, set[int]] = {}
    for job in jobs:
        seeds.setdefault(job.variant, set()).add(job.seed)
    for name, used in seeds.items():
        reused = sorted(used & study.tuning_seeds.get(name, set()))
        if reused:
            where = study.document.where(("variants", name))
            listed = f"seed{'s' * (len(reused) > 1)} {', '.join(map(str, reused))}"
            yield (
                f"{where}: variants.{name}: was tuned on {listed}, which the comparison uses too: an advantage there "
                "is chosen, not measured; use other seeds"
            )
