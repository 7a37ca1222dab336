import copy

import pytest
import torch

from r3gan.config import AttentionConfig, LossPhase, PenaltyConfig
from r3gan.model.networks import Discriminator
from r3gan.training.losses import make_loss
from r3gan.training.penalties import backward_discriminator
from tests.r3gan.small import small_network, step_options

GAMMA = 3.0


def make_case(attention=(), conditional=False):
    torch.manual_seed(0)
    network = small_network(attention=AttentionConfig(resolutions=attention), conditional=conditional)
    discriminator = Discriminator(network, classes=5).double()
    for parameter in discriminator.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    real, fake = torch.randn(2, 3, 3, 8, 8, dtype=torch.float64)
    labels = torch.eye(5, dtype=torch.float64)[[0, 3, 1]] if conditional else None
    return discriminator, real, fake, labels


def input_gradient_by_differences(discriminator, images, labels, step=1e-6):
    gradient = torch.zeros_like(images)
    for index in range(images[0].numel()):
        shift = torch.zeros_like(images)
        shift.view(len(images), -1)[:, index] = step
        gradient.view(len(images), -1)[:, index] = (
            discriminator(images + shift, labels) - discriminator(images - shift, labels)
        ) / (2 * step)
    return gradient


def total_loss(discriminator, real, fake, labels, penalties):
    """The objective written out plainly, by ordinary double backward in two passes."""
    loss, value = make_loss(LossPhase()), 0.0
    logits = []
    for images, on in ((real, penalties.r1), (fake, penalties.r2)):
        images = images.clone().requires_grad_()
        logit = discriminator(images, labels)
        logits.append(logit)
        if on:
            (gradient,) = torch.autograd.grad(logit.sum(), images, create_graph=True)
            value = value + GAMMA / 2 * gradient.square().sum() / len(images)
    return value + loss.discriminator(*logits).mean()


@pytest.mark.parametrize("attention", [(), (8,)])
@torch.no_grad()
def test_penalties_equal_finite_differences_of_the_discriminator(attention):
    discriminator, real, fake, labels = make_case(attention, conditional=True)
    with torch.enable_grad():
        terms = backward_discriminator(
            discriminator, real, fake, labels, step_options(LossPhase(), GAMMA, PenaltyConfig())
        )
    for images, penalty in ((real, terms.r1), (fake, terms.r2)):
        expected = input_gradient_by_differences(discriminator, images, labels).square().sum((1, 2, 3))
        assert torch.allclose(penalty, expected, rtol=1e-5)


@pytest.mark.parametrize("attention", [(), (4,)])
@pytest.mark.parametrize(("r1", "r2"), [(True, True), (True, False), (False, True), (False, False)])
def test_gradients_are_those_of_the_written_out_objective(r1, r2, attention):
    discriminator, real, fake, labels = make_case(attention)
    reference = copy.deepcopy(discriminator)
    penalties = PenaltyConfig(r1, r2)
    total_loss(reference, real, fake, labels, penalties).backward()
    terms = backward_discriminator(discriminator, real, fake, labels, step_options(LossPhase(), GAMMA, penalties))
    for (name, ours), theirs in zip(discriminator.named_parameters(), reference.parameters(), strict=True):
        assert torch.allclose(ours.grad, theirs.grad, rtol=1e-9, atol=1e-12), name
    assert bool(terms.r1.any()) == r1
    assert bool(terms.r2.any()) == r2


def test_parameter_gradient_equals_finite_differences_of_the_objective():
    discriminator, real, fake, labels = make_case((8,))
    terms = backward_discriminator(discriminator, real, fake, labels, step_options(LossPhase(), GAMMA, PenaltyConfig()))
    assert terms.adversarial.shape == terms.r1.shape == (3,)
    for parameter in (
        discriminator.trunk.stages[0].blocks[0].mix.weight,
        discriminator.trunk.stages[0].blocks[1].qkv.weight,
    ):
        entry, step = (1,) + (0,) * (parameter.ndim - 1), 1e-6
        values = []
        for sign in (1, -1):
            with torch.no_grad():
                parameter[entry] += sign * step
            values.append(total_loss(discriminator, real, fake, labels, PenaltyConfig()).item())
            with torch.no_grad():
                parameter[entry] -= sign * step
        assert parameter.grad[entry].item() == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-5)
