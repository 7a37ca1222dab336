"""The tables of what a configuration names: losses, activations, resamplings. One row each; nothing is known elsewhere.

The types of `r3gan.config`, the checks, the messages and the documentation are derived from the rows. Functions are
named rather than imported, so that plans are made without torch.
"""

import difflib
from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeVar

from r3gan.deferred import Deferred

Row = TypeVar("Row")


class LossRow(NamedTuple):
    """An adversarial loss: functions of (real logits, fake logits, **options) in r3gan/training/losses.py."""

    discriminator: Deferred
    generator: Deferred
    options: tuple[str, ...]  # the keys of a phase that it takes; others have no effect on it
    discriminator_text: str  # what D minimises the mean of, for documentation
    generator_text: str


class ActivationRow(NamedTuple):
    """A pointwise function, which may overwrite its input."""

    function: Deferred
    gain: float  # keeps the variance: 1 / sqrt(E[f(x)^2]) for standard normal x (He et al. 2015, eq. 10 and 15)
    negative_slope: float | None  # of a piecewise linear one, whose gradient's penalties have a first-order form
    text: str


class ResamplingRow(NamedTuple):
    """Resampling by 2 with a separable kernel: the outer product of the taps, over the square of their sum."""

    taps: tuple[float, ...]  # of even number
    text: str


LEAKY_SLOPE = 0.2

LOSSES = {
    "relativistic-softplus": LossRow(
        Deferred("r3gan.training.losses:relativistic_softplus_d"),
        Deferred("r3gan.training.losses:relativistic_softplus_g"),
        (),
        "softplus(-(D(x) - D(G(z))))",
        "softplus(-(D(G(z)) - D(x)))",
    ),
    "relativistic-hinge": LossRow(
        Deferred("r3gan.training.losses:relativistic_hinge_d"),
        Deferred("r3gan.training.losses:relativistic_hinge_g"),
        ("margin",),
        "relu(margin - (D(x) - D(G(z))))",
        "relu(margin - (D(G(z)) - D(x)))",
    ),
    "non-saturating": LossRow(
        Deferred("r3gan.training.losses:non_saturating_d"),
        Deferred("r3gan.training.losses:non_saturating_g"),
        (),
        "softplus(-D(x)) + softplus(D(G(z)))",
        "softplus(-D(G(z)))",
    ),
}

ACTIVATIONS = {
    "leaky-relu": ActivationRow(
        Deferred("r3gan.model.activations:leaky_relu"), 1.3867504905630728, LEAKY_SLOPE, "slope 0.2; as released"
    ),
    "gelu": ActivationRow(Deferred("r3gan.model.activations:gelu"), 1.533530, None, "smooth"),
    "swish": ActivationRow(Deferred("r3gan.model.activations:swish"), 1.676532, None, "smooth; also called SiLU"),
}

RESAMPLINGS = {
    "bilinear": ResamplingRow((1.0, 3.0, 3.0, 1.0), "the kernel [1, 2, 1] * [1, 1] in both directions; as released"),
    "nearest": ResamplingRow((1.0, 1.0), "repeats pixels, averages squares of four"),
}


class UnknownChoice(ValueError):
    """A name that is not in its table; the message lists those that are."""


def row_of(table: Mapping[str, Row], kind: str, name: str) -> Row:
    """The row of a name. Raises UnknownChoice with the nearest name and all others."""
    if name not in table:
        raise UnknownChoice(f"unknown {kind} {unknown_message(name, table)}")
    return table[name]


def unknown_message(name: object, known: Iterable[object]) -> str:
    """What is said of a name that is not among the known ones, beginning with the name."""
    names = [str(other) for other in known]
    near = difflib.get_close_matches(str(name), names, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"{name}; {hint}valid: {', '.join(names) or 'none'}"
