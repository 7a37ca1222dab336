"""Activation functions inside the residual blocks."""

from typing import NamedTuple

from r3gan.deferred import Deferred

LEAKY_SLOPE = 0.2


class ActivationRow(NamedTuple):
    """A pointwise function, which may overwrite its input."""

    function: Deferred
    gain: float  # keeps the variance: 1 / sqrt(E[f(x)^2]) for standard normal x (He et al. 2015, eq. 10 and 15)
    negative_slope: float | None  # of a piecewise linear one, whose gradient's penalties have a first-order form
    text: str


ACTIVATIONS = {
    "leaky-relu": ActivationRow(
        Deferred("r3gan.model.activations:leaky_relu"), 1.3867504905630728, LEAKY_SLOPE, "slope 0.2; as released"
    ),
    "gelu": ActivationRow(Deferred("r3gan.model.activations:gelu"), 1.533530, None, "smooth"),
    "swish": ActivationRow(Deferred("r3gan.model.activations:swish"), 1.676532, None, "smooth; also called SiLU"),
}
