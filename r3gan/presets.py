"""Ready-made settings, one row each: the five released by the authors, Stacked MNIST at 32x32, and 8x8 digits.

Source of the released rows: the official code (brownvc/R3GAN). Their schedules are cosines that end after
`decay` images; training goes on to that point.
"""

from typing import Any, NamedTuple


class Preset(NamedTuple):
    """One row. Pairs are (start, end) of a schedule over `decay_img` images."""

    widths: tuple[int, ...]  # 4x4 stage first
    groups: tuple[int, ...]
    blocks: int  # per stage
    latent: int
    cond: bool
    bf16: int  # stages in bfloat16, from the highest resolution down
    batch: int
    gamma: tuple[float, float]
    lr: tuple[float, float]
    beta2: tuple[float, float]
    ema_half_life_img: tuple[float, float]
    augment_p: tuple[float, float]
    decay_img: float
    x_flip: bool
    samples: int  # generated images per evaluation


W, H, I = 768, 1536, (2e-4, 5e-5)  # width of the released networks, of the ImageNet ones, and the released lr  # noqa: E741
B = (0.9, 0.99)

# fmt: off
PRESETS = {
    #                widths                         groups                        blocks latent cond  bf16 batch gamma          lr            beta2         ema (img)     augment    decay  flip   samples
    "cifar10":       Preset((W,) * 4,               (96,) * 4,                    2, 64, True,  3, 512,  (0.05, 0.005), I,            B,            (0, 5e6),     (0, 0.55), 20e6,  True,  50_000),
    "ffhq64":        Preset((W,) * 4 + (384,),      (96,) * 4 + (48,),            2, 64, False, 4, 256,  (2.0, 0.2),    I,            B,            (0, 5e5),     (0, 0.30), 20e6,  True,  50_000),
    "ffhq256":       Preset((W,) * 4 + (384, 192, 96), (96,) * 4 + (48, 24, 12),  2, 64, False, 4, 256,  (150.0, 15.0), I,            B,            (0, 5e5),     (0, 0.30), 20e6,  True,  50_000),
    "imagenet32":    Preset((H,) * 4,               (96,) * 4,                    2, 64, True,  3, 4096, (0.5, 0.05),   I,            B,            (0, 50e6),    (0, 0.50), 200e6, True,  50_000),
    "imagenet64":    Preset((H,) * 5,               (96,) * 5,                    2, 64, True,  4, 4096, (1.0, 0.1),    I,            B,            (0, 50e6),    (0, 0.40), 200e6, True,  50_000),
    "stacked-mnist": Preset((128, 128, 96, 64),     (16, 16, 12, 8),              1, 64, False, 3, 64,   (10.0, 10.0),  (1e-3, 1e-4), (0.9, 0.99),  (0, 2e4),     (0, 0.00), 2e6,   False, 26_000),
    "digits-8x8":    Preset((64, 64),               (8, 8),                       1, 64, False, 0, 64,   (40.0, 40.0),  (2e-3, 2e-3), (0.99, 0.99), (1e3, 1e3),   (0, 0.00), 21e3,  False, 10_000),
}
# fmt: on

EVALUATIONS = 10  # per training
CHECKPOINTS = 40


def preset_tree(name: str) -> dict[str, Any]:
    """The preset as nested configuration keys (see `r3gan.config.TrainConfig`), without dataset and seed."""
    row = PRESETS[name]
    total_kimg = row.decay_img / 1000

    def schedule(ends: tuple[float, float]) -> dict[str, float]:
        return {"start": ends[0], "end": ends[1], "decay_img": row.decay_img if ends[0] != ends[1] else 0.0}

    return {
        "total_kimg": total_kimg,
        "batch_size": row.batch,
        "network": {
            "widths": list(row.widths),
            "groups": list(row.groups),
            "blocks": [row.blocks] * len(row.widths),
            "latent_dim": row.latent,
            "conditional": row.cond,
            "bf16_stages": row.bf16,
        },
        "schedules": {
            name: schedule(getattr(row, name)) for name in ("gamma", "beta2", "ema_half_life_img", "augment_p", "lr")
        },
        "x_flip": row.x_flip,
        "evaluation": {"every_kimg": total_kimg / EVALUATIONS, "samples": row.samples},
        "log_every_kimg": total_kimg / EVALUATIONS / 4,
        "checkpoint_every_kimg": total_kimg / CHECKPOINTS,
    }
