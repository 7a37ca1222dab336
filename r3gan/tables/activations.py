"""Activation functions inside the residual blocks."""

from dataclasses import dataclass, replace

from r3gan.deferred import Deferred

LEAKY_SLOPE = 0.2
SMU_START = 2.5  # of mu, which is trained


@dataclass(frozen=True, kw_only=True)
class ActivationRow:
    """A pointwise function, which may overwrite its input."""

    function: Deferred  # of the input, and of the learned number if there is one
    gain: float  # keeps the variance: 1 / sqrt(E[f(x)^2]) for standard normal x (He et al. 2015, eq. 10 and 15)
    text: str
    negative_slope: float | None = None  # of a piecewise linear one, whose gradient's penalties have a first-order form
    learned: float | None = None  # where a number begins that each layer trains; None: there is none
    same_as: str | None = None  # the name of which this one is another spelling


ACTIVATIONS = {
    "leaky-relu": ActivationRow(
        function=Deferred("r3gan.model.activations:leaky_relu"),
        gain=1.3867504905630728,
        negative_slope=LEAKY_SLOPE,
        text="slope 0.2; as released",
    ),
    "relu": ActivationRow(
        function=Deferred("r3gan.model.activations:relu"),
        gain=1.4142135623730951,
        negative_slope=0.0,
        text="slope 0; piecewise linear too, so as fast as released",
    ),
    "gelu": ActivationRow(
        function=Deferred("r3gan.model.activations:gelu"),
        gain=1.533530,
        text="smooth, so double backward; among the paper's negative results",
    ),
    "swish": ActivationRow(
        function=Deferred("r3gan.model.activations:swish"),
        gain=1.676532,
        text="smooth, so double backward; among the paper's negative results",
    ),
    "smu": ActivationRow(
        function=Deferred("r3gan.model.activations:smu"),
        gain=1.392863,
        learned=SMU_START,
        text="smooth leaky ReLU of slope 0.2 whose sharpness mu each layer trains, from 2.5 on (arXiv 2111.04682), so "
        "double backward; among the paper's negative results",
    ),
}
ACTIVATIONS["silu"] = replace(ACTIVATIONS["swish"], same_as="swish", text="another name of swish: the same jobs")
