"""R1 and R2 estimated by finite differences of D, in place of its exact gradients: no double backward, whatever D is
made of. D is run, and differentiated once, at twice as many images: dearer than the exact first-order form.

For a direction e ~ N(0, I), the mean of ((D(x + sigma e) - D(x)) / sigma)^2 is the squared norm of D's gradient as far
as D is linear over a distance of sigma; each image gets one direction per step. What that costs in bias and noise is
measured by benchmarks/finite_differences.py. arXiv 2501.08316 uses (D(x + sigma e) - D(x))^2 so; the division by
sigma^2 keeps gamma's meaning.

Shapes: N images [real; generated], P of them penalised.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from r3gan.model.networks import Discriminator
from r3gan.training.first_order import AffineMap


def backward_finite_differences(
    discriminator: Discriminator,
    images: Tensor,
    labels: Tensor | None,
    augment: AffineMap | None,
    *,
    loss: Callable[[Tensor], Tensor],
    gamma: float,
    penalised: slice,
    scale: float,
    directions: Tensor,
    sigma: float,
) -> tuple[Tensor, Tensor]:
    """`backward_first_order` with the estimate in the place of |g_n|^2. directions: e, [N, 3, H, W]."""
    seen, along = (images, directions) if augment is None else (augment(images), augment.linear(directions))
    shifted = (seen + sigma * along)[penalised]
    seen_labels = None if labels is None else torch.cat([labels, labels[penalised]])
    logits, moved = discriminator(torch.cat([seen, shifted]), seen_labels).split([len(images), len(shifted)])
    squared_norms = torch.zeros_like(logits)
    squared_norms[penalised] = ((moved - logits[penalised]) / sigma).square()
    objective = loss(logits) + gamma / 2 * squared_norms.sum()
    (scale * objective).backward()
    return logits.detach(), squared_norms.detach()
