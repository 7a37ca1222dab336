"""What one training step needs beside networks and images, as one value."""

from dataclasses import dataclass, field

from r3gan.computation import PenaltyForm
from r3gan.config import AugmentationConfig, PenaltyConfig
from r3gan.training.losses import Loss


@dataclass(frozen=True, kw_only=True)
class StepOptions:
    """The same for D's step and for G's, which has no use for the penalties."""

    loss: Loss
    gamma: float  # weight of the penalties
    penalties: PenaltyConfig
    augment_p: float = 0.0  # strength of the augmentation of what D sees
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    loss_scale: float = 1.0  # of loss and penalties: gradients are as much larger
    instance_noise: float = 0.0  # deviation of the noise on what D sees
    micro_batch: int | None = None  # pairs at once; None: the whole batch
    penalty_form: PenaltyForm = "auto"
    step: int = 0  # its number, from 0: lazy penalties are in some alone
