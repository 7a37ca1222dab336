"""Averages of weights over power functions of the time, and any of them afterwards by least squares from stored ones.

Source: Karras et al. 2024, "Analyzing and improving the training dynamics of diffusion models" (EDM2, arXiv
2312.02696), section 3.1, whose power function profile after t images weighs the weights after s images by

    p(s) = (g + 1) s^g / t^(g + 1)  for 0 <= s <= t.

Its width, the standard deviation over t, is sigma_rel; all lengths here are such. g = 0 is the plain average, whose
width is WIDEST; the larger g, the narrower.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

WIDEST = 12**-0.5


@dataclass(frozen=True)
class Profile:
    """The weight of each moment in an average."""

    images: int  # t: at which it ends
    sigma_rel: float  # its width in multiples of t, above 0 and below WIDEST

    @cached_property
    def exponent(self) -> float:
        """g, from sigma_rel^2 = (g + 1) / ((g + 2)^2 (g + 3)): the one root of the cubic that is not negative."""
        squared = self.sigma_rel**-2
        return float(np.roots([1.0, 7.0, 16.0 - squared, 12.0 - squared]).real.max())

    def keep(self, batch_size: int) -> float:
        """What is kept of the average before the last batch, (1 - batch / t)^(g + 1); the rest is the weights'."""
        return float((1 - batch_size / self.images) ** (self.exponent + 1))


def product(one: Profile, other: Profile) -> float:
    """The integral of p q over all time. Both are powers up to where the earlier one ends, with the mean exponent."""
    earlier, later = sorted((one, other), key=lambda profile: profile.images)
    a, b = earlier.exponent, later.exponent
    ratio = earlier.images / later.images
    return (a + 1) * (b + 1) / (a + b + 1) * math.exp(b * math.log(ratio)) / later.images


@dataclass(frozen=True)
class Mixture:
    """Factors of stored averages whose sum comes nearest to a profile."""

    factors: tuple[float, ...]  # sum to 1
    error: float  # the root of the integral of (sum - p)^2, over that of p^2


def solve(stored: Sequence[Profile], wanted: Profile) -> Mixture:
    """The stored averages that end no later than the wanted one, mixed by least squares. In float64.

    Stored averages are nearly dependent on each other: directions that carry less than rounding are left out.
    """
    gram = np.array([[product(one, other) for other in stored] for one in stored])
    target = np.array([product(one, wanted) for one in stored])
    size = np.sqrt(np.diag(gram))  # later averages are longer and lower: on one scale
    factors = np.linalg.lstsq(gram / np.outer(size, size), target / size, rcond=1e-13)[0] / size
    factors /= factors.sum()
    whole = product(wanted, wanted)
    squared = whole - 2 * factors @ target + factors @ gram @ factors
    return Mixture(tuple(factors.tolist()), math.sqrt(max(squared, 0.0) / whole))
