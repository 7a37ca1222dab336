"""A training step as a benchmark takes it apart, and ours."""

from typing import Protocol

from torch import nn

from r3gan.training.batches import Batch
from r3gan.training.options import StepOptions
from r3gan.training.state import TrainState
from r3gan.training.steps import accumulate_discriminator, accumulate_generator, schedule_adam, update_ema


class Steps(Protocol):
    """A way to compute a training step."""

    @property
    def generator(self) -> nn.Module:
        """G, with the gradients of the last step."""

    @property
    def discriminator(self) -> nn.Module:
        """D, likewise."""

    def discriminator_gradients(self, batch: Batch) -> None:
        """D's gradients, from zero."""

    def generator_gradients(self, batch: Batch) -> None:
        """G's gradients, from zero."""

    def step_discriminator(self, lr: float, beta2: float) -> None:
        """Change D's weights."""

    def step_generator(self, lr: float, beta2: float) -> None:
        """Change G's weights."""

    def update_ema(self, decay: float) -> None:
        """Change the moving average."""


class OurSteps:
    """What `r3gan train` does."""

    def __init__(self, state: TrainState, options: StepOptions):
        self.state, self.options = state, options
        self.generator, self.discriminator = state.generator, state.discriminator

    def discriminator_gradients(self, batch: Batch) -> None:
        """See Steps."""
        accumulate_discriminator(self.generator, self.discriminator, batch, self.options)

    def generator_gradients(self, batch: Batch) -> None:
        """See Steps."""
        accumulate_generator(self.generator, self.discriminator, batch, self.options)

    def step_discriminator(self, lr: float, beta2: float) -> None:
        """See Steps."""
        schedule_adam(self.state, lr, beta2)
        self.state.discriminator_adam.step()

    def step_generator(self, lr: float, beta2: float) -> None:
        """See Steps."""
        schedule_adam(self.state, lr, beta2)
        self.state.generator_adam.step()

    def update_ema(self, decay: float) -> None:
        """See Steps."""
        update_ema(self.state, decay)
