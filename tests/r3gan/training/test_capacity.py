"""Capacity moved between resolutions: the budget is met, the shape kept, and the widths stand for it in identities."""

from dataclasses import replace

import pytest
import torch

from r3gan.config import AttentionConfig, CapacityConfig, NetworkConfig
from r3gan.config_checks import find_problems
from r3gan.identity import configuration_identity
from r3gan.model.networks import Discriminator, Generator
from r3gan.preset_choice import PresetChoice
from r3gan.settings.layers import Origin, annotate
from r3gan.settings.typed import validate, whole_preset
from r3gan.tables.capacities import CAPACITIES
from r3gan.training.capacity import count, multiple_of, solved
from tests.r3gan.small import small_config

NETWORK = NetworkConfig(widths=(64, 64, 48), groups=(8, 8, 6), blocks=(2, 2, 2), latent_dim=16)


def asked(network=NETWORK, **capacity):
    return replace(network, capacity=CapacityConfig(**capacity))


def plain(network):
    return replace(network, capacity=CapacityConfig())


@pytest.mark.parametrize(
    ("shape", "equal"),
    [*((name, "parameters") for name in CAPACITIES if name != "as-given"), ("low", "operations")],
)
def test_widths_are_solved_for_the_budget_and_keep_shape_and_groups(shape, equal):
    found = solved(asked(shape=shape, equal=equal))
    assert count(plain(found), equal) == pytest.approx(count(NETWORK, equal), rel=0.05)
    assert [w * 2 / g for w, g in zip(found.widths, found.groups, strict=True)] == [16] * 3
    per_stage, multiple = CAPACITIES[shape].per_stage, multiple_of(NETWORK)
    assert multiple == 8
    for lower, upper in zip(found.widths, found.widths[1:], strict=False):
        assert abs(upper - per_stage * lower) <= 1.5 * multiple
    assert not [p for p in find_problems(replace(small_config(), network=found)) if p.path[0] == "network"]


def test_blocks_are_moved_at_the_same_budget_and_widths_keep_their_ratios():
    found = solved(asked(blocks=(1, 1, 4)))
    assert found.blocks == (1, 1, 4)
    assert count(plain(found), "parameters") == pytest.approx(count(NETWORK, "parameters"), rel=0.06)
    assert found.widths[0] > NETWORK.widths[0]
    assert found.widths[2] / found.widths[0] == pytest.approx(0.75, abs=0.1)


def test_heads_divide_the_widths_that_are_solved_for():
    network = replace(NETWORK, attention=AttentionConfig(resolutions=(8,), heads=3))
    found = solved(asked(network, shape="high"))
    assert [width % 24 for width in found.widths] == [0, 0, 0]


def test_parameters_and_operations_are_those_of_the_networks():
    network = NetworkConfig(widths=(8,), groups=(2,), blocks=(1,), latent_dim=5, conditional=True)
    pair = Generator(replace(network, conditional=False)), Discriminator(replace(network, conditional=False))
    assert count(network, "parameters") == sum(p.numel() for part in pair for p in part.parameters())
    block = 16 * (8 * 16 + 9 * 16 * 8 + 16 * 8)  # of 4x4 pixels
    ends = 16 * 3 * 8  # to and from RGB
    assert count(network, "operations") == 2 * (2 * block + 2 * ends + 5 * 8 + 8)


def test_what_asks_for_nothing_is_left_as_it_is():
    assert solved(NETWORK) is NETWORK


def test_a_setting_is_resolved_to_widths_which_stand_for_it_in_identities():
    preset = whole_preset(PresetChoice("digits-8x8"))

    def config(network):
        node = annotate({**preset, "network": preset["network"] | network}, lambda path: Origin("here", ""))
        found, problems = validate(node, preset, "stacked-digits", 0)
        assert problems == []
        return found

    moved = config({"capacity": {"shape": "high", "blocks": [], "equal": "parameters"}})
    assert moved.network.widths != tuple(preset["network"]["widths"])
    widths, groups = list(moved.network.widths), list(moved.network.groups)
    written = config({"widths": widths, "groups": groups})
    assert configuration_identity(moved) == configuration_identity(written)


@pytest.mark.parametrize("kernel", [1, 5])
def test_the_kernel_is_that_of_the_grouped_convolution_and_keeps_the_size(kernel):
    network = replace(NETWORK, kernel=kernel)
    assert Generator(network)(torch.randn(2, 16)).shape == (2, 3, 16, 16)
    assert Discriminator(network).trunk.stages[0].blocks[0].mix.weight.shape == (96, 16, kernel, kernel)


@pytest.mark.parametrize(
    ("changes", "key", "message"),
    [
        ({"kernel": 2}, ("network", "kernel"), "2 must be odd"),
        ({"capacity": CapacityConfig(blocks=(1,))}, ("network", "capacity", "blocks"), "has 1 entries"),
        ({"capacity": CapacityConfig(blocks=(1, 0))}, ("network", "capacity", "blocks", 1), "0 must be from 1 to 64"),
        ({"resampling_networks": ()}, ("network", "resampling_networks"), "name generator"),
    ],
)
def test_mistakes_are_named_with_their_keys(changes, key, message):
    config = small_config()
    (problem,) = find_problems(replace(config, network=replace(config.network, **changes)))
    assert problem.path == key
    assert problem.message.startswith(message)
