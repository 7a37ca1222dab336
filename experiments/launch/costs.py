"""What the jobs of a plan will cost: parameters, operations and memory, before anything runs.

Counting loads torch and takes seconds, so that what was counted is kept: by the workload, the hardware, and a hash of
the code that would run it. A plan all of whose costs are known loads nothing.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from importlib.metadata import version
from pathlib import Path

from experiments.launch.execution import Execution, Hardware
from experiments.study.plan import Job, one_of_each
from r3gan.data.catalog import cache_root, find_row
from r3gan.files import write_json
from r3gan.identity import short_hash
from r3gan.provenance import source_hash
from r3gan.training.cost import Cost, Workload

COUNTED_CODE = ("model", "training", "tables")  # folders of r3gan that decide what is counted


def job_costs(jobs: Sequence[Job], execution: Execution, hardware: Hardware) -> dict[str, Cost]:
    """Identity -> cost on that hardware, for the jobs whose dataset is known."""
    known, found = read_costs(), {}
    before = len(known)
    for job in one_of_each(list(jobs)):
        row = find_row(job.dataset)
        if row is None:
            continue
        work = Workload.of(job.config, row.facts.classes, execution.ranks, execution.computation.penalty_form)
        asked = execution.computation.micro_batch
        key = short_hash([asdict(work), asked, asdict(hardware)])
        if key not in known:
            known[key] = count(work, asked, hardware)
        found[job.configuration] = known[key]
    if len(known) > before:
        keep_costs(known)
    return {job.identity: found[job.configuration] for job in jobs if job.configuration in found}


def count(work: Workload, micro_batch: int | None, hardware: Hardware) -> Cost:
    """Count it. Loads torch."""
    from r3gan.training.estimate import default_micro_batch, estimate, parts_of

    asked = micro_batch or default_micro_batch(work, hardware.gpu_memory_bytes)
    size = parts_of(work.pairs, asked, work.network.together)
    return estimate(work, size, hardware.gpus > 0)


def read_costs() -> dict[str, Cost]:
    """What was counted before; nothing if the file is missing, or is not what was written."""
    try:
        return {key: Cost(**value) for key, value in json.loads(costs_file().read_text()).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def keep_costs(known: dict[str, Cost]) -> None:
    """Write down what was counted. Where nothing can be written, it is counted again the next time."""
    with suppress(OSError):
        write_json(costs_file(), {key: asdict(cost) for key, cost in known.items()})


@cache
def costs_file() -> Path:
    """Where costs of this version of the code and of torch are kept."""
    return cache_root() / f"costs-{source_hash(COUNTED_CODE)}-torch-{version('torch')}.json"
