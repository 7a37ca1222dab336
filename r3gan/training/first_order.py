"""The gradients of D's loss with R1 and R2, exactly, by first-order passes only. Derivation: docs/speed.md

A piecewise linear D is, around each image x_n, linear: with frozen activation signs, any weight W acts on the input
a_n of its layer, and the loss reaches the layer's output through delta_n, the gradient of the logit l_n. The penalty is
the same network, without its biases, applied to the direction g_n = d l_n / d x_n. Hence, with c_n = d loss / d l_n and
e_n = gamma / N (0 for images whose penalty is off),

    d loss / dW = sum_n delta_n (x) u_n,  u_n = c_n a_n + e_n a'_n,    d loss / db = sum_n c_n delta_n,

where u_n at the input is c_n x_n + e_n g_n, and flows through the linearised network. Four passes, each with the cost
of a forward: linearise, vjp (delta and g), jvp (u), and the weights' gradients on the way of the last.

Attention is not piecewise linear: its own second derivative is written by formula, see r3gan/model/attention.py.
All is scaled by N, so that no factor vanishes in bfloat16; the weights' gradients are scaled back, in float32.

Shapes: N images, E features.
"""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from r3gan.model.layers import Tape, add_gradient
from r3gan.model.networks import Discriminator


class AffineMap(Protocol):
    """An augmentation already drawn for a batch: affine in every image, the images apart from each other."""

    def __call__(self, images: Tensor) -> Tensor:
        """A x + b, differentiable, [N, 3, H, W]."""

    def linear(self, directions: Tensor) -> Tensor:
        """A v, without the offset: [N, 3, H, W]."""


@torch.no_grad()
def backward_first_order(
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
    """Add to D's gradients those of scale * (loss(logits) + (gamma / 2) sum of |g_n|^2 over the penalised images).

    images [N, 3, H, W]; loss maps the logits [N] to a scalar.
    Returns the logits [N] and |g_n|^2 [N], which is 0 for images that are not penalised.
    """
    trunk = discriminator.trunk
    curved = sum(getattr(module, "curved", False) for module in trunk.modules())
    tape = Tape(curved_ahead=curved, gradient_scale=scale)

    with torch.enable_grad():
        leaf = images.detach().requires_grad_(augment is not None)
        seen = leaf if augment is None else augment(leaf)
    features = trunk.linearise(seen.detach(), tape)  # [N, E]
    directions = discriminator.directions(features, labels)
    logits = (features * directions).sum(dim=1)

    gradient = trunk.vjp(directions, tape)
    if augment is not None:
        (gradient,) = torch.autograd.grad(seen, leaf, gradient)
    on = torch.zeros_like(logits)
    on[penalised] = 1
    squared_norms = on * gradient.square().sum(dim=(1, 2, 3))

    with torch.enable_grad():
        logits_leaf = logits.detach().requires_grad_()
        (tape.bias_scale,) = torch.autograd.grad(loss(logits_leaf), logits_leaf)
    c, e = (v[:, None, None, None] for v in (tape.bias_scale, gamma * on))
    direction = gradient if augment is None else augment.linear(gradient)
    features = trunk.jvp(c * seen.detach() + e * direction, tape)
    if discriminator.embedding is not None:
        assert labels is not None
        add_gradient(discriminator.embedding.weight, features.t() @ labels, tape)
    if discriminator.unconditional is not None:
        add_gradient(discriminator.unconditional.weight, features.sum(0, keepdim=True), tape)
    if curved:
        trunk.curvature_vjp(None, tape)
    return logits, squared_norms
