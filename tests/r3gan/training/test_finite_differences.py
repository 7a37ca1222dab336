"""The estimate of R1 and R2 against what it estimates, in float64 where D is linear over the distance."""

import copy

import pytest
import torch

from r3gan.config import LossPhase, PenaltyConfig
from r3gan.training.augment import draw_noise, make_augmentation
from r3gan.training.losses import make_loss
from r3gan.training.penalties import DIFFERENCES, backward_discriminator, form_in_use
from tests.r3gan.small import small_network, step_options
from tests.r3gan.training.test_first_order import make_discriminator, make_pairs

GAMMA, COUNT = 3.0, 3


def options(sigma, **penalties):
    return step_options(LossPhase(), GAMMA, PenaltyConfig(finite_difference_sigma=sigma, **penalties))


@pytest.mark.parametrize("augments", [False, True])
@pytest.mark.parametrize(("r1", "r2"), [(True, True), (True, False), (False, True)])
def test_terms_and_gradients_are_those_of_the_directional_derivative(r1, r2, augments):
    """A small sigma crosses no kink: (D(x + sigma e) - D(x)) / sigma is then e's product with D's gradient."""
    network = small_network(conditional=True)
    discriminator = make_discriminator(network)
    reference = copy.deepcopy(discriminator)
    real, fake, labels = make_pairs(network, COUNT)
    directions = torch.randn(2 * COUNT, 3, 8, 8, dtype=torch.float64)
    noise = draw_noise(2 * COUNT, torch.Generator().manual_seed(1)).double()
    augment = make_augmentation(noise, 0.5, 8) if augments else None
    terms = backward_discriminator(
        discriminator, real, fake, labels, options(1e-7, r1=r1, r2=r2), augment=augment, directions=directions
    )
    images = torch.cat([real, fake]).requires_grad_()
    logits = reference(images if augment is None else augment(images), torch.cat([labels, labels]))
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    on = torch.tensor([r1] * COUNT + [r2] * COUNT)
    squares = on * (gradient * directions).sum((1, 2, 3)).square()
    loss = make_loss(LossPhase()).discriminator(*logits.split(COUNT)).sum()
    ((loss + GAMMA / 2 * squares.sum()) / COUNT).backward()
    assert torch.allclose(torch.cat([terms.r1, terms.r2]), squares.detach(), rtol=1e-5)
    for (name, ours), theirs in zip(discriminator.named_parameters(), reference.parameters(), strict=True):
        assert torch.allclose(ours.grad, theirs.grad, rtol=1e-4, atol=1e-6), name


def test_directions_that_are_a_basis_add_up_to_the_exact_penalty():
    """The mean over directions e with E e e' = I is |g|^2: here the sum over all unit vectors, without any chance."""
    network = small_network()
    discriminator = make_discriminator(network)
    image = torch.randn(1, 3, 8, 8, dtype=torch.float64)
    unit = torch.eye(192, dtype=torch.float64).view(192, 3, 8, 8)
    many = image.expand(192, -1, -1, -1)
    terms = backward_discriminator(
        discriminator, many, many, None, options(1e-7), directions=torch.cat([unit, 0 * unit])
    )
    exact = backward_discriminator(discriminator, image, image, None, step_options(LossPhase(), GAMMA, PenaltyConfig()))
    assert terms.r1.sum() == pytest.approx(exact.r1.item(), rel=1e-5)
    assert not terms.r2.any()


def test_a_larger_sigma_is_another_estimate():
    network = small_network()
    found = []
    for sigma in (1e-7, 1.0):
        discriminator = make_discriminator(network)
        directions = torch.randn(8, 3, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        torch.manual_seed(5)
        terms = backward_discriminator(discriminator, *make_pairs(network), options(sigma), directions=directions)
        found.append(terms.r1)
    assert not torch.allclose(*found, rtol=1e-2)


@pytest.mark.parametrize("asked", ["auto", "double", "first-order"])
@pytest.mark.parametrize("network", [small_network(), small_network(activation="gelu")])
def test_every_network_takes_them_whatever_exact_form_is_asked_for(network, asked):
    """They are another training: --penalty-form says how the exact penalties are computed."""
    penalties = PenaltyConfig(finite_difference_sigma=0.1)
    assert form_in_use(make_discriminator(network), penalties, asked) == DIFFERENCES
