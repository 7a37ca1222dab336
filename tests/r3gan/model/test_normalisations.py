"""Normalisations: what they compute, where they go, and that a block still starts as the identity."""

import copy

import pytest
import torch
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from r3gan.config import AttentionConfig
from r3gan.model.conv import Conv, follow_weights, prepare_weights, ruled, settle_weights
from r3gan.model.group_norm import GroupNorm
from r3gan.model.networks import Discriminator, Generator, initialise
from r3gan.tables.normalisations import NORMALISATIONS
from tests.r3gan.small import small_network

DOUBLE = torch.float64


def conv(normalisation, **options):
    layer = Conv(12, 32, **options, normalisation=normalisation).double()
    torch.nn.init.normal_(layer.weight)
    settle_weights(layer)
    return layer


@pytest.mark.parametrize("name", NORMALISATIONS)
def test_residual_blocks_start_as_the_identity(name):
    config = small_network(normalisation=name, attention=AttentionConfig(resolutions=(8,)))
    for cls, network_name in ((Generator, "generator"), (Discriminator, "discriminator")):
        network = cls(config)
        initialise(network, 0, network_name)
        stages = network.stages if cls is Generator else network.trunk.stages
        x = torch.randn(2, 8, 8, 8)
        assert torch.equal(stages[1 if cls is Generator else 0].blocks(x), x)


@pytest.mark.parametrize("name", NORMALISATIONS)
def test_a_normalisation_goes_only_where_it_is_asked_for(name):
    for networks in (("generator",), ("discriminator",)):
        config = small_network(normalisation=name, normalisation_networks=networks)
        for cls, network_name in ((Generator, "generator"), (Discriminator, "discriminator")):
            modules = list(cls(config).modules())
            has = any(isinstance(m, GroupNorm) or (isinstance(m, Conv) and m.rule is not None) for m in modules)
            assert has == (network_name in networks and name != "none")


def test_group_norm_comes_before_bias_and_activation_and_nowhere_else():
    layer = conv("group-norm", activation="leaky-relu")
    torch.nn.init.normal_(layer.norm.weight)
    torch.nn.init.normal_(layer.bias)
    x = torch.randn(3, 12, 4, 4, dtype=DOUBLE)
    y = F.conv2d(x, layer.weight).view(3, 2, 16, 4, 4)  # two groups of 16 channels
    mean, variance = y.mean((2, 3, 4), keepdim=True), y.var((2, 3, 4), unbiased=False, keepdim=True)
    y = ((y - mean) / (variance + 1e-5).sqrt()).view(3, 32, 4, 4)
    expected = F.leaky_relu(y * layer.norm.weight[:, None, None] + layer.bias[:, None, None], 0.2)
    assert torch.allclose(layer(x), expected)
    assert conv("group-norm").norm is None  # nothing is activated


@pytest.mark.parametrize(("channels", "groups"), [(8, 1), (32, 2), (24, 3), (18, 9)])
def test_groups_hold_16_channels_or_the_largest_common_divisor(channels, groups):
    assert GroupNorm(channels).groups == groups


def test_magnitude_preserving_filters_have_the_norm_of_their_gain_whatever_is_stored():
    layer = conv("magnitude-preserving", kernel=3, gain=1.3, activation="leaky-relu")
    norms = layer.used_weight().flatten(1).norm(dim=1)
    assert torch.allclose(norms, torch.full_like(norms, 1.3))
    used = layer.used_weight().clone()
    with torch.no_grad():
        layer.weight.mul_(torch.rand(32, 1, 1, 1, dtype=DOUBLE) + 0.5)
    assert torch.allclose(layer.used_weight(), used)
    prepare_weights(layer)
    assert torch.allclose(layer.weight.flatten(1).square().mean(1), torch.ones(32, dtype=DOUBLE))
    assert torch.allclose(layer.used_weight(), used)


def test_gradients_of_magnitude_preserving_weights_are_orthogonal_to_them():
    layer = conv("magnitude-preserving")
    layer(torch.randn(3, 12, 4, 4, dtype=DOUBLE)).square().sum().backward()
    products = (layer.weight.grad * layer.weight).flatten(1).sum(1)
    assert products.abs().max() < 1e-9 * layer.weight.grad.norm()


def test_spectral_weights_are_those_of_the_library_and_so_are_their_gradients():
    layer = conv("spectral", kernel=3)
    theirs = torch.nn.Conv2d(12, 32, 3, padding=1, bias=False).double()
    with torch.no_grad():
        theirs.weight.copy_(layer.weight)
    theirs = spectral_norm(theirs)
    theirs.parametrizations.weight[0]._u.copy_(layer.rule.left)
    theirs.parametrizations.weight[0]._v.copy_(layer.rule.right)
    x = torch.randn(3, 12, 4, 4, dtype=DOUBLE)
    theirs.eval()  # in training mode it iterates whenever it is used
    for y in (layer(x), theirs(x)):
        y.square().sum().backward()
    assert torch.allclose(layer(x), theirs(x))
    assert torch.allclose(layer.weight.grad, theirs.parametrizations.weight.original.grad)


@pytest.mark.parametrize("change", [prepare_weights, follow_weights])
def test_the_power_iteration_reaches_the_largest_singular_value_and_follows_the_weight(change):
    layer = conv("spectral")
    with torch.no_grad():
        layer.weight.normal_()
    for _ in range(200):
        change(layer)
    assert torch.linalg.matrix_norm(layer.used_weight().flatten(1), 2).item() == pytest.approx(1, rel=1e-6)


def test_what_has_no_rule_is_left_alone_and_the_averages_weights_are_not_put_back():
    plain, average = Generator(small_network()), conv("magnitude-preserving")
    before = copy.deepcopy(plain.state_dict())
    prepare_weights(plain)
    assert all(torch.equal(value, plain.state_dict()[key]) for key, value in before.items())
    stored = average.weight.clone()
    follow_weights(average)
    assert torch.equal(average.weight, stored)


@pytest.mark.parametrize("name", ["magnitude-preserving", "spectral"])
def test_every_convolution_has_the_rule_and_linear_maps_have_none(name):
    network = Discriminator(small_network(normalisation=name, attention=AttentionConfig(resolutions=(4,))))
    assert len(list(ruled(network))) == sum(isinstance(module, Conv) for module in network.modules()) == 10
