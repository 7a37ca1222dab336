"""What the jobs of a plan will cost: parameters, operations and memory, before anything runs."""

from functools import partial

import torch

from experiments.plan import Job
from r3gan.catalog import DATASETS
from r3gan.estimate import Cost, default_micro_batch, estimate, parts_of


def job_costs(jobs: list[Job], ranks: int, micro_batch: int | None) -> dict[str, Cost]:
    """Identity -> cost on this machine's kind of device, for the jobs whose dataset is known."""
    device = torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
    costs = {}
    for job in jobs:
        if job.dataset not in DATASETS:
            continue
        config, share = job.config, max(1, job.config.batch_size // ranks)
        of_job = partial(estimate, config.network, DATASETS[job.dataset].classes, config.penalties, share)
        size = micro_batch or default_micro_batch(
            config.network, DATASETS[job.dataset].classes, config.penalties, share, device
        )
        costs[job.identity] = of_job(parts_of(share, size), device.type == "cuda")
    return costs
