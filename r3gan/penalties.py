"""The discriminator's step: adversarial loss plus R1 and R2, and their gradients.

`backward_discriminator` is the one place where the penalties' gradients are taken. It is exact for any twice
differentiable D; a faster exact form for piecewise linear ones replaces its body, not its callers.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from r3gan.config import PenaltyConfig
from r3gan.convolution import input_gradients_only
from r3gan.losses import Loss


@dataclass(frozen=True)
class DiscriminatorTerms:
    """The parts of D's loss per sample, detached, each [B]."""

    adversarial: Tensor
    logit_gap: Tensor  # D(x) - D(G(z))
    r1: Tensor  # squared norm of D's input gradient at the real images
    r2: Tensor  # the same at the generated images


def squared_gradient_norm(logits: Tensor, images: Tensor) -> Tensor:
    """|d D(x_n) / d x_n|^2 for each image, differentiable again: [B] from logits [B] and images [B, 3, H, W]."""
    with input_gradients_only():
        (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3))


def backward_discriminator(
    discriminator: nn.Module,
    real: Tensor,
    fake: Tensor,
    labels: Tensor | None,
    loss: Loss,
    gamma: float,
    penalties: PenaltyConfig,
) -> DiscriminatorTerms:
    """Add to D's gradients those of mean(loss) + (gamma / 2) mean(R1 + R2), over this rank's B pairs.

    real, fake: [B, 3, H, W]; labels: [B, K] one-hot or None, the same for both. A penalty that is switched off is
    neither added nor computed, and reported as 0. Source: arXiv 2501.05441, eq. 3 and 4.
    """
    count = len(real)
    images = torch.cat([real, fake]).detach().requires_grad_(penalties.r1 or penalties.r2)
    logits = discriminator(images, None if labels is None else torch.cat([labels, labels]))
    real_logits, fake_logits = logits.split(count)
    adversarial = loss.discriminator(real_logits, fake_logits)

    r1 = r2 = torch.zeros_like(adversarial)
    if penalties.r1 and penalties.r2:
        r1, r2 = squared_gradient_norm(logits, images).split(count)
    elif penalties.r1:
        r1 = squared_gradient_norm(real_logits, images)[:count]
    elif penalties.r2:
        r2 = squared_gradient_norm(fake_logits, images)[count:]
    (adversarial + (gamma / 2) * (r1 + r2)).mean().backward()
    return DiscriminatorTerms(adversarial.detach(), (real_logits - fake_logits).detach(), r1.detach(), r2.detach())
