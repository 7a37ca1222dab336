"""Metrics of histograms of modes, as pure functions of counts."""

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


def kl_to(counts: Tensor, shares: Tensor) -> float:
    """D_KL(empirical distribution || shares) in nats, from counts [M] and probabilities float64 [M] above 0."""
    p = counts.double() / counts.sum()
    return float(torch.special.xlogy(p, p / shares).sum())


def kl_floor(samples: int, modes: int) -> float:
    """What `kl_to_uniform` shows on average for `samples` draws from the uniform distribution itself.

    The exact expectation, M E[(n/N) log(M n/N)] with n binomial(N, 1/M). About (M - 1) / (2 N) for large N.
    """
    return float(modes * expected_part(samples, 1 / modes, modes))


def kl_floor_of(samples: int, shares: Tensor) -> float:
    """What `kl_to` shows on average for draws from the shares [M] themselves."""
    parts = {share: expected_part(samples, share, 1 / share) for share in set(shares.tolist())}
    return float(sum(parts[share] for share in shares.tolist()))


def expected_part(samples: int, chance: float, odds: float) -> Tensor:
    """E[(n/N) log(odds n/N)] with n binomial(N, chance), a float64 scalar; odds: 1 / chance, to the last bit."""
    n = torch.arange(samples + 1, dtype=torch.float64)
    total = torch.tensor(float(samples), dtype=torch.float64)
    log_choose = torch.lgamma(total + 1) - torch.lgamma(n + 1) - torch.lgamma(total - n + 1)
    log_p = log_choose + torch.special.xlogy(n, torch.tensor(chance)) + (total - n) * math.log1p(-chance)
    share = n / samples
    return (log_p.exp() * torch.special.xlogy(share, odds * share)).sum()
