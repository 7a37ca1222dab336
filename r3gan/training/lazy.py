"""Lazy regularisation: R1 and R2 in every k-th step of D alone, as StyleGAN2 has it (arXiv 1912.04958, appendix B).

With k = `penalties.every` above 1, every step of D first updates it by the adversarial loss alone. In every k-th step,
the first of a training among them, an update of its own follows, by (k gamma / 2) (R1 + R2) at the same images,
augmented alike, through the same Adam. These are k + 1 updates in k steps where the released training makes k, and
Adam's settings are corrected for D by c = k / (k + 1): learning rate c lr, decays beta1^c and beta2^c. G's stay.

With k = 1 the loss and the penalties are one update, as released, and nothing is corrected.
"""

from dataclasses import dataclass, replace

from torch import Tensor

from r3gan.config import PenaltyConfig
from r3gan.training.losses import Loss
from r3gan.training.options import StepOptions


@dataclass(frozen=True)
class Pass:
    """One update of D within a step."""

    options: StepOptions
    terms: tuple[str, ...]  # what is recorded of it
    share: float  # of the steps that have it


def discriminator_passes(options: StepOptions) -> tuple[Pass, ...]:
    """The updates that a step of D can consist of, in their order."""
    penalties = options.penalties
    if not penalties.is_lazy:
        return (Pass(options, ("loss_d", "logit_gap", "r1", "r2"), 1.0),)
    plain = replace(options, penalties=PenaltyConfig(r1=False, r2=False))
    alone = replace(options, loss=NO_LOSS, gamma=penalties.every * options.gamma)
    return Pass(plain, ("loss_d", "logit_gap"), 1.0), Pass(alone, ("r1", "r2"), 1 / penalties.every)


def passes_of_step(options: StepOptions, step: int) -> tuple[Pass, ...]:
    """Those of the step of this number, from 0."""
    return tuple(each for each in discriminator_passes(options) if each.share == 1 or options.penalties.is_due(step))


def adam_correction(penalties: PenaltyConfig) -> float:
    """c, by which D's learning rate is multiplied and its decays are raised to a power: 1 unless lazy."""
    return penalties.every / (penalties.every + 1) if penalties.is_lazy else 1.0


def nothing(real: Tensor, fake: Tensor) -> Tensor:
    """0 for each pair."""
    return 0 * (real - fake)


NO_LOSS = Loss(nothing, nothing)
