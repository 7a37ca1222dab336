"""Everything of a training job that changes.

Random streams have no state of their own (see `r3gan.streams`): the image counter stands for all of them.
"""

import copy
from dataclasses import dataclass, field

import torch
from torch import Tensor

from r3gan.config import TrainConfig
from r3gan.model.networks import Discriminator, Generator, initialise
from r3gan.training.adam import Adam
from r3gan.training.loss_scale import LossScale, loss_scales


@dataclass(kw_only=True)
class TrainState:
    """Networks, optimisers and counters of a job."""

    generator: Generator
    discriminator: Discriminator
    ema: Generator  # moving average of the generator
    generator_adam: Adam
    discriminator_adam: Adam
    sums: dict[str, Tensor] = field(default_factory=dict)  # of the losses since they were last recorded
    steps: dict[str, int] = field(default_factory=dict)  # how many steps each of the sums holds
    post_hoc: dict[float, dict[str, Tensor]] = field(default_factory=dict)  # see r3gan/training/post_hoc.py
    loss_scales: dict[str, LossScale] = field(default_factory=dict)  # of networks that have one
    images: int = 0  # real images shown to D
    measured: bool = True  # whether what is due after so many images was recorded: not if a stop came in between
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
        generator_adam=Adam(generator.parameters()),
        discriminator_adam=Adam(discriminator.parameters()),
        loss_scales=loss_scales(config, device),
    )
