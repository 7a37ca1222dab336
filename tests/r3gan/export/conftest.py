from dataclasses import replace

import pytest
import torch

from r3gan.config import AttentionConfig, StyleConfig
from r3gan.model.networks import Generator
from r3gan.snapshot import save_weights
from tests.r3gan.small import small_config, small_network

CLASSES = 3
NETWORKS = {
    "plain": small_network(),
    "conditional with attention": small_network(
        conditional=True, attention=AttentionConfig(resolutions=(4, 8)), bf16_stages=1
    ),
    "conditional with styles": small_network(
        conditional=True, style=StyleConfig(mapping_layers=2, modulation="blocks", noise=True)
    ),
}


@pytest.fixture(scope="session", params=NETWORKS)
def weights_file(request, tmp_path_factory):
    """A file of weights of a tiny network at 8x8, all of its parameters random."""
    network = NETWORKS[request.param]
    generator = Generator(network, CLASSES)
    draws = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=draws) / max(1, parameter[0].numel()) ** 0.5 * 0.75)
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    save_weights(generator, path, replace(small_config(), network=network), images=5000)
    return path
