"""Adversarial losses, one equation each, and the schedule that says which one is in force.

Every loss maps logits to one value per sample: real and fake are D(x) and D(G(z)), both [B]; the result is [B].
The rows that name them, with their options, are LOSSES in r3gan/tables/losses.py.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from torch import Tensor
from torch.nn.functional import relu, softplus

from r3gan.config import LossPhase
from r3gan.tables.lookup import row_of
from r3gan.tables.losses import LOSSES

LogitLoss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Loss:
    """What D minimises and what G minimises, each a function of (real logits, fake logits)."""

    discriminator: LogitLoss
    generator: LogitLoss


def relativistic_softplus_d(real: Tensor, fake: Tensor) -> Tensor:
    """softplus(-(D(x) - D(G(z)))): RpGAN, arXiv 2501.05441, section 2, with f(t) = -softplus(-t)."""
    return softplus(-(real - fake))


def relativistic_softplus_g(real: Tensor, fake: Tensor) -> Tensor:
    """The same with real and fake exchanged."""
    return relativistic_softplus_d(fake, real)


def relativistic_hinge_d(real: Tensor, fake: Tensor, margin: float) -> Tensor:
    """relu(margin - (D(x) - D(G(z)))): the paired form of the hinge in arXiv 1807.00734, section 4."""
    return relu(margin - (real - fake))


def relativistic_hinge_g(real: Tensor, fake: Tensor, margin: float) -> Tensor:
    """The same with real and fake exchanged."""
    return relativistic_hinge_d(fake, real, margin)


def non_saturating_d(real: Tensor, fake: Tensor) -> Tensor:
    """softplus(-D(x)) + softplus(D(G(z))): Goodfellow et al. 2014, eq. 1."""
    return softplus(-real) + softplus(fake)


def non_saturating_g(real: Tensor, fake: Tensor) -> Tensor:
    """softplus(-D(G(z))): Goodfellow et al. 2014, section 3, the non-saturating form."""
    return softplus(-fake)


def hinge_d(real: Tensor, fake: Tensor, margin: float) -> Tensor:
    """relu(margin - D(x)) + relu(margin + D(G(z))): Lim and Ye, arXiv 1705.02894, with the margin 1 there."""
    return relu(margin - real) + relu(margin + fake)


def hinge_g(real: Tensor, fake: Tensor, margin: float) -> Tensor:
    """-D(G(z)): the same source. The margin is D's alone."""
    return -fake


def make_loss(phase: LossPhase) -> Loss:
    """The loss that a phase of the configuration names, with its options. Raises UnknownChoice."""
    row = row_of(LOSSES, "loss", phase.kind)
    options = {key: getattr(phase, key) for key in row.options}
    return Loss(*(partial(function.load(), **options) for function in (row.discriminator, row.generator)))


def phase_at(phases: tuple[LossPhase, ...], total_kimg: float, images: int) -> LossPhase:
    """The phase in force after `images` real images: the last one that has begun."""
    return phases[phase_number(phases, total_kimg, images) - 1]


def phase_number(phases: tuple[LossPhase, ...], total_kimg: float, images: int) -> int:
    """Its place among the phases, from 1."""
    return sum(phase.start_img(total_kimg) <= images for phase in phases)
