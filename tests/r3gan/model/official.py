"""The official release's parameter names, for tests that compare with tensors of the official networks."""

import re

from r3gan.config import NetworkConfig


def our_name(official: str, network: str) -> str | None:
    """Our name of an official parameter of "G" or "D"; None for buffers that we do not keep."""
    if official.endswith("Resampler.Kernel"):
        return None
    fixed = {
        "AggregationLayer.Layer.weight": "to_rgb.weight",
        "ExtractionLayer.Layer.weight": "trunk.from_rgb.weight",
        "EmbeddingLayer.weight": "embedding.weight",
    }
    if official in fixed:
        return fixed[official]
    match = re.fullmatch(r"MainLayers\.(\d+)\.Layers\.(\d+)\.(.+)", official)
    assert match, official
    stage, layer, rest = int(match[1]), int(match[2]), match[3]
    stages = f"{'trunk.' if network == 'D' else ''}stages.{stage}"
    parts = {
        "LinearLayer1.Layer.weight": "expand.weight",
        "LinearLayer2.Layer.weight": "mix.weight",
        "LinearLayer3.Layer.weight": "project.weight",
        "NonLinearity1.Bias": "expand.bias",
        "NonLinearity2.Bias": "mix.bias",
    }
    if rest in parts:
        block = layer - 1 if network == "G" else layer
        return f"{stages}.blocks.{block}.{parts[rest]}"
    if rest == "LinearLayer.Layer.weight":  # the 1x1 between two stages
        return f"{stages}.convert.weight"
    return {
        ("G", "Basis"): "basis",
        ("G", "LinearLayer.weight"): "modulation.weight",
        ("D", "Basis.weight"): "trunk.basis.weight",
        ("D", "LinearLayer.weight"): "trunk.head.weight",
    }[network, rest]


def network_config(metadata: dict) -> NetworkConfig:
    """Our configuration for the configuration in a parity file."""
    return NetworkConfig(
        widths=tuple(metadata["widths"]),
        groups=tuple(metadata["cardinality"]),
        blocks=tuple(metadata["blocks"]),
        latent_dim=metadata["noise_dim"],
        conditional=metadata["classes"] > 0,
    )
