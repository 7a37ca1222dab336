"""Adam's settings: neutral as released, and what each key changes, against the library's Adam by hand."""

import pytest
import torch

from r3gan.config import OptimiserConfig, PenaltyConfig
from r3gan.distributed import World
from r3gan.training.batches import Batch
from r3gan.training.state import fresh_state
from r3gan.training.steps import discriminator_step, generator_step, schedule_adam
from tests.r3gan.small import small_config, step_options

CPU = torch.device("cpu")


def settings(**keys):
    state = fresh_state(small_config(), 0, CPU)
    penalties = keys.pop("penalties", PenaltyConfig())
    schedule_adam(state, 3e-3, 0.93, OptimiserConfig(**keys), penalties)
    groups = (adam.param_groups[0] for adam in (state.generator_adam, state.discriminator_adam))
    return [(group["lr"], group["betas"]) for group in groups]


def test_the_neutral_settings_are_the_schedules_values_to_the_bit():
    assert settings() == [(3e-3, (0.0, 0.93)), (3e-3, (0.0, 0.93))]


def test_beta1_is_both_networks_and_the_ratio_is_ds():
    assert settings(beta1=0.5, lr_ratio=4.0) == [(3e-3, (0.5, 0.93)), (4 * 3e-3, (0.5, 0.93))]


def test_lazy_penalties_correct_d_alone():
    generator, (lr, betas) = settings(beta1=0.5, lr_ratio=2.0, penalties=PenaltyConfig(every=8))
    assert generator == (3e-3, (0.5, 0.93))
    assert lr == pytest.approx(8 / 9 * 2 * 3e-3)
    assert betas == pytest.approx((0.5 ** (8 / 9), 0.93 ** (8 / 9)))


def test_steps_with_a_first_moment_are_the_librarys():
    """Three steps of both networks against Adam's equations, written out, from the gradients that were used."""
    state, optimiser = fresh_state(small_config(), 0, CPU), OptimiserConfig(beta1=0.5, lr_ratio=4.0)
    for network in (state.generator, state.discriminator):
        network.double()
    real, latents = (torch.randn(shape, dtype=torch.float64) for shape in ((4, 3, 8, 8), (4, 6)))
    batch = Batch(real=real, latents=latents, labels=None)
    watched = {"generator": state.generator.modulation.weight, "discriminator": state.discriminator.trunk.head.weight}
    expected = {name: [p.detach().clone(), 0.0, 0.0] for name, p in watched.items()}
    for step in range(1, 4):
        schedule_adam(state, 1e-3, 0.9, optimiser)
        discriminator_step(state, batch, World(0, 1, CPU), step_options())
        gradients = {"discriminator": watched["discriminator"].grad.clone()}
        generator_step(state, batch, World(0, 1, CPU), step_options())
        gradients["generator"] = watched["generator"].grad.clone()
        for name, lr in (("generator", 1e-3), ("discriminator", 4e-3)):
            value, first, second = expected[name]
            first = 0.5 * first + 0.5 * gradients[name]
            second = 0.9 * second + 0.1 * gradients[name] ** 2
            value = value - lr * (first / (1 - 0.5**step)) / ((second / (1 - 0.9**step)).sqrt() + 1e-8)
            expected[name] = [value, first, second]
    for name, parameter in watched.items():
        assert torch.allclose(parameter, expected[name][0], rtol=1e-9, atol=1e-12), name
