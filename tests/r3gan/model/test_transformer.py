"""A transformer stage in place of residual blocks: neutral by default, as its formula says, with exact gradients."""

import math
from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from r3gan.config import PenaltyConfig, TransformerConfig
from r3gan.config_checks import find_problems
from r3gan.identity import changes
from r3gan.model.networks import Discriminator, Generator, ResidualBlock, TransformerBlock, initialise
from r3gan.training.penalties import FIRST_ORDER, backward_discriminator, form_in_use
from r3gan.training.penalty_check import awake_copy
from tests.r3gan.small import small_config, small_network, step_options

AT_8 = small_network(transformer=TransformerConfig(resolutions=(8,), heads=2))


def kinds(network):
    return [type(m) for m in network.modules() if isinstance(m, ResidualBlock | TransformerBlock)]


def awake_block():
    network = Discriminator(AT_8).double()
    initialise(network, 0, "discriminator")
    return next(m for m in awake_copy(network).modules() if isinstance(m, TransformerBlock))


def test_it_takes_the_place_of_the_blocks_of_its_resolutions_and_networks_alone():
    assert "transformer" not in changes(small_network(transformer=TransformerConfig()))
    assert kinds(Generator(AT_8)) == [ResidualBlock, TransformerBlock]
    assert kinds(Discriminator(AT_8)) == [TransformerBlock, ResidualBlock]
    both = replace(AT_8, blocks=(2, 3), transformer=TransformerConfig(resolutions=(4, 8), networks=("generator",)))
    assert kinds(Generator(both)) == [TransformerBlock] * 5
    assert kinds(Discriminator(both)) == [ResidualBlock] * 5


def test_a_new_stage_begins_as_identity():
    network = Generator(AT_8)
    initialise(network, 0, "generator")
    block = next(m for m in network.modules() if isinstance(m, TransformerBlock))
    x = torch.randn(2, 8, 8, 8)
    assert torch.equal(block(x), x)


def test_a_block_is_its_formula_written_out_with_matrices():
    block, x = awake_block(), torch.randn(2, 8, 8, 8, dtype=torch.float64)
    attention, perceptron = block.attention, block.perceptron
    tokens = x.flatten(2).mT  # [N, T, C]
    seen = (x + attention.position.offset).flatten(2).mT
    q, k, v = (part.unflatten(2, (2, 4)).transpose(1, 2) for part in (seen @ weight(attention.qkv).t()).chunk(3, dim=2))
    attended = torch.softmax(q @ k.mT / math.sqrt(4), dim=-1) @ v
    tokens = tokens + attended.transpose(1, 2).flatten(2) @ weight(attention.project).t()
    hidden = F.leaky_relu(tokens @ weight(perceptron.expand).t() + perceptron.expand.bias, 0.2)
    assert hidden.shape == (2, 64, 32)
    tokens = tokens + hidden @ weight(perceptron.project).t()
    assert torch.allclose(block(x), tokens.mT.unflatten(2, (8, 8)))


def weight(conv):
    return conv.weight[:, :, 0, 0]


@pytest.mark.parametrize("activation", ["leaky-relu", "gelu"])
def test_gradients_and_their_gradients_are_exact(activation):
    network = small_network(widths=(4,), groups=(1,), blocks=(1,), activation=activation)
    network = replace(network, transformer=TransformerConfig(resolutions=(4,), heads=2))
    d = Discriminator(network).double()
    initialise(d, 0, "discriminator")
    d = awake_copy(d)
    x = torch.randn(1, 3, 4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(d, (x,))
    assert torch.autograd.gradgradcheck(d, (x,))


@pytest.mark.parametrize("resolutions", [(8,), (4,), (4, 8)])
@pytest.mark.parametrize("normalisation", ["none", "magnitude-preserving"])
def test_the_first_order_form_is_that_of_double_backward(resolutions, normalisation):
    transformer = TransformerConfig(resolutions=resolutions, heads=2)
    network = small_network(blocks=(2, 1), transformer=transformer, normalisation=normalisation)
    d = Discriminator(network).double()
    initialise(d, 0, "discriminator")
    d = awake_copy(d)
    assert form_in_use(d, PenaltyConfig()) == FIRST_ORDER
    real, fake = torch.randn(2, 3, 3, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = []
    for form in ("first-order", "double"):
        d.zero_grad(set_to_none=True)
        backward_discriminator(d, real, fake, None, step_options(penalty_form=form))
        found.append({name: p.grad.clone() for name, p in d.named_parameters()})
    for name, theirs in found[1].items():
        assert torch.allclose(found[0][name], theirs, atol=1e-10), name


def test_resolutions_and_heads_that_do_not_fit_are_problems():
    for wrong in ({"resolutions": (16,)}, {"resolutions": (8,), "heads": 3}, {"heads": 0}, {"networks": ()}):
        (problem,) = find_problems(small_config(network=small_network(transformer=TransformerConfig(**wrong))))
        assert problem.path[:2] == ("network", "transformer")
