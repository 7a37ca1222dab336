"""Metrics of generated images, as pure functions of counts and features."""

import math

import torch
from torch import Tensor


def covered_modes(counts: Tensor) -> int:
    """How many modes were hit at least once: counts [M] of samples per mode."""
    return int((counts > 0).sum())


def kl_to_uniform(counts: Tensor) -> float:
    """D_KL(empirical distribution || uniform) in nats, from counts [M] of hard labels."""
    p = counts.double() / counts.sum()
    return float(torch.special.xlogy(p, p * len(p)).sum())


def kl_floor(samples: int, modes: int) -> float:
    """What `kl_to_uniform` shows on average for `samples` draws from the uniform distribution itself.

    The exact expectation, M E[(n/N) log(M n/N)] with n binomial(N, 1/M). About (M - 1) / (2 N) for large N.
    """
    n = torch.arange(samples + 1, dtype=torch.float64)
    total = torch.tensor(float(samples), dtype=torch.float64)
    log_choose = torch.lgamma(total + 1) - torch.lgamma(n + 1) - torch.lgamma(total - n + 1)
    log_p = log_choose + torch.special.xlogy(n, torch.tensor(1 / modes)) + (total - n) * math.log1p(-1 / modes)
    share = n / samples
    return float(modes * (log_p.exp() * torch.special.xlogy(share, modes * share)).sum())


def frechet_distance(mean_a: Tensor, cov_a: Tensor, mean_b: Tensor, cov_b: Tensor) -> float:
    """Squared Frechet distance between two Gaussians, float64: means [F], covariances [F, F].

    |m_a - m_b|^2 + tr(A + B - 2 (A^(1/2) B A^(1/2))^(1/2)). Source: Heusel et al. 2017 (arXiv 1706.08500), eq. 6.
    """
    root_a = symmetric_root(cov_a.double())
    cross = torch.linalg.eigvalsh(root_a @ cov_b.double() @ root_a).clamp(min=0).sqrt().sum()
    gap = (mean_a.double() - mean_b.double()).square().sum()
    return float(gap + cov_a.double().trace() + cov_b.double().trace() - 2 * cross)


def symmetric_root(matrix: Tensor) -> Tensor:
    """The positive semi-definite square root of a symmetric positive semi-definite matrix."""
    values, vectors = torch.linalg.eigh(matrix)
    return vectors * values.clamp(min=0).sqrt() @ vectors.T


def mean_and_covariance(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean [F] and unbiased covariance [F, F] of features [N, F], in float64."""
    features = features.double()
    return features.mean(0), torch.cov(features.T)
