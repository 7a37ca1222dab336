"""What the official release calls its parameters, and what we call them."""

import re

FIXED = {
    "AggregationLayer.Layer.weight": "to_rgb.weight",
    "ExtractionLayer.Layer.weight": "trunk.from_rgb.weight",
    "EmbeddingLayer.weight": "embedding.weight",
}
IN_BLOCK = {
    "LinearLayer1.Layer.weight": "expand.weight",
    "LinearLayer2.Layer.weight": "mix.weight",
    "LinearLayer3.Layer.weight": "project.weight",
    "NonLinearity1.Bias": "expand.bias",
    "NonLinearity2.Bias": "mix.bias",
}
AT_4X4 = {
    "G": {"Basis": "basis", "LinearLayer.weight": "modulation.weight"},
    "D": {"Basis.weight": "trunk.basis.weight", "LinearLayer.weight": "trunk.head.weight"},
}
KERNEL = "Resampler.Kernel"  # a buffer that we keep no copy of


def our_name(official: str, network: str) -> str | None:
    """Our name of an official parameter of "G" or "D"; None for kernels of resampling. Raises KeyError for others."""
    if official.endswith(KERNEL):
        return None
    if official in FIXED:
        return FIXED[official]
    match = re.fullmatch(r"MainLayers\.(\d{1,2})\.Layers\.(\d{1,2})\.(.+)", official)
    if match is None:
        raise KeyError(official)
    stage, layer, rest = int(match[1]), int(match[2]), match[3]
    stages = f"{'trunk.' if network == 'D' else ''}stages.{stage}"
    if rest in IN_BLOCK:
        return f"{stages}.blocks.{layer - 1 if network == 'G' else layer}.{IN_BLOCK[rest]}"
    if rest == "LinearLayer.Layer.weight":  # the 1x1 between two stages
        return f"{stages}.convert.weight"
    return AT_4X4[network][rest]
