"""Instance noise: what D sees is images plus normal noise, real and generated ones alike, whose deviation decays.

Source: arXiv 1610.04490 (and arXiv 1701.04862). Once drawn, x + sigma e is affine in x, so that the penalties keep
their exact first-order form; they are then of D's gradient at the noisy images.

Shapes: N images [N, I, H, W].
"""

from dataclasses import dataclass

from torch import Tensor

from r3gan.training.first_order import AffineMap


@dataclass(frozen=True)
class Noisy:
    """An `AffineMap`: another one, if any, then noise e [N, I, H, W] of deviation sigma."""

    inner: AffineMap | None
    noise: Tensor
    sigma: float

    def __call__(self, images: Tensor) -> Tensor:
        """A x + b + sigma e."""
        seen = images if self.inner is None else self.inner(images)
        return seen + self.sigma * self.noise

    def linear(self, directions: Tensor) -> Tensor:
        """A v."""
        return directions if self.inner is None else self.inner.linear(directions)
