"""What the jobs of a plan will cost: parameters, operations and memory, before anything runs. Loads torch."""

from collections.abc import Sequence

from experiments.launch.execution import Execution, Hardware
from experiments.study.plan import Job, one_of_each
from r3gan.data.catalog import find_row
from r3gan.training.estimate import Cost, Workload, default_micro_batch, estimate, parts_of


def job_costs(jobs: Sequence[Job], execution: Execution, hardware: Hardware) -> dict[str, Cost]:
    """Identity -> cost on that hardware, for the jobs whose dataset is known."""
    by_configuration, computation = {}, execution.computation
    for job in one_of_each(list(jobs)):
        row = find_row(job.dataset)
        if row is None:
            continue
        work = Workload.of(job.config, row.facts.classes, execution.ranks, computation.penalty_form)
        size = parts_of(work.pairs, computation.micro_batch or default_micro_batch(work, hardware.gpu_memory_bytes))
        by_configuration[job.configuration] = estimate(work, size, hardware.gpus > 0)
    return {j.identity: by_configuration[j.configuration] for j in jobs if j.configuration in by_configuration}
