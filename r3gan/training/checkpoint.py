"""A job's checkpoints: sealed folders that hold its whole state, and copies of what it had recorded by then."""

import os
import shutil
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path
from pickle import UnpicklingError

import torch

from r3gan.checksums import find_damage, seal
from r3gan.config import TrainConfig
from r3gan.files import sync_path
from r3gan.identity import state_identity
from r3gan.jobdir import JobDir
from r3gan.snapshot import save_weights
from r3gan.tensor_files import DamagedTensors, load_tensors
from r3gan.training.loss_scale import LossScale
from r3gan.training.state import TrainState

NETWORKS = ("generator", "discriminator", "ema")
STATE = "state.pt"


class DamagedCheckpoint(Exception):
    """A checkpoint that cannot be gone on from; the message says why."""


def records_of(job: JobDir) -> tuple[Path, ...]:
    """The files of a job that each checkpoint keeps a copy of."""
    return job.metrics, job.environment, job.best, job.modes


def save_checkpoint(
    state: TrainState, config: TrainConfig, job: JobDir, keep: int, shared: Collection[int] = ()
) -> None:
    """Write a complete checkpoint under the image count; of the earlier ones, leave so many that there are `keep`.

    shared: image counts of checkpoints that stay beside these, for jobs that begin in them.

    Checkpoints of more images were not gone on from: they are damaged, and removed. Raises OSError.
    """
    temporary, final = job.incomplete_checkpoint, job.checkpoint(state.images)
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    for name in NETWORKS:
        save_weights(getattr(state, name), temporary / f"{name}.safetensors", config, state.images)
    rest = {
        "generator_adam": state.generator_adam.state_dict(),
        "discriminator_adam": state.discriminator_adam.state_dict(),
        "sums": state.sums,
        "steps": state.steps,
        "images": state.images,
        "measured": state.measured,
        "seconds": state.seconds,
        "identity": state_identity(config, state.images),
    }
    if state.post_hoc:
        rest["post_hoc"] = state.post_hoc
    if state.loss_scales:
        rest["loss_scales"] = {name: asdict(scale) for name, scale in state.loss_scales.items()}
    torch.save(rest, temporary / STATE)
    for record in filter(Path.exists, records_of(job)):
        shutil.copyfile(record, temporary / record.name)
    seal(temporary)
    if final.exists():
        shutil.rmtree(final)
    os.rename(temporary, final)
    sync_path(job.checkpoints)
    earlier = [folder for folder in job.checkpoint_folders() if int(folder.name) <= state.images]
    stay = {*earlier[:keep], *(folder for folder in earlier if int(folder.name) in shared)}
    for folder in set(job.checkpoint_folders()) - stay:
        shutil.rmtree(folder)


def load_checkpoint(state: TrainState, folder: Path, config: TrainConfig) -> None:
    """Fill the state from a checkpoint. Nothing in it is unpickled beyond tensors and plain containers.

    Raises DamagedCheckpoint if a file is not what was written, or if another configuration has led to it; the state
    may then be partly filled.
    """
    damage = find_damage(folder)
    if damage is not None:
        raise DamagedCheckpoint(f"{folder} is damaged ({damage})")
    try:
        for name in NETWORKS:
            getattr(state, name).load_state_dict(load_tensors(folder / f"{name}.safetensors")[0])
        rest = torch.load(folder / STATE, map_location=state.ema.basis.device, weights_only=True)
        identity, images = rest["identity"], rest["images"]
        if images != int(folder.name):
            raise DamagedCheckpoint(f"{folder} holds the state after {images} images, not what its name says")
        if identity != state_identity(config, images):
            raise DamagedCheckpoint(f"{folder} was trained under another configuration")
        state.generator_adam.load_state_dict(rest["generator_adam"])
        state.discriminator_adam.load_state_dict(rest["discriminator_adam"])
        state.loss_scales = {name: LossScale(**rest["loss_scales"][name]) for name in state.loss_scales}
        state.post_hoc = {sigma: rest["post_hoc"][sigma] for sigma in state.post_hoc}
    except (OSError, RuntimeError, ValueError, KeyError, EOFError, UnpicklingError, DamagedTensors) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DamagedCheckpoint(f"{folder} cannot be read ({reason})") from error
    state.sums, steps = rest["sums"], rest["steps"]  # earlier versions: one number of steps for all sums
    state.steps = steps if isinstance(steps, dict) else dict.fromkeys(state.sums, steps)
    state.images, state.seconds = images, rest["seconds"]
    state.measured = rest.get("measured", True)  # earlier versions stopped only when it was
