"""Activations: their gains, what is piecewise linear, the learned one, and where they go."""

import math

import pytest
import torch

from r3gan.model.networks import Discriminator, Generator, initialise
from r3gan.tables.activations import ACTIVATIONS, SMU_START
from r3gan.training.penalties import FIRST_ORDER, TWICE, form_in_use
from tests.r3gan.small import small_config, small_network


def apply(name, x):
    row = ACTIVATIONS[name]
    return row.function(x.clone(), *([] if row.learned is None else [torch.tensor([row.learned], dtype=x.dtype)]))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_gains_keep_the_variance_of_normal_inputs(name):
    x = torch.linspace(-12, 12, 240_001, dtype=torch.float64)
    density = torch.exp(-x.square() / 2) / math.sqrt(2 * math.pi)
    second_moment = torch.trapezoid(apply(name, x).square() * density, x).item()
    assert ACTIVATIONS[name].gain == pytest.approx(second_moment**-0.5, rel=1e-6)


@pytest.mark.parametrize("name", [name for name, row in ACTIVATIONS.items() if row.negative_slope is not None])
def test_what_names_a_slope_is_linear_on_either_side_of_zero(name):
    x, slope = torch.tensor([-3.0, -1.0, 0.0, 1.0, 3.0]), ACTIVATIONS[name].negative_slope
    assert torch.equal(apply(name, x), torch.where(x > 0, x, slope * x))


def test_silu_is_swish():
    assert ACTIVATIONS["silu"].function == ACTIVATIONS["swish"].function
    assert ACTIVATIONS["silu"].gain == ACTIVATIONS["swish"].gain


def test_smu_is_a_leaky_relu_when_it_is_sharp_and_linear_when_it_is_not():
    x = torch.linspace(-3, 3, 61, dtype=torch.float64)
    smu = ACTIVATIONS["smu"].function
    assert torch.allclose(smu(x, torch.tensor([1e6], dtype=x.dtype)), apply("leaky-relu", x), atol=1e-9)
    assert torch.allclose(smu(x, torch.zeros(1, dtype=x.dtype)), 0.6 * x)


def test_smu_has_right_first_and_second_derivatives_in_its_input_and_its_sharpness():
    x = torch.randn(7, dtype=torch.float64, requires_grad=True)
    mu = torch.tensor([1.3], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(ACTIVATIONS["smu"].function, (x, mu))
    assert torch.autograd.gradgradcheck(ACTIVATIONS["smu"].function, (x, mu))


def test_every_smu_layer_trains_a_sharpness_of_its_own_that_begins_where_the_table_says():
    plain, smooth = (Discriminator(small_network(activation=name)) for name in ("leaky-relu", "smu"))
    initialise(smooth, 3, "discriminator")
    names = {name for name, _ in smooth.named_parameters()} - {name for name, _ in plain.named_parameters()}
    assert len(names) == 4  # two layers in each of two blocks
    assert all(smooth.get_parameter(name).item() == SMU_START for name in names)
    assert form_in_use(smooth, small_config().penalties) == TWICE


def test_without_an_activation_after_the_grouped_convolution_a_block_is_what_it_says():
    network = Generator(small_network(activation_after_mix="none")).double()
    block = network.stages[0].blocks[0]
    torch.nn.init.normal_(block.project.weight)
    torch.nn.init.normal_(block.expand.weight)
    torch.nn.init.normal_(block.mix.weight)
    x = torch.randn(2, 16, 4, 4, dtype=torch.float64)
    conv = torch.nn.functional.conv2d
    hidden = torch.nn.functional.leaky_relu(conv(x, block.expand.weight), 0.2)
    expected = x + conv(conv(hidden, block.mix.weight, padding=1, groups=4), block.project.weight)
    assert block.mix.bias is None
    assert torch.allclose(block(x), expected)


def test_the_layer_without_an_activation_starts_with_a_linear_gain():
    stds = {}
    for after in ("same", "none"):
        network = Generator(small_network(widths=(64,), groups=(4,), blocks=(1,), activation_after_mix=after))
        stds[after] = network.stages[0].blocks[0].mix.init_std
    assert stds["same"] / stds["none"] == pytest.approx(ACTIVATIONS["leaky-relu"].gain)


@pytest.mark.parametrize("networks", [("generator",), ("discriminator",), ("generator", "discriminator")])
def test_an_activation_goes_only_where_it_is_asked_for(networks):
    config = small_network(activation="smu", activation_after_mix="none", activation_networks=networks)
    for cls, name in ((Generator, "generator"), (Discriminator, "discriminator")):
        learned = [key for key, _ in cls(config).named_parameters() if "sharpness" in key]
        assert len(learned) == (2 if name in networks else 0)
    discriminator = Discriminator(config)
    form = form_in_use(discriminator, small_config().penalties)
    assert form == (TWICE if "discriminator" in networks else FIRST_ORDER)


def test_networks_that_share_weights_by_name_start_equal_whatever_their_activation():
    networks = [Generator(small_network(activation=name)) for name in ("gelu", "smu", "relu")]
    drawn = []
    for network in networks:
        initialise(network, 3, "generator")
        layer = network.stages[1].blocks[0].mix
        drawn.append(layer.weight / layer.init_std)
    assert torch.allclose(drawn[0], drawn[1])
    assert torch.allclose(drawn[0], drawn[2])
