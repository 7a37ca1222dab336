"""Lazy penalties: two updates whose gradients add up, Adam corrected as StyleGAN2 does, neutral at 1."""

import copy
import json
from dataclasses import asdict, replace

import pytest
import torch

from r3gan.checksums import CHECKSUMS, seal
from r3gan.config import LossPhase, PenaltyConfig
from r3gan.distributed import World
from r3gan.training.averages import add_to_sums, take_averages
from r3gan.training.batches import Batch
from r3gan.training.lazy import adam_correction, discriminator_passes, passes_of_step
from r3gan.training.losses import make_loss
from r3gan.training.penalties import backward_discriminator
from r3gan.training.state import fresh_state
from r3gan.training.steps import discriminator_step, schedule_adam
from tests.r3gan.small import small_config, small_network, step_options
from tests.r3gan.training.test_first_order import make_discriminator, make_pairs
from tests.r3gan.training.test_train import assert_equal_weights, final_weights, run_inside, without_times

LAZY = PenaltyConfig(every=3)
GAMMA = 2.0


@pytest.mark.parametrize("penalties", [PenaltyConfig(), PenaltyConfig(r1=False, r2=False, every=8)])
def test_one_pass_as_it_was_asked_for_unless_penalties_are_lazy(penalties):
    options = step_options(penalties=penalties)
    (only,) = discriminator_passes(options)
    assert only.options is options
    assert passes_of_step(options, 5) == (only,)
    assert adam_correction(penalties) == 1


def test_the_correction_is_stylegan2s():
    assert adam_correction(PenaltyConfig(every=16)) == pytest.approx(16 / 17)  # its interval for D


@pytest.mark.parametrize("form", ["first-order", "double"])
def test_the_passes_add_up_to_the_loss_with_gamma_times_the_interval(form):
    network = small_network(conditional=True)
    gradients = []
    lazy = step_options(LossPhase("hinge"), GAMMA, LAZY, penalty_form=form)
    eager = replace(lazy, penalties=PenaltyConfig(), gamma=3 * GAMMA)
    for steps in ([each.options for each in passes_of_step(lazy, 3)], [eager]):
        discriminator = make_discriminator(network)
        pairs = make_pairs(network)
        for options in steps:
            backward_discriminator(discriminator, *pairs, options)
        gradients.append([p.grad for p in discriminator.parameters()])
    for ours, theirs in zip(*gradients, strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def by_hand(discriminator, real, fake, steps, lr, beta2):
    """The same training of D, as StyleGAN2's text says, by the library's Adam and ordinary double backward."""
    c = LAZY.every / (LAZY.every + 1)
    adam = torch.optim.Adam(discriminator.parameters(), lr=c * lr, betas=(0.0, beta2**c), eps=1e-8)
    for step in range(steps):
        adam.zero_grad()
        make_loss(LossPhase()).discriminator(discriminator(real), discriminator(fake)).mean().backward()
        adam.step()
        if step % LAZY.every == 0:
            adam.zero_grad()
            squares = 0
            for images in (real, fake):
                leaf = images.clone().requires_grad_()
                (gradient,) = torch.autograd.grad(discriminator(leaf).sum(), leaf, create_graph=True)
                squares = squares + gradient.square().sum((1, 2, 3))
            (LAZY.every * GAMMA / 2 * squares.mean()).backward()
            adam.step()


def test_steps_are_those_of_an_independent_implementation():
    config = small_config()
    state = fresh_state(config, 0, torch.device("cpu"))
    for network in (state.generator, state.discriminator):
        network.double()
    state.discriminator.load_state_dict(make_discriminator(config.network).state_dict())
    reference = copy.deepcopy(state.discriminator)
    real, latents = (torch.randn(shape, dtype=torch.float64) for shape in ((4, 3, 8, 8), (4, 6)))
    batch = Batch(real=real, latents=latents, labels=None)
    with torch.no_grad():
        fake = state.generator(batch.latents)
    by_hand(reference, batch.real, fake, 4, 1e-3, 0.9)
    recorded = []
    for step in range(4):
        schedule_adam(state, 1e-3, 0.9, penalties=LAZY)
        options = step_options(gamma=GAMMA, penalties=LAZY, step=step)
        recorded.append(set(discriminator_step(state, batch, World(0, 1, torch.device("cpu")), options)))
    rest = {"loss_d", "logit_gap"}
    assert recorded == [rest | {"r1", "r2"}, rest, rest, rest | {"r1", "r2"}]
    assert state.generator_adam.param_groups[0]["lr"] == 1e-3
    for ours, theirs in zip(state.discriminator.parameters(), reference.parameters(), strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-9, atol=1e-9)


def test_terms_are_averaged_over_the_steps_that_have_them():
    state = fresh_state(small_config(), 0, torch.device("cpu"))
    for terms in ({"loss_d": 1.0, "r1": 6.0}, {"loss_d": 2.0}, {"loss_d": 3.0}, {"loss_d": 4.0, "r1": 8.0}):
        add_to_sums(state, {name: torch.tensor(value) for name, value in terms.items()})
    world = World(0, 1, torch.device("cpu"))
    assert take_averages(state, world) == {"loss_d": 2.5, "r1": 7.0}
    assert take_averages(state, world) == {}


def test_a_stopped_job_ends_with_the_same_bits(tmp_path):
    """With finite differences too, whose directions come again; the stop is between two uses of the penalties."""
    penalties = PenaltyConfig(every=3, finite_difference_sigma=0.05)
    config = small_config(penalties=penalties, log_every_kimg=0.024)
    through, _ = run_inside(config, tmp_path / "through")
    stopped, finished = run_inside(config, tmp_path / "stopped", should_stop=iter([False] * 7 + [True]).__next__)
    assert not finished
    assert int(stopped.last_checkpoint().name) == 64
    run_inside(config, tmp_path / "stopped")
    assert_equal_weights(final_weights(through), final_weights(stopped))
    assert without_times(through) == without_times(stopped)
    assert json.loads(through.environment.read_text())["penalty_gradients"] == "estimated by finite differences"


def test_a_checkpoint_of_an_earlier_version_has_one_number_of_steps(tmp_path):
    config = small_config(log_every_kimg=0.08)
    through, _ = run_inside(config, tmp_path / "through")
    stopped, _ = run_inside(config, tmp_path / "stopped", should_stop=iter([False] * 6 + [True]).__next__)
    path = stopped.last_checkpoint() / "state.pt"
    rest = torch.load(path, weights_only=True)
    assert set(rest["steps"].values()) == {7}
    torch.save(rest | {"steps": 7}, path)
    (path.parent / CHECKSUMS).unlink()
    seal(path.parent)
    run_inside(config, tmp_path / "stopped")
    assert without_times(through) == without_times(stopped)


def test_the_configuration_says_lazy_in_its_own_words():
    assert asdict(PenaltyConfig()) == {"r1": True, "r2": True, "every": 1, "finite_difference_sigma": None}
    assert [LAZY.is_due(step) for step in range(4)] == [True, False, False, True]
    assert not PenaltyConfig(r1=False, r2=False).is_due(0)
