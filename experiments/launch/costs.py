"""What the jobs of a plan will cost: parameters, operations and memory, before anything runs."""

import torch

from experiments.study.plan import Job
from r3gan.data.catalog import facts
from r3gan.training.estimate import Cost, default_micro_batch, estimate, parts_of


def job_costs(jobs: list[Job], ranks: int, micro_batch: int | None) -> dict[str, Cost]:
    """Identity -> cost on this machine's kind of device, for the jobs whose dataset is known."""
    device = torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
    costs = {}
    for job in jobs:
        known = facts(job.dataset)
        if known is None:
            continue
        config, share = job.config, max(1, job.config.batch_size // ranks)
        shape = config.network, known.classes, config.penalties, config.schedules.augments, share
        size = parts_of(share, micro_batch or default_micro_batch(*shape, device))
        costs[job.identity] = estimate(*shape, size, device.type == "cuda")
    return costs
