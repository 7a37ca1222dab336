"""Adversarial losses."""

from typing import NamedTuple

from r3gan.deferred import Deferred


class LossRow(NamedTuple):
    """An adversarial loss: functions of (real logits, fake logits, **options) in r3gan/training/losses.py."""

    discriminator: Deferred
    generator: Deferred
    options: tuple[str, ...]  # the keys of a phase that it takes; others have no effect on it
    discriminator_text: str  # what D minimises the mean of, for documentation
    generator_text: str


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
