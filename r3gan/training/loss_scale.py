"""Loss scaling for float16 (arXiv 1710.03740, section 3.2): a network's loss times a factor, its gradients over it.

A dynamic factor is halved where a gradient is not finite, which the step is then left out for, and doubled after so
many steps without; the numbers are those of the library's own GradScaler.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import nn

from r3gan.config import TrainConfig

FIRST = 2.0**16
STEPS_TO_DOUBLE = 2000
LEAST = 2.0**-14  # the smallest normal number of float16


class ScaleUnderflow(Exception):
    """Gradients are not finite at any scale; the message says at which one that was given up."""


@dataclass
class LossScale:
    """Of one network."""

    scale: float
    dynamic: bool
    since: int = 0  # steps since the scale has changed
    skipped: int = 0  # steps left out, in the whole training

    def of_rank(self, ranks: int) -> float:
        """The factor of each of so many ranks, by which an image counts as much as with one."""
        return self.scale / ranks

    @torch.no_grad()
    def unscale(self, parameters: Iterable[nn.Parameter], ranks: int = 1) -> bool:
        """Divide the gradients by the scale. Returns whether a step may be made by them, and adapts the scale.

        ranks: of the job. Each has scaled by `of_rank`, for its images are that part of the batch.

        Raises ScaleUnderflow if the gradients are not finite and the scale cannot fall any further.
        """
        gradients = [p.grad for p in parameters if p.grad is not None]
        torch._foreach_mul_(gradients, 1 / self.of_rank(ranks))
        if bool(torch.stack([gradient.isfinite().all() for gradient in gradients]).all()):
            self.since += 1
            if self.dynamic and self.since == STEPS_TO_DOUBLE:
                self.scale, self.since = 2 * self.scale, 0
            return True
        if not self.dynamic or self.scale / 2 < LEAST:
            raise ScaleUnderflow(f"gradients are not finite at a loss scale of {self.scale:g}")
        self.scale, self.since, self.skipped = self.scale / 2, 0, self.skipped + 1
        return False


def loss_scales(config: TrainConfig, device: torch.device) -> dict[str, LossScale]:
    """Those of both networks before the first step; none where nothing is computed in float16 on this device."""
    network, asked = config.network, config.optimiser.loss_scale
    if not network.fp16_stages or (device.type == "cpu" and not network.emulate_precision):
        return {}
    return {name: LossScale(asked or FIRST, dynamic=asked is None) for name in ("discriminator", "generator")}


def recorded_scales(scales: dict[str, LossScale]) -> dict[str, float]:
    """What a point of the metrics says of them."""
    scale = {f"loss_scale_{name[0]}": each.scale for name, each in scales.items()}
    return scale | {f"skipped_steps_{name[0]}": float(each.skipped) for name, each in scales.items()}
