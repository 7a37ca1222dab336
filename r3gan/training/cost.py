"""What a rank computes in one iteration, and what that costs. Needs no torch; r3gan/training/estimate.py counts it."""

from dataclasses import dataclass
from typing import Self

from r3gan.computation import PenaltyForm
from r3gan.config import AugmentationConfig, NetworkConfig, PenaltyConfig, TrainConfig

USABLE_GPU_MEMORY = 0.8  # of a job's part of a GPU; the rest is for the library, its work spaces and the metrics


@dataclass(frozen=True, kw_only=True)
class Workload:
    """What a rank computes in one iteration, as far as its cost is concerned."""

    network: NetworkConfig
    classes: int
    penalties: PenaltyConfig
    augmentation: AugmentationConfig | None  # of what D sees; None: never
    pairs: int  # of a rank's part of the batch
    penalty_form: PenaltyForm = "auto"
    averages: int = 1  # of G, that are tracked

    @classmethod
    def of(cls, config: TrainConfig, classes: int, ranks: int = 1, penalty_form: PenaltyForm = "auto") -> Self:
        """That of a job whose dataset has so many classes."""
        return cls(
            network=config.network,
            classes=classes,
            penalties=config.penalties,
            augmentation=config.augmentation if config.schedules.augments else None,
            pairs=max(1, config.batch_size // ranks),
            penalty_form=penalty_form,
            averages=1 + len(config.post_hoc.sigma_rel) * (config.post_hoc.every_kimg is not None),
        )


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Of one job on one kind of device."""

    generator_parameters: int
    discriminator_parameters: int
    flops_per_image: float  # of training, for every real image shown; a multiplication with its addition counts as two
    memory_bytes: int  # of tensors at the peak of a step, on each rank; not the library itself nor its work spaces
    micro_batch: int  # pairs at once that this memory is for
    double_backward: bool  # whether R1 and R2 are differentiated so, and not by the exact first-order form
