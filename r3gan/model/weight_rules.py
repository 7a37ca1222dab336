"""From the weight that a convolution stores to the one it uses. Both are constant within a step, so that D stays
piecewise linear; gradients of what is stored are those of what is used, pulled back.

Shapes: weight [K, ...], as a matrix [K, M].
"""

import math

import torch
from torch import Tensor, nn

from r3gan.model.layers import Layer

SETTLING_ITERATIONS = 15  # of the power iteration, for the initial weights; as torch's own spectral_norm


class WeightRule(Layer):
    """forward: weight as stored -> weight in use.

    A convolution that is to start at zero (gain 0) gets a learned gain that does: its filters need a direction.
    weight_std: of the initial stored weight.
    """

    first_order = True

    def __init__(self, shape: torch.Size, gain: float):
        super().__init__()
        self.weight_std = 1.0
        self.gain = nn.Parameter(torch.zeros(1)) if gain == 0 else None

    def forward(self, weight: Tensor) -> Tensor:
        used = self.normalise(weight)
        return used if self.gain is None else self.gain * used

    def normalise(self, weight: Tensor) -> Tensor:
        """Without the learned gain."""
        raise NotImplementedError

    @torch.no_grad()
    def before_step(self, weight: Tensor) -> None:
        """Before every step of the network that is trained."""
        self.follow(weight)

    @torch.no_grad()
    def follow(self, weight: Tensor) -> None:
        """After a weight has changed that no step trains: that of the moving average."""

    @torch.no_grad()
    def settle(self, weight: Tensor) -> None:
        """After the initial weights were drawn."""


class MagnitudePreserving(WeightRule):
    """Every filter w with the norm of its gain: gain w / |w|. Stored weights are put back to a root mean square of 1
    before each step, which keeps steps as long relative to them: EDM2 (arXiv 2312.02696), section 2.3.
    """

    def __init__(self, shape: torch.Size, gain: float):
        super().__init__(shape, gain)
        self.norm = gain or 1.0

    def normalise(self, weight: Tensor) -> Tensor:
        return self.norm * weight / filter_norms(weight)

    @torch.no_grad()
    def before_step(self, weight: Tensor) -> None:
        weight.mul_(math.sqrt(weight[0].numel()) / filter_norms(weight))


class Spectral(WeightRule):
    """The weight as a matrix over its largest singular value, u^T W v with u and v of a power iteration that goes on by
    one in each step: arXiv 1802.05957, algorithm 1. u and v are constants to the gradient, as there.
    """

    def __init__(self, shape: torch.Size, gain: float):
        super().__init__(shape, gain)
        rows, columns = shape[0], shape[1:].numel()
        self.register_buffer("left", torch.full((rows,), rows**-0.5))  # u
        self.register_buffer("right", torch.full((columns,), columns**-0.5))  # v
        self.weight_std = columns**-0.5
        self.left: Tensor
        self.right: Tensor

    def normalise(self, weight: Tensor) -> Tensor:
        return weight / torch.dot(self.left, weight.flatten(1) @ self.right)

    @torch.no_grad()
    def follow(self, weight: Tensor) -> None:
        matrix = weight.flatten(1)
        self.right.copy_(nn.functional.normalize(matrix.t() @ self.left, dim=0))
        self.left.copy_(nn.functional.normalize(matrix @ self.right, dim=0))

    @torch.no_grad()
    def settle(self, weight: Tensor) -> None:
        for _ in range(SETTLING_ITERATIONS):
            self.follow(weight)


def filter_norms(weight: Tensor) -> Tensor:
    """The norm of each filter: [K, 1, 1, 1]."""
    return torch.linalg.vector_norm(weight, dim=tuple(range(1, weight.ndim)), keepdim=True)
