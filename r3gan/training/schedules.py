"""Values that change over training, as functions of the number of real images shown to D."""

import math

from r3gan.config import Schedule
from r3gan.tables.lookup import row_of
from r3gan.tables.schedule_shapes import SCHEDULE_SHAPES


def schedule_value(schedule: Schedule, images: int) -> float:
    """The schedule's value after `images` images: continuous everywhere.

    Linear from 0 to `start` over `warmup_img`, then by its shape, whose `decay_img` counts from the first image too.
    """
    if images < schedule.warmup_img:
        return schedule.start * images / schedule.warmup_img
    value: float = row_of(SCHEDULE_SHAPES, "shape", schedule.shape).value(schedule, images)
    return value


def half_cosine(schedule: Schedule, images: int) -> float:
    """From `start` after the warm-up to `end` at `decay_img`, then `end`. Source: the official R3GAN release."""
    if images >= schedule.decay_img:
        return schedule.end
    progress = (images - schedule.warmup_img) / (schedule.decay_img - schedule.warmup_img)
    return schedule.end + (schedule.start - schedule.end) * 0.5 * (1 + math.cos(math.pi * progress))


def inverse_square_root(schedule: Schedule, images: int) -> float:
    """start / sqrt(max(images / decay_img, 1)), but never below `end`.

    Source: EDM2 (arXiv 2312.02696) and its release, whose t_ref is `decay_img` and whose `end` is 0.
    """
    if images <= schedule.decay_img or schedule.start == schedule.end:
        return schedule.start
    return max(schedule.start / math.sqrt(images / schedule.decay_img), schedule.end)


def ema_decay(half_life_img: float, batch_size: int) -> float:
    """Weight that a moving average keeps per step so that it halves over `half_life_img` images; 0 without any."""
    return 0.5 ** (batch_size / half_life_img) if half_life_img > 0 else 0.0
