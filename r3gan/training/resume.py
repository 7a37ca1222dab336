"""Going on from the last checkpoint, all ranks from the same one."""

import torch

from r3gan.config import IMG_PER_KIMG, TrainConfig
from r3gan.distributed import World
from r3gan.jobdir import JobDir
from r3gan.training.state import TrainState, load_checkpoint


class RanksDisagree(Exception):
    """The ranks of a job are not in the same state."""


def resume(state: TrainState, config: TrainConfig, job: JobDir, world: World) -> None:
    """Fill the state from the job's last checkpoint, if there is one.

    Raises RanksDisagree if the ranks did not find the same one: they would average gradients of different weights.
    """
    checkpoint = job.last_checkpoint()
    if checkpoint is not None:
        load_checkpoint(state, checkpoint, config)
    counters = world.gather(torch.tensor([state.images])).tolist()
    if len(set(counters)) > 1:
        listed = ", ".join(f"rank {rank}: {images / IMG_PER_KIMG:g} kimg" for rank, images in enumerate(counters))
        raise RanksDisagree(f"{job.root}: the ranks would go on from different checkpoints ({listed}): run it again")
