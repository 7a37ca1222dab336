"""Whether the first-order form of R1 and R2 is right on this device: compared with double backward before training.

The form is exact on paper, and its tests ran on some device. Another device, or another version of its libraries, may
have a kernel that is wrong, which no loss curve would show. Shapes: B = 2 pairs, R resolution, I image channels,
K classes.
"""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor

from r3gan.computation import PenaltyForm
from r3gan.config import TrainConfig
from r3gan.model.conv import Conv
from r3gan.model.layers import Precision
from r3gan.model.networks import Discriminator
from r3gan.streams import stream
from r3gan.training.augment import draw_noise, make_augmentation
from r3gan.training.losses import make_loss
from r3gan.training.numerics import use_tf32
from r3gan.training.options import StepOptions
from r3gan.training.penalties import FIRST_ORDER, backward_discriminator, form_in_use

PAIRS = 2
TOLERANCE = 1e-3  # rounding in float32 gives 1e-7 to 1e-5, an activation that changes its sign by rounding 1e-4 at most
SMALL = 1e-3  # of the whole gradient's norm: a parameter whose gradient is less is measured against this
STREAM = "penalty-check"


class PenaltyMismatch(Exception):
    """The first-order form does not give the gradients of double backward on this device."""


@dataclass(frozen=True)
class PenaltyCheck:
    """The parameter whose gradients differ most, and by how much of their norm."""

    worst_parameter: str
    relative_error: float


def check_penalty(discriminator: Discriminator, config: TrainConfig, form: PenaltyForm) -> PenaltyCheck | None:
    """Compare both forms on a float32 copy of D, with random images, the job's first loss, and its largest gamma and
    strength of augmentation.

    None if the first-order form is not in use. Raises PenaltyMismatch with the way on. Leaves D and all random
    streams of the job as they are, and TF32 off, in which the comparison is made.
    """
    if form_in_use(discriminator, config.penalties, form) != FIRST_ORDER:
        return None
    use_tf32(False)
    network = awake_copy(discriminator)
    real, fake, labels, noise = random_inputs(network, config)
    gamma, strength = (max(s.start, s.end) for s in (config.schedules.gamma, config.schedules.augment_p))
    size = config.network.resolution
    augment = make_augmentation(noise, strength, size, config.augmentation) if strength else None
    found: list[dict[str, Tensor]] = []
    forms: tuple[PenaltyForm, ...] = ("first-order", "double")
    for compared in forms:
        network.zero_grad(set_to_none=True)
        loss = make_loss(config.loss[0])
        step = StepOptions(loss=loss, gamma=gamma, penalties=config.penalties, penalty_form=compared)
        backward_discriminator(network, real, fake, labels, step, augment=augment)
        found.append({name: p.grad for name, p in network.named_parameters() if p.grad is not None})
    result = compare(*found)
    if not result.relative_error <= TOLERANCE:  # also if it is not a number
        raise PenaltyMismatch(
            f"on this device the first-order form of R1 and R2 does not give the gradients of double backward: that of "
            f"{result.worst_parameter} differs by {result.relative_error:.1e} of its norm ({TOLERANCE:g} is allowed). "
            "--penalty-form double trains without it"
        )
    return result


def compare(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> PenaltyCheck:
    """The largest relative error, parameter by parameter. One that only `theirs` has counts as an error of 1."""
    whole = torch.stack([gradient.norm() for gradient in theirs.values()]).norm()
    errors = {
        name: float((ours.get(name, 0 * expected) - expected).norm() / expected.norm().clamp(min=SMALL * whole))
        for name, expected in theirs.items()
    }
    worst = max(errors, key=lambda name: errors[name] if errors[name] == errors[name] else float("inf"))
    return PenaltyCheck(worst, errors[worst])


@torch.no_grad()
def awake_copy(discriminator: Discriminator) -> Discriminator:
    """D in float32, with small random numbers where everything is zero: residual branches start so, and behind them no
    gradient would be compared."""
    network = copy.deepcopy(discriminator).requires_grad_(True)
    for module in network.modules():
        if isinstance(module, Precision):
            module.low = False
        if isinstance(module, Conv):
            module.format = None
    for name, parameter in network.named_parameters():
        if not parameter.any():
            draw = torch.randn(parameter.shape, generator=stream(0, STREAM, name))
            parameter.copy_(0.5 * draw / max(1, parameter[0].numel()) ** 0.5)
    return network


def random_inputs(network: Discriminator, config: TrainConfig) -> tuple[Tensor, Tensor, Tensor | None, Tensor]:
    """Real and fake images, each [B, I, R, R] in -1..1, one-hot labels [B, K] if D takes some, noise for 2B images."""
    device, size = next(network.parameters()).device, config.network.resolution
    shape = (2, PAIRS, config.network.image_channels, size, size)
    draws = torch.rand(shape, generator=stream(0, STREAM, "images"))
    real, fake = (2 * draws - 1).to(device)
    labels = torch.eye(max(PAIRS, network.classes))[:PAIRS, : network.classes].to(device) if network.classes else None
    noise = draw_noise(2 * PAIRS, stream(0, STREAM, "noise")).to(device)
    return real, fake, labels, noise
