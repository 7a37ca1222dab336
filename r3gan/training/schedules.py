"""Values that change over training, as functions of the number of real images shown to D."""

import math

from r3gan.config import Schedule


def schedule_value(schedule: Schedule, images: int) -> float:
    """The schedule's value after `images` images: continuous everywhere.

    Linear from 0 to `start` over `warmup_img`, then half a cosine from `start` to `end` until `decay_img` (counted
    from the first image), then `end`. Source: the schedules of the official R3GAN release.
    """
    if images < schedule.warmup_img:
        return schedule.start * images / schedule.warmup_img
    if images >= schedule.decay_img:
        return schedule.end
    progress = (images - schedule.warmup_img) / (schedule.decay_img - schedule.warmup_img)
    return schedule.end + (schedule.start - schedule.end) * 0.5 * (1 + math.cos(math.pi * progress))


def ema_decay(half_life_img: float, batch_size: int) -> float:
    """Weight that a moving average keeps per step so that it halves over `half_life_img` images; 0 without any."""
    return 0.5 ** (batch_size / half_life_img) if half_life_img > 0 else 0.0
