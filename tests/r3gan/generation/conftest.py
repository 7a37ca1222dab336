from dataclasses import replace

import pytest
import torch

from r3gan.model.networks import Generator
from r3gan.snapshot import save_weights
from tests.r3gan.small import small_config, small_network
from tests.r3gan.training.test_train import run_inside

CLASSES = 3


@pytest.fixture(scope="session")
def job(tmp_path_factory):
    """An unconditional training of 80 images that has finished."""
    config = small_config(seed=3, total_kimg=0.08)
    config = replace(config, evaluation=replace(config.evaluation, metrics=()))
    return run_inside(config, tmp_path_factory.mktemp("job"))[0]


@pytest.fixture(scope="session")
def conditional(tmp_path_factory):
    """A file of weights of a conditional network at 8x8 with three classes, all of its parameters random."""
    path = tmp_path_factory.mktemp("conditional") / "weights.safetensors"
    save_weights(random_generator(), path, small_config(network=small_network(conditional=True)), images=5000)
    return path


def random_generator():
    generator = Generator(small_network(conditional=True), CLASSES)
    draws = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=draws) / max(1, parameter[0].numel()) ** 0.5)
    return generator
