"""Principal components of what a generator computes, and moves along them.

Shapes: N samples, D components, F coordinates, Z latent dimension, T positions.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from r3gan.model.networks import Generator


class Components(NamedTuple):
    """Directions in the order of their strength."""

    mean: Tensor  # [F]
    vectors: Tensor  # [D, F], of length 1
    deviations: Tensor  # [D], standard deviation along each
    shares: Tensor  # [D], of the whole variance


def modulation_components(generator: Generator) -> Components:
    """Directions of z, by the spread of the modulation W z that each causes: exact, as z is standard normal.

    The covariance of W z is W W^T; with W = U S V^T a step of one deviation along row v of V^T moves the modulation by
    its singular value.
    """
    weight = generator.modulation.weight[:, : generator.latent_dim - generator.noise_dim].detach().cpu()
    _, values, vectors = torch.linalg.svd(weight, full_matrices=False)
    vectors = torch.nn.functional.pad(vectors, (0, generator.noise_dim))  # noise does not move it
    return Components(torch.zeros(generator.latent_dim), vectors, values, values**2 / (values**2).sum())


def sample_components(x: Tensor, count: int) -> Components:
    """The first components of rows x [N, F]; by the Gram matrix [N, N], as F may be large."""
    mean = x.mean(0)
    x = x - mean
    values, mixes = torch.linalg.eigh((x @ x.T).double() / (len(x) - 1))
    values, mixes = values.flip(0).clamp(min=0), mixes.flip(1)[:, :count].to(x.dtype)
    vectors = torch.nn.functional.normalize(mixes.T @ x, dim=1)
    shares = values / values.sum().clamp(min=torch.finfo(values.dtype).tiny)
    return Components(mean, vectors, values[:count].sqrt().to(x.dtype), shares[:count].to(x.dtype))


def moved(start: Tensor, mean: Tensor, vector: Tensor, places: Tensor) -> Tensor:
    """[T, F]: `start` [F], but at the places [T] along a vector [F] of length 1, counted from the mean [F]."""
    return start + (places - (start - mean) @ vector)[:, None] * vector
