"""What must hold among the keys of a network, whatever the dataset."""

from dataclasses import dataclass
from typing import Literal

from r3gan.config import PER_NETWORK, AttentionConfig, NetworkConfig, TransformerConfig
from r3gan.quantities import MOST_SIDE

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """Something wrong with a configuration: where (a path of keys) and what was expected."""

    path: Path
    message: str


def network_problems(network: NetworkConfig) -> list[Problem]:
    """Everything about a network that cannot work, whose numbers are each within their ranges."""
    problems = []
    stages = len(network.widths)
    if stages == 0:
        return [Problem(("network", "widths"), "at least one stage is needed")]
    if network.base_resolution << (stages - 1) > MOST_SIDE:
        expected = f"twice the size of the one before it: {MOST_SIDE} is the most"
        return [Problem(("network", "widths"), f"{stages} stages are too many, each {expected}")]
    for key in ("widths", "groups", "blocks"):
        values = getattr(network, key)
        if len(values) != stages:
            problems.append(
                Problem(("network", key), f"has {len(values)} entries, but network.widths has {stages}: one per stage")
            )
    if problems:
        return problems
    for i, (width, groups) in enumerate(zip(network.widths, network.groups, strict=True)):
        if (width * network.expansion) % groups:
            problems.append(
                Problem(
                    ("network", "groups", i),
                    f"{groups} does not divide the {width * network.expansion} channels inside that stage's blocks",
                )
            )
    if not 0 <= network.bf16_stages <= stages:
        problems.append(Problem(("network", "bf16_stages"), f"{network.bf16_stages} must be between 0 and {stages}"))
    if not -stages < network.fp16_stages <= stages:
        expected = f"must be between {1 - stages} and {stages}"
        problems.append(Problem(("network", "fp16_stages"), f"{network.fp16_stages} {expected}"))
    elif network.fp16_stages and network.bf16_stages:
        what = "float16 and bfloat16 in one network: set bf16_stages to 0"
        problems.append(Problem(("network", "fp16_stages"), what))
    if network.kernel % 2 == 0:
        problems.append(Problem(("network", "kernel"), f"{network.kernel} must be odd: 1, 3, 5 and so on"))
    if network.capacity.blocks and len(network.capacity.blocks) != stages:
        problems.append(
            Problem(
                ("network", "capacity", "blocks"),
                f"has {len(network.capacity.blocks)} entries, one for each of the {stages} stages was expected",
            )
        )
    problems += [
        Problem(("network", key), "name generator, discriminator or both")
        for key in PER_NETWORK
        if not getattr(network, key)
    ]
    attending = [p for key in ("attention", "transformer") for p in _attention_problems(network, key)]
    return problems + attending + _style_problems(network)


def _style_problems(network: NetworkConfig) -> list[Problem]:
    style, path = network.style, ("network", "style")
    problems = []
    if style.mixing and style.modulation == "none":
        problems.append(Problem((*path, "mixing"), "mixes the styles of blocks: it needs modulation: blocks"))
    if network.transformer.resolutions and "generator" in network.transformer.networks:
        message = "is of residual blocks, and G has transformer blocks in their place: leave one of the two out"
        wanted = {"modulation": style.modulation != "none", "noise": style.noise}
        problems += [Problem((*path, key), message) for key, is_set in wanted.items() if is_set]
    return problems


def _attention_problems(network: NetworkConfig, key: Literal["attention", "transformer"]) -> list[Problem]:
    """What is wrong with where blocks that attend are, and with their heads."""
    attention: AttentionConfig | TransformerConfig = getattr(network, key)
    path = ("network", key)
    by_resolution = dict(zip(network.resolutions, network.widths, strict=True))
    problems = []
    if not attention.networks:
        problems.append(Problem((*path, "networks"), "name generator, discriminator or both"))
    for i, resolution in enumerate(attention.resolutions):
        if resolution not in by_resolution:
            known = ", ".join(map(str, by_resolution))
            problems.append(
                Problem((*path, "resolutions", i), f"{resolution} is not a resolution of this network ({known})")
            )
        elif by_resolution[resolution] % attention.heads:
            width = by_resolution[resolution]
            problems.append(
                Problem(
                    (*path, "heads"),
                    f"{attention.heads} does not divide the width {width} at {resolution}x{resolution}",
                )
            )
    return problems
