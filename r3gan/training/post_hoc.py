"""Power function averages of G, tracked along the run and stored every so many images: see r3gan/power_averages.py.

Parameters alone are averaged, in float32; what weight rules remember is found again where an average is used.
"""

from dataclasses import asdict

import torch
from torch import Tensor, nn

from r3gan.config import TrainConfig
from r3gan.files import replace_file
from r3gan.intervals import has_passed
from r3gan.jobdir import JobDir
from r3gan.power_averages import Profile
from r3gan.tensor_files import save_tensors
from r3gan.training.state import TrainState

Averages = dict[float, dict[str, Tensor]]  # sigma_rel -> parameter -> average


def fresh_averages(generator: nn.Module, config: TrainConfig) -> Averages:
    """Before the first step; nothing of these values stays after it."""
    if config.post_hoc.every_kimg is None:
        return {}
    return {
        sigma: {name: p.detach().clone() for name, p in generator.named_parameters()}
        for sigma in config.post_hoc.sigma_rel
    }


@torch.no_grad()
def update_averages(state: TrainState, batch_size: int) -> None:
    """After a step, whose images are counted already."""
    parameters = dict(state.generator.named_parameters())
    for sigma, average in state.post_hoc.items():
        keep = Profile(state.images, sigma).keep(batch_size)
        torch._foreach_lerp_(list(average.values()), [parameters[name] for name in average], 1 - keep)


def is_due(config: TrainConfig, images: int) -> bool:
    """Whether averages are stored after so many images: every so often, and at the end."""
    every = config.post_hoc.every_kimg
    return every is not None and (images >= config.total_img or has_passed(images, config.batch_size, every))


def store_averages(state: TrainState, config: TrainConfig, job: JobDir) -> None:
    """Write what is due after so many images. Raises OSError."""
    if not is_due(config, state.images):
        return
    job.post_hoc.mkdir(exist_ok=True)
    for sigma, average in state.post_hoc.items():
        facts = {"config": asdict(config), "images": state.images, "sigma_rel": sigma}
        replace_file(
            job.stored_average(state.images, sigma),
            lambda path, average=average, facts=facts: save_tensors(average, path, **facts),  # type: ignore[misc]
        )
