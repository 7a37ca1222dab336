"""Adversarial losses."""

from dataclasses import dataclass

from r3gan.deferred import Deferred


@dataclass(frozen=True, kw_only=True)
class LossRow:
    """An adversarial loss: functions of (real logits, fake logits, **options) in r3gan/training/losses.py."""

    discriminator: Deferred
    generator: Deferred
    options: tuple[str, ...]  # the keys of a phase that it takes; others have no effect on it
    discriminator_text: str  # what D minimises the mean of, for documentation
    generator_text: str


LOSSES = {
    "relativistic-softplus": LossRow(
        discriminator=Deferred("r3gan.training.losses:relativistic_softplus_d"),
        generator=Deferred("r3gan.training.losses:relativistic_softplus_g"),
        options=(),
        discriminator_text="softplus(-(D(x) - D(G(z))))",
        generator_text="softplus(-(D(G(z)) - D(x)))",
    ),
    "relativistic-hinge": LossRow(
        discriminator=Deferred("r3gan.training.losses:relativistic_hinge_d"),
        generator=Deferred("r3gan.training.losses:relativistic_hinge_g"),
        options=("margin",),
        discriminator_text="relu(margin - (D(x) - D(G(z))))",
        generator_text="relu(margin - (D(G(z)) - D(x)))",
    ),
    "non-saturating": LossRow(
        discriminator=Deferred("r3gan.training.losses:non_saturating_d"),
        generator=Deferred("r3gan.training.losses:non_saturating_g"),
        options=(),
        discriminator_text="softplus(-D(x)) + softplus(D(G(z)))",
        generator_text="softplus(-D(G(z)))",
    ),
    "hinge": LossRow(
        discriminator=Deferred("r3gan.training.losses:hinge_d"),
        generator=Deferred("r3gan.training.losses:hinge_g"),
        options=("margin",),
        discriminator_text="relu(margin - D(x)) + relu(margin + D(G(z)))",
        generator_text="-D(G(z))",
    ),
}
