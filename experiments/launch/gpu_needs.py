"""What jobs need of a GPU's memory: what finished jobs of their configuration took, else what is estimated."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from experiments.launch.execution import Execution
from experiments.launch.packing import Need
from experiments.study.plan import Job, one_of_each
from r3gan.data.catalog import find_row
from r3gan.files import read_object
from r3gan.job_log import log_tail
from r3gan.jobdir import JobDir

if TYPE_CHECKING:
    from r3gan.training.cost import Cost

MEASURED_JOBS = 3  # of a configuration, that are asked
MEMORY = "memory_gib"  # the point's value: the most of a GPU that tensors took so far
OUT_OF_MEMORY = "out of memory"  # in the last lines of a job's log, in small letters


def needs_of(
    left: Sequence[Job], jobs: Sequence[Job], costs: "Mapping[str, Cost]", execution: Execution, gpu_bytes: int
) -> dict[str, Need] | None:
    """Configuration -> need, of the jobs that are left; None if one is not known.

    jobs: of the plan, finished or not; costs: by identity, of jobs that have GPUs of so many bytes to themselves.
    """
    if any(job.identity not in costs for job in left):
        return None
    measured = measured_bytes(jobs, costs, execution)
    ran_out = {job.configuration for job in left if has_run_out(JobDir(job.directory(execution.output)))}
    counts = Counter(job.configuration for job in left)
    found = {}
    for job in one_of_each(list(left)):
        cost, name, pairs = costs[job.identity], job.configuration, max(1, job.config.batch_size // execution.ranks)
        found[name] = Need(
            jobs=counts[name],
            tensor_bytes=measured.get(name, cost.memory_bytes),
            data_bytes=data_bytes(job.dataset, gpu_bytes),
            step_flops=cost.flops_per_image * pairs,
            is_whole=execution.computation.micro_batch is not None or cost.micro_batch >= pairs,
            is_measured=name in measured,
            has_run_out=name in ran_out,
        )
    return found


def measured_bytes(jobs: Sequence[Job], costs: "Mapping[str, Cost]", execution: Execution) -> dict[str, int]:
    """Configuration -> the most that tensors of finished jobs took on a GPU which were computed as these would be: with
    as many ranks, and pairs at once, and by the same form of the penalties' gradients. Loads torch."""
    from r3gan.training.penalties import TWICE

    asked: Counter[str] = Counter()
    found: dict[str, int] = {}
    for job in jobs:
        directory, name = JobDir(job.directory(execution.output)), job.configuration
        if asked[name] >= MEASURED_JOBS or job.identity not in costs or not directory.finished():
            continue
        asked[name] += 1
        environment = read_object(directory.environment) or {}
        cost, form = costs[job.identity], environment.get("penalty_gradients")
        alike = {"ranks": execution.ranks, "micro_batch": cost.micro_batch}
        is_alike = all(environment.get(key) == value for key, value in alike.items())
        on_gpu = environment.get("device", "cpu") != "cpu"
        if on_gpu and is_alike and form is not None and (form == TWICE) == cost.double_backward:
            peak = max((point["metrics"].get(MEMORY, 0.0) for point in directory.points()), default=0.0)
            found[name] = max(found.get(name, 0), int(2**30 * peak))
    return {name: peak for name, peak in found.items() if peak}


def has_run_out(directory: JobDir) -> bool:
    """Whether the last attempt at a job ended for want of memory."""
    return not directory.finished() and OUT_OF_MEMORY in log_tail(directory).lower()


def data_bytes(dataset: str, gpu_bytes: int) -> int:
    """Of a dataset that may live on a GPU: one that takes a quarter of it at most (r3gan/data/known.py)."""
    row = find_row(dataset)
    if row is None or row.facts.images is None:
        return 0
    size = row.facts.images * row.facts.channels * row.facts.resolution**2
    return size if size <= gpu_bytes // 4 else 0
