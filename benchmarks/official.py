"""R3GAN's training step by the official code, which `benchmarks.iteration --official DIR` measures against.

The code is that of a checkout of github.com/brownvc/R3GAN, of which nothing is part of this project. Its networks, its
trainer, and the order of its training loop (gradients put together and taken apart, Adam, moving average) run with our
weights on our batches; on a CPU its operations take the path that they have for it.
"""

import copy
import importlib
import sys
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor, nn

from r3gan.config import NetworkConfig
from r3gan.generation.official_names import our_name
from r3gan.training.batches import Batch
from r3gan.training.state import TrainState


class OfficialCode:
    """The modules of a checkout. Raises ImportError."""

    def __init__(self, checkout: Path):
        sys.path.insert(0, str(checkout.resolve()))  # its modules import each other from there
        self.networks: ModuleType = importlib.import_module("R3GAN.Networks")
        self.trainer: ModuleType = importlib.import_module("R3GAN.Trainer")


class OfficialSteps:
    """See `benchmarks.steps.Steps`: networks without labels, which begin with a state's weights."""

    def __init__(self, code: OfficialCode, state: TrainState, config: NetworkConfig, gamma: float):
        shape = {"ExpansionFactor": config.expansion, "KernelSize": config.kernel}
        stages = {
            "WidthPerStage": list(config.widths),
            "CardinalityPerStage": list(config.groups),
            "BlocksPerStage": list(config.blocks),
        }
        reverse = {key: numbers[::-1] for key, numbers in stages.items()}
        generator = code.networks.Generator(config.latent_dim, **stages, **shape)
        self.generator = loaded(generator, state.generator, "G")
        self.discriminator = loaded(code.networks.Discriminator(**reverse, **shape), state.discriminator, "D")
        self.ema = copy.deepcopy(self.generator)
        self._trainer = code.trainer.AdversarialTraining(self.generator, self.discriminator)
        self._gamma = gamma
        self._adams = {n: torch.optim.Adam(n.parameters(), eps=1e-8) for n in (self.generator, self.discriminator)}

    def discriminator_gradients(self, batch: Batch) -> None:
        """D's gradients, from zero."""
        self._from_zero(self.discriminator)
        self._trainer.AccumulateDiscriminatorGradients(batch.latents, batch.real.contiguous(), None, self._gamma)
        self.discriminator.requires_grad_(False)

    def generator_gradients(self, batch: Batch) -> None:
        """G's gradients, from zero."""
        self._from_zero(self.generator)
        self._trainer.AccumulateGeneratorGradients(batch.latents, batch.real.contiguous(), None)
        self.generator.requires_grad_(False)

    def step_discriminator(self, lr: float, beta2: float) -> None:
        """Change D's weights."""
        self._step(self.discriminator, lr, beta2)

    def step_generator(self, lr: float, beta2: float) -> None:
        """Change G's weights."""
        self._step(self.generator, lr, beta2)

    @torch.no_grad()
    def update_ema(self, decay: float) -> None:
        """ema <- decay * ema + (1 - decay) * generator."""
        for averaged, new in zip(self.ema.parameters(), self.generator.parameters(), strict=True):
            averaged.copy_(new.lerp(averaged, decay))
        for kept, buffer in zip(self.ema.buffers(), self.generator.buffers(), strict=True):
            kept.copy_(buffer)

    def _from_zero(self, network: nn.Module) -> None:
        self._adams[network].zero_grad(set_to_none=True)
        network.requires_grad_(True)

    def _step(self, network: nn.Module, lr: float, beta2: float) -> None:
        adam = self._adams[network]
        adam.param_groups[0].update(lr=lr, betas=(0.0, beta2))
        parameters = [parameter for parameter in network.parameters() if parameter.grad is not None]
        flat = torch.cat([gradient_of(parameter).flatten() for parameter in parameters])
        for parameter, part in zip(parameters, flat.split([p.numel() for p in parameters]), strict=True):
            parameter.grad = part.reshape(parameter.shape)
        adam.step()


def loaded(official: nn.Module, ours: nn.Module, letter: str) -> nn.Module:
    """The official network on the device and with the weights of ours, asked for no gradients yet."""
    weights = dict(ours.named_parameters())
    names = {name: our_name(name, letter) for name, _ in official.named_parameters()}
    state = {name: weights[our].detach() for name, our in names.items() if our is not None}
    missing = official.load_state_dict(state, strict=False)
    assert len(state) == len(weights), missing
    return official.to(next(iter(weights.values())).device).requires_grad_(False)


def gradient_of(parameter: nn.Parameter) -> Tensor:
    """Its gradient, which it has."""
    assert parameter.grad is not None
    return parameter.grad


def gradient_difference(official: nn.Module, ours: nn.Module, letter: str) -> float:
    """How far the gradients of the two networks are apart: the norm of the difference, of all weights together,
    relative to that of the official ones."""
    mine = dict(ours.named_parameters())
    pairs = [
        (gradient_of(parameter), gradient_of(mine[our]))
        for name, parameter in official.named_parameters()
        if (our := our_name(name, letter)) is not None
    ]
    apart = sum((theirs - our).square().sum() for theirs, our in pairs)
    return float((apart / sum(theirs.square().sum() for theirs, _ in pairs)) ** 0.5)
