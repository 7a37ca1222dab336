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
