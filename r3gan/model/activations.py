"""Activation functions, and the gain that keeps a layer's variance through each."""

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from torch import Tensor
from torch.nn import functional as F

from r3gan.config import ActivationName

LEAKY_SLOPE = 0.2


class Activation(NamedTuple):
    """A pointwise function, which may overwrite its input, and what keeps the variance through it.

    The gain is 1 / sqrt(E[f(x)^2]) for standard normal x (He et al. 2015, eq. 10 and 15).
    """

    function: Callable[[Tensor], Tensor]
    gain: float


ACTIVATIONS: dict[ActivationName, Activation] = {
    "leaky-relu": Activation(partial(F.leaky_relu_, negative_slope=LEAKY_SLOPE), math.sqrt(2 / (1 + LEAKY_SLOPE**2))),
    "gelu": Activation(F.gelu, 1.533530),
    "swish": Activation(F.silu, 1.676532),
}
