"""Ready-made settings, one row each: the five released by the authors, Stacked MNIST at 32x32, and 8x8 digits.

Source of the released rows: the official code (brownvc/R3GAN), which trains until it is stopped; here training ends
with the schedules.
"""

from typing import Any, NamedTuple

from r3gan.config import IMG_PER_KIMG


class Preset(NamedTuple):
    """One row. Pairs are (start, end) of a schedule over `decay` thousand images, at whose end training ends."""

    widths: tuple[int, ...]  # 4x4 stage first
    groups: tuple[int, ...]
    blocks: tuple[int, ...]
    latent: int
    cond: bool
    bf16: int  # stages in bfloat16, from the highest resolution down
    batch: int
    gamma: tuple[float, float]
    lr: tuple[float, float]
    beta2: tuple[float, float]
    ema: tuple[float, float]  # half-life in thousand images
    augment: tuple[float, float]
    decay: float  # kimg
    flip: bool
    samples: int  # generated images per evaluation
    metric: str  # measured at every evaluation
    evaluations: int  # per training
    family: str  # released rows of one family are one data at several resolutions; empty: of no family
    network: dict[str, Any] = {}  # noqa: RUF012  # further keys of the network

    @property
    def resolution(self) -> int:
        """Height and width of the images."""
        return int(self.network.get("base_resolution", 4) * 2 ** (len(self.widths) - 1))


PLANE = {"base_resolution": 1, "image_channels": 2, "kernel": 1}  # the network on points of the plane: 1x1 throughout
LR, BETA2 = (2e-4, 5e-5), (0.9, 0.99)  # released, in every preset

# fmt: off
PRESETS = {
    #                        widths                         groups                       blocks     latent cond   bf16 batch gamma          lr            beta2         ema         augment    decay    flip   samples metric    evals family
    "cifar10":       Preset((768,) * 4,                    (96,) * 4,                   (2,) * 4,  64,    True,  3,   512,  (0.05, 0.005), LR,           BETA2,        (0, 5000),  (0, 0.55), 20_000,  True,  50_000, "fid",    20,   ""),
    "ffhq64":        Preset((768,) * 4 + (384,),           (96,) * 4 + (48,),           (2,) * 5,  64,    False, 4,   256,  (2.0, 0.2),    LR,           BETA2,        (0, 500),   (0, 0.30), 20_000,  True,  50_000, "fid",    20,   "ffhq"),
    "ffhq256":       Preset((768,) * 4 + (384, 192, 96),   (96,) * 4 + (48, 24, 12),    (2,) * 7,  64,    False, 4,   256,  (150.0, 15.0), LR,           BETA2,        (0, 500),   (0, 0.30), 20_000,  True,  50_000, "fid",    20,   "ffhq"),
    "imagenet32":    Preset((1536,) * 4,                   (96,) * 4,                   (2,) * 4,  64,    True,  3,   4096, (0.5, 0.05),   LR,           BETA2,        (0, 50000), (0, 0.50), 200_000, True,  50_000, "fid",    20,   "imagenet"),
    "imagenet64":    Preset((1536,) * 5,                   (96,) * 5,                   (2,) * 5,  64,    True,  4,   4096, (1.0, 0.1),    LR,           BETA2,        (0, 50000), (0, 0.40), 200_000, True,  50_000, "fid",    20,   "imagenet"),
    "stacked-mnist": Preset((128, 128, 96, 64),            (16, 16, 12, 8),             (2,) * 4,  64,    False, 3,   64,   (300., 300.),  (1e-3, 1e-4), BETA2,        (0, 20),    (0, 0.00), 2_000,   False, 26_000, "digits", 20,   ""),
    "digits-8x8":    Preset((64, 64),                      (8, 8),                      (2, 1),    64,    False, 0,   32,   (30.0, 30.0),  (3e-3, 3e-4), (0.99, 0.99), (1, 1),     (0, 0.00), 24,      False, 26_000, "digits", 4,    ""),
    "plane":         Preset((64,),                         (4,),                        (2,),      8,     False, 0,   128,  (2e-4, 2e-4),  (3e-3, 1e-4), (0.99, 0.99), (2, 2),     (0, 0.00), 256,     False, 10_000, "points", 4,    "", PLANE),
}
# fmt: on

POINTS = 40  # recorded losses per training
CHECKPOINTS = 100  # per training, at most one per kimg


def preset_tree(name: str) -> dict[str, Any]:
    """The preset as nested configuration keys (see `r3gan.config.TrainConfig`), without dataset and seed."""
    return row_tree(PRESETS[name])


def row_tree(row: Preset) -> dict[str, Any]:
    """The same of a row."""

    def schedule(ends: tuple[float, float], unit: float = 1.0) -> dict[str, float]:
        decay_img = row.decay * IMG_PER_KIMG if ends[0] != ends[1] else 0.0
        return {"start": ends[0] * unit, "end": ends[1] * unit, "decay_img": decay_img}

    return {
        "total_kimg": row.decay,
        "batch_size": row.batch,
        "network": {
            "widths": list(row.widths),
            "groups": list(row.groups),
            "blocks": list(row.blocks),
            "latent_dim": row.latent,
            "conditional": row.cond,
            "bf16_stages": row.bf16,
            **row.network,
        },
        "schedules": {
            "lr": schedule(row.lr),
            "beta2": schedule(row.beta2),
            "gamma": schedule(row.gamma),
            "ema_half_life_img": schedule(row.ema, IMG_PER_KIMG),
            "augment_p": schedule(row.augment),
        },
        "x_flip": row.flip,
        "evaluation": {
            "every_kimg": row.decay / row.evaluations,
            "samples": row.samples,
            "metrics": [row.metric],
        },
        "log_every_kimg": row.decay / POINTS,
        "checkpoint_every_kimg": max(row.decay / CHECKPOINTS, 1.0),
    }
