"""Activation functions; r3gan/tables/activations.py has their rows. Each may overwrite its input."""

import torch
from torch import Tensor
from torch.nn import functional as F

from r3gan.tables.activations import LEAKY_SLOPE


def leaky_relu(x: Tensor) -> Tensor:
    """x where it is positive, 0.2 x elsewhere; in place."""
    return F.leaky_relu_(x, LEAKY_SLOPE)


def relu(x: Tensor) -> Tensor:
    """x where it is positive, 0 elsewhere; in place."""
    return F.relu_(x)


def gelu(x: Tensor) -> Tensor:
    """x times the normal distribution function at x: arXiv 1606.08415."""
    return F.gelu(x)


def swish(x: Tensor) -> Tensor:
    """x times the logistic function at x: arXiv 1710.05941."""
    return F.silu(x)


def smu(x: Tensor, mu: Tensor) -> Tensor:
    """((1 + a) x + (1 - a) x erf(mu (1 - a) x)) / 2 with a = 0.2: arXiv 2111.04682. mu [1] -> oo: leaky ReLU."""
    difference = (1 - LEAKY_SLOPE) * x
    return ((1 + LEAKY_SLOPE) * x + difference * torch.erf(mu * difference)) / 2
