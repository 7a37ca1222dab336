import numpy as np
import pytest
import torch

from r3gan.config import StyleConfig
from r3gan.data.manifest import Manifest
from r3gan.data.store import ImageSet
from r3gan.exploration.subject import Subject
from r3gan.generation.load import LoadedGenerator
from r3gan.model.networks import Generator
from r3gan.snapshot import Snapshot
from tests.r3gan.small import small_network

CLASSES = 3


def random_generator(network):
    generator = Generator(network, CLASSES)
    draws = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=draws) / max(1, parameter[0].numel()) ** 0.5)
    return generator.eval().requires_grad_(False)


@pytest.fixture
def make_subject():
    """Subjects of a generator at 8x8, all of whose parameters are random; fields can be changed."""

    def make(real=None, conditional=True, style=None, **fields):
        network = small_network(conditional=conditional, style=StyleConfig(**style or {}))
        generator = random_generator(network)
        loaded = LoadedGenerator(
            Snapshot(generator=generator, network=network, dataset=None, images=5000, chosen=False)
        )
        missing = "" if real else "there are none."
        given = {"missing": missing, "seeds": (0, 1, 2), "samples": 60, "at_once": 16, "device": torch.device("cpu")}
        return Subject(loaded=loaded, real=real, **(given | fields))

    return make


@pytest.fixture
def noise():
    """A set of 70 noisy 8x8 images in three classes of 40, 20 and 10."""
    images = np.random.default_rng(0).integers(0, 256, (70, 8, 8, 3), dtype=np.uint8)
    labels = torch.arange(3).repeat_interleave(torch.tensor([40, 20, 10]))
    manifest = Manifest(
        name="noise",
        source="here",
        count=70,
        resolution=8,
        classes=3,
        label_histogram=(40, 20, 10),
        content_hash="0" * 16,
        class_names=("ape", "b&w <cat>", "cow"),
    )
    return ImageSet("noise", manifest, torch.from_numpy(images), labels)
