"""Small configurations for tests."""

from dataclasses import replace
from typing import Any

from r3gan.config import EvaluationConfig, LossPhase, NetworkConfig, PenaltyConfig, Schedule, Schedules, TrainConfig
from r3gan.training.losses import make_loss
from r3gan.training.options import StepOptions


def constant(value: float) -> Schedule:
    return Schedule(value, value)


def small_network(**changes: Any) -> NetworkConfig:
    return NetworkConfig(**({"widths": (16, 8), "groups": (4, 2), "blocks": (1, 1), "latent_dim": 6} | changes))


def small_config(**changes: Any) -> TrainConfig:
    """A training of 20 steps on 8x8 digits, in a second or two."""
    config = TrainConfig(
        dataset="stacked-digits",
        seed=0,
        total_kimg=0.16,
        batch_size=8,
        network=small_network(),
        schedules=Schedules(
            lr=constant(2e-3),
            beta2=Schedule(0.9, 0.99, 200),
            gamma=constant(1.0),
            ema_half_life_img=constant(50),
            augment_p=constant(0),
        ),
        evaluation=EvaluationConfig(every_kimg=0.08, samples=1000),
        log_every_kimg=0.04,
        checkpoint_every_kimg=0.04,
    )
    return replace(config, **changes)


def step_options(phase: LossPhase | None = None, gamma: float = 1.0, penalties: Any = None, **more: Any) -> StepOptions:
    loss = make_loss(phase or LossPhase())
    return StepOptions(loss=loss, gamma=gamma, penalties=penalties or PenaltyConfig(), **more)
