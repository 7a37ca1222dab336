"""What stands in the way of a sound plan here and now, and what its reader should be warned of."""

from collections.abc import Iterator

from experiments.study.plan import Job, one_of_each
from experiments.study.problems import StudyProblem
from experiments.study.study import Study
from experiments.study.yamlfile import dotted
from r3gan.availability import availability_problems


def run_problems(study: Study, jobs: list[Job], ranks: int) -> list[StudyProblem]:
    """Why these jobs cannot run: what a dataset does not have, and batches that the ranks cannot share."""
    problems = []
    for job in one_of_each(jobs):
        for problem in availability_problems(job.config):
            message = f"{dotted(problem.path)} {problem.message}"
            problems.append(study.document.problem(("datasets", job.dataset), message))
        if job.config.batch_size % ranks:
            message = f"{ranks} ranks cannot share the batch_size {job.config.batch_size} of {job.variant} evenly"
            problems.append(StudyProblem("--ranks", job.dataset, message))
    return list(dict.fromkeys(problems))


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
