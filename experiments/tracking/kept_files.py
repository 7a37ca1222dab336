"""The weights and the last checkpoint of a finished job, read again: whether they still are what was written."""

from collections.abc import Iterator

from r3gan.checksums import find_damage
from r3gan.jobdir import JobDir
from r3gan.tensor_files import DamagedTensors, load_tensors


def damaged_files(job: JobDir) -> Iterator[str]:
    """A sentence for each that is damaged, with the way out. Reads every byte; what was deleted is not missed."""
    way_out = f"delete {job.result} and run its study again, which goes on from the last sound checkpoint"
    checkpoint = job.last_checkpoint()
    damage = find_damage(checkpoint) if checkpoint is not None else None
    if damage is not None:
        yield f"{checkpoint} is damaged ({damage}): {way_out}"
    try:
        if job.best.exists():
            load_tensors(job.best)
    except (DamagedTensors, OSError) as error:
        yield f"{error}: {way_out}"
