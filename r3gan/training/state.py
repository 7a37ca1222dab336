"""Everything of a training job that changes, and its checkpoint.

Random streams have no state of their own (see `r3gan.streams`): the image counter stands for all of them.
"""

import copy
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from r3gan.config import TrainConfig
from r3gan.files import sync_path
from r3gan.identity import state_identity
from r3gan.jobdir import JobDir
from r3gan.model.networks import Discriminator, Generator, initialise
from r3gan.snapshot import save_weights


class DamagedCheckpoint(Exception):
    """A checkpoint that cannot be read."""


NETWORKS = ("generator", "discriminator", "ema")


@dataclass(kw_only=True)
class TrainState:
    """Networks, optimisers and counters of a job."""

    generator: Generator
    discriminator: Discriminator
    ema: Generator  # moving average of the generator
    generator_adam: torch.optim.Adam
    discriminator_adam: torch.optim.Adam
    sums: dict[str, Tensor] = field(default_factory=dict)  # of the losses since they were last recorded
    steps: int = 0  # how many steps the sums hold
    images: int = 0  # real images shown to D
    seconds: float = 0.0  # time spent training, over all runs of the job


def fresh_state(config: TrainConfig, classes: int, device: torch.device) -> TrainState:
    """The state before the first step; weights depend on the seed and the parameters' names and shapes alone."""
    generator, discriminator = Generator(config.network, classes), Discriminator(config.network, classes)
    initialise(generator, config.seed, "generator")
    initialise(discriminator, config.seed, "discriminator")
    for network in (generator, discriminator):
        network.to(device).to(memory_format=torch.channels_last)
    return TrainState(
        generator=generator,
        discriminator=discriminator,
        ema=copy.deepcopy(generator).requires_grad_(False),
        generator_adam=make_adam(generator),
        discriminator_adam=make_adam(discriminator),
    )


def make_adam(network: torch.nn.Module) -> torch.optim.Adam:
    """Adam with beta1 = 0 and eps = 1e-8 as released; learning rate and beta2 are set before every step."""
    return torch.optim.Adam(network.parameters(), lr=0.0, betas=(0.0, 0.9), eps=1e-8, fused=True)


def save_checkpoint(state: TrainState, config: TrainConfig, job: JobDir) -> None:
    """Write a complete checkpoint under the image count, then remove the older ones."""
    final = job.checkpoints / f"{state.images:010d}"
    if final.exists():
        return
    temporary = job.checkpoints / "incomplete"
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
        "seconds": state.seconds,
        "identity": state_identity(config, state.images),
    }
    torch.save(rest, temporary / "state.pt")
    for path in [*temporary.iterdir(), temporary]:
        sync_path(path)
    os.rename(temporary, final)
    sync_path(job.checkpoints)
    if job.metrics.exists():
        sync_path(job.metrics)  # a power cut must not leave a checkpoint that is ahead of them
    for old in job.checkpoints.glob("[0-9]*"):
        if old != final:
            shutil.rmtree(old)


def load_checkpoint(state: TrainState, folder: Path, config: TrainConfig) -> None:
    """Fill the state from a checkpoint. Nothing in it is unpickled beyond tensors and plain containers.

    Raises DamagedCheckpoint with the way out if it cannot be read, or if another configuration has led to it.
    """
    try:
        for name in NETWORKS:
            getattr(state, name).load_state_dict(load_file(folder / f"{name}.safetensors"))
        device = state.ema.basis.device
        rest = torch.load(folder / "state.pt", map_location=device, weights_only=True)
        identity, images = rest["identity"], rest["images"]
    except (OSError, RuntimeError, ValueError, KeyError, EOFError, UnpicklingError, SafetensorError) as error:
        reason = str(error).splitlines()[0]
        raise DamagedCheckpoint(f"{folder} is damaged ({reason}): delete it to start again") from error
    if identity != state_identity(config, images):
        raise DamagedCheckpoint(f"{folder} was trained under another configuration: delete it to start again")
    state.generator_adam.load_state_dict(rest["generator_adam"])
    state.discriminator_adam.load_state_dict(rest["discriminator_adam"])
    state.sums, state.steps = rest["sums"], rest["steps"]
    state.images, state.seconds = rest["images"], rest["seconds"]
