"""The discriminator's step: adversarial loss plus R1 and R2, and their gradients.

Two forms of the same exact gradients: `backward_first_order` for networks whose layers declare it, about half the work;
`backward_twice`, by automatic differentiation, for any other, and as the reference of tests and benchmarks.
A third one, `backward_finite_differences`, estimates the penalties instead, where the configuration says so.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from r3gan.computation import PenaltyForm
from r3gan.config import PenaltyConfig
from r3gan.model.convolution import input_gradients_only
from r3gan.model.networks import Discriminator
from r3gan.training.finite_differences import backward_finite_differences
from r3gan.training.first_order import AffineMap, backward_first_order
from r3gan.training.options import StepOptions

FIRST_ORDER, TWICE, NONE = "exact first-order form", "double backward", "no penalty"
DIFFERENCES = "estimated by finite differences"


class NotFirstOrder(ValueError):
    """The first-order form was asked for of a network for which it is not exact."""


@dataclass(frozen=True)
class DiscriminatorTerms:
    """The parts of D's loss per sample, detached, each [B]."""

    adversarial: Tensor
    logit_gap: Tensor  # D(x) - D(G(z))
    r1: Tensor  # squared norm of D's input gradient at the real images
    r2: Tensor  # the same at the generated images


def form_in_use(discriminator: Discriminator, penalties: PenaltyConfig, asked: PenaltyForm = "auto") -> str:
    """By which form the gradients of R1 and R2 are taken: FIRST_ORDER, TWICE, NONE without any penalty, or DIFFERENCES.

    Without a penalty one ordinary backward pass is less work than the first-order form. Finite differences are another
    training, not another way to compute one: where the configuration has them, nothing else can be asked for.
    Raises NotFirstOrder if that form is asked for and the network does not declare it.
    """
    if not penalties.is_on:
        return NONE
    if penalties.finite_difference_sigma is not None:
        return DIFFERENCES
    if asked == "first-order" and not discriminator.first_order:
        raise NotFirstOrder("the first-order form of the penalties is not exact for this discriminator: use double")
    return FIRST_ORDER if discriminator.first_order and asked != "double" else TWICE


def backward_discriminator(
    discriminator: Discriminator,
    real: Tensor,
    fake: Tensor,
    labels: Tensor | None,
    options: StepOptions,
    *,
    pairs: int | None = None,
    augment: AffineMap | None = None,
    directions: Tensor | None = None,
) -> DiscriminatorTerms:
    """Add to D's gradients those of (1 / pairs) sum(loss + (gamma / 2) (R1 + R2)) over these B pairs.

    real, fake: [B, 3, H, W]; labels: [B, K] one-hot or None, the same for both; pairs: how many the whole batch holds,
    if these are a part of it (default: B); augment: drawn for the 2B images [real; fake], inside the penalties;
    directions: of finite differences, [2B, 3, H, W], needed for them alone.
    All of it times options.loss_scale. A penalty that is switched off is not added, and reported as 0.
    Source: arXiv 2501.05441, section 2, and the official code's ZeroCenteredGradientPenalty.
    """
    count, penalties = len(real), options.penalties
    images = torch.cat([real, fake]).detach()
    labels = None if labels is None else torch.cat([labels, labels])
    penalised = slice(0 if penalties.r1 else count, 2 * count if penalties.r2 else count)

    def adversarial(logits: Tensor) -> Tensor:
        return options.loss.discriminator(*logits.split(count))

    form = form_in_use(discriminator, penalties, options.penalty_form)
    backward: Callable[..., tuple[Tensor, Tensor]] = BACKWARD[form]
    if form == DIFFERENCES:
        backward = partial(backward, directions=directions, sigma=penalties.finite_difference_sigma)
    logits, squared_norms = backward(
        discriminator,
        images,
        labels,
        augment,
        loss=lambda v: options.loss_scale * adversarial(v).sum(),
        gamma=options.loss_scale * options.gamma,
        penalised=penalised,
        scale=1 / (pairs or count),
    )
    real_logits, fake_logits = logits.split(count)
    return DiscriminatorTerms(adversarial(logits), real_logits - fake_logits, *squared_norms.split(count))


def backward_twice(
    discriminator: Discriminator,
    images: Tensor,
    labels: Tensor | None,
    augment: AffineMap | None,
    *,
    loss: Callable[[Tensor], Tensor],
    gamma: float,
    penalised: slice,
    scale: float,
) -> tuple[Tensor, Tensor]:
    """`backward_first_order` by differentiating the input gradient once more: exact for any D."""
    wants_penalty = penalised.start < penalised.stop
    images = images.requires_grad_(wants_penalty)
    logits = discriminator(images if augment is None else augment(images), labels)
    objective = loss(logits)
    squared_norms = torch.zeros_like(logits)
    if wants_penalty:
        with input_gradients_only():
            (gradient,) = torch.autograd.grad(logits[penalised].sum(), images, create_graph=True)
        squared_norms = gradient.square().sum(dim=(1, 2, 3))
        objective = objective + gamma / 2 * squared_norms.sum()
    (scale * objective).backward()
    return logits.detach(), squared_norms.detach()


BACKWARD: dict[str, Callable[..., tuple[Tensor, Tensor]]] = {
    FIRST_ORDER: backward_first_order,
    TWICE: backward_twice,
    NONE: backward_twice,
    DIFFERENCES: backward_finite_differences,
}
