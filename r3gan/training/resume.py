"""Going on from the last sound checkpoint, all ranks from the same one."""

import sys
from pathlib import Path

import torch

from r3gan.config import IMG_PER_KIMG, TrainConfig
from r3gan.distributed import World
from r3gan.jobdir import JobDir
from r3gan.training.adopt import adopt
from r3gan.training.checkpoint import DamagedCheckpoint, load_checkpoint
from r3gan.training.records import restore_records
from r3gan.training.state import TrainState


class RanksDisagree(Exception):
    """The ranks of a job are not in the same state."""


def begin_in_another(config: TrainConfig, job: JobDir, content_hash: str, world: World) -> None:
    """Let a job without checkpoints begin in the state of another job, if it was told one. Raises OSError."""
    if world.is_main:
        for sentence in adopt(job, config, content_hash):
            print(f"warning: {sentence}", file=sys.stderr)
    world.any(False)  # now what is adopted is there, for every rank


def resume(state: TrainState, config: TrainConfig, job: JobDir, world: World) -> None:
    """Fill the state from the job's last sound checkpoint, if there is one, and bring its records in line with it.

    What is damaged or strange is said and left out. Raises DamagedCheckpoint if there are checkpoints and none is
    sound, OSError, and RanksDisagree if the ranks did not find the same one: they would average gradients of different
    weights.
    """
    checkpoint, problems = load_newest(state, config, job)
    counters = world.gather(torch.tensor([state.images])).tolist()
    if len(set(counters)) > 1:
        listed = ", ".join(f"rank {rank}: {images / IMG_PER_KIMG:g} kimg" for rank, images in enumerate(counters))
        raise RanksDisagree(f"{job.root}: the ranks would go on from different checkpoints ({listed}): run it again")
    if world.is_main:
        for problem in [*problems, *restore_records(job, checkpoint, state.images)]:
            print(f"warning: {problem}", file=sys.stderr)
    world.any(False)  # now the records are as they should be, for every rank


def load_newest(state: TrainState, config: TrainConfig, job: JobDir) -> tuple[Path | None, list[str]]:
    """The checkpoint that the state was filled from, None if there is none; and why others were left out.

    Raises DamagedCheckpoint if there are some and none is sound.
    """
    folders, problems = job.checkpoint_folders(), []
    for folder in folders:
        try:
            load_checkpoint(state, folder, config)
        except DamagedCheckpoint as error:
            problems.append(str(error))
            continue
        return folder, [f"{problem}: the one before it is taken" for problem in problems] + strangers(job)
    if folders:
        listed = "; ".join(problems)
        raise DamagedCheckpoint(f"no checkpoint is sound: {listed}. Delete {job.checkpoints} to start again")
    return None, strangers(job)


def strangers(job: JobDir) -> list[str]:
    """What lies among the checkpoints and is none."""
    found = set(job.checkpoints.iterdir() if job.checkpoints.is_dir() else ()) - set(job.checkpoint_folders())
    return [f"{path} is no checkpoint: left alone" for path in sorted(found) if path != job.incomplete_checkpoint]
