"""Ready-made search spaces, in the words of the `tune.space` section, fitted to a configuration's own values."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from r3gan.config import Schedule, TrainConfig
from r3gan.tables.lookup import row_of
from r3gan.tables.schedule_shapes import SCHEDULE_SHAPES

Spec = dict[str, Any]


def loss_schedule(config: TrainConfig) -> dict[str, Spec]:
    """What decides how the loss develops: gamma, beta2, learning rate, moving average, and a switch of the loss.

    Ranges lie around the configuration's own values, so that they fit each dataset. What is constant there is searched
    as a constant, but for gamma and beta2, whose start, end and decay, of a cosine, are what this space is about.
    """
    total_img, schedules = config.total_kimg * 1000, config.schedules
    gamma, base = schedules.gamma, [asdict(phase) for phase in config.loss[:1]]
    hinge, saturating = ({"kind": kind, "from_fraction": 0.5} for kind in ("relativistic-hinge", "non-saturating"))
    return {
        "schedules.gamma.start": {"log": around(gamma.start, 10)},
        "schedules.gamma.end": {"log": around(gamma.end, 10)},
        "schedules.gamma.decay_img": {"uniform": [total_img / 4, total_img]},
        "schedules.beta2.start": {"uniform": [0.8, 0.999]},
        "schedules.beta2.end": {"uniform": [0.8, 0.999]},
        "schedules.beta2.decay_img": {"value": total_img},
        **as_cosines({"gamma": gamma, "beta2": schedules.beta2}),
        **constant_or_ends("lr", schedules.lr, 4),
        **constant_or_ends("ema_half_life_img", schedules.ema_half_life_img, 4),
        "loss": {"choice": {"no-switch": base, "hinge": [*base, hinge], "non-saturating": [*base, saturating]}},
        "loss.1.from_fraction": {"uniform": [0.2, 0.8], "when": {"loss": ["hinge", "non-saturating"]}},
        "loss.1.margin": {"log": [0.25, 4.0], "when": {"loss": "hinge"}},
    }


def constant_or_ends(name: str, schedule: Schedule, factor: float) -> dict[str, Spec]:
    """A constant schedule as one number; else its start and end, each if it is not 0, or its start above its lowest
    value.
    """
    if schedule.start == schedule.end:
        return {f"schedules.{name}": {"log": around(schedule.end, factor)}} if schedule.end else {}
    if row_of(SCHEDULE_SHAPES, "shape", schedule.shape).holds:
        low, high = around(schedule.start, factor)
        return {f"schedules.{name}.start": {"log": [max(low, schedule.end), high]}}
    ends = {"start": schedule.start, "end": schedule.end}
    return {f"schedules.{name}.{key}": {"log": around(value, factor)} for key, value in ends.items() if value}


def as_cosines(schedules: dict[str, Schedule]) -> dict[str, Spec]:
    """The shape of those schedules that have another one."""
    others = [name for name, schedule in schedules.items() if schedule.shape != Schedule.shape]
    return {f"schedules.{name}.shape": {"value": Schedule.shape} for name in others}


def around(value: float, factor: float) -> list[float]:
    """From a value divided by a factor to the value times that factor."""
    return [value / factor, value * factor]


READY: dict[str, Callable[[TrainConfig], dict[str, Spec]]] = {"loss-schedule": loss_schedule}
