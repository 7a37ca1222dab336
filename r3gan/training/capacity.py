"""Moving capacity between the resolutions at an equal budget: widths are solved for, blocks are given.

The budget is that of the network as it is otherwise written: parameters of G and D, or operations of one forward pass
of each, counted on the networks themselves (without class embeddings).
"""

import math
from dataclasses import replace
from functools import cache

import torch

from r3gan.config import CapacityConfig, NetworkConfig
from r3gan.model.networks import Discriminator, Generator
from r3gan.tables.capacities import CAPACITIES
from r3gan.tables.lookup import row_of
from r3gan.training.estimate import Meter

WIDEST = 16  # times the widths as they are written, in the search
BISECTIONS = 12


@cache
def solved(network: NetworkConfig) -> NetworkConfig:
    """The network with the widths, groups and blocks that `network.capacity` asks for; the same if it asks for none.

    Widths are multiples that keep the channels of a group and that the heads divide: the shape times a factor, rounded;
    and, where that is the last step over the budget, as many stages of the larger widths as come nearest to it.
    """
    asked = network.capacity
    if asked == CapacityConfig():
        return network
    plain = replace(network, capacity=CapacityConfig())
    shaped = replace(plain, blocks=asked.blocks or network.blocks)
    budget = count(plain, asked.equal)
    shape, multiple = shape_of(network), multiple_of(network)

    def made(multiples: tuple[int, ...]) -> NetworkConfig:
        widths = tuple(multiple * m for m in multiples)
        groups = tuple(max(1, w * network.expansion // channels_per_group(network)) for w in widths)
        return replace(shaped, widths=widths, groups=groups)

    def error(multiples: tuple[int, ...]) -> float:
        return abs(count(made(multiples), asked.equal) / budget - 1)

    def at(factor: float) -> tuple[int, ...]:
        return tuple(max(1, round(factor * share / multiple)) for share in shape)

    low, high = 0.0, WIDEST * max(network.widths) / max(shape)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if count(made(at(middle)), asked.equal) < budget else (low, middle)
    return replace(made(min(between(at(low), at(high)), key=error)), capacity=asked)


def between(fewer: tuple[int, ...], more: tuple[int, ...]) -> list[tuple[int, ...]]:
    """From one to the other, a stage at a time, from either end."""
    places = range(len(fewer) + 1)
    return [(*more[:i], *fewer[i:]) for i in places] + [(*fewer[:i], *more[i:]) for i in places]


def shape_of(network: NetworkConfig) -> tuple[float, ...]:
    """Widths up to a common factor."""
    per_stage = row_of(CAPACITIES, "capacity", network.capacity.shape).per_stage
    return network.widths if per_stage is None else tuple(per_stage**i for i in range(len(network.widths)))


def channels_per_group(network: NetworkConfig) -> int:
    """Of the lowest stage's grouped convolutions."""
    return network.widths[0] * network.expansion // network.groups[0]


def multiple_of(network: NetworkConfig) -> int:
    """What every width is a multiple of: whole groups, and whole heads where there is attention."""
    channels = channels_per_group(network)
    whole_groups = channels // math.gcd(channels, network.expansion)
    heads = [each.heads for each in (network.attention, network.transformer) if each.resolutions]
    return math.lcm(whole_groups, *heads)


@cache
def count(network: NetworkConfig, what: str) -> int:
    """Parameters, or operations of one forward pass with one image, of G and D together."""
    plain = replace(network, conditional=False, minibatch_kernels=0)  # which takes no single image
    with torch.device("meta"), torch.no_grad():
        generator, discriminator = Generator(plain), Discriminator(plain)
        if what == "parameters":
            return sum(p.numel() for part in (generator, discriminator) for p in part.parameters())
        with Meter() as meter:
            generator(torch.empty(1, generator.latent_dim))
            discriminator(torch.empty(1, network.image_channels, network.resolution, network.resolution))
        return meter.flops
